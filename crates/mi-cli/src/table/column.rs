use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// A column with more different numbers than this is never taken for discrete by itself.
pub const FEW_VALUES: usize = 20;

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name: from the header, or `column_3`.
    pub name: String,
    /// One value a row: a finite number, the index of a label, or NaN where it is missing.
    pub values: Vec<f64>,
    /// The texts that the values of a text column stand for.
    pub labels: Option<Vec<String>>,
    /// How it is treated, and why.
    pub kind: Kind,
    /// How many values are missing.
    pub missing: usize,
}

/// How a column is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Real numbers.
    Continuous,
    /// Values that are only equal or different.
    Discrete(Reason),
}

/// Why a column is treated as discrete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It holds text.
    Text,
    /// It holds few different numbers.
    FewValues(usize),
    /// `--discrete` names it.
    Forced,
}

/// What the user wants a column to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Discrete (`--discrete`).
    Discrete,
    /// Continuous (`--continuous`).
    Continuous,
}

impl Kind {
    /// Whether the column is discrete, for whichever reason.
    pub fn is_discrete(self) -> bool {
        matches!(self, Kind::Discrete(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Continuous => f.write_str("continuous"),
            Kind::Discrete(Reason::Text) => f.write_str("discrete (text)"),
            Kind::Discrete(Reason::FewValues(1)) => f.write_str("discrete (constant)"),
            Kind::Discrete(Reason::FewValues(n)) => write!(f, "discrete ({n} values)"),
            Kind::Discrete(Reason::Forced) => f.write_str("discrete (--discrete)"),
        }
    }
}

impl Column {
    /// A column of numbers (NaN where missing) whose kind is found, or forced.
    ///
    /// A column counts as discrete when it has at most [`FEW_VALUES`] different values and at
    /// most half as many as rows: counts, codes, ratings, and constants.
    pub fn from_numbers(name: String, values: Vec<f64>, wanted: Option<Wanted>) -> Self {
        let missing = values.iter().filter(|v| v.is_nan()).count();
        let kind = match wanted {
            Some(Wanted::Continuous) => Kind::Continuous,
            Some(Wanted::Discrete) => Kind::Discrete(Reason::Forced),
            None => match few_values(&values) {
                Some(n) if n > 0 && 2 * n <= values.len() - missing => {
                    Kind::Discrete(Reason::FewValues(n))
                }
                _ => Kind::Continuous,
            },
        };
        Self { name, values, labels: None, kind, missing }
    }

    /// The text of a value: its label, or the shortest number that reads back as it.
    pub fn show(&self, value: f64) -> String {
        match &self.labels {
            _ if value.is_nan() => "missing".into(),
            Some(labels) => labels.get(value as usize).cloned().unwrap_or_default(),
            None => value.to_string(),
        }
    }

    /// How many different values there are (missing ones left out).
    pub fn distinct(&self) -> usize {
        if let Some(labels) = &self.labels {
            return labels.len();
        }
        let mut sorted: Vec<f64> = self.values.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        // `==` rather than total order: 0 and −0 are one value.
        sorted.dedup_by(|a, b| a == b);
        sorted.len()
    }
}

/// How many different numbers there are, if at most [`FEW_VALUES`].
fn few_values(values: &[f64]) -> Option<usize> {
    let mut seen: Vec<f64> = Vec::with_capacity(FEW_VALUES);
    for &value in values.iter().filter(|v| !v.is_nan()) {
        if !seen.contains(&value) {
            if seen.len() == FEW_VALUES {
                return None;
            }
            seen.push(value);
        }
    }
    Some(seen.len())
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
    pub(crate) fn into_column(self, name: String, mut values: Vec<f64>, forced: bool) -> Column {
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
        let reason = if forced { Reason::Forced } else { Reason::Text };
        Column { name, values, labels: Some(labels), kind: Kind::Discrete(reason), missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(values: Vec<f64>) -> Kind {
        Column::from_numbers("x".into(), values, None).kind
    }

    #[test]
    fn few_valued_numbers_are_discrete_and_others_are_not() {
        let few = Kind::Discrete(Reason::FewValues(2));
        assert_eq!(kind([1.0, 0.0, 1.0, 1.0].repeat(10)), few);
        assert_eq!(kind(vec![1.0, 1.0, 1.0, 0.0, 0.0]), few);
        assert_eq!(kind(vec![3.0; 7]), Kind::Discrete(Reason::FewValues(1)));
        assert_eq!(kind((0..10).map(f64::from).collect()), Kind::Continuous);
        assert_eq!(kind((0..200).map(|i| f64::from(i % 21)).collect()), Kind::Continuous);
        assert!(kind((0..200).map(|i| f64::from(i % 20)).collect()).is_discrete());
        assert_eq!(kind(vec![f64::NAN; 4]), Kind::Continuous);
        assert_eq!(kind(vec![]), Kind::Continuous);
    }

    #[test]
    fn the_user_decides_when_asked() {
        let column =
            |wanted| Column::from_numbers("x".into(), vec![1.0, 1.0, 0.0, f64::NAN], wanted);
        assert_eq!(column(Some(Wanted::Continuous)).kind, Kind::Continuous);
        assert_eq!(column(Some(Wanted::Discrete)).kind, Kind::Discrete(Reason::Forced));
        assert_eq!(column(None).missing, 1);
        assert_eq!(column(None).distinct(), 2);
    }

    #[test]
    fn labels_get_the_same_codes_in_any_order_of_rows() {
        let column = |cells: &[&str]| {
            let mut labels = Labels::default();
            let values = cells.iter().map(|cell| labels.code(cell)).collect();
            labels.into_column("x".into(), values, false)
        };
        let (a, b) = (column(&["m", "f", "m"]), column(&["f", "m", "m"]));
        assert_eq!(a.values, [1.0, 0.0, 1.0]);
        assert_eq!(b.values, [0.0, 1.0, 1.0]);
        assert_eq!((a.show(0.0), a.show(f64::NAN)), ("f".into(), "missing".into()));
        assert_eq!(a.labels, b.labels);
    }
}
