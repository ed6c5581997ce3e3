//! Detects the delimiter and the header of a text table from its first bytes.

use std::fmt;

use csv::{ByteRecord, ReaderBuilder};

use super::cell::{Cell, CellRules};
use super::normalise::Normaliser;

/// The candidate delimiters; the first one that splits every row into the same number of fields
/// wins. The comma comes last because it may be the decimal sign, and the others hardly occur in
/// numbers.
pub(super) const CANDIDATES: [u8; 4] = [b'\t', b';', b'|', b','];
/// Rows that are examined.
const ROWS: usize = 200;

/// Whether the first row has names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum HeaderRule {
    /// Detect from the first two rows
    #[default]
    Auto,
    /// The first row has names
    Yes,
    /// The first row has values
    No,
}

/// Why the first row was, or was not, treated as names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Asked(bool),
    /// A name is above a number.
    NameOverNumber,
    /// The first row has no number.
    NoNumber,
    /// The first row has numbers, and no name is above one.
    Numbers,
}

impl Header {
    pub(crate) fn present(self) -> bool {
        match self {
            Header::Asked(present) => present,
            Header::NameOverNumber | Header::NoNumber => true,
            Header::Numbers => false,
        }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Header::Asked(true) => "first row has names (--header yes)",
            Header::Asked(false) => "no header (--header no)",
            Header::NameOverNumber => "first row has names (text above numbers)",
            Header::NoNumber => "first row has names (it has no number)",
            Header::Numbers => {
                "no header: the first row has numbers (`--header yes` if they are names)"
            }
        })
    }
}

/// How a delimiter is written in messages.
pub(crate) fn show_delimiter(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".into(),
        b' ' => "space".into(),
        other => format!("`{}`", other as char),
    }
}

/// A reader of a sample, row by row, whatever their lengths.
pub(super) fn reader(sample: &[u8], delimiter: u8) -> csv::Reader<Normaliser<&[u8]>> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(Normaliser::new(sample, delimiter, 1))
}

/// The first rows of a sample, split by `delimiter`. The last row of an incomplete sample is
/// left out unless it is the only one.
fn rows(sample: &[u8], complete: bool, delimiter: u8) -> Vec<ByteRecord> {
    let mut rows: Vec<ByteRecord> =
        reader(sample, delimiter).byte_records().map_while(Result::ok).take(ROWS + 1).collect();
    if rows.len() > ROWS || (!complete && rows.len() > 1) {
        rows.pop();
    }
    rows
}

/// The delimiter that splits every row into the same number of fields; otherwise, the one that
/// splits the first row most. `None` if none of the candidates occurs.
pub(crate) fn find_delimiter(sample: &[u8], complete: bool) -> Option<u8> {
    let counts = |delimiter| -> Vec<usize> {
        rows(sample, complete, delimiter).iter().map(ByteRecord::len).collect()
    };
    let even = CANDIDATES.into_iter().find(|&delimiter| {
        let counts = counts(delimiter);
        counts.first().is_some_and(|&n| n > 1 && counts.iter().all(|&count| count == n))
    });
    even.or_else(|| {
        let first = |delimiter| counts(delimiter).first().copied().unwrap_or(0);
        // `max_by_key` takes the last of equals: reversed, the first candidate.
        let most = CANDIDATES.into_iter().rev().max_by_key(|&delimiter| first(delimiter))?;
        (first(most) > 1).then_some(most)
    })
}

/// Whether the first row of a sample holds names: it does if a text is above a number, or if it has
/// no number.
pub(crate) fn find_header(
    sample: &[u8],
    complete: bool,
    delimiter: u8,
    cells: &CellRules,
) -> Header {
    let rows = rows(sample, complete, delimiter);
    let kinds = |row: Option<&ByteRecord>| -> Vec<Cell> {
        let fields = row.into_iter().flatten();
        fields.map(|field| cells.read(String::from_utf8_lossy(field).trim())).collect()
    };
    let (first, second) = (kinds(rows.first()), kinds(rows.get(1)));
    let number = |cell: &Cell| matches!(cell, Cell::Number(_) | Cell::NotFinite);
    if first.iter().zip(&second).any(|(above, below)| *above == Cell::Text && number(below)) {
        Header::NameOverNumber
    } else if first.iter().any(number) {
        Header::Numbers
    } else {
        Header::NoNumber
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_splits_every_row_alike() {
        let found = |text: &str| find_delimiter(text.as_bytes(), true);
        assert_eq!(found("a,b\n1,2\n"), Some(b','));
        assert_eq!(found("a;b\n10,20;4,5\n"), Some(b';'));
        assert_eq!(found("1,5;2,5\n3,5;4,5\n"), Some(b';'));
        assert_eq!(found("a\tb\n1,2\t3\n"), Some(b'\t'));
        assert_eq!(found("a,b\n\"1,2\",3\n"), Some(b','));
        assert_eq!(found("a|b|c\n1|2|3\n"), Some(b'|'));
        assert_eq!(found("a,b\n\"x;y\",1\n"), Some(b','));
        assert_eq!(found("a\n1\n2\n"), None);
        assert_eq!(found(""), None);
        assert_eq!(found("a,b,c\n1,2\n1,2,3,4\n"), Some(b','));
        // A sample that is truncated inside its last row.
        assert_eq!(find_delimiter(b"a,b\n1,2\n3", false), Some(b','));
    }

    #[test]
    fn the_header_rule() {
        let header = |text: &str| find_header(text.as_bytes(), true, b',', &CellRules::default());
        assert_eq!(header("a,b\n1,2\n"), Header::NameOverNumber);
        assert_eq!(header("id,2019,2020\n1,2,3\n"), Header::NameOverNumber);
        assert_eq!(header("1,2\n3,4\n5,6\n"), Header::Numbers);
        assert_eq!(header("setosa,5.1\nvirginica,5.9\n"), Header::Numbers);
        assert_eq!(header("name,town\nAnn,Bern\n"), Header::NoNumber);
        assert_eq!(header(",a\n0,1\n"), Header::NameOverNumber);
        assert_eq!(header("a,b\n"), Header::NoNumber);
        assert_eq!(header("a,b\nNA,inf\n"), Header::NameOverNumber);
    }
}
