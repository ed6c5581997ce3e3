use ndarray::{Array2, Axis, s};

use super::*;

fn scattered(rows: usize, columns: usize, phase: f64) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((i * 31 + j * 17 + i * j) as f64 * 0.37 + phase).sin() as f32
    })
}

/// One sum per element, in `f64`.
fn exact(
    alpha: f32,
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    beta: f32,
    c: &Array2<f32>,
) -> Array2<f64> {
    Array2::from_shape_fn(c.dim(), |(i, j)| {
        let sum: f64 =
            a.row(i).iter().zip(b.column(j)).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        let old = if beta == 0.0 { 0.0 } else { f64::from(beta) * f64::from(c[[i, j]]) };
        f64::from(alpha) * sum + old
    })
}

fn close(name: &str, found: &Array2<f32>, exact: &Array2<f64>, inner: usize) {
    for (found, exact) in found.iter().zip(exact) {
        // Every one of n partial sums is rounded to 6·10⁻⁸ of itself; terms are below 1.
        let tolerance = 1e-6 * exact.abs() + 1.2e-7 * (inner as f64 + 4.0);
        assert!((f64::from(*found) - exact).abs() <= tolerance, "{name}: {found} {exact}");
    }
}

const SHAPES: [(usize, usize, usize); 14] = [
    (1, 1, 1),
    (3, 2, 5),
    (8, 16, 48),
    (9, 17, 49),
    (7, 256, 64),
    (5, 257, 63),
    (23, 600, 33),
    (128, 100, 128),
    (16, 33, 100),
    (2, 5, 112),
    (4, 40, 97),
    (1, 300, 16),
    (50, 1, 70),
    (31, 64, 1),
];

#[test]
fn products_agree_with_f64_for_every_shape_and_layout() {
    for (m, k, n) in SHAPES {
        let (a, b) = (scattered(m, k, 0.0), scattered(k, n, 1.0));
        let (a_columns, b_columns) =
            (a.t().as_standard_layout().into_owned(), b.t().as_standard_layout().into_owned());
        let mut a_stepped = Array2::zeros((2 * m, 3 * k));
        a_stepped.slice_mut(s![..;2, ..;3]).assign(&a);
        let mut b_reversed = b.clone();
        b_reversed.invert_axis(Axis(0));
        b_reversed.invert_axis(Axis(1));
        let b_reversed = b_reversed.as_standard_layout().into_owned();
        let start = scattered(m, n, 2.0);
        for (alpha, beta) in [(1.0, 0.0), (1.0, 1.0), (-0.5, 0.25)] {
            let expected = exact(alpha, a.view(), b.view(), beta, &start);
            for (left, a) in
                [a.view(), a_columns.t(), a_stepped.slice(s![..;2, ..;3])].into_iter().enumerate()
            {
                for (right, b) in [b.view(), b_columns.t(), b_reversed.slice(s![..;-1, ..;-1])]
                    .into_iter()
                    .enumerate()
                {
                    let name = format!("{m}×{k}×{n} {left}{right} {alpha} {beta}");
                    let mut c = start.clone();
                    if beta == 0.0 {
                        c.fill(f32::NAN); // must not be read
                    }
                    matrix_product(alpha, a, b, beta, c.view_mut());
                    close(&name, &c, &expected, k);
                    let mut c = start.t().as_standard_layout().into_owned();
                    matrix_product(alpha, a, b, beta, c.view_mut().reversed_axes());
                    close(&format!("{name} column-major"), &c.t().to_owned(), &expected, k);
                    let mut c = Array2::from_elem((m, 2 * n), 7.0);
                    c.slice_mut(s![.., ..;2]).assign(&start);
                    matrix_product(alpha, a, b, beta, c.slice_mut(s![.., ..;2]));
                    close(
                        &format!("{name} stepped"),
                        &c.slice(s![.., ..;2]).to_owned(),
                        &expected,
                        k,
                    );
                    assert!(c.slice(s![.., 1..;2]).iter().all(|&c| c == 7.0), "{name}");
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn avx2_agrees_too() {
    let Some(simd) = crate::simd::Avx2::detect() else { return };
    for (m, k, n) in SHAPES {
        let (a, b) = (scattered(m, k, 0.0), scattered(k, n, 1.0));
        let columns = b.t().as_standard_layout().into_owned();
        let mut c = scattered(m, n, 2.0);
        let expected = exact(2.0, a.view(), b.view(), 0.5, &c);
        for b in [b.view(), columns.t()] {
            let mut c = c.clone();
            let mut view = c.view_mut();
            assert!(simd.run(OwnProduct { alpha: 2.0, a: a.view(), b, beta: 0.5, c: &mut view }));
            close("avx2", &c, &expected, 2 * k);
        }
        let mut view = c.view_mut();
        let product = OwnProduct { alpha: 1.0, a: a.view(), b: b.view(), beta: 0.0, c: &mut view };
        assert!(!crate::simd::Portable.run(product), "the fallback has no tiles");
    }
}

#[test]
fn a_row_has_the_same_bits_whatever_rows_stand_beside_it() {
    let (a, b) = (scattered(29, 300, 0.0), scattered(300, 70, 1.0));
    let mut all = Array2::zeros((29, 70));
    matrix_product(1.0, a.view(), b.view(), 0.0, all.view_mut());
    if crate::simd_level().starts_with("avx") {
        for rows in [0..1, 3..8, 5..22, 28..29] {
            let mut some = Array2::zeros((rows.len(), 70));
            matrix_product(1.0, a.slice(s![rows.clone(), ..]), b.view(), 0.0, some.view_mut());
            assert_eq!(some, all.slice(s![rows, ..]));
        }
    }
}

#[test]
fn edges_of_a_product() {
    let none = Array2::<f32>::zeros((3, 0));
    let mut c = Array2::from_elem((3, 2), f32::NAN);
    matrix_product(1.0, none.view(), Array2::zeros((0, 2)).view(), 0.0, c.view_mut());
    assert_eq!(c, Array2::zeros((3, 2)));
    matrix_product(
        1.0,
        Array2::zeros((0, 4)).view(),
        Array2::zeros((4, 2)).view(),
        0.0,
        Array2::zeros((0, 2)).view_mut(),
    );
    // NaN in an operand reaches its row, and an infinity its sign.
    let mut a = scattered(2, 3, 0.0);
    a[[0, 1]] = f32::NAN;
    let mut c = Array2::zeros((2, 2));
    matrix_product(1.0, a.view(), scattered(3, 2, 1.0).view(), 0.0, c.view_mut());
    assert!(c.row(0).iter().all(|c| c.is_nan()) && c.row(1).iter().all(|c| c.is_finite()));
}

#[test]
#[should_panic(expected = "inner dimensions")]
fn shapes_must_fit() {
    let a = Array2::<f32>::zeros((2, 3));
    matrix_product(1.0, a.view(), a.view(), 0.0, Array2::zeros((2, 3)).view_mut());
}
