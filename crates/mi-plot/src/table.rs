//! Tables of text for a terminal.

use std::fmt;

use crate::plain;

/// The alignment of a column's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Row {
    Section(String),
    Cells(Vec<String>),
}

/// A table of text with aligned columns: two spaces between them, none at line ends, and no line
/// breaks within cells, whatever names and labels contain.
///
/// ```
/// use mi_plot::{Align, TextTable};
///
/// let mut table = TextTable::new(&[("name", Align::Left), ("n", Align::Right)]);
/// table.row(["a", "100"]);
/// table.row(["größe", "2"]);
/// assert_eq!(table.to_string(), "name     n\na      100\ngröße    2\n");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTable {
    align: Vec<Align>,
    headings: Vec<String>,
    rows: Vec<Row>,
    ruled: bool,
}

impl TextTable {
    /// A table with these columns.
    pub fn new<S: AsRef<str>>(columns: &[(S, Align)]) -> Self {
        Self {
            align: columns.iter().map(|(_, align)| *align).collect(),
            headings: columns
                .iter()
                .map(|(heading, _)| plain(heading.as_ref()).into_owned())
                .collect(),
            rows: Vec::new(),
            ruled: false,
        }
    }

    /// Draws a line below the headings.
    pub fn ruled(mut self) -> Self {
        self.ruled = true;
        self
    }

    /// Adds a row: missing cells are empty, and those beyond the last column are left out.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let cells = cells.into_iter().take(self.align.len());
        self.rows.push(Row::Cells(cells.map(|cell| plain(cell.as_ref()).into_owned()).collect()));
    }

    /// Adds a heading for the rows that follow; an empty line precedes it unless it comes first.
    pub fn section(&mut self, title: impl AsRef<str>) {
        self.rows.push(Row::Section(plain(title.as_ref()).into_owned()));
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |text: &str| text.chars().count();
        let mut widths: Vec<usize> = self.headings.iter().map(|text| length(text)).collect();
        for row in &self.rows {
            if let Row::Cells(cells) = row {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = (*width).max(length(cell));
                }
            }
        }
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).zip(&self.align).map(
                |((cell, &width), align)| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                },
            );
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        writeln!(f, "{}", line(&self.headings))?;
        if self.ruled {
            let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
            writeln!(f, "{}", "─".repeat(total))?;
        }
        for (index, row) in self.rows.iter().enumerate() {
            match row {
                Row::Section(title) if index == 0 => writeln!(f, "{title}")?,
                Row::Section(title) => writeln!(f, "\n{title}")?,
                Row::Cells(cells) => writeln!(f, "{}", line(cells))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_on_its_line() {
        let mut table = TextTable::new(&[("a\nb", Align::Left)]);
        table.row(["p\r\nq\t1"]);
        table.row(["\u{1b}[31mred"]);
        assert_eq!(table.to_string(), "a b\np  q 1\n [31mred\n");
    }

    #[test]
    fn lines_have_no_tail_and_rows_may_be_short_or_long() {
        let mut table = TextTable::new(&[("x", Align::Left), ("y", Align::Left)]);
        table.row(["1", ""]);
        table.row(["2"]);
        table.row(["3", "4", "5"]);
        assert_eq!(table.to_string(), "x  y\n1\n2\n3  4\n");
    }

    #[test]
    fn sections_stand_over_their_rows() {
        let mut table = TextTable::new(&[("run", Align::Left), ("x", Align::Right)]).ruled();
        table.section("first");
        table.row(["a", "1.5"]);
        table.section("second");
        table.row(["b", "−10.25"]);
        let lines = "run       x\n───────────\nfirst\na       1.5\n\nsecond\nb    −10.25\n";
        assert_eq!(table.to_string(), lines);
    }
}
