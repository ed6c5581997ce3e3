//! The accuracy of the estimators where the answer is known.

mod accuracy;
mod bench_method;
mod calibration;
mod figures;
mod records;
mod store;

pub use accuracy::{Benchmark, Failure, Score, Work, benchmarks, mean_absolute_error, run, scores};
pub use bench_method::BenchMethod;
pub use calibration::{Calibration, calibrate, kinds};
pub use figures::{against_truth, errors};
pub use records::{BenchEstimate, Estimates, Key, Setup};
pub use store::{Store, read_records};
