//! Prints measures as a table.

use mi_eval::Interval;
use mi_plot::{Align, TextTable, number};

use super::findings::{Findings, Row};

/// One line for each number, and a second table of timings if they were requested.
pub(super) fn text(found: &Findings) -> String {
    let mut table = TextTable::new(&[
        ("measure", Align::Left),
        ("of", Align::Left),
        ("value", Align::Right),
        ("95 % interval", Align::Left),
        ("unit", Align::Left),
        ("note", Align::Left),
    ]);
    for row in &found.rows {
        let Row { measure, of, value, unit, note, .. } = row;
        let interval = |Interval { low, high }| format!("{} to {}", number(low), number(high));
        table.row([
            *measure,
            of.as_str(),
            &value.map_or_else(|| "none".to_owned(), number),
            &row.interval().map(interval).unwrap_or_default(),
            unit,
            note.as_deref().unwrap_or_default(),
        ]);
    }
    let Some(timings) = &found.timings else { return table.to_string() };
    let mut of_timings =
        TextTable::new(&[("measure", Align::Left), ("seconds of processor time", Align::Right)]);
    for timing in timings {
        of_timings.row([timing.measure, &format!("{:.2}", timing.seconds)]);
    }
    format!("{table}\n{of_timings}")
}
