//! The kernels of the hot loop on rows of 4096 numbers, and products at the sizes of training.
//!
//! Throughput counts the bytes of a row, read and written, for `exp/…`, `lse/…` and `softplus/…`,
//! and floating-point operations for the others. `/std` and `/matrixmultiply` are the code that the
//! kernel replaces.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use mi_kernels::{PAIR_STRIP, Scalar};
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;

const ROW: usize = 4096;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * 0.731).sin() * 8.0).collect()
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group
}

fn rows(criterion: &mut Criterion) {
    let x = numbers(ROW);
    let mut y = x.clone();

    let mut exp = group(criterion, "exp");
    exp.throughput(Throughput::Bytes(8 * ROW as u64));
    exp.bench_function(mi_kernels::simd_level(), |bencher| {
        bencher.iter(|| {
            y.copy_from_slice(&x);
            black_box(mi_kernels::exp_shifted(&mut y, 8.0))
        });
    });
    exp.bench_function("std", |bencher| {
        bencher.iter(|| {
            y.copy_from_slice(&x);
            for y in &mut y {
                *y = (*y - 8.0).exp();
            }
            black_box(&y);
        });
    });
    exp.finish();

    let mut lse = group(criterion, "lse");
    lse.throughput(Throughput::Bytes(4 * ROW as u64));
    lse.bench_function(mi_kernels::simd_level(), |bencher| {
        bencher.iter(|| black_box(mi_kernels::log_sum_exp(black_box(&x))));
    });
    lse.bench_function("std", |bencher| {
        bencher.iter(|| {
            let largest = black_box(&x).iter().copied().fold(f32::NEG_INFINITY, f32::max);
            black_box(largest + x.iter().map(|x| (x - largest).exp()).sum::<f32>().ln())
        });
    });
    lse.finish();

    let mut softplus = group(criterion, "softplus");
    softplus.throughput(Throughput::Bytes(8 * ROW as u64));
    softplus.bench_function(mi_kernels::simd_level(), |bencher| {
        bencher.iter(|| {
            y.copy_from_slice(&x);
            black_box(mi_kernels::logistic_softplus_sum(&mut y))
        });
    });
    softplus.finish();
}

/// 128 rows × 512 columns × 200 hidden units: the concatenated critic's inner loops.
fn pairs(criterion: &mut Criterion) {
    let (n, k, h) = (128, 512, 200);
    let (a, b) = (numbers(n * h), numbers(k * h));
    let (w, offset) = (numbers(h), numbers(k));
    let mut tiles = Vec::new();
    mi_kernels::pack_pair_tiles(&b, h, &mut tiles);
    let mut scores = vec![0.0; n * k];
    let mut group = group(criterion, "pairs");
    // For each unit of each pair a sum, a maximum and a multiply-add.
    group.throughput(Throughput::Elements(4 * (n * k * h) as u64));
    group.bench_function("scores", |bencher| {
        bencher.iter(|| {
            mi_kernels::relu_pair_scores(&a, &tiles, &w, &offset, &mut scores, k);
            black_box(&scores);
        });
    });
    let (mut strips, mut minus_b) = (Vec::new(), Vec::new());
    mi_kernels::pack_pair_strips(&a, h, 1.0, &mut strips);
    mi_kernels::pack_pair_strips(&b, h, -1.0, &mut minus_b);
    let (mut da, mut db) = (vec![0.0; strips.len()], vec![0.0; minus_b.len()]);
    // For each unit of each pair a comparison and two sums.
    group.throughput(Throughput::Elements(3 * (n * k * h) as u64));
    group.bench_function("gradients", |bencher| {
        bencher.iter(|| {
            let inputs = strips.chunks(n * PAIR_STRIP).zip(minus_b.chunks(k * PAIR_STRIP));
            let sums = da.chunks_mut(n * PAIR_STRIP).zip(db.chunks_mut(k * PAIR_STRIP));
            for ((a, minus_b), (da, db)) in inputs.zip(sums) {
                mi_kernels::relu_pair_gradients(a, minus_b, &scores, k, da, db);
            }
            black_box((&da, &db));
        });
    });
    group.finish();
}

fn matrix<T: Scalar>(rows: usize, columns: usize) -> Array2<T> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        T::from_f64(((i * 7 + j * 3) % 13) as f64 - 6.0)
    })
}

fn products(criterion: &mut Criterion) {
    let mut group = group(criterion, "product");
    for (m, k, n) in [(128, 100, 128), (128, 392, 300), (128, 512, 512), (392, 128, 300)] {
        group.throughput(Throughput::Elements(2 * (m * k * n) as u64));
        let (a, b, mut c) = (matrix::<f32>(m, k), matrix(k, n), matrix(m, n));
        let size = format!("{m}x{k}x{n}");
        group.bench_function(BenchmarkId::new("plain", &size), |bencher| {
            bencher.iter(|| {
                mi_kernels::matrix_product(1.0, a.view(), b.view(), 0.0, c.view_mut());
                black_box(&c);
            });
        });
        group.bench_function(BenchmarkId::new("matrixmultiply", &size), |bencher| {
            bencher.iter(|| {
                general_mat_mul(1.0, &a, &b, 0.0, &mut c);
                black_box(&c);
            });
        });
        let transposed = matrix(n, k);
        group.bench_function(BenchmarkId::new("b_transposed", &size), |bencher| {
            bencher.iter(|| {
                mi_kernels::matrix_product(1.0, a.view(), transposed.t(), 0.0, c.view_mut());
                black_box(&c);
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    rows(&mut criterion);
    pairs(&mut criterion);
    products(&mut criterion);
    criterion.final_summary();
}
