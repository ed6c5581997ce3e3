//! Trains an MLP to tell three rings of points apart, saves a checkpoint, and loads it into a
//! fresh network.
//!
//! New here: a loss with its gradient, inference, and checkpoints.

use mi_nets::{
    AdamConfig, Checkpoint, Init, Learner, Mlp, Module, NetsError, Params, Tape, Targets,
    softmax_cross_entropy,
};
use mi_random::Stream;
use ndarray::Array2;

/// Noisy points on circles of radius 1, 2 and 3, and the index of their circle.
fn rings(n: usize, stream: &mut Stream) -> (Array2<f32>, Vec<usize>) {
    let labels: Vec<usize> = (0..n).map(|_| stream.below(3)).collect();
    let mut x = Array2::zeros((n, 2));
    for (mut x, &label) in x.rows_mut().into_iter().zip(&labels) {
        let angle = std::f64::consts::TAU * stream.uniform();
        let radius = (label + 1) as f64 + 0.15 * stream.normal();
        x[0] = (radius * angle.cos()) as f32;
        x[1] = (radius * angle.sin()) as f32;
    }
    (x, labels)
}

fn network(seed: u64) -> Result<(Params<f32>, Mlp), NetsError> {
    let mut params = Params::new();
    let mut init = Stream::new(seed, "init");
    let net = Mlp::new(&mut params, "net", &[2, 64, 64, 3], Init::GlorotUniform, &mut init)?;
    Ok((params, net))
}

fn accuracy(params: &Params<f32>, net: &Mlp, x: &Array2<f32>, labels: &[usize]) -> f64 {
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(params);
    let input = graph.input(x.view());
    let logits = net.forward(&mut graph, input);
    let rows = graph.value(logits);
    let right = rows.rows().into_iter().zip(labels).filter(|(row, label)| {
        (0..3).all(|class| row[class] <= row[**label]) // the right class has the largest logit
    });
    right.count() as f64 / labels.len() as f64
}

fn main() -> Result<(), NetsError> {
    let (params, net) = network(1)?;
    let mut learner = Learner::new(AdamConfig { lr: 3e-3, ..AdamConfig::default() }, params);
    let mut samples = Stream::new(1, "samples");
    let (test, test_labels) = rings(2000, &mut samples);
    for step in 0..=500 {
        let (x, labels) = rings(128, &mut samples);
        let mut graph = learner.begin();
        let input = graph.input(x.view());
        let logits = net.forward(&mut graph, input);
        let (loss, seed) = softmax_cross_entropy(graph.value(logits), Targets::Labels(&labels))?;
        learner.descend(&[(logits, seed.view())])?;
        if step % 100 == 0 {
            let accuracy = accuracy(&learner.params, &net, &test, &test_labels);
            println!("step {step:3}: loss {loss:.4} nats, test accuracy {accuracy:.3}");
        }
    }

    let mut checkpoint = Checkpoint::new();
    checkpoint.put_params("classifier", &learner.params)?;
    let bytes = checkpoint.to_bytes()?;
    let (mut fresh, net) = network(2)?;
    let before = accuracy(&fresh, &net, &test, &test_labels);
    Checkpoint::from_bytes(&bytes)?.restore_params("classifier", &mut fresh)?;
    let after = accuracy(&fresh, &net, &test, &test_labels);
    println!("a fresh network: {before:.3}; with the checkpoint's weights: {after:.3}");
    Ok(())
}
