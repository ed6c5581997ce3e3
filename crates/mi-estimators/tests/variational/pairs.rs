//! Positives and negatives other than those of a square, compared with the formulas and for every
//! system that needs them.

use mi_estimators::EstimatorError;
use mi_estimators::bounds::{
    self, Bound, BoundSpec, LearnedOf, Objective, OtherSequences, Pairs, Scores,
};
use mi_estimators::engine::{Batch, Driver, Engine};
use ndarray::{Array1, Array2, array};

use crate::case::{Case, case, case_of, compare, pairings};
use crate::common::{all_bounds, close, objective, scattered};
use crate::roles::{Role, mixed, pairs_of, value};

/// The learned numbers that a bound reads, if any.
fn numbers(bound: &BoundSpec, pairs: &Pairs) -> Option<Array1<f64>> {
    let count = match bound.learned()? {
        LearnedOf::Pair => pairs.positives().len(),
        _ => pairs.dim().0,
    };
    Some(scattered((1, count), 0.5, 0.4).row(0).to_owned())
}

#[test]
fn values_equal_the_formulas() {
    for shape in [(6, 9), (9, 6), (7, 7), (5, 40)] {
        let roles = mixed(shape);
        let pairs = pairs_of(&roles);
        assert_ne!(pairs.counts().negatives, pairs.counts().fewest, "rows of different kinds");
        let scores = scattered(shape, 1.5, 0.2);
        for bound in all_bounds() {
            let learned = numbers(&bound, &pairs);
            let view = learned.as_ref().map(|numbers| numbers.view());
            let input = Scores::new(scores.view()).with_learned(view).paired_by(&pairs);
            let found = bounds::evaluate(&input, &objective(&bound)).unwrap();
            let numbers = learned.map_or_else(Vec::new, |numbers| numbers.to_vec());
            let (estimate, goal) = value(&bound, &scores, &roles, &numbers);
            let name = format!("{bound:?} {shape:?}");
            close(&name, found.estimate, estimate, 1e-12);
            close(&name, found.objective, goal, 1e-12);
            assert_eq!(found.batch_size, pairs.positives().len());
            if let Some(cap) = found.cap {
                assert!(found.estimate < cap, "{name}");
            }
        }
    }
}

#[test]
fn gradients_equal_central_differences() {
    for shape in [(4, 7), (6, 5)] {
        let roles = mixed(shape);
        let pairs = pairs_of(&roles);
        let scores = scattered(shape, 1.5, 0.2);
        for bound in all_bounds() {
            // Its gradient holds the average fixed; the engine's gradient is compared with it
            // below.
            if matches!(bound, BoundSpec::Mine { .. }) {
                continue;
            }
            let learned = numbers(&bound, &pairs);
            let at = |scores: &Array2<f64>, learned: &Option<Array1<f64>>| {
                let view = learned.as_ref().map(|numbers| numbers.view());
                let input = Scores::new(scores.view()).with_learned(view).paired_by(&pairs);
                bounds::evaluate(&input, &objective(&bound)).unwrap().objective
            };
            let view = learned.as_ref().map(|numbers| numbers.view());
            let input = Scores::new(scores.view()).with_learned(view).paired_by(&pairs);
            let (_, g) = bounds::gradient(&input, &mut objective(&bound)).unwrap();
            let step = 1e-6;
            for (place, &g) in g.scores.indexed_iter() {
                let moved = |step: f64| {
                    let mut scores = scores.clone();
                    scores[place] += step;
                    at(&scores, &learned)
                };
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                close(&format!("{bound:?} {place:?}"), g, difference, 1e-8);
            }
            for (n, &g) in g.learned.iter().enumerate() {
                let moved = |step: f64| {
                    let mut learned = learned.clone();
                    if let Some(numbers) = &mut learned {
                        numbers[n] += step;
                    }
                    at(&scores, &learned)
                };
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                close(&format!("{bound:?} learned {n}"), g, difference, 1e-8);
            }
        }
    }
}

/// A case of these pairs for a bound, which says how many learned numbers there are.
fn case_with(hidden: Option<&[usize]>, pairs: &Pairs, bound: &BoundSpec) -> Case<f64> {
    let learned = numbers(bound, pairs).unwrap_or_default();
    Case { learned, pairs: Some(pairs.clone()), ..case_of(hidden, pairs.dim()) }
}

#[test]
fn the_engine_equals_the_whole_matrix() {
    let shapes = [pairs_of(&mixed((23, 31))), pairs_of(&mixed((31, 8))), Pairs::both_views(13)];
    for (name, hidden) in pairings() {
        for pairs in &shapes {
            for bound in all_bounds() {
                let name = format!("{name} {bound:?} {:?}", pairs.dim());
                let case = case_with(hidden.as_deref(), pairs, &bound);
                let expected = case.slow(&mut objective(&bound));
                for driver in [Driver::BySize, Driver::Panels { rows: 5 }] {
                    let mut engine = Engine::with_driver(driver);
                    let found = case.run(&mut engine, &mut objective(&bound));
                    compare(&name, &found, &expected, 1e-10);
                    let mut engine = Engine::with_driver(driver);
                    let found = case.single().run(&mut engine, &mut objective(&bound));
                    compare(&format!("{name} f32"), &found, &expected, 6e-5);
                }
            }
        }
    }
}

#[test]
fn embeddings_get_the_central_differences() {
    let pairs = pairs_of(&mixed((4, 7)));
    for (name, hidden) in pairings() {
        for bound in [BoundSpec::InfoNce, BoundSpec::InfoNceSymmetric, BoundSpec::JensenShannon] {
            let mut case = case_with(hidden.as_deref(), &pairs, &bound);
            case.x.mapv_inplace(|x| x.clamp(-2.0, 2.0));
            let found = case.run(&mut Engine::new(), &mut objective(&bound));
            let value = |case: &Case<f64>| {
                let batch = Batch::new(case.x.view(), case.y.view())
                    .paired_by(&pairs)
                    .scored_by(&case.pairing, &case.params);
                Engine::new().estimate(&batch, &objective(&bound)).unwrap().objective
            };
            let step = 1e-6;
            let differences = |of: fn(&mut Case<f64>) -> &mut Array2<f64>, g: &Array2<f64>| {
                for (at, &g) in g.indexed_iter() {
                    let moved = |step: f64| {
                        let mut case = case.clone();
                        of(&mut case)[at] += step;
                        value(&case)
                    };
                    let difference = (moved(step) - moved(-step)) / (2.0 * step);
                    close(&format!("{name} {bound:?} {at:?}"), g, difference, 1e-7);
                }
            };
            differences(|case| &mut case.x, &found.x);
            differences(|case| &mut case.y, &found.y);
        }
    }
}

#[test]
fn threads_and_panels_change_no_bit() {
    // More scores than one thread handles; blocks of rows, panels and columns of unequal size.
    let shapes = [Pairs::locations(70, 16), pairs_of(&mixed((410, 331)))];
    for (name, hidden) in pairings() {
        for pairs in &shapes {
            for bound in [BoundSpec::InfoNce, BoundSpec::InfoNceSymmetric] {
                let case = case_with(hidden.as_deref(), pairs, &bound).single();
                let run = |threads: usize, driver| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let mut engine = Engine::with_driver(driver);
                    pool.unwrap().install(|| case.run(&mut engine, &mut objective(&bound)))
                };
                let one = run(1, Driver::Whole);
                for threads in [2, 5] {
                    assert_eq!(run(threads, Driver::Whole), one, "{name} {bound:?} {threads}");
                }
                if name != "deep" {
                    assert_eq!(run(3, Driver::Panels { rows: 192 }), one, "{name} {bound:?}");
                }
            }
        }
    }
}

#[test]
fn a_square_that_is_spelled_out_is_the_square() {
    let k = 40;
    for (name, hidden) in pairings() {
        let plain = case(hidden.as_deref(), k);
        let listed = Case { pairs: Some(Pairs::square(k)), ..plain.clone() };
        for bound in all_bounds() {
            let expected = plain.run(&mut Engine::new(), &mut objective(&bound));
            let found = listed.run(&mut Engine::new(), &mut objective(&bound));
            assert_eq!(found.evaluation, expected.evaluation, "{name} {bound:?}");
            compare(&format!("{name} {bound:?}"), &found, &expected, 1e-13);
        }
    }
}

/// The pairs of every system, from its definition.
#[test]
fn systems_have_the_pairs_that_define_them() {
    use Role::{Negative, Neither, Positive};
    let same = |name: &str, pairs: &Pairs, role: &dyn Fn(usize, usize) -> Role| {
        let roles = Array2::from_shape_fn(pairs.dim(), |(i, j)| role(i, j));
        assert_eq!(pairs, &pairs_of(&roles), "{name}");
    };
    let either = |positive: bool| if positive { Positive } else { Negative };
    same("square", &Pairs::square(4), &|i, j| either(i == j));
    same("queue", &Pairs::with_queue(3, 5), &|i, j| either(i == j));
    let own = [4, 0, 6];
    same("bank", &Pairs::memory_bank(&own, 7).unwrap(), &|i, j| either(own[i] == j));
    same("both views", &Pairs::both_views(3), &|i, j| match (i, j) {
        (i, j) if i == j => Neither,
        (i, j) => either(i % 3 == j % 3),
    });
    same("locations", &Pairs::locations(3, 4), &|i, j| either(j / 4 == i));
    let rules = [
        (OtherSequences::SamePlace, false, 2),
        (OtherSequences::Excluded, true, 3),
        (OtherSequences::SamePlace, true, 2 + 3),
        (OtherSequences::AnyPlace, false, 2 * 4),
        (OtherSequences::AnyPlace, true, 2 * 4 + 3),
    ];
    for (others, own, negatives) in rules {
        let pairs = Pairs::sequence_step((3, 4), 2, (others, own)).unwrap();
        let role = |i, j| match (j / 3, j % 3) {
            (2, n) if n == i => Positive,
            (_, n) if n == i => {
                if own {
                    Negative
                } else {
                    Neither
                }
            }
            (2, _) if others == OtherSequences::SamePlace => Negative,
            _ if others == OtherSequences::AnyPlace => Negative,
            _ => Neither,
        };
        same("sequences", &pairs, &role);
        assert_eq!((pairs.counts().negatives, pairs.counts().fewest), (negatives, negatives));
        let queued = pairs.followed_by(5);
        same("queue", &queued, &|i, j| if j < 12 { role(i, j) } else { Negative });
    }
    // Other choices, such as negatives among the locations of one image (several terms) or among
    // all images at one place, are given as a list of pairs.
    let places = Pairs::new((4, 4), &[(0, 0), (1, 1), (2, 2), (3, 3)], &[(0, 1), (1, 0)]).unwrap();
    assert_eq!(places.negatives_of(0), 2);
}

/// DIM's local `InfoNCE` by its definition: a positive for each location, with all locations of
/// other images as negatives.
#[test]
fn local_infonce_is_dims() {
    let (k, l, d) = (5, 3, 4);
    let (global, local) = (scattered((k, d), 1.0, 0.1), scattered((k * l, d), 1.0, 0.2));
    let pairs = Pairs::locations(k, l);
    let batch = Batch::new(global.view(), local.view()).paired_by(&pairs);
    let found = Engine::new().estimate(&batch, &objective(&BoundSpec::InfoNce)).unwrap();
    let scores = global.dot(&local.t());
    let mut sum = 0.0;
    for i in 0..k {
        let others = (0..k * l).filter(|j| j / l != i).map(|j| scores[[i, j]].exp());
        let log_sum = others.sum::<f64>().ln();
        for j in i * l..(i + 1) * l {
            sum += (log_sum - scores[[i, j]]).exp().ln_1p();
        }
    }
    let candidates = (1 + (k - 1) * l) as f64;
    close("local", found.estimate, candidates.ln() - sum / (k * l) as f64, 1e-12);
    close("cap", found.cap.unwrap(), candidates.ln(), 1e-15);
}

/// A queue of negatives is a batch with more columns, and a sample's own place in the bank is not a
/// negative.
#[test]
fn banks_and_queues_reach_the_bound() {
    let (k, d) = (4, 3);
    let (x, y) = (scattered((k, d), 1.0, 0.1), scattered((k + 6, d), 1.0, 0.2));
    let nce = objective(&BoundSpec::InfoNce);
    let estimate = |y: &Array2<f64>, pairs: &Pairs| {
        let batch = Batch::new(x.view(), y.view()).paired_by(pairs);
        Engine::new().estimate(&batch, &nce).unwrap()
    };
    let queue = estimate(&y, &Pairs::with_queue(k, 6));
    close("cap", queue.cap.unwrap(), 10_f64.ln(), 1e-15);
    // A bank in which the samples come first is the same.
    let bank = estimate(&y, &Pairs::memory_bank(&[0, 1, 2, 3], 10).unwrap());
    assert_eq!(bank, queue);
    let (_, batch) = y.view().split_at(ndarray::Axis(0), 6);
    let square = estimate(&batch.to_owned(), &Pairs::square(k));
    let moved = estimate(&batch.to_owned(), &Pairs::memory_bank(&[0, 1, 2, 3], 4).unwrap());
    assert_eq!(square, moved);
}

/// A bound that is not in this crate: the mean of (positive − the row's largest negative).
#[derive(Debug)]
struct HardestGap;

impl Bound<f64> for HardestGap {
    fn name(&self) -> &'static str {
        "hardest gap"
    }

    fn row(&self, mut row: bounds::Row<'_, f64>, statistics: &mut [bounds::RowStatistics]) {
        let hardest = row.negatives().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        for (column, of_positive) in row.positives().zip(statistics) {
            of_positive.positive = row.score(column);
            of_positive.log_sum = hardest;
            of_positive.log_weight = 0.0;
        }
        if row.wants_weights() {
            for s in row.negatives_mut().flatten() {
                *s = f64::from(u8::from(*s == hardest));
            }
        }
    }

    fn finish(
        &self,
        rows: &mut [bounds::RowStatistics],
        counts: bounds::Counts,
    ) -> bounds::Outcome {
        let k = counts.positives as f64;
        for row in &mut *rows {
            row.positive_gradient = 1.0 / k;
        }
        let gaps = rows.iter().map(|row| row.positive - row.log_sum);
        bounds::Outcome::new(gaps.sum::<f64>() / k, -k.ln())
    }

    fn target(&self) -> Option<f64> {
        Some(100.0)
    }
}

#[test]
fn a_bound_of_ones_own_runs_on_the_engine() {
    let pairs = pairs_of(&mixed((6, 9)));
    for (name, hidden) in pairings() {
        let case = case_of(hidden.as_deref(), (6, 9));
        let value = |case: &Case<f64>| {
            let batch = Batch::new(case.x.view(), case.y.view())
                .paired_by(&pairs)
                .scored_by(&case.pairing, &case.params);
            Engine::new().estimate(&batch, &HardestGap).unwrap()
        };
        let evaluation = value(&case);
        close(name, evaluation.objective, evaluation.estimate - 100.0, 1e-12);
        let mut gradients = mi_nets::Gradients::zeros_like(&case.params);
        let batch = Batch::new(case.x.view(), case.y.view())
            .paired_by(&pairs)
            .scored_by(&case.pairing, &case.params);
        let mut engine = Engine::new();
        let found = engine.differentiate(&batch, &mut HardestGap, Some(&mut gradients)).unwrap();
        for (at, &g) in found.x.indexed_iter() {
            let moved = |step: f64| {
                let mut case = case.clone();
                case.x[at] += step;
                value(&case).objective
            };
            let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            close(&format!("{name} {at:?}"), g, difference, 1e-7);
        }
    }
}

#[test]
fn mistakes_are_named() {
    let wrong = |positives: &[(usize, usize)], excluded: &[(usize, usize)], word: &str| {
        let error = Pairs::new((2, 3), positives, excluded).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    };
    wrong(&[], &[(0, 0)], "no positive");
    wrong(&[(0, 0), (0, 0)], &[], "twice");
    wrong(&[(0, 0)], &[(0, 0)], "both");
    wrong(&[(2, 0)], &[], "outside");
    wrong(&[(0, 0)], &[(0, 3)], "outside");
    assert!(Pairs::new((2, 3), &[(0, 0)], &[(1, 1), (1, 1)]).is_ok());
    assert!(Pairs::memory_bank(&[3], 3).is_err());
    assert!(Pairs::sequence_step((2, 3), 3, (OtherSequences::SamePlace, true)).is_err());

    let x = Array2::<f64>::zeros((2, 2));
    let mut state = objective(&BoundSpec::Nwj);
    let run = |pairs: &Pairs, state: &mut Objective| {
        let batch = Batch::new(x.view(), x.view()).paired_by(pairs);
        Engine::new().differentiate(&batch, state, None).map(|_| ()).unwrap_err()
    };
    let other = run(&Pairs::square(3), &mut state);
    assert_eq!(other.to_string(), "the scores are 2×2; the pairs are those of 3×3 scores");
    let bare = Pairs::new((2, 2), &[(0, 0), (1, 1)], &[(1, 0)]).unwrap();
    let error = run(&bare, &mut state);
    assert_eq!(error, EstimatorError::NoNegatives { bound: "nwj".to_owned(), row: 1 });
    let mut large = objective(&BoundSpec::MlCpc { alpha: 1.5 });
    assert!(matches!(run(&bare, &mut large), EstimatorError::NoNegatives { .. }));
    // InfoNCE of a positive without negatives is 0.
    let scores = array![[3.0, 1.0], [0.0, 2.0]];
    let input = Scores::new(scores.view()).paired_by(&bare);
    let found = bounds::evaluate(&input, &objective(&BoundSpec::InfoNce)).unwrap();
    close("half", found.estimate, 0.5 * (2_f64.ln() - (-2_f64).exp().ln_1p()), 1e-12);
    close("cap", found.cap.unwrap(), 0.5 * 2_f64.ln(), 1e-15);
}
