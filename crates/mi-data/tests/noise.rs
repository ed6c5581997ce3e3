//! Noise for views, shared and independent, and counting duplicates.

use mi_data::{add_noise, add_shared_noise, duplicate_rows};
use mi_random::Stream;
use ndarray::{Array2, array, s};

#[test]
fn noise_has_its_standard_deviation_and_is_independent_between_calls() {
    let mut stream = Stream::new(1, "noise");
    let (mut a, mut b) = (Array2::<f64>::ones((200, 100)), Array2::<f64>::ones((200, 100)));
    add_noise(a.view_mut(), 0.05, &mut stream).unwrap();
    add_noise(b.view_mut(), 0.05, &mut stream).unwrap();
    for noisy in [&a, &b] {
        // 20,000 draws: standard errors 0.05 / 141 of the mean and 0.05 / 200 of the deviation.
        assert!((noisy.mean().unwrap() - 1.0).abs() < 0.0018);
        assert!((noisy.std(0.0) - 0.05).abs() < 0.0013);
    }
    let product = ((a - 1.0) * (b - 1.0)).mean().unwrap();
    // The mean of 20,000 products has the standard error 0.0025 / 141.
    assert!(product.abs() < 9e-5, "{product}");
}

#[test]
fn shared_noise_is_the_same_draw_twice() {
    let (mut a, mut b) = (Array2::<f32>::zeros((3, 4)), Array2::<f32>::zeros((3, 4)));
    add_shared_noise(a.view_mut(), b.view_mut(), 0.05, &mut Stream::new(1, "noise")).unwrap();
    let mut alone = Array2::<f32>::zeros((3, 4));
    add_noise(alone.view_mut(), 0.05, &mut Stream::new(1, "noise")).unwrap();
    assert_eq!(a, b);
    assert_eq!(a, alone);
    assert!(a.iter().all(|&value| value != 0.0));
}

#[test]
fn noise_does_not_depend_on_the_layout() {
    let mut rows = Array2::<f64>::zeros((5, 7));
    let mut turned = Array2::<f64>::zeros((7, 5));
    add_noise(rows.view_mut(), 1.0, &mut Stream::new(2, "noise")).unwrap();
    add_noise(turned.view_mut().reversed_axes(), 1.0, &mut Stream::new(2, "noise")).unwrap();
    assert_eq!(rows, turned.t());
    let (mut one, mut other) = (Array2::<f64>::zeros((5, 7)), Array2::<f64>::zeros((7, 5)));
    let mut stream = Stream::new(2, "noise");
    add_shared_noise(one.view_mut(), other.view_mut().reversed_axes(), 1.0, &mut stream).unwrap();
    assert_eq!(one, rows);
    assert_eq!(other.t(), rows);
}

#[test]
fn impossible_noise_is_an_error() {
    let mut stream = Stream::new(1, "noise");
    let (mut a, mut b) = (Array2::<f64>::zeros((2, 2)), Array2::<f64>::zeros((2, 3)));
    for sd in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(add_noise(a.view_mut(), sd, &mut stream).is_err());
    }
    assert!(add_shared_noise(a.view_mut(), b.view_mut(), 0.1, &mut stream).is_err());
    assert_eq!(a, Array2::<f64>::zeros((2, 2)));
}

#[test]
fn duplicates_are_rows_less_distinct_rows() {
    let four: Array2<f32> = Stream::new(3, "rows").normal_matrix((4, 5)).mapv(|v| v as f32);
    let eight = Array2::from_shape_fn((8, 5), |(i, j)| four[[i % 4, j]]);
    assert_eq!(duplicate_rows(four.view()), 0);
    assert_eq!(duplicate_rows(eight.view()), 4);
    assert_eq!(duplicate_rows(eight.slice(s![..;-1, ..;-1])), 4);
    assert_eq!(duplicate_rows(Array2::<f64>::ones((8, 3)).view()), 7);
    assert_eq!(duplicate_rows(array![[0.0, 1.0], [-0.0, 1.0], [f64::NAN, 1.0]].view()), 1);
    assert_eq!(duplicate_rows(array![[f64::NAN], [f64::NAN]].view()), 0);
    assert_eq!(duplicate_rows(Array2::<f64>::zeros((0, 3)).view()), 0);
    assert_eq!(duplicate_rows(Array2::<f64>::zeros((3, 0)).view()), 2);
}
