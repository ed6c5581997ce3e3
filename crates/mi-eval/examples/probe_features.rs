//! Compares two sets of features with both probes, and examines the map between them.
//!
//! Run with `cargo run --release -p mi-eval --example probe_features`.

use mi_eval::{
    Conditioning, EvalError, Probe, jacobian_singular_values, log_condition, numerical_jacobian,
};
use mi_random::Stream;
use ndarray::{Array2, ArrayView1, Axis};

/// A map that keeps all information but folds the inputs: x ↦ x + 3 sin(2x), mixed.
fn encode(mixing: &Array2<f64>, x: ArrayView1<'_, f64>) -> Vec<f64> {
    mixing.dot(&x.mapv(|v| v + 3.0 * (2.0 * v).sin())).to_vec()
}

fn main() -> Result<(), EvalError> {
    let mut stream = Stream::new(7, "example");
    let labels: Vec<usize> = (0..6000).map(|_| stream.below(4)).collect();
    let centres = stream.normal_matrix((4, 8));
    let mut inputs = stream.normal_matrix((6000, 8));
    for (mut row, &label) in inputs.rows_mut().into_iter().zip(&labels) {
        row += &centres.row(label);
    }
    let mixing = stream.normal_matrix((8, 8));
    let mut embedded = Array2::zeros(inputs.dim());
    for (mut out, x) in embedded.rows_mut().into_iter().zip(inputs.rows()) {
        out.assign(&ArrayView1::from(&encode(&mixing, x)));
    }

    for (name, features) in [("inputs", &inputs), ("embedded", &embedded)] {
        let (train, test) = features.view().split_at(Axis(0), 5000);
        for probe in [Probe::paper(), Probe::converged()] {
            let result = probe.evaluate(train, &labels[..5000], test, &labels[5000..], 1)?;
            println!(
                "{name:>8}: accuracy {:.3} (C = {}, {} epochs, converged: {})",
                result.accuracy, result.c, result.epochs, result.converged
            );
            for warning in &result.warnings {
                println!("          {warning}");
            }
        }
    }

    let mut conditions = Vec::new();
    for (sample, x) in inputs.rows().into_iter().take(128).enumerate() {
        let jacobian = numerical_jacobian(|x| encode(&mixing, x), x, 1e-5)?;
        conditions.push(log_condition(&jacobian_singular_values(sample, jacobian.view())?));
    }
    let conditioning = Conditioning::new(conditions)?;
    for percent in [0.0, 50.0, 100.0] {
        println!("log condition, {percent:>3} %: {:.2}", conditioning.percentile(percent));
    }
    Ok(())
}
