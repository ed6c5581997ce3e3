//! Train your own network on a bound: pass embeddings to the engine, and get gradients.
//!
//! A linear projection of each side is learned on correlated Gaussians, where eight of twenty
//! columns carry information, and the estimate approaches the known mutual information. Only
//! `Engine::differentiate` is used; the projections, their gradients and the steps are written out.
//!
//!     cargo run --release -p mi-estimators --example own_network

use mi_estimators::EstimatorError;
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::engine::{Batch, Engine};
use mi_random::Stream;
use ndarray::{Array2, s};

const DIM: usize = 20;
const INFORMATIVE: usize = 8;
const EMBED: usize = 16;
const BATCH: usize = 256;
const RHO: f64 = 0.6;

/// Pairs of standard normal rows whose first columns are correlated.
fn batch(stream: &mut Stream) -> (Array2<f32>, Array2<f32>) {
    let x = stream.normal_matrix((BATCH, DIM));
    let mut y = stream.normal_matrix((BATCH, DIM));
    let noise = (1.0 - RHO * RHO).sqrt();
    let mut shared = y.slice_mut(s![.., ..INFORMATIVE]);
    shared.zip_mut_with(&x.slice(s![.., ..INFORMATIVE]), |y, x| *y = RHO * x + noise * *y);
    (x.mapv(|x| x as f32), y.mapv(|y| y as f32))
}

/// Columns [x, x²]: the log density ratio of Gaussians is a quadratic form.
fn features(x: &Array2<f32>) -> Array2<f32> {
    let mut both = Array2::ones((BATCH, 2 * DIM + 1));
    both.slice_mut(s![.., ..DIM]).assign(x);
    both.slice_mut(s![.., DIM..2 * DIM]).assign(&x.mapv(|x| x * x));
    both
}

fn main() -> Result<(), EstimatorError> {
    let truth = -0.5 * INFORMATIVE as f64 * (1.0 - RHO * RHO).ln();
    let mut stream = Stream::new(1, "own network");
    let start = || stream.child("start").normal_matrix((2 * DIM + 1, EMBED));
    let mut w_x = start().mapv(|w| 0.05 * w as f32);
    let mut w_y = w_x.clone();
    let (mut speed_x, mut speed_y) = (Array2::zeros(w_x.dim()), Array2::zeros(w_y.dim()));
    let mut engine = Engine::new();
    let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
    let mut recent = 0.0;
    println!("true mutual information {truth:.3} nats, cap log {BATCH} = {:.3}", 256_f64.ln());
    for step in 1..=2000 {
        let (x, y) = batch(&mut stream);
        let (x, y) = (features(&x), features(&y));
        let (ex, ey) = (x.dot(&w_x), y.dot(&w_y));
        let batch = Batch::new(ex.view(), ey.view());
        let found = engine.differentiate(&batch, &mut objective, None)?;
        // Gradient ascent with momentum; the gradients of the projections are written by hand.
        speed_x = 0.9 * speed_x + x.t().dot(&found.x);
        speed_y = 0.9 * speed_y + y.t().dot(&found.y);
        w_x.scaled_add(0.01, &speed_x);
        w_y.scaled_add(0.01, &speed_y);
        recent = 0.98 * recent + 0.02 * found.evaluation.estimate;
        if step % 400 == 0 {
            println!("step {step:4}: {recent:.3} nats");
        }
    }
    assert!((recent - truth).abs() < 0.2, "the estimate must approach the truth");
    Ok(())
}
