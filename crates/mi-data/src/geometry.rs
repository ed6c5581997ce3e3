use std::fmt;

use serde::{Deserialize, Serialize};

/// The size of an image: rows, columns, channels.
///
/// Images are flattened row-major with the channel innermost, so pixel (y, x, c) is column
/// `(y · width + x) · channels + c` of a batch matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Geometry {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Values per pixel.
    pub channels: usize,
}

impl Geometry {
    /// An image of `height` × `width` × `channels`.
    pub const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Values in one image: `height · width · channels` (the largest number on overflow).
    pub const fn len(self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// Whether an image has no value.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The column of pixel (y, x, c) in a batch matrix.
    pub const fn column(self, y: usize, x: usize, c: usize) -> usize {
        (y * self.width + x) * self.channels + c
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}
