//! The accuracy of the estimators where the answer is known.

mod accuracy;
mod asked;
mod calibration;
mod figures;
mod records;
mod store;

pub use accuracy::{Benchmark, Score, Work, benchmarks, mean_absolute_error, run, scores};
pub use asked::Asked;
pub use calibration::{Calibration, calibrate, kinds};
pub use figures::{against_truth, errors};
pub use records::{Estimates, Key, Made, Setup};
pub use store::{Store, read_records};
