//! Pairs of columns, each column typed and ranked once.

use mi_samples::{Estimate, Sample, SamplesError, Settings};
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::error::CliError;
use crate::estimator::{Measured, Plan, TIE_DEVIATION, tie_deviation};
use crate::lag::Lags;
use crate::messages::{Messages, Warning};
use crate::observations::{Observations, complete_rows, refuse_missing};
use crate::options::MissingRule;
use crate::output::Progress;
use crate::table::Column;
use crate::words::cut;

/// Warnings about a column that do not depend on its partner.
const PER_COLUMN: [&str; 3] = ["ties_broken", "ties_left", "atoms"];

/// A column of a frame, ranked if no value is missing.
pub struct ColumnSample<'a> {
    /// The column.
    pub column: &'a Column,
    sample: Option<Sample>,
    /// Why the column cannot be used, if it cannot.
    pub unusable: Option<String>,
}

/// The result for a pair.
pub struct Pair {
    /// Rows that the estimate uses: both columns have a value, and unique labels are left out where
    /// they are useless. Without an estimate, the rows in which both have a value.
    pub n: usize,
    /// The estimates.
    pub measured: Measured,
    /// Why there is none, if there is none.
    pub reason: Option<String>,
}

impl Pair {
    /// A pair of `n` rows without an estimate.
    fn none(n: usize, reason: String) -> Self {
        let measured = Measured { estimates: Vec::new(), warnings: Vec::new(), critic: None };
        Self { n, measured, reason: Some(reason) }
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
    /// Columns with this many rows. Those that cannot be used, because they have text that never
    /// repeats (identifiers) or no values, get a warning and no estimate.
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
        let unusable = |column: &Column| {
            let present = column.values.len() - column.missing;
            let unique = |labels: &Vec<String>| labels.len() == present && present > 1;
            if present == 0 {
                Some(("no_values", "all its values are missing".to_owned()))
            } else if column.labels.as_ref().is_some_and(unique) {
                let label = first_label(column);
                let why = format!("each of its {present} labels is unique, such as `{label}`");
                Some(("every_label_unique", why))
            } else {
                None
            }
        };
        let mut columns = Vec::new();
        for column in all {
            let unusable = unusable(column).map(|(code, why)| {
                let text = format!("`{}` is left out: {why}", column.name);
                messages.warn(Warning::new(code, text).about([&column.name]));
                why
            });
            let present = column.values.len() - column.missing;
            let labels = column.labels.as_ref().filter(|_| unusable.is_none());
            if let Some(labels) = labels.filter(|labels| 2 * labels.len() > present) {
                let text = format!(
                    "`{}` holds {} labels in {present} rows, such as `{}`: most are unique, and \
                     its values are not reliable; --exclude leaves it out",
                    column.name,
                    labels.len(),
                    first_label(column)
                );
                messages.warn(Warning::new("labels_nearly_unique", text).about([&column.name]));
            }
            columns.push(Self { column, sample: None, unusable });
        }
        let usable = columns.iter_mut().filter(|column| column.unusable.is_none());
        let mut usable: Vec<&mut Self> = usable.collect();
        if rule == MissingRule::Error {
            let columns: Vec<&Column> = usable.iter().map(|usable| usable.column).collect();
            refuse_missing(&columns, rows)?;
        }
        for usable in &mut usable {
            let column = usable.column;
            if column.missing > 0 {
                continue;
            }
            if let Ok(values) = ArrayView2::from_shape((rows, 1), &column.values) {
                usable.sample = Some(Sample::new(values, &[column.declared], seed)?);
            }
        }
        Ok(columns)
    }
}

/// The rows in which both columns have a value.
fn rows_of_both(x: &ColumnSample<'_>, y: &ColumnSample<'_>) -> usize {
    let both = x.column.values.iter().zip(&y.column.values);
    both.filter(|(x, y)| !x.is_nan() && !y.is_nan()).count()
}

/// Whether the error is in the command, rather than in the columns.
fn is_about_settings(error: &CliError) -> bool {
    matches!(
        error,
        CliError::Usage(_)
            | CliError::Setting(_)
            | CliError::Estimator(SamplesError::Setting { .. })
    )
}

fn first_label(column: &Column) -> String {
    column.labels.iter().flatten().next().map_or_else(String::new, |label| cut(label))
}

impl Plan {
    /// Estimates many pairs in parallel, with progress. Pairs that cannot be estimated keep their
    /// place, with the reason and a warning.
    ///
    /// # Errors
    /// If a setting is invalid for every pair.
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
        let none = !found.iter().flatten().any(|pair| pair.reason.is_none());
        let mut measured = Vec::with_capacity(found.len());
        for (pair, (x, y)) in found.into_iter().zip(pairs) {
            let pair = match pair {
                Ok(pair) => pair,
                Err(error) if none && is_about_settings(&error) => return Err(error),
                Err(error) => {
                    let names = [x, y].map(|side| cut(&side.column.name));
                    let why = format!("`{}` and `{}`: {error}", names[0], names[1]);
                    let about = [&x.column.name, &y.column.name];
                    messages.warn(Warning::new("no_estimate", why).about(about));
                    Pair::none(rows_of_both(x, y), error.to_string())
                }
            };
            for warning in pair.measured.warnings.iter().filter(|w| w.code != TIE_DEVIATION) {
                // Warnings about rows concern both columns.
                let both = [&x.column.name, &y.column.name];
                let warning = warning.clone();
                let warning =
                    if warning.columns.is_empty() { warning.about(both) } else { warning };
                // Counts of ties differ between pairs with other rows; they are reported once.
                let same = |w: &Warning| w.code == warning.code && w.columns == warning.columns;
                if !(PER_COLUMN.contains(&warning.code) && messages.warnings().iter().any(same)) {
                    messages.warn(warning);
                }
            }
            measured.push(pair);
        }
        let deviations = measured.iter().filter_map(|pair| pair.estimate()?.tie_deviation);
        let is_said = messages.warnings().iter().any(|warning| warning.code == TIE_DEVIATION);
        if let Some(largest) = deviations.reduce(f64::max).filter(|_| !is_said) {
            let text = format!("over all pairs, at most: {}", tie_deviation(largest));
            messages.warn(Warning::new(TIE_DEVIATION, text).mild());
        }
        Ok(measured)
    }

    /// Estimates the information between two columns, over the rows in which both have values.
    ///
    /// # Errors
    /// Those of [`Plan::measure`], and if no row has both values.
    pub fn measure_pair(
        &self,
        x: &ColumnSample<'_>,
        y: &ColumnSample<'_>,
    ) -> Result<Pair, CliError> {
        if let Some((column, why)) =
            [x, y].iter().find_map(|side| Some((side.column, side.unusable.as_ref()?)))
        {
            let why = format!("`{}`: {why}", cut(&column.name));
            return Ok(Pair::none(rows_of_both(x, y), why));
        }
        if let (Some(a), Some(b)) = (&x.sample, &y.sample) {
            let names = [&x.column.name, &y.column.name].map(std::slice::from_ref);
            let measured = self.measure_samples(a, b, None, [names[0], names[1], &[]])?;
            return Ok(Pair { n: a.n() - measured.left_out(), measured, reason: None });
        }
        let (x, y) = ([x.column], [y.column]);
        let total = x[0].values.len();
        let rows = complete_rows(&x, &y, &[], &Lags::default(), total, MissingRule::Drop)?;
        let observations = Observations::at_lag(&x, &y, &[], &rows.used, 0);
        let structure = self.settings.rows.select(&rows.used);
        let settings = Settings { rows: structure, ..self.settings.clone() };
        let plan = Self { settings, ..self.clone() };
        let measured = plan.measure(&observations)?;
        Ok(Pair { n: observations.n() - measured.left_out(), measured, reason: None })
    }
}
