use super::*;
use crate::simd::Level;

fn scattered(n: usize, phase: f64) -> Vec<f32> {
    (0..n).map(|i| ((i * i + 3 * i) as f64 * 0.7 + phase).sin() as f32).collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn close(name: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= tolerance, "{name} {i}: {found} {expected}");
    }
}

#[test]
fn scores_equal_the_network_on_every_pair() {
    for (n, k, h) in [(1, 1, 1), (7, 5, 3), (13, 64, 16), (6, 65, 33), (12, 200, 20)] {
        let (a, b) = (scattered(n * h, 0.0), scattered(k * h, 1.0));
        let (w, bias) = (scattered(h, 2.0), 0.3);
        let mut exact = vec![bias; n * k];
        for i in 0..n {
            for j in 0..k {
                for unit in 0..h {
                    let sum = f64::from(a[i * h + unit]) + f64::from(b[j * h + unit]);
                    exact[i * k + j] += f64::from(w[unit]) * sum.max(0.0);
                }
            }
        }
        let offset: Vec<f32> = (0..k)
            .map(|j| bias as f32 + (0..h).map(|unit| w[unit] * b[j * h + unit]).sum::<f32>())
            .collect();
        let mut minus_b = Vec::new();
        pack_pair_tiles(&b, h, &mut minus_b);
        let stride = k + 3;
        let mut out = vec![7.0; n * stride];
        let check = |name: &str, out: &mut Vec<f32>| {
            let rows = out.chunks(stride);
            let found: Vec<f32> = rows.clone().flat_map(|row| &row[..k]).copied().collect();
            close(name, &found, &exact, 1e-5);
            assert!(rows.clone().all(|row| row[k..] == [7.0; 3]), "{name}: beyond the row");
            out.fill(7.0);
        };
        relu_pair_scores(&a, &minus_b, &w, &offset, &mut out, stride);
        check("dispatched", &mut out);
        for level in Level::available() {
            level.run(Scores {
                a: &a,
                minus_b: &minus_b,
                w: &w,
                offset: &offset,
                out: &mut out,
                stride,
            });
            check(level.name(), &mut out);
        }
        let mut out = vec![f64::NAN; n * k];
        let offset: Vec<f64> = (0..k)
            .map(|j| {
                let term = |unit| f64::from(w[unit]) * f64::from(b[j * h + unit]);
                bias + (0..h).map(term).sum::<f64>()
            })
            .collect();
        relu_pair_scores(&wide(&a), &wide(&minus_b), &wide(&w), &offset, &mut out, k);
        for (found, expected) in out.iter().zip(&exact) {
            assert!((found - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn a_nan_in_a_reaches_every_score_of_its_row_and_no_other() {
    let (n, k, h) = (9, 70, 5);
    for (row, unit) in [(0, 0), (5, 2), (8, 4)] {
        let (mut a, b) = (scattered(n * h, 0.0), scattered(k * h, 1.0));
        a[row * h + unit] = f32::NAN;
        let (w, offset) = (scattered(h, 2.0), scattered(k, 3.0));
        let mut minus_b = Vec::new();
        pack_pair_tiles(&b, h, &mut minus_b);
        let check = |name: &str, nan: &mut dyn Iterator<Item = bool>| {
            for (i, nan) in nan.enumerate() {
                assert_eq!(nan, i / k == row, "{name}: score {i}, NaN in row {row}");
            }
        };
        for level in Level::available() {
            let mut out = vec![0.0; n * k];
            level.run(Scores {
                a: &a,
                minus_b: &minus_b,
                w: &w,
                offset: &offset,
                out: &mut out,
                stride: k,
            });
            check(level.name(), &mut out.iter().map(|s| s.is_nan()));
        }
        let mut out = vec![0.0; n * k];
        relu_pair_scores(&wide(&a), &wide(&minus_b), &wide(&w), &wide(&offset), &mut out, k);
        check("f64", &mut out.iter().map(|s| s.is_nan()));
    }
}

#[test]
fn gradients_equal_sums_over_every_pair() {
    for (n, k) in [(1, 1), (8, 3), (9, 5), (20, 300)] {
        let (a, b) = (scattered(n * PAIR_STRIP, 0.0), scattered(k * PAIR_STRIP, 1.0));
        let stride = k + 2;
        let g = scattered(n * stride, 2.0);
        let mut da = wide(&scattered(n * PAIR_STRIP, 3.0));
        let mut db = wide(&scattered(k * PAIR_STRIP, 4.0));
        for i in 0..n {
            for j in 0..k {
                for unit in 0..PAIR_STRIP {
                    let (i_unit, j_unit) = (i * PAIR_STRIP + unit, j * PAIR_STRIP + unit);
                    if a[i_unit] + b[j_unit] > 0.0 {
                        da[i_unit] += f64::from(g[i * stride + j]);
                        db[j_unit] += f64::from(g[i * stride + j]);
                    }
                }
            }
        }
        let minus_b: Vec<f32> = b.iter().map(|b| -b).collect();
        let start = || (scattered(n * PAIR_STRIP, 3.0), scattered(k * PAIR_STRIP, 4.0));
        let check = |name: &str, found: (Vec<f32>, Vec<f32>)| {
            close(name, &found.0, &da, 1e-4);
            close(name, &found.1, &db, 1e-4);
        };
        let mut found = start();
        relu_pair_gradients(&a, &minus_b, &g, stride, &mut found.0, &mut found.1);
        check("dispatched", found);
        for level in Level::available() {
            let mut found = start();
            let (da, db) = (&mut found.0, &mut found.1);
            level.run(Gradients { a: &a, minus_b: &minus_b, g: &g, stride, da, db });
            check(level.name(), found);
        }
        let (mut da_out, mut db_out) = (wide(&start().0), wide(&start().1));
        relu_pair_gradients(
            &wide(&a),
            &wide(&minus_b),
            &wide(&g),
            stride,
            &mut da_out,
            &mut db_out,
        );
        let all = da_out.iter().chain(&db_out).zip(da.iter().chain(&db));
        assert!(all.into_iter().all(|(found, expected)| (found - expected).abs() < 1e-12));
    }
}

#[test]
fn strips_hold_every_unit_once() {
    let x = scattered(3 * 20, 0.0);
    let mut packed = Vec::new();
    pack_pair_strips(&x, 20, -1.0, &mut packed);
    assert_eq!(packed.len(), 2 * 3 * PAIR_STRIP);
    assert_eq!(packed[PAIR_STRIP + 15], -x[20 + 15]);
    assert_eq!(packed[3 * PAIR_STRIP + 2 * PAIR_STRIP + 3], -x[2 * 20 + 19]);
    assert_eq!(packed[3 * PAIR_STRIP + 4], 0.0);
}

#[test]
fn sums_become_gradients() {
    for n in [1, 15, 16, 17, 40] {
        let (a, b) = (scattered(n * PAIR_STRIP, 0.0), scattered(n * PAIR_STRIP, 1.0));
        let minus_b: Vec<f32> = b.iter().map(|b| -b).collect();
        let (da, db) = (scattered(n * PAIR_STRIP, 2.0), scattered(n * PAIR_STRIP, 3.0));
        let (rows, diagonal) = (scattered(n, 4.0), scattered(n, 5.0));
        let w: [f32; PAIR_STRIP] = std::array::from_fn(|unit| unit as f32 - 7.5);
        let mut expected = (wide(&da), wide(&db), [1.0; PAIR_STRIP]);
        for i in 0..n {
            for (unit, &w) in w.iter().enumerate() {
                let at = i * PAIR_STRIP + unit;
                let own = if a[at] + b[at] > 0.0 { f64::from(diagonal[i]) } else { 0.0 };
                let sum_a = f64::from(rows[i]) * f64::from(da[at]) + own;
                let sum_b = 0.5 * f64::from(db[at]) + own;
                expected.2[unit] += f64::from(a[at]) * sum_a + f64::from(b[at]) * sum_b;
                expected.0[at] = f64::from(w) * sum_a;
                expected.1[at] = f64::from(w) * sum_b;
            }
        }
        let check = |name: &str, da: &[f32], db: &[f32], dw: &[f64]| {
            close(name, da, &expected.0, 2e-6);
            close(name, db, &expected.1, 2e-6);
            let same = dw.iter().zip(&expected.2).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(same, "{name}");
        };
        let scaling = PairScaling { rows: &rows, columns: 0.5, diagonal: &diagonal };
        let (mut da_out, mut db_out, mut dw) = (da.clone(), db.clone(), [1.0; PAIR_STRIP]);
        let sums = (&mut da_out[..], &mut db_out[..]);
        relu_pair_finish((&a, &minus_b), scaling, &w, sums, &mut dw);
        check("dispatched", &da_out, &db_out, &dw);
        for level in Level::available() {
            let (mut da, mut db, mut dw) = (da.clone(), db.clone(), [1.0; PAIR_STRIP]);
            level.run(Finish {
                a: &a,
                minus_b: &minus_b,
                scaling,
                w: &w,
                da: &mut da,
                db: &mut db,
                dw: &mut dw,
            });
            check(level.name(), &da, &db, &dw);
        }
        let (mut da_out, mut db_out, mut dw) = (wide(&da), wide(&db), [1.0; PAIR_STRIP]);
        let (rows, diagonal) = (wide(&rows), wide(&diagonal));
        let scaling = PairScaling { rows: &rows, columns: 0.5, diagonal: &diagonal };
        let sums = (&mut da_out[..], &mut db_out[..]);
        let w = w.map(f64::from);
        relu_pair_finish((&wide(&a), &wide(&minus_b)), scaling, &w, sums, &mut dw);
        let all = da_out.iter().chain(&db_out).chain(&dw);
        let exact = expected.0.iter().chain(&expected.1).chain(&expected.2);
        assert!(all.zip(exact).all(|(found, exact)| (found - exact).abs() < 1e-12));
    }
}
