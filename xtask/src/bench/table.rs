//! Plain tables and numbers for the terminal; no colour, so `NO_COLOR` has nothing to turn off.

use mi_plot::{Align, TextTable};

/// A table of these rows: the first column left-aligned, the others right-aligned.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let align = |column| if column == 0 { Align::Left } else { Align::Right };
    let columns: Vec<_> =
        head.iter().enumerate().map(|(column, heading)| (*heading, align(column))).collect();
    let mut table = TextTable::new(&columns);
    for row in rows {
        table.row(row);
    }
    table.to_string()
}

/// A value at a readable size: times from `ns` with their unit, counts in thousands or millions.
pub(crate) fn value(value: f64, unit: &str) -> String {
    let sizes: &[(f64, &str)] = match unit {
        "ns" => &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")],
        _ => &[(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")],
    };
    let size = sizes.iter().find(|(scale, _)| value >= *scale).or(sizes.last());
    let &(scale, unit) = size.unwrap_or(&(1.0, ""));
    let scaled = value / scale;
    let decimals = if scaled < 10.0 { 3 } else { usize::from(scaled < 100.0) + 1 };
    format!("{scaled:.decimals$} {unit}").trim_end().to_owned()
}

/// An interval, or a note that a count has none.
pub(crate) fn interval(low: f64, high: f64, unit: &str) -> String {
    if low == high {
        return "exact".to_owned();
    }
    format!("{} – {}", value(low, unit), value(high, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows =
            [vec!["a".to_owned(), "1.5".to_owned()], vec!["µµµ".to_owned(), "12".to_owned()]];
        assert_eq!(table(&["id", "n"], &rows), "id     n\na    1.5\nµµµ   12\n");
    }

    #[test]
    fn times_get_a_readable_unit() {
        for (nanoseconds, text) in [
            (0.5, "0.500 ns"),
            (1.5, "1.500 ns"),
            (12.345, "12.35 ns"),
            (123.45, "123.5 ns"),
            (1234.5, "1.234 µs"),
            (2.5e6, "2.500 ms"),
            (3.25e10, "32.50 s"),
        ] {
            assert_eq!(value(nanoseconds, "ns"), text);
        }
        assert_eq!(value(12_345_678.0, "instructions"), "12.35 M");
        assert_eq!(value(123.0, "instructions"), "123.0");
        assert_eq!(interval(1e3, 2e3, "ns"), "1.000 µs – 2.000 µs");
        assert_eq!(interval(7.0, 7.0, "instructions"), "exact");
    }
}
