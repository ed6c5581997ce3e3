use rayon::prelude::*;

use crate::kernel::{Feature, Linear, LossAndGradient, dispatch};

/// Rows whose loss and gradient are summed together. Fixed, so that the order of every sum is
/// the same for any number of threads.
const BLOCK_ROWS: usize = 2048;

/// The penalised multinomial logistic loss of a training set.
///
/// # Formula
/// `F(W, b) = (1/n) Σ_i −ln softmax(x_i W + b)_{y_i} + ‖W‖² / (2 C n)`: scikit-learn's `C Σ loss +
/// ½‖W‖²`, divided by `C n`. The intercept b is not penalised.
pub(crate) struct Objective<'a, T> {
    features: &'a [T],
    dim: usize,
    labels: &'a [u32],
    classes: usize,
    /// 1 / (C n).
    pub(crate) penalty: f64,
}

impl<'a, T: Feature> Objective<'a, T> {
    /// `features` has one row of `dim` numbers for each label.
    pub(crate) fn new(
        features: &'a [T],
        dim: usize,
        labels: &'a [u32],
        classes: usize,
        c: f64,
    ) -> Self {
        let penalty = 1.0 / (c * labels.len() as f64);
        Self { features, dim, labels, classes, penalty }
    }

    /// Writes the gradient at `parameters` and returns the objective.
    ///
    /// # Shapes
    /// `parameters` and `gradient` hold (dim + 1) × classes numbers row-major, the intercept in
    /// the last row.
    pub(crate) fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let model = Linear::<T>::new(parameters, self.classes);
        let blocks: Vec<_> = self
            .features
            .par_chunks(BLOCK_ROWS * self.dim)
            .zip(self.labels.par_chunks(BLOCK_ROWS))
            .map(|(features, labels)| dispatch(LossAndGradient { model: &model, features, labels }))
            .collect();
        gradient.fill(0.0);
        let mut loss = 0.0;
        for block in &blocks {
            loss += block.loss;
            block.add_gradient_to(gradient, self.classes);
        }
        let n = self.labels.len() as f64;
        for value in gradient.iter_mut() {
            *value /= n;
        }
        for (slope, &w) in gradient.iter_mut().zip(self.weights(parameters)) {
            *slope += self.penalty * w;
        }
        loss / n + self.penalty_at(parameters)
    }

    /// The objective without the penalty: mean cross-entropy in nats.
    pub(crate) fn mean_loss(&self, parameters: &[f64]) -> f64 {
        let mut gradient = vec![0.0; parameters.len()];
        self.evaluate(parameters, &mut gradient) - self.penalty_at(parameters)
    }

    fn penalty_at(&self, parameters: &[f64]) -> f64 {
        0.5 * self.penalty * self.weights(parameters).iter().map(|w| w * w).sum::<f64>()
    }

    /// All parameters except the intercept.
    fn weights<'p>(&self, parameters: &'p [f64]) -> &'p [f64] {
        &parameters[..self.dim * self.classes]
    }
}

/// Largest absolute entry; NaN if any entry is NaN.
pub(crate) fn max_norm(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |norm, v| if v.abs() > norm || v.is_nan() { v.abs() } else { norm })
}
