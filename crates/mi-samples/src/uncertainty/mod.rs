//! The uncertainty of an estimate: intervals, extrapolation in the number of rows, permutation
//! tests.

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
pub(crate) use test::permutation_test;
