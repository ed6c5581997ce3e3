//! Whole steps of the paper's training on one core, the way trials run: both encoders, critic,
//! `InfoNCE`, gradients, Adam. Throughput counts floating-point operations of matrix products.

#[path = "../examples/peer_timings/work.rs"]
#[expect(dead_code, reason = "the critics alone are timed by the benchmark critic_matrix")]
mod work;

use std::time::Duration;

use criterion::{Criterion, Throughput};

/// Encoder and critic, or a system of many views.
const STEPS: [(&str, &str); 8] = [
    ("mlp", "bilinear"),
    ("mlp", "separable"),
    ("mlp", "concat"),
    ("residual", "bilinear"),
    ("convnet", "bilinear"),
    ("realnvp", "bilinear"),
    ("dim-local", "nce"),
    ("cpc", "other"),
];

fn main() {
    mi_paper::schedule::stay_on_this_thread();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("training");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    for (encoder, critic) in STEPS {
        let mut step = work::training_step(encoder, critic).expect("the configuration is valid");
        group.throughput(Throughput::Elements((step.gflop * 1e9) as u64));
        group.bench_function(format!("{encoder}/{critic}"), |bencher| {
            bencher.iter(|| (step.run)().expect("the step succeeds"));
        });
    }
    group.finish();
    criterion.final_summary();
}
