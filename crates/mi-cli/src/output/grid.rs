use std::fmt::Write as _;

/// On which side a column of a grid is flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table of text with aligned columns, for people.
#[derive(Clone, Debug)]
pub struct Grid {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A grid with a row of headings.
    pub fn new(headings: &[(&str, Align)]) -> Self {
        Self {
            align: headings.iter().map(|(_, align)| *align).collect(),
            rows: vec![headings.iter().map(|(text, _)| one_line(text)).collect()],
        }
    }

    /// Adds a row; cells beyond the headings are left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().take(self.align.len());
        self.rows.push(cells.map(|cell| one_line(&cell)).collect());
    }

    /// The whole as text, two spaces between columns and none at line ends.
    pub fn render(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.align.len()).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, &width), align) in row.iter().zip(&widths).zip(&self.align) {
                if !line.is_empty() || width == 0 {
                    line.push_str("  ");
                }
                let _ = match align {
                    Align::Left => write!(line, "{cell:<width$}"),
                    Align::Right => write!(line, "{cell:>width$}"),
                };
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// A cell without the line breaks and tabs that labels and names may hold.
fn one_line(cell: &str) -> String {
    cell.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_on_its_line() {
        let mut grid = Grid::new(&[("a\nb", Align::Left)]);
        grid.row(["p\r\nq\t1".into()]);
        assert_eq!(grid.render(), "a b\np  q 1\n");
    }

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        let mut grid = Grid::new(&[("name", Align::Left), ("n", Align::Right)]);
        grid.row(["a".into(), "100".into()]);
        grid.row(["größe".into(), "2".into()]);
        assert_eq!(grid.render(), "name     n\na      100\ngröße    2\n");
        let mut grid = Grid::new(&[("x", Align::Left), ("y", Align::Left)]);
        grid.row(["1".into(), String::new()]);
        assert_eq!(grid.render(), "x  y\n1\n");
    }
}
