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
//! println!("{} rows; {} is {}", table.rows, table.columns[1].name, table.columns[1].kind);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod command;
mod error;
pub mod input;
pub mod lag;
pub mod messages;
pub mod options;
pub mod output;
pub mod select;
pub mod table;

pub use command::{Cli, Command};
pub use error::CliError;
