use mi_plot::{Align, TextTable, plain, shortened};

use super::LINE;

/// A table in lines of at most [`LINE`] characters, if its columns allow: if lines are longer,
/// cells and headings of `flexible` columns are shortened, each down to its smallest width before
/// the next one.
pub fn narrow(
    columns: &[(&str, Align)],
    rows: &[Vec<String>],
    flexible: &[(usize, usize)],
) -> TextTable {
    let length = |text: &str| plain(text).chars().count();
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| length(cell)).fold(length(columns[column].0), usize::max)
        })
        .collect();
    let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    let mut excess = total.saturating_sub(LINE);
    for &(column, least) in flexible {
        let less = excess.min(widths[column].saturating_sub(least));
        widths[column] -= less;
        excess -= less;
    }
    let cell = |(text, width): (&str, &usize)| shortened(&plain(text), *width);
    let headings: Vec<(String, Align)> = columns
        .iter()
        .zip(&widths)
        .map(|((heading, align), width)| (cell((heading, width)), *align))
        .collect();
    let mut table = TextTable::new(&headings);
    for row in rows {
        table.row(row.iter().map(String::as_str).zip(&widths).map(cell));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_give_way_one_after_the_other() {
        let columns = [("name", Align::Left), ("n", Align::Right), ("a long heading", Align::Left)];
        let row = |name: usize, last: usize| vec!["n".repeat(name), "1".into(), "l".repeat(last)];
        let lengths = |rows: &[Vec<String>], flexible: &[(usize, usize)]| {
            let text = narrow(&columns, rows, flexible).to_string();
            text.lines().map(|line| line.chars().count()).max().unwrap()
        };
        let both = [(0, 12), (2, 8)];
        assert_eq!(lengths(&[row(20, 3), row(3, 30)], &both), 55, "nothing is cut");
        assert_eq!(lengths(&[row(100, 3)], &both), 80);
        assert_eq!(lengths(&[row(100, 100), row(1, 1)], &both), 80);
        // Columns that may not be cut are complete.
        assert_eq!(lengths(&[row(100, 100)], &[(0, 12)]), 117);
        let text = narrow(&columns, &[row(100, 100)], &both).to_string();
        assert!(text.lines().all(|line| line.contains('…') || line.starts_with("name")), "{text}");
    }
}
