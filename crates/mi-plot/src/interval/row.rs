//! The rows of an interval chart.

use crate::text;

/// Height of a row: its label and, below it, its interval.
pub(super) const ROW: f64 = 36.0;

/// Height of each further line of a label.
const LINE: f64 = 14.0;

/// Size of labels.
const LABEL: f64 = 12.0;

/// Height of a row without a label.
pub(super) const BARE_ROW: f64 = 13.0;

/// An estimate with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalRow {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) colour: usize,
    pub(super) mark: Option<f64>,
    pub(super) limits: Vec<f64>,
    pub(super) note: String,
    /// The text above the interval, if any.
    pub(super) shown: Option<String>,
}

impl IntervalRow {
    /// An estimate without an interval; NaN for none yet.
    pub fn new(label: impl Into<String>, value: f64) -> Self {
        let label = label.into();
        Self {
            shown: Some(label.clone()),
            label,
            value,
            low: f64::NAN,
            high: f64::NAN,
            colour: 0,
            mark: None,
            limits: Vec::new(),
            note: String::new(),
        }
    }

    /// Puts the row directly below the previous one, with its label shown only on hover: for
    /// several estimates of one quantity, distinguished by colour.
    pub fn below(mut self) -> Self {
        self.shown = None;
        self
    }

    /// Shows this text in place of the label, which is then shown only on hover: the title of a row
    /// and those [`below`](Self::below) it.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.shown = Some(title.into());
        self
    }

    /// Sets the interval.
    pub fn between(mut self, low: f64, high: f64) -> Self {
        (self.low, self.high) = (low, high);
        self
    }

    /// Sets the colour by index.
    pub fn colour(mut self, index: usize) -> Self {
        self.colour = index;
        self
    }

    /// Sets a value for comparison, shown as a hollow diamond.
    pub fn mark(mut self, value: f64) -> Self {
        self.mark = Some(value);
        self
    }

    /// Adds a value that the interval is compared with, shown as a dotted tick on its row.
    pub fn limit(mut self, value: f64) -> Self {
        self.limits.push(value);
        self
    }

    /// Sets the text added on hover.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The lines of the label above the interval; none for a row without a label.
    pub(super) fn lines(&self, width: f64) -> Vec<String> {
        let Some(shown) = &self.shown else { return Vec::new() };
        let missing = self.value.is_nan() && *shown == self.label;
        let label = format!("{shown}{}", if missing { " (no data yet)" } else { "" });
        text::wrap(&label, LABEL, width)
    }

    /// The height of a row with this many lines in its label.
    pub(super) fn height(lines: usize) -> f64 {
        if lines == 0 { BARE_ROW } else { ROW + LINE * (lines - 1) as f64 }
    }

    /// Baselines of the label's lines, from the top of the row.
    pub(super) fn baselines() -> impl Iterator<Item = f64> {
        (0..).map(|line| 13.0 + LINE * f64::from(line))
    }
}
