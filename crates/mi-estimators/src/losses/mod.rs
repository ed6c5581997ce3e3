//! Losses of metric learning and of noise-contrastive estimation, on the same engine as the bounds.
//!
//! A loss is a [`Bound`](crate::bounds::Bound) whose objective is minus the loss, so that
//! everything here is maximised; its `estimate` is also minus the loss and says nothing about the
//! mutual information. Two well-known losses need no separate type, as they are `InfoNCE` by
//! another name ([`Evaluation::n_pair_loss`](crate::bounds::Evaluation::n_pair_loss)):
//!
//! | loss | here |
//! | --- | --- |
//! | N-pair (Sohn, 2016, eq. 6) | `InfoNCE` on a square with inner products: log K − the estimate |
//! | NT-Xent (Chen et al., 2020, eq. 1) | `InfoNCE` on [`Pairs::both_views`](crate::bounds::Pairs::both_views) with cosines / τ: log(2K − 1) − the estimate |
//! | softmax over a memory bank (Tian et al., 2020) | `InfoNCE` on [`Pairs::memory_bank`](crate::bounds::Pairs::memory_bank) |
//! | Jensen–Shannon (Hjelm et al., 2019, eq. 4) | [`BoundSpec::JensenShannon`](crate::bounds::BoundSpec): its objective |
//! | triplet | [`Triplet`] |
//! | contrastive | [`Contrastive`] |
//! | lifted structure | [`LiftedStructure`], [`GeneralisedLifted`] |
//! | NCE with a memory bank | [`NoiseContrastive`] |
//! | matching a prior | [`prior_matching`] |
//!
//! Scores of triplet, contrastive and lifted losses are negative squared Euclidean distances, `S_ij
//! = −|x_i − y_j|²`, as computed by the critic
//! [`NegativeDistance`](mi_critics::CriticSpec::NegativeDistance).

mod contrastive;
mod generalised_lifted;
mod lifted;
mod noise_contrastive;
mod prior;
mod triplet;

pub use contrastive::Contrastive;
pub use generalised_lifted::GeneralisedLifted;
pub use lifted::LiftedStructure;
pub use noise_contrastive::NoiseContrastive;
pub use prior::{PriorMatching, prior_matching};
pub use triplet::{Mining, Triplet};

use mi_kernels::positive_part as hinge;

use crate::EstimatorError;

/// The Euclidean distance, from minus its square, which may be positive through rounding.
fn distance(score: f64) -> f64 {
    hinge(-score).sqrt()
}

/// The slope of [`distance`] in minus the score; 0 for points that coincide, which get no gradient.
fn slope(distance: f64) -> f64 {
    if distance == 0.0 { 0.0 } else { 0.5 / distance }
}

/// Checks a margin.
fn check_margin(setting: &'static str, margin: f64) -> Result<(), EstimatorError> {
    if margin >= 0.0 && margin.is_finite() {
        return Ok(());
    }
    let range = "a finite number, 0 or above";
    Err(EstimatorError::Setting { setting, value: margin.to_string(), range })
}
