//! Mutual-information bounds and estimators: variational, nearest-neighbour and closed-form.

pub mod bounds;
mod closed_form;
pub mod engine;
mod error;
mod estimate;
mod neighbours;
mod sample;
mod tasks;
mod uncertainty;
mod v_information;

pub use closed_form::{
    DiscreteEntropy, GaussianInformation, PlugIn, canonical_correlations, discrete_entropy,
    gaussian, gaussian_conditional, gaussian_copula, gaussian_entropy, information_correlation,
    normalised_information, plug_in,
};
pub use error::EstimatorError;
pub use estimate::{
    Estimate, EstimatorSettings, Method, Settings, Side, Warning, conditional_mutual_information,
    mutual_information,
};
pub use neighbours::{
    KsgVariant, RossEstimates, conditional_ksg, kozachenko_leonenko, ksg, mesner_shalizi, mixture,
    ross,
};
pub use sample::{ColumnKind, ColumnType, Declared, Marginals, Sample};
pub use tasks::{STAIRCASE_DIMENSIONS, STAIRCASE_STEPS, Staircase, TASKS, Task};
pub use uncertainty::{
    Extrapolation, Interval, IntervalMethod, Surrogate, TestResult, TestSettings,
};
pub use v_information::{VInformation, linear_v_information, logistic_v_information};
