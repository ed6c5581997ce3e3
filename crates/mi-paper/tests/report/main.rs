//! Claims, figures and the report, on made-up outcomes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod in_browser;
mod page;
mod synthetic;
