use std::ops::Range;

/// Which lines of one axis a view keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Span {
    #[default]
    All,
    /// The first half and this many lines beyond it.
    FirstHalf(usize),
    /// The second half and this many lines before it.
    SecondHalf(usize),
    /// Lines 0, 2, … or 1, 3, ….
    Even,
    Odd,
    Range(Range<usize>),
}

impl Span {
    /// The lines of an axis of n lines. Halves are n/2 rounded down and the remaining lines, so the
    /// middle line of an odd axis belongs to the second half, and the two halves cover the axis.
    ///
    /// # Errors
    /// If the span includes lines that the axis does not have.
    pub(crate) fn of(&self, n: usize, axis: &str) -> Result<Vec<usize>, String> {
        let middle = n / 2;
        let lines: Vec<usize> = match *self {
            Self::All => (0..n).collect(),
            Self::FirstHalf(beyond) if beyond > n - middle => return Err(too_far(beyond, axis)),
            Self::FirstHalf(beyond) => (0..middle + beyond).collect(),
            Self::SecondHalf(before) if before > middle => return Err(too_far(before, axis)),
            Self::SecondHalf(before) => (middle - before..n).collect(),
            Self::Even => (0..n).step_by(2).collect(),
            Self::Odd => (1..n).step_by(2).collect(),
            Self::Range(ref range) if range.end > n => {
                return Err(format!("{axis} {}..{} are outside", range.start, range.end));
            }
            Self::Range(ref range) => range.clone().collect(),
        };
        if lines.is_empty() { Err(format!("it has no {axis}")) } else { Ok(lines) }
    }

    /// The span's text, for the axis of rows or of columns.
    pub(crate) fn text(&self, names: &AxisNames) -> Option<String> {
        let half = |name: &str, more: usize| match more {
            0 => name.to_owned(),
            more => format!("{name}:+{more}"),
        };
        match self {
            Self::All => None,
            Self::FirstHalf(more) => Some(half(names.first, *more)),
            Self::SecondHalf(more) => Some(half(names.second, *more)),
            Self::Even => Some(format!("even_{}", names.axis)),
            Self::Odd => Some(format!("odd_{}", names.axis)),
            Self::Range(range) => Some(format!("{}:{}..{}", names.axis, range.start, range.end)),
        }
    }

    /// The span with this name and argument (`""` for none), if it belongs to this axis.
    pub(crate) fn parse(name: &str, argument: &str, names: &AxisNames) -> Option<Self> {
        let more = || match argument {
            "" => Some(0),
            text => text.strip_prefix('+')?.parse().ok().filter(|&more| more > 0),
        };
        let parity = |span: Self| argument.is_empty().then_some(span);
        if name == names.first {
            more().map(Self::FirstHalf)
        } else if name == names.second {
            more().map(Self::SecondHalf)
        } else if name == names.axis {
            range(argument).map(Self::Range)
        } else if name.strip_suffix(names.axis) == Some("even_") {
            parity(Self::Even)
        } else if name.strip_suffix(names.axis) == Some("odd_") {
            parity(Self::Odd)
        } else {
            None
        }
    }
}

/// The name of an axis in the text of views.
pub(crate) struct AxisNames {
    pub(crate) axis: &'static str,
    pub(crate) first: &'static str,
    pub(crate) second: &'static str,
}

pub(crate) const ROWS: AxisNames =
    AxisNames { axis: "rows", first: "top_half", second: "bottom_half" };
pub(crate) const COLUMNS: AxisNames =
    AxisNames { axis: "columns", first: "left_half", second: "right_half" };

fn range(text: &str) -> Option<Range<usize>> {
    let (start, end) = text.split_once("..")?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

fn too_far(lines: usize, axis: &str) -> String {
    format!("the half cannot be {lines} {axis} larger: the other half is smaller")
}
