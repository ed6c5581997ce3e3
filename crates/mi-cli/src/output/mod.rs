//! How results are written.

mod grid;
mod heat;
mod json;
mod number;
mod progress;
mod wrap;

pub use grid::{Align, Grid};
pub use heat::heat_map;
pub use json::{SCHEMA, write_json};
pub use number::p_value;
pub use progress::Progress;
pub use wrap::wrap;
