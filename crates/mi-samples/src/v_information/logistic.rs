//! Multinomial logistic readers.

use mi_eval::{Lbfgs, LogisticReader};
use ndarray::ArrayView2;

use super::Losses;
use crate::SamplesError;

/// A fit ends when the largest entry of the gradient of the mean loss is below this.
const TOLERANCE: f64 = 1e-7;

type Labelled<'a> = (ArrayView2<'a, f64>, &'a [usize]);

/// Losses on held-out rows: of the classes' frequencies, and of a fitted reader that gives no class
/// probability 0.
pub(super) fn losses(
    (x, labels): Labelled<'_>,
    held_out: Labelled<'_>,
    classes: usize,
    ridge: f64,
) -> Result<Losses, SamplesError> {
    // mi-eval's penalty is ‖W‖² / (2 C n).
    let c = 1.0 / (ridge * labels.len() as f64);
    let solver = Lbfgs { c, tolerance: TOLERANCE, ..Lbfgs::default() };
    let reader = LogisticReader::fit(x, labels, classes, &solver)?;
    let fitted = reader.log_probabilities(held_out.0)?;
    let losses = held_out.1.iter().zip(fitted.rows());
    Ok(losses.map(|(&label, row)| (reader.prior().log_loss(label), -row[label])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;
    use ndarray::array;

    #[test]
    fn a_class_without_a_row_in_the_fit_keeps_its_frequency() {
        let mut stream = Stream::new(0, "classes");
        let x = stream.normal_matrix((50, 2));
        let labels: Vec<usize> = x.column(0).iter().map(|&x| usize::from(x > 0.0)).collect();
        let held = array![[0.3, 0.1], [0.3, 0.1], [0.3, 0.1]];
        let found = losses((x.view(), &labels), (held.view(), &[0, 1, 2]), 3, 0.1).unwrap();
        let total: f64 = found.iter().map(|(_, with)| (-with).exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "probabilities sum to {total}");
        assert_eq!(found[2], (53.0_f64.ln(), 53.0_f64.ln()));
        assert!(found[1].1 < found[1].0, "the reader knows the sign");
        let one = losses((x.view(), &[1; 50]), (array![[0.0, 0.0]].view(), &[1]), 2, 0.1);
        assert_eq!(one.unwrap()[0].0, (52.0_f64 / 51.0).ln());
    }

    /// At the minimum of the mean loss plus ½ ridge ‖W‖² the weights are the mean residuals times
    /// the features, divided by the ridge.
    #[test]
    fn the_reader_minimises_the_penalised_loss() {
        let mut stream = Stream::new(0, "gradient");
        let x = stream.normal_matrix((40, 3));
        let labels: Vec<usize> = (0..40).map(|_| stream.below(4)).collect();
        let c = 1.0 / (0.3 * 40.0);
        let solver = Lbfgs { c, tolerance: TOLERANCE, ..Lbfgs::default() };
        let model = solver.fit(x.view(), &labels, None).unwrap().model;
        let mut residuals = -model.predict_proba(x.view()).unwrap();
        for (mut row, &label) in residuals.rows_mut().into_iter().zip(&labels) {
            row[label] += 1.0;
        }
        let expected = x.t().dot(&residuals) / (40.0 * 0.3);
        assert!((&expected - &model.weights()).iter().all(|e| e.abs() < 1e-6));
    }
}
