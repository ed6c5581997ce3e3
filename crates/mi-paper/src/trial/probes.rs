//! Probes and readers of features. Beyond features, they need only labels.

use mi_data::Dataset;
use mi_eval::{
    Constant, Evaluator, EvaluatorSettings, Family, HeldOut, LinearReader, Measure, MlpReader,
    NearestReader, Probe, Representation, Stream, TrainTest, symmetric_label_noise,
};
use ndarray::Array2;

use super::memo::{Key, Memo};
use crate::config::Evaluation;
use crate::error::PaperError;
use crate::record::Metric;

/// One in this many training images is held out for the readers of
/// [`Evaluation::ReferenceReaders`].
const HELD_OUT: usize = 6;

/// Whether any of the evaluations is run here. `ends` says whether those that are not run at every
/// evaluation are.
pub(super) fn any(evaluations: &[Evaluation], ends: bool) -> bool {
    evaluations.iter().any(|evaluation| match evaluation {
        Evaluation::Probe | Evaluation::ProbeEpochs | Evaluation::ScaledProbe { .. } => true,
        Evaluation::ConvergedProbe
        | Evaluation::LabelNoise { .. }
        | Evaluation::ReferenceReaders
        | Evaluation::NearestNeighbours => ends,
        _ => false,
    })
}

/// What is measured of a representation that is not the main one: only probes.
pub(super) fn of_others(evaluations: &[Evaluation]) -> Vec<Evaluation> {
    let is_probe = |evaluation: &&Evaluation| {
        matches!(
            evaluation,
            Evaluation::Probe | Evaluation::ProbeEpochs | Evaluation::ConvergedProbe
        )
    };
    evaluations.iter().filter(is_probe).copied().collect()
}

/// The metrics that [`run`] returns.
pub(super) fn metrics(evaluations: &[Evaluation], ends: bool) -> Vec<Metric> {
    let asked = |evaluation: Evaluation| evaluations.contains(&evaluation);
    let mut metrics = Vec::new();
    metrics.extend(asked(Evaluation::Probe).then_some(Metric::Accuracy));
    metrics.extend(asked(Evaluation::ProbeEpochs).then_some(Metric::ProbeEpochs));
    metrics
        .extend((ends && asked(Evaluation::ConvergedProbe)).then_some(Metric::AccuracyConverged));
    for evaluation in evaluations {
        match *evaluation {
            Evaluation::ScaledProbe { constant } => metrics.push(scaled(constant)),
            Evaluation::LabelNoise { percent } if ends => metrics.push(noisy(percent)),
            Evaluation::ReferenceReaders if ends => {
                metrics.extend(OF_READERS.iter().flat_map(|(metric, _)| {
                    reference_readers(0).map(|family| metric.of_part(&last_sixth(&family.name())))
                }));
            }
            Evaluation::NearestNeighbours if ends => metrics.push(Metric::NeighbourAccuracy),
            _ => {}
        }
    }
    metrics
}

/// Fits probes and readers to training features, and measures them on test features. Values that
/// are measured only at the ends are taken from the memo if it has them.
pub(super) fn run(
    memo: &Memo,
    evaluations: &[Evaluation],
    ends: bool,
    data: &Dataset,
    features: (&Array2<f32>, &Array2<f32>),
    seed: u64,
) -> Result<Vec<(Metric, f64)>, PaperError> {
    if !ends {
        return computed(evaluations, ends, data, features, seed);
    }
    let (train, test) = features;
    let key = Key::new("probes", &evaluations, seed).features(train).features(test);
    let key = key.bytes(&data.train.labels).bytes(&data.test.labels);
    memo.recall(key, || computed(evaluations, ends, data, features, seed))
}

fn computed(
    evaluations: &[Evaluation],
    ends: bool,
    data: &Dataset,
    (train, test): (&Array2<f32>, &Array2<f32>),
    seed: u64,
) -> Result<Vec<(Metric, f64)>, PaperError> {
    let labels = TrainTest::new(&data.train.labels[..], &data.test.labels[..]);
    let evaluate =
        |probe: Probe| probe.evaluate(train.view(), labels.train, test.view(), labels.test, seed);
    let asked = |evaluation: Evaluation| evaluations.contains(&evaluation);
    let mut found = Vec::new();
    let (accuracy, epochs) = (asked(Evaluation::Probe), asked(Evaluation::ProbeEpochs));
    if accuracy || epochs {
        let result = evaluate(Probe::paper())?;
        found.extend(accuracy.then_some((Metric::Accuracy, result.accuracy)));
        found.extend(epochs.then_some((Metric::ProbeEpochs, result.epochs as f64)));
    }
    if ends && asked(Evaluation::ConvergedProbe) {
        found.push((Metric::AccuracyConverged, evaluate(Probe::converged())?.accuracy));
    }
    for evaluation in evaluations {
        match *evaluation {
            Evaluation::ScaledProbe { constant } => {
                found.push((scaled(constant), evaluate(Probe::paper_with(constant))?.accuracy));
            }
            Evaluation::LabelNoise { percent } if ends => {
                let mut stream = Stream::new(seed, "label noise");
                let share = f64::from(percent) / 100.0;
                let noise = symmetric_label_noise(labels.train, share, &mut stream)?;
                let reading =
                    Family::linear().read_labels(train.view(), &noise, test.view(), None, seed)?;
                found.push((noisy(percent), reading.accuracy(labels.test)?));
            }
            Evaluation::ReferenceReaders if ends => {
                found.extend(read((train, test), labels, seed)?);
            }
            Evaluation::NearestNeighbours if ends => {
                let nearest = Family::nearest();
                let reading =
                    nearest.read_labels(train.view(), labels.train, test.view(), None, seed)?;
                found.push((Metric::NeighbourAccuracy, reading.accuracy(labels.test)?));
            }
            _ => {}
        }
    }
    Ok(found)
}

fn scaled(constant: Constant) -> Metric {
    Metric::AccuracyScaled.of_part(match constant {
        Constant::Rounding => "rounding",
        Constant::Exact => "exact",
        Constant::TenEpsilon => "ten epsilon",
    })
}

fn noisy(percent: u8) -> Metric {
    Metric::NoisyLabelAccuracy.of_part(&format!("linear {percent} %"))
}

/// The readers of [`Evaluation::ReferenceReaders`] for this number of training images.
fn reference_readers(rows: usize) -> [Family; 3] {
    let held_out = HeldOut::Last { last: rows / HELD_OUT };
    [
        Family::Linear(LinearReader { held_out, ..LinearReader::default() }),
        Family::Mlp(MlpReader { held_out, refit: false, ..MlpReader::default() }),
        Family::Nearest(NearestReader { held_out, ..NearestReader::default() }),
    ]
}

/// The metrics of the [`reference_readers`], and the measures behind them.
const OF_READERS: [(Metric, Measure); 2] =
    [(Metric::ReaderAccuracy, Measure::Accuracy), (Metric::VInformation, Measure::VInformation)];

/// The part of a metric that belongs to a family of [`reference_readers`].
fn last_sixth(family: &str) -> String {
    format!("{family}, last sixth")
}

/// Accuracy and V-information of each of the [`reference_readers`], which is fitted once.
fn read(
    (train, test): (&Array2<f32>, &Array2<f32>),
    labels: TrainTest<&[u8]>,
    seed: u64,
) -> Result<Vec<(Metric, f64)>, PaperError> {
    let features = TrainTest::new(train.view(), test.view());
    let representation = Representation { features, labels, view: None, base: None };
    let families = reference_readers(train.nrows()).to_vec();
    let settings = EvaluatorSettings { families, seed, ..EvaluatorSettings::default() };
    let mut evaluator = Evaluator::new(representation, settings)?;
    let mut found = Vec::new();
    for (metric, measure) in OF_READERS {
        let measured = evaluator.measure(measure)?.into_iter();
        found.extend(measured.filter_map(|m| Some((metric.of_part(&last_sixth(&m.of)), m.value?))));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use mi_data::{Geometry, Provenance, Split};
    use ndarray::ArrayView1;

    use super::*;

    /// Two classes, one of them to either side of 0 in the first of two features.
    fn data() -> (Dataset, [Array2<f32>; 2]) {
        let mut stream = Stream::new(1, "features");
        let mut split = |count: usize| {
            let features = stream.normal_matrix((count, 2)).mapv(|v| v as f32);
            let labels = features.column(0).iter().map(|&v| u8::from(v > 0.0)).collect();
            (Split::new(Array2::zeros((count, 1)), labels).unwrap(), features)
        };
        let ((train, of_train), (test, of_test)) = (split(1_200), split(300));
        let data = Dataset {
            name: "none".to_owned(),
            train,
            test,
            geometry: Geometry::new(1, 1, 1),
            classes: 2,
            provenance: Provenance::default(),
        };
        (data, [of_train, of_test])
    }

    fn all() -> Vec<Evaluation> {
        vec![
            Evaluation::Probe,
            Evaluation::ConvergedProbe,
            Evaluation::ProbeEpochs,
            Evaluation::ScaledProbe { constant: Constant::Rounding },
            Evaluation::ScaledProbe { constant: Constant::TenEpsilon },
            Evaluation::LabelNoise { percent: 0 },
            Evaluation::LabelNoise { percent: 45 },
            Evaluation::ReferenceReaders,
            Evaluation::NearestNeighbours,
        ]
    }

    /// The label that the 20 nearest rows vote for, of two, for each row of `test`.
    fn votes(train: &Array2<f32>, labels: &[u8], test: &Array2<f32>) -> Vec<u8> {
        let unit = |row: ArrayView1<'_, f32>| &row / row.dot(&row).sqrt();
        let of_row = |row: ArrayView1<'_, f32>| {
            let row = unit(row);
            let mut near: Vec<(f32, u8)> = train
                .rows()
                .into_iter()
                .zip(labels)
                .map(|(r, &l)| (row.dot(&unit(r)), l))
                .collect();
            near.sort_by(|a, b| b.0.total_cmp(&a.0));
            let votes = near[..20].iter();
            let ones: f32 =
                votes.map(|&(c, l)| ((c - 1.0) / 0.07).exp() * (2.0 * f32::from(l) - 1.0)).sum();
            u8::from(ones > 0.0)
        };
        test.rows().into_iter().map(of_row).collect()
    }

    #[test]
    fn what_is_found_is_what_is_announced() {
        let (data, [train, test]) = data();
        for ends in [true, false] {
            let found = run(&Memo::default(), &all(), ends, &data, (&train, &test), 3).unwrap();
            let names: Vec<Metric> = found.iter().map(|(metric, _)| *metric).collect();
            assert_eq!(names, metrics(&all(), ends));
            assert!(found.iter().all(|(_, value)| value.is_finite()));
        }
        assert!(any(&[Evaluation::ReferenceReaders], true));
        assert!(!any(&[Evaluation::ReferenceReaders, Evaluation::Bounds], false));
    }

    #[test]
    fn probes_and_readers_have_the_values_of_their_definitions() {
        let (data, [train, test]) = data();
        let found = run(&Memo::default(), &all(), true, &data, (&train, &test), 3).unwrap();
        let value = |metric: Metric| found.iter().find(|(own, _)| *own == metric).unwrap().1;
        let labels = TrainTest::new(&data.train.labels[..], &data.test.labels[..]);
        let evaluate = |probe: Probe| {
            probe.evaluate(train.view(), labels.train, test.view(), labels.test, 3).unwrap()
        };
        let paper = evaluate(Probe::paper());
        assert_eq!(value(Metric::Accuracy), paper.accuracy);
        assert_eq!(value(Metric::ProbeEpochs), paper.epochs as f64);
        assert_eq!(value(scaled(Constant::Rounding)), paper.accuracy);
        assert_eq!(value(Metric::AccuracyConverged), evaluate(Probe::converged()).accuracy);
        // Without noise, the readers are the default ones; with nearly half, the labels say little.
        let reading =
            Family::linear().read_labels(train.view(), labels.train, test.view(), None, 3).unwrap();
        assert_eq!(value(noisy(0)), reading.accuracy(labels.test).unwrap());
        assert!(value(noisy(45)) < value(noisy(0)) - 0.02, "{}", value(noisy(45)));
        // C is chosen on the last 200 rows, and the network is not fitted again.
        let of = |metric: Metric, family: &str| value(metric.of_part(&last_sixth(family)));
        let held_out = HeldOut::Last { last: 200 };
        let mlp = MlpReader { held_out, refit: false, ..MlpReader::default() };
        let reading =
            Family::Mlp(mlp).read_labels(train.view(), labels.train, test.view(), None, 3).unwrap();
        let accuracy = reading.accuracy(labels.test).unwrap();
        assert_eq!(of(Metric::ReaderAccuracy, "mlp-200"), accuracy);
        let voted = votes(&train, labels.train, &test);
        let right = voted.iter().zip(labels.test).filter(|(voted, label)| voted == label).count();
        // The reader mixes in a share of the prior, which can turn a close vote.
        let difference = value(Metric::NeighbourAccuracy) - right as f64 / 300.0;
        assert!(difference.abs() < 0.005, "{difference}");
        for family in ["linear", "mlp-200", "knn-20"] {
            assert!(of(Metric::VInformation, family) > 0.4, "{family}");
        }
    }
}
