//! The summary: every configuration's numbers at its last step.

use crate::configurations::{Configuration, Trial};
use crate::names;
use crate::outcome::Outcome;
use crate::record::Metric;
use crate::report::numbers;
use crate::report::table::{Align, MISSING, Table};

/// Metrics that have a column of their own.
const COLUMNS: [Metric; 4] =
    [Metric::BoundTrain, Metric::BoundTest, Metric::Accuracy, Metric::AccuracyConverged];

/// Each configuration's bounds and accuracies at the last step, mean ± standard deviation over
/// the seeds that finished; trials that diverged count only in the last column.
pub fn summary(outcome: &Outcome) -> Table {
    let mut table = Table::new(
        "Last step, mean ± sd over seeds",
        &[
            ("configuration", Align::Left),
            ("step", Align::Right),
            ("bound, train", Align::Right),
            ("bound, held out", Align::Right),
            ("accuracy", Align::Right),
            ("converged", Align::Right),
            ("finished", Align::Right),
            ("also", Align::Left),
        ],
    );
    let configurations = Configuration::all(outcome);
    let section = |c: &Configuration<'_>| (c.key.experiment.clone(), c.key.dataset.clone());
    let mut sections: Vec<(String, String)> = Vec::new();
    for configuration in &configurations {
        if !sections.contains(&section(configuration)) {
            sections.push(section(configuration));
        }
    }
    for here in sections {
        table.section(format!("{}, {}", here.0, names::dataset(&here.1)));
        let own = || configurations.iter().filter(|c| section(c) == here);
        for configuration in own() {
            let name = names::row(&configuration.key, own().map(|c| &c.key));
            let mut cells = vec![name, last_step(configuration)];
            for metric in COLUMNS {
                let end = configuration.end(metric);
                cells.push(numbers::mean_and_deviation(end.as_ref(), metric));
            }
            cells.push(finished(configuration));
            cells.push(also(configuration));
            table.row(cells);
        }
    }
    table.without_empty_columns()
}

/// `finished/asked`, and how many diverged.
pub(crate) fn finished(configuration: &Configuration<'_>) -> String {
    let ratio = format!("{}/{}", configuration.finished(), configuration.asked());
    match configuration.diverged() {
        0 => ratio,
        n => format!("{ratio}, {n} diverged"),
    }
}

/// The step at which the numbers were taken, and that asked for if it was not reached.
pub(crate) fn last_step(configuration: &Configuration<'_>) -> String {
    let reached = configuration.counted().filter_map(Trial::last_step).max();
    let asked = configuration.trials.iter().map(|t| t.info.steps).max().unwrap_or(0);
    match reached {
        None => MISSING.to_owned(),
        Some(step) if configuration.finished() == 0 && step < asked => {
            format!("{} of {}", numbers::grouped(step), numbers::grouped(asked))
        }
        Some(step) => numbers::grouped(step),
    }
}

/// The number that an experiment is about where it is none of the columns.
fn also(configuration: &Configuration<'_>) -> String {
    let shown = [
        Metric::AccuracyClassifier,
        Metric::TargetLoss,
        Metric::LogConditionP60,
        Metric::InverseError,
    ];
    let mut words: Vec<String> = shown
        .iter()
        .filter_map(|&metric| {
            let end = configuration.end(metric)?;
            let number = numbers::mean_and_deviation(Some(&end), metric);
            let name = names::short_metric(metric);
            Some(format!("{name} {number}"))
        })
        .collect();
    if let Some(tails) = configuration.tails(Metric::Estimate) {
        let number = numbers::mean_and_deviation(Some(&tails), Metric::Estimate);
        words.push(format!("estimate, last fifth {number}"));
    }
    words.join("; ")
}
