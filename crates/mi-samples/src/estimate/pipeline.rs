use mi_random::Stream;

use super::fitting::NEURAL_ROWS;
use super::functions::linear_function;
use super::run::{MethodResult, Run, rows_not_alone};
use super::ties::off_when_permuted;
use super::warnings::{BELOW_BY_CHANCE, Side, Warning};
use super::{Estimate, EstimatorSettings, Method, Settings};
use crate::SamplesError;
use crate::closed_form::discrete_entropy;
use crate::neural::{NeuralCritic, NeuralEstimate};
use crate::rows::RowStructure;
use crate::sample::{ColumnKind, Sample};
use crate::uncertainty::{
    Surrogate, TestSettings, analytic_interval, extrapolate, held_out_interval, permutation_test,
    subsample_interval,
};

/// A difference of entropies below this many nats is meaningless: the held-out rows are where
/// neither model was fitted.
const WORTHLESS: f64 = -1.0;

/// Values this far below 0 are negligible, in nats.
const NEGLIGIBLE: f64 = 0.01;

/// Values of held-out rows this far below 0 are an error of the method, in nats.
const BAD: f64 = 0.1;

/// Columns above which nearest neighbours are far away.
const MANY_COLUMNS: usize = 8;

/// The fraction of a method's cap above which its value says more about the number of rows than
/// about the data: functions that are not one-to-one, such as a square, reach about three quarters.
const NEAR_CAP: f64 = 0.7;

/// A bound on training rows this far above the one on held-out rows, in nats and as a fraction of
/// the latter, means overfitting.
const OVERFITTED: (f64, f64) = (0.1, 0.2);

/// Mutual information in nats of two sides, by the requested method or, by default, the one that
/// fits their columns.
///
/// By default continuous columns are replaced by the normal scores of their ranks, so that
/// scales, offsets, outliers and other monotone maps of a column change nothing.
///
/// # Errors
/// If the sides have different numbers of rows, too few rows for the method, or a kind that the
/// requested method cannot take; if a setting is out of range.
///
/// ```
/// use mi_samples::{Sample, Settings, mutual_information};
///
/// let mut stream = mi_random::Stream::new(0, "example");
/// let x = stream.normal_matrix((1000, 1));
/// let y = (&x * &x) + 0.5 * stream.normal_matrix((1000, 1));
/// let x = Sample::new(x.view(), &[], 0)?;
/// let y = Sample::new(y.view(), &[], 0)?;
/// let found = mutual_information(&x, &y, &Settings::default())?;
/// assert!(found.value > 0.3 && found.interval.is_some_and(|interval| interval.lower > 0.2));
/// # Ok::<(), mi_samples::SamplesError>(())
/// ```
pub fn mutual_information(
    x: &Sample,
    y: &Sample,
    settings: &Settings,
) -> Result<Estimate, SamplesError> {
    estimate(x, y, None, settings).map(|(estimate, _)| estimate)
}

/// Like [`mutual_information`] by [`Method::Neural`], and also returns the trained critic.
///
/// # Errors
/// Those of [`mutual_information`]; also if a side is constant, so that there is nothing to train.
pub fn mutual_information_and_critic(
    x: &Sample,
    y: &Sample,
    settings: &Settings,
) -> Result<(Estimate, NeuralCritic), SamplesError> {
    let settings = Settings { method: Some(Method::Neural), ..settings.clone() };
    let (estimate, critic) = estimate(x, y, None, &settings)?;
    let critic = critic.ok_or_else(|| SamplesError::WrongColumns {
        method: Method::Neural.name(),
        found: "a constant side".into(),
        advice: "there is nothing to train a critic on",
    })?;
    Ok((estimate, critic))
}

/// Conditional mutual information I(X; Y | Z) in nats; see [`mutual_information`].
///
/// # Errors
/// Those of [`mutual_information`].
pub fn conditional_mutual_information(
    x: &Sample,
    y: &Sample,
    given: &Sample,
    settings: &Settings,
) -> Result<Estimate, SamplesError> {
    estimate(x, y, Some(given), settings).map(|(estimate, _)| estimate)
}

impl Settings {
    /// The estimator that [`mutual_information`] (or, given other columns,
    /// [`conditional_mutual_information`]) uses for these sides, with every setting resolved: equal
    /// ones give the same value for the same sides and seed.
    ///
    /// # Errors
    /// If the requested method cannot take these columns, or a setting is out of range.
    pub fn resolve(
        &self,
        x: &Sample,
        y: &Sample,
        given: Option<&Sample>,
    ) -> Result<EstimatorSettings, SamplesError> {
        self.check()?;
        Ok(Run::new(x, y, given, self)?.settings())
    }
}

fn estimate(
    x: &Sample,
    y: &Sample,
    z: Option<&Sample>,
    settings: &Settings,
) -> Result<(Estimate, Option<NeuralCritic>), SamplesError> {
    settings.check()?;
    let n = x.n();
    for other in [Some(y), z].into_iter().flatten() {
        if other.n() != n {
            return Err(SamplesError::RowCounts { x: n, y: other.n() });
        }
    }
    settings.rows.check(n)?;
    let run = Run::new(x, y, z, settings)?;
    let has_labels = [Some(x), Some(y), z].into_iter().flatten().any(Sample::has_labels);
    if run.method.breaks_atoms(has_labels) {
        let broken = |side: &Sample| side.without_atoms(settings.seed);
        let (x, y, z) = (broken(x), broken(y), z.map(broken));
        return estimate_by(&Run::new(&x, &y, z.as_ref(), settings)?, &x, &y, z.as_ref(), settings);
    }
    estimate_by(&run, x, y, z, settings)
}

fn estimate_by(
    run: &Run,
    x: &Sample,
    y: &Sample,
    z: Option<&Sample>,
    settings: &Settings,
) -> Result<(Estimate, Option<NeuralCritic>), SamplesError> {
    let n = x.n();
    let mut warnings = data_warnings(x, y, z, run, settings);
    // Nothing can be learnt about or from a constant, but a method might report sampling error.
    let constant = x.is_constant() || y.is_constant();
    let found = if constant {
        MethodResult::plain(0.0)
    } else {
        run.check_rows(x, y, z)?;
        run.evaluate(x, y, z)?
    };
    let value = found.value;
    if run.method == Method::EntropyDifference && value < WORTHLESS {
        let (method, value) = (run.method.name(), format!("{value:.3}"));
        return Err(SamplesError::Worthless { method, value });
    }
    let on_rows = |rows: &[usize]| {
        if constant {
            return Some(0.0);
        }
        let part = |side: &Sample| side.select(rows);
        run.select(rows)
            .evaluate(&part(x), &part(y), z.map(part).as_ref())
            .ok()
            .map(|found| found.value)
    };
    let stream = |name: &str| Stream::new(settings.seed, name);
    let level = settings.level;
    let interval = match (found.standard_error, &found.neural) {
        _ if !settings.interval || constant => None,
        (Some(error), Some(neural)) => {
            Some(held_out_interval(value, error, neural.shortfall(), level))
        }
        // A formula treats rows as independent; held-out rows respect their structure.
        (Some(error), None) if settings.rows.is_exchangeable() || run.method.trains() => {
            Some(analytic_interval(value, error, level))
        }
        _ => {
            let stream = stream("interval");
            subsample_interval(value, n, level, &settings.rows, &stream, on_rows)
        }
    };
    let extrapolation = if settings.extrapolate {
        extrapolate(value, n, &settings.rows, &stream("extrapolation"), on_rows)
    } else {
        None
    };
    let test = settings
        .test
        .map(|test| {
            let exchange = test.surrogate.exchange(z, &settings.rows, settings.marginals)?;
            permutation_test(value, n, test, exchange.as_ref(), &stream("test"), |rows| {
                if constant {
                    return Ok(0.0);
                }
                Ok(run.evaluate(&x.select(rows), y, z)?.value)
            })
        })
        .transpose()?;
    if settings.check_ties && z.is_none() && !constant && run.method.uses_neighbours() {
        warnings.extend(off_when_permuted(x, y, run, test.as_ref(), &stream("permuted"))?);
    }
    let tie_deviation = match found.tie_deviation {
        None if !constant && (settings.interval || settings.test.is_some()) => {
            run.tie_deviation(value, x, y, z)?
        }
        known => known,
    };
    if let Some(deviation) = tie_deviation {
        warnings.push(Warning::TieDeviation { deviation });
    }
    let entropy_bound = entropy_bound(x, y, z, run.method)?;
    if let Some((test, made)) = settings.test.zip(test.as_ref()) {
        warnings.extend(surrogate_warning(test, made.available, &settings.rows));
    }
    let known = found.standard_error.or(interval.map(|interval| interval.standard_error));
    // The rounding of a bijection's value does not count as excess.
    if let Some(entropy) = entropy_bound.filter(|entropy| value > entropy + 1e-9) {
        let error = known.or_else(|| {
            let stream = stream("interval");
            let interval = subsample_interval(value, n, level, &settings.rows, &stream, on_rows);
            interval.map(|interval| interval.standard_error)
        });
        let standard_errors = error.map(|error| (value - entropy) / error.max(f64::MIN_POSITIVE));
        warnings.push(Warning::AboveEntropy { entropy, standard_errors });
    }
    let below = known.map(|error| -value / error.max(f64::MIN_POSITIVE));
    // Held-out rows may be so far from the rest that their own spread says little about the error.
    let is_bad = |errors: &f64| {
        *errors > BELOW_BY_CHANCE && value < -NEGLIGIBLE || run.method.trains() && value < -BAD
    };
    if let Some(standard_errors) = below.filter(is_bad) {
        warnings.push(Warning::BelowZero { standard_errors });
    }
    value_warnings(&found, run, n, &mut warnings);
    if settings.interval && interval.is_none() && !constant {
        warnings.push(Warning::NoInterval);
    }
    let columns = |side: &Sample| side.columns().cloned().collect();
    let estimate = Estimate {
        value,
        uncorrected: found.uncorrected,
        estimator: run.settings(),
        n: n - found.left_out,
        columns: [columns(x), columns(y), z.map_or(Vec::new(), columns)],
        tie_deviation,
        interval,
        test,
        extrapolation,
        entropy_bound,
        gap: found.gap,
        warnings,
    };
    Ok((estimate, found.neural.map(|neural| neural.critic)))
}

/// Why a test has fewer surrogates than requested, or why groups cannot be swapped.
fn surrogate_warning(
    test: TestSettings,
    available: usize,
    structure: &RowStructure,
) -> Option<Warning> {
    let (asked, surrogate) = (test.surrogates, test.surrogate);
    let [moved, groups] = structure.exchangeable_groups();
    if surrogate == Surrogate::WholeGroups && moved < groups {
        return Some(Warning::GroupsInPlace { groups, moved, available });
    }
    (available < asked).then_some(Warning::FewSurrogates { asked, available, surrogate })
}

/// The smaller entropy of the discrete sides, over the rows used for the value: from the
/// frequencies, or corrected in the same way as the value.
fn entropy_bound(
    x: &Sample,
    y: &Sample,
    z: Option<&Sample>,
    method: Method,
) -> Result<Option<f64>, SamplesError> {
    let mut bound: Option<f64> = None;
    let used = if method.leaves_out_unique() { rows_not_alone(x, y, z) } else { None };
    for side in [x, y].into_iter().filter(|side| side.is_discrete()) {
        let mut labels = side.labels().0;
        if let Some(used) = &used {
            labels = used.iter().map(|&row| labels[row]).collect();
        }
        if labels.is_empty() {
            continue;
        }
        let entropy = discrete_entropy(&labels)?;
        let entropy = if method == Method::PlugIn { entropy.miller_madow } else { entropy.plug_in };
        bound = Some(bound.map_or(entropy, |bound| bound.min(entropy)));
    }
    Ok(bound)
}

fn data_warnings(
    x: &Sample,
    y: &Sample,
    z: Option<&Sample>,
    run: &Run,
    settings: &Settings,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let sides = || [(Side::X, Some(x)), (Side::Y, Some(y)), (Side::Given, z)];
    for (side, sample) in sides().into_iter().filter_map(|(side, s)| Some((side, s?))) {
        if sample.is_constant() {
            warnings.push(Warning::Constant { side });
        }
        for (column, kind) in sample.columns().enumerate() {
            if let ColumnKind::Mixture { atoms, held, .. } = &kind.kind {
                let (atoms, share) = (atoms.clone(), *held as f64 / kind.n as f64);
                warnings.push(Warning::Atoms { side, column, atoms, share });
            }
            let rows = kind.broken_ties();
            if rows > 0 && run.minds_ties() {
                warnings.push(if run.keeps_ties() {
                    Warning::TiesLeft { side, column, rows }
                } else {
                    Warning::TiesBroken { side, column, rows, step: kind.step() }
                });
            }
        }
        let place = side as usize;
        for column in run.left_out(place, sample.dims()) {
            warnings.push(Warning::Redundant { side, column });
        }
    }
    if let Ok(all) = x.beside(y).and_then(|both| both.beside_if(z)) {
        warnings.extend(all.copies().map(|rows| Warning::DuplicateRows { rows }));
    }
    if run.method.uses_neighbours() {
        let columns: usize = sides()
            .iter()
            .filter_map(|(_, sample)| *sample)
            .map(|sample| sample.columns().filter(|column| !column.is_discrete()).count())
            .sum();
        let advised = (20 * run.k).max(10 << columns.min(16));
        if x.n() < advised && columns <= MANY_COLUMNS {
            warnings.push(Warning::FewObservations { n: x.n(), advised });
        }
        if columns > MANY_COLUMNS {
            warnings.push(Warning::ManyColumns { columns });
        }
    }
    if run.method.trains() && x.n() < NEURAL_ROWS {
        warnings.push(Warning::FewObservations { n: x.n(), advised: NEURAL_ROWS });
    }
    // Rows that are known to be ordered need a hint only if a test ignores the order.
    let shuffled = settings.test.is_some_and(|test| test.surrogate == Surrogate::Permutation);
    if (settings.rows.is_exchangeable() || settings.rows == RowStructure::Ordered && shuffled)
        && let Some((of_x, of_y)) = x.alike_in_time(y)
    {
        warnings.push(Warning::Autocorrelated { x: of_x, y: of_y });
    }
    if let Some((x, y)) = x.monotone_columns(y) {
        warnings.push(Warning::Deterministic { x, y });
    } else if let Some(warning) = linear_function(x, y, z) {
        warnings.push(warning);
    }
    warnings
}

fn value_warnings(found: &MethodResult, run: &Run, n: usize, warnings: &mut Vec<Warning>) {
    if let Some(cap) = run.cap(n).filter(|cap| found.value > NEAR_CAP * cap) {
        warnings.push(Warning::NearCap { cap });
    }
    if let Some(neural) = &found.neural {
        neural_warnings(neural, warnings);
    }
    if let Some(gap) = found.gap.filter(|gap| gap.is_cut) {
        warnings.push(Warning::LongMemory { rows: gap.rows });
    }
    if found.left_out > 0 {
        warnings.push(Warning::UniqueLabels { rows: found.left_out });
    }
    if let Some(cells) = found.cells.filter(|cells| 2 * cells > n) {
        warnings.push(Warning::SparseTable { cells, n });
    }
}

fn neural_warnings(found: &NeuralEstimate, warnings: &mut Vec<Warning>) {
    match found.cap {
        Some(cap) if found.value > NEAR_CAP * cap => warnings.push(Warning::NearCap { cap }),
        Some(_) => {}
        None => {
            let limit = (found.batch as f64).ln();
            if found.value > NEAR_CAP * limit {
                warnings.push(Warning::BeyondConfidence { limit });
            }
        }
    }
    let (least, share) = OVERFITTED;
    if found.training_value - found.value > least.max(share * found.value.abs()) {
        let (training, held_out) = (found.training_value, found.value);
        warnings.push(Warning::Overfitted { training, held_out });
    }
}
