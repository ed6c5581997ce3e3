use std::fmt;

use serde::{Deserialize, Serialize};

use super::lattice;
use super::order::runs;
use crate::words::{all_digits, count, six_digits};

/// Columns of at most this many distinct values may be discrete.
const MOST_DISCRETE_VALUES: usize = 20;

/// Rows that each distinct value of a discrete column must have on average.
const ROWS_PER_VALUE: usize = 5;

/// The smallest fraction of rows for a value to count as an atom.
const ATOM_SHARE: f64 = 0.02;

/// How many times more frequent than every nearby value an atom must be.
const ATOM_CONTRAST: usize = 5;

/// The number of values on each side with which an atom is compared. With fewer, round numbers
/// among rounded ones (multiples of 50 among those of 25) and chance frequencies would become
/// atoms.
const ATOM_SURROUNDINGS: usize = 10;

/// What a caller declares about a column. The enum is exhaustive, so that code that reads
/// declarations has to handle a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Declared {
    /// Nothing: the values decide.
    #[default]
    Auto,
    /// Categories, whose numbers are names.
    Discrete,
    /// Numbers on a scale, however few values.
    Continuous,
}

/// The kind of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnKind {
    /// One value throughout; it carries no information.
    Constant,
    /// Few values, or categories.
    Discrete,
    /// A continuous part and values of positive probability (zeros, limits of a device).
    Mixture {
        /// The values of positive probability, in ascending order; at least one.
        atoms: Vec<f64>,
        /// The number of rows that have one of them.
        held: usize,
        /// The step of the other values, if they repeat and have one.
        step: Option<f64>,
    },
    /// Continuous, with values that repeat, for example by rounding: ties are broken at random.
    Tied {
        /// The step of which all values are multiples, up to an offset, if there is one.
        step: Option<f64>,
    },
    /// Continuous: no value repeats.
    Continuous,
}

/// A column's kind and the facts that decided it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnType {
    /// The kind.
    pub kind: ColumnKind,
    /// The number of different values.
    pub distinct: usize,
    /// The number of rows whose value also occurs in another row.
    pub tied: usize,
    /// The number of rows.
    pub n: usize,
    /// The caller's declaration.
    pub declared: Declared,
}

impl ColumnType {
    /// The rule, first match first:
    ///
    /// 1. one value: constant;
    /// 2. declared discrete: discrete;
    /// 3. no repetition: continuous;
    /// 4. unless declared continuous: at most 20 values with 5 rows each on average, or 3 with 2
    ///    rows each, or 2: discrete;
    /// 5. unless declared continuous: values that occur in at least 2 % of the rows and 5 times as
    ///    often as any of the 10 next values on each side: a mixture with these atoms;
    /// 6. otherwise tied.
    ///
    /// The rules depend only on the order of the values: no strictly monotone map changes the kind.
    pub(crate) fn of(values: &[f64], order: &[u32], declared: Declared) -> Self {
        let n = values.len();
        let (mut levels, mut counts) = (Vec::new(), Vec::new());
        for run in runs(values, order) {
            levels.push(values[order[run.start] as usize]);
            counts.push(run.len());
        }
        let distinct = levels.len();
        let tied = counts.iter().filter(|count| **count > 1).sum();
        let few = (distinct <= MOST_DISCRETE_VALUES && ROWS_PER_VALUE * distinct <= n)
            || (distinct <= 3 && 2 * distinct <= n)
            || distinct <= 2;
        let kind = if distinct == 1 {
            ColumnKind::Constant
        } else if declared == Declared::Discrete {
            ColumnKind::Discrete
        } else if distinct == n {
            ColumnKind::Continuous
        } else if few && declared == Declared::Auto {
            ColumnKind::Discrete
        } else {
            repeating(&levels, &counts, n, declared)
        };
        Self { kind, distinct, tied, n, declared }
    }

    /// Whether the column is discrete or constant.
    pub fn is_discrete(&self) -> bool {
        matches!(self.kind, ColumnKind::Discrete | ColumnKind::Constant)
    }

    /// Whether the column is continuous, possibly after ties are broken.
    pub(crate) fn is_continuous(&self) -> bool {
        matches!(self.kind, ColumnKind::Continuous | ColumnKind::Tied { .. })
    }

    /// The number of rows whose ties are broken at random: those of a non-discrete column that
    /// share a value which is not an atom.
    pub fn broken_ties(&self) -> usize {
        match &self.kind {
            ColumnKind::Tied { .. } => self.tied,
            ColumnKind::Mixture { held, .. } => self.tied - held,
            ColumnKind::Continuous | ColumnKind::Discrete | ColumnKind::Constant => 0,
        }
    }

    /// The step of the values whose ties are broken, if they have one.
    pub fn step(&self) -> Option<f64> {
        match &self.kind {
            ColumnKind::Tied { step } | ColumnKind::Mixture { step, .. } => *step,
            ColumnKind::Continuous | ColumnKind::Discrete | ColumnKind::Constant => None,
        }
    }

    /// Whether the column has values of positive probability in addition to a continuous part.
    pub fn is_mixture(&self) -> bool {
        matches!(self.kind, ColumnKind::Mixture { .. })
    }
}

/// The kind of a column whose values repeat, but which is not discrete because it has too many
/// values or is declared continuous.
fn repeating(levels: &[f64], counts: &[usize], n: usize, declared: Declared) -> ColumnKind {
    let is_atom = |i: usize| {
        let near = i.saturating_sub(ATOM_SURROUNDINGS)..counts.len().min(i + ATOM_SURROUNDINGS + 1);
        let most = near.filter(|&other| other != i).map(|other| counts[other]).max().unwrap_or(1);
        declared != Declared::Continuous
            && counts[i] as f64 >= ATOM_SHARE * n as f64
            && counts[i] >= ATOM_CONTRAST * most
    };
    let (mut atoms, mut rest) = (Vec::new(), Vec::new());
    let (mut held, mut repeats) = (0, false);
    for (i, (&level, &count)) in levels.iter().zip(counts).enumerate() {
        if is_atom(i) {
            atoms.push(level);
            held += count;
        } else {
            rest.push(level);
            repeats |= count > 1;
        }
    }
    let step = if repeats { lattice::step(&rest) } else { None };
    if atoms.is_empty() {
        ColumnKind::Tied { step }
    } else {
        ColumnKind::Mixture { atoms, held, step }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, distinct, tied, n, declared } = self;
        match kind {
            ColumnKind::Constant => write!(f, "constant: one value in {}", count(*n, "row")),
            // Whoever declared it: the caller, or a reader of text.
            ColumnKind::Discrete if *declared == Declared::Discrete => {
                write!(f, "discrete: {} in {}", count(*distinct, "value"), count(*n, "row"))
            }
            ColumnKind::Discrete => {
                write!(f, "discrete: only {} in {}", count(*distinct, "value"), count(*n, "row"))
            }
            ColumnKind::Mixture { atoms, held, .. } => {
                let share = 100.0 * *held as f64 / *n as f64;
                match atoms[..] {
                    [atom] => {
                        let atom = all_digits(atom);
                        write!(f, "mixture: the value {atom} holds {share:.0} % of the rows")?;
                    }
                    [first, .., last] => write!(
                        f,
                        "mixture: {} values from {} to {} hold {share:.0} % of the rows",
                        atoms.len(),
                        all_digits(first),
                        all_digits(last)
                    )?,
                    [] => write!(f, "mixture")?,
                }
                match self.broken_ties() {
                    0 => Ok(()),
                    ties => write!(f, ", and {ties} others share their value"),
                }
            }
            ColumnKind::Tied { step } => {
                write!(f, "continuous: {distinct} values")?;
                step.map_or(Ok(()), |step| write!(f, " in steps of {}", six_digits(step)))?;
                write!(f, ", {tied} of {n} rows tied")
            }
            ColumnKind::Continuous => write!(f, "continuous: all {n} values differ"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::order::ascending;
    use mi_random::Stream;

    fn kind(values: &[f64]) -> ColumnKind {
        ColumnType::of(values, &ascending(values), Declared::Auto).kind
    }

    fn normals(n: usize) -> Vec<f64> {
        let mut stream = Stream::new(1, "columns");
        (0..n).map(|_| stream.normal()).collect()
    }

    #[test]
    fn few_values_are_discrete() {
        let y: Vec<f64> = [1.0, 0.0, 1.0, 1.0].repeat(10);
        assert_eq!(kind(&y), ColumnKind::Discrete);
        assert_eq!(kind(&y.iter().map(|y| 3.0 * y).collect::<Vec<_>>()), ColumnKind::Discrete);
        assert_eq!(kind(&[0.0, 0.0, 1.0]), ColumnKind::Discrete);
        assert_eq!(kind(&[7.0; 9]), ColumnKind::Constant);
        let whole: Vec<f64> = normals(2000).iter().map(|z| z.round()).collect();
        assert_eq!(kind(&whole), ColumnKind::Discrete);
        let declared = ColumnType::of(&whole, &ascending(&whole), Declared::Continuous).kind;
        assert_eq!(declared, ColumnKind::Tied { step: Some(1.0) });
    }

    #[test]
    fn rounded_values_are_tied_and_have_a_step() {
        for (scale, offset) in [(10.0, 0.0), (1000.0, 0.0), (10.0, 12_345.0)] {
            let rounded: Vec<f64> =
                normals(2000).iter().map(|z| offset + (z * scale).round() / scale).collect();
            assert_eq!(kind(&rounded), ColumnKind::Tied { step: Some(1.0 / scale) });
        }
    }

    #[test]
    fn values_that_stand_out_are_atoms() {
        let censored: Vec<f64> = normals(2000).iter().map(|z| (z + 0.5).max(0.0)).collect();
        let held = censored.iter().filter(|z| **z == 0.0).count();
        assert_eq!(kind(&censored), ColumnKind::Mixture { atoms: vec![0.0], held, step: None });
        let cents: Vec<f64> = censored.iter().map(|z| (z * 100.0).round() / 100.0).collect();
        let held = cents.iter().filter(|z| **z == 0.0).count();
        let step = Some(0.01);
        assert_eq!(kind(&cents), ColumnKind::Mixture { atoms: vec![0.0], held, step });
        // Declared continuous, it has no atoms.
        let declared = ColumnType::of(&cents, &ascending(&cents), Declared::Continuous).kind;
        assert_eq!(declared, ColumnKind::Tied { step });
    }

    #[test]
    fn round_numbers_are_no_atoms() {
        // Weights to 25 g, most of them to 50 g.
        let mut stream = Stream::new(3, "weights");
        let weights: Vec<f64> = (0..340)
            .map(|_| {
                let step = if stream.uniform() < 0.7 { 50.0 } else { 25.0 };
                ((4200.0 + 800.0 * stream.normal()) / step).round() * step
            })
            .collect();
        assert_eq!(kind(&weights), ColumnKind::Tied { step: Some(25.0) });
        // A value that stands out among all nearby ones is an atom, even with few rows.
        let zeros: Vec<f64> =
            weights.iter().enumerate().map(|(i, w)| if i % 5 == 0 { 0.0 } else { *w }).collect();
        let ColumnKind::Mixture { atoms, step: Some(_), .. } = kind(&zeros) else {
            panic!("{:?}", kind(&zeros))
        };
        assert_eq!(atoms, [0.0]);
    }

    #[test]
    fn repeated_rows_of_a_continuous_column_are_tied_without_a_step() {
        let twice = normals(300).repeat(2);
        assert_eq!(kind(&twice), ColumnKind::Tied { step: None });
        assert_eq!(kind(&normals(300)), ColumnKind::Continuous);
        let integers: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(kind(&integers), ColumnKind::Continuous);
    }

    #[test]
    fn the_reason_is_said() {
        let column = [1.0, 0.0, 1.0, 1.0].repeat(10);
        let column = ColumnType::of(&column, &ascending(&column), Declared::Auto);
        assert_eq!(column.to_string(), "discrete: only 2 values in 40 rows");
    }
}
