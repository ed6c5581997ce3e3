//! Losses on a small table of values from their formulas, and their gradients.
//!
//! `losses.py` next to this file prints the values: loops in plain Python from the definitions, in
//! double precision. Where the package `pytorch-metric-learning` has the loss, all digits agree.

use mi_critics::{Critic, CriticSpec};
use mi_estimators::EstimatorError;
use mi_estimators::bounds::{self, Bound, BoundSpec, Evaluation, Pairs, Scores};
use mi_estimators::engine::{Batch, Driver, Engine};
use mi_estimators::losses::{
    Contrastive, GeneralisedLifted, LiftedStructure, Mining, NoiseContrastive, Triplet,
    prior_matching,
};
use mi_nets::{Params, Tape};
use mi_random::Stream;
use ndarray::{Array1, Array2, Axis, array, concatenate};

use crate::case::{Case, case_of, compare, pairings};
use crate::common::{all_bounds, close, objective, scattered};
use crate::roles::{mixed, pairs_of};

const TOLERANCE: f64 = 1e-9;

/// Two views of four samples. Row 1 has a negative just beyond its positive, row 2 a negative
/// nearer than its positive, and in row 4 the positive is the farthest.
fn table() -> (Array2<f64>, Array2<f64>) {
    let x = array![[1.0, 0.5, -0.5], [-0.5, 1.0, 0.2], [0.7, -0.6, 1.0], [-1.0, -0.2, -0.6]];
    let y = array![[0.4, 0.9, 0.3], [0.2, 0.6, 0.8], [0.6, -0.8, 0.4], [0.9, -0.1, 0.5]];
    (x, y)
}

/// Both views, one below the other.
fn both() -> Array2<f64> {
    let (x, y) = table();
    concatenate(Axis(0), &[x.view(), y.view()]).unwrap()
}

/// A bound or loss on the scores of a critic without parameters.
fn run(
    critic: &CriticSpec,
    (x, y): (&Array2<f64>, &Array2<f64>),
    pairs: Option<&Pairs>,
    bound: &dyn Bound<f64>,
) -> Evaluation {
    let mut params = Params::new();
    let widths = (x.ncols(), y.ncols());
    let critic =
        Critic::new(&mut params, "f", critic, widths.0, widths.1, &mut Stream::new(0, "f"))
            .unwrap();
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(&params);
    let (x, y) = (graph.input(x.view()), graph.input(y.view()));
    let (x, y) = critic.towers(&mut graph, x, y);
    let batch = Batch::new(graph.value(x), graph.value(y)).paired_by(pairs);
    Engine::new().estimate(&batch, bound).unwrap()
}

fn cosine(temperature: f64) -> CriticSpec {
    CriticSpec::Cosine { temperature, learned: false }
}

#[test]
fn infonce_and_its_other_names() {
    let (x, y) = table();
    let nce = objective(&BoundSpec::InfoNce);
    let inner = CriticSpec::InnerProduct;
    let rows = run(&inner, (&x, &y), None, &nce);
    close("rows", rows.estimate, 0.197_597_878_5, TOLERANCE);
    close("N-pair", rows.n_pair_loss().unwrap().nats(), 1.188_696_482_7, TOLERANCE);
    close("columns", run(&inner, (&y, &x), None, &nce).estimate, 0.029_130_455_4, TOLERANCE);
    let symmetric = objective(&BoundSpec::InfoNceSymmetric);
    close("both", run(&inner, (&x, &y), None, &symmetric).estimate, 0.113_364_166_9, TOLERANCE);
    let unit = run(&cosine(0.5), (&x, &y), None, &symmetric).estimate;
    close("both, cosine", unit, 0.040_197_833_1, TOLERANCE);

    let (z, pairs) = (both(), Pairs::both_views(4));
    for (temperature, loss) in [(0.5, 1.904_329_774_4), (0.07, 6.433_301_708_6)] {
        let found = run(&cosine(temperature), (&z, &z), Some(&pairs), &nce);
        close("NT-Xent", found.n_pair_loss().unwrap().nats(), loss, TOLERANCE);
        close("candidates", found.cap.unwrap(), 7_f64.ln(), 1e-15);
        assert_eq!(found.batch_size, 8, "anchors");
    }
}

#[test]
fn triplets_take_the_values_of_their_formulas() {
    let (x, y) = table();
    let unit = CriticSpec::NegativeDistance { unit: true };
    let cases = [
        (Mining::Hardest, 1.0, 1.193_737_568_1),
        (Mining::SemiHard, 1.0, 0.838_982_965_7),
        (Mining::SemiHard, 0.2, 0.238_982_965_7),
        (Mining::EverySemiHard, 1.0, 0.466_251_798_8),
    ];
    for (mining, margin, loss) in cases {
        let found = run(&unit, (&x, &y), None, &Triplet::new(margin, mining));
        close(&format!("{mining:?} {margin}"), found.loss().nats(), loss, TOLERANCE);
    }
    // One of the row's negatives: different for another batch or seed, equal for the same.
    let mut random = Triplet::new(1.0, Mining::Random { seed: 3 });
    let found: Vec<f64> = (0..40)
        .map(|_| {
            let found = run(&unit, (&x, &y), None, &random);
            assert_eq!(found, run(&unit, (&x, &y), None, &random));
            let text = serde_json::to_string(&random).unwrap();
            assert_eq!(serde_json::from_str::<Triplet>(&text).unwrap(), random);
            Bound::<f64>::advance(&mut random, &bounds::Outcome::new(0.0, 0.0));
            found.loss().nats()
        })
        .collect();
    let distances = Array2::from_shape_fn((4, 4), |(i, j)| {
        let of = |v: ndarray::ArrayView1<'_, f64>| &v / v.dot(&v).sqrt();
        let apart = of(x.row(i)) - of(y.row(j));
        apart.dot(&apart)
    });
    let hinge = |i: usize, j: usize| (distances[[i, i]] - distances[[i, j]] + 1.0_f64).max(0.0);
    let others = |i: usize| (0..4).filter(move |&j| j != i);
    let mean = (0..4).map(|i| others(i).map(|j| hinge(i, j)).sum::<f64>() / 3.0).sum::<f64>() / 4.0;
    let average = found.iter().sum::<f64>() / 40.0;
    assert!((average - mean).abs() < 0.1, "{average} {mean}");
    assert!(found.iter().any(|loss| *loss != found[0]));
}

#[test]
fn lifted_structure_takes_the_values_of_its_formula() {
    let (z, pairs) = (both(), Pairs::both_views(4));
    for (unit, loss) in [(false, 5.559_447_495_1), (true, 5.571_741_640_2)] {
        let critic = CriticSpec::NegativeDistance { unit };
        let found = run(&critic, (&z, &z), Some(&pairs), &LiftedStructure::new(1.0));
        close("lifted", found.loss().nats(), loss, TOLERANCE);
    }
}

#[test]
fn generalised_lifted_structure_takes_the_value_of_its_formula() {
    let (z, pairs) = (both(), Pairs::both_views(4));
    let critic = CriticSpec::NegativeDistance { unit: true };
    let found = run(&critic, (&z, &z), Some(&pairs), &GeneralisedLifted::new(1.0));
    close("generalised", found.loss().nats(), 2.574_152_655_5, TOLERANCE);
}

/// The value of a loss for every anchor alone, on which the means above are built.
#[test]
fn losses_of_single_anchors_take_the_values_of_their_formulas() {
    let (x, y) = table();
    let unit = CriticSpec::NegativeDistance { unit: true };
    let anchor = |mining: Mining, margin: f64, i: usize| {
        let pairs = Pairs::new((4, 4), &[(i, i)], &[]).unwrap();
        run(&unit, (&x, &y), Some(&pairs), &Triplet::new(margin, mining)).loss().nats()
    };
    for (margin, values) in [
        (1.0, [0.836_932, 0.0, 0.916_769, 1.602_231]),
        (0.2, [0.036_932, 0.0, 0.116_769, 0.802_231]),
    ] {
        for (i, value) in values.into_iter().enumerate() {
            close(
                &format!("{margin}, anchor {i}"),
                anchor(Mining::SemiHard, margin, i),
                value,
                1e-6,
            );
        }
    }
    // Lifted structure: the loss of a single pair is ½ max(0, J)².
    let z = both();
    let raw = CriticSpec::NegativeDistance { unit: false };
    for (i, j) in [3.154_409, 3.080_878, 2.601_320, 4.273_946].into_iter().enumerate() {
        let negative = |a: usize, b: usize| a % 4 != b % 4;
        let own = [(i, i + 4), (i + 4, i)];
        let excluded: Vec<(usize, usize)> = (0..8)
            .flat_map(|a| (0..8).map(move |b| (a, b)))
            .filter(|&(a, b)| !negative(a, b) && !own.contains(&(a, b)))
            .collect();
        let pairs = Pairs::new((8, 8), &own, &excluded).unwrap();
        let found = run(&raw, (&z, &z), Some(&pairs), &LiftedStructure::new(1.0));
        close(&format!("J of pair {i}"), (2.0 * found.loss().nats()).sqrt(), j, 1e-6);
    }
}

/// Minus squared distances of both views, which the losses take as scores.
fn squares(z: &Array2<f64>, w: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn((z.nrows(), w.nrows()), |(i, j)| {
        let apart = &z.row(i) - &w.row(j);
        -apart.dot(&apart)
    })
}

#[test]
fn contrastive_and_noise_contrastive_are_their_formulas() {
    let (x, y) = (scattered((5, 3), 1.0, 0.1), scattered((9, 3), 1.0, 0.4));
    let roles = mixed((5, 9));
    let pairs = pairs_of(&roles);
    let scores = squares(&x, &y);
    let input = Scores::new(scores.view()).paired_by(&pairs);
    let margin = 1.3;
    let negatives = |i: usize| pairs_negatives(&pairs, &scores, i);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;

    let terms: Vec<f64> = (pairs.positives().iter())
        .map(|&(i, j)| {
            let short = |s: &f64| (margin - (-s).sqrt()).max(0.0).powi(2);
            0.5 * -scores[[i, j]] + 0.5 * mean(&negatives(i).iter().map(short).collect::<Vec<_>>())
        })
        .collect();
    let found = bounds::evaluate(&input, &Contrastive::new(margin)).unwrap();
    close("contrastive", found.loss().nats(), mean(&terms), 1e-12);
    assert_eq!(found.estimate, -found.loss().nats());

    let bank = 50;
    let mut loss = NoiseContrastive::new(bank);
    let nce = |log_z: f64| {
        let of = |&(i, j): &(usize, usize)| {
            let noise = negatives(i).len() as f64 / bank as f64;
            let p = |s: f64| (s - log_z).exp();
            let own = -(p(scores[[i, j]]) / (p(scores[[i, j]]) + noise)).ln();
            own - negatives(i).iter().map(|&s| (noise / (p(s) + noise)).ln()).sum::<f64>()
        };
        mean(&pairs.positives().iter().map(of).collect::<Vec<_>>())
    };
    let mut all: Vec<f64> = pairs.positives().iter().map(|&at| scores[at].exp()).collect();
    for i in (0..5).filter(|i| pairs.positives().iter().any(|(row, _)| row == i)) {
        all.extend(negatives(i).iter().map(|s| s.exp()));
    }
    let log_z = (mean(&all) * bank as f64).ln();
    let (first, _) = bounds::gradient(&input, &mut loss).unwrap();
    close("first batch", first.loss().nats(), nce(log_z), 1e-12);
    close("Z", loss.log_z().unwrap(), log_z, 1e-12);
    // Z stays fixed.
    let moved = &scores + 0.5;
    let input = Scores::new(moved.view()).paired_by(&pairs);
    let later = bounds::gradient(&input, &mut loss).unwrap().0;
    close("later", later.loss().nats(), nce(log_z - 0.5), 1e-12);
    close("Z", loss.log_z().unwrap(), log_z, 1e-12);
    let text = serde_json::to_string(&loss).unwrap();
    assert_eq!(serde_json::from_str::<NoiseContrastive>(&text).unwrap(), loss);

    // Or Z is updated: each batch uses the Z of those before it.
    let mut running = NoiseContrastive::new(bank).with_running_z(0.25);
    bounds::gradient(&Scores::new(scores.view()).paired_by(&pairs), &mut running).unwrap();
    close("running Z, first", running.log_z().unwrap(), log_z, 1e-12);
    let second = bounds::gradient(&input, &mut running).unwrap().0;
    close("second batch", second.loss().nats(), nce(log_z - 0.5), 1e-12);
    let next = (0.75 * log_z.exp() + 0.25 * (log_z + 0.5).exp()).ln();
    close("running Z", running.log_z().unwrap(), next, 1e-12);
}

/// The scores of a row's negatives.
fn pairs_negatives(pairs: &Pairs, scores: &Array2<f64>, row: usize) -> Vec<f64> {
    let roles = mixed(pairs.dim());
    let columns = (0..scores.ncols()).filter(|&j| roles[[row, j]] == crate::roles::Role::Negative);
    columns.map(|j| scores[[row, j]]).collect()
}

/// All losses, and whether both sides must be the same.
fn losses<T: mi_kernels::Scalar>() -> Vec<(Box<dyn Bound<T>>, bool)> {
    let mut known = NoiseContrastive::new(40);
    let mut outcome = bounds::Outcome::new(0.0, 0.0);
    outcome.carried = Some(mi_kernels::Logarithm::new(3.0));
    Bound::<T>::advance(&mut known, &outcome);
    vec![
        (Box::new(Triplet::new(0.7, Mining::Hardest)), false),
        (Box::new(Triplet::new(0.7, Mining::SemiHard)), false),
        (Box::new(Triplet::new(0.7, Mining::EverySemiHard)), false),
        (Box::new(Triplet::new(0.7, Mining::Random { seed: 1 })), false),
        (Box::new(Contrastive::new(1.1)), false),
        (Box::new(known), false),
        (Box::new(known.with_running_z(0.1)), false),
        (Box::new(LiftedStructure::new(1.0)), true),
        (Box::new(GeneralisedLifted::new(1.0)), false),
    ]
}

#[test]
fn gradients_equal_central_differences() {
    let z = scattered((8, 3), 1.0, 0.3);
    for (mut loss, same_sides) in losses::<f64>() {
        let pairs = if same_sides { Pairs::both_views(4) } else { pairs_of(&mixed((5, 8))) };
        let x = if same_sides { z.clone() } else { scattered((5, 3), 1.0, 0.6) };
        let scores = squares(&x, &z);
        let input = Scores::new(scores.view()).paired_by(&pairs);
        let value = |scores: &Array2<f64>| {
            let input = Scores::new(scores.view()).paired_by(&pairs);
            bounds::evaluate(&input, &*loss).unwrap().objective
        };
        let step = 1e-6;
        let differences = Array2::from_shape_fn(scores.dim(), |at| {
            let moved = |step: f64| {
                let mut scores = scores.clone();
                scores[at] += step;
                value(&scores)
            };
            (moved(step) - moved(-step)) / (2.0 * step)
        });
        let (_, g) = bounds::gradient(&input, &mut *loss).unwrap();
        assert!(g.scores.iter().filter(|g| **g != 0.0).count() > 3, "{loss:?}");
        for (at, &g) in g.scores.indexed_iter() {
            close(&format!("{loss:?} {at:?}"), g, differences[at], 1e-7);
        }
    }
}

#[test]
fn the_engine_equals_the_whole_matrix() {
    for (name, hidden) in pairings() {
        for ((mut loss, same_sides), (mut single, _)) in losses::<f64>().into_iter().zip(losses()) {
            let name = format!("{name} {loss:?}");
            let pairs = if same_sides { Pairs::both_views(7) } else { pairs_of(&mixed((12, 17))) };
            let mut case = Case {
                learned: Array1::zeros(0),
                pairs: Some(pairs.clone()),
                ..case_of(hidden.as_deref(), pairs.dim())
            };
            if same_sides {
                case.y = case.x.clone();
            }
            // No choice depends on a difference of the size of rounding errors.
            case.x.mapv_inplace(|x| 0.4 * x);
            for driver in [Driver::BySize, Driver::Panels { rows: 5 }] {
                let expected = case.slow(&mut *loss);
                let text = format!("{loss:?}");
                let mut engine = Engine::with_driver(driver);
                // A random choice depends on earlier batches, and so does a running Z.
                if !text.contains("Random") && !text.contains("rate: 0.1") {
                    let found = case.run(&mut engine, &mut *loss);
                    compare(&name, &found, &expected, 1e-10);
                    let found = case.single().run(&mut Engine::with_driver(driver), &mut *single);
                    compare(&name, &found, &expected, 2e-4);
                }
            }
        }
    }
}

/// NaN in the embedding of one column that is a negative of every row and a positive of none.
#[test]
fn a_nan_among_the_negatives_is_named_by_every_loss() {
    for (mut loss, same_sides) in losses::<f64>() {
        let name = format!("{loss:?}");
        // Two pairs, and a row that is only a negative.
        let own = [(0, 1), (1, 0), (2, 3), (3, 2)];
        let pairs = Pairs::new((5, 5), &own, &[]).unwrap();
        let mut z = scattered((5, 3), 1.0, 0.3);
        let x = z.clone();
        z.row_mut(4).fill(f64::NAN);
        let x = if same_sides { z.clone() } else { x };
        let batch = Batch::new(x.view(), z.view()).paired_by(&pairs);
        for driver in [Driver::Whole, Driver::Panels { rows: 2 }] {
            let mut engine = Engine::with_driver(driver);
            let found = engine.estimate(&batch, &*loss);
            if name.contains("Random") && found.is_ok() {
                // Its triplets need not contain the column.
                continue;
            }
            assert_eq!(found.err(), Some(EstimatorError::NanScore { row: 0 }), "{name}");
            let found = engine.differentiate(&batch, &mut *loss, None);
            assert_eq!(found.err(), Some(EstimatorError::NanScore { row: 0 }), "{name}");
        }
    }
}

/// Deep `InfoMax`'s form of the Jensen–Shannon objective.
#[test]
fn jensen_shannon_is_dims() {
    let scores = array![[2.0, -1.0, 0.5], [0.3, 1.0, -2.0], [0.0, -0.7, 3.0]];
    let js = objective(&BoundSpec::JensenShannon);
    let found = bounds::evaluate(&Scores::new(scores.view()), &js).unwrap();
    let (mut positive, mut negative) = (0.0, 0.0);
    for ((i, j), &u) in scores.indexed_iter() {
        let softplus = |u: f64| u.exp().ln_1p();
        if i == j {
            positive += (2_f64.ln() - softplus(-u)) / 3.0;
        } else {
            negative += (softplus(u) - 2_f64.ln()) / 6.0;
        }
    }
    close("DIM", found.twice_jensen_shannon().unwrap(), positive - negative, 1e-12);
    let zeros = Array2::<f64>::zeros((4, 4));
    let found = bounds::evaluate(&Scores::new(zeros.view()), &js).unwrap();
    close("nothing learned", found.twice_jensen_shannon().unwrap(), 0.0, 1e-15);
}

/// The N-pair loss is a reading of `InfoNCE`, and the divergence one of Jensen–Shannon objectives:
/// another bound or loss has none, rather than a number that means something else.
#[test]
fn other_bounds_have_no_reading_as_a_loss_or_a_divergence() {
    let scores = scattered((6, 6), 1.0, 0.4);
    let learned = Array1::zeros(6);
    for bound in all_bounds() {
        let state = objective(&bound);
        let learned = bound.learned().is_some().then(|| learned.view());
        let input = Scores::new(scores.view()).with_learned(learned);
        let found = bounds::evaluate(&input, &state).unwrap();
        let nce = matches!(bound, BoundSpec::InfoNce | BoundSpec::InfoNceSymmetric);
        let js = matches!(bound, BoundSpec::JensenShannon | BoundSpec::Smile { .. });
        assert_eq!(found.n_pair_loss().is_some(), nce, "{bound:?}");
        assert_eq!(found.twice_jensen_shannon().is_some(), js, "{bound:?}");
        // A target replaces the objective, but not the estimate.
        let state = bounds::Objective::new(&bound, Some(0.5)).unwrap();
        let aimed = bounds::evaluate(&input, &state).unwrap();
        assert_eq!(aimed.n_pair_loss(), found.n_pair_loss(), "{bound:?}");
        assert_eq!(aimed.twice_jensen_shannon(), None, "{bound:?}");
    }
    for (loss, _) in losses::<f64>() {
        let pairs = Pairs::both_views(3);
        let squares = squares(&scores, &scores);
        let input = Scores::new(squares.view()).paired_by(&pairs);
        let found = bounds::evaluate(&input, &*loss).unwrap();
        assert!(found.n_pair_loss().is_none() && found.twice_jensen_shannon().is_none());
    }
}

#[test]
fn matching_a_prior_is_its_formula() {
    let (prior, codes) = (array![0.5, -1.0, 2.0], array![-0.3, 1.5]);
    let sigmoid = |u: f64| 1.0 / (1.0 + (-u).exp());
    let discriminator = |prior: &Array1<f64>, codes: &Array1<f64>| {
        let first = prior.mapv(|u| sigmoid(u).ln()).mean().unwrap();
        first + codes.mapv(|v| (1.0 - sigmoid(v)).ln()).mean().unwrap()
    };
    let encoder = |codes: &Array1<f64>| codes.mapv(|v| sigmoid(v).ln()).mean().unwrap();
    let found = prior_matching(prior.view(), codes.view()).unwrap();
    close("D", found.discriminator.nats(), -discriminator(&prior, &codes), 1e-12);
    close("E", found.encoder.nats(), -encoder(&codes), 1e-12);
    let step = 1e-6;
    let moved = |values: &Array1<f64>, n: usize, step: f64| {
        let mut values = values.clone();
        values[n] += step;
        values
    };
    let slope = |f: &dyn Fn(f64) -> f64| (f(step) - f(-step)) / (2.0 * step);
    let (of_prior, of_codes) = &found.discriminator_gradients;
    for n in 0..3 {
        let expected = slope(&|step| discriminator(&moved(&prior, n, step), &codes));
        close("prior", of_prior[n], expected, 1e-8);
    }
    for n in 0..2 {
        let expected = slope(&|step| discriminator(&prior, &moved(&codes, n, step)));
        close("codes", of_codes[n], expected, 1e-8);
        let expected = slope(&|step| encoder(&moved(&codes, n, step)));
        close("encoder", found.encoder_gradient[n], expected, 1e-8);
    }
    let nothing = Array1::<f64>::zeros(0);
    assert!(prior_matching(prior.view(), nothing.view()).is_err());
    assert!(prior_matching(array![f64::NAN].view(), codes.view()).is_err());
}

#[test]
fn mistakes_are_named() {
    let scores = squares(&scattered((3, 2), 1.0, 0.1), &scattered((3, 2), 1.0, 0.2));
    let error = |loss: &dyn Bound<f64>, pairs: Option<&Pairs>| {
        bounds::evaluate(&Scores::new(scores.view()).paired_by(pairs), loss).unwrap_err()
    };
    for margin in [-1.0, f64::NAN, f64::INFINITY] {
        let lifted = error(&GeneralisedLifted::new(margin), None);
        assert!(matches!(lifted, EstimatorError::Setting { .. }), "{lifted}");
        let found = error(&Triplet::new(margin, Mining::Hardest), None);
        assert!(matches!(found, EstimatorError::Setting { .. }), "{found}");
        assert!(matches!(error(&Contrastive::new(margin), None), EstimatorError::Setting { .. }));
    }
    let without_bank = NoiseContrastive::new(0);
    let rate = NoiseContrastive::new(5).with_running_z(1.5);
    for loss in [without_bank, rate] {
        assert!(matches!(error(&loss, None), EstimatorError::Setting { .. }));
    }
    let one_way = Pairs::new((3, 3), &[(0, 1), (1, 2)], &[]).unwrap();
    let found = error(&LiftedStructure::new(1.0), Some(&one_way));
    assert!(found.to_string().contains("the positive (j, i)"), "{found}");
    let bare = Pairs::new((1, 1), &[(0, 0)], &[]).unwrap();
    let one = array![[-1.0]];
    let input = Scores::new(one.view()).paired_by(&bare);
    assert!(bounds::evaluate(&input, &Triplet::new(1.0, Mining::Hardest)).is_err());
}
