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
    /// What a neighbour method saw of continuous columns.
    pub marginals: Option<Marginals>,
    /// Rows this near in time were no neighbours.
    pub theiler: usize,
    /// How a method that trains did it: of the neural one bound and critic too.
    pub neural: Option<NeuralSettings>,
}

/// An estimate of mutual information and what is known about its reliability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// In nats. Slightly negative values are sampling error around 0 and stay; see
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
    /// The standard deviation of the value, in nats, between seeds by which ties are broken; if some
    /// were, and it is known: from the ways that were averaged, or where an interval or a test was
    /// asked for.
    pub tie_deviation: Option<f64>,
    /// The interval, if asked for.
    pub interval: Option<Interval>,
    /// The test, if asked for.
    pub test: Option<TestResult>,
    /// The extrapolation to infinitely many rows, if asked for.
    pub extrapolation: Option<Extrapolation>,
    /// The smallest entropy of a discrete side in nats, which no mutual information exceeds.
    pub entropy_bound: Option<f64>,
    /// Rows left out between those of a fit and those held out, by a method that trains.
    pub gap: Option<Gap>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

impl Estimate {
    /// The value brought between 0 and, if a side is discrete, its entropy: what is known to hold
    /// of mutual information. Averages of clamped values are biased upwards.
    pub fn clamped(&self) -> f64 {
        let value = self.entropy_bound.map_or(self.value, |bound| self.value.min(bound));
        value.max(0.0)
    }

    /// The value in bits.
    pub fn bits(&self) -> f64 {
        self.value / std::f64::consts::LN_2
    }
}
