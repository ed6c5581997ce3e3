//! Formats numbers for tables.

pub(crate) use mi_plot::{duration, fixed, grouped};

use crate::record::{Metric, Unit};
use crate::results::{Configuration, Sample, Trial};
use crate::table::MISSING;

/// The number of decimals of a metric, or of a part of it. Accuracies need four to show differences
/// between critics, and estimates of hundredths of a nat to show any differences.
pub(crate) fn decimals(metric: Metric) -> usize {
    match metric.whole() {
        Metric::Accuracy
        | Metric::AccuracyConverged
        | Metric::AccuracyClassifier
        | Metric::AccuracyScaled
        | Metric::ReaderAccuracy
        | Metric::FewLabelAccuracy
        | Metric::NeighbourAccuracy
        | Metric::NoisyLabelAccuracy
        | Metric::TransferAccuracy
        | Metric::Retrieval
        | Metric::Estimate
        | Metric::TrueMi
        | Metric::Ceiling => 4,
        whole if whole.unit() == Unit::Nats => 3,
        _ => 2,
    }
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

/// `finished/planned` trials, and how many diverged.
pub(crate) fn finished(configuration: &Configuration<'_>) -> String {
    let ratio = format!("{}/{}", configuration.finished(), configuration.asked());
    match configuration.diverged() {
        0 => ratio,
        n => format!("{ratio}, {n} diverged"),
    }
}

/// The step at which the numbers were measured, and the planned last step if it was not reached.
pub(crate) fn last_step(configuration: &Configuration<'_>) -> String {
    let reached = configuration.counted().filter_map(Trial::last_step).max();
    let asked = configuration.trials.iter().map(|t| t.info.steps).max().unwrap_or(0);
    match reached {
        None => MISSING.to_owned(),
        Some(step) if configuration.finished() == 0 && step < asked => {
            format!("{} of {}", grouped(step), grouped(asked))
        }
        Some(step) => grouped(step),
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
    }

    #[test]
    fn accuracies_have_four_decimals_in_parts_too() {
        for &metric in Metric::ALL.iter().filter(|metric| metric.name().contains("accuracy")) {
            assert_eq!(decimals(metric), 4, "{}", metric.name());
            assert_eq!(decimals(metric.of_part("context mean")), 4);
        }
        assert_eq!(decimals(Metric::BoundTest.of_part("k=1")), 3);
    }
}
