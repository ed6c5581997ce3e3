//! Properties of any estimate, checked on the user's own rows: the self-consistency tests of Song
//! and Ermon (2020, section 6.2), adapted to tables.

use mi_random::Stream;
use mi_samples::{LARGEST, Marginals, Method};
use ndarray::{Array2, ArrayViewMut1};

use crate::error::CliError;
use crate::estimator::{Measured, Methods, Plan};
use crate::observations::{Observations, Side};

/// Permutations whose estimates are averaged.
const PERMUTATIONS: usize = 20;

/// Permutations of the two copies, to measure their noise.
const PAIR_PERMUTATIONS: usize = 8;

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was done to the data.
    pub name: &'static str,
    /// What the estimate must be, in nats.
    pub expected: f64,
    /// What it is, in nats.
    pub found: f64,
    /// The largest difference allowed, in nats.
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

/// The estimate, and the estimates after changes of the data with known effects.
///
/// Tolerances allow for the estimator's own noise, measured by the spread of its estimates with y
/// permuted. On suitable data with 50 rows or more, fewer than 5 % of tables fail a check; an
/// estimator that adds 0.05 nats to everything fails with 5000 rows.
///
/// Gaussian methods skip the copy of x, whose covariance has no inverse, and the one on raw columns
/// skips the monotone map.
///
/// # Errors
/// If an estimate fails.
pub fn checks(
    observations: &Observations,
    plan: &Plan,
) -> Result<(Measured, Vec<Check>), CliError> {
    let whole = plan.measure(observations)?;
    let first = |measured: &Measured| {
        measured.estimates.first().map_or(f64::NAN, |estimate| estimate.value)
    };
    let estimator = Estimator {
        estimate: &|x, y| Ok(first(&plan.measure(&Observations { x, y, given: None })?)),
        seed: plan.settings.seed,
        methods: plan.methods,
        marginals: plan.settings.marginals,
    };
    let checks = estimator.checks(observations, first(&whole))?;
    Ok((whole, checks))
}

/// The estimator to check, and its properties.
struct Estimator<'a> {
    /// The estimate for two sides, in nats.
    estimate: &'a dyn Fn(Side, Side) -> Result<f64, CliError>,
    seed: u64,
    methods: Methods,
    marginals: Marginals,
}

/// Mean and standard deviation of estimates with y permuted.
struct Null {
    mean: f64,
    deviation: f64,
}

impl Estimator<'_> {
    /// Whether it draws random numbers that depend on the sides.
    fn trains(&self) -> bool {
        matches!(self.methods, Methods::One(method) if method.trains())
    }

    /// Whether it inverts a covariance.
    fn inverts(&self) -> bool {
        matches!(self.methods, Methods::One(Method::Gaussian | Method::GaussianCopula))
    }

    /// Estimates with the rows of y permuted.
    fn permuted(&self, x: &Side, y: &Side, count: usize, name: &str) -> Result<Null, CliError> {
        let mut stream = Stream::new(self.seed, name);
        let n = x.values.nrows();
        let values = (0..count)
            .map(|_| (self.estimate)(x.clone(), y.select(&stream.permutation(n))))
            .collect::<Result<Vec<f64>, _>>()?;
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Ok(Null { mean, deviation: (squares / (count - 1) as f64).sqrt() })
    }

    fn checks(&self, observations: &Observations, base: f64) -> Result<Vec<Check>, CliError> {
        let Observations { x, y, .. } = observations;
        let n = observations.n();
        let single = self.permuted(x, y, PERMUTATIONS, "selftest")?;
        let order = Stream::new(self.seed, "selftest pairs").permutation(n);
        let (both_x, both_y) = (x.beside(&x.select(&order)), y.beside(&y.select(&order)));
        let double = self.permuted(&both_x, &both_y, PAIR_PERMUTATIONS, "selftest pairs broken")?;
        let noise = std::f64::consts::SQRT_2 * single.deviation;
        // Estimates from other random numbers, or other distances, differ by that noise.
        let unless = |exact: bool, tolerance: f64| {
            if exact { tolerance } else { tolerance.max(2.0 * noise) }
        };
        let error = single.deviation / (PERMUTATIONS as f64).sqrt();
        let exact = 1e-9 * base.abs().max(1.0);
        let mut checks = vec![Check {
            name: "y permuted (mean of 20)",
            expected: 0.0,
            found: single.mean,
            // The value that Student's t with 19 degrees of freedom exceeds once in 1000.
            tolerance: (3.88 * error).max(0.01),
            meaning: "independent columns say nothing about one another",
        }];
        if !self.inverts() {
            checks.push(Check {
                name: "x beside a copy of x",
                expected: base,
                found: (self.estimate)(x.beside(x), y.clone())?,
                tolerance: unless(!self.trains(), 0.02),
                meaning: "a repeated column adds nothing",
            });
        }
        checks.push(Check {
            name: "two independent copies",
            expected: 2.0 * base,
            found: (self.estimate)(both_x, both_y)?,
            // The noise of both estimates, and the method's error with that many columns.
            tolerance: 0.2 * base.abs()
                + 0.02
                + double.mean.abs()
                + 4.0 * (2.0 * single.deviation).hypot(double.deviation),
            meaning: "information of independent pairs adds up",
        });
        checks.push(Check {
            name: "x and y swapped",
            expected: base,
            found: (self.estimate)(y.clone(), x.clone())?,
            tolerance: unless(!self.trains(), exact),
            meaning: "the information is mutual",
        });
        let scaled = mapped(x, scale_and_shift);
        checks.push(Check {
            name: "x scaled and shifted",
            expected: base,
            found: (self.estimate)(scaled, y.clone())?,
            tolerance: unless(self.marginals == Marginals::NormalScores && !self.trains(), 1e-6),
            meaning: "units do not matter",
        });
        if self.methods != Methods::One(Method::Gaussian) {
            checks.push(Check {
                name: "x mapped monotonically",
                expected: base,
                found: (self.estimate)(mapped_monotonically(x), y.clone())?,
                tolerance: unless(false, 0.02),
                meaning: "only the order of values matters",
            });
        }
        Ok(checks)
    }
}

/// The side with its columns mapped.
fn mapped(side: &Side, map: impl Fn(&mut ArrayViewMut1<'_, f64>)) -> Side {
    let mut values: Array2<f64> = side.values.clone();
    for mut column in values.columns_mut() {
        map(&mut column);
    }
    Side { values, ..side.clone() }
}

/// The different values of a column, in order.
fn levels(column: &ArrayViewMut1<'_, f64>) -> Vec<f64> {
    let mut levels = column.to_vec();
    levels.sort_unstable_by(f64::total_cmp);
    levels.dedup();
    levels
}

/// Whether a map keeps different values different, in their order, and of a size that estimators
/// take. One that rounds some of them to the same number changes the data, and the estimate with
/// them.
fn keeps_order(levels: &[f64], map: impl Fn(f64) -> f64) -> bool {
    let fits = levels.iter().all(|&level| map(level).abs() < LARGEST);
    fits && levels.windows(2).all(|pair| map(pair[0]) < map(pair[1]))
}

/// Mean and standard deviation of a column.
fn moments(column: &ArrayViewMut1<'_, f64>) -> (f64, f64) {
    let n = column.len() as f64;
    let mean = column.sum() / n;
    (mean, (column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// The column times 1024 (divided by it if it is too large for that), and shifted by about four of
/// its standard deviations; by less if values would be lost in the rounding, as those near zero of
/// a column with a heavy tail.
fn scale_and_shift(column: &mut ArrayViewMut1<'_, f64>) {
    let levels = levels(column);
    // A power of two adds no rounding of its own.
    let unit = moments(column).1.log2().round().exp2();
    let is_large = levels.iter().any(|level| level.abs() * 8192.0 >= LARGEST);
    let factor = if is_large { 1.0 / 1024.0 } else { 1024.0 };
    let shifts = (0..).map(|smaller| 4096.0 * unit * f64::from(-10 * smaller).exp2());
    let shift = shifts
        .take_while(|shift| shift.is_normal())
        .find(|shift| keeps_order(&levels, |v| factor * v - shift))
        .unwrap_or(0.0);
    column.mapv_inplace(|v| factor * v - shift);
}

/// The exponentials of standardised columns. Their ranks without gaps where values repeat, since
/// the exponential would hide that a column was rounded, and where the exponential is too flat or
/// too steep for numbers to tell it apart.
fn mapped_monotonically(side: &Side) -> Side {
    mapped(side, |column| {
        let (mean, deviation) = moments(column);
        let exponential = |v: f64| ((v - mean) / deviation).exp();
        let levels = levels(column);
        if levels.len() == column.len() && keeps_order(&levels, exponential) {
            column.mapv_inplace(exponential);
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
        Plan { methods: Methods::First, settings, clamp: false, is_cautious: false }
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

    /// A table of a kind: two correlated Gaussians, a label and a number, or two labels.
    fn table(kind: usize, n: usize, seed: u64) -> Observations {
        let mut stream = Stream::new(seed, &format!("plain {kind}"));
        let x = stream.normal_matrix((n, 1));
        let noise = stream.normal_matrix((n, 1));
        let related = |rho: f64| rho * &x + (1.0 - rho * rho).sqrt() * &noise;
        let level = |values: Array2<f64>| values.mapv(|v| (v.clamp(-1.0, 1.0) * 1.4).round());
        let (x, y) = match kind {
            0 => (x.clone(), related(0.3)),
            1 => (x.clone(), related(0.9)),
            2 => (x.clone(), level(related(0.7))),
            _ => (level(x.clone()), level(related(0.5))),
        };
        Observations { x: side("x", x), y: side("y", y), given: None }
    }

    #[test]
    fn plain_tables_raise_an_alarm_in_at_most_one_of_twenty() {
        let mut alarms = Vec::new();
        let (kinds, tables) = (4, 15);
        for n in [50, 300] {
            for kind in 0..kinds {
                for seed in 0..tables {
                    let (_, checks) = checks(&table(kind, n, seed), &plan()).unwrap();
                    let failed: Vec<Check> =
                        checks.into_iter().filter(|check| !check.holds()).collect();
                    if !failed.is_empty() {
                        alarms.push((n, kind, seed, failed));
                    }
                }
            }
        }
        assert!(alarms.len() as u64 <= 2 * kinds as u64 * tables / 20, "{alarms:?}");
    }

    #[test]
    fn tiny_values_and_heavy_tails_pass() {
        let mut stream = Stream::new(5, "heavy");
        let x = stream.normal_matrix((300, 1));
        let y = 0.9 * &x + 0.4 * stream.normal_matrix((300, 1));
        let tiny = x.mapv(|v| 1e-14 * v);
        // Exponents of ten from -20 to 20, so that most values are far below the rounding of the
        // sum.
        let heavy = x.mapv(|v| v.signum() * 10f64.powf(7.0 * v));
        // Estimators take values below 1e145.
        let large = x.mapv(|v| 1e144 * v);
        for x in [tiny, heavy, large] {
            let observations =
                Observations { x: side("x", x), y: side("y", y.clone()), given: None };
            let (_, checks) = checks(&observations, &plan()).unwrap();
            assert!(checks.iter().all(Check::holds), "{checks:?}");
        }
    }

    /// What an estimator adds to the right value.
    type Error<'a> = &'a dyn Fn(&Side, &Side) -> f64;

    #[test]
    fn an_estimator_that_is_wrong_by_a_twentieth_of_a_nat_is_caught() {
        let plan = plan();
        let right = |x: &Side, y: &Side| {
            let observations = Observations { x: x.clone(), y: y.clone(), given: None };
            plan.measure(&observations).map(|m| m.estimates[0].value)
        };
        let spread = |side: &Side| side.values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let errors: [(&str, Error<'_>); 5] = [
            ("y permuted (mean of 20)", &|_, _| 0.05),
            ("x and y swapped", &|x, _| if x.names[0] == "x" { 0.0 } else { 0.05 }),
            ("x scaled and shifted", &|x, _| if spread(x) > 1000.0 { 0.05 } else { 0.0 }),
            ("x mapped monotonically", &|x, _| if spread(x) > 15.0 { 0.05 } else { 0.0 }),
            ("x beside a copy of x", &|x, y| {
                if x.names.len() > y.names.len() { 0.05 } else { 0.0 }
            }),
        ];
        for seed in 0..2 {
            let observations = table(0, 5000, seed);
            let base = right(&observations.x, &observations.y).unwrap();
            for (name, error) in &errors {
                let estimate = |x: Side, y: Side| Ok(right(&x, &y)? + error(&x, &y));
                let estimator = Estimator {
                    estimate: &estimate,
                    seed,
                    methods: plan.methods,
                    marginals: plan.settings.marginals,
                };
                let base = base + error(&observations.x, &observations.y);
                let checks = estimator.checks(&observations, base).unwrap();
                let check = checks.iter().find(|check| check.name == *name).unwrap();
                assert!(!check.holds(), "{check:?}");
            }
        }
    }

    #[test]
    fn a_check_that_fails_says_so() {
        let check = Check { name: "", expected: 0.0, found: 0.2, tolerance: 0.1, meaning: "" };
        assert!(!check.holds());
        assert!(!Check { found: f64::NAN, ..check }.holds());
    }
}
