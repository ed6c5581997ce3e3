//! One typed column: its values, and their order with ties broken.

use mi_random::Stream;

use super::Marginals;
use super::column_type::{ColumnKind, ColumnType, Declared};
use super::lattice;
use super::order::{ascending, ascending_by_keys, runs, scores_of_runs};
use crate::moments;
use crate::rows::Track;

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) kind: ColumnType,
    /// The values as given.
    pub(super) values: Vec<f64>,
    /// Rows in ascending order of the values; equal values are in the order of their keys.
    pub(super) order: Vec<u32>,
    ties: Option<Ties>,
    /// Whether ties come from rounding, so that they say nothing about copies of rows.
    pub(super) is_rounded: bool,
}

/// How ties are broken.
#[derive(Clone, Debug)]
struct Ties {
    /// One number per row, all different: equal values are ordered by it.
    keys: Vec<u32>,
    seed: u64,
}

impl Column {
    pub(super) fn new(values: Vec<f64>, declared: Declared, seed: u64) -> Self {
        let order = ascending(&values);
        let kind = ColumnType::of(&values, &order, declared);
        if kind.broken_ties() == 0 {
            return Self { kind, values, order, ties: None, is_rounded: false };
        }
        let is_rounded = kind.step().is_some() || lattice::has_few_digits(&values);
        Self { is_rounded, ..Self::broken(kind, values, &order, seed, 0) }
    }

    /// The column with its ties broken at random; `order` is ascending.
    fn broken(
        kind: ColumnType,
        values: Vec<f64>,
        order: &[u32],
        seed: u64,
        replicate: usize,
    ) -> Self {
        let keys = keys(&values, order, seed, replicate);
        let order = ascending_by_keys(&values, &keys);
        Self { kind, values, order, ties: Some(Ties { keys, seed }), is_rounded: false }
    }

    /// Whether ties were broken.
    pub(super) fn has_broken_ties(&self) -> bool {
        self.ties.is_some()
    }

    /// The column with its ties, if any, broken in another way.
    pub(super) fn ties_broken_again(&self, replicate: usize) -> Self {
        match &self.ties {
            Some(ties) => {
                let (kind, values) = (self.kind.clone(), self.values.clone());
                let broken = Self::broken(kind, values, &self.order, ties.seed, replicate);
                Self { is_rounded: self.is_rounded, ..broken }
            }
            None => self.clone(),
        }
    }

    /// The column with its atoms broken like other ties, if it is a mixture.
    pub(super) fn without_atoms(&self, seed: u64) -> Self {
        let ColumnKind::Mixture { step, .. } = self.kind.kind else {
            return self.clone();
        };
        let kind = ColumnType { kind: ColumnKind::Tied { step }, ..self.kind.clone() };
        match &self.ties {
            Some(_) => Self { kind, ..self.clone() },
            None => Self::broken(kind, self.values.clone(), &self.order, seed, 0),
        }
    }

    /// These rows, in this order, with the same kind and the same way of breaking ties.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let values: Vec<f64> = rows.iter().map(|&row| self.values[row]).collect();
        let ties = self.ties.as_ref().map(|ties| Ties {
            keys: rows.iter().map(|&row| ties.keys[row]).collect(),
            seed: ties.seed,
        });
        let order = match &ties {
            Some(ties) => ascending_by_keys(&values, &ties.keys),
            None => ascending(&values),
        };
        Self { kind: self.kind.clone(), values, order, ties, is_rounded: self.is_rounded }
    }

    /// The part of the variance that comes from rounding to a step, 1/12 of the step's square; 0
    /// without one.
    pub(super) fn rounding(&self) -> f64 {
        let runs = runs(&self.values, &self.order);
        let levels: Vec<f64> =
            runs.map(|run| self.values[self.order[run.start] as usize]).collect();
        let variance = moments::mean_and_squares(&self.values).1 / self.values.len() as f64;
        let step = lattice::step(&levels).filter(|_| variance > 0.0);
        step.map_or(0.0, |step| step * step / 12.0 / variance)
    }

    /// Dense ranks of the values: 0 for the smallest.
    pub(super) fn labels(&self) -> (Vec<u32>, usize) {
        dense_ranks(&self.values, &self.order)
    }

    pub(super) fn rank_autocorrelation(&self) -> f64 {
        if self.order.len() < 3 {
            return 0.0;
        }
        let [ranks, _] = Track::of_numbers(&self.ranks());
        ranks.autocorrelation(1)
    }

    /// The column as a time series.
    pub(super) fn tracks(&self) -> Vec<Track> {
        if self.kind.is_discrete() {
            vec![Track::Labels(self.labels().0)]
        } else {
            Track::of_numbers(&self.ranks()).into()
        }
    }

    /// Ranks from 0; rows with equal values share their mean rank, since the order in which ties
    /// are broken is unrelated to time.
    fn ranks(&self) -> Vec<f64> {
        let mut ranks = vec![0.0; self.order.len()];
        for run in runs(&self.values, &self.order) {
            let mean = (run.start + run.end - 1) as f64 / 2.0;
            self.order[run].iter().for_each(|&row| ranks[row as usize] = mean);
        }
        ranks
    }

    pub(super) fn marginal(&self, marginals: Marginals) -> Vec<f64> {
        match marginals {
            Marginals::NormalScores => self.normal_scores(),
            Marginals::Raw => self.values.clone(),
            Marginals::Standardised => moments::standardised(&self.spread()),
        }
    }

    /// Normal scores of the ranks: broken ties have different ranks, others share a rank.
    fn normal_scores(&self) -> Vec<f64> {
        let (values, order) = (&self.values, &self.order);
        let own_ranks = runs(values, order).flat_map(|run| {
            let shares = self.shares_rank(values[order[run.start] as usize]);
            let width = if shares { run.len() } else { 1 };
            run.step_by(width).map(move |place| place..place + width)
        });
        scores_of_runs(order, own_ranks)
    }

    /// Whether rows with this value share a rank.
    fn shares_rank(&self, value: f64) -> bool {
        match &self.kind.kind {
            ColumnKind::Tied { .. } => false,
            ColumnKind::Mixture { atoms, .. } => atoms.contains(&value),
            ColumnKind::Continuous | ColumnKind::Discrete | ColumnKind::Constant => true,
        }
    }

    /// The values, with broken ties spread evenly within half of the gap to the nearest other
    /// value, in the order of their keys.
    fn spread(&self) -> Vec<f64> {
        let mut values = self.values.clone();
        let at = |place: usize| self.values[self.order[place] as usize];
        for run in runs(&self.values, &self.order) {
            let value = at(run.start);
            if run.len() == 1 || self.shares_rank(value) {
                continue;
            }
            let below = run.start.checked_sub(1).map_or(f64::INFINITY, |place| value - at(place));
            let above = self.order.get(run.end).map_or(f64::INFINITY, |_| at(run.end) - value);
            let gap = below.min(above);
            if gap.is_finite() {
                let places = run.len() as f64;
                for (place, &row) in self.order[run].iter().enumerate() {
                    values[row as usize] += gap * ((place as f64 + 0.5) / places - 0.5);
                }
            }
        }
        values
    }
}

/// For every row, the number of smaller values; and the number of values in all. Equal values count
/// as one.
fn dense_ranks(values: &[f64], order: &[u32]) -> (Vec<u32>, usize) {
    let mut ranks = vec![0; values.len()];
    let mut classes = 0;
    for run in runs(values, order) {
        for &row in &order[run] {
            ranks[row as usize] = classes as u32;
        }
        classes += 1;
    }
    (ranks, classes)
}

/// A random number for every row, all different.
///
/// They come from a stream that is named by the order of the values, ties included: they do not
/// depend on the column's name, place or scale, and no strictly monotone map changes how ties are
/// broken. A column in the reverse order has the reverse keys.
fn keys(values: &[f64], order: &[u32], seed: u64, replicate: usize) -> Vec<u32> {
    let (mut ranks, classes) = dense_ranks(values, order);
    let mirrored = |rank: u32| classes as u32 - 1 - rank;
    let telling = ranks.iter().find(|rank| **rank != mirrored(**rank));
    let is_reversed = telling.is_some_and(|rank| *rank > mirrored(*rank));
    if is_reversed {
        for rank in &mut ranks {
            *rank = mirrored(*rank);
        }
    }
    // FNV-1a over the ranks, row by row.
    let hash = ranks
        .iter()
        .flat_map(|rank| rank.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| {
            (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let stream = Stream::new(seed, "ties").child(&format!("{hash:016x}"));
    let mut stream =
        if replicate == 0 { stream } else { stream.child(&format!("replicate {replicate}")) };
    let last = values.len() as u32 - 1;
    let keys = stream.permutation(values.len()).into_iter().map(|key| key as u32);
    keys.map(|key| if is_reversed { last - key } else { key }).collect()
}
