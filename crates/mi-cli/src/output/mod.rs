//! How results are written.

mod csv;
mod file;
mod heat;
mod json;
mod narrow;
mod number;
mod progress;
mod stderr;
mod wrap;

pub use csv::{Cell, Csv};
pub use file::{OutputFile, write_whole};
pub use heat::heat_map;
pub use json::write_json;
pub use mi_plot::{Align, TextTable};
pub use narrow::narrow;
pub use number::p_value;
pub use progress::Progress;
pub use stderr::say;
pub use wrap::{LINE, wrap};
