//! The summary: the numbers of every configuration at its last step.

use crate::names;
use crate::numbers;
use crate::outcome::Outcome;
use crate::record::Metric;
use crate::results::Configuration;
use crate::table::{Align, Table};

/// Metrics that have a column.
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
        let own: Vec<&Configuration<'_>> =
            configurations.iter().filter(|c| section(c) == here).collect();
        for configuration in &own {
            let name = names::row(configuration, &own);
            let mut cells = vec![name, numbers::last_step(configuration)];
            for metric in COLUMNS {
                let end = configuration.end(metric);
                cells.push(numbers::mean_and_deviation(end.as_ref(), metric));
            }
            cells.push(numbers::finished(configuration));
            cells.push(also(configuration));
            table.row(cells);
        }
    }
    table.without_empty_columns()
}

/// The main numbers of a configuration that have no column.
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
