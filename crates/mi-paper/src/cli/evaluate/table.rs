//! Prints measures as a table and as JSON.

use mi_eval::{Interval, Measured};
use mi_plot::{Align, TextTable, number};
use serde::Serialize;

/// A measure in JSON form.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    measure: &'static str,
    of: &'a str,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    unit: &'static str,
    note: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub(super) fn new(measured: &'a Measured) -> Self {
        // JSON has no infinite numbers.
        let finite = |value: f64| value.is_finite().then_some(value);
        Self {
            measure: measured.measure.name(),
            of: &measured.of,
            value: measured.value.and_then(finite),
            low: measured.interval.and_then(|interval| finite(interval.low)),
            high: measured.interval.and_then(|interval| finite(interval.high)),
            unit: measured.unit().name(),
            note: measured.note.as_deref(),
        }
    }
}

/// One line for each number.
pub(super) fn text(found: &[Measured]) -> String {
    let mut table = TextTable::new(&[
        ("measure", Align::Left),
        ("of", Align::Left),
        ("value", Align::Right),
        ("95 % interval", Align::Left),
        ("unit", Align::Left),
        ("note", Align::Left),
    ]);
    for measured in found {
        let interval = |Interval { low, high }| format!("{} to {}", number(low), number(high));
        table.row([
            measured.measure.name(),
            &measured.of,
            &measured.value.map_or_else(|| "none".to_owned(), number),
            &measured.interval.map(interval).unwrap_or_default(),
            measured.unit().name(),
            measured.note.as_deref().unwrap_or_default(),
        ]);
    }
    table.to_string()
}
