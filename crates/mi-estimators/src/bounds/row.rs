//! One row of scores, as a bound sees it.

use std::ops::Range;

use mi_kernels::{Logarithm, Scalar};

use super::{Counts, Pairs};

/// One row of scores with the roles of its pairs. A bound reads its positives and negatives and,
/// where weights are wanted, replaces the negatives by weights. It ignores the rest of the row.
#[derive(Debug)]
pub struct Row<'a, T> {
    scores: &'a mut [T],
    pairs: &'a Pairs,
    index: usize,
    context: Context<'a, T>,
    weights: bool,
}

/// Everything a row knows except its own scores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a, T> {
    /// The learned numbers of the row: none, one, or one per positive.
    pub(crate) learned: &'a [f64],
    /// Sums over columns, for bounds that request them.
    pub(crate) columns: Option<ColumnSums<'a, T>>,
    /// The surveyed number of every row, for bounds that request it.
    pub(crate) survey: &'a [f64],
}

impl<T> Context<'_, T> {
    /// The context of a row that is being surveyed.
    pub(crate) const NONE: Self = Self { learned: &[], columns: None, survey: &[] };
}

/// Log-sum-exps of columns, for bounds that request them.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSums<'a, T> {
    /// `log Σ_i exp S_ij` over every column: its positive and its negatives. A column with several
    /// positives has one such sum a for each of them, since each competes only with the negatives.
    /// This is then `−log Σ exp(−a)`, so that exp(S − this) is a negative's total share in all of
    /// these sums. +∞ for a column without positives.
    pub all: &'a [T],
    /// The same without rounding, if some are so large that rounding would matter.
    pub exact: Option<&'a [Logarithm]>,
    /// `log Σ exp S_ij` over the negatives of every column.
    pub negatives: &'a [Logarithm],
}

impl<'a, T: Scalar> Row<'a, T> {
    pub(crate) fn new(
        (scores, index): (&'a mut [T], usize),
        pairs: &'a Pairs,
        context: Context<'a, T>,
        weights: bool,
    ) -> Self {
        Self { scores, pairs, index, context, weights }
    }

    /// The row's number, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether weights are wanted; if not, the scores may be left as they are.
    pub fn wants_weights(&self) -> bool {
        self.weights
    }

    /// Turns weights off; returns whether they were on.
    pub(super) fn without_weights(&mut self) -> bool {
        std::mem::replace(&mut self.weights, false)
    }

    /// The columns of the row's positives, at least one.
    pub fn positives(&self) -> impl ExactSizeIterator<Item = usize> + Clone + use<'a, T> {
        let pairs = self.pairs;
        pairs.positives()[pairs.span(self.index)].iter().map(|&(_, column)| column)
    }

    /// The score of the positive in a column.
    pub fn score(&self, column: usize) -> f64 {
        self.scores[column].to_f64()
    }

    /// The largest score of a positive.
    pub(super) fn largest_positive(&self) -> f64 {
        self.positives().map(|column| self.score(column)).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The learned number of the row, or of its positive with this index; 0 where none is given.
    pub fn learned(&self, positive: usize) -> f64 {
        let learned = self.context.learned;
        learned.get(positive).or(learned.last()).copied().unwrap_or(0.0)
    }

    /// Sums over columns, for bounds that request them.
    pub fn columns(&self) -> Option<ColumnSums<'a, T>> {
        self.context.columns
    }

    /// The result of [`Bound::survey`](super::Bound::survey) for another row, for bounds that
    /// request it; −∞ for a row without positives.
    pub fn surveyed(&self, row: usize) -> f64 {
        self.context.survey[row]
    }

    /// The roles of all pairs.
    pub fn pairs(&self) -> &'a Pairs {
        self.pairs
    }

    /// The number of the row's negatives.
    pub fn negatives_count(&self) -> usize {
        self.pairs.negatives_of(self.index)
    }

    /// The number of negatives of a column.
    pub(super) fn column_count(&self, column: usize) -> usize {
        self.pairs.column_negatives_of(column)
    }

    /// How many positives and negatives there are in all.
    pub fn counts(&self) -> Counts {
        self.pairs.counts()
    }

    /// The logarithm of (largest number of negatives of any row) / (this row's number). Added to a
    /// row's log-sum, it turns sums over negatives into means, up to one factor that all rows
    /// share. Exactly 0 where all rows have the same number.
    pub fn log_excess(&self) -> f64 {
        let (most, own) = (self.counts().negatives, self.negatives_count());
        if most == own { 0.0 } else { (most as f64).ln() - (own as f64).ln() }
    }

    /// The row's negatives, one stretch of adjacent columns at a time.
    pub fn negatives(&self) -> impl Iterator<Item = &[T]> + Clone {
        let scores = &*self.scores;
        self.pairs.stretches(self.index).iter().map(move |stretch| &scores[stretch.clone()])
    }

    /// The row's negatives, to be replaced by weights, in the order of [`Row::negatives`].
    pub fn negatives_mut(&mut self) -> Stretches<'_, T> {
        Stretches { rest: self.scores, at: 0, left: self.pairs.stretches(self.index).iter() }
    }

    /// The columns of the row's negatives, in the order of [`Row::negatives`].
    pub fn negative_columns(&self) -> &'a [Range<usize>] {
        let pairs = self.pairs;
        pairs.stretches(self.index)
    }
}

/// See [`Row::negatives_mut`].
#[derive(Debug)]
pub struct Stretches<'a, T> {
    rest: &'a mut [T],
    /// The column at which the rest starts.
    at: usize,
    left: std::slice::Iter<'a, Range<usize>>,
}

impl<'a, T> Iterator for Stretches<'a, T> {
    type Item = &'a mut [T];

    fn next(&mut self) -> Option<&'a mut [T]> {
        let stretch = self.left.next()?;
        let rest = std::mem::take(&mut self.rest);
        let (own, rest) = rest[stretch.start - self.at..].split_at_mut(stretch.len());
        self.at = stretch.end;
        self.rest = rest;
        Some(own)
    }
}

/// Sets the weights of everything except negatives to 0.
pub(crate) fn clear_others<T: Scalar>(scores: &mut [T], negatives: &[Range<usize>]) {
    let clear = |gap: &mut [T]| match gap {
        // A positive among negatives, as in each row of a square.
        [one] => *one = T::zero(),
        gap => gap.fill(T::zero()),
    };
    let mut start = 0;
    for stretch in negatives {
        clear(&mut scores[start..stretch.start]);
        start = stretch.end;
    }
    clear(&mut scores[start..]);
}
