//! Cross-entropy compared with the formula, with differences and with its smallest value.

use mi_nets::{NetsError, Targets, softmax_cross_entropy};
use ndarray::{Array2, array};
use proptest::prelude::*;

use crate::support::{Layouts, config, normal};

/// Rows of positive numbers that sum to 1.
fn distributions(seed: u64, shape: (usize, usize)) -> Array2<f64> {
    let mut q = normal(seed, shape).mapv(f64::exp);
    for mut row in q.rows_mut() {
        let sum = row.sum();
        row /= sum;
    }
    q
}

proptest! {
    #![proptest_config(config(20))]

    #[test]
    fn value_and_gradient(n in 1_usize..6, classes in 1_usize..7, kind in 0..3) {
        let logits = normal(1, (n, classes)) * 3.0;
        let labels: Vec<usize> = (0..n).map(|i| (3 * i + 1) % classes).collect();
        let q = match kind {
            0 => Array2::from_shape_fn((n, classes), |(i, j)| f64::from(labels[i] == j)),
            1 => distributions(2, (n, classes)),
            _ => Array2::from_elem((1, classes), 1.0 / classes as f64),
        };
        let targets = if kind == 0 { Targets::Labels(&labels) } else { Targets::Distribution(q.view()) };
        let (loss, gradient) = softmax_cross_entropy(logits.view(), targets).unwrap();
        let slow = |logits: &Array2<f64>| {
            let probabilities = logits.mapv(f64::exp);
            let mut sum = 0.0;
            for ((i, j), p) in probabilities.indexed_iter() {
                let row = if q.nrows() == 1 { 0 } else { i };
                sum -= q[[row, j]] * (p / probabilities.row(i).sum()).ln();
            }
            sum / n as f64
        };
        prop_assert!((loss - slow(&logits)).abs() < 1e-12);
        for (index, &g) in gradient.indexed_iter() {
            let moved = |h: f64| {
                let mut logits = logits.clone();
                logits[index] += h;
                slow(&logits)
            };
            let quotient = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            prop_assert!((g - quotient).abs() < 1e-9, "{} for {}", g, quotient);
        }
        let layouts = Layouts::of(&logits);
        for view in layouts.views() {
            let other = softmax_cross_entropy(view, targets).unwrap();
            prop_assert_eq!(&other, &(loss, gradient.clone()));
        }
    }
}

#[test]
fn huge_logits_are_no_trouble() {
    let logits = array![[1e30_f32, 0.0, -1e30], [f32::NEG_INFINITY, 0.0, 0.0]];
    let (loss, gradient) = softmax_cross_entropy(logits.view(), Targets::Labels(&[0, 1])).unwrap();
    assert!((loss - 2.0_f64.ln() / 2.0).abs() < 1e-7);
    assert_eq!(gradient, array![[0.0, 0.0, 0.0], [0.0, -0.25, 0.25]]);
}

#[test]
fn against_the_uniform_distribution_the_least_is_log_classes() {
    let uniform = Array2::from_elem((1, 10), 0.1);
    let targets = Targets::Distribution(uniform.view());
    let (loss, gradient) = softmax_cross_entropy(Array2::zeros((4, 10)).view(), targets).unwrap();
    assert!((loss - 10.0_f64.ln()).abs() < 1e-12);
    assert!(gradient.iter().all(|g: &f64| g.abs() < 1e-16));
    let (other, _) = softmax_cross_entropy(normal(1, (4, 10)).view(), targets).unwrap();
    assert!(other > loss);
}

#[test]
fn targets_that_cannot_be_are_refused() {
    let logits = Array2::<f64>::zeros((2, 3));
    let error = |targets| softmax_cross_entropy(logits.view(), targets).unwrap_err();
    assert!(matches!(error(Targets::Labels(&[0])), NetsError::Shape { .. }));
    let beyond = error(Targets::Labels(&[0, 3]));
    assert!(beyond.to_string().contains("row 1 has label 3 of 3 classes"), "{beyond}");
    let wrong = array![[0.5, 0.5]];
    assert!(matches!(error(Targets::Distribution(wrong.view())), NetsError::Shape { .. }));
    let impossible =
        [array![[0.5, 0.5, 0.5]], array![[1.5, -0.5, 0.0]], array![[f64::NAN, 1.0, 0.0]]];
    for q in &impossible {
        assert!(matches!(error(Targets::Distribution(q.view())), NetsError::Target { .. }));
    }
    let none = Array2::<f64>::zeros((0, 3));
    assert!(softmax_cross_entropy(none.view(), Targets::Labels(&[])).is_err());
}
