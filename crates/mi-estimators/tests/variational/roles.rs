//! Bounds computed from their formulas for any positives and negatives, slowly and obviously, in
//! `f64`.

use mi_estimators::bounds::{BoundSpec, Pairs};
use ndarray::Array2;

/// The role of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Positive,
    Negative,
    Neither,
}

use Role::{Negative, Neither, Positive};

/// Pairs from the role of each.
pub(crate) fn pairs_of(roles: &Array2<Role>) -> Pairs {
    let of = |role| {
        let own = roles.indexed_iter().filter(move |&(_, &found)| found == role);
        own.map(|(at, _)| at).collect::<Vec<_>>()
    };
    // Their order does not matter.
    let reversed: Vec<_> = of(Positive).into_iter().rev().collect();
    Pairs::new(roles.dim(), &reversed, &of(Neither)).unwrap()
}

/// Rows and columns with none, one and several positives, and pairs that are neither.
pub(crate) fn mixed((n, m): (usize, usize)) -> Array2<Role> {
    Array2::from_shape_fn((n, m), |(i, j)| match (i * 7 + j * 3 + i * j) % 11 {
        // Row 1 has no positive, and every row keeps a negative.
        _ if j == (i + 4) % m => Negative,
        _ if i == 1 => Negative,
        0 | 5 => Positive,
        3 => Neither,
        _ => Negative,
    })
}

struct Sample {
    positive: f64,
    row: usize,
    negatives: Vec<f64>,
    of_column: Vec<f64>,
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Estimate and objective. `learned` has a number for each row, or for each positive in the order
/// of rows and columns.
pub(crate) fn value(
    bound: &BoundSpec,
    scores: &Array2<f64>,
    roles: &Array2<Role>,
    learned: &[f64],
) -> (f64, f64) {
    let has_positive = |i: usize| roles.row(i).iter().any(|&role| role == Positive);
    let mut samples = Vec::new();
    for ((i, j), _) in roles.indexed_iter().filter(|&(_, &role)| role == Positive) {
        let row = (0..scores.ncols()).filter(|&c| roles[[i, c]] == Negative);
        let column = (0..scores.nrows()).filter(|&r| roles[[r, j]] == Negative && has_positive(r));
        samples.push(Sample {
            positive: scores[[i, j]],
            row: i,
            negatives: row.map(|c| scores[[i, c]]).collect(),
            of_column: column.map(|r| scores[[r, j]]).collect(),
        });
    }
    let positives = mean(samples.iter().map(|sample| sample.positive));
    let exp_mean = |f: &dyn Fn(f64) -> f64| {
        mean(samples.iter().map(|sample| mean(sample.negatives.iter().map(|&s| f(s).exp()))))
    };
    let softplus = |s: f64| s.exp().ln_1p();
    let js = || {
        let negatives = |sample: &Sample| mean(sample.negatives.iter().map(|&s| softplus(s)));
        mean(samples.iter().map(|sample| -softplus(-sample.positive) - negatives(sample)))
    };
    let nce = |positive: f64, negatives: &[f64]| {
        let all = positive.exp() + negatives.iter().map(|s| s.exp()).sum::<f64>();
        ((negatives.len() + 1) as f64).ln() + positive - all.ln()
    };
    let tuba = |log_a: &dyn Fn(usize, &Sample) -> f64| {
        let of = |(p, sample): (usize, &Sample)| {
            let a = log_a(p, sample);
            sample.positive - a - mean(sample.negatives.iter().map(|s| (s - a).exp()))
        };
        1.0 + mean(samples.iter().enumerate().map(of))
    };
    let same = |value: f64| (value, value);
    match *bound {
        BoundSpec::InfoNce => same(mean(samples.iter().map(|s| nce(s.positive, &s.negatives)))),
        BoundSpec::InfoNceSymmetric => {
            same(mean(samples.iter().map(|s| {
                f64::midpoint(nce(s.positive, &s.negatives), nce(s.positive, &s.of_column))
            })))
        }
        BoundSpec::Nwj => same(tuba(&|_, _| 1.0)),
        BoundSpec::Tuba | BoundSpec::InterpolatedAlpha { alpha: 0.0 } => {
            same(tuba(&|_, sample| learned[sample.row]))
        }
        BoundSpec::Flo => same(tuba(&|p, sample| sample.positive + learned[p])),
        BoundSpec::DonskerVaradhan => same(positives - exp_mean(&|s| s).ln()),
        BoundSpec::Mine { .. } => (positives - exp_mean(&|s| s).ln(), positives - 1.0),
        BoundSpec::JensenShannon => (1.0 + positives - exp_mean(&|s| s), js()),
        BoundSpec::Smile { clip } => (positives - exp_mean(&|s| s.clamp(-clip, clip)).ln(), js()),
        BoundSpec::MlCpc { alpha } => {
            let total = mean(samples.iter().map(|sample| {
                let (n, k) = (sample.negatives.len() as f64, sample.negatives.len() as f64 + 1.0);
                let sum: f64 = sample.negatives.iter().map(|s| s.exp()).sum();
                alpha / k * sample.positive.exp() + (k - alpha) / (k * n) * sum
            }));
            same(positives - total.ln())
        }
        BoundSpec::InterpolatedAlpha { alpha } => same(mean(samples.iter().map(|sample| {
            let n = sample.negatives.len() as f64;
            let a = (1.0 - alpha) * learned[sample.row].exp();
            let sum: f64 = sample.negatives.iter().map(|s| s.exp()).sum();
            let log_d = |s: &f64| (alpha / n * (sample.positive.exp() + sum - s.exp()) + a).ln();
            let m = sum / n;
            1.0 + sample.positive - mean(sample.negatives.iter().map(log_d)) - m / (alpha * m + a)
        }))),
        ref other => panic!("no formula for {other:?}"),
    }
}
