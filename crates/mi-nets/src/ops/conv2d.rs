use std::ops::Range;

use mi_kernels::{Scalar, matrix_product};
use ndarray::s;
use serde::{Deserialize, Serialize};

use super::{Activation, Op};
use crate::backward::Backward;
use crate::matrix::{matrix, matrix_mut};
use crate::vector::Rows;
use crate::{Graph, NetsError, ParamId, Var};

/// The padding of an image in a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Padding {
    /// None: the kernel stays inside.
    Valid,
    /// Zeros, such that there are ⌈length / stride⌉ positions. An odd total is split as in
    /// TensorFlow: the smaller half comes first.
    Same,
    /// This many zeros on each side, as in `PyTorch`: fewer than the kernel is long.
    Each(usize),
}

/// The geometry of a convolution over images whose rows are H×W×C, the channel innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvGeometry {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step of the kernel, the same on both axes.
    pub stride: usize,
    /// The padding of the image.
    pub padding: Padding,
}

impl ConvGeometry {
    /// Checks that the kernel fits the image.
    ///
    /// # Errors
    /// [`NetsError::Setting`] for a size or stride of 0, padding that is not smaller than the
    /// kernel, an image with its padding smaller than the kernel, or sizes whose products overflow.
    pub fn check(&self) -> Result<(), NetsError> {
        match self.problem() {
            None => Ok(()),
            Some(problem) => Err(NetsError::Setting { operation: "convolution", problem }),
        }
    }

    /// Rows and columns of positions that the kernel takes; 0×0 if it does not fit the image
    /// ([`ConvGeometry::check`]).
    pub fn output_size(&self) -> (usize, usize) {
        (self.positions(self.height), self.positions(self.width))
    }

    /// The number of positions that the kernel takes.
    pub fn positions_count(&self) -> usize {
        let (rows, columns) = self.output_size();
        rows.saturating_mul(columns)
    }

    /// Zeros before and after the pixels of an axis of this length.
    ///
    /// # Formula
    /// "Same": total = max((⌈length / stride⌉ − 1) · stride + kernel − length, 0), of which
    /// ⌊total / 2⌋ come before. None if the kernel does not fit the image.
    pub fn padding_of(&self, length: usize) -> (usize, usize) {
        match self.padding {
            _ if self.problem().is_some() => (0, 0),
            Padding::Valid => (0, 0),
            Padding::Each(zeros) => (zeros, zeros),
            Padding::Same => {
                let steps = self.positions(length).saturating_sub(1);
                let reach = steps.saturating_mul(self.stride).saturating_add(self.kernel);
                let total = reach.saturating_sub(length);
                (total / 2, total - total / 2)
            }
        }
    }

    /// The width of a row of images: H·W·C.
    pub fn input_dim(&self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// The rows of a weight matrix: kernel · kernel · channels, in the order kernel row, kernel
    /// column, channel.
    pub fn patch_dim(&self) -> usize {
        self.kernel.saturating_mul(self.kernel).saturating_mul(self.channels)
    }

    /// What is wrong with the geometry, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let Self { height, width, channels, kernel, stride, padding } = *self;
        let (zeros, smallest) = match padding {
            Padding::Valid => (0, kernel),
            Padding::Same => (0, 1),
            Padding::Each(zeros) => (zeros, kernel.saturating_sub(zeros.saturating_mul(2)).max(1)),
        };
        // A number beyond a quarter of the range may be a product that has overflowed.
        let sizes = [self.input_dim(), self.patch_dim(), stride];
        let fits = channels > 0
            && zeros < kernel
            && stride > 0
            && height.min(width) >= smallest
            && sizes.iter().all(|&size| size < usize::MAX / 4);
        (!fits).then(|| {
            format!(
                "{height}×{width}×{channels}, kernel {kernel}, stride {stride}, padding \
                 {padding:?}: all must be ≥ 1, padding smaller than the kernel, an image with \
                 its padding as large as the kernel, and the sizes of images and kernels no more \
                 than memory can hold"
            )
        })
    }

    /// Multiply–adds per image and output channel: the number of values under the kernel, over all
    /// positions. The zeros around an image are never multiplied.
    pub fn covered(&self) -> usize {
        self.runs().map(|run| run.taps.len()).sum()
    }

    fn positions(&self, length: usize) -> usize {
        match self.padding {
            _ if self.problem().is_some() => 0,
            Padding::Valid => (length - self.kernel) / self.stride + 1,
            Padding::Each(zeros) => (length + 2 * zeros - self.kernel) / self.stride + 1,
            Padding::Same => length.div_ceil(self.stride),
        }
    }

    /// The part of the image that the kernel covers, position by position and kernel row by kernel
    /// row.
    pub(super) fn runs(&self) -> impl Iterator<Item = Run> {
        let geometry = *self;
        let (rows, columns) = self.output_size();
        let (top, left) = (self.padding_of(self.height).0, self.padding_of(self.width).0);
        (0..rows * columns).flat_map(move |position| {
            let Self { height, width, channels, kernel, stride, .. } = geometry;
            let (y, x) = (position / columns * stride, position % columns * stride);
            // Kernel rows and columns first..last are inside the image.
            let (y_first, y_last) = (top.saturating_sub(y), kernel.min(height + top - y));
            let (x_first, x_last) = (left.saturating_sub(x), kernel.min(width + left - x));
            (y_first..y_last).map(move |kernel_row| {
                let tap = (kernel_row * kernel + x_first) * channels;
                let pixel = ((y + kernel_row - top) * width + x + x_first - left) * channels;
                let length = (x_last - x_first) * channels;
                Run {
                    position,
                    opens: kernel_row == y_first,
                    taps: tap..tap + length,
                    pixels: pixel..pixel + length,
                }
            })
        })
    }
}

/// Values that are contiguous both in an image and in the rows of the weights: the pixels inside
/// the image that one row of the kernel covers at one position.
pub(super) struct Run {
    pub(super) position: usize,
    /// Whether this is the first run of its position.
    opens: bool,
    taps: Range<usize>,
    pub(super) pixels: Range<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv2d {
    x: Var,
    weight: ParamId,
    bias: Option<ParamId>,
    geometry: ConvGeometry,
    activation: Activation,
}

impl<T: Scalar> Graph<'_, T> {
    /// A two-dimensional convolution (cross-correlation) with bias and activation.
    ///
    /// # Shapes
    /// x is n×(H·W·C); W is (kernel·kernel·C)×out, rows in the order kernel row, kernel
    /// column, channel; b is 1×out. y is n×(H'·W'·out), H'×W' by
    /// [`ConvGeometry::output_size`].
    pub fn conv2d(
        &mut self,
        x: Var,
        weight: ParamId,
        bias: Option<ParamId>,
        geometry: &ConvGeometry,
        activation: Activation,
    ) -> Var {
        let (rows, inputs) = self.shape(x);
        let w = self.params.view(weight);
        let b = bias.map(|id| self.params.view(id));
        let channels = w.ncols();
        if let Some(problem) = geometry.problem() {
            return self.fail("conv2d", (rows, channels), || problem);
        }
        let columns = geometry.positions_count() * channels;
        let (input_dim, patch_dim) = (geometry.input_dim(), geometry.patch_dim());
        let bias_fits = b.is_none_or(|b| b.dim() == (1, channels));
        if inputs != input_dim || w.nrows() != patch_dim || !bias_fits {
            return self.fail("conv2d", (rows, columns), || {
                format!(
                    "x is {rows}×{inputs} for {input_dim} values per image, W is {}×{channels} \
                     for {patch_dim} values a patch, the bias {:?}",
                    w.nrows(),
                    b.map(|b| b.dim())
                )
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let images = matrix(rows, inputs, self.slice(x));
        let mut y = matrix_mut(rows, columns, &mut buffer[..rows * columns]);
        for Run { position, opens, taps, pixels } in geometry.runs() {
            let beta = if opens { T::zero() } else { T::one() };
            let y = y.slice_mut(s![.., position * channels..(position + 1) * channels]);
            let (pixels, taps) = (images.slice(s![.., pixels]), w.slice(s![taps, ..]));
            matrix_product(T::one(), pixels, taps, beta, y);
        }
        let y = &mut buffer[..rows * columns];
        activation.forward(y, bias.map(|id| self.params.slice(id)));
        let op = Conv2d { x, weight, bias, geometry: *geometry, activation };
        let needs = self.needs(x).or(self.trained(bias.into_iter().chain([weight])));
        self.push(Op::Conv2d(op), slot, buffer, (rows, columns), needs)
    }
}

impl Conv2d {
    pub(super) fn params(&self) -> [Option<ParamId>; 2] {
        [Some(self.weight), self.bias]
    }

    /// With dz = dy ∘ activation'(z): db = Σ dz over images and positions, and for every run
    /// dW += xᵀ·dz over its taps and dx += dz·Wᵀ over its pixels.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &mut [T]) {
        let (rows, columns) = cx.values.shape(y);
        let (w, y) = (cx.values.param(self.weight), cx.values.slice(y));
        let inputs = self.geometry.input_dim();
        let x = matrix(rows, inputs, cx.values.slice(self.x));
        let bias = self.bias.and_then(|id| cx.param_target(id));
        self.activation.backward(dy, y, bias, Rows::Positions);
        let dy = matrix(rows, columns, dy);
        let dz = |position| dy.slice(s![.., position * w.ncols()..(position + 1) * w.ncols()]);
        if let Some(target) = cx.param_target(self.weight) {
            let mut dw = matrix_mut(w.nrows(), w.ncols(), target.zeroed().values);
            for Run { position, taps, pixels, .. } in self.geometry.runs() {
                let (x, dw) = (x.slice(s![.., pixels]), dw.slice_mut(s![taps, ..]));
                matrix_product(T::one(), x.t(), dz(position), T::one(), dw);
            }
        }
        if let Some(target) = cx.target(self.x) {
            let mut dx = matrix_mut(rows, inputs, target.zeroed().values);
            for Run { position, taps, pixels, .. } in self.geometry.runs() {
                let (w, dx) = (w.slice(s![taps, ..]), dx.slice_mut(s![.., pixels]));
                matrix_product(T::one(), dz(position), w.t(), T::one(), dx);
            }
        }
    }
}
