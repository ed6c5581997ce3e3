use std::io;

use mi_samples::SamplesError;

use crate::select::SelectError;
use crate::table::TableError;

/// Why a command ends without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The options do not fit together, or do not fit the file.
    #[error("{0}")]
    Usage(String),
    /// The value of an option does not fit the data.
    #[error("{0}")]
    Setting(String),
    /// A selection chooses nothing.
    #[error("{option}: {source}")]
    Select {
        /// The option that holds the selection.
        option: &'static str,
        /// What is wrong with it.
        source: SelectError,
    },
    /// A file could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The data do not allow the request.
    #[error("{0}")]
    Data(String),
    /// An estimator failed.
    #[error(transparent)]
    Estimator(#[from] SamplesError),
    /// A result could not be written.
    #[error("cannot write {to}: {source}")]
    Write {
        /// The file, or `standard output`.
        to: String,
        /// The system's message.
        source: io::Error,
    },
    /// Standard output was closed by its reader, which is not an error.
    #[error("standard output is closed")]
    ClosedPipe,
}

impl CliError {
    /// The exit code: 0 for a closed pipe, 1 for a problem with the data or the system, 2 for a
    /// problem with the command line.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::ClosedPipe => 0,
            CliError::Table(_)
            | CliError::Data(_)
            | CliError::Setting(_)
            | CliError::Estimator(_)
            | CliError::Write { .. } => 1,
            CliError::Usage(_) | CliError::Select { .. } => 2,
        }
    }

    /// The error of writing to standard output.
    pub fn from_stdout(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            CliError::ClosedPipe
        } else {
            CliError::Write { to: "standard output".into(), source }
        }
    }
}
