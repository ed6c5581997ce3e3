//! One run of a method whose settings are resolved.

use statrs::function::gamma::digamma;

use super::method::{no_given, resolve};
use super::{EstimatorSettings, Method, Settings};
use crate::SamplesError;
use crate::closed_form::{gaussian_conditional_of, plug_in_of};
use crate::neighbours::{
    KsgVariant, conditional_ksg_of, ksg_of, mesner_shalizi_of, mixture_of, ross_of,
};
use crate::neural::{NeuralEstimate, NeuralSettings, difference_of_entropies, neural};
use crate::rows::{Gap, RowStructure};
use crate::sample::{Marginals, Sample};

/// Rows up to which an estimate averages over [`MOST_DITHERS`] dithers; more rows, fewer dithers.
const ROWS_OF_MOST_DITHERS: usize = 1000;

/// Dithers to average over. One alone moves an estimate from 342 rows by a standard deviation of
/// 0.01 (Ross) to 0.02 (Kraskov), half of the sampling error.
const MOST_DITHERS: usize = 8;

/// What one run of a method found.
pub(super) struct Found {
    pub(super) value: f64,
    pub(super) uncorrected: Option<f64>,
    pub(super) standard_error: Option<f64>,
    pub(super) left_out: usize,
    pub(super) cells: Option<usize>,
    pub(super) neural: Option<Box<NeuralEstimate>>,
    /// Of methods that train.
    pub(super) gap: Option<Gap>,
}

impl Found {
    pub(super) fn plain(value: f64) -> Self {
        Self {
            value,
            uncorrected: None,
            standard_error: None,
            left_out: 0,
            cells: None,
            neural: None,
            gap: None,
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
    /// How many dithers of rounded columns to average over.
    dithers: usize,
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
        // A critic would be trained again and again, and has no neighbours to keep apart.
        let by_kinds = settings.test.is_some() || settings.extrapolate || settings.theiler > 0;
        let method = resolve(settings.method, x, y, z, by_kinds)?;
        let takes_theiler = matches!(method, Method::Ksg1 | Method::Ksg2 | Method::FrenzelPompe);
        if settings.theiler > 0 && !takes_theiler {
            let value = format!("{} with method {method}", settings.theiler);
            let range = "0 for methods other than ksg1, ksg2 and frenzel-pompe";
            return Err(SamplesError::Setting { setting: "theiler", value, range });
        }
        let k = settings.neighbours.unwrap_or(method.default_neighbours());
        let rounded = [Some(x), Some(y), z].into_iter().flatten().any(Sample::is_dithered);
        let dithers = if rounded && method.uses_neighbours() {
            (MOST_DITHERS * ROWS_OF_MOST_DITHERS / x.n()).clamp(1, MOST_DITHERS)
        } else {
            1
        };
        Ok(Self {
            method,
            k,
            marginals: settings.marginals,
            theiler: settings.theiler,
            dithers,
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

    /// The mean over the dithers.
    pub(super) fn evaluate(
        &self,
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
    ) -> Result<Found, SamplesError> {
        let mut found = self.evaluate_once(x, y, z)?;
        for replicate in 1..self.dithers {
            let again = |side: &Sample| side.dithered_again(replicate);
            found.value += self.evaluate_once(&again(x), &again(y), z.map(again).as_ref())?.value;
        }
        found.value /= self.dithers as f64;
        Ok(found)
    }

    fn evaluate_once(
        &self,
        x: &Sample,
        y: &Sample,
        z: Option<&Sample>,
    ) -> Result<Found, SamplesError> {
        let ks = [self.k];
        let seen = |side: &Sample| side.coordinates(self.marginals);
        let first = |values: Vec<f64>| Found::plain(values[0]);
        match self.method {
            Method::Auto | Method::Ksg1 => {
                ksg_of(seen(x), seen(y), KsgVariant::First, &ks, self.theiler).map(first)
            }
            Method::Ksg2 => {
                ksg_of(seen(x), seen(y), KsgVariant::Second, &ks, self.theiler).map(first)
            }
            Method::Mixture => mixture_of(seen(x), seen(y), &ks).map(first),
            Method::MesnerShalizi => {
                mesner_shalizi_of(seen(x), seen(y), z.map(seen), &ks).map(first)
            }
            Method::FrenzelPompe => {
                let given = z.map(seen).ok_or_else(|| no_given(self.method))?;
                conditional_ksg_of(seen(x), seen(y), given, &ks, self.theiler).map(first)
            }
            Method::Ross => {
                let (discrete, other) = if x.is_discrete() { (x, y) } else { (y, x) };
                let found = ross_of(seen(other), &discrete.labels().0, &ks)?;
                Ok(Found { left_out: found.left_out, ..Found::plain(found.values[0]) })
            }
            Method::Gaussian | Method::GaussianCopula => {
                let marginals = if self.method == Method::Gaussian {
                    Marginals::Raw
                } else {
                    Marginals::NormalScores
                };
                let seen = |side: &Sample| side.marginal_columns(marginals);
                let found = gaussian_conditional_of(seen(x), seen(y), z.map_or(Vec::new(), seen))?;
                Ok(Found {
                    uncorrected: Some(found.uncorrected),
                    standard_error: Some(found.standard_error),
                    ..Found::plain(found.value)
                })
            }
            Method::Neural => {
                let found = neural(x, y, &self.neural, &self.rows, self.seed)?;
                let (value, error, gap) = (found.value, found.standard_error, Some(found.gap));
                let neural = Some(Box::new(found));
                Ok(Found { standard_error: Some(error), neural, gap, ..Found::plain(value) })
            }
            Method::EntropyDifference => {
                let found = difference_of_entropies(x, y, &self.neural, &self.rows, self.seed)?;
                let (standard_error, gap) = (Some(found.standard_error), Some(found.gap));
                Ok(Found { standard_error, gap, ..Found::plain(found.value) })
            }
            Method::PlugIn => {
                let (x, y) = (x.labels().0, y.beside_if(z)?.labels().0);
                let whole = plug_in_of(&x, &y);
                let cells = Some(whole.xy.values);
                let Some(z) = z else {
                    return Ok(Found {
                        uncorrected: Some(whole.plug_in),
                        standard_error: Some(whole.standard_error),
                        cells,
                        ..Found::plain(whole.miller_madow)
                    });
                };
                // I(X; Y | Z) = I(X; Y, Z) − I(X; Z).
                let part = plug_in_of(&x, &z.labels().0);
                Ok(Found {
                    uncorrected: Some(whole.plug_in - part.plug_in),
                    cells,
                    ..Found::plain(whole.miller_madow - part.miller_madow)
                })
            }
        }
    }

    /// The most that the method can find in n rows.
    pub(super) fn cap(&self, n: usize) -> Option<f64> {
        let largest = || digamma(n as f64) - digamma(self.k as f64);
        match self.method {
            Method::Ksg1 => Some(largest()),
            // No side has fewer than k within the rectangle.
            Method::Ksg2 => Some(largest() - 1.0 / self.k as f64),
            _ => None,
        }
    }
}
