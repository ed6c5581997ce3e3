//! How sure an estimate is: intervals, extrapolation in the number of rows, permutation tests.

mod extrapolation;
mod interval;
mod surrogate;
mod test;

pub use extrapolation::Extrapolation;
pub use interval::{Interval, IntervalMethod};
pub use surrogate::Surrogate;
pub use test::{TestResult, TestSettings};

pub(crate) use extrapolation::extrapolate;
pub(crate) use interval::{analytic_interval, held_out_interval, subsample_interval};
pub(crate) use surrogate::Groups;
pub(crate) use test::permutation_test;

use mi_random::Stream;

/// Splits rows into `pieces` disjoint parts whose sizes differ by at most one: contiguous ones if
/// the rows are ordered, else at random. Rows of a part are in ascending order.
fn split(n: usize, pieces: usize, ordered: bool, stream: &mut Stream) -> Vec<Vec<usize>> {
    let rows = if ordered { (0..n).collect() } else { stream.permutation(n) };
    (0..pieces)
        .map(|piece| {
            let mut part = rows[piece * n / pieces..(piece + 1) * n / pieces].to_vec();
            part.sort_unstable();
            part
        })
        .collect()
}
