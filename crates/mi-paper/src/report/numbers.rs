//! How numbers are written in tables.

pub(crate) use mi_plot::grouped;

use crate::configurations::Sample;
use crate::record::{Metric, Unit};
use crate::report::table::MISSING;

/// Decimals of a metric: accuracies need four to show differences between critics, estimates of
/// hundredths of a nat to show any.
pub(crate) fn decimals(metric: Metric) -> usize {
    match metric {
        Metric::Accuracy
        | Metric::AccuracyConverged
        | Metric::AccuracyClassifier
        | Metric::Estimate
        | Metric::TrueMi
        | Metric::Ceiling => 4,
        _ if metric.unit() == Unit::Nats => 3,
        _ => 2,
    }
}

/// A number with the given decimals and a true minus sign.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return mi_plot::number(value);
    }
    let text = format!("{value:.decimals$}");
    let zero = text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.');
    if zero { text.replace('-', "") } else { text.replace('-', "−") }
}

/// Mean ± standard deviation over seeds, or the value of a single seed.
pub(crate) fn mean_and_deviation(sample: Option<&Sample>, metric: Metric) -> String {
    let Some(sample) = sample else { return MISSING.to_owned() };
    if matches!(metric, Metric::InverseError | Metric::LogDet) {
        return mi_plot::number(sample.mean());
    }
    let decimals = decimals(metric);
    let mean = fixed(sample.mean(), decimals);
    match sample.deviation() {
        Some(deviation) if deviation.is_finite() => {
            format!("{mean} ± {}", fixed(deviation, decimals))
        }
        _ => mean,
    }
}

/// A duration in the two largest units that say something.
pub(crate) fn duration(seconds: f64) -> String {
    let total = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_tables() {
        let sample = |values: &[f64]| Sample { step: 0, values: values.to_vec() };
        let text = |s: &Sample| mean_and_deviation(Some(s), Metric::BoundTrain);
        assert_eq!(text(&sample(&[-1.0, -2.0, -3.0])), "−2.000 ± 1.000");
        assert_eq!(text(&sample(&[1.5])), "1.500");
        assert_eq!(text(&sample(&[f64::NEG_INFINITY, 1.0])), "−∞");
        assert_eq!(mean_and_deviation(None, Metric::Accuracy), MISSING);
        assert_eq!(fixed(-0.000_01, 3), "0.000");
        assert_eq!(duration(3725.4), "1 h 2 min");
        assert_eq!(duration(59.6), "1 min 0 s");
    }
}
