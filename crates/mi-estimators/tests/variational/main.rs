//! Batteries over all bounds, and over all critics with all bounds.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod bounds;
mod case;
mod common;
mod edges;
mod engine;
mod known;
mod losses;
mod pairs;
mod reference;
mod roles;
mod step;
