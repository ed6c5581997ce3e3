use std::cmp::Ordering;
use std::collections::HashMap;

use mi_samples::Declared;

use super::column::{Column, Origin};

/// Collects the labels of a column: texts, compared as they were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    codes: HashMap<String, u32>,
    in_order: Vec<String>,
}

impl Labels {
    pub(crate) fn knows(&self, label: &str) -> bool {
        self.codes.contains_key(label)
    }

    /// The labels in the order of first appearance, which is the order of their codes.
    pub(crate) fn in_order(&self) -> &[String] {
        &self.in_order
    }

    /// The code of a label: its place in the order of first appearance.
    pub(crate) fn code(&mut self, label: &str) -> f64 {
        if let Some(&code) = self.codes.get(label) {
            return f64::from(code);
        }
        let code = self.in_order.len() as u32;
        self.codes.insert(label.to_owned(), code);
        self.in_order.push(label.to_owned());
        f64::from(code)
    }

    /// The column, with codes renumbered so that labels are sorted: the codes do not depend on the
    /// order of the rows.
    pub(crate) fn into_column(self, name: String, mut values: Vec<f64>, origin: Origin) -> Column {
        let mut sorted: Vec<(usize, String)> = self.in_order.into_iter().enumerate().collect();
        sorted.sort_by(|(_, a), (_, b)| natural(a, b));
        let mut new_code = vec![0.0; sorted.len()];
        for (rank, (code, _)) in sorted.iter().enumerate() {
            new_code[*code] = rank as f64;
        }
        for value in values.iter_mut().filter(|value| !value.is_nan()) {
            *value = new_code[*value as usize];
        }
        let labels = sorted.into_iter().map(|(_, label)| label).collect();
        Column {
            labels: Some(labels),
            origin,
            ..Column::from_numbers(name, values, Declared::Discrete)
        }
    }
}

/// Numbers by their values and before other texts, so that 2 comes before 10.
fn natural(a: &str, b: &str) -> Ordering {
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| !value.is_nan());
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str]) -> Column {
        let mut labels = Labels::default();
        let values = cells.iter().map(|cell| labels.code(cell)).collect();
        labels.into_column("x".into(), values, Origin::Text)
    }

    #[test]
    fn labels_get_the_same_codes_in_any_order_of_rows() {
        let (a, b) = (column(&["m", "f", "m"]), column(&["f", "m", "m"]));
        assert_eq!(a.values, [1.0, 0.0, 1.0]);
        assert_eq!(b.values, [0.0, 1.0, 1.0]);
        assert_eq!(a.labels, b.labels);
    }

    #[test]
    fn numerals_stand_in_the_order_of_their_values() {
        let cells = ["10", "b", "2", "02", "1e1", "a", "-3"];
        let labels = column(&cells).labels.unwrap();
        assert_eq!(labels, ["-3", "02", "2", "10", "1e1", "a", "b"]);
    }
}
