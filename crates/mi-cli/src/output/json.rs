use std::io::Write;

use serde::Serialize;

use crate::error::CliError;
use crate::messages::{Messages, Warning};

/// The version of the JSON output. It changes when a field is renamed, removed or means
/// something else; new fields do not change it.
pub const SCHEMA: &str = "mi/1";

/// What every JSON result starts and ends with.
#[derive(Serialize)]
struct Envelope<'a, T> {
    schema: &'static str,
    version: &'static str,
    command: &'static str,
    #[serde(flatten)]
    body: T,
    notes: &'a [String],
    warnings: &'a [Warning],
}

/// Writes a result as one JSON object, with the notes and warnings that arose.
///
/// # Errors
/// When standard output cannot be written.
pub fn write_json<T: Serialize>(
    out: &mut dyn Write,
    command: &'static str,
    body: T,
    messages: &Messages,
) -> Result<(), CliError> {
    let envelope = Envelope {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command,
        body,
        notes: messages.notes(),
        warnings: messages.warnings(),
    };
    // serde_json wraps the writer's error; the kind is what tells a closed pipe.
    serde_json::to_writer_pretty(&mut *out, &envelope)
        .map_err(|error| CliError::from_stdout(error.into()))?;
    out.write_all(b"\n").map_err(CliError::from_stdout)
}
