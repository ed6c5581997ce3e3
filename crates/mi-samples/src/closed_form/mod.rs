//! Estimators with a formula: Gaussian, Gaussian copula, and frequencies of discrete values.

mod chance;
mod discrete;
mod gaussian;
mod linear_algebra;
mod linear_functions;
mod normalised;

pub use discrete::{DiscreteEntropy, PlugIn, discrete_entropy, plug_in};
pub use gaussian::{
    GaussianInformation, canonical_correlations, gaussian, gaussian_conditional, gaussian_copula,
    gaussian_entropy,
};
pub use normalised::{information_correlation, normalised_information};

pub(crate) use chance::{chance_information, without_chance};
pub(crate) use discrete::plug_in_of;
pub(crate) use gaussian::gaussian_conditional_of;
pub(crate) use linear_algebra::orthogonal_columns;
pub(crate) use linear_functions::linear_functions;

/// A pivot this small, of a matrix with a unit diagonal, is rounding error.
pub(crate) const SMALLEST_PIVOT: f64 = 1e-12;
