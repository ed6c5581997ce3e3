//! What the command says beside its results, on standard error.

use serde::Serialize;

/// Something the reader of a result should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable name, in `snake_case`.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// Whether it is so common that the word "warning" would be too much.
    #[serde(skip)]
    mild: bool,
}

impl Warning {
    /// A warning called `code`.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), mild: false }
    }

    /// The same, said without the word "warning".
    pub fn mild(self) -> Self {
        Self { mild: true, ..self }
    }
}

/// Notes and warnings in the order in which they arose, each said once on standard error and
/// kept for the JSON output.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    quiet: bool,
    notes: Vec<String>,
    warnings: Vec<Warning>,
}

impl Messages {
    /// No messages yet; `quiet` keeps them off standard error.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, ..Self::default() }
    }

    /// Says what was found or decided.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.notes.contains(&text) {
            return;
        }
        if !self.quiet {
            eprintln!("mi: {text}");
        }
        self.notes.push(text);
    }

    /// Says what makes a result doubtful.
    pub fn warn(&mut self, warning: Warning) {
        if self.warnings.contains(&warning) {
            return;
        }
        if !self.quiet {
            let word = if warning.mild { "" } else { "warning: " };
            eprintln!("mi: {word}{}", warning.message);
        }
        self.warnings.push(warning);
    }

    /// Says it, if there is something to say.
    pub fn warn_if(&mut self, warning: Option<Warning>) {
        if let Some(warning) = warning {
            self.warn(warning);
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
