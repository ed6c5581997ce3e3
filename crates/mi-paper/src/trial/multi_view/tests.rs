//! Compares terms with slow, obvious versions, and tests contexts, penalties, old snapshots and
//! messages.

use std::sync::Arc;

use mi_critics::CriticSpec;
use mi_data::{Dataset, Geometry, Provenance, Split};
use mi_estimators::bounds::BoundSpec;
use mi_nets::{Mode, Params, Tape};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, s};

use super::super::Training;
use super::super::representation::Sides;
use super::super::snapshot::Snapshot;
use super::MultiViewTraining;
use super::objective::Maximised;
use crate::config::{EncoderSpec, Evaluation, Labels, Task, TrialConfig};
use crate::multi_view::{
    Candidates, Context, ContextNet, MultiView, NamedEncoder, NamedView, Negatives, Net,
    ObjectiveSpec, Order, Probed, ViewTerm,
};
use crate::record::Metric;

mod queue;

const K: usize = 6;

/// Images of 8 × 8 pixels of noise.
fn images() -> Arc<Dataset> {
    let mut stream = Stream::new(1, "images");
    let mut split = |count: usize| {
        let images = Array2::from_shape_simple_fn((count, 64), || stream.uniform() as f32);
        Split::new(images, (0..count).map(|i| (i % 2) as u8).collect()).unwrap()
    };
    Arc::new(Dataset {
        name: "noise".to_owned(),
        train: split(40),
        test: split(K),
        geometry: Geometry::new(8, 8, 1),
        classes: 2,
        provenance: Provenance::default(),
    })
}

fn task(piece: &str, net: EncoderSpec, terms: Vec<ViewTerm>) -> MultiView {
    MultiView {
        sequences: None,
        views: vec![NamedView { name: "v".to_owned(), piece: piece.parse().unwrap() }],
        encoders: vec![NamedEncoder {
            name: "z".to_owned(),
            view: "v".to_owned(),
            net: Net::Own(net),
        }],
        contexts: Vec::new(),
        terms,
        prior: None,
        probes: vec![Probed::new("z", &["z"])],
        batch_size: K,
        learning_rate: 1e-2,
        optimiser: None,
        evaluations: vec![Evaluation::Bounds],
    }
}

fn config(task: &MultiView, steps: u64) -> TrialConfig {
    TrialConfig {
        experiment: "test".to_owned(),
        dataset: "noise".to_owned(),
        seed: 3,
        labels: Labels::new("", "", ""),
        steps,
        evaluate_every: 1,
        task: Task::MultiView(task.clone()),
    }
}

fn trained(task: &MultiView, steps: u64) -> MultiViewTraining {
    let config = config(task, steps);
    let mut training = MultiViewTraining::new(&config, task, &images().into()).unwrap();
    for _ in 0..steps {
        training.step().unwrap();
    }
    training
}

/// A representation of all test images, which form one batch: images × (places · width).
fn represented(training: &MultiViewTraining, name: &str) -> Array2<f64> {
    let (params, test) = (&training.trained.params, &training.inputs.data.test);
    represented_by(training, params, test, (name, Mode::Evaluation))
}

/// A representation of all images of a split by these parameters: images × (places · width).
fn represented_by(
    training: &MultiViewTraining,
    params: &Params<f32>,
    split: &Split,
    (name, mode): (&str, Mode),
) -> Array2<f64> {
    let networks = &training.networks;
    let index = networks.layout.find(name).unwrap();
    let needed = networks.needed(&[index]);
    let mut noise = Stream::new(0, "none");
    let views = training.inputs.all(split, &networks.views(&needed), (0.0, &mut noise)).unwrap();
    let views: Vec<ArrayView2<'_, f32>> = views.iter().map(|view| view.view()).collect();
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(params);
    graph.set_mode(mode);
    let found = networks.forward(&mut graph, &views, &needed);
    graph.value(found.of(index)).mapv(f64::from)
}

fn parameter(training: &MultiViewTraining, name: &str) -> Array2<f64> {
    let params = &training.trained.params;
    params.view(params.id(name).unwrap()).mapv(f64::from)
}

fn measured(training: &mut MultiViewTraining, metric: Metric) -> f64 {
    let found = training.measure(1).unwrap();
    found.iter().find(|(own, _)| *own == metric).unwrap().1
}

/// log n + s − log Σ exp s over the positive and its negatives.
fn info_nce(positive: f64, negatives: &[f64]) -> f64 {
    let sum: f64 = negatives.iter().chain([&positive]).map(|s| s.exp()).sum();
    (negatives.len() as f64 + 1.0).ln() + positive - sum.ln()
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{found} {expected}");
}

#[test]
fn places_ahead_are_scored_as_by_hand() {
    // Sixteen patches of 2 × 2 pixels; contexts in both orders.
    for (order, step) in [(Order::Raster, 1), (Order::Down, 4)] {
        for negatives in [
            Negatives::OtherImages,
            Negatives::SameImage,
            Negatives::Both,
            Negatives::Anywhere,
            Negatives::Everywhere,
        ] {
            let names = ("k", "c", "z");
            let objective = ObjectiveSpec::Bound(BoundSpec::InfoNce);
            let term = ViewTerm {
                candidates: Candidates::Ahead { places: 2, negatives },
                ..ViewTerm::new(names, CriticSpec::Bilinear, objective)
            };
            let mut task =
                task("patches:2x2", EncoderSpec::Mlp { hidden: vec![5], embed: 3 }, vec![term]);
            task.contexts = vec![Context {
                name: "c".to_owned(),
                of: "z".to_owned(),
                order,
                net: ContextNet::Gru { width: 4 },
            }];
            let mut training = trained(&task, 3);
            let (c, z) = (represented(&training, "c"), represented(&training, "z"));
            let w = parameter(&training, "critic.weight");
            let score = |i: usize, p: usize, j: usize, q: usize| {
                c.slice(s![i, 4 * p..4 * p + 4]).dot(&w).dot(&z.slice(s![j, 3 * q..3 * q + 3]))
            };
            let pairs: Vec<(usize, usize)> =
                (0..16).map(|p| (p, p + 2 * step)).filter(|&(_, q)| q < 16).collect();
            let mut sum = 0.0;
            for &(p, q) in &pairs {
                for i in 0..K {
                    let others = (0..K).filter(|&j| j != i).map(|j| score(i, p, j, q));
                    let same = (0..16).filter(|&o| o != q).map(|o| score(i, p, i, o));
                    let anywhere = (0..16 * K).filter(|n| n / 16 != i);
                    let anywhere = anywhere.map(|n| score(i, p, n / 16, n % 16));
                    let wrong: Vec<f64> = match negatives {
                        Negatives::OtherImages => others.collect(),
                        Negatives::SameImage => same.collect(),
                        Negatives::Both => others.chain(same).collect(),
                        Negatives::Anywhere => anywhere.collect(),
                        Negatives::Everywhere => anywhere.chain(same).collect(),
                    };
                    sum += info_nce(score(i, p, i, q), &wrong);
                }
            }
            close(measured(&mut training, Metric::BoundTest), sum / (pairs.len() * K) as f64);
        }
    }
}

#[test]
fn a_context_depends_on_its_place_and_earlier_ones() {
    for (order, before) in [(Order::Raster, [0, 1, 2, 3, 4, 5]), (Order::Down, [1, 5, 1, 5, 1, 5])]
    {
        for net in [
            ContextNet::Mean,
            ContextNet::Gru { width: 2 },
            ContextNet::Conv { kernel: 6, channels: vec![2] },
        ] {
            let term = ViewTerm {
                candidates: Candidates::Ahead { places: 1, negatives: Negatives::OtherImages },
                ..ViewTerm::new(("k", "c", "z"), CriticSpec::Bilinear, BoundSpec::InfoNce)
            };
            let mut task =
                task("patches:2x2", EncoderSpec::Mlp { hidden: vec![], embed: 3 }, vec![term]);
            let (name, of) = ("c".to_owned(), "z".to_owned());
            task.contexts = vec![Context { name, of, order, net: net.clone() }];
            let mut training = trained(&task, 0);
            let place = |c: &Array2<f64>| {
                let width = c.ncols() / 16;
                c.slice(s![0, 5 * width..6 * width]).to_owned()
            };
            let untouched = place(&represented(&training, "c"));
            for patch in 0..16 {
                let mut data = (*images()).clone();
                let (row, column) = (2 * (patch / 4), 2 * (patch % 4));
                data.test.images[[0, 8 * row + column]] += 1.0;
                training.inputs.data = Arc::new(data);
                let moved = place(&represented(&training, "c")) != untouched;
                assert_eq!(moved, before.contains(&patch), "{order:?} {net:?}: patch {patch}");
            }
        }
    }
}

#[test]
fn all_places_and_single_ones_are_scored_as_by_hand() {
    scores_all_places_as_by_hand(EncoderSpec::ConvNet { channels: [3, 4], embed: 5 });
    let (filters, kernel) = (vec![3, 4], 3);
    scores_all_places_as_by_hand(EncoderSpec::InfoMax { filters, kernel, hidden: 6, embed: 5 });
}

fn scores_all_places_as_by_hand(encoder: EncoderSpec) {
    let term = ViewTerm {
        candidates: Candidates::AllPlaces,
        ..ViewTerm::new(
            ("L", "z", "z.map"),
            CriticSpec::Separable { hidden: vec![], embed: 2 },
            BoundSpec::InfoNce,
        )
    };
    let mut task = task("whole", encoder, vec![term]);
    task.evaluations.push(Evaluation::SinglePlaces);
    let mut training = trained(&task, 3);
    let (z, map) = (represented(&training, "z"), represented(&training, "z.map"));
    let of = |side: &str, of: ArrayView2<'_, f64>| {
        let layer = |part: &str| parameter(&training, &format!("critic.{side}.layers.0.{part}"));
        of.dot(&layer("weight")) + layer("bias")
    };
    // 2 × 2 locations of 4 channels.
    let x = of("x", z.view());
    let y = of("y", map.to_shape((K * 4, 4)).unwrap().view());
    let score = |i: usize, j: usize, place: usize| x.row(i).dot(&y.row(4 * j + place));
    let others = |i: usize| (0..K).filter(move |&j| j != i);
    let mut all = 0.0;
    let mut single = [0.0; 2];
    for i in 0..K {
        let wrong: Vec<f64> = others(i)
            .flat_map(|j| (0..4).map(move |l| (j, l)))
            .map(|(j, l)| score(i, j, l))
            .collect();
        all += (0..4).map(|l| info_nce(score(i, i, l), &wrong)).sum::<f64>() / 4.0;
        for (sum, place) in single.iter_mut().zip([0, 2]) {
            let wrong: Vec<f64> = others(i).map(|j| score(i, j, place)).collect();
            *sum += info_nce(score(i, i, place), &wrong);
        }
    }
    let k = K as f64;
    let bound = Metric::BoundTest;
    close(measured(&mut training, bound), all / k);
    close(measured(&mut training, bound.of_part("corner")), single[0] / k);
    close(measured(&mut training, bound.of_part("centre")), single[1] / k);
}

#[test]
fn penalties_and_weighted_sums_of_terms_are_optimised() {
    // The penalty shortens the vectors of both sides.
    let term = |weight, l2| ViewTerm {
        weight,
        l2,
        ..ViewTerm::new(("a", "z", "z"), CriticSpec::InnerProduct, BoundSpec::InfoNce)
    };
    let lengths = |task: &MultiView, steps| {
        let z = represented(&trained(task, steps), "z");
        z.iter().map(|x| x * x).sum::<f64>()
    };
    let mlp = EncoderSpec::Mlp { hidden: vec![], embed: 3 };
    let free = task("whole", mlp.clone(), vec![term(1.0, 0.0)]);
    let held = task("whole", mlp.clone(), vec![term(1.0, 10.0)]);
    assert!(lengths(&held, 20) < 0.5 * lengths(&free, 20));
    // Two equal terms of half the weight are the same as one term of the full weight.
    let other = ViewTerm { name: "b".to_owned(), ..term(0.5, 0.0) };
    let halves = task("whole", mlp, vec![term(0.5, 0.0), other]);
    let (one, two) = (trained(&free, 5), trained(&halves, 5));
    let weight = |training: &MultiViewTraining| parameter(training, "z.layers.0.weight");
    assert!((weight(&one) - weight(&two)).iter().all(|d| d.abs() < 1e-5));
}

#[test]
fn everything_is_measured_at_both_ends_and_where_it_is_asked_for() {
    let mlp = EncoderSpec::Mlp { hidden: vec![], embed: 3 };
    let term = ViewTerm::new(("a", "z", "z"), CriticSpec::InnerProduct, BoundSpec::InfoNce);
    let mut task = task("whole", mlp, vec![term]);
    task.evaluations = vec![
        Evaluation::Probe,
        Evaluation::ConvergedProbe,
        Evaluation::Measure { of: mi_eval::Measure::DeadUnits },
        Evaluation::AlsoAt { step: 2 },
    ];
    let mut training = trained(&task, 4);
    for (step, all) in [(0, true), (1, false), (2, true), (3, false), (4, true)] {
        let found = training.measure(step).unwrap();
        let has = |metric: Metric| found.iter().any(|(own, _)| *own == metric);
        assert!(has(Metric::Accuracy));
        for metric in [Metric::AccuracyConverged, Metric::DeadUnits] {
            assert_eq!(has(metric), all, "{metric:?} at {step}");
        }
    }
}

/// Features of both sides are computed once where that changes nothing, and are then the same.
#[test]
fn features_that_were_computed_before_are_those_that_would_be_computed() {
    let mlp = EncoderSpec::Mlp { hidden: vec![], embed: 3 };
    let term = ViewTerm::new(("a", "z", "w"), CriticSpec::InnerProduct, BoundSpec::InfoNce);
    let with = |piece: &str, unit: bool| {
        let mut task = task(piece, mlp.clone(), vec![term.clone()]);
        let second = NamedEncoder { name: "w".to_owned(), ..task.encoders[0].clone() };
        task.encoders.push(second);
        task.probes[0].unit = unit;
        trained(&task, 2)
    };
    let mut training = with("whole", false);
    assert!(training.is_noiseless() && training.main_is_x());
    let main = |training: &mut MultiViewTraining| Sides {
        train: training.probed("train").unwrap().swap_remove(0),
        test: training.probed("test").unwrap().swap_remove(0),
    };
    let (x, y) = (main(&mut training), training.side("w").unwrap());
    let reused = training.both_sides(Some(x), Some(y)).unwrap();
    let computed = training.both_sides(None, None).unwrap();
    for (reused, computed) in reused.iter().zip(&computed) {
        assert_eq!((&reused.train, &reused.test), (&computed.train, &computed.test));
    }
    // Unit vectors are not the features of the term; noise would be drawn in another order.
    assert!(!with("whole", true).main_is_x());
    assert!(!with("noise:0.1", false).is_noiseless());
}

/// Compares a gradient with central differences of an objective at `at`; `tolerance` is that of a
/// derivative.
pub(super) fn assert_gradient(
    found: &Array2<f32>,
    at: &Array2<f64>,
    objective: impl Fn(&Array2<f64>) -> f64,
    tolerance: impl Fn(f64) -> f64,
) {
    const STEP: f64 = 1e-5;
    for (place, &gradient) in found.indexed_iter() {
        let moved = |step: f64| {
            let mut moved = at.clone();
            moved[place] += step;
            objective(&moved)
        };
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let error = (f64::from(gradient) - expected).abs();
        assert!(error < tolerance(expected), "{place:?}: {gradient} {expected}");
    }
}

#[test]
fn the_gradient_of_a_penalty_equals_central_differences() {
    let rows = Stream::new(5, "rows").normal_matrix((4, 3)).mapv(|x| f64::from(x as f32));
    let factor = 0.7;
    let objective = |rows: &Array2<f64>| -factor * rows.mapv(|x| x * x).sum() / 4.0;
    let found = super::of_penalty(&rows.mapv(|x| x as f32), factor);
    assert_gradient(&found, &rows, objective, |_| 1e-6);
}

#[test]
fn training_resumes_from_snapshots_of_earlier_versions() {
    let term = ViewTerm::new(("a", "z", "z"), CriticSpec::Bilinear, BoundSpec::InfoNce);
    let task = task("whole", EncoderSpec::Mlp { hidden: vec![], embed: 3 }, vec![term]);
    let mut training = trained(&task, 3);
    let Maximised::Bound(objective) = &training.objectives[0] else { panic!() };
    let mut old = Snapshot::new(&[training.trained.state()]).unwrap();
    old.put("objective", objective).unwrap();
    old.put("sampler", &training.sampler).unwrap();
    old.put("noise", &training.inputs.draws.state()).unwrap();
    let mut restored = trained(&task, 0);
    restored.restore(&old).unwrap();
    for _ in 0..3 {
        assert_eq!(restored.step().unwrap(), training.step().unwrap());
    }
}

const IMAGE: Geometry = Geometry::new(8, 8, 1);
const AHEAD: Candidates = Candidates::Ahead { places: 1, negatives: Negatives::OtherImages };

fn mlp() -> EncoderSpec {
    EncoderSpec::Mlp { hidden: vec![], embed: 3 }
}

/// A term with a bilinear critic and `InfoNCE`.
fn term(x: &str, y: &str, candidates: Candidates) -> ViewTerm {
    let term = ViewTerm::new(("t", x, y), CriticSpec::Bilinear, BoundSpec::InfoNce);
    ViewTerm { candidates, ..term }
}

/// Why a task is refused.
fn refusal(task: &MultiView) -> String {
    task.layout(IMAGE).unwrap_err()
}

/// Why a term is refused between representations of whole images.
fn refusal_of(term: ViewTerm) -> String {
    refusal(&task("whole", mlp(), vec![term]))
}

#[test]
fn invalid_tasks_are_refused_with_the_reason() {
    let of = refusal_of;
    let bank = Candidates::Bank { negatives: 4, momentum: 0.5 };
    assert!(of(term("z", "g", Candidates::OtherImages)).contains("there is no representation `g`"));
    assert!(of(term("z", "z", Candidates::AllPlaces)).contains("a map y"));
    assert!(of(term("z", "z", AHEAD)).contains("two sequences"));
    assert!(of(term("z", "z", bank)).contains("cosine"));
    let learned = ViewTerm {
        objective: ObjectiveSpec::Bound(BoundSpec::Tuba),
        ..term("z", "z", Candidates::BothViews)
    };
    assert!(of(learned).contains("other-images"));
    assert!(refusal(&task("patches:3x3", mlp(), vec![])).contains("patches"));
    let deep = EncoderSpec::InfoMax { filters: vec![2; 4], kernel: 4, hidden: 3, embed: 3 };
    let small = refusal(&task("whole", deep, vec![term("z", "z", Candidates::OtherImages)]));
    assert!(small.contains("encoder `z`: images of 8×8×1 are too small for 4"), "{small}");
    let mut shared = task("whole", mlp(), vec![term("z", "z", Candidates::OtherImages)]);
    shared.encoders.push(NamedEncoder {
        name: "y".to_owned(),
        view: "v".to_owned(),
        net: Net::Same("x".to_owned()),
    });
    assert!(refusal(&shared).contains("not an earlier encoder"));
}
