//! What must hold of any estimate, checked on a person's own rows: after the self-consistency
//! tests of Song and Ermon (2020, section 6.2), for tables.

use mi_random::Stream;
use mi_samples::Method;
use ndarray::{Array2, ArrayViewMut1, Axis, concatenate};

use crate::error::CliError;
use crate::estimator::{Measured, Methods, Plan};
use crate::observations::{Observations, Side};

/// Permutations whose estimates are averaged.
const PERMUTATIONS: usize = 20;

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was done to the data.
    pub name: &'static str,
    /// What the estimate must be, in nats.
    pub expected: f64,
    /// What it is, in nats.
    pub found: f64,
    /// How far apart they may be, in nats.
    pub tolerance: f64,
    /// What the check shows.
    pub meaning: &'static str,
}

impl Check {
    /// Whether the estimate is what it must be.
    pub fn holds(&self) -> bool {
        (self.found - self.expected).abs() <= self.tolerance
    }
}

/// The estimate, and what it becomes when the data are changed in ways whose effect is known.
///
/// Gaussian methods are spared the copy of x: its covariance has no inverse.
///
/// # Errors
/// When an estimate fails.
pub fn checks(
    observations: &Observations,
    plan: &Plan,
) -> Result<(Measured, Vec<Check>), CliError> {
    let Observations { x, y, .. } = observations;
    let value = |measured: &Measured| {
        measured.estimates.first().map_or(f64::NAN, |estimate| estimate.value)
    };
    let estimate = |x: Side, y: Side| -> Result<f64, CliError> {
        Ok(value(&plan.measure(&Observations { x, y, given: None })?))
    };
    let whole = plan.measure(observations)?;
    let base = value(&whole);
    let mut stream = Stream::new(plan.settings.seed, "selftest");
    let n = observations.n();
    let mut broken = Vec::new();
    for _ in 0..PERMUTATIONS {
        broken.push(estimate(x.clone(), y.select(&stream.permutation(n)))?);
    }
    let count = broken.len() as f64;
    let mean = broken.iter().sum::<f64>() / count;
    let variance = broken.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let order = stream.permutation(n);
    let twice = estimate(beside(x, &x.select(&order))?, beside(y, &y.select(&order))?)?;
    let exact = 1e-9 * base.abs().max(1.0);
    let mut checks = vec![
        Check {
            name: "y permuted (mean of 20)",
            expected: 0.0,
            found: mean,
            tolerance: (3.0 * (variance / count).sqrt()).max(0.01),
            meaning: "independent columns tell nothing about one another",
        },
        Check {
            name: "two independent copies",
            expected: 2.0 * base,
            found: twice,
            tolerance: 0.2 * base.abs() + 0.02,
            meaning: "information of independent pairs adds up",
        },
        Check {
            name: "x and y swapped",
            expected: base,
            found: estimate(y.clone(), x.clone())?,
            tolerance: exact,
            meaning: "the information is mutual",
        },
        Check {
            name: "x scaled and shifted",
            expected: base,
            found: estimate(
                mapped(x, |column| column.mapv_inplace(|v| 1024.0 * v - 4096.0)),
                y.clone(),
            )?,
            tolerance: 1e-6,
            meaning: "units do not matter",
        },
        Check {
            name: "x mapped monotonically",
            expected: base,
            found: estimate(mapped_monotonically(x), y.clone())?,
            tolerance: 0.05,
            meaning: "only the order of values matters",
        },
    ];
    let inverts = matches!(plan.methods, Methods::One(Method::Gaussian | Method::GaussianCopula));
    if !inverts {
        let repeated = Check {
            name: "x beside a copy of x",
            expected: base,
            found: estimate(beside(x, x)?, y.clone())?,
            tolerance: 0.02,
            meaning: "a repeated column adds nothing",
        };
        checks.insert(1, repeated);
    }
    Ok((whole, checks))
}

/// The columns of both sides as one side.
fn beside(a: &Side, b: &Side) -> Result<Side, CliError> {
    let values = concatenate(Axis(1), &[a.values.view(), b.values.view()])
        .map_err(|error| CliError::Data(format!("the sides do not fit together: {error}")))?;
    Ok(Side {
        names: [&a.names[..], &b.names[..]].concat(),
        values,
        declared: [&a.declared[..], &b.declared[..]].concat(),
    })
}

/// The side with its columns mapped.
fn mapped(side: &Side, map: impl Fn(&mut ArrayViewMut1<'_, f64>)) -> Side {
    let mut values: Array2<f64> = side.values.clone();
    for mut column in values.columns_mut() {
        map(&mut column);
    }
    Side { values, ..side.clone() }
}

/// The exponentials of standardised columns. Where values repeat, their ranks without gaps
/// instead: the exponential would hide that a column was rounded.
fn mapped_monotonically(side: &Side) -> Side {
    mapped(side, |column| {
        let n = column.len() as f64;
        let mean = column.sum() / n;
        let deviation = (column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        let mut levels = column.to_vec();
        levels.sort_unstable_by(f64::total_cmp);
        levels.dedup();
        if levels.len() == column.len() {
            column.mapv_inplace(|v| ((v - mean) / deviation).exp());
        } else {
            column.mapv_inplace(|v| levels.partition_point(|&level| level < v) as f64);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_samples::{Declared, Settings};

    fn plan() -> Plan {
        let settings = Settings { interval: false, ..Settings::default() };
        Plan { methods: Methods::First, settings, clamp: false, dedup: false }
    }

    fn side(name: &str, values: Array2<f64>) -> Side {
        let declared = vec![Declared::Auto; values.ncols()];
        Side { names: vec![name.into()], values, declared }
    }

    #[test]
    fn every_check_holds_for_a_gaussian_pair() {
        let mut stream = Stream::new(3, "gaussian");
        let x = stream.normal_matrix((2000, 1));
        let y = 0.75 * &x + (1.0_f64 - 0.75 * 0.75).sqrt() * stream.normal_matrix((2000, 1));
        let observations = Observations { x: side("x", x), y: side("y", y), given: None };
        let (whole, checks) = checks(&observations, &plan()).unwrap();
        let base = whole.estimates[0].value;
        // −½ ln(1 − 0.75²) = 0.4133; the standard deviation at this size is about 0.02.
        assert!((base - 0.4133).abs() < 0.06, "{base}");
        assert_eq!(checks.len(), 6);
        for check in checks {
            assert!(check.holds(), "{check:?}");
        }
        let copula = Plan { methods: Methods::One(Method::GaussianCopula), ..plan() };
        let (_, checks) = super::checks(&observations, &copula).unwrap();
        assert!(checks.len() == 5 && checks.iter().all(Check::holds), "{checks:?}");
    }

    #[test]
    fn a_check_that_fails_says_so() {
        let check = Check { name: "", expected: 0.0, found: 0.2, tolerance: 0.1, meaning: "" };
        assert!(!check.holds());
        assert!(!Check { found: f64::NAN, ..check }.holds());
    }
}
