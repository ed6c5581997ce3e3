use mi_kernels::{Logarithm, Scalar};
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};

use crate::NetsError;

const OPERATION: &str = "softmax_cross_entropy";

/// The targets of a classifier.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Targets<'a, T> {
    /// The class of every row.
    Labels(&'a [usize]),
    /// A distribution over classes: one row for every row of logits, or one row for all.
    Distribution(ArrayView2<'a, T>),
}

/// The mean cross-entropy of softmax(logits) against targets, in nats, and its gradient.
///
/// # Formula
/// ```text
/// L = mean over i of Σ_j q_ij (LSE_k l_ik − l_ij)      ∂L/∂l_ij = (softmax_j(l_i) − q_ij) / n
/// ```
///
/// with l the logits and q the target distribution (for a label, all mass is on it). With the
/// uniform distribution as target, L is smallest, log(number of classes), if the classifier's
/// output is uniform.
///
/// # Shapes
/// Logits are n×classes, and so is the gradient; labels are n, a distribution is n×classes or
/// 1×classes.
///
/// # Errors
/// No row; targets of another shape; a label beyond the classes; a row of targets that is not a
/// distribution (it has a negative number, or its sum differs from 1 by more than 0.001).
///
/// ```
/// use mi_nets::{Targets, softmax_cross_entropy};
/// use ndarray::array;
///
/// let logits = array![[2.0, 0.0], [0.0, 0.0]];
/// let (loss, gradient) = softmax_cross_entropy(logits.view(), Targets::Labels(&[0, 1]))?;
/// assert!((loss - (0.126_928 + 0.693_147) / 2.0).abs() < 1e-6);
/// assert_eq!(gradient.row(1).to_vec(), [0.25, -0.25]);
/// # Ok::<(), mi_nets::NetsError>(())
/// ```
pub fn softmax_cross_entropy<T: Scalar>(
    logits: ArrayView2<'_, T>,
    targets: Targets<'_, T>,
) -> Result<(f64, Array2<T>), NetsError> {
    let mut gradient = Array2::zeros(logits.dim());
    let loss = softmax_cross_entropy_into(logits, targets, gradient.view_mut())?;
    Ok((loss, gradient))
}

/// Like [`softmax_cross_entropy`], but writes the gradient to the caller's array.
///
/// # Errors
/// Those of [`softmax_cross_entropy`], and a gradient whose shape differs from that of the logits.
pub fn softmax_cross_entropy_into<T: Scalar>(
    logits: ArrayView2<'_, T>,
    targets: Targets<'_, T>,
    mut gradient: ArrayViewMut2<'_, T>,
) -> Result<f64, NetsError> {
    check(logits.dim(), targets, gradient.dim())?;
    let (rows, n) = (logits.nrows(), logits.nrows() as f64);
    let mut loss = 0.0;
    for (i, (logits, mut gradient)) in
        logits.rows().into_iter().zip(gradient.rows_mut()).enumerate()
    {
        // In `f64`, as there are few classes.
        let log_sum = Logarithm::of_sum(logits.iter().map(|&logit| logit.to_f64()));
        for (j, (&logit, gradient)) in logits.iter().zip(&mut gradient).enumerate() {
            let target = match targets {
                Targets::Labels(labels) => f64::from(u8::from(labels[i] == j)),
                Targets::Distribution(q) => q[[if q.nrows() == rows { i } else { 0 }, j]].to_f64(),
            };
            let log_probability = log_sum.below(logit.to_f64());
            // A class of probability 0 with target 0 adds no loss; 0 · ∞ would be NaN.
            if target > 0.0 {
                loss -= target * log_probability;
            }
            *gradient = T::from_f64((log_probability.exp() - target) / n);
        }
    }
    Ok(loss / n)
}

fn check<T: Scalar>(
    (rows, classes): (usize, usize),
    targets: Targets<'_, T>,
    gradient: (usize, usize),
) -> Result<(), NetsError> {
    let shape = |problem| Err(NetsError::Shape { operation: OPERATION, problem });
    let target = |problem| Err(NetsError::Target { operation: OPERATION, problem });
    if rows == 0 || classes == 0 {
        return shape(format!(
            "logits are {rows}×{classes}: at least one row and one class are needed"
        ));
    }
    if gradient != (rows, classes) {
        return shape(format!("logits are {rows}×{classes}, the gradient {gradient:?}"));
    }
    match targets {
        Targets::Labels(labels) if labels.len() != rows => {
            shape(format!("{} labels for {rows} rows of logits", labels.len()))
        }
        Targets::Labels(labels) => match labels.iter().position(|&label| label >= classes) {
            Some(i) => target(format!("row {i} has label {} of {classes} classes", labels[i])),
            None => Ok(()),
        },
        Targets::Distribution(q) => {
            if q.ncols() != classes || (q.nrows() != rows && q.nrows() != 1) {
                let (n, m) = q.dim();
                return shape(format!("a {n}×{m} distribution for {rows}×{classes} logits"));
            }
            let is_distribution = |q: ArrayView1<'_, T>| {
                let sum: f64 = q.iter().map(|&q| q.to_f64()).sum();
                q.iter().all(|&q| q >= T::zero()) && (sum - 1.0).abs() <= 1e-3
            };
            match q.rows().into_iter().position(|q| !is_distribution(q)) {
                Some(i) => {
                    target(format!("row {i} of the targets, {}, is not a distribution", q.row(i)))
                }
                None => Ok(()),
            }
        }
    }
}
