//! Views of patterns without symmetry.

use mi_data::{Colour, Geometry, Piece, Stream, View, add_noise};
use mi_random::rand::distr::StandardUniform;
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
fn lines_of_one_parity_and_halves_that_overlap() {
    let image = Geometry::new(5, 4, 2);
    let even = piece(&View::even_rows(), image);
    let odd = piece(&View::odd_rows(), image);
    assert_eq!(even.columns(), columns(image, |y, _, _| y % 2 == 0));
    assert_eq!(odd.columns(), columns(image, |y, _, _| y % 2 == 1));
    assert_eq!((even.geometry(), odd.geometry().height), (Geometry::new(3, 4, 2), 2));
    assert_eq!(even.overlap(&odd), 0);
    let columns_of_one_parity = piece(&"odd_columns".parse().unwrap(), image);
    assert_eq!(columns_of_one_parity.columns(), columns(image, |_, x, _| x % 2 == 1));

    let (top, bottom) = (View::top_half(), View::bottom_half());
    let longer = piece(&top.clone().extended(2), image);
    assert_eq!(longer.columns(), columns(image, |y, _, _| y < 4));
    assert_eq!(longer.overlap(&piece(&bottom, image)), 2 * 4 * 2);
    let earlier = piece(&bottom.extended(1), image);
    assert_eq!(earlier.columns(), columns(image, |y, _, _| y >= 1));
    assert_eq!(piece(&top, image).overlap(&earlier), 4 * 2);
}

#[test]
fn patches_stand_one_after_the_other_row_by_row_of_the_grid() {
    let image = Geometry::new(4, 6, 2);
    for (view, grid, size, strides) in [
        (View::patches(2, 3), (2, 2), (2, 3), (2, 3)),
        ("patches:2x2/1".parse().unwrap(), (3, 5), (2, 2), (1, 1)),
        ("patches:4x2/3x2".parse().unwrap(), (1, 3), (4, 2), (3, 2)),
    ] {
        let patches = piece(&view, image);
        assert_eq!(patches.grid(), grid, "{view}");
        assert_eq!(patches.geometry(), Geometry::new(size.0, size.1, 2));
        let mut expected = Vec::new();
        for (down, right) in (0..grid.0).flat_map(|i| (0..grid.1).map(move |j| (i, j))) {
            let (y, x) = (down * strides.0, right * strides.1);
            let one = View::patch(y..y + size.0, x..x + size.1);
            expected.extend_from_slice(piece(&one, image).columns());
        }
        assert_eq!(patches.columns(), expected);
        assert_eq!(patches.len(), grid.0 * grid.1 * patches.geometry().len());
    }
    // The patches of a half, and of one channel.
    let half = piece(&"bottom_half+channels:1+patches:1x2".parse().unwrap(), image);
    assert_eq!((half.grid(), half.geometry()), ((2, 3), Geometry::new(1, 2, 1)));
    assert_eq!(half.columns()[..2], [image.column(2, 0, 1), image.column(2, 1, 1)]);
    assert_eq!(piece(&View::patches(7, 7), Geometry::new(28, 28, 1)).grid(), (4, 4));
}

#[test]
fn colours_are_converted_pixel_by_pixel_and_channels_chosen_afterwards() {
    let geometry = Geometry::new(2, 3, 3);
    let batch = Stream::new(1, "rgb").matrix((4, geometry.len()), StandardUniform);
    let lab = piece(&"lab".parse().unwrap(), geometry).apply(batch.view()).unwrap();
    for (pixel, expected) in batch.rows().into_iter().zip(lab.rows()).flat_map(|(rgb, lab)| {
        let pixels = (0..6).map(|p| [rgb[3 * p], rgb[3 * p + 1], rgb[3 * p + 2]]);
        pixels
            .zip((0..6).map(move |p| [lab[3 * p], lab[3 * p + 1], lab[3 * p + 2]]))
            .collect::<Vec<_>>()
    }) {
        assert_eq!(Colour::Lab.of_rgb::<f64>(pixel), expected);
    }
    let ab = piece(&View::channels([1, 2]).with_colour(Colour::Lab), geometry);
    assert_eq!(ab.geometry(), Geometry::new(2, 3, 2));
    assert_eq!(ab.apply(batch.view()).unwrap(), lab.select(Axis(1), ab.columns()));
    let patches: View = "lab+channels:2,0+patches:1x1".parse().unwrap();
    let patches = piece(&patches, geometry);
    assert_eq!(patches.apply(batch.view()).unwrap(), lab.select(Axis(1), patches.columns()));
}

#[test]
fn noise_is_drawn_from_the_stream_and_never_left_out_silently() {
    let geometry = Geometry::new(4, 4, 1);
    let batch = images(3, geometry);
    let clean = piece(&View::top_half(), geometry);
    let noisy = piece(&View::top_half().with_noise(0.5), geometry);
    let rows = [2, 0];
    let mut expected = Array2::zeros((2, 8));
    clean.gather(batch.view(), &rows, expected.view_mut()).unwrap();
    let mut found = Array2::zeros((2, 8));
    let mut stream = Stream::new(1, "noise");
    clean.draw(batch.view(), &rows, found.view_mut(), &mut stream).unwrap();
    assert_eq!((&found, stream.state()), (&expected, Stream::new(1, "noise").state()));
    noisy.draw(batch.view(), &rows, found.view_mut(), &mut stream).unwrap();
    add_noise(expected.view_mut(), 0.5, &mut Stream::new(1, "noise")).unwrap();
    assert_eq!(found, expected);
    for error in [
        noisy.gather(batch.view(), &rows, found.view_mut()).unwrap_err(),
        noisy.apply(batch.view()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("Piece::draw"), "{error}");
    }
}

#[test]
fn views_that_an_image_does_not_have_are_errors() {
    let grey = Geometry::new(4, 4, 1);
    for (view, reason) in [
        (View::top_half().extended(3), "3 rows larger"),
        (View::patches(5, 1), "no patch of 5 rows fits into 4"),
        (View::patches(0, 1), "no patch of 0 rows"),
        (View::patches(3, 2), "leave 1 of 4 rows uncovered"),
        (View::whole().with_patches((2, 2), (2, 0)), "no patch of 2 columns"),
        (View::whole().with_colour(Colour::Lab), "red, green and blue, not 1"),
        (View::whole().with_noise(f64::NAN), "noise NaN"),
        (View::whole().with_noise(-1.0), "noise -1"),
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
        "top_half:+2",
        "bottom_half:+1+left_half:+3+channels:0",
        "even_rows+odd_columns",
        "odd_rows+even_columns",
        "lab+channels:1,2",
        "top_half+lab_scaled+channels:0+patches:2x3+noise:0.25",
        "patches:8x8/4",
        "patches:8x6/4x2",
        "noise:0.5",
        "top_half+pool:2",
        "pool:2+patches:7x7",
    ] {
        let view: View = text.parse().unwrap();
        assert_eq!(view.to_string(), text);
        assert_eq!(view.has_noise(), text.contains("noise:"), "{text}");
        let json = serde_json::to_string(&view).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<View>(&json).unwrap(), view);
        // A term is accepted once, and the message about an unknown view knows its word.
        for term in text.split('+').filter(|term| term.parse::<usize>().is_err()) {
            let word = term.split(':').next().unwrap();
            let known = "nothing".parse::<View>().unwrap_err().to_string();
            let mut words = known.split([' ', ',', ':']);
            assert!(words.any(|listed| listed == word), "{word}: {known}");
            let twice = format!("{text}+{term}");
            assert!(twice.parse::<View>().is_err(), "{twice}");
        }
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
        "top_half:+0",
        "top_half:+",
        "top_half+",
        "+top_half",
        "even_rows+odd_rows",
        "even_rows:2",
        "lab+lab_scaled",
        "lab:3",
        "patches:7",
        "patches:7x7/",
        "patches:7x7+patches:2x2",
        "noise:",
        "noise:a",
    ] {
        let message = text.parse::<View>().unwrap_err().to_string();
        assert!(message.contains("top_half, bottom_half"), "{text}: {message}");
    }
}

#[test]
fn pooling_averages_squares_of_every_channel() {
    let geometry = Geometry::new(4, 6, 2);
    let image = Array2::from_shape_fn((1, geometry.len()), |(_, i)| ((i * 7) % 11) as f64);
    let pooled = piece(&View::bottom_half().pooled(2), geometry);
    assert_eq!((pooled.geometry(), pooled.len()), (Geometry::new(1, 3, 2), 6));
    let found = pooled.apply(image.view()).unwrap();
    for (x, c) in (0..3).flat_map(|x| (0..2).map(move |c| (x, c))) {
        let square = [(2, 2 * x), (2, 2 * x + 1), (3, 2 * x), (3, 2 * x + 1)];
        let mean =
            square.map(|(y, x)| image[[0, geometry.column(y, x, c)]]).iter().sum::<f64>() / 4.0;
        assert!((found[[0, 2 * x + c]] - mean).abs() < 1e-12);
    }
    // Whole squares are shared or not.
    assert_eq!(pooled.overlap(&piece(&View::top_half().pooled(2), geometry)), 0);
    let patches = piece(&View::whole().pooled(2).with_patches((2, 1), (2, 1)), geometry);
    assert_eq!((patches.grid(), patches.geometry()), ((1, 3), Geometry::new(2, 1, 2)));
    for (side, what) in [(3, "do not fill 4 rows"), (0, "do not fill 4 rows"), (4, "6 columns")] {
        let error = View::whole().pooled(side).of(geometry).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn a_value_that_several_patches_take_is_shared_once() {
    let image = Geometry::new(6, 6, 1);
    let overlapping = piece(&View::whole().with_patches((4, 4), (2, 2)), image);
    let whole = piece(&View::whole(), image);
    let top = piece(&View::top_half(), image);
    for (a, b, shared) in
        [(&overlapping, &whole, 36), (&overlapping, &top, 18), (&overlapping, &overlapping, 36)]
    {
        assert_eq!((a.overlap(b), b.overlap(a)), (shared, shared));
    }
}

#[test]
fn patches_leave_no_lines_between_them() {
    let image = Geometry::new(10, 4, 1);
    let error = View::whole().with_patches((4, 4), (6, 6)).of(image).unwrap_err().to_string();
    assert!(error.contains("patches of 4 rows, 6 apart") && error.contains("at most 4"), "{error}");
    // The distance to the next one does not matter where there is only one.
    let one = View::whole().with_patches((10, 4), (20, 20)).of(image).unwrap();
    assert_eq!(one.grid(), (1, 1));
}

#[test]
fn pooling_in_a_colour_space_averages_its_channels() {
    let geometry = Geometry::new(2, 2, 3);
    let image = Array2::from_shape_fn((1, 12), |(_, i)| (i as f64 * 0.37) % 1.0);
    let lab = piece(&"lab".parse().unwrap(), geometry).apply(image.view()).unwrap();
    let pooled = piece(&"lab+pool:2".parse().unwrap(), geometry).apply(image.view()).unwrap();
    for c in 0..3 {
        let mean = (0..4).map(|pixel| lab[[0, 3 * pixel + c]]).sum::<f64>() / 4.0;
        assert!((pooled[[0, c]] - mean).abs() < 1e-9);
    }
}
