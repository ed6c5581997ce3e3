//! Measures a representation with `mi-eval`'s evaluator.

use mi_eval::{Evaluator, EvaluatorSettings, Measure, Measured, Representation, TrainTest};
use ndarray::Array2;

use super::memo::{Key, Memo};
use crate::config::Evaluation;
use crate::error::PaperError;
use crate::record::Metric;

/// Features of training and test images, or of other samples.
#[derive(Clone, Debug)]
pub struct Sides {
    /// Features of the samples to train on, n × d.
    pub train: Array2<f32>,
    /// Features of the samples to test on, m × d.
    pub test: Array2<f32>,
}

impl Sides {
    fn views(&self) -> TrainTest<ndarray::ArrayView2<'_, f32>> {
        TrainTest::new(self.train.view(), self.test.view())
    }
}

/// The measures that a configuration asks for.
pub(super) fn asked(evaluations: &[Evaluation]) -> Vec<Measure> {
    let of = |evaluation: &Evaluation| match evaluation {
        Evaluation::Measure { of } => Some(*of),
        _ => None,
    };
    evaluations.iter().filter_map(of).collect()
}

/// Measures a representation, unless the memo has the result. The representation of the other view
/// and the pixels (`base`) are given if there are any. A measure without a value, such as the
/// exponent of a narrow spectrum, is left out.
pub(super) fn measure(
    memo: &Memo,
    measures: &[Measure],
    of: (&Sides, Option<&Sides>, Option<&Sides>),
    labels: TrainTest<&[u8]>,
    seed: u64,
) -> Result<Vec<(Metric, f64)>, PaperError> {
    let (features, view, base) = of;
    let key = Key::new("representation", &measures, seed).sides(features);
    let key = key.optional(view).optional(base).bytes(labels.train).bytes(labels.test);
    memo.recall(key, || computed(measures, of, labels, seed))
}

fn computed(
    measures: &[Measure],
    (features, view, base): (&Sides, Option<&Sides>, Option<&Sides>),
    labels: TrainTest<&[u8]>,
    seed: u64,
) -> Result<Vec<(Metric, f64)>, PaperError> {
    let representation = Representation {
        features: features.views(),
        labels,
        view: view.map(Sides::views),
        base: base.map(Sides::views),
    };
    let settings = EvaluatorSettings { seed, ..EvaluatorSettings::default() };
    let mut evaluator = Evaluator::new(representation, settings)?;
    let available = evaluator.available();
    let mut found = Vec::new();
    for measure in measures.iter().filter(|measure| available.contains(measure)) {
        let all = evaluator.measure(*measure)?;
        found.extend(all.iter().filter_map(|measured| Some((metric(measured)?, measured.value?))));
    }
    Ok(found)
}

/// The metric under which a measured value is recorded.
fn metric(measured: &Measured) -> Option<Metric> {
    let whole = metric_of(measured.measure)?;
    Some(if measured.of.is_empty() { whole } else { whole.of_part(&measured.of) })
}

/// The metric of a measure as a whole.
pub(super) fn metric_of(measure: Measure) -> Option<Metric> {
    Some(match measure {
        Measure::EarlyStoppedAccuracy => Metric::Accuracy,
        Measure::Accuracy => Metric::ReaderAccuracy,
        Measure::VInformation => Metric::VInformation,
        Measure::VInformationOfView => Metric::VInformationOfView,
        Measure::ConditionalVInformation => Metric::ConditionalVInformation,
        Measure::FewLabelAccuracy => Metric::FewLabelAccuracy,
        Measure::DescriptionLength => Metric::DescriptionLength,
        Measure::SampleComplexity => Metric::SampleComplexity,
        Measure::Surplus => Metric::Surplus,
        Measure::Alignment => Metric::Alignment,
        Measure::Uniformity => Metric::Uniformity,
        Measure::RankMe => Metric::RankMe,
        Measure::EffectiveRank => Metric::EffectiveRank,
        Measure::SpectrumExponent => Metric::SpectrumExponent,
        Measure::CkaToView => Metric::CkaToView,
        Measure::CkaToBase => Metric::CkaToBase,
        Measure::ClassSeparation => Metric::ClassSeparation,
        Measure::NeighbourPurity => Metric::NeighbourPurity,
        Measure::DeadUnits => Metric::DeadUnits,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_has_a_metric() {
        for info in mi_eval::MEASURES {
            let record = serde_json::json!({
                "measure": info.measure, "of": "", "value": 1.0, "interval": null, "note": null,
            });
            let measured: Measured = serde_json::from_value(record).unwrap();
            assert!(metric(&measured).is_some(), "{}", info.name);
        }
    }
}
