//! The rows of an interval chart.

/// Height of a row: its label and, below it, its interval.
pub(super) const ROW: f64 = 36.0;

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

    /// Sets the text added on hover.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    pub(super) fn height(&self) -> f64 {
        if self.shown.is_none() { BARE_ROW } else { ROW }
    }
}
