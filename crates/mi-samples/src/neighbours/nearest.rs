//! The points that a search keeps.

use super::tree::{larger, smaller};

/// Keeps the nearest points seen so far from one query.
pub(super) trait Nearest: Clone + Send + Sync {
    /// Forgets everything and starts from the point of this row.
    fn start(&mut self, row: u32);
    /// Whether a point at this distance could still matter.
    fn admits(&self, distance: f64) -> bool;
    /// The largest distance that could still matter.
    fn limit(&self) -> f64;
    /// Takes a point whose distance was admitted.
    fn offer(&mut self, distance: f64, row: u32);
}

/// The distances of the k nearest other points, in ascending order.
#[derive(Clone, Debug)]
pub(super) struct Distances {
    nearest: Vec<f64>,
    row: u32,
    window: u32,
}

impl Distances {
    /// Rows at most `window` from the query's own are not neighbours (Theiler, 1986); 0 leaves out
    /// only the query.
    pub(super) fn new(k: usize, window: u32) -> Self {
        Self { nearest: vec![f64::INFINITY; k], row: 0, window }
    }

    #[inline(always)]
    pub(super) fn sorted(&self) -> &[f64] {
        &self.nearest
    }
}

impl Nearest for Distances {
    #[inline(always)]
    fn start(&mut self, row: u32) {
        self.row = row;
        self.nearest.fill(f64::INFINITY);
    }

    #[inline(always)]
    fn admits(&self, distance: f64) -> bool {
        distance < self.nearest[self.nearest.len() - 1]
    }

    #[inline(always)]
    fn limit(&self) -> f64 {
        self.nearest[self.nearest.len() - 1]
    }

    #[inline(always)]
    fn offer(&mut self, distance: f64, row: u32) {
        if row.abs_diff(self.row) <= self.window {
            return;
        }
        // Every place takes the median of itself, its left neighbour and the new value: an
        // insertion without branches, which would be unpredictable.
        for at in (1..self.nearest.len()).rev() {
            let pushed = larger(self.nearest[at - 1], distance);
            self.nearest[at] = smaller(self.nearest[at], pushed);
        }
        self.nearest[0] = smaller(self.nearest[0], distance);
    }
}

/// The k nearest other points themselves, in ascending order of distance, and all that are as near
/// as the k-th: so results depend neither on the tree nor on the order of the rows, even with ties.
#[derive(Clone, Debug)]
pub(super) struct Neighbours {
    found: Vec<(f64, u32)>,
    k: usize,
    row: u32,
    window: u32,
}

impl Neighbours {
    pub(super) fn new(k: usize, window: u32) -> Self {
        Self { found: Vec::with_capacity(2 * k), k, row: 0, window }
    }

    /// The points no farther than the k-th nearest.
    pub(super) fn within(&self, k: usize) -> &[(f64, u32)] {
        let reach = self.found[k - 1].0;
        let ties = self.found[k..].iter().take_while(|found| found.0 == reach).count();
        &self.found[..k + ties]
    }
}

impl Nearest for Neighbours {
    #[inline(always)]
    fn start(&mut self, row: u32) {
        self.row = row;
        self.found.clear();
    }

    #[inline(always)]
    fn admits(&self, distance: f64) -> bool {
        distance <= self.limit() && distance < f64::INFINITY
    }

    #[inline(always)]
    fn limit(&self) -> f64 {
        self.found.get(self.k - 1).map_or(f64::INFINITY, |found| found.0)
    }

    #[inline(always)]
    fn offer(&mut self, distance: f64, row: u32) {
        if row.abs_diff(self.row) <= self.window || !self.admits(distance) {
            return;
        }
        let at = self.found.iter().rposition(|found| found.0 <= distance).map_or(0, |at| at + 1);
        self.found.insert(at, (distance, row));
        let limit = self.limit();
        while self.found.last().is_some_and(|last| last.0 > limit) {
            self.found.pop();
        }
    }
}
