use std::cmp::Ordering;
use std::fmt::Debug;

use crate::EvalError;

/// The type of a class name: an integer, a string, a float, anything ordered.
///
/// Implemented for every type that has the three traits.
pub trait Label: Clone + PartialOrd + Debug {}

impl<L: Clone + PartialOrd + Debug> Label for L {}

/// A list of classes with their original names. Columns of weights and probabilities follow this
/// list.
///
/// ```
/// use mi_eval::Classes;
///
/// let classes = Classes::from_labels(&["dog", "cat", "dog"])?;
/// assert_eq!(classes.names(), ["cat", "dog"]);
/// assert_eq!(classes.index_of(&"dog"), Some(1));
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Classes<L> {
    names: Vec<L>,
    /// Indices of `names` in ascending order of the names, for look-ups.
    ascending: Vec<usize>,
}

impl<L: Label> Classes<L> {
    /// The distinct labels, in ascending order.
    ///
    /// # Errors
    /// [`EvalError::UnorderedLabel`] for labels such as NaN.
    pub fn from_labels(labels: &[L]) -> Result<Self, EvalError> {
        // Kept sorted and distinct throughout: there are few classes and many labels.
        let mut names: Vec<L> = Vec::new();
        for label in labels {
            ordered(label, label)?;
            let place = names.partition_point(|name| name < label);
            match names.get(place) {
                Some(name) if ordered(name, label)? == Ordering::Equal => {}
                _ => names.insert(place, label.clone()),
            }
        }
        Self::declared(names)
    }

    /// The list as given. It may contain classes that no label has.
    ///
    /// # Errors
    /// [`EvalError::DuplicateClass`], and [`EvalError::UnorderedLabel`] for names such as NaN.
    pub fn declared(names: Vec<L>) -> Result<Self, EvalError> {
        for name in &names {
            ordered(name, name)?;
        }
        let mut ascending: Vec<usize> = (0..names.len()).collect();
        ascending.sort_by(|&a, &b| names[a].partial_cmp(&names[b]).unwrap_or(Ordering::Equal));
        for pair in ascending.windows(2) {
            if ordered(&names[pair[0]], &names[pair[1]])? == Ordering::Equal {
                return Err(EvalError::DuplicateClass { class: format!("{:?}", names[pair[0]]) });
            }
        }
        Ok(Self { names, ascending })
    }

    /// The classes in the order of the columns.
    pub fn names(&self) -> &[L] {
        &self.names
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The column of each label.
    pub(crate) fn code(&self, labels: &[L]) -> Result<Vec<u32>, EvalError> {
        let code = |(row, label): (usize, &L)| match self.index_of(label) {
            Some(column) => Ok(column as u32),
            None => Err(EvalError::UnknownLabel {
                row,
                label: format!("{label:?}"),
                classes: self.listing(),
            }),
        };
        labels.iter().enumerate().map(code).collect()
    }

    fn listing(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|name| format!("{name:?}")).collect();
        names.join(", ")
    }

    /// The column of a label that the list was made from.
    pub(crate) fn column_of(&self, label: &L) -> usize {
        self.index_of(label).unwrap_or_else(|| unreachable!("{label:?} is in the list"))
    }

    /// The column of a class; `None` if it is not in the list.
    pub fn index_of(&self, label: &L) -> Option<usize> {
        let place = self.ascending.partition_point(|&i| self.names[i] < *label);
        self.ascending.get(place).copied().filter(|&i| self.names[i] == *label)
    }
}

fn ordered<L: Label>(a: &L, b: &L) -> Result<Ordering, EvalError> {
    a.partial_cmp(b).ok_or_else(|| EvalError::UnorderedLabel { label: format!("{b:?}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_ordered_labels_are_mapped() {
        let integers = Classes::from_labels(&[5, 3, 4, 3]).unwrap();
        assert_eq!(integers.names(), [3, 4, 5]);
        let signs = Classes::from_labels(&[1, -1, 1]).unwrap();
        assert_eq!(
            (signs.index_of(&-1), signs.index_of(&1), signs.index_of(&0)),
            (Some(0), Some(1), None)
        );
        let floats = Classes::from_labels(&[2.0, 1.0]).unwrap();
        assert_eq!(floats.names(), [1.0, 2.0]);
    }

    #[test]
    fn a_declared_order_is_kept() {
        let classes = Classes::declared(vec!["b", "c", "a"]).unwrap();
        assert_eq!(classes.names(), ["b", "c", "a"]);
        let columns: Vec<_> = ["a", "b", "c", "d"].iter().map(|l| classes.index_of(l)).collect();
        assert_eq!(columns, [Some(2), Some(0), Some(1), None]);
    }

    #[test]
    fn duplicates_and_nan_are_refused() {
        let duplicate = Classes::declared(vec![1, 2, 1]);
        assert_eq!(duplicate, Err(EvalError::DuplicateClass { class: "1".into() }));
        for labels in [vec![1.0, f64::NAN], vec![f64::NAN], vec![f64::NAN, 1.0]] {
            let error = Classes::from_labels(&labels).unwrap_err();
            assert_eq!(error, EvalError::UnorderedLabel { label: "NaN".into() });
        }
    }
}
