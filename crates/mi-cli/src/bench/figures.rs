//! Scores as figures.

use mi_plot::{Axis, HeatMap, IntervalChart, IntervalRow, Svg};

use super::{Benchmark, Score};
use crate::options::Unit;

/// Every mean estimate ± its standard deviation, with the truth, one below the other.
pub fn against_truth(benchmarks: &[Benchmark], scores: &[Vec<Score>], unit: Unit) -> Svg {
    let axis = Axis::new(format!("mutual information, {}", unit.name()));
    let mut chart = IntervalChart::new("Estimates of known mutual information", axis)
        .mark_name("truth")
        .colours(scores.iter().take(1).flatten().map(|score| score.method.clone()))
        .note("Mean over the samples, ± their standard deviation. Hollow diamonds: the truth.");
    for (benchmark, scores) in benchmarks.iter().zip(scores) {
        for (colour, score) in scores.iter().enumerate() {
            let (mean, deviation) = (unit.of(score.mean()), unit.of(score.deviation()));
            let row = IntervalRow::new(format!("{}: {}", benchmark.id, score.method), mean)
                .between(mean - deviation, mean + deviation)
                .colour(colour)
                .mark(unit.of(benchmark.mutual_information()))
                .note(format!("{} samples", score.present().len()));
            chart = chart.row(if colour == 0 { row.titled(&benchmark.id) } else { row.below() });
        }
    }
    chart.draw()
}

/// The absolute errors of the mean estimates: distributions as rows, estimators as columns.
pub fn errors(benchmarks: &[Benchmark], scores: &[Vec<Score>], unit: Unit) -> Svg {
    let labels: Vec<String> = benchmarks.iter().map(|benchmark| benchmark.id.clone()).collect();
    let methods: Vec<String> =
        scores.iter().take(1).flatten().map(|score| score.method.clone()).collect();
    HeatMap::new("Absolute error of the mean estimate", &labels, &methods, |row, method| {
        unit.of((scores[row][method].mean() - benchmarks[row].mutual_information()).abs())
    })
    .unit(unit.name())
    .decimals(3)
    .draw()
}
