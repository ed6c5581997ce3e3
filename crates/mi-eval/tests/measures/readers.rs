//! What readers of labels and values can find, and what they cannot.

use mi_eval::{
    Chosen, EvalError, Family, HeldOut, LinearReader, LossDataCurve, MlpReader, NearestReader,
    Stream, TrainTest, VInformation, Warning, conditional_v_information, few_labels, v_information,
    v_information_about_values,
};
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

const LN_2: f64 = std::f64::consts::LN_2;

/// All families, with networks small enough for tests.
fn families() -> [Family; 4] {
    [Family::linear(), mlp(16, 20), mlp(64, 20), Family::nearest()]
}

fn mlp(width: usize, epochs: usize) -> Family {
    Family::Mlp(MlpReader { width, epochs, lr: 1e-2, batch: 64, ..MlpReader::default() })
}

fn halves(features: &Array2<f32>, at: usize) -> TrainTest<ArrayView2<'_, f32>> {
    let (train, test) = features.view().split_at(Axis(0), at);
    TrainTest::new(train, test)
}

fn of_labels(labels: &[bool], at: usize) -> TrainTest<&[bool]> {
    TrainTest::new(&labels[..at], &labels[at..])
}

fn normal(name: &str, shape: (usize, usize)) -> Array2<f32> {
    Stream::new(1, name).normal_matrix(shape).mapv(|v| v as f32)
}

fn labelled(
    features: &Array2<f32>,
    label: impl Fn(ndarray::ArrayView1<'_, f32>) -> bool,
) -> Vec<bool> {
    features.rows().into_iter().map(label).collect()
}

#[test]
fn xor_is_invisible_to_the_linear_family_and_visible_to_the_next() {
    let features = normal("xor", (4000, 2));
    let labels = labelled(&features, |x| x[0] * x[1] > 0.0);
    let find = |family: &Family| {
        v_information(family, halves(&features, 3000), of_labels(&labels, 3000), 1).unwrap()
    };
    let [linear, small, large, nearest] = families().map(|family| find(&family));
    assert!(linear.value.abs() < 0.01 && linear.interval().low < 0.0, "{}", linear.value);
    for (name, found) in [("small", small), ("large", large), ("nearest", nearest)] {
        assert!(found.value > 0.45 && found.interval().low > 0.4, "{name}: {}", found.value);
        assert!(found.value < LN_2 && (found.without - LN_2).abs() < 0.01);
    }
}

#[test]
fn a_reader_that_diverges_says_in_which_epoch() {
    let features = normal("xor", (400, 2));
    let labels = labelled(&features, |x| x[0] * x[1] > 0.0);
    let wild = MlpReader { width: 8, epochs: 3, lr: 1e30, batch: 64, ..MlpReader::default() };
    let wild = Family::Mlp(wild);
    let found = v_information(&wild, halves(&features, 300), of_labels(&labels, 300), 1);
    let error = found.unwrap_err();
    assert!(matches!(error, EvalError::Diverged { solver: "Adam", epoch: 1 }), "{error}");
}

#[test]
fn labels_that_say_nothing_give_nothing_and_may_give_less() {
    // Few rows and many features, so that a reader without regularisation would be far below 0.
    let features = normal("noise", (700, 60));
    let mut stream = Stream::new(2, "labels");
    let labels: Vec<bool> = (0..700).map(|_| stream.uniform() < 0.5).collect();
    let find = |family: &Family| {
        v_information(family, halves(&features, 500), of_labels(&labels, 500), 1).unwrap()
    };
    for family in families() {
        let found = find(&family);
        assert!(found.value < 0.02 && found.value > -0.3, "{}: {}", family.name(), found.value);
    }
    let sure = Family::Linear(LinearReader { cs: vec![100.0], ..LinearReader::default() });
    assert!(find(&sure).value < -0.03, "a negative value is kept: {}", find(&sure).value);
}

#[test]
fn pointwise_values_average_to_the_whole_and_name_what_misleads() {
    let features = normal("pointwise", (3000, 3));
    let mut labels = labelled(&features, |x| x[0] > 0.0);
    labels[2500] = !labels[2500];
    let found =
        v_information(&Family::linear(), halves(&features, 2000), of_labels(&labels, 2000), 1)
            .unwrap();
    let VInformation { value, without, with, pointwise, .. } = &found;
    let mean = pointwise.iter().sum::<f64>() / 1000.0;
    assert!((mean - value).abs() < 1e-12 && (without - with - value).abs() < 1e-12);
    assert!(pointwise[500] < 0.0, "{}", pointwise[500]);
    assert!(pointwise.iter().all(|&p| p <= without + 0.1));
}

#[test]
fn a_class_that_no_training_row_has_keeps_a_probability() {
    let features = normal("classes", (900, 2));
    let mut labels: Vec<u8> = features.rows().into_iter().map(|x| u8::from(x[0] > 0.0)).collect();
    labels[800..].fill(7);
    let labels = TrainTest::new(&labels[..800], &labels[800..]);
    for family in families() {
        let found = v_information(&family, halves(&features, 800), labels, 1).unwrap();
        // One row of 803: both readers give this probability, and neither knows more.
        assert!((found.without - 803_f64.ln()).abs() < 1e-9, "{}", family.name());
        assert!(found.pointwise.iter().all(|p| p.abs() < 7.0), "{}", family.name());
        if !matches!(family, Family::Nearest(_)) {
            assert!((found.with - found.without).abs() < 1e-9, "{}", family.name());
        }
        let reading = family
            .read_labels(halves(&features, 800).train, labels.train, features.view(), None, 1)
            .unwrap();
        let sums = reading.log_probabilities().mapv(f64::exp).sum_axis(Axis(1));
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-9), "{}", family.name());
    }
    let one = vec![4_u8; 800];
    let reading = Family::linear()
        .read_labels(halves(&features, 800).train, &one, features.view(), None, 1)
        .unwrap();
    assert_eq!(reading.chosen(), Chosen::Prior);
    assert_eq!(reading.accuracy(&[4; 900]).unwrap(), 1.0);
}

#[test]
fn a_base_leaves_what_it_does_not_know() {
    let both = normal("base", (4000, 4));
    let labels = labelled(&both, |x| x[0] + x[2] > 0.0);
    let base = both.slice(s![.., ..2]).to_owned();
    let rest = both.slice(s![.., 2..]).to_owned();
    let labels = of_labels(&labels, 3000);
    for family in [Family::linear(), mlp(16, 20)] {
        let find = |base: &Array2<f32>, features: &Array2<f32>| {
            let (base, features) = (halves(base, 3000), halves(features, 3000));
            conditional_v_information(&family, base, features, labels, 1).unwrap()
        };
        // The sign of x₀ + x₂ given x₀: the remaining part of ln 2 is in the other features.
        let beyond = find(&base, &rest);
        let all = v_information(&family, halves(&both, 3000), labels, 1).unwrap();
        let alone = v_information(&family, halves(&base, 3000), labels, 1).unwrap();
        assert!(beyond.value > 0.3, "{}: {}", family.name(), beyond.value);
        let chain = alone.value + beyond.value;
        assert!((chain - all.value).abs() < 0.03, "{}: {chain} {}", family.name(), all.value);
        // The base adds nothing to itself.
        let itself = find(&base, &base);
        assert!(itself.value.abs() < 0.02, "{}: {}", family.name(), itself.value);
    }
    let short = halves(&base, 2999);
    let wrong = conditional_v_information(&Family::linear(), short, halves(&rest, 3000), labels, 1);
    assert!(matches!(wrong, Err(EvalError::RowCounts { first: 2999, second: 3000, .. })));
}

#[test]
fn values_are_read_by_every_family_as_far_as_it_can() {
    let x = normal("values", (4000, 2));
    let noise = normal("value noise", (4000, 3));
    // A line, a parabola, and only noise.
    let y = Array2::from_shape_fn((4000, 3), |(i, j)| {
        let signal = [x[[i, 0]], x[[i, 1]] * x[[i, 1]], 0.0][j];
        signal + 0.5 * noise[[i, j]]
    });
    let find = |family: &Family, columns: std::ops::Range<usize>| {
        let y = y.slice(s![.., columns]).to_owned();
        let (features, values) = (halves(&x, 3000), halves(&y, 3000));
        v_information_about_values(family, features, values, 1).unwrap()
    };
    let line = 0.5 * 5_f64.ln();
    for family in families() {
        let found = find(&family, 0..1);
        let lost = if matches!(family, Family::Nearest(_)) { 0.7 } else { 0.06 };
        let name = family.name();
        assert!((found.value - line).abs() < lost && found.value > 0.1, "{name}: {}", found.value);
        assert!(find(&family, 2..3).value.abs() < 0.02, "{name}");
    }
    assert!(find(&Family::linear(), 1..2).value.abs() < 0.02);
    assert!(find(&mlp(64, 20), 1..2).value > 0.6);
    // Both columns together have the information of each.
    let both = find(&mlp(64, 20), 0..2).value;
    let apart = find(&mlp(64, 20), 0..1).value + find(&mlp(64, 20), 1..2).value;
    assert!((both - apart).abs() < 0.15, "{both} {apart}");
}

#[test]
fn values_in_other_coordinates_hold_the_same() {
    let x = normal("values", (2000, 3));
    let y = &x.slice(s![.., ..2]) + &normal("value noise", (2000, 2));
    let mixed = y.dot(&ndarray::array![[3.0_f32, 200.0], [1.0, -50.0]]) + 40.0;
    // Columns that are constant, or functions of others, do no harm.
    let constant = Array2::from_elem((2000, 1), 7.0_f32);
    let wide = concatenate![Axis(1), mixed, constant, mixed.slice(s![.., ..1])];
    for family in [Family::linear(), Family::nearest(), mlp(16, 10)] {
        let find = |y: &Array2<f32>| {
            let (features, values) = (halves(&x, 1500), halves(y, 1500));
            v_information_about_values(&family, features, values, 1).unwrap().value
        };
        let (plain, other, wide) = (find(&y), find(&mixed), find(&wide));
        let allowed = if matches!(family, Family::Mlp(_)) { 0.05 } else { 1e-3 };
        assert!((plain - other).abs() < allowed, "{}: {plain} {other}", family.name());
        assert!((plain - wide).abs() < allowed, "{}: {plain} {wide}", family.name());
        assert!(plain > 0.2, "{}: {plain}", family.name());
    }
    let constant = Array2::from_elem((2000, 1), 7.0_f32);
    let nothing =
        v_information_about_values(&Family::linear(), halves(&x, 1500), halves(&constant, 1500), 1);
    assert!(matches!(nothing, Err(EvalError::NoSpread { .. })));
}

#[test]
fn more_labels_never_hurt_much_and_draws_have_an_error() {
    let features = normal("few", (3000, 5));
    let labels = labelled(&features, |x| x[0] - x[1] > 0.0);
    let per_class = [1, 2, 5, 20, 100, 5000];
    let (features, labels) = (halves(&features, 2000), of_labels(&labels, 2000));
    let found = few_labels(&Family::linear(), features, labels, &per_class, 6, 1).unwrap();
    let sizes: Vec<usize> = found.iter().map(|few| few.per_class).collect();
    assert_eq!(sizes, [1, 2, 5, 20, 100]);
    let accuracy = |k: usize| found[k].accuracy;
    assert!(accuracy(0).value < 0.85 && accuracy(4).value > 0.95, "{found:?}");
    assert!(accuracy(0).standard_error > accuracy(4).standard_error && accuracy(0).n == 6);
    let again = few_labels(&Family::linear(), features, labels, &[5, 20], 6, 1).unwrap();
    assert_eq!(again[..], found[2..4], "a draw does not depend on the other sizes");
    let none = few_labels(&Family::linear(), features, labels, &[5000], 6, 1);
    assert!(none.unwrap_err().to_string().contains("beyond the smallest class"));
}

#[test]
fn mistakes_are_errors() {
    let features = normal("mistakes", (40, 3));
    let labels = labelled(&features, |x| x[0] > 0.0);
    let read = |family: Family| {
        family.read_labels(features.view(), &labels, features.view(), None, 1).map(|_| ())
    };
    let nearest = NearestReader { k: 38, ..NearestReader::default() };
    assert!(matches!(
        read(Family::Nearest(nearest.clone())),
        Err(EvalError::NeighbourCount { .. })
    ));
    let cold = NearestReader { temperature: 0.0, k: 3, ..nearest };
    assert!(matches!(
        read(Family::Nearest(cold)),
        Err(EvalError::Setting { name: "temperature", .. })
    ));
    for (name, reader) in [
        ("width", MlpReader { width: 0, ..MlpReader::default() }),
        ("epochs", MlpReader { epochs: 0, ..MlpReader::default() }),
        ("batch", MlpReader { batch: 0, ..MlpReader::default() }),
        ("lr", MlpReader { lr: -1.0, ..MlpReader::default() }),
        ("held_out", MlpReader { held_out: 1.0.into(), ..MlpReader::default() }),
    ] {
        let Err(EvalError::Setting { name: found, .. }) = read(Family::Mlp(reader)) else {
            panic!("{name}")
        };
        assert_eq!(found, name);
    }
    let short =
        Family::linear().read_labels(features.view(), &labels[..39], features.view(), None, 1);
    assert!(matches!(short, Err(EvalError::LabelCount { .. })));
    let narrow = features.slice(s![.., ..2]);
    let narrow = Family::linear().read_labels(features.view(), &labels, narrow, None, 1);
    assert!(matches!(narrow, Err(EvalError::ColumnCount { expected: 3, found: 2, .. })));
}

#[test]
fn same_seed_same_bits_for_any_number_of_threads() {
    let features = normal("threads", (3000, 6));
    let labels = labelled(&features, |x| x[0] * x[1] + x[2] > 0.0);
    let values = features.slice(s![.., ..2]).to_owned();
    for family in [Family::linear(), mlp(16, 3), Family::nearest()] {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let features = halves(&features, 2500);
                let labels = v_information(&family, features, of_labels(&labels, 2500), 1).unwrap();
                let values =
                    v_information_about_values(&family, features, halves(&values, 2500), 1);
                (labels, values.unwrap())
            })
        };
        assert_eq!(run(1), run(3), "{}", family.name());
    }
}

#[test]
fn linear_settings_out_of_range_are_refused_however_few_the_rows() {
    let features = normal("settings", (40, 3));
    let labels = labelled(&features, |x| x[0] > 0.0);
    for (name, reader) in [
        ("cs", LinearReader { cs: vec![], ..LinearReader::default() }),
        ("fixed_c", LinearReader { fixed_c: 0.0, ..LinearReader::default() }),
        ("held_out", LinearReader { held_out: f64::NAN.into(), ..LinearReader::default() }),
        (
            "held_out.last",
            LinearReader { held_out: HeldOut::Last { last: 0 }, ..LinearReader::default() },
        ),
    ] {
        let family = Family::Linear(reader);
        let read = family.read_labels(features.view(), &labels, features.view(), None, 1);
        let Err(EvalError::Setting { name: found, .. }) = read else { panic!("{name}") };
        assert_eq!(found, name);
        let read = family.read_values(features.view(), features.view(), features.view(), 1);
        assert!(matches!(read, Err(EvalError::Setting { .. })), "{name}");
    }
    let last = LinearReader { held_out: HeldOut::Last { last: 10_000 }, ..LinearReader::default() };
    for family in [Family::linear(), Family::Linear(last)] {
        let few = family.read_labels(features.view(), &labels, features.view(), None, 1);
        assert_eq!(few.unwrap().chosen(), Chosen::FixedC(1.0));
    }
}

/// Residuals that do not span the values leave directions with no variance but a floor, in which
/// test rows would cost millions of nats.
#[test]
fn more_columns_of_values_than_held_out_rows_are_refused() {
    let features = normal("features", (300, 3));
    let values = normal("values", (300, 60));
    let columns = |columns: usize| {
        let values = values.slice(s![.., ..columns]);
        let (train, test) = values.split_at(Axis(0), 200);
        TrainTest::new(train, test)
    };
    for family in [mlp(16, 3), Family::nearest()] {
        let read =
            |of: usize| v_information_about_values(&family, halves(&features, 200), columns(of), 1);
        let refused = read(60);
        let Err(EvalError::TooFewRows { needed: 62, found, .. }) = refused else {
            panic!("{family:?}: {refused:?}")
        };
        // The smallest excess of rows over columns that is taken.
        let fits = read(found - 2).unwrap();
        assert!(fits.value.abs() < 1e3, "{family:?}: {} nats", fits.value);
        assert!(matches!(read(found - 1), Err(EvalError::TooFewRows { .. })), "{family:?}");
    }
    let (few, many) = (features.slice(s![..61, ..]), values.slice(s![..61, ..]));
    let read = Family::linear().read_values(few, many, few, 1);
    assert!(matches!(read, Err(EvalError::TooFewRows { .. })), "{read:?}");
}

#[test]
fn a_fit_that_is_not_to_be_trusted_says_so() {
    let features = normal("warnings", (3000, 4));
    let labels = labelled(&features, |x| x[0] > 0.0);
    let warnings = |reader: LinearReader| {
        let (features, labels) = (halves(&features, 2000), of_labels(&labels, 2000));
        v_information(&Family::Linear(reader), features, labels, 1).unwrap().warnings
    };
    // Labels that are linearly separable need the weakest penalty.
    let found = warnings(LinearReader::default());
    assert_eq!(found, [Warning::ValidationEdge { c: 10.0 }]);
    let precise = LinearReader { cs: vec![1.0], tolerance: 1e-30, ..LinearReader::default() };
    assert!(matches!(warnings(precise)[..], [Warning::NotConverged { .. }]));
    let fine = LinearReader { cs: vec![1.0], ..LinearReader::default() };
    assert!(warnings(fine).is_empty());
}

#[test]
fn a_curve_refuses_sizes_that_are_no_sizes() {
    let features = normal("sizes", (60, 2));
    let labels = labelled(&features, |x| x[0] > 0.0);
    let (features, labels) = (halves(&features, 40), of_labels(&labels, 40));
    for sizes in [vec![], vec![0, 10], vec![10, 10], vec![20, 10], vec![10, 41]] {
        let curve = LossDataCurve::fit(&Family::linear(), features, labels, &sizes, 1);
        assert!(matches!(curve, Err(EvalError::Setting { name: "sizes", .. })), "{sizes:?}");
    }
    // Blocks of only one class, and an empty last block.
    let one_class =
        LossDataCurve::fit(&Family::linear(), features, labels, &[1, 2, 40], 1).unwrap();
    assert_eq!(one_class.points()[0].chosen, Chosen::Prior);
    assert!(one_class.points()[2].next_block.is_none());
    assert!(one_class.description_length().nats.is_finite());
}

/// The readers of comparisons with other programs: the last training rows choose the setting.
#[test]
fn the_last_rows_choose_and_networks_need_not_be_refitted() {
    let features = normal("last", (1500, 4));
    let mut labels = labelled(&features, |x| x[0] + 0.5 * x[1] > 0.0);
    // The last 200 training rows have random labels, so the strongest penalty is the best on them.
    let other = labelled(&normal("other", (200, 1)), |x| x[0] > 0.0);
    labels[800..1000].clone_from_slice(&other);
    let read = |held_out: HeldOut, refit: bool, family: &str| {
        let family = match family {
            "linear" => Family::Linear(LinearReader { held_out, ..LinearReader::default() }),
            _ => Family::Mlp(MlpReader { held_out, refit, epochs: 3, ..MlpReader::default() }),
        };
        let (train, rows) = (features.slice(s![..1000, ..]), features.slice(s![1000.., ..]));
        family.read_labels(train, &labels[..1000], rows, None, 1).unwrap()
    };
    let last = HeldOut::Last { last: 200 };
    assert_eq!(read(last, true, "linear").chosen(), Chosen::C(1e-3));
    let Chosen::C(c) = read(0.2.into(), true, "linear").chosen() else { panic!("no C") };
    assert!(c > 1e-3, "{c}");
    let network = |refit: bool| read(last, refit, "mlp");
    assert_ne!(network(true).log_probabilities(), network(false).log_probabilities());
}
