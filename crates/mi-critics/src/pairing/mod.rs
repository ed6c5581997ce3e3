//! From two embedded batches to the scores of all pairs, one panel of rows at a time, and back to
//! gradients.

mod deep;
mod dot;
mod shallow;

use std::ops::Range;

use mi_kernels::Scalar;
use mi_nets::{Gradients, NetsError, ParamId, Params};
use ndarray::{Array2, ArrayView2};

use crate::CriticsError;
use deep::{Deep, DeepBuffers};
use dot::{Dot, DotBuffers};
use shallow::{Shallow, ShallowBuffers};

/// Rows per task of a parallel sweep. A divisor of [`PANEL_ROWS`], so that blocks are the same in
/// one panel and in several.
const ROW_BLOCK: usize = 48;

const _: () = assert!(PANEL_ROWS.is_multiple_of(ROW_BLOCK), "blocks are as in one panel");

/// The distance, in elements, from one row of scores to the next for this many columns. It is a
/// whole number of cache lines, but not a multiple of 512 elements, which would map the same column
/// of all rows to the same few places in a cache.
fn stride(columns: usize) -> usize {
    let stride = columns.next_multiple_of(16);
    if stride.is_multiple_of(512) { stride + 16 } else { stride }
}

/// Rows whose products are summed before they are added to the gradients of y. Panels of a multiple
/// of this many rows give the same bits as one panel of all rows, except for heads with further
/// hidden layers, which divide each panel among groups.
pub const PANEL_ROWS: usize = 192;

/// Batches with more pairs than this are divided among threads.
const PAIRS_FOR_THREADS: usize = 256 * 256;

/// How scores are computed from embedded rows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Pairing {
    /// Inner products: `scores[[i, j]] = Σ_d x_id y_jd`.
    Dot,
    /// The rest of a network on [x, y] after the two halves of its first layer.
    Concat(ConcatHead),
}

/// A network on [x, y] from the activation of its first layer on:
/// `scores[[i, j]] = head(relu(x_i + y_j))`, where `x_i` and `y_j` are the halves of the first
/// layer, including the bias.
#[derive(Clone, Debug)]
pub struct ConcatHead {
    /// Units of the first hidden layer, of further ones, and 1.
    sizes: Vec<usize>,
    /// Weight (in×out) and bias (1×out) of the layers after the first.
    layers: Vec<(ParamId, ParamId)>,
}

impl ConcatHead {
    /// `layers[k]` leads from `sizes[k]` to `sizes[k + 1]` units; the last size is 1.
    pub(crate) fn new(sizes: Vec<usize>, layers: Vec<(ParamId, ParamId)>) -> Self {
        debug_assert_eq!(sizes.len(), layers.len() + 1);
        Self { sizes, layers }
    }

    /// Checks that the parameters have this head's layers.
    fn check_params<T: Scalar>(&self, params: &Params<T>) -> Result<(), CriticsError> {
        for (sizes, &(weight, bias)) in self.sizes.windows(2).zip(&self.layers) {
            for (id, (rows, columns)) in [(weight, (sizes[0], sizes[1])), (bias, (1, sizes[1]))] {
                if params.dim(id) != Some((rows, columns)) {
                    let problem = format!(
                        "the {} parameters are not those that the critic was made with, of which \
                         one is {rows}×{columns}: pass the same `Params`",
                        params.len()
                    );
                    return Err(NetsError::Mismatch { operation: "scores", problem }.into());
                }
            }
        }
        Ok(())
    }

    /// The weight of the last layer.
    pub(crate) fn last_weight(&self) -> Option<ParamId> {
        self.layers.last().map(|(weight, _)| *weight)
    }
}

/// Memory of a [`Scorer`], kept from one batch to the next so that a steady training step
/// allocates nothing. It grows to O((N + M)·d) for N and M rows of width d.
#[derive(Debug)]
pub struct PairingBuffers<T> {
    /// Row-major copies of embeddings that have another layout.
    x: Vec<T>,
    y: Vec<T>,
    dot: DotBuffers<T>,
    shallow: ShallowBuffers<T>,
    deep: DeepBuffers<T>,
}

impl<T: Scalar> PairingBuffers<T> {
    /// No memory yet.
    pub fn new() -> Self {
        Self {
            x: Vec::new(),
            y: Vec::new(),
            dot: DotBuffers::default(),
            shallow: ShallowBuffers::default(),
            deep: DeepBuffers::default(),
        }
    }
}

impl<T: Scalar> Default for PairingBuffers<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Row-major embeddings of one batch: N rows of x and M of y, of `dim` columns each.
#[derive(Clone, Copy, Debug)]
struct Embeddings<'a, T> {
    x: &'a [T],
    y: &'a [T],
    /// N, the rows of scores.
    n: usize,
    /// M, the columns of scores.
    m: usize,
    dim: usize,
    /// Elements from one row of scores to the next.
    stride: usize,
    /// Whether the work is worth dividing among threads.
    parallel: bool,
}

impl Pairing {
    /// All scores at once.
    ///
    /// # Shapes
    /// `ex` is N×d and `ey` M×d, in any memory layout; the scores are N×M, `scores[[i, j]]` for row
    /// i of `ex` and row j of `ey`.
    ///
    /// # Errors
    /// Shapes that do not fit; parameters that the pairing was not made with.
    pub fn scores<T: Scalar>(
        &self,
        params: &Params<T>,
        ex: ArrayView2<'_, T>,
        ey: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, CriticsError> {
        let (n, m) = (ex.nrows(), ey.nrows());
        let mut buffers = PairingBuffers::new();
        let mut scorer = self.scorer(params, ex, ey, &mut buffers)?;
        let mut panel = vec![T::zero(); n * scorer.stride()];
        scorer.sweep(0..n, &mut panel, &mut vec![(); n], false, |_, _, _| ());
        let mut scores = Array2::zeros((n, m));
        for (mut row, line) in scores.rows_mut().into_iter().zip(panel.chunks(scorer.stride())) {
            row.iter_mut().zip(line).for_each(|(score, &from)| *score = from);
        }
        Ok(scores)
    }

    /// Prepares a batch for sweeps over its rows of scores.
    ///
    /// # Shapes
    /// `ex` is N×d and `ey` M×d, in any memory layout: what the critic's towers returned. The
    /// scores are N×M.
    ///
    /// # Errors
    /// Shapes that do not fit; parameters that the pairing was not made with.
    pub fn scorer<'a, T: Scalar>(
        &'a self,
        params: &'a Params<T>,
        ex: ArrayView2<'a, T>,
        ey: ArrayView2<'a, T>,
        buffers: &'a mut PairingBuffers<T>,
    ) -> Result<Scorer<'a, T>, CriticsError> {
        let expected = match self {
            Self::Dot => (ex.ncols() > 0).then_some(ex.ncols()),
            Self::Concat(head) => head.sizes.first().copied(),
        };
        if ex.ncols() != ey.ncols() || expected != Some(ex.ncols()) {
            return Err(CriticsError::Embeddings {
                rows_x: ex.nrows(),
                dim_x: ex.ncols(),
                rows_y: ey.nrows(),
                dim_y: ey.ncols(),
                expected: match self {
                    Self::Dot => " and at least one column".to_owned(),
                    Self::Concat(head) => {
                        format!(" and the {} columns of the first hidden layer", head.sizes[0])
                    }
                },
            });
        }
        if let Self::Concat(head) = self {
            head.check_params(params)?;
        }
        let PairingBuffers { x, y, dot, shallow, deep } = buffers;
        let ((n, dim), m) = (ex.dim(), ey.nrows());
        let parallel = n * m > PAIRS_FOR_THREADS;
        let (x, y) = (row_major(ex, x), row_major(ey, y));
        let batch = Embeddings { x, y, n, m, dim, stride: stride(m), parallel };
        Ok(Scorer(match self {
            Self::Dot => Kind::Dot(Dot::new(batch, dot)),
            Self::Concat(head) => match head.layers[..] {
                [layer] => Kind::Shallow(Shallow::new(batch, layer, params, shallow)),
                _ => Kind::Deep(Deep::new(batch, head, params, deep)),
            },
        }))
    }
}

/// The view's elements in row-major order, copied only if they have another order.
fn row_major<'a, T: Scalar>(view: ArrayView2<'a, T>, copy: &'a mut Vec<T>) -> &'a [T] {
    if let Some(slice) = view.to_slice() {
        return slice;
    }
    copy.clear();
    copy.extend(view.iter());
    copy
}

/// The state of one batch in a pairing.
///
/// A training step [sweeps](Scorer::sweep) over all rows of scores, a panel of rows at a time,
/// turning scores into weights; [accumulates](Scorer::accumulate) each panel's gradients; and
/// [finishes](Scorer::finish) with factors that are known only at the end. The gradient of the
/// objective with respect to a score is then
///
/// `g_ij = rows_i · weight_ij`, plus the gradient of the positive where (i, j) is one (see
/// [`Scaling`]).
#[derive(Debug)]
pub struct Scorer<'a, T>(Kind<'a, T>);

#[derive(Debug)]
enum Kind<'a, T> {
    Dot(Dot<'a, T>),
    Shallow(Shallow<'a, T>),
    Deep(Deep<'a, T>),
}

/// The factors of gradients, applied at the end.
#[derive(Clone, Copy, Debug)]
pub struct Scaling<'a, T> {
    /// For gradients of x: one factor per row, in addition to the factor given to
    /// [`Scorer::accumulate`].
    pub rows: &'a [T],
    /// For gradients of y and of the pairing's parameters: one factor for all.
    pub columns: T,
    /// The gradient with respect to each positive score, whose weight is 0 in the panels.
    pub positives: Positives<'a, T>,
}

/// Gradients with respect to the scores of positives, which panels of weights leave out.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Positives<'a, T> {
    /// For a square matrix: element i is that of the pair (i, i).
    Diagonal(&'a [T]),
    /// For any pairs: rows and columns, and as many gradients. A row or a column may occur more
    /// than once, or not at all.
    Listed(&'a [(usize, usize)], &'a [T]),
}

impl<'a, T: Scalar> Positives<'a, T> {
    /// Row, column and gradient of each positive.
    fn iter(self) -> impl Iterator<Item = (usize, usize, T)> + use<'a, T> {
        let (pairs, gradients) = match self {
            Self::Diagonal(gradients) => (None, gradients),
            Self::Listed(pairs, gradients) => (Some(pairs), gradients),
        };
        gradients.iter().enumerate().map(move |(n, &gradient)| {
            let (row, column) = pairs.map_or((n, n), |pairs| pairs[n]);
            (row, column, gradient)
        })
    }
}

impl<T: Scalar> Scorer<'_, T> {
    /// Elements from one row of a panel to the next: at least M, a multiple of 16.
    pub fn stride(&self) -> usize {
        match &self.0 {
            Kind::Dot(scorer) => scorer.stride(),
            Kind::Shallow(scorer) => scorer.stride(),
            Kind::Deep(scorer) => scorer.stride(),
        }
    }

    /// Computes the scores of some rows into `panel` and passes each row, with its index and the
    /// place for its results, to `row`. With `gradient`, `row` replaces the scores by weights, for
    /// [`Scorer::accumulate`].
    ///
    /// # Shapes
    /// `panel` has a row every [`Scorer::stride`] elements; `row` is given its M scores;
    /// `results` has the same number of elements, one or more, for each row. A panel that starts
    /// at a multiple of 64 bytes is fastest.
    ///
    /// # Panics
    /// If the lengths do not fit, here and in the other methods.
    pub fn sweep<R: Send>(
        &mut self,
        rows: Range<usize>,
        panel: &mut [T],
        results: &mut [R],
        gradient: bool,
        row: impl Fn(usize, &mut [T], &mut [R]) + Sync,
    ) {
        if rows.is_empty() {
            return;
        }
        match &mut self.0 {
            Kind::Dot(scorer) => scorer.sweep(rows, panel, results, gradient, row),
            Kind::Shallow(scorer) => scorer.sweep(rows, panel, results, row),
            Kind::Deep(scorer) => scorer.sweep(rows, panel, results, row),
        }
    }

    /// Adds the gradients of a panel of weights that was just swept, each row times its factor. The
    /// panel's contents are overwritten.
    ///
    /// # Shapes
    /// `panel` as in [`Scorer::sweep`]; `factors` has one element per row.
    pub fn accumulate(&mut self, rows: Range<usize>, panel: &mut [T], factors: &[T]) {
        match &mut self.0 {
            Kind::Dot(scorer) => scorer.accumulate(rows, panel, factors),
            Kind::Shallow(scorer) => scorer.accumulate(rows, panel, factors),
            Kind::Deep(scorer) => scorer.accumulate(rows, panel, factors),
        }
    }

    /// Multiplies the accumulated gradients of y and of the pairing's parameters, but not those of
    /// x.
    pub fn rescale(&mut self, factor: T) {
        match &mut self.0 {
            Kind::Dot(scorer) => scorer.rescale(factor),
            Kind::Shallow(scorer) => scorer.rescale(factor),
            Kind::Deep(scorer) => scorer.rescale(factor),
        }
    }

    /// Writes the gradients of the embeddings and adds those of the pairing's parameters.
    ///
    /// # Shapes
    /// `gradient_x` is N×d and `gradient_y` M×d, row-major.
    pub fn finish(
        &mut self,
        scaling: Scaling<'_, T>,
        gradient_x: &mut [T],
        gradient_y: &mut [T],
        gradients: &mut Gradients<T>,
    ) {
        match &mut self.0 {
            Kind::Dot(scorer) => scorer.finish(scaling, gradient_x, gradient_y),
            Kind::Shallow(scorer) => scorer.finish(scaling, gradient_x, gradient_y, gradients),
            Kind::Deep(scorer) => scorer.finish(scaling, gradient_x, gradient_y, gradients),
        }
    }
}

/// Clears a buffer and fills it with `length` zeros.
fn zeroed<T: Scalar>(buffer: &mut Vec<T>, length: usize) -> &mut Vec<T> {
    buffer.clear();
    buffer.resize(length, T::zero());
    buffer
}

/// x ← factor · x
fn scale<T: Scalar>(x: &mut [T], factor: T) {
    for x in x {
        *x *= factor;
    }
}

/// to ← to + from
fn add<T: Scalar>(to: &mut [T], from: &[T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// Σ x in sixteen interleaved sums, which vectors can hold.
fn sum_of<T: Scalar>(x: &[T]) -> T {
    let mut lanes = [T::zero(); 16];
    let mut chunks = x.chunks_exact(16);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane += x;
    }
    lanes.into_iter().sum()
}
