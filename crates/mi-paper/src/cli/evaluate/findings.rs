//! What the command found, and its JSON form.

use mi_eval::{Interval, Measured, Warning};
use serde::{Serialize, Serializer};

/// The version of the JSON output. It changes when a field is renamed, removed or means something
/// else; new fields do not change it.
const SCHEMA: &str = "mi-paper/1";

/// A measured number.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) measure: &'static str,
    /// The family, size or tolerance that it belongs to; empty if there is only one number.
    pub(super) of: String,
    #[serde(serialize_with = "finite")]
    pub(super) value: Option<f64>,
    #[serde(serialize_with = "finite")]
    low: Option<f64>,
    #[serde(serialize_with = "finite")]
    high: Option<f64>,
    pub(super) unit: &'static str,
    pub(super) note: Option<String>,
}

impl Row {
    /// A number in nats without an interval; `note` says why if there is none.
    pub(super) fn in_nats(
        measure: &'static str,
        of: impl Into<String>,
        value: Option<f64>,
        note: &str,
    ) -> Self {
        let note = value.is_none().then(|| note.to_owned());
        Self { measure, of: of.into(), value, low: None, high: None, unit: "nats", note }
    }

    /// The 95 % interval, if there is one.
    pub(super) fn interval(&self) -> Option<Interval> {
        self.low.zip(self.high).map(|(low, high)| Interval { low, high })
    }
}

impl From<Measured> for Row {
    fn from(measured: Measured) -> Self {
        Self {
            measure: measured.measure.name(),
            unit: measured.unit().name(),
            of: measured.of,
            value: measured.value,
            low: measured.interval.map(|interval| interval.low),
            high: measured.interval.map(|interval| interval.high),
            note: measured.note,
        }
    }
}

/// JSON has no infinite numbers.
#[allow(clippy::ref_option, reason = "serde passes a reference")]
fn finite<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.filter(|value| value.is_finite()).serialize(serializer)
}

/// A warning about some of the numbers.
#[derive(Debug, Serialize)]
struct Warned {
    code: &'static str,
    message: String,
    /// The numbers concerned, as in the table.
    measures: Vec<String>,
}

/// The processor time that a measure took.
#[derive(Debug, Serialize)]
pub(super) struct Timing {
    pub(super) measure: &'static str,
    pub(super) seconds: f64,
}

/// Everything that the command found.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<String>,
    warnings: Vec<Warned>,
    /// `None` if they were not requested.
    pub(super) timings: Option<Vec<Timing>>,
}

impl Findings {
    pub(super) fn new(timings: bool) -> Self {
        let timings = timings.then(Vec::new);
        Self { rows: Vec::new(), notes: Vec::new(), warnings: Vec::new(), timings }
    }

    /// Adds a measured number and its warnings. A warning that several numbers share is kept once.
    pub(super) fn add(&mut self, measured: Measured) {
        let name = match measured.of.as_str() {
            "" => measured.measure.name().to_owned(),
            of => format!("{}, {of}", measured.measure.name()),
        };
        for warning in &measured.warnings {
            self.warn(warning, &name);
        }
        self.rows.push(measured.into());
    }

    fn warn(&mut self, warning: &Warning, name: &str) {
        let (code, message) = (warning.code(), warning.to_string());
        let same = |other: &&mut Warned| other.code == code && other.message == message;
        match self.warnings.iter_mut().find(same) {
            Some(known) if known.measures.iter().any(|other| other == name) => {}
            Some(known) => known.measures.push(name.to_owned()),
            None => self.warnings.push(Warned { code, message, measures: vec![name.to_owned()] }),
        }
    }

    /// The warnings as lines for a reader.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        self.warnings
            .iter()
            .map(|Warned { message, measures, .. }| format!("{}: {message}", measures.join("; ")))
    }

    /// The JSON form.
    pub(super) fn json(&self, seed: u64) -> serde_json::Result<String> {
        let Self { rows, notes, warnings, timings } = self;
        let timings = timings.as_deref();
        serde_json::to_string_pretty(&Envelope {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            command: "evaluate",
            seed,
            rows,
            timings,
            notes,
            warnings,
        })
    }
}

/// The fields of the JSON output: first those of every such output, then those of this command,
/// then messages.
#[derive(Serialize)]
struct Envelope<'a> {
    schema: &'static str,
    version: &'static str,
    command: &'static str,
    seed: u64,
    rows: &'a [Row],
    timings: Option<&'a [Timing]>,
    notes: &'a [String],
    warnings: &'a [Warned],
}
