//! Mutual-information bounds and estimators: variational, nearest-neighbour and closed-form.

mod error;

pub use error::EstimatorError;
