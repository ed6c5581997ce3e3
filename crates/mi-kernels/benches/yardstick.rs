//! The speed of this machine: matrix products and memory traffic, on one core and on all.
//!
//! `cargo xtask bench` divides every other rate by these, so their ids must not change:
//! `sgemm/one_core/…`, `sgemm/all_cores/…`, `triad/one_core`, `triad/all_cores`; the best of each
//! counts.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use mi_kernels::matrix_product;
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// As many floats as the paper's largest model has parameters (RealNVP, 28 M): three such arrays
/// are 336 MB, beyond the caches that one virtual machine gets.
const TRIAD_FLOATS: usize = 28_000_000;

/// Pieces that are divided among the threads of `triad/all_cores`: 256 KiB per array.
const TRIAD_PIECE: usize = 1 << 16;

struct Product {
    a: Array2<f32>,
    b: Array2<f32>,
    c: Array2<f32>,
}

impl Product {
    fn new(n: usize) -> Self {
        let a = Array2::from_shape_fn((n, n), |(i, j)| ((i * 7 + j) % 13) as f32 - 6.0);
        let b = Array2::from_shape_fn((n, n), |(i, j)| ((i + j * 5) % 11) as f32 - 5.0);
        Self { a, b, c: Array2::zeros((n, n)) }
    }

    fn run(&mut self) {
        matrix_product(1.0, self.a.view(), self.b.view(), 0.0, self.c.view_mut());
        black_box(&self.c);
    }

    /// The product of `ndarray`, which is that of `matrixmultiply`: a peak that does not depend on
    /// changes to this crate.
    fn run_reference(&mut self) {
        general_mat_mul(1.0, &self.a, &self.b, 0.0, &mut self.c);
        black_box(&self.c);
    }
}

/// A pool whose size does not depend on the environment, since this measures the machine.
fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads for the yardstick")
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Square products. `all_cores` runs one product per core in parallel, as trials run, so its rate
/// is what the machine can reach without the cost of splitting one product.
fn sgemm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sgemm");
    group.sample_size(20).warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(2));
    for n in [256, 512, 1024, 2048] {
        let flops = 2 * (n as u64).pow(3);

        group.throughput(Throughput::Elements(flops));
        group.bench_function(BenchmarkId::new("one_core", n), |bencher| {
            let mut product = Product::new(n);
            pool(1).install(|| bencher.iter(|| product.run()));
        });
        group.bench_function(BenchmarkId::new("one_core/matrixmultiply", n), |bencher| {
            let mut product = Product::new(n);
            bencher.iter(|| product.run_reference());
        });

        group.throughput(Throughput::Elements(flops * cores() as u64));
        group.bench_function(BenchmarkId::new("all_cores", n), |bencher| {
            let products: Vec<_> = (0..cores()).map(|_| Mutex::new(Product::new(n))).collect();
            let pool = pool(cores());
            bencher.iter(|| {
                pool.broadcast(|context| {
                    let product = products[context.index()].lock();
                    product.unwrap_or_else(PoisonError::into_inner).run();
                });
            });
        });
    }
    group.finish();
}

/// `a ← b + s · c` (McCalpin's STREAM triad), counted as two reads and one write per float.
fn triad(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("triad");
    group.sample_size(20).warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Bytes(3 * size_of::<f32>() as u64 * TRIAD_FLOATS as u64));
    for (name, threads) in [("one_core", 1), ("all_cores", cores())] {
        group.bench_function(name, |bencher| {
            let mut a = vec![0.0_f32; TRIAD_FLOATS];
            let b = vec![1.0_f32; TRIAD_FLOATS];
            let c = vec![2.0_f32; TRIAD_FLOATS];
            let pool = pool(threads);
            bencher.iter(|| {
                let scale = black_box(0.5);
                pool.install(|| add_scaled(&mut a, &b, &c, scale));
                black_box(&a);
            });
        });
    }
    group.finish();
}

fn add_scaled(a: &mut [f32], b: &[f32], c: &[f32], scale: f32) {
    use rayon::prelude::*;

    let pieces = a.par_chunks_mut(TRIAD_PIECE).zip(b.par_chunks(TRIAD_PIECE));
    pieces.zip(c.par_chunks(TRIAD_PIECE)).for_each(|((a, b), c)| {
        for ((a, &b), &c) in a.iter_mut().zip(b).zip(c) {
            *a = b + scale * c;
        }
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    sgemm(&mut criterion);
    triad(&mut criterion);
    criterion.final_summary();
}
