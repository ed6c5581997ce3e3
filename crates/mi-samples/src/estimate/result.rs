use mi_kernels::positive_part;
use serde::{Deserialize, Serialize};

use super::{Method, Warning};
use crate::neural::NeuralSettings;
use crate::rows::Gap;
use crate::sample::{ColumnType, Marginals};
use crate::uncertainty::{Extrapolation, Interval, TestResult};

/// The estimator behind a value, with every setting resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimatorSettings {
    /// The method.
    pub method: Method,
    /// The number of nearest neighbours, if the method uses them.
    pub neighbours: Option<usize>,
    /// How a neighbour method transformed continuous columns.
    pub marginals: Option<Marginals>,
    /// Rows this close in time did not count as neighbours.
    pub theiler: usize,
    /// The training settings of a method that trains; for the neural method including bound and
    /// critic.
    pub neural: Option<NeuralSettings>,
}

/// An estimate of mutual information and what is known about its reliability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// In nats. Slightly negative values are sampling error around 0 and are kept; see
    /// [`Estimate::clamped`].
    pub value: f64,
    /// In nats, before the method's own bias correction, if it has one.
    pub uncorrected: Option<f64>,
    /// The estimator and its settings.
    pub estimator: EstimatorSettings,
    /// Observations used.
    pub n: usize,
    /// The columns of x, of y and of those conditioned on.
    pub columns: [Vec<ColumnType>; 3],
    /// The standard deviation of the value, in nats, between seeds that break ties. Known only if
    /// there were ties, and either several ways of breaking them were averaged, or an interval or a
    /// test was requested.
    pub tie_deviation: Option<f64>,
    /// The interval, if requested.
    pub interval: Option<Interval>,
    /// The test, if requested.
    pub test: Option<TestResult>,
    /// The extrapolation to infinitely many rows, if requested.
    pub extrapolation: Option<Extrapolation>,
    /// The smallest entropy of a discrete side in nats, which no mutual information exceeds.
    pub entropy_bound: Option<f64>,
    /// Rows left out between fitted and held-out rows, for a method that trains.
    pub gap: Option<Gap>,
    /// Warnings for the reader.
    pub warnings: Vec<Warning>,
}

impl Estimate {
    /// The value clamped to at least 0 and, if a side is discrete, at most its entropy: the known
    /// limits of mutual information; NaN if the value is NaN. Averages of clamped values are biased
    /// upwards.
    pub fn clamped(&self) -> f64 {
        match self.entropy_bound {
            Some(bound) if self.value > bound => positive_part(bound),
            _ => positive_part(self.value),
        }
    }

    /// The value in bits.
    ///
    /// ```
    /// use mi_samples::ndarray::Array2;
    /// use mi_samples::{Sample, Settings, mutual_information};
    ///
    /// let coins = Array2::from_shape_fn((1000, 1), |(row, _)| f64::from(row % 2 == 0));
    /// let coins = Sample::new(coins.view(), &[], 0)?;
    /// let found = mutual_information(&coins, &coins, &Settings::default())?;
    /// assert!((found.bits() - 1.0).abs() < 0.01); // a fair coin, known exactly
    /// # Ok::<(), mi_samples::SamplesError>(())
    /// ```
    pub fn bits(&self) -> f64 {
        self.value / std::f64::consts::LN_2
    }
}
