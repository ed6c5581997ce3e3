//! The `mi` command: mutual information of your own data.
//!
//! The library has the command itself, [`Cli`], and the readers of tables, so that both can be
//! tested and used by other code.
//!
//! ```no_run
//! use mi_cli::table::{ReadOptions, open};
//!
//! let source = open("penguins.csv", &ReadOptions::default())?;
//! let table = source.load(&[0, 1], &[])?;
//! println!("{} rows; {} is {:?}", table.rows, table.columns[1].name, table.columns[1].declared);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Terminal output goes through `output`: `println!` and `eprintln!` panic if the stream is closed.
#![warn(clippy::print_stdout, clippy::print_stderr)]
// Items of private modules are `pub` for their siblings.
#![allow(unreachable_pub)]

mod bench;
mod clusters;
mod command;
mod copies;
mod correction;
mod error;
mod estimator;
mod flags;
mod input;
mod lag;
mod messages;
mod observations;
mod options;
mod output;
mod pairs;
mod reading;
mod select;
mod selftest;
pub mod table;
mod threads;
mod usable;
mod words;

pub use command::{Cli, Command};
pub use error::CliError;
pub use output::say;
