//! Tests that span several crates; the library itself is empty.
