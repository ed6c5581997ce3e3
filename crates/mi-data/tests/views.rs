//! Views on patterns without symmetry.

use mi_data::{Geometry, Piece, View};
use ndarray::{Array2, Axis, array, s};

/// Images whose value (y, x, c) is 10,000 i + 100 y + 10 x + c.
fn images(n: usize, geometry: Geometry) -> Array2<f64> {
    Array2::from_shape_fn((n, geometry.len()), |(i, column)| {
        let (pixel, c) = (column / geometry.channels, column % geometry.channels);
        let (y, x) = (pixel / geometry.width, pixel % geometry.width);
        (10_000 * i + 100 * y + 10 * x + c) as f64
    })
}

/// The columns by definition, with loops over all pixels.
fn columns(geometry: Geometry, taken: impl Fn(usize, usize, usize) -> bool) -> Vec<usize> {
    let mut columns = Vec::new();
    for y in 0..geometry.height {
        for x in 0..geometry.width {
            for c in 0..geometry.channels {
                if taken(y, x, c) {
                    columns.push((y * geometry.width + x) * geometry.channels + c);
                }
            }
        }
    }
    columns
}

fn piece(view: &View, geometry: Geometry) -> Piece {
    view.of(geometry).expect("the view fits")
}

#[test]
fn top_is_rows_0_to_14_and_bottom_rows_14_to_28() {
    let digit = Geometry::new(28, 28, 1);
    let (top, bottom) = (piece(&View::top_half(), digit), piece(&View::bottom_half(), digit));
    assert_eq!(top.columns(), columns(digit, |y, _, _| y < 14));
    assert_eq!(bottom.columns(), columns(digit, |y, _, _| y >= 14));
    assert_eq!(top.geometry(), Geometry::new(14, 28, 1));
    let batch = images(3, digit);
    assert_eq!(top.apply(batch.view()).unwrap(), batch.slice(s![.., ..392]));
    assert_eq!(bottom.apply(batch.view()).unwrap(), batch.slice(s![.., 392..]));
    assert_eq!((top.overlap(&bottom), top.overlap(&top)), (0, 392));
}

#[test]
fn halves_of_odd_images_make_the_whole_and_the_middle_goes_second() {
    let odd = Geometry::new(5, 3, 2);
    for (first, second, along_y) in [
        (View::top_half(), View::bottom_half(), true),
        (View::left_half(), View::right_half(), false),
    ] {
        let (first, second) = (piece(&first, odd), piece(&second, odd));
        let half = if along_y { 2 } else { 1 };
        let is_first = |y: usize, x: usize| if along_y { y < half } else { x < half };
        assert_eq!(first.columns(), columns(odd, |y, x, _| is_first(y, x)));
        assert_eq!(second.columns(), columns(odd, |y, x, _| !is_first(y, x)));
        assert_eq!(first.columns().len() + second.columns().len(), odd.len());
    }
}

#[test]
fn channels_and_patches() {
    let colour = Geometry::new(4, 5, 3);
    let view = View::patch(1..3, 2..5).with_channels([2, 0]);
    let patch = piece(&view, colour);
    assert_eq!(patch.geometry(), Geometry::new(2, 3, 2));
    let values = patch.apply(images(1, colour).view()).unwrap();
    let expected = [122., 120., 132., 130., 142., 140., 222., 220., 232., 230., 242., 240.];
    assert_eq!(values, array![expected]);
    let red = piece(&View::channels([0]), colour);
    assert_eq!(red.columns(), columns(colour, |_, _, c| c == 0));
    assert_eq!(piece(&View::whole(), colour).columns().len(), colour.len());
}

#[test]
fn gathering_is_applying_to_the_selected_rows_in_any_layout() {
    let colour = Geometry::new(3, 4, 3);
    let batch = images(6, colour);
    let mut fortran = Array2::zeros(batch.t().dim());
    fortran.assign(&batch.t());
    let mut reversed = batch.slice(s![..;-1, ..]).to_owned();
    reversed.invert_axis(Axis(0));
    let mut wide = Array2::zeros((12, 2 * colour.len()));
    wide.slice_mut(s![..;2, ..;2]).assign(&batch);
    let layouts = [batch.view(), fortran.t(), reversed.view(), wide.slice(s![..;2, ..;2])];
    let rows = [4, 0, 4, 5];
    for view in ["top_half", "right_half", "channels:2,1", "rows:0..1+columns:1..3+channels:1"] {
        let piece = piece(&view.parse().unwrap(), colour);
        let expected = batch.select(Axis(0), &rows).select(Axis(1), piece.columns());
        for images in layouts {
            assert_eq!(piece.apply(images).unwrap(), batch.select(Axis(1), piece.columns()));
            let mut out = Array2::from_elem(expected.dim(), f64::NAN);
            piece.gather(images, &rows, out.view_mut()).unwrap();
            assert_eq!(out, expected);
            let mut turned = Array2::from_elem((expected.ncols(), expected.nrows()), f64::NAN);
            piece.gather(images, &rows, turned.view_mut().reversed_axes()).unwrap();
            assert_eq!(turned.t(), expected);
        }
    }
}

#[test]
fn views_that_an_image_does_not_have_are_errors() {
    let grey = Geometry::new(4, 4, 1);
    for (view, reason) in [
        (View::channels([1]), "no channel 1"),
        (View::channels([0, 0]), "twice"),
        (View::channels([]), "no channels"),
        (View::patch(2..5, 0..1), "outside"),
        (View::patch(2..2, 0..1), "no rows"),
        (View::patch(0..1, 7..9), "outside"),
    ] {
        let message = view.of(grey).unwrap_err().to_string();
        assert!(message.contains(reason) && message.contains("4x4x1"), "{message}");
    }
    // A single row has no top half, by the rule for odd heights.
    assert!(View::top_half().of(Geometry::new(1, 4, 1)).is_err());
    assert!(View::bottom_half().of(Geometry::new(1, 4, 1)).is_ok());

    let top = piece(&View::top_half(), grey);
    let batch = images(2, grey);
    let mut out = Array2::zeros((2, 8));
    assert!(top.gather(batch.view(), &[0, 2], out.view_mut()).is_err());
    assert!(top.gather(batch.view(), &[0], out.view_mut()).is_err());
    assert!(top.gather(batch.slice(s![.., 1..]), &[0, 1], out.view_mut()).is_err());
    assert!(top.apply(batch.slice(s![.., 1..])).is_err());
}

#[test]
fn a_views_text_is_read_back() {
    for text in [
        "whole",
        "top_half",
        "bottom_half+left_half",
        "right_half+channels:0,2",
        "rows:1..3",
        "rows:1..3+columns:0..2+channels:1",
    ] {
        let view: View = text.parse().unwrap();
        assert_eq!(view.to_string(), text);
        let json = serde_json::to_string(&view).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<View>(&json).unwrap(), view);
    }
    for text in [
        "",
        "top",
        "top_half+bottom_half",
        "rows:3",
        "rows:a..b",
        "channels:",
        "channels:-1",
        "top_half:3",
        "whole+top_half",
        "channels:0+channels:1",
    ] {
        let message = text.parse::<View>().unwrap_err().to_string();
        assert!(message.contains("top_half, bottom_half"), "{text}: {message}");
    }
}
