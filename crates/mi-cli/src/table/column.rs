use std::collections::{BTreeSet, HashMap};

use mi_samples::{ColumnType, Declared, Sample};
use ndarray::ArrayView2;

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name: from the header, or `column_3`.
    pub name: String,
    /// One value a row: a finite number, the index of a label, or NaN where it is missing.
    pub values: Vec<f64>,
    /// The texts that the values of a text column stand for.
    pub labels: Option<Vec<String>>,
    /// What the column is known to be: text is discrete, and the user may say more.
    pub declared: Declared,
    /// How many values are missing.
    pub missing: usize,
}

impl Column {
    /// A column of numbers, NaN where missing.
    pub(crate) fn from_numbers(name: String, values: Vec<f64>, declared: Declared) -> Self {
        let missing = values.iter().filter(|v| v.is_nan()).count();
        Self { name, values, labels: None, declared, missing }
    }

    /// What to say of labels that hardly repeat and are written like dates, times or amounts.
    pub(crate) fn label_note(&self) -> Option<String> {
        let labels = self.labels.as_ref()?;
        let present = self.values.len() - self.missing;
        let measured = |label: &String| {
            let text = label.trim_start_matches(['$', '€', '£', '+', '-']);
            text.starts_with(|c: char| c.is_ascii_digit())
                && text.chars().all(|c| c.is_ascii_digit() || "-/:., TZ+%$€£".contains(c))
        };
        (2 * labels.len() > present && labels.iter().all(measured)).then(|| {
            format!(
                "`{}` holds dates, times or amounts, such as `{}`, which are read as labels \
                 without an order; write them as plain numbers to use their values",
                self.name, labels[0]
            )
        })
    }

    /// What the estimators take the column for, the missing values left out; `None` when no
    /// value is present.
    pub fn column_type(&self) -> Option<ColumnType> {
        let present: Vec<f64> = self.values.iter().copied().filter(|v| !v.is_nan()).collect();
        let matrix = ArrayView2::from_shape((present.len(), 1), &present).ok()?;
        Sample::new(matrix, &[self.declared], 0).ok()?.columns().next().cloned()
    }
}

/// Gathers the labels of a text column.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    codes: HashMap<String, u32>,
    in_order: Vec<String>,
    /// Labels that are also numbers, counted by cells.
    pub(crate) numbers: usize,
}

impl Labels {
    pub(crate) fn knows(&self, label: &str) -> bool {
        self.codes.contains_key(label)
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

    /// The column, its codes renumbered so that labels are sorted: the same codes whatever the
    /// order of the rows.
    pub(crate) fn into_column(self, name: String, mut values: Vec<f64>) -> Column {
        let sorted: BTreeSet<&String> = self.in_order.iter().collect();
        let rank: HashMap<&String, usize> =
            sorted.iter().enumerate().map(|(i, &l)| (l, i)).collect();
        let new_code: Vec<f64> = self.in_order.iter().map(|label| rank[label] as f64).collect();
        let mut missing = 0;
        for value in &mut values {
            if value.is_nan() {
                missing += 1;
            } else {
                *value = new_code[*value as usize];
            }
        }
        let labels = sorted.into_iter().cloned().collect();
        Column { name, values, labels: Some(labels), declared: Declared::Discrete, missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_left_out_of_the_type() {
        let values = [[1.0, 0.0, 1.0, f64::NAN]; 10].concat();
        let column = Column::from_numbers("x".into(), values, Declared::Auto);
        let found = column.column_type().unwrap();
        assert_eq!((column.missing, found.n, found.distinct), (10, 30, 2));
        assert!(found.is_discrete());
        let none = Column::from_numbers("x".into(), vec![f64::NAN; 3], Declared::Auto);
        assert_eq!(none.column_type(), None);
    }

    #[test]
    fn dates_and_amounts_are_said_to_be_read_as_labels() {
        let note = |cells: &[&str]| {
            let mut labels = Labels::default();
            let values = cells.iter().map(|cell| labels.code(cell)).collect();
            labels.into_column("x".into(), values).label_note()
        };
        for cells in [["2024-01-01", "2024-01-02"], ["$5.00", "$6.10"], ["50%", "60%"]] {
            assert!(note(&cells).is_some_and(|note| note.contains(cells[0])), "{cells:?}");
        }
        assert_eq!(note(&["12:30", "noon"]), None);
        // Classes of age.
        assert_eq!(note(&["18-24", "25-34"].repeat(9)), None);
    }

    #[test]
    fn labels_get_the_same_codes_in_any_order_of_rows() {
        let column = |cells: &[&str]| {
            let mut labels = Labels::default();
            let values = cells.iter().map(|cell| labels.code(cell)).collect();
            labels.into_column("x".into(), values)
        };
        let (a, b) = (column(&["m", "f", "m"]), column(&["f", "m", "m"]));
        assert_eq!(a.values, [1.0, 0.0, 1.0]);
        assert_eq!(b.values, [0.0, 1.0, 1.0]);
        assert_eq!(a.labels, b.labels);
    }
}
