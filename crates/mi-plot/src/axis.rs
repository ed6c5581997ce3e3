//! Axes: scale, limits, ticks and the position of a value.

use crate::ticks::{log_ticks, round_step, spaced, tick_labels};

/// The largest magnitude that an axis or a scale of shades extends to, and for a logarithmic axis
/// the inverse of the smallest. Beyond it values are drawn as infinite ones are: the differences,
/// multiples and margins of numbers near the limits of `f64` are not finite.
pub(crate) const LARGEST: f64 = 1e300;

/// The largest distance of a value outside an axis, in lengths of the axis, to which a line is
/// drawn; what is further is drawn as infinite.
const FARTHEST: f64 = 1e100;

/// How values map to distances along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Scale {
    /// Equal steps, equal distances.
    Linear,
    /// Equal ratios, equal distances; values that are not positive are below the axis.
    Log,
}

impl Scale {
    /// The transformed value; `None` where the scale is not defined or ends.
    fn forward(self, value: f64) -> Option<f64> {
        let least = if matches!(self, Self::Log) { 1.0 / LARGEST } else { -LARGEST };
        (least..=LARGEST).contains(&value).then(|| self.transformed(value))
    }

    fn transformed(self, value: f64) -> f64 {
        if matches!(self, Self::Log) { value.ln() } else { value }
    }
}

/// The range of values that an axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Limits {
    /// All of the data, widened to round numbers.
    Auto,
    /// All of the data except outliers: if the full range is more than three times as long as that
    /// of the values within three 10–90 % spans of the middle, the others are shown at the edge,
    /// and the drawing says so.
    Trimmed,
}

/// An axis: its label, scale and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
    pub(crate) limits: Limits,
    pub(crate) ticks: Option<Vec<f64>>,
    floor: Option<f64>,
}

impl Axis {
    /// A linear axis over all of the data; the label gives the unit.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Linear,
            limits: Limits::Auto,
            ticks: None,
            floor: None,
        }
    }

    /// Sets the scale.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets a floor: values below it are shown at the edge, provided that at least half of the
    /// values are above it.
    pub fn floor(mut self, floor: f64) -> Self {
        self.floor = Some(floor);
        self
    }

    /// Sets the ticks, instead of round numbers.
    pub fn ticks(mut self, ticks: impl Into<Vec<f64>>) -> Self {
        self.ticks = Some(ticks.into());
        self
    }

    /// Fits the axis to data: `values` decide which values are outliers; `extent` (ends of bands
    /// and bars) is also shown unless it is an outlier.
    ///
    /// `round` widens to the next ticks.
    pub(crate) fn fit(&self, values: &[f64], extent: &[f64], round: bool) -> Fitted {
        let usable = |v: &f64| self.scale.forward(*v).is_some();
        let floor = self
            .floor
            .filter(|floor| 2 * values.iter().filter(|v| *v >= floor).count() >= values.len())
            .unwrap_or(f64::NEG_INFINITY);
        let shown = |v: &f64| usable(v) && *v >= floor;
        let values: Vec<f64> = values.iter().copied().filter(shown).collect();
        let extent = extent.iter().copied().filter(shown);
        let (low, high) = match self.limits {
            Limits::Trimmed => {
                let (fence_low, fence_high) = fences(&values);
                let inside = |v: &f64| (fence_low..=fence_high).contains(v);
                range(values.iter().copied().chain(extent).filter(inside))
            }
            Limits::Auto => range(values.iter().copied().chain(extent)),
        };
        let (low, high) = self.widen(low, high);
        let ticks = self.tick_values(low, high);
        // Only a linear axis has ticks so close to its ends that extending to them wastes little.
        let widen = round && self.limits_are_free() && matches!(self.scale, Scale::Linear);
        let (low, high, ticks) = match ticks.as_slice() {
            [first, .., last] if widen => {
                // Not the difference between ticks, which loses its digits far from zero.
                let step = round_step(high - low, 5);
                let low = if low < first - step * 1e-9 { first - step } else { low };
                let high = if high > last + step * 1e-9 { last + step } else { high };
                let ticks = spaced(low, high, step);
                // Rounding must not put the outermost ticks beyond the ends.
                let (first, last) = range(ticks.iter().copied());
                (low.min(first), high.max(last), ticks)
            }
            _ => (low, high, ticks),
        };
        let labels = tick_labels(&ticks, self.scale);
        Fitted { scale: self.scale, low, high, ticks: ticks.into_iter().zip(labels).collect() }
    }

    fn limits_are_free(&self) -> bool {
        self.ticks.is_none()
    }

    /// Gives an axis length where the data have none.
    fn widen(&self, low: f64, high: f64) -> (f64, f64) {
        match self.scale {
            Scale::Log if low > high => (1.0, 10.0),
            Scale::Log if low == high => (low / 2.0, high * 2.0),
            // Room around the outermost values, which round numbers provide elsewhere.
            Scale::Log if self.limits_are_free() => (low / 1.25, high * 1.25),
            _ if low > high => (0.0, 1.0),
            // Also if the two differ only by rounding: ticks could not distinguish them.
            _ if high - low <= 1e-12 * low.abs().max(high.abs()) => {
                let margin = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
                (low - margin, high + margin)
            }
            _ => (low, high),
        }
    }

    fn tick_values(&self, low: f64, high: f64) -> Vec<f64> {
        if let Some(ticks) = &self.ticks {
            return ticks.iter().copied().filter(|t| (low..=high).contains(t)).collect();
        }
        match self.scale {
            Scale::Linear => spaced(low, high, round_step(high - low, 5)),
            Scale::Log => log_ticks(low, high),
        }
    }
}

/// An axis fitted to data.
#[derive(Clone, Debug)]
pub(crate) struct Fitted {
    scale: Scale,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<(f64, String)>,
}

/// The position of a value on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// At this fraction of the axis, within 0 to 1.
    Inside(f64),
    /// Below the axis; the fraction is negative, or `None` where the scale is not defined.
    Below(Option<f64>),
    /// Above the axis; the fraction is greater than 1, or `None` for infinity.
    Above(Option<f64>),
    /// Not a number.
    Nowhere,
}

impl Place {
    /// The fraction of the axis, outside 0 to 1 for values outside.
    pub(crate) fn fraction(self) -> Option<f64> {
        match self {
            Self::Inside(f) | Self::Below(Some(f)) | Self::Above(Some(f)) => Some(f),
            _ => None,
        }
    }
}

impl Fitted {
    pub(crate) fn place(&self, value: f64) -> Place {
        if value.is_nan() {
            return Place::Nowhere;
        }
        // The ends may be a margin beyond the largest values.
        let (low, high) = (self.scale.transformed(self.low), self.scale.transformed(self.high));
        let fraction = self.scale.forward(value).map(|v| (v - low) / (high - low));
        match fraction.filter(|fraction| fraction.abs() <= FARTHEST) {
            Some(f) if (0.0..=1.0).contains(&f) => Place::Inside(f),
            Some(f) if f < 0.0 => Place::Below(Some(f)),
            Some(f) => Place::Above(Some(f)),
            None if value > self.high => Place::Above(None),
            None => Place::Below(None),
        }
    }
}

/// Smallest and largest; `(inf, -inf)` if there are no values.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
}

/// The range that is not trimmed away.
fn fences(values: &[f64]) -> (f64, f64) {
    let everything = (f64::NEG_INFINITY, f64::INFINITY);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return everything };
    let at = |fraction: f64| {
        let position = fraction * (sorted.len() - 1) as f64;
        let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
        below + (above - below) * position.fract()
    };
    let (p10, p90) = (at(0.1), at(0.9));
    let fence = (p10 - 3.0 * (p90 - p10), p90 + 3.0 * (p90 - p10));
    let (low, high) = range(sorted.iter().copied().filter(|v| (fence.0..=fence.1).contains(v)));
    if last - first > 3.0 * (high - low) { fence } else { everything }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        axis.fit(values, &[], true).ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_their_labels_tell_them_apart() {
        let linear = Axis::new("");
        assert_eq!(labels(&linear, &[0.0, 21_000.0]), ["0", "5k", "10k", "15k", "20k", "25k"]);
        assert_eq!(labels(&linear, &[-1.4, 4.77]), ["−2", "−1", "0", "1", "2", "3", "4", "5"]);
        assert_eq!(labels(&linear, &[0.86, 0.896]), ["0.86", "0.87", "0.88", "0.89", "0.90"]);
        assert_eq!(
            labels(&linear, &[1e6, 3.5e6]),
            ["1.0M", "1.5M", "2.0M", "2.5M", "3.0M", "3.5M"]
        );
        let log = Axis::new("").scale(Scale::Log);
        assert_eq!(labels(&log, &[0.036, 3.9]), ["0.03", "0.1", "0.3", "1", "3"]);
        assert_eq!(
            labels(&log, &[1e-9, 1e-3]),
            ["10⁻⁹", "10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³"]
        );
        let far = labels(&linear, &[-143.673, -143.676]);
        assert_eq!(far[..2], ["−143.6760", "−143.6755"]);
        let sizes = Axis::new("").scale(Scale::Log).ticks([32.0, 64.0, 1e9]);
        assert_eq!(labels(&sizes, &[32.0, 512.0]), ["32", "64"]);
    }

    #[test]
    fn labels_differ_over_many_magnitudes() {
        for exponent in -12..12 {
            for span in [1.0, 1.7, 2.3, 4.9, 8.1] {
                let high = span * 10f64.powi(exponent);
                for low in [0.0, -high, high * 0.9] {
                    let fitted = Axis::new("").fit(&[low, high], &[], true);
                    assert!(fitted.low <= low && fitted.high >= high);
                    let ticks = fitted.ticks;
                    assert!((3..=13).contains(&ticks.len()), "{low} to {high}: {ticks:?}");
                    for pair in ticks.windows(2) {
                        assert!(pair[0].0 < pair[1].0);
                        assert_ne!(pair[0].1, pair[1].1, "{low} to {high}");
                    }
                }
            }
        }
    }

    #[test]
    fn trimming_drops_stragglers_only() {
        let trimmed = Axis::new("").limits(Limits::Trimmed);
        let mut values = vec![-53.0];
        values.extend((0..20).map(|i| 4.0 + 0.1 * f64::from(i)));
        let fitted = trimmed.fit(&values, &[-80.0, 6.5], true);
        assert!(fitted.low >= 3.5 && fitted.high >= 6.5, "{} to {}", fitted.low, fitted.high);
        let even: Vec<f64> = (0..20).map(f64::from).collect();
        let fitted = trimmed.fit(&even, &[], true);
        assert!(fitted.low <= 0.0 && fitted.high >= 19.0);
    }

    #[test]
    fn a_floor_holds_while_half_of_the_values_lie_above() {
        let axis = Axis::new("").floor(0.0);
        assert!(axis.fit(&[-50.0, -10.0, 1.0, 2.0], &[], true).low >= 0.0);
        assert!(axis.fit(&[-50.0, -10.0, -5.0, 2.0], &[], true).low <= -50.0);
    }

    #[test]
    fn places_follow_the_scale() {
        let fitted = Axis::new("").fit(&[-100.0, 100.0], &[], true);
        assert_eq!(fitted.place(0.0), Place::Inside(0.5));
        let fitted = Axis::new("").scale(Scale::Log).fit(&[1.0, 100.0], &[], true);
        let Place::Inside(middle) = fitted.place(10.0) else { panic!("10 lies inside") };
        assert!((middle - 0.5).abs() < 1e-12);
        assert_eq!(fitted.place(0.0), Place::Below(None));
        assert_eq!(fitted.place(f64::INFINITY), Place::Above(None));
        assert_eq!(fitted.place(f64::NAN), Place::Nowhere);
    }
}
