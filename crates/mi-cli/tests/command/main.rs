//! The command as users see it: every case gives its value or its message.

#![allow(clippy::unwrap_used, reason = "a helper fails by panicking")]

mod arrays;
mod commands;
mod copies;
mod estimates;
mod first_five_minutes;
mod folder;
mod json_docs;
mod labels;
mod messages;
mod neural;
mod odd_files;
mod order;
mod outputs;
#[cfg(feature = "parquet")]
mod parquet;
mod plain_words;
mod readers;
mod shell;
mod text_tables;
