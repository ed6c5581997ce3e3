use mi_kernels::{Scalar, matrix_product};
use serde::{Deserialize, Serialize};

use super::{Activation, Op};
use crate::backward::Backward;
use crate::matrix::{matrix, matrix_mut};
use crate::tape::Needs;
use crate::{Graph, ParamId, Var};

/// What surrounds an image under a convolution's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// Nothing: the kernel stays inside.
    Valid,
    /// Zeros, such that ⌈length / stride⌉ positions result. An odd total is split as
    /// TensorFlow does: the smaller half comes first.
    Same,
}

/// The geometry of a convolution over images whose rows are H×W×C, the channel innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvGeometry {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels a row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step of the kernel, the same on both axes.
    pub stride: usize,
    /// What surrounds the image.
    pub padding: Padding,
}

/// The most elements of unfolded patches held at a time (1 MiB of `f32`, to stay in a level-2
/// cache): a batch is worked off in blocks of samples, so memory does not grow with it.
const BLOCK_ELEMENTS: usize = 1 << 18;

impl ConvGeometry {
    /// Rows and columns of positions that the kernel takes.
    pub fn output_size(&self) -> (usize, usize) {
        (self.positions(self.height), self.positions(self.width))
    }

    /// Zeros before and after the pixels of an axis of this length.
    ///
    /// # Formula
    /// "Same": total = max((⌈length / stride⌉ − 1) · stride + kernel − length, 0), of which
    /// ⌊total / 2⌋ come before.
    pub fn padding_of(&self, length: usize) -> (usize, usize) {
        match self.padding {
            Padding::Valid => (0, 0),
            Padding::Same => {
                let reach = (self.positions(length) - 1) * self.stride + self.kernel;
                let total = reach.saturating_sub(length);
                (total / 2, total - total / 2)
            }
        }
    }

    /// The width of a row of images: H·W·C.
    pub fn input_dim(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The rows of a weight matrix: kernel · kernel · channels, in the order row of the
    /// kernel, column of the kernel, channel.
    pub fn patch_dim(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// What is wrong with the geometry, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let Self { height, width, channels, kernel, stride, padding } = *self;
        let smallest = if padding == Padding::Valid { kernel } else { 1 };
        let fits = channels > 0 && kernel > 0 && stride > 0 && height.min(width) >= smallest;
        (!fits).then(|| {
            format!(
                "{height}×{width}×{channels}, kernel {kernel}, stride {stride}, padding \
                 {padding:?}: all must be ≥ 1, and an unpadded image as large as the kernel"
            )
        })
    }

    fn positions(&self, length: usize) -> usize {
        match self.padding {
            Padding::Valid => (length - self.kernel) / self.stride + 1,
            Padding::Same => length.div_ceil(self.stride),
        }
    }

    /// Calls `f(patch, in_patch, in_image, length)` for every run of values that lies side by
    /// side both in a patch (number, offset) and in the image (offset): the pixels of one
    /// kernel row that are inside the image.
    fn for_each_run(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let (rows, columns) = self.output_size();
        let (top, left) = (self.padding_of(self.height).0, self.padding_of(self.width).0);
        for row in 0..rows {
            // Kernel rows and columns first..last are inside the image.
            let y = row * self.stride;
            let y_first = top.saturating_sub(y);
            let y_last = self.kernel.min(self.height + top - y);
            for column in 0..columns {
                let x = column * self.stride;
                let x_first = left.saturating_sub(x);
                let x_last = self.kernel.min(self.width + left - x);
                for kernel_row in y_first..y_last {
                    let in_patch = (kernel_row * self.kernel + x_first) * self.channels;
                    let pixel = (y + kernel_row - top) * self.width + x + x_first - left;
                    let length = (x_last - x_first) * self.channels;
                    f(row * columns + column, in_patch, pixel * self.channels, length);
                }
            }
        }
    }

    /// One row a position: the values under the kernel (im2col).
    fn unfold<T: Scalar>(&self, images: &[T], patches: &mut [T]) {
        if self.padding == Padding::Same {
            patches.fill(T::zero());
        }
        let (width, (rows, columns)) = (self.patch_dim(), self.output_size());
        let patches = patches.chunks_exact_mut(rows * columns * width);
        for (image, patches) in images.chunks_exact(self.input_dim()).zip(patches) {
            self.for_each_run(|patch, in_patch, in_image, length| {
                let start = patch * width + in_patch;
                let patch = &mut patches[start..start + length];
                patch.copy_from_slice(&image[in_image..in_image + length]);
            });
        }
    }

    /// Adds every patch to where it came from (the transpose of `unfold`).
    fn fold<T: Scalar>(&self, patches: &[T], images: &mut [T]) {
        let (width, (rows, columns)) = (self.patch_dim(), self.output_size());
        let patches = patches.chunks_exact(rows * columns * width);
        for (image, patches) in images.chunks_exact_mut(self.input_dim()).zip(patches) {
            self.for_each_run(|patch, in_patch, in_image, length| {
                let start = patch * width + in_patch;
                let patch = &patches[start..start + length];
                for (pixel, &d) in image[in_image..in_image + length].iter_mut().zip(patch) {
                    *pixel += d;
                }
            });
        }
    }
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
        let positions = geometry.output_size().0 * geometry.output_size().1;
        let columns = positions * channels;
        let (input_dim, patch_dim) = (geometry.input_dim(), geometry.patch_dim());
        let bias_fits = b.is_none_or(|b| b.dim() == (1, channels));
        if inputs != input_dim || w.nrows() != patch_dim || !bias_fits {
            return self.fail("conv2d", (rows, columns), || {
                format!(
                    "x is {rows}×{inputs} for {input_dim} values an image, W is {}×{channels} \
                     for {patch_dim} values a patch, the bias {:?}",
                    w.nrows(),
                    b.map(|b| b.dim())
                )
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let block = block(rows, positions * patch_dim);
        let (patch_slot, mut patches) = self.tape.values.take(block * positions * patch_dim);
        let y_blocks = buffer[..rows * columns].chunks_mut(block * columns);
        for (y, x) in y_blocks.zip(self.slice(x).chunks(block * input_dim)) {
            let n = y.len() / channels;
            let patches = &mut patches[..n * patch_dim];
            geometry.unfold(x, patches);
            let product = matrix_mut(n, channels, y);
            matrix_product(T::one(), matrix(n, patch_dim, patches), w, T::zero(), product);
            activation.forward(y, bias.map(|id| self.params.slice(id)));
        }
        self.tape.values.put(patch_slot, patches);
        self.tape.values.release(patch_slot);
        let op = Conv2d { x, weight, bias, geometry: *geometry, activation };
        let needs = self.needs(x).or(Needs::PARAMS);
        self.push(Op::Conv2d(op), slot, buffer, (rows, columns), needs)
    }
}

/// Samples a block.
fn block(rows: usize, elements: usize) -> usize {
    (BLOCK_ELEMENTS / elements).clamp(1, rows.max(1))
}

impl Conv2d {
    /// With P the unfolded x and dz = dy ∘ activation'(z), one row a position: db = Σ dz,
    /// dW = Pᵀ·dz, and dx folds dz·Wᵀ. Unfolding again costs less than keeping P.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &mut [T]) {
        let (rows, columns) = cx.values.shape(y);
        let (x, w, y) = (cx.values.slice(self.x), cx.values.param(self.weight), cx.values.slice(y));
        let (input_dim, (patch_dim, channels)) = (self.geometry.input_dim(), w.dim());
        let bias = self.bias.and_then(|id| cx.param_target(id));
        self.activation.backward(dy, y, bias);
        if let Some(target) = cx.param_target(self.weight) {
            target.zeroed();
        }
        let positions = columns / channels;
        let block = block(rows, positions * patch_dim);
        let (slot, mut patches) = cx.scratch(block * positions * patch_dim);
        let blocks = dy.chunks(block * columns).zip(x.chunks(block * input_dim));
        for (index, (dz, x)) in blocks.enumerate() {
            let n = dz.len() / channels;
            let dz = matrix(n, channels, dz);
            let patches = &mut patches[..n * patch_dim];
            if let Some(target) = cx.param_target(self.weight) {
                self.geometry.unfold(x, patches);
                let dw = matrix_mut(patch_dim, channels, target.values);
                matrix_product(
                    T::one(),
                    matrix(n, patch_dim, patches).reversed_axes(),
                    dz,
                    T::one(),
                    dw,
                );
            }
            if let Some(target) = cx.target(self.x) {
                let dx = target.zeroed().values;
                let product = matrix_mut(n, patch_dim, patches);
                matrix_product(T::one(), dz, w.t(), T::zero(), product);
                let start = index * block * input_dim;
                self.geometry.fold(patches, &mut dx[start..start + x.len()]);
            }
        }
        cx.give_back(slot, patches);
    }
}
