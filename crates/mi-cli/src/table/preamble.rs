//! Finds lines above a table, such as those that instruments write.

use super::cell::{Cell, CellRules};
use super::sniff::{self, CANDIDATES};
use super::spelling::Spelling;

/// Rows that are examined.
const ROWS: usize = 200;

/// Bytes that are examined.
const SAMPLE: usize = 1 << 16;

/// The smallest number of rows of a table: a header and two more.
const FEWEST_ROWS: usize = 3;

/// Lines above a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preamble {
    /// How many there are, including blank ones.
    pub(crate) lines: u64,
    /// The first row below them.
    pub(crate) header: Vec<String>,
    /// Whether every row has as many fields as the table, so that only the contents of the first
    /// rows show that they do not belong to it.
    pub(crate) is_padded: bool,
}

/// A row of the sample.
struct Row {
    /// Lines above it.
    above: u64,
    fields: Vec<String>,
}

impl Row {
    fn kinds(&self, rules: &CellRules) -> Vec<Cell> {
        self.fields.iter().map(|field| rules.read(field)).collect()
    }

    /// Whether the last cell is empty, and all cells after the first empty one.
    fn is_filled_up(&self) -> bool {
        let filled = self.fields.iter().take_while(|field| !field.is_empty()).count();
        filled < self.fields.len() && self.fields[filled..].iter().all(String::is_empty)
    }
}

/// The lines above the table in a sample, if there are any. They have
///
/// - numbers of fields that differ from those of the table's rows, which are all equal from its
///   header on;
/// - or the same number, if a spreadsheet padded them with empty cells: the header is then the
///   first full row below the last of them, and there are numbers only below it.
///
/// `delimiter` is the known one; padded rows are searched if `by_content`.
pub(crate) fn find(
    sample: &[u8],
    complete: bool,
    delimiter: Option<u8>,
    cells: &CellRules,
    by_content: bool,
) -> Option<Preamble> {
    let (sample, complete) = match sample.get(..SAMPLE) {
        Some(start) => (start, false),
        None => (sample, complete),
    };
    let candidates = delimiter.map_or(CANDIDATES.to_vec(), |known| vec![known]);
    let tables = candidates.into_iter().filter_map(|delimiter| {
        let rows = rows(sample, complete, delimiter);
        Some((first_even(&rows)?, rows))
    });
    let (first, rows) = tables.min_by_key(|(first, _)| *first)?;
    let uneven = (first > 0 && is_table(&rows, first, cells)).then_some(first);
    let padded = if by_content && (first == 0 || uneven.is_some()) {
        below_padding(&rows[first..], cells).map(|below| first + below)
    } else {
        None
    };
    let header = &rows[padded.or(uneven)?];
    Some(Preamble { lines: header.above, header: header.fields.clone(), is_padded: first == 0 })
}

/// The first rows of a sample; the last one of an incomplete sample may be truncated.
fn rows(sample: &[u8], complete: bool, delimiter: u8) -> Vec<Row> {
    let mut reader = sniff::reader(sample, delimiter);
    let mut rows = Vec::new();
    let mut record = csv::ByteRecord::new();
    while rows.len() <= ROWS && reader.read_byte_record(&mut record).unwrap_or(false) {
        let inside = record.iter().flatten().filter(|&&byte| byte == b'\n').count() as u64;
        let text = |field| String::from_utf8_lossy(field).trim().to_owned();
        let fields: Vec<String> = record.iter().map(text).collect();
        // The parser's position before a row is above blank lines; the one after it is not.
        let above = reader.position().line().saturating_sub(2 + inside);
        if fields.len() > 1 || !fields.concat().is_empty() {
            rows.push(Row { above, fields });
        }
    }
    if rows.len() > ROWS || !complete {
        rows.pop();
    }
    rows
}

/// The first row from which on all rows have the same number of fields, two or more.
fn first_even(rows: &[Row]) -> Option<usize> {
    let fields = rows.last()?.fields.len();
    let uneven = rows.iter().rposition(|row| row.fields.len() != fields);
    let first = uneven.map_or(0, |row| row + 1);
    (fields > 1 && rows.len() - first >= FEWEST_ROWS).then_some(first)
}

/// Whether a table begins at `first`, rather than a part of one below an odd row: all rows above
/// are narrower, or there is a header of names.
fn is_table(rows: &[Row], first: usize, cells: &CellRules) -> bool {
    let fields = rows[first].fields.len();
    let table = &rows[first..];
    // R writes no name above row names.
    let is_of_r = first == 1 && fields > 2 && rows[0].fields.len() + 1 == fields;
    let is_narrower = rows[..first].iter().all(|row| row.fields.len() < fields);
    is_narrower && !is_of_r || is_header(table, 0, &numeric(table, cells), cells)
}

/// The position of the header below rows that were padded with empty cells.
fn below_padding(rows: &[Row], cells: &CellRules) -> Option<usize> {
    let numeric = numeric(rows, cells);
    let holds_numbers = |row: &Row| {
        let kinds = row.kinds(cells);
        numeric.iter().all(|&column| matches!(kinds[column], Cell::Number(_) | Cell::Missing))
    };
    let data = rows.iter().rposition(|row| !holds_numbers(row))? + 1;
    let above = rows[..data].iter().rposition(Row::is_filled_up)? + 1;
    // Pairs of a key and a date or a time are also full rows, but not names.
    let names = |row: &Row| row.fields.iter().all(|field| Spelling::of(field).is_none());
    let header = above + rows[above..data].iter().position(names).unwrap_or(0);
    (header < data && is_header(rows, header, &numeric, cells)).then_some(header)
}

/// The columns that have numbers in the last third of the rows.
fn numeric(rows: &[Row], cells: &CellRules) -> Vec<usize> {
    let third = (rows.len() / 3).max(1);
    let last: Vec<Vec<Cell>> =
        rows[rows.len() - third..].iter().map(|row| row.kinds(cells)).collect();
    let is_number = |cell: &Cell| matches!(cell, Cell::Number(_));
    (0..rows[0].fields.len())
        .filter(|&column| {
            last.iter().any(|row| is_number(&row[column]))
                && last.iter().all(|row| is_number(&row[column]) || row[column] == Cell::Missing)
        })
        .collect()
}

/// Whether a row is full, and has a name above some numbers.
fn is_header(rows: &[Row], place: usize, numeric: &[usize], cells: &CellRules) -> bool {
    let kinds = rows[place].kinds(cells);
    rows[place].fields.iter().all(|field| !field.is_empty())
        && numeric.iter().any(|&column| kinds[column] == Cell::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, lines: Option<u64>) {
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let found = find(text.as_bytes(), true, None, &CellRules::default(), true);
            assert_eq!(found.map(|preamble| preamble.lines), lines, "{text:?}");
        }
    }

    #[test]
    fn lines_of_other_widths_stand_above_a_table() {
        check("Logger 7\nMay 2024\n\nt,a\n1,2\n2,3\n", Some(3));
        check("Logger, 7\nt,a,b\n1,2,3\n2,3,4\n", Some(1));
        check("Date,2020-01-01\nOperator,Smith\n\nt,a,b,c\n1,2,3,4\n2,3,4,5\n", Some(3));
        // Including a line with as many fields as the table, and a quoted line break.
        check("Gauge\nX,7,Serial,8\n\"two\nlines\"\nt,a,b,c\n1,2,3,4\n2,3,4,5\n", Some(4));
        // A delimiter that differs from that of the table.
        check("Depth, m\nSite, 3\nt;a\n1;2\n2;3\n", Some(2));
        // Without names.
        check("Logger 7\n\n1,2\n2,3\n3,4\n", Some(2));
    }

    #[test]
    fn lines_filled_up_with_empty_cells_stand_above_a_table() {
        check("Date,2020-01-01,,\nOperator,Smith,,\n,,,\nt,a,b,c\n1,2,3,4\n2,3,4,5\n", Some(3));
        check("Run,7,\nt,a,b\ns,V,A\n1,2,3\n2,3,4\n3,4,5\n4,5,6\n", Some(1));
        check("Instrument X200,\nDate,2024-01-01\na,b\n1,2\n2,3\n3,4\n", Some(2));
        check("Logger\nRun,7,\nt,a,b\n1,2,3\n2,3,4\n3,4,5\n", Some(2));
    }

    #[test]
    fn plain_and_odd_tables_have_nothing_above_them() {
        check("a,b\n1,2\n3,4\n", None);
        check("a,b\n1,2\n3,4,5\n", None);
        check("one\ncolumn\n", None);
        // A row too long in the middle, a footer, gaps in the first rows, a trailing delimiter.
        check("a,b\n1,2\n1,2,3\n1,2\n1,2\n1,2\n", None);
        check("a,b\n1,2\n1,2\n1,2\nmean,1,2\n", None);
        check("a,b,c\n1,-,\n2,3,4\n3,4,5\n4,5,6\n", None);
        check("a,b,\n1,2,\n3,4,\n4,5,\n", None);
        check("a,b,c\nx,y,\nx,y,z\nu,v,w\n", None);
        // R's row names.
        check("a,b\nr1,1,2\nr2,3,4\nr3,3,4\n", None);
    }
}
