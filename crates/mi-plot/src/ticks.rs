//! Round numbers along an axis and their labels.

use crate::axis::Scale;
use crate::text;

/// A step of 1, 2 or 5 times a power of ten that divides `span` into about `count` parts.
pub(crate) fn round_step(span: f64, count: usize) -> f64 {
    let rough = span / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = match rough / power {
        r if r < 1.414 => 1.0,
        r if r < 3.162 => 2.0,
        r if r < 7.071 => 5.0,
        _ => 10.0,
    };
    step * power
}

/// Multiples of `step` from `low` to `high`.
pub(crate) fn spaced(low: f64, high: f64, step: f64) -> Vec<f64> {
    // Beyond 2^53 steps from zero adjacent multiples are no longer distinct numbers.
    if !(step > 0.0 && step.is_finite() && (low / step).abs() < 1e15 && (high / step).abs() < 1e15)
    {
        return vec![low, high];
    }
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Powers of ten, with multiples between them if there are few.
pub(crate) fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = last - first;
    let multiples: &[f64] = match decades {
        ..=2 => &[1.0, 2.0, 5.0],
        3 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let every = (decades / 6).max(1);
    let ticks: Vec<f64> = (first..=last)
        .filter(|exponent| exponent.rem_euclid(every) == 0)
        .flat_map(|exponent| multiples.iter().map(move |m| m * 10f64.powi(exponent)))
        .filter(|t| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(t))
        .collect();
    if ticks.len() >= 2 { ticks } else { spaced(low, high, round_step(high - low, 4)) }
}

/// Labels of ticks: as many decimals as are needed to distinguish them, and `k` and `M` for large
/// round numbers.
pub(crate) fn tick_labels(ticks: &[f64], scale: Scale) -> Vec<String> {
    let largest = ticks.iter().fold(0.0f64, |m, t| m.max(t.abs()));
    let in_units_of = |unit: f64| ticks.iter().all(|t| (t / unit * 10.0).fract().abs() < 1e-6);
    let (unit, suffix) = match largest {
        l if l >= 2e6 && in_units_of(1e6) => (1e6, "M"),
        l if l >= 2e3 && in_units_of(1e3) => (1e3, "k"),
        _ => (1.0, ""),
    };
    // All ticks of a linear axis have the same number of decimals: 0.80, 0.85, 0.90.
    let shared = matches!(scale, Scale::Linear)
        .then(|| ticks.iter().map(|t| decimals(t / unit)).max().unwrap_or(0));
    let smallest = ticks.iter().fold(f64::INFINITY, |m, t| m.min(t.abs()));
    if scale == Scale::Log && (smallest < 1e-3 || largest > 1e5) {
        return ticks.iter().map(|t| power_of_ten(*t)).collect();
    }
    let label = |tick: &f64| {
        let value = tick / unit;
        if value == 0.0 && !suffix.is_empty() {
            return "0".to_owned();
        }
        if value != 0.0 && !(1e-4..1e5).contains(&value.abs()) {
            return text::number(value).replace(".00e", "e") + suffix;
        }
        let decimals = shared.unwrap_or_else(|| decimals(value));
        format!("{value:.decimals$}{suffix}").replace('-', "−")
    };
    ticks.iter().map(label).collect()
}

/// A tick of a logarithmic axis as `10⁻⁶` or `2·10⁻⁶`.
fn power_of_ten(value: f64) -> String {
    let exponent = (value.log10() + 1e-9).floor() as i32;
    let factor = value / 10f64.powi(exponent);
    let raised = |c: char| match c {
        '-' => '⁻',
        digit => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit as usize - '0' as usize).unwrap_or(digit),
    };
    let power: String = exponent.to_string().chars().map(raised).collect();
    let decimals = decimals(factor);
    if (factor - 1.0).abs() < 1e-6 {
        format!("10{power}")
    } else {
        format!("{factor:.decimals$}·10{power}")
    }
}

/// Decimals needed to write a round number, at most 6.
fn decimals(value: f64) -> usize {
    (0..6)
        .find(|&d| (value * 10f64.powi(d) - (value * 10f64.powi(d)).round()).abs() < 1e-6)
        .unwrap_or(6) as usize
}
