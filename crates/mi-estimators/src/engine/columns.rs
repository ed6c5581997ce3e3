//! Log-sum-exps of columns, for bounds that need them before they see a row.

use mi_critics::{PANEL_ROWS, Scorer};
use mi_kernels::{Logarithm, Scalar, add_exp_shifted, origin_for};
use rayon::prelude::*;

use crate::bounds::{ColumnSums, with_positive};

/// Columns that one task takes. Fixed; columns do not depend on one another.
const COLUMN_BLOCK: usize = 1024;

/// Batches above this are shared out among threads.
const COLUMNS_FOR_THREADS: usize = 256;

/// Sums over the columns of all scores, made a panel of rows at a time.
#[derive(Debug, Default)]
pub(super) struct ColumnSweep<T> {
    blocks: Vec<Block<T>>,
    positives: Vec<f64>,
    all: Vec<T>,
    exact: Vec<Logarithm>,
    negatives: Vec<Logarithm>,
    /// Whether rounding to `T` would show in some of the sums.
    far: bool,
}

/// A stretch of columns: for each, the largest negative so far, and the sum of exponentials
/// relative to it.
#[derive(Debug, Default)]
struct Block<T> {
    first: usize,
    largest: Vec<T>,
    sum: Vec<f64>,
    /// The same of the rows at hand.
    new_largest: Vec<T>,
    shift: Vec<T>,
    new_sum: Vec<T>,
}

impl<T: Scalar> ColumnSweep<T> {
    /// Sums of the columns that row `index` needs.
    pub(super) fn sums(&self, index: usize) -> ColumnSums<'_, T> {
        let exact = self.far.then_some(&*self.exact);
        ColumnSums { all: &self.all, exact, negatives: self.negatives[index] }
    }

    /// Sweeps over all scores.
    pub(super) fn run(
        &mut self,
        scorer: &mut Scorer<'_, T>,
        k: usize,
        panel_rows: usize,
        panel: &mut [T],
    ) {
        let stride = scorer.stride();
        self.positives.clear();
        self.positives.resize(k, 0.0);
        self.blocks.resize_with(k.div_ceil(COLUMN_BLOCK), Block::default);
        for (n, block) in self.blocks.iter_mut().enumerate() {
            let first = n * COLUMN_BLOCK;
            block.start(first, COLUMN_BLOCK.min(k - first));
        }
        for first in (0..k).step_by(panel_rows) {
            let span = first..k.min(first + panel_rows);
            let panel = &mut panel[..span.len() * stride];
            let positive = |i: usize, scores: &mut [T]| scores[i].to_f64();
            scorer.sweep(span.clone(), panel, &mut self.positives[span], false, positive);
            let absorb = |block: &mut Block<T>| block.absorb(first, stride, panel);
            if k > COLUMNS_FOR_THREADS {
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
        let pairs = self.negatives.iter().zip(&self.positives);
        self.exact.clear();
        self.exact.extend(pairs.map(|(&negatives, &own)| with_positive(negatives, own)));
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

    /// Takes the block's columns of some rows of scores in.
    fn absorb(&mut self, first_row: usize, stride: usize, panel: &[T]) {
        let columns = self.largest.len();
        for (n, rows) in panel.chunks(PANEL_ROWS * stride).enumerate() {
            let first_row = first_row + n * PANEL_ROWS;
            // Around the positive, if it is one of the block's columns.
            let parts = |i: usize| match i.checked_sub(self.first) {
                Some(at) if at < columns => (0..at, at + 1..columns),
                _ => (0..columns, columns..columns),
            };
            let lines =
                || (first_row..).zip(rows.chunks(stride).map(|row| &row[self.first..][..columns]));
            self.new_largest.clear();
            self.new_largest.resize(columns, T::neg_infinity());
            for (i, line) in lines() {
                let (left, right) = parts(i);
                for part in [left, right] {
                    for (largest, &s) in self.new_largest[part.clone()].iter_mut().zip(&line[part])
                    {
                        *largest = if s > *largest { s } else { *largest };
                    }
                }
            }
            self.shift.clear();
            let finite = |&x: &T| if x.is_finite() { x } else { T::zero() };
            self.shift.extend(self.new_largest.iter().map(finite));
            self.new_sum.clear();
            self.new_sum.resize(columns, T::zero());
            for (i, line) in lines() {
                let (left, right) = parts(i);
                for part in [left, right] {
                    add_exp_shifted(
                        &mut self.new_sum[part.clone()],
                        &line[part.clone()],
                        &self.shift[part],
                    );
                }
            }
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
