//! Claims, figures and the report, on synthetic outcomes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod error_rates;
mod in_browser;
mod page;
mod seeds;
mod synthetic;
