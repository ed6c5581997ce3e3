//! Pairs of columns, each column typed and ranked once.

use mi_samples::{Estimate, Sample, Settings};
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::error::CliError;
use crate::estimator::{Measured, Plan};
use crate::lag::Lags;
use crate::messages::{Messages, Warning};
use crate::observations::{Observations, complete_rows, refuse_missing};
use crate::options::MissingRule;
use crate::output::Progress;
use crate::table::Column;
use crate::words::cut;

/// A column of a frame, ranked if no value is missing.
pub struct ColumnSample<'a> {
    /// The column.
    pub column: &'a Column,
    sample: Option<Sample>,
}

/// What was found for a pair.
pub struct Pair {
    /// Rows that the estimate uses: both columns have a value, and copies and unique labels are left out
    /// where they are no use.
    pub n: usize,
    /// The estimates.
    pub measured: Measured,
}

impl Pair {
    /// A pair without an estimate, and why.
    fn none(x: &Column, y: &Column, why: &CliError) -> Self {
        let why = format!("`{}` and `{}`: {why}", x.name, y.name);
        let warnings = vec![Warning::new("no_estimate", why).about([&x.name, &y.name])];
        Self { n: 0, measured: Measured { estimates: Vec::new(), warnings, critic: None } }
    }

    /// The most trusted estimate.
    pub fn estimate(&self) -> Option<&Estimate> {
        self.measured.estimates.first()
    }

    /// Its value.
    pub fn nats(&self) -> f64 {
        self.estimate().map_or(f64::NAN, |estimate| estimate.value)
    }
}

impl<'a> ColumnSample<'a> {
    /// Columns of so many rows, but those that can say nothing: columns of text that never
    /// repeats (identifiers) are left out with a warning.
    ///
    /// # Errors
    /// When values are missing and `rule` does not allow it.
    pub fn all(
        all: Vec<&'a Column>,
        rows: usize,
        rule: MissingRule,
        seed: u64,
        messages: &mut Messages,
    ) -> Result<Vec<Self>, CliError> {
        let mut columns = Vec::new();
        for column in all {
            let present = column.values.len() - column.missing;
            if column.labels.as_ref().is_some_and(|labels| labels.len() == present && present > 1) {
                messages.warn(Warning::new(
                    "every_label_unique",
                    format!(
                        "`{}` is left out: each of its {present} labels is unique, such as `{}`",
                        column.name,
                        first_label(column)
                    ),
                ).about([&column.name]));
                continue;
            }
            if let Some(labels) = column.labels.as_ref().filter(|l| 2 * l.len() > present) {
                messages.warn(Warning::new(
                    "labels_nearly_unique",
                    format!(
                        "`{}` holds {} labels in {present} rows, such as `{}`: most are unique, and \
                         what it tells is not to be trusted; --exclude leaves it out",
                        column.name,
                        labels.len(),
                        first_label(column)
                    ),
                ));
            }
            if present == 0 {
                let text = format!("`{}` is left out: all its values are missing", column.name);
                messages.warn(Warning::new("no_values", text).about([&column.name]));
                continue;
            }
            columns.push(column);
        }
        if rule == MissingRule::Error {
            refuse_missing(&columns, rows)?;
        }
        columns
            .into_iter()
            .map(|column| {
                let ranked = |values| Sample::new(values, &[column.declared], seed);
                let sample = if column.missing == 0 {
                    ArrayView2::from_shape((rows, 1), &column.values).ok().map(ranked)
                } else {
                    None
                };
                Ok(Self { column, sample: sample.transpose()? })
            })
            .collect()
    }
}

fn first_label(column: &Column) -> String {
    column.labels.iter().flatten().next().map_or_else(String::new, |label| cut(label))
}

impl Plan {
    /// Estimates many pairs in parallel, showing how far it is. Pairs that cannot be estimated are
    /// left without a value, and warned of.
    ///
    /// # Errors
    /// As [`Plan::measure_pair`], if that is so of all pairs.
    pub fn measure_pairs(
        &self,
        pairs: &[(&ColumnSample<'_>, &ColumnSample<'_>)],
        messages: &mut Messages,
    ) -> Result<Vec<Pair>, CliError> {
        messages.flush();
        let progress = Progress::new("pairs", pairs.len(), messages.is_quiet());
        let found: Vec<Result<Pair, CliError>> = pairs
            .par_iter()
            .map(|(x, y)| {
                let pair = self.measure_pair(x, y);
                progress.step();
                pair
            })
            .collect();
        drop(progress);
        let none = found.iter().all(Result::is_err);
        let mut measured = Vec::with_capacity(found.len());
        for (pair, (x, y)) in found.into_iter().zip(pairs) {
            let pair = match pair {
                Ok(pair) => pair,
                Err(error) if none => return Err(error),
                Err(error) => Pair::none(x.column, y.column, &error),
            };
            for warning in &pair.measured.warnings {
                // What is about the rows is about those of both columns.
                let both = [&x.column.name, &y.column.name];
                let warning = warning.clone();
                messages.warn(if warning.columns.is_empty() {
                    warning.about(both)
                } else {
                    warning
                });
            }
            measured.push(pair);
        }
        Ok(measured)
    }

    /// Estimates the information between two columns, over the rows in which both have values.
    ///
    /// # Errors
    /// As [`Plan::measure`], and when no row has both values.
    pub fn measure_pair(
        &self,
        x: &ColumnSample<'_>,
        y: &ColumnSample<'_>,
    ) -> Result<Pair, CliError> {
        if let (Some(a), Some(b), false) = (&x.sample, &y.sample, self.dedup) {
            let names = [&x.column.name, &y.column.name].map(std::slice::from_ref);
            let measured = self.measure_samples(a, b, None, [names[0], names[1], &[]])?;
            return Ok(Pair { n: a.n() - measured.left_out(), measured });
        }
        let (x, y) = ([x.column], [y.column]);
        let total = x[0].values.len();
        let rows = complete_rows(&x, &y, &[], &Lags::default(), total, MissingRule::Drop)?;
        let mut used = rows.used;
        let mut observations = Observations::at_lag(&x, &y, &[], &used, 0);
        if self.dedup {
            let places = observations.no_copies(self.settings.seed)?;
            observations = observations.select(&places);
            used = places.into_iter().map(|place| used[place]).collect();
        }
        let settings = Settings { rows: self.settings.rows.select(&used), ..self.settings.clone() };
        let plan = Self { settings, ..self.clone() };
        let measured = plan.measure(&observations)?;
        Ok(Pair { n: observations.n() - measured.left_out(), measured })
    }
}
