//! An evaluator returns what the functions behind its measures return.

use mi_eval::{
    EvalError, Evaluator, EvaluatorSettings, Family, LossDataCurve, MEASURES, Measure, Measured,
    MlpReader, NearestReader, Neighbours, Probe, Representation, Spectrum, Stream, TrainTest,
    alignment, conditional_v_information, few_labels, linear_cka_debiased, neighbour_purity,
    online_code_sizes, symmetric_label_noise, uniformity, v_information,
    v_information_about_values,
};
use ndarray::{Array2, ArrayView2, Axis};

const TRAIN: usize = 900;

struct Data {
    first: Array2<f32>,
    second: Array2<f32>,
    base: Array2<f32>,
    labels: Vec<&'static str>,
}

fn data() -> Data {
    let mut stream = Stream::new(1, "evaluator");
    let base = stream.normal_matrix((1200, 6));
    let name = |x: ndarray::ArrayView1<'_, f64>| match (x[0] > 0.0, x[1] + x[2] > 0.0) {
        (true, true) => "cat",
        (true, false) => "dog",
        _ => "eel",
    };
    let labels = base.rows().into_iter().map(name).collect();
    let mut view = || (&base + 0.4 * stream.normal_matrix((1200, 6))).mapv(|v| v as f32);
    Data { first: view(), second: view(), base: base.mapv(|v| v as f32), labels }
}

fn split(rows: &Array2<f32>) -> TrainTest<ArrayView2<'_, f32>> {
    let (train, test) = rows.view().split_at(Axis(0), TRAIN);
    TrainTest::new(train, test)
}

impl Data {
    fn labels(&self) -> TrainTest<&[&'static str]> {
        TrainTest::new(&self.labels[..TRAIN], &self.labels[TRAIN..])
    }

    fn representation(&self) -> Representation<'_, f32, &'static str> {
        Representation {
            features: split(&self.first),
            labels: self.labels(),
            view: Some(split(&self.second)),
            base: Some(split(&self.base)),
        }
    }
}

fn settings() -> EvaluatorSettings {
    let mlp = Family::Mlp(MlpReader { width: 12, epochs: 4, ..MlpReader::default() });
    let nearest = Family::Nearest(NearestReader { k: 10, ..NearestReader::default() });
    EvaluatorSettings {
        families: vec![Family::linear(), mlp.clone(), nearest.clone()],
        view_families: vec![Family::linear(), mlp, nearest],
        per_class: vec![1, 5, 50],
        draws: 3,
        exponent_range: (1, 6),
        seed: 5,
        ..EvaluatorSettings::default()
    }
}

fn values(found: &[Measured]) -> Vec<f64> {
    found.iter().filter_map(|measured| measured.value).collect()
}

#[test]
fn every_measure_is_that_of_the_function_behind_it() -> Result<(), EvalError> {
    let (data, settings) = (data(), settings());
    let (features, view, base) = (split(&data.first), split(&data.second), split(&data.base));
    let labels = data.labels();
    let mut evaluator = Evaluator::new(data.representation(), settings.clone())?;
    let all: Vec<Measure> = MEASURES.iter().map(|info| info.measure).collect();
    assert_eq!(evaluator.available(), all);
    let mut measure = |measure| evaluator.measure(measure).map(|found| values(&found));

    let probe =
        Probe::paper().evaluate(features.train, labels.train, features.test, labels.test, 5)?;
    assert_eq!(measure(Measure::EarlyStoppedAccuracy)?, [probe.accuracy]);
    let (mut accuracies, mut usable, mut of_view) = (vec![], vec![], vec![]);
    for family in &settings.families {
        let TrainTest { train, test } = features;
        let reading = family.read_labels(train, labels.train, test, None, 5)?;
        accuracies.push(reading.accuracy(labels.test)?);
        usable.push(v_information(family, features, labels, 5)?.value);
        of_view.push(v_information_about_values(family, features, view, 5)?.value);
    }
    // The order in which measures are requested does not matter.
    assert_eq!(measure(Measure::VInformation)?, usable);
    assert_eq!(measure(Measure::VInformationOfView)?, of_view);
    assert_eq!(measure(Measure::Accuracy)?, accuracies);
    let beyond = conditional_v_information(&Family::linear(), base, features, labels, 5)?;
    assert_eq!(measure(Measure::ConditionalVInformation)?, [beyond.value]);

    let few = few_labels(&Family::linear(), features, labels, &[1, 5, 50], 3, 5)?;
    let few: Vec<f64> = few.iter().map(|few| few.accuracy.value).collect();
    assert_eq!(measure(Measure::FewLabelAccuracy)?, few);
    let sizes = online_code_sizes(TRAIN);
    let curve = LossDataCurve::fit(&Family::linear(), features, labels, &sizes, 5)?;
    assert_eq!(measure(Measure::DescriptionLength)?, [curve.description_length().nats]);
    let epsilons = [1.0, 0.5, 0.25];
    let complexities: Vec<f64> =
        epsilons.iter().filter_map(|&e| curve.sample_complexity(e)).map(|n| n as f64).collect();
    assert_eq!(measure(Measure::SampleComplexity)?, complexities);
    assert!(!complexities.is_empty() && complexities.len() < 3, "one is not reached");
    assert_eq!(measure(Measure::Surplus)?, epsilons.map(|e| curve.surplus(e).nats));

    let spectrum = Spectrum::raw(features.test)?;
    assert_eq!(measure(Measure::RankMe)?, [spectrum.rank_me()]);
    assert_eq!(measure(Measure::EffectiveRank)?, [spectrum.effective_rank()]);
    let exponent = Spectrum::centred(features.test)?.exponent(1..=6)?;
    assert_eq!(measure(Measure::SpectrumExponent)?, [exponent]);
    let aligned = alignment(features.test, view.test)?.value;
    assert_eq!(measure(Measure::Alignment)?, [aligned]);
    assert_eq!(measure(Measure::Uniformity)?, [uniformity(features.test, 2.0)?]);
    let cka = linear_cka_debiased(features.test, base.test)?;
    assert_eq!(measure(Measure::CkaToBase)?[1], cka);
    let neighbours = Neighbours::of(features.test, features.train, 10)?;
    let purity = neighbour_purity(&neighbours, labels.test, labels.train)?.value;
    assert_eq!(measure(Measure::NeighbourPurity)?, [purity]);
    assert_eq!(measure(Measure::DeadUnits)?, [0.0]);
    Ok(())
}

#[test]
fn what_is_lacking_is_named_and_what_can_be_had_is_listed() {
    let data = data();
    let alone = Representation { view: None, base: None, ..data.representation() };
    let mut evaluator = Evaluator::new(alone, settings()).unwrap();
    let lacking = [
        Measure::VInformationOfView,
        Measure::ConditionalVInformation,
        Measure::Alignment,
        Measure::CkaToView,
        Measure::CkaToBase,
    ];
    for measure in lacking {
        assert!(!evaluator.available().contains(&measure));
        let error = evaluator.measure(measure).unwrap_err().to_string();
        assert!(error.starts_with(measure.name()) && error.contains("of the same rows"), "{error}");
    }
    assert_eq!(evaluator.available().len(), MEASURES.len() - lacking.len());
    // A range that needs more features is reported, and stops nothing.
    let wide = EvaluatorSettings { exponent_range: (11, 100), ..settings() };
    let mut evaluator = Evaluator::new(alone, wide).unwrap();
    let found = evaluator.measure(Measure::SpectrumExponent).unwrap();
    assert!(found[0].value.is_none() && found[0].note.as_ref().unwrap().contains("11..=100"));
    // Views of different widths cannot be aligned; everything else can be measured.
    let narrow = data.second.slice(ndarray::s![.., ..4]).to_owned();
    let other = Representation { view: Some(split(&narrow)), ..alone };
    let evaluator = Evaluator::new(other, settings()).unwrap();
    assert!(!evaluator.available().contains(&Measure::Alignment));
    assert!(evaluator.available().contains(&Measure::CkaToView));
}

#[test]
fn label_noise_changes_training_labels_alone() -> Result<(), EvalError> {
    let data = data();
    let noisy = EvaluatorSettings { label_noise: 0.3, ..settings() };
    let mut evaluator = Evaluator::new(data.representation(), noisy)?;
    let mut stream = Stream::new(5, "label noise");
    let changed = symmetric_label_noise(&data.labels[..TRAIN], 0.3, &mut stream)?;
    let labels = TrainTest::new(&changed[..], &data.labels[TRAIN..]);
    let expected = v_information(&Family::linear(), split(&data.first), labels, 5)?;
    let found = evaluator.measure(Measure::VInformation)?;
    assert_eq!(found[0].value, Some(expected.value));
    assert_eq!(evaluator.usable_information(0)?.pointwise, expected.pointwise);
    let mut clean = Evaluator::new(data.representation(), settings())?;
    assert!(clean.measure(Measure::VInformation)?[0].value > found[0].value);
    Ok(())
}

#[test]
fn same_seed_same_bits_for_any_number_of_threads() {
    let data = data();
    let run = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let settings = EvaluatorSettings { seed, ..settings() };
        pool.install(|| Evaluator::new(data.representation(), settings).unwrap().all().unwrap())
    };
    let one = run(1, 5);
    assert_eq!(one, run(3, 5));
    assert_ne!(one, run(1, 6), "the seed has no effect");
}

#[test]
fn sides_that_do_not_fit_are_refused() {
    let data = data();
    let (train, test) = data.second.view().split_at(Axis(0), TRAIN - 1);
    let view = Some(TrainTest::new(train, test));
    let wrong = Evaluator::new(Representation { view, ..data.representation() }, settings());
    assert!(matches!(wrong, Err(EvalError::RowCounts { first: 900, second: 899, .. })));
    let mut broken = data.first.clone();
    broken[[1000, 2]] = f32::NAN;
    let wrong = Representation { features: split(&broken), ..data.representation() };
    let error = Evaluator::new(wrong, settings()).unwrap_err().to_string();
    assert!(error.contains("row 100, column 2 is NaN"), "{error}");
    let labels = TrainTest::new(&data.labels[..TRAIN], &data.labels[..10]);
    let wrong = Evaluator::new(Representation { labels, ..data.representation() }, settings());
    assert!(matches!(wrong, Err(EvalError::LabelCount { rows: 300, labels: 10, .. })));
}
