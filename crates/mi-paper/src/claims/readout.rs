//! Which value of a metric represents a trial.

use crate::record::Metric;
use crate::results::Trial;

/// How the value of a metric is read from a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readout {
    /// The mean over the evaluations in the last fifth of the steps, so that a single dip does not
    /// decide.
    LastFifth,
    /// The last evaluation, as in version 1 of the rules.
    LastEvaluation,
}

impl Readout {
    /// Reads the value of a metric from a trial.
    pub(crate) fn of(self, metric: Metric) -> impl Fn(&Trial<'_>) -> Option<f64> {
        move |trial| match self {
            Self::LastFifth => trial.tail_mean(metric),
            Self::LastEvaluation => trial.last(metric).map(|(_, value)| value),
        }
    }

    /// Reads the rise of a metric from a trial: its value minus that at the start, where a start
    /// below `floor` counts as `floor`. `None` if nothing was measured after the start.
    pub(crate) fn rise(self, metric: Metric, floor: f64) -> impl Fn(&Trial<'_>) -> Option<f64> {
        let value = self.of(metric);
        move |trial| {
            let (start, (step, _)) = (trial.first(metric)?, trial.last(metric)?);
            (step > 0).then(|| value(trial)).flatten().map(|end| end - start.max(floor))
        }
    }
}
