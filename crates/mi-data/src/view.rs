use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DataError, Geometry, Piece};

/// Which part of one axis a view keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Span {
    #[default]
    All,
    FirstHalf,
    SecondHalf,
    Range(Range<usize>),
}

impl Span {
    /// Halves are n/2 rounded down and the rest, so the middle line of an odd axis belongs to
    /// the second half and the two halves make the whole.
    fn of(&self, n: usize) -> Range<usize> {
        match self {
            Self::All => 0..n,
            Self::FirstHalf => 0..n / 2,
            Self::SecondHalf => n / 2..n,
            Self::Range(range) => range.clone(),
        }
    }

    fn term(&self, halves: [&str; 2], axis: &str) -> Option<String> {
        match self {
            Self::All => None,
            Self::FirstHalf => Some(halves[0].into()),
            Self::SecondHalf => Some(halves[1].into()),
            Self::Range(range) => Some(format!("{axis}:{}..{}", range.start, range.end)),
        }
    }
}

/// A named piece of an image of any size: some rows × some columns × some channels.
///
/// A view's name is its text form and can be parsed again: `whole`, `top_half`, `bottom_half`,
/// `left_half`, `right_half`, `rows:0..7`, `columns:7..21`, `channels:0,2`, or several of them
/// joined by `+`. Serde uses that text as well.
///
/// On an axis of odd length n the first half (top, left) has ⌊n/2⌋ lines and the second half the
/// other ⌈n/2⌉: the middle line belongs to the bottom or the right, and two halves together make
/// the whole image.
///
/// ```
/// use mi_data::{Geometry, View};
///
/// let top = View::top_half().of(Geometry::new(28, 28, 1))?;
/// assert_eq!(top.columns(), (0..14 * 28).collect::<Vec<_>>());
/// let view: View = "left_half+channels:0,2".parse()?;
/// assert_eq!(view, View::left_half().with_channels([0, 2]));
/// # Ok::<(), mi_data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct View {
    rows: Span,
    columns: Span,
    channels: Option<Vec<usize>>,
}

impl View {
    /// The whole image.
    pub fn whole() -> Self {
        Self::default()
    }

    /// Rows 0..⌊height/2⌋.
    pub fn top_half() -> Self {
        Self { rows: Span::FirstHalf, ..Self::default() }
    }

    /// Rows ⌊height/2⌋..height.
    pub fn bottom_half() -> Self {
        Self { rows: Span::SecondHalf, ..Self::default() }
    }

    /// Columns 0..⌊width/2⌋.
    pub fn left_half() -> Self {
        Self { columns: Span::FirstHalf, ..Self::default() }
    }

    /// Columns ⌊width/2⌋..width.
    pub fn right_half() -> Self {
        Self { columns: Span::SecondHalf, ..Self::default() }
    }

    /// These channels of every pixel, in this order.
    pub fn channels(channels: impl Into<Vec<usize>>) -> Self {
        Self::default().with_channels(channels)
    }

    /// The pixels of these rows and columns.
    pub fn patch(rows: Range<usize>, columns: Range<usize>) -> Self {
        Self { rows: Span::Range(rows), columns: Span::Range(columns), channels: None }
    }

    /// The same piece, of these channels only.
    pub fn with_channels(mut self, channels: impl Into<Vec<usize>>) -> Self {
        self.channels = Some(channels.into());
        self
    }

    /// The view of images of this size.
    ///
    /// # Errors
    /// When the view is empty, reaches outside the image or repeats a channel.
    pub fn of(&self, geometry: Geometry) -> Result<Piece, DataError> {
        let fail = |reason: String| DataError::View {
            view: self.to_string(),
            geometry: geometry.to_string(),
            reason,
        };
        let rows = self.rows.of(geometry.height);
        let columns = self.columns.of(geometry.width);
        let channels = match &self.channels {
            Some(channels) => channels.clone(),
            None => (0..geometry.channels).collect(),
        };
        for (axis, range, size) in
            [("rows", &rows, geometry.height), ("columns", &columns, geometry.width)]
        {
            if range.end > size {
                return Err(fail(format!("{axis} {}..{} reach outside", range.start, range.end)));
            }
            if range.is_empty() {
                return Err(fail(format!("it has no {axis}")));
            }
        }
        for (i, channel) in channels.iter().enumerate() {
            if *channel >= geometry.channels {
                return Err(fail(format!("there is no channel {channel} (counted from 0)")));
            }
            if channels[..i].contains(channel) {
                return Err(fail(format!("channel {channel} is named twice")));
            }
        }
        if channels.is_empty() {
            return Err(fail("it has no channels".into()));
        }
        Ok(Piece::new(self.clone(), geometry, &rows, &columns, &channels))
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = self.channels.as_ref().map(|channels| {
            let list: Vec<String> = channels.iter().map(usize::to_string).collect();
            format!("channels:{}", list.join(","))
        });
        let terms = [
            self.rows.term(["top_half", "bottom_half"], "rows"),
            self.columns.term(["left_half", "right_half"], "columns"),
            channels,
        ];
        let terms: Vec<String> = terms.into_iter().flatten().collect();
        f.write_str(if terms.is_empty() { "whole".into() } else { terms.join("+") }.as_str())
    }
}

impl FromStr for View {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unknown = || DataError::UnknownName {
            what: "view",
            found: text.into(),
            known: "whole, top_half, bottom_half, left_half, right_half, rows:A..B, \
                    columns:A..B, channels:A,B,…; joined by +, at most one an axis"
                .into(),
        };
        let range = |span: &str| -> Option<Span> {
            let (start, end) = span.split_once("..")?;
            Some(Span::Range(start.parse().ok()?..end.parse().ok()?))
        };
        let list = |items: &str| items.split(',').map(|item| item.parse().ok()).collect();
        if text == "whole" {
            return Ok(Self::whole());
        }
        let mut view = Self::default();
        for term in text.split('+') {
            let (name, argument) = term.split_once(':').unwrap_or((term, ""));
            let (slot, span) = match (name, argument) {
                ("top_half", "") => (&mut view.rows, Span::FirstHalf),
                ("bottom_half", "") => (&mut view.rows, Span::SecondHalf),
                ("left_half", "") => (&mut view.columns, Span::FirstHalf),
                ("right_half", "") => (&mut view.columns, Span::SecondHalf),
                ("rows", _) => (&mut view.rows, range(argument).ok_or_else(unknown)?),
                ("columns", _) => (&mut view.columns, range(argument).ok_or_else(unknown)?),
                ("channels", _) if view.channels.is_none() => {
                    let channels: Option<Vec<usize>> = list(argument);
                    view.channels = Some(channels.ok_or_else(unknown)?);
                    continue;
                }
                _ => return Err(unknown()),
            };
            if *slot != Span::All {
                return Err(unknown());
            }
            *slot = span;
        }
        Ok(view)
    }
}

impl TryFrom<String> for View {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<View> for String {
    fn from(view: View) -> Self {
        view.to_string()
    }
}
