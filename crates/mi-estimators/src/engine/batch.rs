use mi_critics::Pairing;
use mi_kernels::Scalar;
use mi_nets::Params;
use ndarray::{ArrayView1, ArrayView2};

use crate::bounds::{Evaluation, Pairs};

/// An embedded batch and the pairing that scores it, as input for the engine.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Batch<'a, T> {
    /// Embedded x, N×d in any memory layout: what the critic's towers returned.
    pub x: ArrayView2<'a, T>,
    /// Embedded y, M×d.
    pub y: ArrayView2<'a, T>,
    /// Which pairs are positives and negatives. By default N = M, row i of x belongs to row i of y,
    /// and all other pairs are negatives.
    pub pairs: Option<&'a Pairs>,
    /// The learned number of each row or positive, for bounds that read one
    /// ([`crate::LearnedNumber`]).
    pub learned: Option<ArrayView1<'a, T>>,
    /// The pairing that scores the pairs, with its parameters; inner products if there is none.
    pub pairing: Option<(&'a Pairing, &'a Params<T>)>,
    /// The factor of the gradients.
    pub weight: f64,
}

impl<'a, T: Scalar> Batch<'a, T> {
    /// Embeddings whose scores are inner products `x · yᵀ`, with weight 1.
    pub fn new(x: ArrayView2<'a, T>, y: ArrayView2<'a, T>) -> Self {
        Self { x, y, pairs: None, learned: None, pairing: None, weight: 1.0 }
    }

    /// The batch with these positives and negatives; with `None`, those of a square stay.
    #[must_use]
    pub fn paired_by(self, pairs: impl Into<Option<&'a Pairs>>) -> Self {
        Self { pairs: pairs.into(), ..self }
    }

    /// The batch scored by the pairing of a critic.
    #[must_use]
    pub fn scored_by(self, pairing: &'a Pairing, params: &'a Params<T>) -> Self {
        Self { pairing: Some((pairing, params)), ..self }
    }

    /// The batch with a learned number for each row, if there are any.
    #[must_use]
    pub fn with_learned(self, learned: Option<ArrayView1<'a, T>>) -> Self {
        Self { learned, ..self }
    }

    /// The batch with its gradients multiplied by a weight.
    #[must_use]
    pub fn weighted(self, weight: f64) -> Self {
        Self { weight, ..self }
    }
}

/// A bound on a batch, and the gradients of weight × objective, for gradient *ascent*.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Differentiated<'a, T> {
    /// Estimate and objective.
    pub evaluation: Evaluation,
    /// The gradient with respect to the embedded x, N×d, row-major.
    pub x: ArrayView2<'a, T>,
    /// The gradient with respect to the embedded y, M×d, row-major.
    pub y: ArrayView2<'a, T>,
    /// The gradient with respect to the learned numbers; N zeros for bounds that read none.
    pub learned: ArrayView1<'a, T>,
}
