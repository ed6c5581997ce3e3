//! This crate's matrix product next to `gemm` and `matrixmultiply`, on one core and on the shapes of
//! training steps. The libraries take turns in every round; the table has medians over rounds.
//!
//!     cargo run --release -p mi-kernels --example product_peers

use std::hint::black_box;

use cpu_time::ThreadTime;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2};

const ROUNDS: usize = 15;

/// Time that a library gets in a round, in seconds of processor time: wall-clock time would include
/// other programs.
const TURN: f64 = 0.01;

/// The layout of the operands: as stored, or transposed.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Forward: x · W.
    Plain,
    /// Gradients of weights: xᵀ · dy.
    LeftTransposed,
    /// Gradients of inputs: dy · Wᵀ; scores: x · yᵀ.
    RightTransposed,
}

/// The use of a product, its layout, and its m, k and n.
const SHAPES: [(&str, Layout, [usize; 3]); 17] = [
    ("MLP, layer 1", Layout::Plain, [128, 392, 300]),
    ("MLP, layer 2", Layout::Plain, [128, 300, 300]),
    ("MLP, layer 3", Layout::Plain, [128, 300, 100]),
    ("MLP, weights of layer 1", Layout::LeftTransposed, [392, 128, 300]),
    ("MLP, weights of layer 2", Layout::LeftTransposed, [300, 128, 300]),
    ("MLP, inputs of layer 2", Layout::RightTransposed, [128, 300, 300]),
    ("scores of 128 pairs", Layout::RightTransposed, [128, 100, 128]),
    ("scores of 1,024 pairs", Layout::RightTransposed, [1024, 100, 1024]),
    ("RealNVP, layer 1", Layout::Plain, [128, 196, 512]),
    ("RealNVP, layer 2", Layout::Plain, [128, 512, 512]),
    ("RealNVP, weights of layer 2", Layout::LeftTransposed, [512, 128, 512]),
    ("RealNVP, inputs of layer 2", Layout::RightTransposed, [128, 512, 512]),
    ("ConvNet, a row of kernel 1", Layout::Plain, [128, 5, 64]),
    ("ConvNet, a row of kernel 2", Layout::Plain, [128, 320, 128]),
    ("ConvNet, weights of kernel 2", Layout::LeftTransposed, [320, 128, 128]),
    ("GRU, a step's state", Layout::Plain, [128, 64, 192]),
    ("square", Layout::Plain, [1024, 1024, 1024]),
];

type Product = fn(ArrayView2<'_, f32>, ArrayView2<'_, f32>, ArrayViewMut2<'_, f32>);

const LIBRARIES: [(&str, Product); 3] = [
    ("mi-kernels", |a, b, c| mi_kernels::matrix_product(1.0, a, b, 0.0, c)),
    ("gemm", by_gemm),
    ("matrixmultiply", |a, b, mut c| general_mat_mul(1.0, &a, &b, 0.0, &mut c)),
];

#[allow(unsafe_code)]
fn by_gemm(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>, mut c: ArrayViewMut2<'_, f32>) {
    let ((m, k), n) = (a.dim(), b.ncols());
    assert!(k == b.nrows() && c.dim() == (m, n));
    let strides = |strides: &[isize]| (strides[1], strides[0]);
    let (a_strides, b_strides) = (strides(a.strides()), strides(b.strides()));
    let c_strides = strides(c.strides());
    // SAFETY: the pointers are those of matrices of these shapes and strides, as just checked; the
    // result is borrowed mutably, so it overlaps neither operand.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            c_strides.0,
            c_strides.1,
            false,
            a.as_ptr(),
            a_strides.0,
            a_strides.1,
            b.as_ptr(),
            b_strides.0,
            b_strides.1,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

fn main() {
    println!("GFLOP/s on one core, SIMD {}", mi_kernels::simd_level());
    print!("{:30} {:>17}", "product", "m × k × n");
    for (name, _) in LIBRARIES {
        print!(" {name:>15}");
    }
    println!();
    let mut total = [0.0; LIBRARIES.len()];
    for (name, layout, [m, k, n]) in SHAPES {
        let medians = measure(layout, m, k, n);
        print!("{name:30} {:>17}", format!("{m} × {k} × {n}"));
        for (seconds, total) in medians.into_iter().zip(&mut total) {
            print!(" {:>15.1}", 2e-9 * (m * k * n) as f64 / seconds);
            *total += (seconds / medians[0]).ln();
        }
        println!();
    }
    let times: Vec<String> = LIBRARIES
        .iter()
        .zip(total)
        .map(|((name, _), total)| format!("{name} {:.2}", (total / SHAPES.len() as f64).exp()))
        .collect();
    println!("time next to mi-kernels, geometric mean: {}", times.join(", "));
}

/// Median seconds of one product, by library.
fn measure(layout: Layout, m: usize, k: usize, n: usize) -> [f64; LIBRARIES.len()] {
    let matrix = |rows: usize, columns: usize| {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 7 + j * 5) % 13) as f32 - 6.0)
    };
    let (a, b) = match layout {
        Layout::Plain => (matrix(m, k), matrix(k, n)),
        Layout::LeftTransposed => (matrix(k, m).reversed_axes(), matrix(k, n)),
        Layout::RightTransposed => (matrix(m, k), matrix(n, k).reversed_axes()),
    };
    let mut c = Array2::zeros((m, n));
    let mut expected = Array2::zeros((m, n));
    general_mat_mul(1.0, &a, &b, 0.0, &mut expected);
    let mut times = [const { Vec::new() }; LIBRARIES.len()];
    for round in 0..ROUNDS {
        for library in 0..LIBRARIES.len() {
            let library = (library + round) % LIBRARIES.len();
            let mut run = |times: u32| {
                let start = ThreadTime::now();
                for _ in 0..times {
                    LIBRARIES[library].1(a.view(), b.view(), c.view_mut());
                    black_box(&c);
                }
                start.elapsed().as_secs_f64() / f64::from(times)
            };
            let once = run(2);
            let repetitions = (TURN / once).clamp(1.0, 1e6);
            times[library].push(run(repetitions as u32));
            assert_eq!(c, expected, "{} is wrong: small integers are exact", LIBRARIES[library].0);
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    })
}
