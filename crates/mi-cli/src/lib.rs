//! The `mi` command: mutual information of a person's own data.
//!
//! The library part holds what the command is made of, so that it can be tested and reused.
//!
//! ```no_run
//! use mi_cli::select::select;
//! use mi_cli::table::{ReadOptions, open};
//!
//! let source = open("penguins.csv", &ReadOptions::default())?;
//! let wanted = select("bill_length_mm,species", source.names())?;
//! let table = source.load(&wanted, &[])?;
//! println!("{} rows; {} is {:?}", table.rows, table.columns[1].name, table.columns[1].declared);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bench;
mod command;
pub mod copies;
pub mod correction;
mod error;
pub mod estimator;
pub mod input;
pub mod lag;
pub mod messages;
pub mod observations;
pub mod options;
pub mod output;
pub mod pairs;
pub mod reading;
pub mod select;
pub mod selftest;
pub mod table;
pub mod usable;
mod words;

pub use command::{Cli, Command};
pub use error::CliError;
