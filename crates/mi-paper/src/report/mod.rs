//! The report: what ran, which claims hold, every figure with its numbers.
//!
//! Everything here is drawn from an [`Outcome`](crate::outcome::Outcome) alone, so a report can be
//! written again without training anything.

mod facts;
pub(crate) mod numbers;
mod page;
mod records;
pub(crate) mod summary;
mod table;
mod text;
mod time;
mod verdicts;

pub use page::html;
pub use summary::summary;
pub use table::{Align, Table};
pub use text::markdown;
