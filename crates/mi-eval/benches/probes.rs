//! Probes at the paper's size: 60,000 × 100 features, 10 classes.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use mi_eval::{Lbfgs, MinMaxScaler, Probe, Saga, StandardScaler, jacobian_singular_values};
use mi_random::Stream;
use ndarray::Array2;

const ROWS: usize = 60_000;
const FEATURES: usize = 100;

/// Correlated Gaussian clusters that overlap: accuracies near 0.85, as on embedded digits.
fn clusters() -> (Array2<f32>, Vec<u8>) {
    let mut stream = Stream::new(1, "clusters");
    let centres = stream.normal_matrix((10, FEATURES)) * (3.0 / (FEATURES as f64).sqrt());
    let labels: Vec<u8> = (0..ROWS).map(|_| stream.below(10) as u8).collect();
    let mut features = stream.normal_matrix((ROWS, FEATURES));
    for (mut row, &label) in features.rows_mut().into_iter().zip(&labels) {
        row += &centres.row(usize::from(label));
    }
    let mixing = stream.normal_matrix((FEATURES, FEATURES));
    (features.dot(&mixing).mapv(|v| v as f32), labels)
}

fn probes(criterion: &mut Criterion) {
    let (features, labels) = clusters();
    let mut group = criterion.benchmark_group("probes");
    group.sample_size(10).measurement_time(Duration::from_secs(3));

    let scaled = MinMaxScaler::fit(features.view())
        .and_then(|scaler| scaler.transform(features.view()))
        .expect("the clusters are finite");
    group.bench_function("saga-60000x100", |bencher| {
        bencher.iter(|| {
            let mut stream = Stream::new(2, "saga");
            black_box(Saga::default().fit(scaled.view(), &labels, None, &mut stream))
        });
    });

    let scaled = StandardScaler::fit(features.view())
        .and_then(|scaler| scaler.transform(features.view()))
        .expect("the clusters are finite");
    group.bench_function("lbfgs-60000x100", |bencher| {
        bencher.iter(|| black_box(Lbfgs::default().fit(scaled.view(), &labels, None)));
    });

    for (name, probe) in [("paper", Probe::paper()), ("converged", Probe::converged())] {
        group.bench_function(format!("probe-{name}-60000x100"), |bencher| {
            bencher.iter(|| {
                black_box(probe.evaluate(features.view(), &labels, features.view(), &labels, 3))
            });
        });
    }
    group.finish();
}

fn jacobians(criterion: &mut Criterion) {
    let mut stream = Stream::new(4, "jacobian");
    let noise = stream.normal_matrix((392, 392)) * 0.02;
    let near_identity = Array2::<f64>::eye(392) + noise;
    let mut nearly_singular = near_identity.clone();
    nearly_singular.row_mut(0).mapv_inplace(|v| v * 1e-5);
    let mut group = criterion.benchmark_group("jacobian");
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    for (name, matrix) in [("near-identity", near_identity), ("nearly-singular", nearly_singular)] {
        group.bench_function(format!("singular-values-392-{name}"), |bencher| {
            bencher.iter(|| black_box(jacobian_singular_values(0, matrix.view())));
        });
    }
    group.finish();
}

criterion_group!(benches, probes, jacobians);
criterion_main!(benches);
