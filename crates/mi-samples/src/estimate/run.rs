//! One run of a method whose settings are resolved.

use statrs::function::gamma::digamma;

use super::{EstimatorSettings, Method, Settings, Side};
use crate::SamplesError;
use crate::closed_form::{
    DiscreteEntropy, SMALLEST_PIVOT, chance_information, gaussian_conditional_of, linear_functions,
    plug_in_of, without_chance,
};
use crate::neighbours::{
    KsgVariant, conditional_ksg_of, ksg_of, mesner_shalizi_of, mixture_of, ross_of,
};
use crate::neural::{NeuralEstimate, NeuralSettings, difference_of_entropies, neural};
use crate::rows::{Gap, RowStructure};
use crate::sample::{Marginals, Sample};

/// Rows up to which an estimate averages over [`MOST_WAYS`] of breaking ties; with more rows there
/// are fewer ways.
const ROWS_OF_MOST_WAYS: usize = 1000;

/// Ways of breaking ties to average over. With a single way, an estimate from 342 rows has an
/// additional standard deviation of 0.01 (Ross) to 0.02 (Kraskov), half of the sampling error.
const MOST_WAYS: usize = 8;

/// How many more rows than columns a covariance needs.
const ROWS_OF_COVARIANCE: usize = 6;

/// Rows that frequencies need.
const ROWS_OF_FREQUENCIES: usize = 5;

/// If more than this fraction of rows have a unique label, there is no estimate.
const UNIQUE_LABELS: f64 = 0.5;

/// The result of one run of a method.
pub(super) struct MethodResult {
    pub(super) value: f64,
    pub(super) uncorrected: Option<f64>,
    pub(super) standard_error: Option<f64>,
    pub(super) left_out: usize,
    pub(super) cells: Option<usize>,
    pub(super) neural: Option<Box<NeuralEstimate>>,
    /// For methods that train.
    pub(super) gap: Option<Gap>,
    /// The standard deviation of the value between seeds that break ties.
    pub(super) tie_deviation: Option<f64>,
}

impl MethodResult {
    pub(super) fn plain(value: f64) -> Self {
        Self {
            value,
            uncorrected: None,
            standard_error: None,
            left_out: 0,
            cells: None,
            neural: None,
            gap: None,
            tie_deviation: None,
        }
    }
}

/// A method with all its settings resolved.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) method: Method,
    pub(super) k: usize,
    pub(super) marginals: Marginals,
    theiler: usize,
    /// How many ways of breaking ties to average over; 0 if there are no ties to break.
    ways: usize,
    /// The columns of x, y and z that are not linear functions of others of their side or of z, for
    /// methods that have no value with such columns.
    kept: Option<[Vec<usize>; 3]>,
    neural: NeuralSettings,
    rows: RowStructure,
    seed: u64,
}

impl Run {
    pub(super) fn new(
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
        settings: &Settings,
    ) -> Result<Self, SamplesError> {
        let method = Method::resolve(settings, x, y, z)?;
        let takes_theiler = matches!(method, Method::Ksg1 | Method::Ksg2 | Method::FrenzelPompe);
        if settings.theiler > 0 && !takes_theiler {
            let value = format!("{} with method {method}", settings.theiler);
            let range = "0 for methods other than ksg1, ksg2 and frenzel-pompe";
            return Err(SamplesError::Setting { setting: "theiler", value, range });
        }
        let k = settings.neighbours.unwrap_or(method.default_neighbours());
        let breaks = [Some(x), Some(y), z].into_iter().flatten().any(Sample::has_broken_ties);
        let ways = if breaks && method.uses_neighbours() && settings.marginals != Marginals::Raw {
            (MOST_WAYS * ROWS_OF_MOST_WAYS / x.n()).clamp(1, MOST_WAYS)
        } else {
            0
        };
        let kept = match method {
            _ if x.is_constant() || y.is_constant() => None,
            Method::Gaussian => Some(independent(x, y, z, Marginals::Raw)),
            Method::GaussianCopula | Method::EntropyDifference => {
                Some(independent(x, y, z, Marginals::NormalScores))
            }
            _ => None,
        };
        Ok(Self {
            method,
            k,
            marginals: settings.marginals,
            theiler: settings.theiler,
            ways,
            kept,
            neural: match method {
                Method::EntropyDifference => settings.neural.resolve_without_critic(),
                _ => settings.neural.resolve((x.dims(), y.dims())),
            },
            rows: settings.rows.clone(),
            seed: settings.seed,
        })
    }

    pub(super) fn settings(&self) -> EstimatorSettings {
        let neighbours = self.method.uses_neighbours();
        EstimatorSettings {
            method: self.method,
            neighbours: neighbours.then_some(self.k),
            marginals: neighbours.then_some(self.marginals),
            theiler: self.theiler,
            neural: self.method.trains().then(|| self.neural.clone()),
        }
    }

    /// The same for these rows of the sides.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        Self { rows: self.rows.select(rows), ..self.clone() }
    }

    /// Whether ties matter to the method.
    pub(super) fn minds_ties(&self) -> bool {
        !matches!(self.method, Method::Gaussian | Method::PlugIn)
    }

    /// Whether ties are kept: raw values are not changed.
    pub(super) fn keeps_ties(&self) -> bool {
        self.method.uses_neighbours() && self.marginals == Marginals::Raw
    }

    /// The columns that the method leaves out: functions of others, which add nothing.
    pub(super) fn left_out(&self, side: usize, columns: usize) -> Vec<usize> {
        let kept = self.kept.as_ref().map(|kept| &kept[side]);
        (0..columns).filter(|column| kept.is_some_and(|kept| !kept.contains(column))).collect()
    }

    /// Refuses too few rows for a formula, and labels that are mostly unique.
    pub(super) fn check_rows(
        &self,
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
    ) -> Result<(), SamplesError> {
        let (method, n) = (self.method.name(), x.n());
        let enough = |operation, needed| {
            if n < needed {
                return Err(SamplesError::TooFewObservations { operation, needed, n });
            }
            Ok(())
        };
        let are_most = |rows: usize| rows as f64 > UNIQUE_LABELS * n as f64;
        let sides = || {
            let sides = [(Side::X, Some(x)), (Side::Y, Some(y)), (Side::Given, z)];
            sides.into_iter().filter_map(|(side, sample)| Some((side, sample?)))
        };
        match self.method {
            Method::Gaussian | Method::GaussianCopula => {
                let columns: usize = self.kept.iter().flatten().map(Vec::len).sum();
                enough("a covariance of these columns", columns + ROWS_OF_COVARIANCE)
            }
            Method::PlugIn => {
                enough("an estimate from frequencies", ROWS_OF_FREQUENCIES)?;
                for (side, sample) in sides() {
                    let rows = unique_labels(sample);
                    if are_most(rows) {
                        let columns = (0..sample.dims()).collect();
                        return Err(SamplesError::UniqueLabels { method, side, columns, rows, n });
                    }
                }
                Ok(())
            }
            Method::Mixture | Method::MesnerShalizi => {
                let rows = rows_not_alone(x, y, z).map_or(0, |used| n - used.len());
                if are_most(rows) {
                    return Err(SamplesError::UniqueCombinations { method, rows, n });
                }
                Ok(())
            }
            // What a critic learns about a label only helps with other rows of the same label.
            Method::Neural | Method::EntropyDifference => {
                for (side, sample) in sides() {
                    let labels = (0..sample.dims()).map(|column| (column, sample.only(&[column])));
                    let mut labels = labels.filter(|(_, column)| column.has_labels());
                    let unique = labels.find_map(|(column, labels)| {
                        let rows = unique_labels(&labels);
                        are_most(rows).then_some((column, rows))
                    });
                    if let Some((column, rows)) = unique {
                        let columns = vec![column];
                        return Err(SamplesError::UniqueLabels { method, side, columns, rows, n });
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The mean over the ways of breaking ties.
    pub(super) fn evaluate(
        &self,
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
    ) -> Result<MethodResult, SamplesError> {
        let mut found = self.evaluate_once(x, y, z)?;
        let mut values = vec![found.value];
        for way in 1..self.ways {
            values.push(self.evaluate_way(x, y, z, way)?);
        }
        let count = values.len() as f64;
        found.value = values.iter().sum::<f64>() / count;
        if values.len() > 1 {
            let squares: f64 = values.iter().map(|v| (v - found.value).powi(2)).sum();
            found.tie_deviation = Some((squares / (count - 1.0) / count).sqrt());
        }
        Ok(found)
    }

    /// The deviation between ways of breaking ties if [`Run::evaluate`] used only one. It is
    /// computed from a second way.
    pub(super) fn tie_deviation(
        &self,
        first: f64,
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
    ) -> Result<Option<f64>, SamplesError> {
        if self.ways != 1 {
            return Ok(None);
        }
        let second = self.evaluate_way(x, y, z, 1)?;
        Ok(Some((second - first).abs() / std::f64::consts::SQRT_2))
    }

    fn evaluate_way(
        &self,
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
        way: usize,
    ) -> Result<f64, SamplesError> {
        let again = |side: &Sample| side.ties_broken_again(way);
        Ok(self.evaluate_once(&again(x), &again(y), z.map(again).as_ref())?.value)
    }

    fn evaluate_once(
        &self,
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
    ) -> Result<MethodResult, SamplesError> {
        let Some(kept) = &self.kept else {
            return self.evaluate_columns(x, y, z);
        };
        if kept[0].is_empty() || kept[1].is_empty() {
            // Columns that z already determines add nothing.
            return Ok(MethodResult::plain(0.0));
        }
        let given = z.filter(|_| !kept[2].is_empty()).map(|z| z.only(&kept[2]));
        self.evaluate_columns(&x.only(&kept[0]), &y.only(&kept[1]), given.as_ref())
            .map_err(|error| self.of_all_columns(error, [x.dims(), y.dims()]))
    }

    /// Translates an error about the kept columns into one about all columns.
    fn of_all_columns(&self, error: SamplesError, [dx, dy]: [usize; 2]) -> SamplesError {
        let Some(kept) = &self.kept else { return error };
        match error {
            // No column is now a function of its own side.
            SamplesError::SingularCovariance { columns, n, column }
                if self.method != Method::EntropyDifference =>
            {
                let sides = kept.iter().zip([0, dx, dx + dy]);
                let mut all = sides.flat_map(|(side, offset)| side.iter().map(move |c| offset + c));
                let method = self.method.name();
                match all.nth(column) {
                    Some(column) => SamplesError::Infinite { method, column },
                    None => SamplesError::SingularCovariance { columns, n, column },
                }
            }
            SamplesError::NearlySingular { method, column } => {
                let column = kept[1].get(column).copied().unwrap_or(column);
                SamplesError::NearlySingular { method, column }
            }
            other => other,
        }
    }

    fn evaluate_columns(
        &self,
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
    ) -> Result<MethodResult, SamplesError> {
        let ks = [self.k];
        let seen = |side: &Sample| side.coordinates(self.marginals);
        let first = |values: Vec<f64>| MethodResult::plain(values[0]);
        let without =
            |(values, left_out): (Vec<f64>, usize)| MethodResult { left_out, ..first(values) };
        match self.method {
            Method::Ksg1 => {
                ksg_of(seen(x), seen(y), KsgVariant::First, &ks, self.theiler).map(first)
            }
            Method::Ksg2 => {
                ksg_of(seen(x), seen(y), KsgVariant::Second, &ks, self.theiler).map(first)
            }
            Method::Mixture => mixture_of(seen(x), seen(y), &ks).map(without),
            Method::MesnerShalizi => {
                mesner_shalizi_of(seen(x), seen(y), z.map(seen), &ks).map(without)
            }
            Method::FrenzelPompe => {
                let given =
                    z.map(seen).ok_or(SamplesError::NothingGiven { method: self.method.name() })?;
                conditional_ksg_of(seen(x), seen(y), given, &ks, self.theiler).map(first)
            }
            Method::Ross => {
                let (discrete, other) = if x.is_discrete() { (x, y) } else { (y, x) };
                let found = ross_of(seen(other), &discrete.labels().0, &ks)?;
                if found.classes == 1 && found.left_out > 0 {
                    let side = if x.is_discrete() { Side::X } else { Side::Y };
                    let (method, rows, n) = (self.method.name(), found.left_out, x.n());
                    return Err(SamplesError::OneLabelLeft { method, side, rows, n });
                }
                Ok(MethodResult {
                    left_out: found.left_out,
                    ..MethodResult::plain(found.values[0])
                })
            }
            Method::Gaussian | Method::GaussianCopula => {
                let marginals = if self.method == Method::Gaussian {
                    Marginals::Raw
                } else {
                    Marginals::NormalScores
                };
                let seen = |side: &Sample| side.marginal_columns(marginals);
                let found = gaussian_conditional_of(seen(x), seen(y), z.map_or(Vec::new(), seen))?;
                Ok(MethodResult {
                    uncorrected: Some(found.uncorrected),
                    standard_error: Some(found.standard_error),
                    ..MethodResult::plain(found.value)
                })
            }
            Method::Neural => {
                let found = neural(x, y, &self.neural, &self.rows, self.seed)?;
                let (value, error, gap) = (found.value, found.standard_error, Some(found.gap));
                let neural = Some(Box::new(found));
                Ok(MethodResult {
                    standard_error: Some(error),
                    neural,
                    gap,
                    ..MethodResult::plain(value)
                })
            }
            Method::EntropyDifference => {
                let found = difference_of_entropies(x, y, &self.neural, &self.rows, self.seed)?;
                let (standard_error, gap) = (Some(found.standard_error), Some(found.gap));
                Ok(MethodResult { standard_error, gap, ..MethodResult::plain(found.value) })
            }
            Method::PlugIn => frequencies(x, y, z),
        }
    }

    /// The most that the method can find in n rows.
    pub(super) fn cap(&self, n: usize) -> Option<f64> {
        let largest = || digamma(n as f64) - digamma(self.k as f64);
        match self.method {
            Method::Ksg1 => Some(largest()),
            // No side has fewer than k rows within the rectangle.
            Method::Ksg2 => Some(largest() - 1.0 / self.k as f64),
            _ => None,
        }
    }
}

/// From the frequencies of labels, corrected by Miller and Madow and, if the table is too sparse
/// for that, for chance.
fn frequencies(x: &Sample, y: &Sample, z: Option<&Sample>) -> Result<MethodResult, SamplesError> {
    let (of_x, of_y) = (x.labels().0, y.labels().0);
    let of_z = z.map_or_else(|| vec![0; x.n()], |z| z.labels().0);
    let chance = chance_information(&of_x, &of_y, &of_z);
    let whole = match z {
        None => plug_in_of(&of_x, &of_y),
        Some(z) => plug_in_of(&of_x, &y.beside(z)?.labels().0),
    };
    let cells = Some(whole.xy.values);
    let entropy = |of: DiscreteEntropy| of.miller_madow;
    if z.is_none() {
        let most = entropy(whole.x).min(entropy(whole.y));
        return Ok(MethodResult {
            uncorrected: Some(whole.plug_in),
            standard_error: Some(whole.standard_error),
            cells,
            ..MethodResult::plain(without_chance(whole.miller_madow, chance, most))
        });
    }
    // I(X; Y | Z) = I(X; Y, Z) − I(X; Z), and no more than H(X | Z) and H(Y | Z).
    let part = plug_in_of(&of_x, &of_z);
    let most = entropy(part.xy).min(entropy(whole.y)) - entropy(part.y);
    let value = whole.miller_madow - part.miller_madow;
    Ok(MethodResult {
        uncorrected: Some(whole.plug_in - part.plug_in),
        cells,
        ..MethodResult::plain(without_chance(value, chance, most))
    })
}

/// The columns of x, y and z that are not linear functions of others, of their side and of z.
fn independent(
    x: &Sample,
    y: &Sample,
    z: Option<&Sample>,
    marginals: Marginals,
) -> [Vec<usize>; 3] {
    let seen = |side: &Sample| side.marginal_columns(marginals);
    let given = z.map_or(Vec::new(), seen);
    let of = |side: Vec<Vec<f64>>| -> Vec<usize> {
        let functions = linear_functions(&[given.clone(), side].concat(), SMALLEST_PIVOT);
        let own = functions.into_iter().skip(given.len()).enumerate();
        own.filter(|(_, function)| function.is_none()).map(|(column, _)| column).collect()
    };
    let of_given = linear_functions(&given, SMALLEST_PIVOT).into_iter().enumerate();
    let of_given = of_given.filter(|(_, function)| function.is_none()).map(|(column, _)| column);
    [of(seen(x)), of(seen(y)), of_given.collect()]
}

/// The rows whose discrete values, over all sides, also occur in another row; `None` if no column
/// is discrete.
pub(super) fn rows_not_alone(x: &Sample, y: &Sample, z: Option<&Sample>) -> Option<Vec<usize>> {
    let discrete = |side: &Sample| {
        let kinds = side.columns().enumerate();
        let columns: Vec<usize> =
            kinds.filter(|(_, kind)| kind.is_discrete()).map(|(index, _)| index).collect();
        side.only(&columns)
    };
    let sides = [Some(x), Some(y), z].into_iter().flatten().map(discrete);
    let all = sides.map(Ok).reduce(|a, b| a?.beside(&b?))?.ok()?;
    let (labels, classes) = all.labels();
    let members = members(&labels, classes);
    (all.dims() > 0)
        .then(|| (0..all.n()).filter(|&row| members[labels[row] as usize] > 1).collect())
}

/// The number of rows whose values, over all columns, occur in no other row.
fn unique_labels(side: &Sample) -> usize {
    let (labels, classes) = side.labels();
    members(&labels, classes).into_iter().filter(|&count| count == 1).count()
}

/// How many rows have each label.
fn members(labels: &[u32], classes: usize) -> Vec<usize> {
    let mut members = vec![0_usize; classes];
    for &label in labels {
        members[label as usize] += 1;
    }
    members
}
