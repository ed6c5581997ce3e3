//! Log-sum-exps of columns, for bounds that need them before they see a row.

use std::ops::Range;

use mi_critics::{PANEL_ROWS, Scorer};
use mi_kernels::{Logarithm, Scalar, add_exp_shifted, origin_for};
use rayon::prelude::*;

use crate::bounds::{ColumnSums, Pairs, combine};

/// Number of columns per task. Fixed; columns do not depend on one another.
const COLUMN_BLOCK: usize = 1024;

/// Larger batches are divided among threads.
const COLUMNS_FOR_THREADS: usize = 256;

/// Sums over the columns of all scores, computed one panel of rows at a time.
#[derive(Debug, Default)]
pub(super) struct ColumnSweep<T> {
    blocks: Vec<Block<T>>,
    /// Scores of positives.
    positives: Vec<f64>,
    all: Vec<T>,
    exact: Vec<Logarithm>,
    negatives: Vec<Logarithm>,
    /// Whether rounding to `T` would matter in some of the sums.
    far: bool,
}

/// A stretch of columns: for each, the largest negative so far, and the sum of exponentials
/// relative to it.
#[derive(Debug, Default)]
struct Block<T> {
    first: usize,
    largest: Vec<T>,
    sum: Vec<f64>,
    /// The largest negative of each column among the current rows.
    new_largest: Vec<T>,
    shift: Vec<T>,
    new_sum: Vec<T>,
}

impl<T: Scalar> ColumnSweep<T> {
    /// The result of the sweep.
    pub(super) fn sums(&self) -> ColumnSums<'_, T> {
        let exact = self.far.then_some(&*self.exact);
        ColumnSums { all: &self.all, exact, negatives: &self.negatives }
    }

    /// Sweeps over all scores.
    pub(super) fn run(
        &mut self,
        scorer: &mut Scorer<'_, T>,
        pairs: &Pairs,
        panel_rows: usize,
        panel: &mut [T],
    ) {
        let stride = scorer.stride();
        let (n, m) = pairs.dim();
        let width = pairs.most_positives();
        self.positives.clear();
        self.positives.resize(n * width, 0.0);
        self.blocks.resize_with(m.div_ceil(COLUMN_BLOCK), Block::default);
        for (n, block) in self.blocks.iter_mut().enumerate() {
            let first = n * COLUMN_BLOCK;
            block.start(first, COLUMN_BLOCK.min(m - first));
        }
        for first in (0..n).step_by(panel_rows) {
            let span = first..n.min(first + panel_rows);
            let panel = &mut panel[..span.len() * stride];
            let positives = |i: usize, scores: &mut [T], found: &mut [f64]| {
                for (&(_, j), found) in pairs.positives()[pairs.span(i)].iter().zip(found) {
                    *found = scores[j].to_f64();
                }
            };
            let found = &mut self.positives[span.start * width..span.end * width];
            scorer.sweep(span, panel, found, false, positives);
            let absorb = |block: &mut Block<T>| block.absorb(first, stride, panel, pairs);
            if m > COLUMNS_FOR_THREADS {
                self.blocks.par_iter_mut().for_each(absorb);
            } else {
                self.blocks.iter_mut().for_each(absorb);
            }
        }
        let sums = self.blocks.iter().flat_map(|block| block.largest.iter().zip(&block.sum));
        self.negatives.clear();
        self.negatives.extend(sums.map(|(&largest, sum)| {
            let largest = largest.to_f64();
            let origin = origin_for(largest);
            let rest = if largest.is_infinite() { largest } else { (largest - origin) + sum.ln() };
            Logarithm { origin, rest }
        }));
        compact(&mut self.positives, pairs);
        combine(pairs, self.positives.iter().copied(), &self.negatives, &mut self.exact);
        self.all.clear();
        self.all.extend(self.exact.iter().map(|all| T::from_f64(all.value())));
        self.far = self.exact.iter().any(|all| all.origin != 0.0);
    }
}

impl<T: Scalar> Block<T> {
    fn start(&mut self, first: usize, columns: usize) {
        self.first = first;
        self.largest.clear();
        self.largest.resize(columns, T::neg_infinity());
        self.sum.clear();
        self.sum.resize(columns, 0.0);
    }

    /// Adds the block's columns of some rows of scores.
    fn absorb(&mut self, first_row: usize, stride: usize, panel: &[T], pairs: &Pairs) {
        let columns = self.largest.len();
        let first = self.first;
        for (n, rows) in panel.chunks(PANEL_ROWS * stride).enumerate() {
            let first_row = first_row + n * PANEL_ROWS;
            // The scores of the block's columns, and the negatives among them.
            let for_lines = |f: &mut dyn FnMut(&[T], Range<usize>)| {
                for (i, row) in (first_row..).zip(rows.chunks(stride)) {
                    if pairs.span(i).is_empty() {
                        continue;
                    }
                    let line = &row[first..][..columns];
                    for part in within(pairs.stretches(i), first, columns) {
                        f(line, part);
                    }
                }
            };
            self.new_largest.clear();
            self.new_largest.resize(columns, T::neg_infinity());
            for_lines(&mut |line, part| {
                for (largest, &s) in self.new_largest[part.clone()].iter_mut().zip(&line[part]) {
                    *largest = if s > *largest { s } else { *largest };
                }
            });
            self.shift.clear();
            let finite = |&x: &T| if x.is_finite() { x } else { T::zero() };
            self.shift.extend(self.new_largest.iter().map(finite));
            self.new_sum.clear();
            self.new_sum.resize(columns, T::zero());
            for_lines(&mut |line, part| {
                add_exp_shifted(
                    &mut self.new_sum[part.clone()],
                    &line[part.clone()],
                    &self.shift[part],
                );
            });
            let new = self.new_largest.iter().zip(&self.new_sum);
            for ((largest, sum), (&new_largest, &new_sum)) in
                self.largest.iter_mut().zip(&mut self.sum).zip(new)
            {
                let top = if new_largest > *largest { new_largest } else { *largest };
                if top.is_finite() {
                    let weight = |x: T| if x == top { 1.0 } else { (x - top).to_f64().exp() };
                    *sum = *sum * weight(*largest) + new_sum.to_f64() * weight(new_largest);
                } else if new_sum.is_nan() {
                    *sum = f64::NAN;
                }
                *largest = top;
            }
        }
    }
}

/// The parts of ascending stretches that lie in a block of columns, counted from its first.
fn within(
    stretches: &[Range<usize>],
    first: usize,
    columns: usize,
) -> impl Iterator<Item = Range<usize>> {
    let skipped = stretches.partition_point(|stretch| stretch.end <= first);
    let near = stretches[skipped..].iter().take_while(move |part| part.start < first + columns);
    near.map(move |part| part.start.max(first) - first..part.end.min(first + columns) - first)
}

/// Compacts the entries of positives, which are stored with the same number of places for each row.
pub(super) fn compact<V: Copy>(values: &mut Vec<V>, pairs: &Pairs) {
    let width = pairs.most_positives();
    if values.len() > pairs.positives().len() {
        for row in 0..pairs.dim().0 {
            let span = pairs.span(row);
            // The target is never to the right of the source.
            values.copy_within(row * width..row * width + span.len(), span.start);
        }
        values.truncate(pairs.positives().len());
    }
}
