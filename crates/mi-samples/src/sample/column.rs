//! One typed column: its values, dithered where they are rounded, and their order.

use mi_random::Stream;

use super::Marginals;
use super::column_type::{ColumnKind, ColumnType, Declared};
use super::order::{ascending, normal_scores, runs};
use crate::rows::Track;

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) kind: ColumnType,
    /// Dithered if on a lattice.
    pub(super) values: Vec<f64>,
    /// Rows in ascending order of the values.
    pub(super) order: Vec<u32>,
    rounded: Option<Rounded>,
}

/// What a dither starts from.
#[derive(Clone, Debug)]
struct Rounded {
    /// The values as they were given.
    values: Vec<f64>,
    step: f64,
    seed: u64,
}

impl Column {
    pub(super) fn new(values: Vec<f64>, declared: Declared, seed: u64) -> Self {
        let order = ascending(&values);
        let kind = ColumnType::of(&values, &order, declared);
        match kind.kind {
            ColumnKind::Lattice { step } | ColumnKind::Mixture { step: Some(step), .. } => {
                Self::spread(kind, Rounded { values, step, seed }, 0)
            }
            _ => Self { kind, values, order, rounded: None },
        }
    }

    /// Adds a dither to all values but atoms.
    fn spread(kind: ColumnType, rounded: Rounded, replicate: usize) -> Self {
        let atoms =
            if let ColumnKind::Mixture { atoms, .. } = &kind.kind { &atoms[..] } else { &[] };
        let mut stream = dither_stream(&rounded.values, rounded.seed, replicate);
        let values: Vec<f64> = rounded
            .values
            .iter()
            .map(|value| {
                let shift = rounded.step * (stream.uniform() - 0.5);
                if atoms.contains(value) { *value } else { value + shift }
            })
            .collect();
        Self { order: ascending(&values), values, kind, rounded: Some(rounded) }
    }

    /// Whether a dither is in the values.
    pub(super) fn is_dithered(&self) -> bool {
        self.rounded.is_some()
    }

    /// The column with another dither, if it has one.
    pub(super) fn dithered_again(&self, replicate: usize) -> Self {
        match &self.rounded {
            Some(rounded) => Self::spread(self.kind.clone(), rounded.clone(), replicate),
            None => self.clone(),
        }
    }

    /// These rows, in this order, of the same kind.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
        let values = of(&self.values);
        let rounded = self.rounded.as_ref().map(|rounded| Rounded {
            values: of(&rounded.values),
            step: rounded.step,
            seed: rounded.seed,
        });
        Self { order: ascending(&values), values, kind: self.kind.clone(), rounded }
    }

    /// Dense ranks of the values as they were given: 0 for the smallest.
    pub(super) fn labels(&self) -> (Vec<u32>, usize) {
        match &self.rounded {
            Some(rounded) => dense_ranks(&rounded.values, &ascending(&rounded.values)),
            None => dense_ranks(&self.values, &self.order),
        }
    }

    pub(super) fn rank_autocorrelation(&self) -> f64 {
        if self.order.len() < 3 {
            return 0.0;
        }
        let [ranks, _] = Track::of_numbers(&self.ranks());
        ranks.autocorrelation(1)
    }

    /// What the column looks like over time.
    pub(super) fn tracks(&self) -> Vec<Track> {
        if self.kind.is_discrete() {
            vec![Track::Labels(self.labels().0)]
        } else {
            Track::of_numbers(&self.ranks()).into()
        }
    }

    fn ranks(&self) -> Vec<f64> {
        let mut ranks = vec![0.0; self.order.len()];
        for (rank, &row) in self.order.iter().enumerate() {
            ranks[row as usize] = rank as f64;
        }
        ranks
    }

    pub(super) fn marginal(&self, marginals: Marginals) -> Vec<f64> {
        match marginals {
            Marginals::NormalScores => normal_scores(&self.values, &self.order),
            Marginals::Raw => self.values.clone(),
            Marginals::Standardised => {
                let n = self.values.len() as f64;
                let mean = self.values.iter().sum::<f64>() / n;
                let variance = self.values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
                let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
                self.values.iter().map(|v| (v - mean) / scale).collect()
            }
        }
    }
}

/// For every row, how many smaller values there are, and how many values in all; equal ones count
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

/// The dither's stream, named by the pattern of ties: it does not depend on the column's name,
/// place, scale or offset.
fn dither_stream(values: &[f64], seed: u64, replicate: usize) -> Stream {
    let order = ascending(values);
    let mut labels = vec![0_u32; values.len()];
    for run in runs(values, &order) {
        for &row in &order[run.clone()] {
            labels[row as usize] = run.start as u32;
        }
    }
    // FNV-1a over the labels, row by row.
    let hash = labels
        .iter()
        .flat_map(|label| label.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let stream = Stream::new(seed, "dither").child(&format!("{hash:016x}"));
    if replicate == 0 { stream } else { stream.child(&format!("replicate {replicate}")) }
}
