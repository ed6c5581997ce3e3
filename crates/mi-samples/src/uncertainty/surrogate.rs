use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use mi_random::Stream;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use crate::SamplesError;
use crate::neighbours::nearest_rows;
use crate::rows::RowStructure;
use crate::sample::{Marginals, Sample};

/// How the rows of x are rearranged to break its relation to y.
///
/// No rearrangement is used twice, and the one that changes nothing is never used, since a p-value
/// counts it in its "1 +". If fewer exist than requested, all are used, and the smallest possible
/// p-value is 1/(1 + their number).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Surrogate {
    /// All orders are equally likely: for independent rows.
    #[default]
    Permutation,
    /// All rows are shifted by the same number of rows, at least `least` and at most n − `least`,
    /// and the end moves to the front: preserves the autocorrelation of x. There are
    /// n − 2 `least` + 1 such shifts.
    ///
    /// Similar shifts of a slow series give similar values. A short series therefore has few
    /// different ones, and its p-values are somewhat too small. For independent autoregressive
    /// series (φ = 0.99), p ≤ 0.05 in 7.7 % of 1000 with 300 rows and 5.6 % with 2000 (standard
    /// error 0.7 %; `mi bench --calibration 1000 --methods gaussian-copula --rows 300`, or 2000).
    /// With permutations it is 99 and 100 %.
    Shift {
        /// The smallest shift.
        least: usize,
    },
    /// Blocks of this many successive rows are permuted, after the series is cut at a random row:
    /// preserves the autocorrelation of x within blocks.
    Blocks {
        /// Rows in a block.
        length: usize,
    },
    /// Rows are only swapped with rows whose given columns are near: all rows with the same labels
    /// if those are discrete, otherwise this many nearest neighbours (Runge, 2018). The null
    /// hypothesis is then independence given those columns.
    Local {
        /// Nearest neighbours to choose among.
        neighbours: usize,
    },
    /// Rows are permuted within their group. The null hypothesis is that x and y are independent
    /// within every group; differences between groups are preserved.
    WithinGroups,
    /// The x of a whole group moves to another group with as many rows, row by row (whole-block
    /// exchange: Winkler et al., 2015, `NeuroImage` 123, section 2). The null hypothesis is that x
    /// and y are independent and groups are the sampling unit. A group with a unique number of rows
    /// keeps its place.
    WholeGroups,
}

/// Which rows may be swapped.
#[derive(Clone, Debug)]
pub(crate) enum Exchange {
    /// Rows within each of these sets.
    Rows(Vec<Vec<usize>>),
    /// Every row with those listed for it.
    Neighbours(Vec<Vec<usize>>),
    /// Within each set, groups of rows, all of the same length.
    Groups(Vec<Vec<Vec<usize>>>),
}

/// One rearrangement, made when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rearrangement {
    /// Shifted by this many rows.
    Shift(usize),
    /// Drawn from the child stream with this number.
    Drawn(usize),
}

/// The number of consecutive draws without a new rearrangement, relative to the number found, after
/// which drawing stops: a rearrangement as likely as the others is then missed with a probability
/// of e⁻²⁰.
const VAIN_DRAWS: usize = 20;

/// If there are more than e to the power of this rearrangements, the same one is practically never
/// drawn twice.
const COUNTLESS: f64 = 45.0;

impl Surrogate {
    pub(super) fn check(self, n: usize) -> Result<(), SamplesError> {
        let (setting, value, range, holds) = match self {
            Self::Permutation | Self::WithinGroups | Self::WholeGroups => return Ok(()),
            Self::Shift { least } => (
                "the smallest shift",
                least,
                "at least 1 and at most half the number of rows",
                least > 0 && 2 * least <= n,
            ),
            Self::Blocks { length } => (
                "the block length",
                length,
                "at least 1 and at most half the number of rows",
                length > 0 && 2 * length <= n,
            ),
            Self::Local { neighbours } => (
                "the number of local neighbours",
                neighbours,
                "at least 1 and below the number of rows",
                neighbours > 0 && neighbours < n,
            ),
        };
        if holds {
            return Ok(());
        }
        Err(SamplesError::Setting { setting, value: value.to_string(), range })
    }

    /// Which rows may be swapped, if not all.
    ///
    /// # Errors
    /// If the surrogate needs given columns or groups, and there are none; if no two groups can be
    /// swapped.
    pub(crate) fn exchange(
        self,
        given: Option<&Sample>,
        structure: &RowStructure,
        marginals: Marginals,
    ) -> Result<Option<Exchange>, SamplesError> {
        let wrong = |value: &str, range| {
            let setting = "the surrogate";
            Err(SamplesError::Setting { setting, value: value.into(), range })
        };
        let groups = || structure.groups();
        match self {
            Self::Permutation | Self::Shift { .. } | Self::Blocks { .. } => Ok(None),
            Self::Local { neighbours } => match given {
                None => wrong("local", "another kind where nothing is conditioned on"),
                Some(given) if given.is_discrete() => {
                    let labels = RowStructure::Grouped(given.labels().0);
                    Ok(labels.groups().map(Exchange::Rows))
                }
                Some(given) => {
                    let near = nearest_rows(&given.coordinates(marginals).columns, neighbours)?;
                    Ok(Some(Exchange::Neighbours(near)))
                }
            },
            Self::WithinGroups => match groups() {
                None => wrong("within groups", "another kind where rows have no groups"),
                Some(groups) if groups.iter().all(|group| group.len() < 2) => {
                    wrong("within groups", "another kind where every group has one row")
                }
                Some(groups) => Ok(Some(Exchange::Rows(groups))),
            },
            Self::WholeGroups => {
                let Some(mut groups) = groups() else {
                    return wrong("whole groups", "another kind where rows have no groups");
                };
                groups.sort_by_key(Vec::len);
                let alike = groups.chunk_by(|a, b| a.len() == b.len()).map(<[_]>::to_vec);
                let sets: Vec<Vec<Vec<usize>>> = alike.filter(|set| set.len() > 1).collect();
                if sets.is_empty() {
                    return wrong(
                        "whole groups",
                        "within groups where no two groups have the same number of rows",
                    );
                }
                Ok(Some(Exchange::Groups(sets)))
            }
        }
    }

    /// `asked` different rearrangements, none of which leaves all rows in place; all that exist if
    /// there are fewer.
    pub(super) fn rearrangements(
        self,
        n: usize,
        exchange: Option<&Exchange>,
        asked: usize,
        stream: &Stream,
    ) -> Vec<Rearrangement> {
        if let Self::Shift { least } = self {
            let count = n - 2 * least + 1;
            let shifts = if asked < count {
                stream.child("shifts").permutation(count)
            } else {
                (0..count).collect()
            };
            let shifts = shifts.into_iter().take(asked);
            return shifts.map(|shift| Rearrangement::Shift(least + shift)).collect();
        }
        let drawn = (0..).map(Rearrangement::Drawn);
        if self.at_least_exp(n, exchange).is_some_and(|log| log > COUNTLESS) {
            return drawn.take(asked).collect();
        }
        let fingerprint = |rows: &[usize]| {
            let mut hasher = DefaultHasher::new();
            rows.hash(&mut hasher);
            hasher.finish()
        };
        let mut seen = HashSet::from([fingerprint(&(0..n).collect::<Vec<_>>())]);
        let (mut found, mut vain) = (Vec::new(), 0);
        for rearrangement in drawn {
            if found.len() == asked || vain > VAIN_DRAWS * seen.len() {
                break;
            }
            if seen.insert(fingerprint(&self.rows(rearrangement, n, exchange, stream))) {
                found.push(rearrangement);
                vain = 0;
            } else {
                vain += 1;
            }
        }
        found
    }

    /// The logarithm of a lower bound for the number of rearrangements, if it is known.
    fn at_least_exp(self, n: usize, exchange: Option<&Exchange>) -> Option<f64> {
        let log_factorial = |count: usize| ln_gamma(count as f64 + 1.0);
        match (self, exchange) {
            (_, Some(Exchange::Neighbours(_))) => None,
            (_, Some(Exchange::Rows(sets))) => {
                Some(sets.iter().map(|set| log_factorial(set.len())).sum())
            }
            (_, Some(Exchange::Groups(sets))) => {
                Some(sets.iter().map(|set| log_factorial(set.len())).sum())
            }
            (Self::Blocks { length }, None) => Some(log_factorial(n / length)),
            (_, None) => Some(log_factorial(n)),
        }
    }

    /// For every row, the row whose x it gets.
    pub(super) fn rows(
        self,
        rearrangement: Rearrangement,
        n: usize,
        exchange: Option<&Exchange>,
        stream: &Stream,
    ) -> Vec<usize> {
        let number = match rearrangement {
            Rearrangement::Shift(shift) => return (0..n).map(|row| (row + shift) % n).collect(),
            Rearrangement::Drawn(number) => number,
        };
        // Every rearrangement has its own stream, so that threads do not matter.
        let mut stream = stream.child(&format!("surrogate {number}"));
        match (self, exchange) {
            (_, Some(Exchange::Rows(sets))) => {
                let mut rows: Vec<usize> = (0..n).collect();
                for set in sets {
                    for (&row, at) in set.iter().zip(stream.permutation(set.len())) {
                        rows[row] = set[at];
                    }
                }
                rows
            }
            (_, Some(Exchange::Groups(sets))) => {
                let mut rows: Vec<usize> = (0..n).collect();
                for set in sets {
                    for (group, at) in set.iter().zip(stream.permutation(set.len())) {
                        group.iter().zip(&set[at]).for_each(|(&row, &other)| rows[row] = other);
                    }
                }
                rows
            }
            (_, Some(Exchange::Neighbours(near))) => local(near, &mut stream),
            (Self::Blocks { length }, None) => {
                // A random start, so that block edges fall anywhere.
                let start = stream.below(n);
                let order = stream.permutation(n.div_ceil(length));
                let blocks =
                    order.into_iter().flat_map(|block| block * length..n.min((block + 1) * length));
                let mut rows = vec![0; n];
                for (place, row) in blocks.enumerate() {
                    rows[(start + place) % n] = (start + row) % n;
                }
                rows
            }
            (_, None) => stream.permutation(n),
        }
    }
}

/// Every row, in random order, takes a neighbour that no other row has taken, if one is left.
fn local(near: &[Vec<usize>], stream: &mut Stream) -> Vec<usize> {
    let n = near.len();
    let mut taken = vec![false; n];
    let mut rows = vec![0; n];
    for row in stream.permutation(n) {
        let mut order = near[row].clone();
        stream.shuffle(&mut order);
        let free = order.iter().copied().find(|&other| !taken[other]);
        let chosen = free.or(order.last().copied()).unwrap_or(row);
        taken[chosen] = true;
        rows[row] = chosen;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut rows: Vec<usize>) -> Vec<usize> {
        rows.sort_unstable();
        rows
    }

    fn all_of(surrogate: Surrogate, n: usize, exchange: Option<&Exchange>) -> Vec<Vec<usize>> {
        let stream = Stream::new(1, "surrogates");
        let found = surrogate.rearrangements(n, exchange, 50, &stream);
        found.into_iter().map(|r| surrogate.rows(r, n, exchange, &stream)).collect()
    }

    #[test]
    fn rearrangements_keep_all_rows_and_the_order_they_promise() {
        let n = 103;
        let all: Vec<usize> = (0..n).collect();
        for shift in all_of(Surrogate::Shift { least: 10 }, n, None) {
            assert!((10..=93).contains(&shift[0]));
            assert!(shift.windows(2).all(|pair| pair[1] == (pair[0] + 1) % n));
        }
        for blocks in all_of(Surrogate::Blocks { length: 10 }, n, None) {
            let breaks = (0..n).filter(|&i| blocks[(i + 1) % n] != (blocks[i] + 1) % n).count();
            assert!(breaks <= 11 && sorted(blocks) == all);
        }
        for permuted in all_of(Surrogate::Permutation, n, None) {
            assert_eq!(sorted(permuted), all);
        }
        let thirds: Vec<Vec<usize>> = (0..3).map(|g| (g..n).step_by(3).collect()).collect();
        let labels = Exchange::Rows(thirds.clone());
        for local in all_of(Surrogate::Local { neighbours: 5 }, n, Some(&labels)) {
            assert!(local.iter().enumerate().all(|(row, other)| row % 3 == other % 3));
            assert_eq!(sorted(local), all);
        }
        let near = (0..n).map(|row| (row.saturating_sub(3)..n.min(row + 4)).collect()).collect();
        let near = Exchange::Neighbours(near);
        for local in all_of(Surrogate::Local { neighbours: 5 }, n, Some(&near)) {
            assert!(local.iter().enumerate().all(|(row, other)| row.abs_diff(*other) <= 3));
        }
        assert!(Surrogate::Shift { least: 60 }.check(n).is_err());
        assert!(Surrogate::Blocks { length: 0 }.check(n).is_err());
    }

    #[test]
    fn groups_change_places_whole_or_rows_within_them() {
        // Groups of 3, 3, 2 and 3 rows, interleaved.
        let structure = RowStructure::Grouped(vec![0, 1, 0, 2, 1, 0, 1, 2, 3, 3, 3]);
        let RowStructure::Grouped(group) = &structure else { return };
        let exchange = |s: Surrogate| s.exchange(None, &structure, Marginals::Raw).unwrap();
        let within =
            all_of(Surrogate::WithinGroups, 11, exchange(Surrogate::WithinGroups).as_ref());
        assert_eq!(within.len(), 50);
        for rows in within {
            assert!(rows.iter().enumerate().all(|(row, &other)| group[row] == group[other]));
            assert_eq!(sorted(rows), (0..11).collect::<Vec<_>>());
        }
        let whole = all_of(Surrogate::WholeGroups, 11, exchange(Surrogate::WholeGroups).as_ref());
        // Three groups of three rows have six orders; the group of two stays.
        assert_eq!(whole.len(), 5);
        for rows in whole {
            assert_eq!((rows[3], rows[7]), (3, 7));
            let taken: Vec<u32> = [0, 2, 5].map(|row: usize| group[rows[row]]).to_vec();
            assert!(taken.windows(2).all(|pair| pair[0] == pair[1]));
        }
        let none = |structure: RowStructure, s: Surrogate| {
            s.exchange(None, &structure, Marginals::Raw).unwrap_err().to_string()
        };
        let error = none(RowStructure::Grouped(vec![0, 1, 1]), Surrogate::WholeGroups);
        assert!(error.contains("no two groups have the same number of rows"), "{error}");
        none(RowStructure::Grouped(vec![0, 1, 2]), Surrogate::WithinGroups);
        none(RowStructure::Ordered, Surrogate::WithinGroups);
    }

    #[test]
    fn no_rearrangement_comes_twice_or_changes_nothing() {
        let identity = |n: usize| (0..n).collect::<Vec<_>>();
        for (surrogate, n, exist) in [
            // All shifts except those by fewer than 7 rows to either side.
            (Surrogate::Shift { least: 7 }, 60, 47),
            (Surrogate::Shift { least: 30 }, 60, 1),
            // Two halves can only be swapped; three blocks with ten starts have 5 orders each, but
            // the two cyclic ones are the same for all starts.
            (Surrogate::Blocks { length: 30 }, 60, 1),
            (Surrogate::Blocks { length: 10 }, 30, 2 + 3 * 10),
            (Surrogate::Permutation, 4, 23),
        ] {
            let mut found = all_of(surrogate, n, None);
            assert_eq!(found.len(), exist.min(50), "{surrogate:?}");
            found.push(identity(n));
            found.sort_unstable();
            assert!(found.windows(2).all(|pair| pair[0] != pair[1]), "{surrogate:?}");
        }
    }
}
