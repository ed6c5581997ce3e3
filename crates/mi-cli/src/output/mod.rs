//! How results are written.

mod grid;
mod heat;
mod json;
mod progress;

pub use grid::{Align, Grid};
pub use heat::heat_map;
pub use json::{SCHEMA, write_json};
pub use progress::Progress;
