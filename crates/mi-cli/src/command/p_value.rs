//! The default number of rearranged data sets of a p-value.

use mi_samples::{Method, TestSettings};

use crate::estimator::Methods;
use crate::observations::Observations;

/// Rearranged data sets of a p-value by default.
pub(super) const SURROGATES: usize = 199;

/// The test stops after this many rearranged data sets that reach the estimate (Besag and Clifford,
/// 1991). The p-value is then above a tenth for the usual number of data sets, and known to about a
/// fifth of itself.
pub(super) const ENOUGH: usize = 20;

/// Seconds that a p-value may take by default.
const PATIENCE: f64 = 4.0;

/// Seconds that a neighbour search takes for a row of two columns, and a closed form for a cell,
/// rounded up.
const SECONDS: (f64, f64) = (1e-6, 1e-7);

/// How many times longer a neighbour search takes for each further column: measured on one thread
/// with 2 to 10 Gaussian columns of 4000 and 20 000 rows, from 0.7 to 14 microseconds per row.
const FURTHER_COLUMN: f64 = 1.5;

/// Rows up to which estimates average over several ways of breaking ties, if there are ties, so
/// that fewer rows cost no less.
const ROWS_WITH_WAYS: usize = 8000;

/// How a p-value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permutations {
    /// Rearranged data sets, at most; 0 for no p-value.
    pub(super) most: usize,
    /// The test stops once this many data sets reach the estimate; `None` if it makes all of them.
    pub(super) enough: Option<usize>,
    /// Whether to omit the p-value if successive rows are similar: a permutation would call chance
    /// significant.
    pub(super) is_cautious: bool,
}

impl Permutations {
    /// Exactly this many, as requested.
    pub(super) fn asked(number: usize) -> Self {
        Self { most: number, enough: None, is_cautious: false }
    }

    /// At most this many, by default.
    pub(super) fn by_default(most: usize) -> Self {
        Self { most, enough: Some(ENOUGH), is_cautious: true }
    }

    /// The test, if there is one.
    pub(super) fn test(self, surrogate: mi_samples::Surrogate) -> Option<TestSettings> {
        let test = TestSettings { surrogates: self.most, surrogate, enough: self.enough };
        (self.most > 0).then_some(test)
    }
}

/// The usual number of data sets if they take no more than a few seconds; otherwise the reason why
/// there is no p-value. The time is a rough count that depends only on the data, so that the same
/// command always does the same.
pub(super) fn by_default(
    methods: Methods,
    observations: &Observations,
    lags: usize,
) -> Result<Permutations, String> {
    let (n, columns) = (observations.n(), observations.dims());
    check_no_training(methods)?;
    let is_closed_form =
        matches!(methods, Methods::One(Method::Gaussian | Method::GaussianCopula | Method::PlugIn));
    let own = if is_closed_form {
        SECONDS.1 * (n * columns) as f64
    } else {
        // The part that is searched grows with every column, up to all rows.
        let searched = FURTHER_COLUMN.powf(columns.saturating_sub(2) as f64);
        let most = 1.0_f64.max(n as f64 * columns as f64 / 1000.0);
        let ways = if has_ties(observations) { ROWS_WITH_WAYS.min(8 * n) } else { n };
        SECONDS.0 * n.max(ways) as f64 * searched.min(most)
    };
    let seconds = own * SURROGATES as f64 * lags as f64;
    if seconds <= PATIENCE {
        return Ok(Permutations::by_default(SURROGATES));
    }
    Err(format!(
        "no p-value: {SURROGATES} rearranged data sets would take longer than a few seconds; use \
         --permutations {SURROGATES} to get one"
    ))
}

/// Declines p-values of a method that would train for every rearranged data set.
pub(super) fn check_no_training(methods: Methods) -> Result<(), String> {
    match methods {
        Methods::One(method) if method.trains() => Err(format!(
            "no p-value: it would train {SURROGATES} times; use --permutations {SURROGATES}, or \
             --permutations 19, to get one anyway"
        )),
        _ => Ok(()),
    }
}

/// Whether ties of some column are broken in several ways.
fn has_ties(observations: &Observations) -> bool {
    let sides = [Some(&observations.x), Some(&observations.y), observations.given.as_ref()];
    sides.into_iter().flatten().any(|side| {
        side.sample(0).is_ok_and(|sample| sample.columns().any(|kind| kind.broken_ties() > 0))
    })
}
