//! The command as its users meet it: every case gets its value or its message.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod arrays;
mod folder;
#[cfg(feature = "parquet")]
mod parquet;
mod shell;
mod text_tables;
