//! Batteries over all bounds, and over all critics with all bounds.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod bounds;
mod common;
mod engine;
mod reference;
mod step;
