//! The contents of a line chart: series, marks and their style.

use crate::theme::COLOURS;

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Position along the x axis.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// Lower end of the band; NaN for none.
    pub low: f64,
    /// Upper end of the band; NaN for none.
    pub high: f64,
    /// Additional text on hover, e.g. the number of seeds.
    pub note: String,
}

impl Point {
    /// A value without a band.
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, low: f64::NAN, high: f64::NAN, note: String::new() }
    }

    /// Sets the band.
    pub fn between(mut self, low: f64, high: f64) -> Self {
        (self.low, self.high) = (low, high);
        self
    }

    /// Sets the text added on hover.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dash {
    /// One stroke.
    #[default]
    Solid,
    /// Long dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// No line: markers only.
    None,
}

impl Dash {
    /// The class of a line; `None` for no line.
    pub(crate) fn class(self) -> Option<&'static str> {
        match self {
            Self::Solid => Some("plot-line"),
            Self::Dashed => Some("plot-line plot-dashed"),
            Self::Dotted => Some("plot-line plot-dotted"),
            Self::None => None,
        }
    }
}

/// The shape of a series' points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Marker {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle, point up.
    Triangle,
    /// A square on its corner.
    Diamond,
}

impl Marker {
    /// The marker of the n-th series, for people who cannot distinguish its colour. Where colours
    /// repeat, markers are shifted.
    pub(crate) fn nth(index: usize) -> Self {
        [Self::Circle, Self::Square, Self::Triangle, Self::Diamond][(index + index / COLOURS) % 4]
    }

    /// Path around the origin, of about the same area for each shape.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Circle => "M-2.7 0a2.7 2.7 0 1 0 5.4 0a2.7 2.7 0 1 0-5.4 0z",
            Self::Square => "M-2.4-2.4h4.8v4.8h-4.8z",
            Self::Triangle => "M0-3.3L3.2 2.4H-3.2z",
            Self::Diamond => "M0-3.5L3.5 0L0 3.5L-3.5 0z",
        }
    }
}

/// A line with a band around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub(crate) label: String,
    pub(crate) points: Vec<Point>,
    pub(crate) colour: Option<usize>,
    pub(crate) dash: Dash,
    pub(crate) quiet: bool,
    pub(crate) thin: bool,
    pub(crate) hollow: bool,
}

impl Series {
    /// A series; points are drawn in the order given. Values that are not a number break the
    /// line; infinite ones are shown at the edge.
    pub fn new(label: impl Into<String>, points: Vec<Point>) -> Self {
        Self {
            label: label.into(),
            points,
            colour: None,
            dash: Dash::Solid,
            quiet: false,
            thin: false,
            hollow: false,
        }
    }

    /// Sets the colour by index; by default the series' place in the chart decides.
    pub fn colour(mut self, index: usize) -> Self {
        self.colour = Some(index);
        self
    }

    /// Sets the stroke.
    pub fn dash(mut self, dash: Dash) -> Self {
        self.dash = dash;
        self
    }

    /// Leaves the series out of the legend.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Hollow points without a legend entry, with the marker of the series before them: for other
    /// points of the same kind, such as the start of training.
    pub fn hollow(mut self) -> Self {
        (self.quiet, self.hollow) = (true, true);
        self
    }

    /// A thin line without markers or legend entry, for the single runs behind a mean.
    pub fn thin(mut self) -> Self {
        (self.quiet, self.thin) = (true, true);
        self
    }
}

/// Values for comparison at their places along the x axis, e.g. those of a published curve: hollow
/// diamonds over the series. No line joins them, since it would show values that were not
/// published.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Overlay {
    pub(crate) heading: String,
    pub(crate) marks: Vec<(f64, Mark)>,
}

/// A value for comparison, e.g. a published one: a hollow diamond with an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub(crate) label: String,
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) colour: usize,
}

impl Mark {
    /// A value without an interval, in a series' colour.
    pub fn new(label: impl Into<String>, value: f64, colour: usize) -> Self {
        Self { label: label.into(), value, low: f64::NAN, high: f64::NAN, colour }
    }

    /// Sets the interval.
    pub fn between(mut self, low: f64, high: f64) -> Self {
        (self.low, self.high) = (low, high);
        self
    }
}
