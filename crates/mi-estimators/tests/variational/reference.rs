//! Bounds computed from their formulas, slowly and obviously, in `f64`, with derivatives term by
//! term.

use mi_estimators::bounds::BoundSpec;
use ndarray::{Array1, Array2};

pub(crate) struct Reference {
    pub(crate) estimate: f64,
    pub(crate) objective: f64,
    pub(crate) gradient: Array2<f64>,
    pub(crate) learned_gradient: Array1<f64>,
}

fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + values.iter().map(|v| (v - largest).exp()).sum::<f64>().ln()
}

fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

fn sigmoid(x: f64) -> f64 {
    if x > 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// All off-diagonal scores.
fn negatives(scores: &Array2<f64>) -> Vec<f64> {
    scores.indexed_iter().filter(|((i, j), _)| i != j).map(|(_, &s)| s).collect()
}

/// `InfoNCE` over rows.
fn infonce(s: &Array2<f64>) -> (f64, Array2<f64>) {
    let k = s.nrows() as f64;
    let mut gradient = Array2::zeros(s.dim());
    let mut sum = 0.0;
    for (i, row) in s.rows().into_iter().enumerate() {
        let all = log_sum_exp(&row.to_vec());
        sum += row[i] - all;
        for (j, &score) in row.iter().enumerate() {
            gradient[[i, j]] = (f64::from(u8::from(i == j)) - (score - all).exp()) / k;
        }
        // 1 − softmax without cancellation.
        let others: Vec<f64> = (0..s.nrows()).filter(|&j| j != i).map(|j| row[j]).collect();
        gradient[[i, i]] = (log_sum_exp(&others) - all).exp() / k;
    }
    (k.ln() + sum / k, gradient)
}

/// `1 + mean(S_ii − log a_i) − mean exp(S_ij − log a_i)`.
fn tuba(s: &Array2<f64>, log_a: &Array1<f64>) -> Reference {
    let k = s.nrows();
    let pairs = (k * (k - 1)) as f64;
    let k = k as f64;
    let mut estimate = 1.0;
    let mut gradient = Array2::zeros(s.dim());
    let mut learned_gradient = Array1::zeros(s.nrows());
    for ((i, j), &score) in s.indexed_iter() {
        if i == j {
            estimate += (score - log_a[i]) / k;
            gradient[[i, i]] += 1.0 / k;
            learned_gradient[i] -= 1.0 / k;
        } else {
            let e = (score - log_a[i]).exp() / pairs;
            estimate -= e;
            gradient[[i, j]] -= e;
            learned_gradient[i] += e;
        }
    }
    Reference { estimate, objective: estimate, gradient, learned_gradient }
}

fn donsker_varadhan(s: &Array2<f64>) -> (f64, Array2<f64>) {
    let k = s.nrows() as f64;
    let total = log_sum_exp(&negatives(s));
    let mut gradient = s.mapv(|score| -(score - total).exp());
    gradient.diag_mut().fill(1.0 / k);
    (s.diag().sum() / k - total + (k * (k - 1.0)).ln(), gradient)
}

fn ml_cpc(s: &Array2<f64>, alpha: f64) -> (f64, Array2<f64>) {
    let k = s.nrows() as f64;
    let weighted = Array2::from_shape_fn(s.dim(), |(i, j)| {
        let weight = if i == j { alpha / (k * k) } else { (k - alpha) / (k * k * (k - 1.0)) };
        weight.ln() + s[[i, j]]
    });
    let total = log_sum_exp(&weighted.iter().copied().collect::<Vec<_>>());
    let mut gradient = weighted.mapv(|w| -(w - total).exp());
    gradient.diag_mut().mapv_inplace(|g| g + 1.0 / k);
    (s.diag().sum() / k - total, gradient)
}

fn jensen_shannon(s: &Array2<f64>) -> (f64, Array2<f64>) {
    let k = s.nrows() as f64;
    let pairs = k * (k - 1.0);
    let mut objective = 0.0;
    let gradient = Array2::from_shape_fn(s.dim(), |(i, j)| {
        let score = s[[i, j]];
        if i == j {
            objective -= softplus(-score) / k;
            sigmoid(-score) / k
        } else {
            objective -= softplus(score) / pairs;
            -sigmoid(score) / pairs
        }
    });
    (objective, gradient)
}

/// Every `D_ij` is computed separately, and every derivative is its own sum.
fn interpolated(s: &Array2<f64>, alpha: f64, log_a: &Array1<f64>) -> Reference {
    let k = s.nrows();
    let n = (k - 1) as f64;
    let mut estimate = 1.0;
    let mut gradient = Array2::zeros(s.dim());
    let mut learned_gradient = Array1::zeros(k);
    for i in 0..k {
        // Logarithms of the terms of D with column j left out: α e_ik / (K − 1), and (1 − α) a_i.
        let terms = |j: usize| -> (Vec<usize>, Vec<f64>) {
            let columns: Vec<usize> = (0..k).filter(|&c| c != j).collect();
            let mut logs: Vec<f64> =
                columns.iter().map(|&c| (alpha / n).ln() + s[[i, c]]).collect();
            logs.push((1.0 - alpha).ln() + log_a[i]);
            (columns, logs)
        };
        for j in (0..k).filter(|&j| j != i) {
            let (columns, logs) = terms(j);
            let log_d = log_sum_exp(&logs);
            let weight = 1.0 / (n * k as f64);
            estimate += weight * (s[[i, i]] - log_d);
            gradient[[i, i]] += weight;
            for (c, log) in columns.iter().zip(&logs) {
                gradient[[i, *c]] -= weight * (log - log_d).exp();
            }
            learned_gradient[i] -= weight * (logs[k - 1] - log_d).exp();
        }
        let (columns, logs) = terms(i);
        let log_d = log_sum_exp(&logs);
        for j in columns {
            let log_ratio = s[[i, j]] - log_d;
            let weight = 1.0 / (n * k as f64);
            estimate -= weight * log_ratio.exp();
            gradient[[i, j]] -= weight * log_ratio.exp();
            // d log_d, through every term of D.
            for c in (0..k).filter(|&c| c != i) {
                let share = ((alpha / n).ln() + s[[i, c]] - log_d).exp();
                gradient[[i, c]] += weight * log_ratio.exp() * share;
            }
            learned_gradient[i] += weight * log_ratio.exp() * (logs[k - 1] - log_d).exp();
        }
    }
    Reference { estimate, objective: estimate, gradient, learned_gradient }
}

/// MINE's surrogate at `scores` when the average is that of the batch `fixed`.
pub(crate) fn mine_surrogate(scores: &Array2<f64>, fixed: &Array2<f64>) -> f64 {
    let mean = |s: &Array2<f64>| negatives(s).iter().map(|s| s.exp()).sum::<f64>();
    scores.diag().sum() / scores.nrows() as f64 - mean(scores) / mean(fixed)
}

pub(crate) fn evaluate(
    bound: &BoundSpec,
    s: &Array2<f64>,
    learned: Option<&Array1<f64>>,
) -> Reference {
    let k = s.nrows();
    let zeros = Array1::zeros(k);
    let learned = learned.unwrap_or(&zeros);
    let plain = |(estimate, gradient): (f64, Array2<f64>)| Reference {
        estimate,
        objective: estimate,
        gradient,
        learned_gradient: Array1::zeros(k),
    };
    let js = |estimate| {
        let (objective, gradient) = jensen_shannon(s);
        Reference { estimate, objective, gradient, learned_gradient: Array1::zeros(k) }
    };
    match *bound {
        BoundSpec::InfoNce => plain(infonce(s)),
        BoundSpec::InfoNceSymmetric => {
            let (rows, row_gradient) = infonce(s);
            let (columns, column_gradient) = infonce(&s.t().to_owned());
            plain((0.5 * (rows + columns), (row_gradient + column_gradient.t()) / 2.0))
        }
        BoundSpec::Nwj => {
            let found = tuba(s, &Array1::ones(k));
            plain((found.estimate, found.gradient))
        }
        BoundSpec::DonskerVaradhan => plain(donsker_varadhan(s)),
        // On a first batch the average is the batch's own mean.
        BoundSpec::Mine { .. } => {
            let (estimate, gradient) = donsker_varadhan(s);
            let objective = s.diag().sum() / k as f64 - 1.0;
            Reference { estimate, objective, gradient, learned_gradient: Array1::zeros(k) }
        }
        BoundSpec::Tuba => tuba(s, learned),
        BoundSpec::Flo => {
            // log a_i = S_ii + u_i depends on the positive score.
            let found = tuba(s, &(&s.diag() + learned));
            let mut gradient = found.gradient;
            for i in 0..k {
                gradient[[i, i]] += found.learned_gradient[i];
            }
            Reference { gradient, ..found }
        }
        BoundSpec::JensenShannon => js(tuba(&(s + 1.0), &Array1::ones(k)).estimate),
        BoundSpec::Smile { clip } => {
            let clipped = s.mapv(|score| score.clamp(-clip, clip));
            let total = log_sum_exp(&negatives(&clipped)) - ((k * (k - 1)) as f64).ln();
            js(s.diag().sum() / k as f64 - total)
        }
        BoundSpec::InterpolatedAlpha { alpha } => interpolated(s, alpha, learned),
        BoundSpec::MlCpc { alpha } => plain(ml_cpc(s, alpha)),
        ref other => panic!("no formula for {other:?}"),
    }
}
