//! Splits rows into rows for a fit and rows held out to choose a setting.

use mi_random::Stream;
use serde::{Deserialize, Serialize};

use crate::EvalError;

/// The range of the number of last rows.
const LAST: &str = "at least 1 and fewer than the rows";

/// Which training rows are held out to choose a setting. A number converts to
/// [`Share`](Self::Share).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum HeldOut {
    /// A share of them in (0, 1), drawn at random; for labels, a share of each class.
    Share(f64),
    /// The last rows, of whatever class, as in comparisons with programs that do the same.
    Last {
        /// How many; at least 1, and fewer than there are.
        last: usize,
    },
}

impl From<f64> for HeldOut {
    fn from(share: f64) -> Self {
        Self::Share(share)
    }
}

impl HeldOut {
    /// How many of `rows` rows are held out, before rounding. 0 if holding out the last ones would
    /// leave no row.
    pub(crate) fn of(self, rows: usize) -> f64 {
        match self {
            Self::Share(share) => share * rows as f64,
            Self::Last { last } if last < rows => last as f64,
            Self::Last { .. } => 0.0,
        }
    }

    /// Checks what can be checked without rows.
    pub(crate) fn check(self) -> Result<(), EvalError> {
        match self {
            Self::Share(share) if !(share > 0.0 && share < 1.0) => {
                let (value, range) = (share.to_string(), "above 0 and below 1");
                Err(EvalError::Setting { name: "held_out", value, range })
            }
            Self::Last { last: 0 } => Err(EvalError::Setting {
                name: "held_out.last",
                value: "0".to_owned(),
                range: LAST,
            }),
            _ => Ok(()),
        }
    }
}

/// Rows to train on and rows held out, both ascending. A share is taken of the rows of each class,
/// but none of a class with fewer than two rows, so that every class has training rows.
pub(crate) fn split_classes(
    labels: &[u32],
    classes: usize,
    held_out: HeldOut,
    stream: &mut Stream,
) -> Result<(Vec<usize>, Vec<usize>), EvalError> {
    let mut members = vec![Vec::new(); classes];
    for (row, &label) in labels.iter().enumerate() {
        members[label as usize].push(row);
    }
    split(labels.len(), members, held_out, stream)
}

/// The same for rows without labels.
pub(crate) fn split_rows(
    n: usize,
    held_out: HeldOut,
    stream: &mut Stream,
) -> Result<(Vec<usize>, Vec<usize>), EvalError> {
    split(n, vec![(0..n).collect()], held_out, stream)
}

fn split(
    n: usize,
    groups: Vec<Vec<usize>>,
    held_out: HeldOut,
    stream: &mut Stream,
) -> Result<(Vec<usize>, Vec<usize>), EvalError> {
    held_out.check()?;
    let share = match held_out {
        HeldOut::Share(share) => share,
        HeldOut::Last { last } if (1..n).contains(&last) => {
            return Ok(((0..n - last).collect(), (n - last..n).collect()));
        }
        HeldOut::Last { last } => {
            let value = last.to_string();
            return Err(EvalError::Setting { name: "held_out.last", value, range: LAST });
        }
    };
    let mut is_held = vec![false; n];
    for mut rows in groups.into_iter().filter(|rows| !rows.is_empty()) {
        let count = ((share * rows.len() as f64).round() as usize).min(rows.len() - 1);
        stream.shuffle(&mut rows);
        rows[..count].iter().for_each(|&row| is_held[row] = true);
    }
    let (held, kept): (Vec<_>, Vec<_>) = (0..n).partition(|&row| is_held[row]);
    if held.is_empty() {
        return Err(EvalError::Setting {
            name: "held_out",
            value: share.to_string(),
            range: "large enough to hold out one row of some class",
        });
    }
    Ok((kept, held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rows_are_held_out_whatever_their_class() {
        let mut stream = Stream::new(0, "held out");
        let last = HeldOut::Last { last: 2 };
        let labels = [0, 0, 1, 1, 2];
        let found = split_classes(&labels, 3, last, &mut stream).unwrap();
        assert_eq!(found, (vec![0, 1, 2], vec![3, 4]));
        assert_eq!(split_rows(5, last, &mut stream).unwrap(), found);
        for last in [0, 5] {
            let error = split_rows(5, HeldOut::Last { last }, &mut stream).unwrap_err().to_string();
            assert!(error.contains("held_out.last"), "{error}");
        }
    }

    #[test]
    fn a_number_is_a_share_and_a_table_names_the_last_rows() {
        let parsed = |text: &str| serde_json::from_str::<HeldOut>(text).unwrap();
        assert_eq!(parsed("0.25"), 0.25.into());
        assert_eq!(parsed("{\"last\": 10000}"), HeldOut::Last { last: 10_000 });
    }
}
