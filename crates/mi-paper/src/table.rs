//! One table, written for a terminal, as Markdown and as HTML.

use std::fmt;

use maud::{Markup, html};
pub use mi_plot::Align;
use mi_plot::{TextTable, plain};

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Row {
    /// A heading over the rows that follow.
    Section(String),
    /// One text for each column.
    Cells(Vec<String>),
}

/// A table of texts.
///
/// [`Display`](fmt::Display) writes it with aligned columns for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    caption: String,
    columns: Vec<(String, Align)>,
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn new(caption: impl Into<String>, columns: &[(&str, Align)]) -> Self {
        let columns = columns.iter().map(|(title, align)| ((*title).to_owned(), *align)).collect();
        Self { caption: caption.into(), columns, rows: Vec::new() }
    }

    /// Adds a heading over the rows that follow.
    pub(crate) fn section(&mut self, title: impl Into<String>) {
        self.rows.push(Row::Section(title.into()));
    }

    /// Adds a row; missing cells stay empty, those beyond the last column are dropped.
    pub(crate) fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.columns.len(), String::new());
        self.rows.push(Row::Cells(cells));
    }

    /// Whether the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Drops columns in which every cell is empty or [`MISSING`], except the first.
    pub(crate) fn without_empty_columns(mut self) -> Self {
        let is_filled = |cell: &String| !cell.is_empty() && cell != MISSING;
        let kept: Vec<bool> = (0..self.columns.len())
            .map(|column| {
                column == 0
                    || self.rows.iter().any(|row| match row {
                        Row::Cells(cells) => is_filled(&cells[column]),
                        Row::Section(_) => false,
                    })
            })
            .collect();
        let mut keep = kept.iter().cycle();
        self.columns.retain(|_| keep.next() == Some(&true));
        for row in &mut self.rows {
            if let Row::Cells(cells) = row {
                let mut keep = kept.iter();
                cells.retain(|_| keep.next() == Some(&true));
            }
        }
        self
    }

    /// As GitHub-flavoured Markdown, with the caption above.
    pub fn to_markdown(&self) -> String {
        let mut lines = Vec::new();
        if !self.caption.is_empty() {
            lines.extend([escape_html(&self.caption), String::new()]);
        }
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let titles: Vec<String> = self.columns.iter().map(|(title, _)| escape(title)).collect();
        lines.push(line(&titles));
        let rules: Vec<String> = self
            .columns
            .iter()
            .map(|(_, align)| if *align == Align::Left { "---" } else { "---:" }.to_owned())
            .collect();
        lines.push(line(&rules));
        for row in &self.rows {
            let mut cells = match row {
                Row::Section(title) => vec![format!("**{}**", escape(title))],
                Row::Cells(cells) => cells.iter().map(|cell| escape(cell)).collect(),
            };
            cells.resize(self.columns.len(), String::new());
            lines.push(line(&cells));
        }
        lines.join("\n") + "\n"
    }

    /// As HTML, in a box that scrolls sideways if the page is narrow.
    pub(crate) fn to_html(&self) -> Markup {
        let class = |align: Align| (align == Align::Right).then_some("number");
        html! {
            div.scroll tabindex="0" role="region" aria-label=(self.label()) {
                table {
                    @if !self.caption.is_empty() { caption { (self.caption) } }
                    thead { tr {
                        @for (title, align) in &self.columns {
                            th scope="col" class=[class(*align)] { (title) }
                        }
                    } }
                    tbody { @for row in &self.rows {
                        @match row {
                            Row::Section(title) => {
                                tr { th.section scope="rowgroup" colspan=(self.columns.len()) { (title) } }
                            }
                            Row::Cells(cells) => tr {
                                @for (index, (cell, (_, align))) in cells.iter().zip(&self.columns).enumerate() {
                                    @if index == 0 { th scope="row" class=[class(*align)] { (cell) } }
                                    @else { td class=[class(*align)] { (cell) } }
                                }
                            }
                        }
                    } }
                }
            }
        }
    }

    fn label(&self) -> &str {
        if self.caption.is_empty() { "Table" } else { &self.caption }
    }
}

/// The text of a cell without a number.
pub(crate) const MISSING: &str = "–";

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.caption.is_empty() {
            writeln!(f, "{}\n", self.caption)?;
        }
        let mut text = TextTable::new(&self.columns).ruled();
        for row in &self.rows {
            match row {
                Row::Section(title) => text.section(title),
                Row::Cells(cells) => text.row(cells),
            }
        }
        text.fmt(f)
    }
}

/// Escapes a text for a Markdown cell, so that it is read as neither Markdown nor HTML.
fn escape(text: &str) -> String {
    escape_html(text)
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('*', "\\*")
        .replace('_', "\\_")
}

/// Escapes a text for Markdown, on one line, so that it is not read as HTML.
pub(crate) fn escape_html(text: &str) -> String {
    plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(
            "Results",
            &[("run", Align::Left), ("x", Align::Right), ("y", Align::Right)],
        );
        table.section("first|second");
        table.row(vec!["a_b".to_owned(), "1.5".to_owned(), MISSING.to_owned()]);
        table.row(vec!["<c>".to_owned(), "−10.25".to_owned()]);
        table
    }

    #[test]
    fn columns_line_up_in_a_terminal() {
        let text = table().without_empty_columns().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Results");
        assert_eq!(lines[2], "run       x");
        assert_eq!(lines[4], "first|second");
        assert_eq!(lines[5], "a_b     1.5");
        assert_eq!(lines[6], "<c>  −10.25");
    }

    #[test]
    fn markdown_cells_cannot_break_the_table() {
        let markdown = table().to_markdown();
        let rows: Vec<&str> = markdown.lines().skip(2).collect();
        assert!(rows.iter().all(|row| row.replace("\\|", "").matches('|').count() == 4));
        assert!(markdown.contains("a\\_b") && markdown.contains("&lt;c&gt;"));
    }

    #[test]
    fn html_is_escaped_and_has_row_headers() {
        let html = table().to_html().into_string();
        assert!(html.contains("&lt;c&gt;"));
        assert!(html.contains("<th scope=\"row\">a_b</th>"));
        assert!(html.contains("colspan=\"3\""));
    }
}
