//! The `mi` command: mutual information of a person's own data.
//!
//! The library holds the command itself, [`Cli`], and the readers of tables, so that both can be tested
//! and used from outside.
//!
//! ```no_run
//! use mi_cli::table::{ReadOptions, open};
//!
//! let source = open("penguins.csv", &ReadOptions::default())?;
//! let table = source.load(&[0, 1], &[])?;
//! println!("{} rows; {} is {:?}", table.rows, table.columns[1].name, table.columns[1].declared);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// The terminal goes through `output`: `println!` and `eprintln!` end the program where nobody reads.
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
