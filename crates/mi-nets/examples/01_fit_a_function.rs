//! Fits sin(3x) on [−1, 1] with a small MLP and prints the error as it falls.
//!
//! One training step: start a graph, run the network, turn its output into a gradient of the loss,
//! take a step down it with Adam. The learner's memory is reused from step to step.

use mi_nets::{AdamConfig, Init, Learner, Mlp, Module, NetsError, Params};
use mi_random::Stream;
use ndarray::Array2;

const BATCH: usize = 64;

fn main() -> Result<(), NetsError> {
    let mut params = Params::<f32>::new();
    let mut init = Stream::new(1, "init");
    let net = Mlp::new(&mut params, "net", &[1, 32, 32, 1], Init::GlorotUniform, &mut init)?;
    println!("{} numbers to train, in:", params.scalar_count());
    for id in params.ids() {
        println!("  {} {:?}", params.name(id), params.view(id).dim());
    }

    let mut learner = Learner::new(AdamConfig { lr: 3e-3, ..AdamConfig::default() }, params);
    let mut samples = Stream::new(1, "samples");
    for step in 0..=2000 {
        let x = Array2::from_shape_simple_fn((BATCH, 1), || 2.0 * samples.uniform() as f32 - 1.0);
        let target = x.mapv(|x| (3.0 * x).sin());

        let mut graph = learner.begin();
        let input = graph.input(x.view());
        let output = net.forward(&mut graph, input);
        let error = &graph.value(output) - &target;
        let loss = error.mapv(|e| e * e).mean().unwrap_or(f32::NAN);
        let seed = error * (2.0 / BATCH as f32); // ∂loss/∂output

        learner.descend(&[(output, seed.view())])?;
        if step % 400 == 0 {
            println!("step {step:4}: mean squared error {loss:.6}");
        }
    }
    Ok(())
}
