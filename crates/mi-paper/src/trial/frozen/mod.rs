//! Estimates of the mutual information between frozen representations of two views: by newly
//! trained critics, in larger batches, and by nearest neighbours on principal components.
//!
//! Trials measure them of their encoders; [`bounds`] and [`of_components`] measure them of any
//! features. They are not in `mi-eval`, which knows no critics.

pub(super) mod components;
pub(super) mod critics;

use mi_estimators::bounds::BoundSpec;
use mi_random::Stream;
use ndarray::Axis;

use self::critics::{BATCH, STEPS};
use super::StepError;
pub use super::representation::Sides;
use crate::error::PaperError;

/// Batch sizes at which `InfoNCE` is measured, if there are enough test rows.
pub(super) const SIZES: [usize; 3] = [BATCH, 1_024, 10_000];

/// The smallest number of training rows for [`bounds`]: a batch has to fit into the held-out fifth
/// of them.
pub const FEWEST_TRAINING_ROWS: usize = 5 * BATCH;
/// The smallest number of test rows for [`bounds`].
pub const FEWEST_TEST_ROWS: usize = BATCH;

/// The bounds that critics are newly trained for.
pub(super) fn newly_trained() -> [BoundSpec; 3] {
    [BoundSpec::InfoNce, BoundSpec::Nwj, BoundSpec::Flo]
}

/// A bound between two frozen representations.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenBound {
    /// The bound, with the batch size if that is not 128.
    pub of: String,
    /// Its value on test rows in nats; `None` if no critic had a finite one.
    pub value: Option<f64>,
}

/// Bounds on the mutual information between two representations of the same rows, by critics that
/// are newly trained on them, measured on test rows: `InfoNCE`, NWJ and FLO in batches of 128, and
/// `InfoNCE` of the same critic in batches of 1,024 and 10,000, where its cap ln K is higher.
///
/// Features are standardised and clipped at five deviations. `progress` is called with the bound
/// and the share of its training that is done.
///
/// # Errors
/// Features that are not finite.
///
/// # Panics
/// If numbers of rows differ between the sides, or are below [`FEWEST_TRAINING_ROWS`] or
/// [`FEWEST_TEST_ROWS`]: mistakes in the calling code.
pub fn bounds(
    x: &Sides,
    y: &Sides,
    seed: u64,
    progress: &mut dyn FnMut(&str, f64),
) -> Result<Vec<FrozenBound>, PaperError> {
    check_rows(x, y);
    let enough = x.train.nrows() >= FEWEST_TRAINING_ROWS && x.test.nrows() >= FEWEST_TEST_ROWS;
    assert!(enough, "too few rows for a batch");
    let streams = Stream::new(seed, "frozen");
    // The last training rows are held out, and batches are runs of test rows. So the rows are
    // shuffled, in case they are ordered, for example by class.
    let orders = [
        streams.child("train rows").permutation(x.train.nrows()),
        streams.child("test rows").permutation(x.test.nrows()),
    ];
    let of = |side: &Sides| -> Result<Sides, PaperError> {
        let Sides { train, test } = critics::standardised(side)?;
        let [train_rows, test_rows] = &orders;
        Ok(Sides {
            train: train.select(Axis(0), train_rows),
            test: test.select(Axis(0), test_rows),
        })
    };
    let (x, y) = (of(x)?, of(y)?);
    let test = (x.test.view(), y.test.view());
    let mut found = Vec::new();
    for bound in newly_trained() {
        let name = bound.name();
        let stream = streams.child(&format!("critic {name}"));
        let mut told = |step: usize| progress(name, step as f64 / STEPS as f64);
        let critic = finite(critics::train(&bound, (&x, &y), &stream, &mut told))?.flatten();
        let Some(mut critic) = critic else {
            found.push(FrozenBound { of: name.to_owned(), value: None });
            continue;
        };
        let value = finite(critics::bound_on(&mut critic, test))?.flatten();
        found.push(FrozenBound { of: name.to_owned(), value });
        if bound == BoundSpec::InfoNce {
            for &k in SIZES[1..].iter().filter(|&&k| k <= x.test.nrows()) {
                let value = finite(critic.info_nce_at(k, test))?;
                found.push(FrozenBound { of: format!("{name}, K = {k}"), value });
            }
        }
    }
    Ok(found)
}

/// The estimate of Kraskov, Stögbauer and Grassberger (2004, algorithm 1), in nats, between the
/// first three principal components of two representations, on at most 5,000 test rows. Components
/// share at most the information that the representations share. `None` if a representation has
/// collapsed, if neighbours coincide, or if there are too few rows for three neighbours.
///
/// # Panics
/// If numbers of rows differ between the sides: a mistake in the calling code.
pub fn of_components(x: &Sides, y: &Sides, seed: u64) -> Option<f64> {
    check_rows(x, y);
    let streams = Stream::new(seed, "frozen");
    let rows = streams.child("test rows").permutation(x.test.nrows());
    components::estimate(x, y, &rows, &streams.child("components"))
}

fn check_rows(x: &Sides, y: &Sides) {
    let rows = |side: &Sides| (side.train.nrows(), side.test.nrows());
    assert!(rows(x) == rows(y), "the two sides have different numbers of rows");
}

/// `None` for numbers that are not finite: a critic that diverges says nothing about the features.
fn finite<V>(found: Result<V, StepError>) -> Result<Option<V>, PaperError> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(StepError::Diverged(_)) => Ok(None),
        Err(StepError::Failed(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    /// Gaussian views of three numbers each with correlation ρ, in the order of the first number,
    /// and their mutual information.
    fn gaussian_views() -> (Sides, Sides, f64) {
        let (rho, dim) = (0.9_f64, 3);
        let mut stream = Stream::new(3, "views");
        let shared = stream.normal_matrix((9_000, dim));
        let own = stream.normal_matrix((9_000, dim));
        let other = rho * &shared + (1.0 - rho * rho).sqrt() * own;
        let mut order: Vec<usize> = (0..shared.nrows()).collect();
        order.sort_by(|&a, &b| shared[[a, 0]].total_cmp(&shared[[b, 0]]));
        let (test, train): (Vec<usize>, Vec<usize>) = (0..order.len()).partition(|at| at % 6 == 0);
        let side = |rows: &Array2<f64>| {
            let sorted = rows.select(Axis(0), &order).mapv(|value| value as f32);
            Sides { train: sorted.select(Axis(0), &train), test: sorted.select(Axis(0), &test) }
        };
        (side(&shared), side(&other), -0.5 * dim as f64 * (1.0 - rho * rho).ln())
    }

    #[test]
    fn bounds_and_neighbours_find_the_information_of_gaussian_views() {
        let (x, y, truth) = gaussian_views();
        let mut last = (String::new(), 0.0);
        let found = bounds(&x, &y, 1, &mut |of, share| last = (of.to_owned(), share)).unwrap();
        assert_eq!(last, ("flo".to_owned(), 1.0));
        let names: Vec<&str> = found.iter().map(|bound| &*bound.of).collect();
        assert_eq!(names, ["infonce", "infonce, K = 1024", "nwj", "flo"]);
        for FrozenBound { of, value } in &found {
            // After a thousand steps, the critic's bound is still below two and a half nats.
            let value = value.unwrap();
            assert!(value > truth - 0.8 && value < truth + 0.1, "{of}: {value} of {truth}");
        }
        // A larger batch loosens the cap of the same critic.
        assert!(found[1].value > found[0].value, "{found:?}");
        // So are neighbours among 1,500 rows.
        let neighbours = of_components(&x, &y, 1).unwrap();
        assert!((neighbours - truth).abs() < 0.5, "{neighbours} of {truth}");
        // The same seed gives the same numbers.
        assert_eq!(bounds(&x, &y, 1, &mut |_, _| {}).unwrap(), found);
    }
}
