//! Mutual information estimated from samples: nearest neighbours, closed forms, plug-in and
//! trained critics, with intervals and tests.
//!
//! - [`mutual_information`] and [`conditional_mutual_information`] estimate by the method that fits
//!   the kinds of the columns: an [`Estimate`] has an interval, an optional test and typed
//!   warnings. The methods are also separate functions: [`ksg`], [`mixture`], [`ross`],
//!   [`mesner_shalizi`], [`conditional_ksg`], [`gaussian`], [`gaussian_copula`], [`plug_in`], and
//!   [`kozachenko_leonenko`] for entropy.
//! - [`neural`] trains a critic and gives a bound from rows it was not trained on; the critic can
//!   also be used for single pairs ([`NeuralCritic::pointwise`]). [`difference_of_entropies`]
//!   learns two entropies instead, and has no cap.
//! - [`linear_v_information`] and [`logistic_v_information`] measure what a simple reader can use.
//! - [`TASKS`] and [`Staircase`] are distributions of known mutual information, for measuring
//!   estimators.
//!
//! Values are in nats. Randomness comes only from seeds, and results are bit-identical on any
//! number of threads.
//!
//! ```
//! use mi_samples::{Sample, Settings, TASKS, mutual_information};
//! use mi_random::Stream;
//!
//! let task = &TASKS[0]; // two Gaussians with correlation ¾
//! let (x, y) = task.sample(2000, &mut Stream::new(0, task.id()));
//! let x = Sample::new(x.view(), &[], 0)?;
//! let y = Sample::new(y.view(), &[], 0)?;
//! let found = mutual_information(&x, &y, &Settings::default())?;
//! assert!((found.value - task.mutual_information()).abs() < 0.1);
//! println!("{:.3} nats by {}", found.value, found.estimator.method);
//! # Ok::<(), mi_samples::SamplesError>(())
//! ```

mod closed_form;
mod error;
mod estimate;
mod moments;
mod neighbours;
mod neural;
mod rows;
mod sample;
mod tasks;
mod uncertainty;
mod v_information;
mod words;

pub use closed_form::{
    DiscreteEntropy, GaussianInformation, PlugIn, canonical_correlations, discrete_entropy,
    gaussian, gaussian_conditional, gaussian_copula, gaussian_entropy, information_correlation,
    normalised_information, plug_in,
};
pub use error::{SamplesError, WayOut};
pub use estimate::{
    Estimate, EstimatorSettings, INFINITE, Method, Settings, Side, Warning,
    conditional_mutual_information, mutual_information, mutual_information_and_critic, small_nats,
};
pub use neighbours::{
    KsgVariant, RossEstimates, conditional_ksg, kozachenko_leonenko, ksg, mesner_shalizi, mixture,
    ross,
};
pub use neural::{
    EntropyDifference, FEWEST_ROWS, NeuralCritic, NeuralEstimate, NeuralSettings,
    difference_of_entropies, neural,
};
pub use rows::{Gap, RowStructure};
pub use sample::{ColumnKind, ColumnType, Declared, LARGEST, Marginals, Sample};
pub use tasks::{STAIRCASE_DIMENSIONS, STAIRCASE_STEPS, Staircase, TASKS, Task};
pub use uncertainty::{
    Extrapolation, Interval, IntervalMethod, Surrogate, TestResult, TestSettings,
};
pub use v_information::{CrossFit, VInformation, linear_v_information, logistic_v_information};
pub use words::{all_digits, six_digits};

// Types in this crate's signatures, and what sets the bound and the critic of a neural estimate.
pub use mi_critics;
pub use mi_estimators;
pub use mi_random::Stream;
pub use ndarray;

/// The README's examples, tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
