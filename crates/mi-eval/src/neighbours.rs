use mi_kernels::{Scalar, matrix_product};
use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::geometry::unit_rows;
use crate::{EvalError, features};

/// Rows that are searched together, and reference rows compared with them at a time: fixed numbers,
/// so that a result does not depend on the number of threads. They need 256 KiB to 2 MiB of scores.
const ROWS: usize = 256;
const REFERENCES: usize = 1024;

/// Scores examined together: if none is above the worst neighbour so far, all are skipped.
const CHUNK: usize = 16;

/// The k most similar reference rows of each row by cosine similarity, nearest first.
///
/// Of equally similar rows, the earlier one in the reference counts as nearer. A row of zeros has
/// no direction: its cosine with any other is 0.
///
/// Similarities are computed block by block with the matrix product; the full matrix of rows ×
/// references is never kept.
///
/// ```
/// use mi_eval::Neighbours;
///
/// let features = ndarray::array![[1.0_f32, 0.0], [2.0, 0.1], [0.0, 1.0]];
/// let nearest = Neighbours::within(features.view(), 1)?;
/// assert_eq!(nearest.of_row(0).next().map(|(row, _)| row), Some(1));
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    k: usize,
    references: usize,
    /// k per row.
    nearest: Vec<(u32, f64)>,
}

impl Neighbours {
    /// The `k` nearest reference rows of each row.
    ///
    /// # Shapes
    /// `rows`: n × d, `references`: m × d.
    ///
    /// # Errors
    /// An empty matrix, a NaN or infinite feature, different numbers of columns, `k` = 0 or above
    /// m.
    pub fn of<T: Scalar>(
        rows: ArrayView2<'_, T>,
        references: ArrayView2<'_, T>,
        k: usize,
    ) -> Result<Self, EvalError> {
        const OPERATION: &str = "nearest neighbours";
        features::check(OPERATION, &rows)?;
        features::check(OPERATION, &references)?;
        features::check_columns(OPERATION, references.ncols(), rows.ncols())?;
        check_k(k, references.nrows())?;
        Ok(Self::search(&unit_rows(&rows), &unit_rows(&references), k, false))
    }

    /// The `k` nearest other rows of each row of one matrix.
    ///
    /// # Errors
    /// An empty matrix, a NaN or infinite feature, `k` = 0 or not below the number of rows.
    pub fn within<T: Scalar>(features: ArrayView2<'_, T>, k: usize) -> Result<Self, EvalError> {
        features::check("nearest neighbours", &features)?;
        check_k(k, features.nrows() - 1)?;
        let unit = unit_rows(&features);
        Ok(Self::search(&unit, &unit, k, true))
    }

    /// For rows of length one; with `within`, a row is not its own neighbour.
    pub(crate) fn search<T: Scalar>(
        rows: &Array2<T>,
        references: &Array2<T>,
        k: usize,
        within: bool,
    ) -> Self {
        let firsts: Vec<usize> = (0..rows.nrows()).step_by(ROWS).collect();
        let found: Vec<Vec<(u32, f64)>> = firsts
            .par_iter()
            .map(|&first| {
                let block = rows.slice(s![first..rows.nrows().min(first + ROWS), ..]);
                search_block(block, within.then_some(first), references, k)
            })
            .collect();
        Self { k, references: references.nrows(), nearest: found.concat() }
    }

    /// Number of neighbours per row.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of rows whose neighbours these are.
    pub fn len(&self) -> usize {
        self.nearest.len() / self.k
    }

    /// Always false: there is at least one row.
    pub fn is_empty(&self) -> bool {
        self.nearest.is_empty()
    }

    /// Number of reference rows.
    pub fn references(&self) -> usize {
        self.references
    }

    /// The neighbours of a row, nearest first: their row numbers in the reference, and cosines.
    ///
    /// # Panics
    /// If there are not that many rows.
    pub fn of_row(&self, row: usize) -> impl ExactSizeIterator<Item = (usize, f64)> + '_ {
        self.nearest[row * self.k..][..self.k].iter().map(|&(j, cosine)| (j as usize, cosine))
    }
}

fn check_k(k: usize, references: usize) -> Result<(), EvalError> {
    if (1..=references).contains(&k) {
        Ok(())
    } else {
        Err(EvalError::NeighbourCount { k, references })
    }
}

/// The neighbours of a block of rows; if rows are not their own neighbours, `first` is the first
/// row's index among the references.
fn search_block<T: Scalar>(
    rows: ArrayView2<'_, T>,
    first: Option<usize>,
    references: &Array2<T>,
    k: usize,
) -> Vec<(u32, f64)> {
    let mut best: Vec<Best<T>> = (0..rows.nrows()).map(|_| Best::new(k)).collect();
    let mut memory = Array2::zeros((rows.nrows(), REFERENCES.min(references.nrows())));
    for start in (0..references.nrows()).step_by(REFERENCES) {
        let block = references.slice(s![start..references.nrows().min(start + REFERENCES), ..]);
        let mut scores = memory.slice_mut(s![.., ..block.nrows()]);
        matrix_product(T::one(), rows, block.t(), T::zero(), scores.view_mut());
        for (i, (mut row, best)) in scores.rows_mut().into_iter().zip(&mut best).enumerate() {
            if let Some(own) = first.and_then(|first| (first + i).checked_sub(start))
                && own < row.len()
            {
                row[own] = T::neg_infinity();
            }
            let row = row.into_slice().unwrap_or_else(|| unreachable!("scores are row-major"));
            best.see(start, row);
        }
    }
    best.into_iter().flat_map(|best| best.found).map(|(cosine, j)| (j, cosine.to_f64())).collect()
}

/// The best scores seen, in descending order.
struct Best<T> {
    k: usize,
    found: Vec<(T, u32)>,
    /// The last of `found` once there are k, −∞ before.
    worst: T,
}

impl<T: Scalar> Best<T> {
    fn new(k: usize) -> Self {
        Self { k, found: Vec::with_capacity(k + 1), worst: T::neg_infinity() }
    }

    /// Processes the scores of the reference rows from `start` on.
    fn see(&mut self, start: usize, scores: &[T]) {
        for (chunk, values) in scores.chunks(CHUNK).enumerate() {
            let mut any = false;
            for &score in values {
                any |= score > self.worst;
            }
            if any {
                for (j, &score) in values.iter().enumerate() {
                    self.insert(score, (start + chunk * CHUNK + j) as u32);
                }
            }
        }
    }

    fn insert(&mut self, score: T, row: u32) {
        if score > self.worst {
            let place = self.found.partition_point(|&(other, _)| other >= score);
            self.found.insert(place, (score, row));
            self.found.truncate(self.k);
            if self.found.len() == self.k {
                self.worst = self.found[self.k - 1].0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;
    use ndarray::array;

    /// Every similarity, sorted.
    fn by_sorting(rows: &Array2<f64>, references: &Array2<f64>, k: usize) -> Vec<Vec<usize>> {
        let cosine = |i: usize, j: usize| {
            let (u, v) = (rows.row(i), references.row(j));
            u.dot(&v) / (u.dot(&u) * v.dot(&v)).sqrt()
        };
        let nearest = |i: usize| {
            let mut order: Vec<usize> = (0..references.nrows()).collect();
            order.sort_by(|&a, &b| cosine(i, b).total_cmp(&cosine(i, a)));
            order.truncate(k);
            order
        };
        (0..rows.nrows()).map(nearest).collect()
    }

    #[test]
    fn blocks_find_what_sorting_finds() {
        let mut stream = Stream::new(1, "neighbours");
        let (rows, references) =
            (stream.normal_matrix((300, 5)), stream.normal_matrix((2500, 5)) * 3.0);
        let found = Neighbours::of(rows.view(), references.view(), 7).unwrap();
        assert_eq!((found.len(), found.k(), found.references()), (300, 7, 2500));
        for (i, expected) in by_sorting(&rows, &references, 7).into_iter().enumerate() {
            let row: Vec<usize> = found.of_row(i).map(|(j, _)| j).collect();
            assert_eq!(row, expected);
        }
        let all = Neighbours::of(rows.view(), references.view(), 2500).unwrap();
        assert!(
            all.of_row(0).map(|(j, _)| j).collect::<std::collections::HashSet<_>>().len() == 2500
        );
    }

    #[test]
    fn a_row_is_not_its_own_neighbour() {
        let x = Stream::new(2, "neighbours").normal_matrix((1100, 4));
        let within = Neighbours::within(x.view(), 3).unwrap();
        let expected = by_sorting(&x, &x, 4);
        for (i, expected) in expected.iter().enumerate() {
            let row: Vec<usize> = within.of_row(i).map(|(j, _)| j).collect();
            assert_eq!(row, expected[1..], "row {i}");
        }
    }

    #[test]
    fn ties_go_to_the_first_and_zeros_have_no_direction() {
        let x = array![[1.0_f32, 0.0], [2.0, 0.0], [3.0, 0.0], [0.0, 0.0], [-1.0, 0.0]];
        let found = Neighbours::of(x.view(), x.view(), 5).unwrap();
        let row: Vec<(usize, f64)> = found.of_row(2).collect();
        assert_eq!(row, [(0, 1.0), (1, 1.0), (2, 1.0), (3, 0.0), (4, -1.0)]);
        assert!(found.of_row(3).all(|(_, cosine)| cosine == 0.0));
    }

    #[test]
    fn a_k_that_cannot_be_had_is_an_error() {
        let x = array![[1.0, 0.0], [2.0, 0.0]];
        for k in [0, 3] {
            let error = Neighbours::of(x.view(), x.view(), k).unwrap_err();
            assert_eq!(error, EvalError::NeighbourCount { k, references: 2 });
        }
        assert!(Neighbours::within(x.view(), 2).is_err());
        assert!(Neighbours::within(x.view(), 1).is_ok());
    }
}
