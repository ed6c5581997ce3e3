//! What an interval chart shows in a row.

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
    /// What stands above the interval, if anything.
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

    /// Puts the row right below the one before, its label seen on hover only: for several
    /// estimates of one thing, told apart by colour.
    pub fn below(mut self) -> Self {
        self.shown = None;
        self
    }

    /// Shows this text in the label's place, which is then seen on hover only: the title of a row
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

    /// Sets a value to compare with, shown as a hollow diamond.
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
