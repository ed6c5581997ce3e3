//! Messages of the command on standard error.

mod group;

use serde::Serialize;

use crate::output::say;

use group::Said;

/// Something that was found or decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// A sentence.
    pub text: String,
    /// The columns concerned, if any.
    pub columns: Vec<String>,
}

impl Note {
    /// A note about a column.
    pub fn about(column: &str, text: impl Into<String>) -> Self {
        Self { text: text.into(), columns: vec![column.to_owned()] }
    }
}

impl<T: Into<String>> From<T> for Note {
    fn from(text: T) -> Self {
        Self { text: text.into(), columns: Vec::new() }
    }
}

/// A warning for the reader of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable name, in `snake_case`.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// The columns concerned, if any.
    pub columns: Vec<String>,
    /// Whether it is so common that it is shown without the word "warning".
    #[serde(skip)]
    mild: bool,
}

impl Warning {
    /// A warning called `code`.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), columns: Vec::new(), mild: false }
    }

    /// The same warning, about these columns.
    pub fn about(self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same warning, shown without the word "warning".
    pub fn mild(self) -> Self {
        Self { mild: true, ..self }
    }
}

/// Notes and warnings in the order in which they occurred, each kept once for the JSON output.
///
/// On standard error, those that differ only in columns and numbers become one line. Messages are
/// written by [`Messages::flush`], before a long computation, and at the end.
#[derive(Debug)]
pub struct Messages {
    quiet: bool,
    notes: Vec<String>,
    warnings: Vec<Warning>,
    /// Messages not yet written to standard error.
    unsaid: Vec<Said>,
}

impl Messages {
    /// No messages yet; with `quiet` they are not written to standard error.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, notes: Vec::new(), warnings: Vec::new(), unsaid: Vec::new() }
    }

    /// Adds a note on what was found or decided.
    pub fn note(&mut self, note: impl Into<Note>) {
        let Note { text, columns } = note.into();
        if self.notes.contains(&text) {
            return;
        }
        self.unsaid.push(Said::new(&text, &columns));
        self.notes.push(text);
    }

    /// Adds a warning about a result.
    pub fn warn(&mut self, warning: Warning) {
        let same =
            |other: &&mut Warning| (other.code, &other.message) == (warning.code, &warning.message);
        if let Some(known) = self.warnings.iter_mut().find(same) {
            let more = warning.columns.into_iter();
            let more: Vec<String> = more.filter(|name| !known.columns.contains(name)).collect();
            known.columns.extend(more);
            return;
        }
        let word = if warning.mild { "" } else { "warning: " };
        let text = format!("{word}{}", warning.message);
        self.unsaid.push(Said::new(&text, &warning.columns));
        self.warnings.push(warning);
    }

    /// Adds the warning, if there is one.
    pub fn warn_if(&mut self, warning: Option<Warning>) {
        if let Some(warning) = warning {
            self.warn(warning);
        }
    }

    /// Writes the messages not yet written.
    pub fn flush(&mut self) {
        let unsaid = std::mem::take(&mut self.unsaid);
        if !self.quiet {
            for line in group::lines(&unsaid) {
                say(format_args!("mi: {line}"));
            }
        }
    }

    /// The notes so far.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The warnings so far.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Whether standard error is to stay silent.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.flush();
    }
}
