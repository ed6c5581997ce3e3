//! Claims, figures and the report, on made-up outcomes.

mod claims;
mod in_browser;
mod page;
mod synthetic;
