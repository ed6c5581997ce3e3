//! The report: what ran, which claims hold, every figure with its numbers.
//!
//! Everything here is drawn only from an [`Outcome`](crate::outcome::Outcome), so a report can be
//! written again without training anything.

mod drawn;
mod effects;
mod facts;
mod page;
mod records;
mod summary;
mod text;
mod time;
mod verdicts;

pub use crate::table::{Align, Table};
pub use drawn::{draw, judge};
pub use page::html;
pub use summary::summary;
pub use text::markdown;
