use serde::{Deserialize, Serialize};
use std::ops::Range;

use crate::span::Span;
use crate::{Colour, DataError, Geometry, Piece};

/// A named piece of an image of any size: some rows × some columns × some channels, optionally
/// averaged over squares, cut into patches, converted to a colour space, or with added noise.
///
/// A view's name is its text form and can be parsed again; serde uses that text as well. It is
/// `whole`, or some of these joined by `+`:
///
/// | text | keeps |
/// | --- | --- |
/// | `top_half`, `bottom_half`, `left_half`, `right_half` | half of the rows or columns |
/// | `top_half:+3` | the half and 3 rows of the other half, shared with a view of that half |
/// | `even_rows`, `odd_rows`, `even_columns`, `odd_columns` | every second line, from 0 or from 1 |
/// | `rows:0..7`, `columns:7..21` | these lines |
/// | `lab`, `lab_scaled` | red, green and blue converted as in [`Colour`]; channels are then L, a, b |
/// | `channels:0,2` | these channels |
/// | `pool:2` | averages 2 × 2 squares of the lines kept: a piece of half the height and width |
/// | `patches:7x7`, `patches:8x8/4` | patches of rows × columns, adjacent, or with a step of 4 lines |
/// | `noise:0.5` | adds new N(0, 0.5²) noise to every value in every batch ([`Piece::draw`]) |
///
/// On an axis of odd length n the first half (top, left) has ⌊n/2⌋ lines and the second half the
/// other ⌈n/2⌉: the middle line belongs to the bottom or the right half, and the two halves
/// together make the whole image.
///
/// ```
/// use mi_data::{Colour, Geometry, View};
///
/// let top = View::top_half().of(Geometry::new(28, 28, 1))?;
/// assert_eq!(top.columns(), (0..14 * 28).collect::<Vec<_>>());
/// let view: View = "left_half+channels:0,2".parse()?;
/// assert_eq!(view, View::left_half().with_channels([0, 2]));
/// let patches = "patches:8x8/4".parse::<View>()?.of(Geometry::new(32, 32, 3))?;
/// assert_eq!((patches.grid(), patches.geometry()), ((7, 7), Geometry::new(8, 8, 3)));
///
/// let named = ["even_rows", "odd_rows+noise:0.5", "top_half:+3", "lab+channels:1,2"];
/// let built = [
///     View::even_rows(),
///     View::odd_rows().with_noise(0.5),
///     View::top_half().extended(3),
///     View::channels([1, 2]).with_colour(Colour::Lab),
/// ];
/// assert_eq!(built.map(|view| view.to_string()), named);
/// # Ok::<(), mi_data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct View {
    pub(crate) rows: Span,
    pub(crate) columns: Span,
    pub(crate) colour: Option<Colour>,
    pub(crate) channels: Option<Vec<usize>>,
    /// Side of the squares that are averaged.
    pub(crate) pool: Option<usize>,
    pub(crate) patches: Option<Patches>,
    pub(crate) noise: Option<Noise>,
}

/// A grid of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patches {
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Lines from one patch to the next, down and to the right.
    pub(crate) strides: (usize, usize),
}

/// The standard deviation of a view's noise. Compared bit by bit, so that views are `Eq`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise(pub(crate) f64);

impl PartialEq for Noise {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Noise {}

impl View {
    /// The whole image.
    pub fn whole() -> Self {
        Self::default()
    }

    /// Rows 0..⌊height/2⌋.
    pub fn top_half() -> Self {
        Self { rows: Span::FirstHalf(0), ..Self::default() }
    }

    /// Rows ⌊height/2⌋..height.
    pub fn bottom_half() -> Self {
        Self { rows: Span::SecondHalf(0), ..Self::default() }
    }

    /// Columns 0..⌊width/2⌋.
    pub fn left_half() -> Self {
        Self { columns: Span::FirstHalf(0), ..Self::default() }
    }

    /// Columns ⌊width/2⌋..width.
    pub fn right_half() -> Self {
        Self { columns: Span::SecondHalf(0), ..Self::default() }
    }

    /// Rows 0, 2, ….
    pub fn even_rows() -> Self {
        Self { rows: Span::Even, ..Self::default() }
    }

    /// Rows 1, 3, ….
    pub fn odd_rows() -> Self {
        Self { rows: Span::Odd, ..Self::default() }
    }

    /// These channels of every pixel, in this order.
    pub fn channels(channels: impl Into<Vec<usize>>) -> Self {
        Self::default().with_channels(channels)
    }

    /// The pixels of these rows and columns.
    pub fn patch(rows: Range<usize>, columns: Range<usize>) -> Self {
        Self { rows: Span::Range(rows), columns: Span::Range(columns), ..Self::default() }
    }

    /// Patches of `height` × `width` side by side, row by row.
    pub fn patches(height: usize, width: usize) -> Self {
        Self::default().with_patches((height, width), (height, width))
    }

    /// The same view, whose halves have `lines` more lines, taken from the other half. An axis that
    /// is not halved does not change.
    pub fn extended(mut self, lines: usize) -> Self {
        for span in [&mut self.rows, &mut self.columns] {
            if let Span::FirstHalf(more) | Span::SecondHalf(more) = span {
                *more = lines;
            }
        }
        self
    }

    /// The same piece, with only these channels.
    pub fn with_channels(mut self, channels: impl Into<Vec<usize>>) -> Self {
        self.channels = Some(channels.into());
        self
    }

    /// The same piece in another colour space; [`View::with_channels`] then refers to its channels.
    pub fn with_colour(mut self, colour: Colour) -> Self {
        self.colour = Some(colour);
        self
    }

    /// The same piece, averaged over squares of `side` × `side`; patches are then measured in
    /// averages.
    pub fn pooled(mut self, side: usize) -> Self {
        self.pool = Some(side);
        self
    }

    /// The same piece, cut into patches of height × width that start this many lines and columns
    /// apart.
    pub fn with_patches(
        mut self,
        (height, width): (usize, usize),
        strides: (usize, usize),
    ) -> Self {
        self.patches = Some(Patches { height, width, strides });
        self
    }

    /// Whether noise is added to the piece.
    pub fn has_noise(&self) -> bool {
        self.noise.is_some()
    }

    /// The same piece with new N(0, sd²) noise added to every value in every batch.
    pub fn with_noise(mut self, sd: f64) -> Self {
        self.noise = Some(Noise(sd));
        self
    }

    /// The view for images of this size.
    ///
    /// # Errors
    /// If the view is empty, reaches outside the image or repeats a channel; if squares or patches
    /// do not fill it; if a colour space is used on an image without three channels; or if noise is
    /// not finite.
    pub fn of(&self, geometry: Geometry) -> Result<Piece, DataError> {
        let fail = |reason: String| DataError::View {
            view: self.to_string(),
            geometry: geometry.to_string(),
            reason,
        };
        let rows = self.rows.of(geometry.height, "rows").map_err(fail)?;
        let columns = self.columns.of(geometry.width, "columns").map_err(fail)?;
        let channels = match &self.channels {
            Some(channels) => channels.clone(),
            None => (0..geometry.channels).collect(),
        };
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
        if self.colour.is_some() && geometry.channels != 3 {
            let found = geometry.channels;
            return Err(fail(format!("colours need red, green and blue, not {found} channels")));
        }
        if let Some(Noise(sd)) = self.noise.filter(|noise| !(noise.0.is_finite() && noise.0 > 0.0))
        {
            return Err(fail(format!("the noise {sd} must be finite and above 0")));
        }
        let side = self.pool.unwrap_or(1);
        for (axis, length) in [("rows", rows.len()), ("columns", columns.len())] {
            if side == 0 || length % side > 0 {
                return Err(fail(format!(
                    "squares of {side} × {side} do not fill {length} {axis}"
                )));
            }
        }
        let (height, width) = (rows.len() / side, columns.len() / side);
        let whole = Patches { height, width, strides: (height, width) };
        let patches = self.patches.unwrap_or(whole);
        for (axis, length, patch, stride) in [
            ("rows", height, patches.height, patches.strides.0),
            ("columns", width, patches.width, patches.strides.1),
        ] {
            if patch == 0 || stride == 0 || patch > length {
                return Err(fail(format!("no patch of {patch} {axis} fits into {length}")));
            }
            if stride > patch && length > patch {
                return Err(fail(format!(
                    "patches of {patch} {axis}, {stride} apart, leave the {axis} between them \
                     uncovered: take a step of at most {patch}"
                )));
            }
            let over = (length - patch) % stride;
            if over > 0 {
                return Err(fail(format!(
                    "patches of {patch} {axis}, {stride} apart, leave {over} of {length} {axis} uncovered: \
                     take a size that fits, or keep fewer {axis}"
                )));
            }
        }
        Ok(Piece::new(self.clone(), geometry, (&rows, &columns, &channels), side, patches))
    }
}
