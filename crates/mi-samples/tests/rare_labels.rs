//! Labels that few rows have, with numbers and with values that many rows have.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mi_random::Stream;
use mi_samples::{
    Declared, Estimate, Marginals, Method, NeuralSettings, Sample, SamplesError, Settings, Side,
    Warning, conditional_mutual_information, mesner_shalizi, mutual_information,
};
use ndarray::{Array2, Axis, concatenate};
use statrs::function::gamma::digamma;

/// A Poisson count.
fn count(stream: &mut Stream, mean: f64) -> f64 {
    let (mut count, mut product) = (0.0, stream.uniform());
    while product > (-mean).exp() {
        count += 1.0;
        product *= stream.uniform();
    }
    count
}

/// Independent columns of a table: small counts, large ones of which 40 % are 0, two of numbers, and one
/// of three labels.
struct Table {
    counts: Array2<f64>,
    zeros: Array2<f64>,
    numbers: [Array2<f64>; 2],
    labels: Array2<f64>,
}

impl Table {
    fn new(seed: u64, n: usize) -> Self {
        let mut stream = Stream::new(seed, "rare labels");
        let mut column = |draw: &dyn Fn(&mut Stream) -> f64| {
            Array2::from_shape_simple_fn((n, 1), || draw(&mut stream))
        };
        let zeros = |s: &mut Stream| if s.uniform() < 0.4 { 0.0 } else { count(s, 50.0) };
        Self {
            counts: column(&|s| count(s, 5.0)),
            zeros: column(&zeros),
            numbers: [column(&Stream::normal), column(&Stream::normal)],
            labels: column(&|s| s.below(3) as f64),
        }
    }
}

fn side(columns: &[&Array2<f64>]) -> Sample {
    let views: Vec<_> = columns.iter().map(|column| column.view()).collect();
    Sample::new(concatenate(Axis(1), &views).unwrap().view(), &[], 0).unwrap()
}

fn quick() -> Settings {
    Settings { interval: false, ..Settings::default() }
}

fn mean(tables: u64, n: usize, estimate: impl Fn(Table) -> Estimate) -> f64 {
    (0..tables).map(|seed| estimate(Table::new(seed, n)).value).sum::<f64>() / tables as f64
}

#[test]
fn independent_columns_give_nothing_whatever_their_kinds() {
    // The standard error of such a mean is about 0.006.
    let of = |x: &[&Array2<f64>], y: &[&Array2<f64>]| {
        mutual_information(&side(x), &side(y), &quick()).unwrap()
    };
    let found = mean(30, 200, |t| of(&[&t.zeros], &[&t.counts]));
    assert!(found.abs() < 0.02, "zeros and counts: {found}");
    let found = mean(30, 200, |t| of(&[&t.counts, &t.numbers[0]], &[&t.numbers[1]]));
    assert!(found.abs() < 0.02, "counts and a number, a number: {found}");
    let found = mean(30, 200, |t| of(&[&t.counts, &t.numbers[0]], &[&t.zeros]));
    assert!(found.abs() < 0.02, "counts and a number, zeros: {found}");
}

#[test]
fn independent_columns_give_nothing_given_others() {
    let of = |x: &[&Array2<f64>], y: &[&Array2<f64>], z: &[&Array2<f64>]| {
        conditional_mutual_information(&side(x), &side(y), &side(z), &quick()).unwrap()
    };
    let found = mean(30, 300, |t| of(&[&t.counts], &[&t.numbers[0]], &[&t.numbers[1]]));
    assert!(found.abs() < 0.02, "given a number: {found}");
    let found = mean(30, 300, |t| of(&[&t.counts], &[&t.numbers[0]], &[&t.labels]));
    assert!(found.abs() < 0.02, "given labels: {found}");
    let found = mean(30, 300, |t| of(&[&t.zeros], &[&t.numbers[0]], &[&t.counts]));
    assert!(found.abs() < 0.02, "given counts: {found}");
}

#[test]
fn zeros_that_a_label_explains_are_counted() {
    // P(0) is 0.1, 0.3, 0.5, 0.7 by the label, and everything else is the same: 0.1130 nats.
    let truth = 0.1130;
    let found = (0..10).map(|seed| {
        let mut stream = Stream::new(seed, "explained");
        let rows = (0..600).map(|_| {
            let label = stream.below(4) as f64;
            let is_zero = stream.uniform() < 0.1 + 0.2 * label;
            [label, if is_zero { 0.0 } else { stream.normal() }]
        });
        let rows: Vec<f64> = rows.flatten().collect();
        let rows = Array2::from_shape_vec((600, 2), rows).unwrap();
        let [label, number] = [0, 1].map(|column| rows.select(Axis(1), &[column]));
        let found = mutual_information(&side(&[&label]), &side(&[&number]), &quick()).unwrap();
        assert_eq!(found.estimator.method, Method::Ross);
        found.value
    });
    let mean = found.sum::<f64>() / 10.0;
    assert!((mean - truth).abs() < 0.02, "{mean}");
}

/// From all pairs: neighbours have the labels of the row, and counts are strict.
fn slow(numbers: [&Array2<f64>; 3], labels: [&Array2<f64>; 3], k: usize) -> f64 {
    let n = numbers[0].nrows();
    let distance = |places: &[usize], i: usize, j: usize| {
        let far = places.iter().any(|&side| labels[side].row(i) != labels[side].row(j));
        let near = places.iter().flat_map(|&side| {
            let (a, b) = (numbers[side].row(i), numbers[side].row(j));
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>()
        });
        if far { f64::INFINITY } else { near.fold(0.0, f64::max) }
    };
    let class = |i: usize| {
        let others = (0..n).filter(|&j| j != i).map(|j| distance(&[0, 1, 2], i, j));
        let mut others: Vec<f64> = others.filter(|distance| distance.is_finite()).collect();
        others.sort_by(f64::total_cmp);
        others
    };
    let used: Vec<usize> = (0..n).filter(|&i| !class(i).is_empty()).collect();
    let term = |&i: &usize| {
        let class = class(i);
        let k = k.min(class.len());
        let radius = class[k - 1];
        let of = |places: &[usize]| {
            let near = used.iter().filter(|&&j| distance(places, i, j) < radius && j != i);
            digamma(near.count() as f64 + 1.0)
        };
        digamma(k as f64) - of(&[0, 2]) - of(&[1, 2]) + of(&[2])
    };
    used.iter().map(term).sum::<f64>() / used.len() as f64
}

#[test]
fn neighbours_have_the_labels_of_the_row() {
    for seed in 0..3 {
        let table = Table::new(seed, 120);
        let [a, b] = &table.numbers;
        let nothing = Array2::zeros((120, 0));
        let x = side(&[&table.counts]);
        let y = side(&[a]);
        let z = side(&[&table.labels, b]);
        for k in [1, 4] {
            let fast = mesner_shalizi(&x, &y, Some(&z), Marginals::Raw, &[k]).unwrap()[0];
            let slow = slow([&nothing, a, b], [&table.counts, &nothing, &table.labels], k);
            assert!((fast - slow).abs() < 1e-11, "{seed}, k = {k}: {fast} but {slow}");
        }
    }
}

#[test]
fn rows_alone_with_their_labels_are_left_out_and_said_to_be() {
    let table = Table::new(7, 100);
    let mut rare = table.labels.clone();
    (0..10).for_each(|row| rare[[row, 0]] = 100.0 + row as f64);
    let [x, y] = [side(&[&rare, &table.numbers[0]]), side(&[&table.numbers[1]])];
    let found = mutual_information(&x, &y, &quick()).unwrap();
    assert_eq!((found.estimator.method, found.n), (Method::Mixture, 90));
    assert!(found.warnings.contains(&Warning::UniqueLabels { rows: 10 }));
    let rest: Vec<usize> = (10..100).collect();
    let [labels, a, b] =
        [&rare, &table.numbers[0], &table.numbers[1]].map(|column| column.select(Axis(0), &rest));
    let settings = Settings { marginals: Marginals::Raw, ..quick() };
    let raw = |x: &Sample, y: &Sample| mutual_information(x, y, &settings).unwrap().value;
    assert_eq!(raw(&x, &y), raw(&side(&[&labels, &a]), &side(&[&b])));
}

#[test]
fn a_critic_is_not_trained_on_unique_labels() {
    let table = Table::new(8, 300);
    let ids = Array2::from_shape_fn((300, 1), |(row, _)| row as f64);
    let [number, other] = &table.numbers;
    let both = concatenate(Axis(1), &[number.view(), ids.view()]).unwrap();
    let kinds = [Declared::Continuous, Declared::Discrete];
    let x = Sample::new(both.view(), &kinds, 0).unwrap();
    let neural = NeuralSettings { steps: 10, ..NeuralSettings::default() };
    for method in [Method::Neural, Method::EntropyDifference] {
        let settings = Settings { method: Some(method), neural: neural.clone(), ..quick() };
        let error = mutual_information(&x, &side(&[other]), &settings).unwrap_err();
        let (method, side, columns) = (method.name(), Side::X, vec![1]);
        let expected = SamplesError::UniqueLabels { method, side, columns, rows: 300, n: 300 };
        assert_eq!(error, expected);
    }
}
