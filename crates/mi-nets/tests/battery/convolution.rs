//! Convolutions compared with a direct one, and known paddings.

use mi_nets::{
    Activation, ConvGeometry, ConvNetConfig, CouplingKind, InfoMaxNetConfig, NetworkSize, Padding,
    Params, RealNvpConfig, Tape,
};
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;

use crate::support::{add, config, normal};

/// The formula, one output at a time.
fn direct(
    x: ArrayView2<'_, f64>,
    w: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    geometry: &ConvGeometry,
    (top, left): (usize, usize),
) -> Array2<f64> {
    let ConvGeometry { height, width, channels, kernel, stride, .. } = *geometry;
    let (rows, columns) = geometry.output_size();
    let outputs = w.ncols();
    Array2::from_shape_fn((x.nrows(), rows * columns * outputs), |(n, index)| {
        let (position, output) = (index / outputs, index % outputs);
        let (row, column) = (position / columns, position % columns);
        let mut sum = b[[0, output]];
        for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
            let (y, x_) = (row * stride + ky, column * stride + kx);
            if y < top || x_ < left || y - top >= height || x_ - left >= width {
                continue;
            }
            for channel in 0..channels {
                let pixel = ((y - top) * width + x_ - left) * channels + channel;
                sum += x[[n, pixel]] * w[[(ky * kernel + kx) * channels + channel, output]];
            }
        }
        sum.max(0.0)
    })
}

fn compare(n: usize, outputs: usize, geometry: &ConvGeometry, before: (usize, usize)) {
    let mut params = Params::new();
    let w = add(&mut params, "w", 1, (geometry.patch_dim(), outputs));
    let b = add(&mut params, "b", 2, (1, outputs));
    let x = normal(3, (n, geometry.input_dim()));
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(&params);
    let input = graph.input(x.view());
    let y = graph.conv2d(input, w, Some(b), geometry, Activation::Relu);
    graph.check().unwrap();
    let expected = direct(x.view(), params.view(w), params.view(b), geometry, before);
    let error = (&graph.value(y) - &expected).mapv(f64::abs).into_iter().fold(0.0, f64::max);
    assert!(error < 1e-12, "{geometry:?}: {error}");
}

fn paper(height: usize, width: usize, channels: usize) -> ConvGeometry {
    ConvGeometry { height, width, channels, kernel: 5, stride: 2, padding: Padding::Same }
}

#[test]
fn same_padding_is_tensorflows() {
    let geometry = paper(14, 28, 1);
    assert_eq!(geometry.padding_of(14), (1, 2));
    assert_eq!(geometry.padding_of(28), (1, 2));
    assert_eq!(geometry.padding_of(7), (2, 2));
    assert_eq!(geometry.output_size(), (7, 14));
    assert_eq!(paper(7, 14, 64).output_size(), (4, 7));
    // 4 + 5·5 + 3 rows and 4 + 12·5 + 3 columns of the kernel are inside the image.
    assert_eq!(geometry.covered(), 32 * 67);
    // Stride 1 splits an even total, and a stride beyond the kernel needs no zeros.
    let stride = |stride| ConvGeometry { stride, ..geometry };
    assert_eq!(stride(1).padding_of(9), (2, 2));
    assert_eq!(stride(6).padding_of(12), (0, 0));
    let valid = ConvGeometry { padding: Padding::Valid, ..geometry };
    assert_eq!((valid.padding_of(14), valid.output_size()), ((0, 0), (5, 12)));
}

#[test]
fn the_papers_convolutions_equal_direct_ones() {
    compare(2, 3, &paper(14, 28, 1), (1, 1));
    compare(2, 3, &paper(7, 14, 4), (2, 1));
    compare(1, 2, &paper(16, 32, 3), (1, 1));
    compare(1, 2, &ConvGeometry { padding: Padding::Valid, ..paper(14, 28, 2) }, (0, 0));
}

#[test]
fn zeros_on_each_side_are_pytorchs() {
    let deep_info_max = |height, width, channels, kernel, zeros| ConvGeometry {
        height,
        width,
        channels,
        kernel,
        stride: 2,
        padding: Padding::Each(zeros),
    };
    let mnist = deep_info_max(28, 28, 1, 5, 2);
    assert_eq!((mnist.padding_of(28), mnist.output_size()), ((2, 2), (14, 14)));
    // "Same" starts one pixel later.
    assert_eq!(paper(28, 28, 1).padding_of(28), (1, 2));
    assert_eq!(deep_info_max(32, 32, 3, 4, 1).output_size(), (16, 16));
    // The last column and the zeros behind it are beyond the last position.
    assert_eq!(deep_info_max(6, 7, 1, 4, 1).output_size(), (3, 3));
    compare(2, 3, &deep_info_max(9, 6, 2, 5, 2), (2, 2));
    compare(2, 3, &deep_info_max(6, 7, 2, 4, 1), (1, 1));
}

#[test]
fn a_batch_of_several_blocks_equals_a_direct_convolution() {
    // 64 positions of 25 · 64 values: a block holds two samples.
    compare(23, 2, &ConvGeometry { stride: 1, ..paper(8, 8, 64) }, (2, 2));
}

#[test]
fn a_kernel_that_does_not_fit_has_no_positions() {
    let image = ConvGeometry { padding: Padding::Valid, ..paper(6, 9, 2) };
    assert!(image.check().is_ok());
    let most = usize::MAX;
    let misfits = [
        ConvGeometry { kernel: 7, ..image },
        ConvGeometry { kernel: 0, ..image },
        ConvGeometry { stride: 0, ..image },
        ConvGeometry { channels: 0, ..image },
        ConvGeometry { kernel: most, ..image },
        ConvGeometry { stride: most, ..image },
        ConvGeometry { height: most, ..image },
        ConvGeometry { kernel: 9, padding: Padding::Each(1), ..image },
        ConvGeometry { padding: Padding::Each(5), ..image },
        ConvGeometry { padding: Padding::Each(most), ..image },
        ConvGeometry { kernel: most, padding: Padding::Each(most - 1), ..image },
        ConvGeometry { height: 0, padding: Padding::Same, ..image },
        ConvGeometry { stride: 0, padding: Padding::Same, ..image },
        ConvGeometry { kernel: most, padding: Padding::Same, ..image },
    ];
    for geometry in misfits {
        let error = geometry.check().unwrap_err().to_string();
        assert!(error.contains("padding smaller than the kernel"), "{error}");
        let found = (geometry.output_size(), geometry.positions_count(), geometry.covered());
        assert_eq!(found, ((0, 0), 0, 0), "{geometry:?}");
        geometry.padding_of(geometry.height);
        geometry.input_dim();
        geometry.patch_dim();
    }
}

/// Configurations of files that no network can be made of still get a size.
#[test]
fn the_size_of_an_impossible_network_is_a_number() {
    let paper = ConvNetConfig::paper(14, 28, 1);
    let most = usize::MAX;
    for config in [
        ConvNetConfig { stride: 0, ..paper.clone() },
        ConvNetConfig { kernel: 0, ..paper.clone() },
        ConvNetConfig { height: 0, ..paper.clone() },
        ConvNetConfig { kernel: most, ..paper.clone() },
        ConvNetConfig { filters: vec![most, most], output: most, ..paper.clone() },
    ] {
        let size = NetworkSize::convnet(&config);
        assert!(size.step_products() >= size.products, "{config:?}");
        assert_eq!(config.geometries().count(), 2);
    }
    assert_eq!(NetworkSize::convnet(&ConvNetConfig { height: 0, ..paper }).products, 12_800);
    let (filters, kernel) = (vec![most, 2], most);
    let config = InfoMaxNetConfig {
        height: 28,
        width: 28,
        channels: 1,
        filters,
        kernel,
        hidden: most,
        output: most,
    };
    assert!(config.problem().is_some());
    NetworkSize::info_max_net(&config).step_products();
    let (hidden, kind) = (vec![most], CouplingKind::Affine);
    let flow = RealNvpConfig { dim: most, couplings: 3, hidden, kind };
    assert_eq!(NetworkSize::realnvp(&flow).step_products(), most);
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn any_same_convolution_equals_a_direct_one(
        (height, width, channels) in (1_usize..9, 1_usize..9, 1_usize..4),
        (kernel, stride) in (1_usize..6, 1_usize..5),
    ) {
        let geometry =
            ConvGeometry { height, width, channels, kernel, stride, padding: Padding::Same };
        // Zeros before an axis, from the definition rather than from the code under test.
        let before = |length: usize| {
            let total = (length.div_ceil(stride) - 1) * stride + kernel;
            total.saturating_sub(length) / 2
        };
        compare(2, 2, &geometry, (before(height), before(width)));
    }

    #[test]
    fn any_convolution_with_zeros_on_each_side_equals_a_direct_one(
        (height, width, channels) in (1_usize..9, 1_usize..9, 1_usize..4),
        (kernel, stride, zeros) in (1_usize..6, 1_usize..5, 0_usize..5),
    ) {
        prop_assume!(zeros < kernel && kernel <= height.min(width) + 2 * zeros);
        let padding = Padding::Each(zeros);
        let geometry = ConvGeometry { height, width, channels, kernel, stride, padding };
        compare(2, 2, &geometry, (zeros, zeros));
    }
}
