//! How well the estimators do where the answer is known.

mod accuracy;
mod calibration;
mod records;

pub use accuracy::{Benchmark, Score, Truth, benchmarks, mean_absolute_error, run};
pub use calibration::{Calibration, calibrate};
pub use records::{Stamp, write_records};
