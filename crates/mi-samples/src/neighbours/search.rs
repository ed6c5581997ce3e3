//! Searches a [`Tree`] from each of its points, leaf by leaf, in parallel.

use mi_kernels::simd::{Kernel, Simd, dispatch_to_256_bits};
use rayon::prelude::*;

use super::nearest::Nearest;
use super::tree::{EMPTY, LANES, LEVELS, SHIFT, Tree, between_boxes, larger, to_boxes, to_points};

/// Leaves per unit of parallel work. Fixed, so that nothing depends on the number of threads.
const BLOCK: usize = 64;

/// Finds the nearest points of every point and turns them into `width` values per point.
///
/// `finish(row, nearest, values)` is called once per point, with values of 0. The values are in the
/// order of `tree.rows()`.
pub(super) fn for_each_nearest<N: Nearest>(
    tree: &Tree,
    nearest: &N,
    width: usize,
    finish: impl Fn(u32, &N, &mut [f64]) + Sync,
) -> Vec<f64> {
    let mut values = vec![0.0; tree.points * width];
    values.par_chunks_mut(BLOCK * LANES * width).enumerate().for_each(|(block, values)| {
        let first = block * BLOCK;
        let leaves = first..(first + BLOCK).min(tree.leaves());
        let mut slots = values.chunks_exact_mut(width);
        let emit = |row: u32, nearest: &N| {
            if let Some(slot) = slots.next() {
                finish(row, nearest, slot);
            }
        };
        let nearest = nearest.clone();
        match tree.dims {
            2 => dispatch_to_256_bits(NearestBlock::<2, _, _> { tree, leaves, nearest, emit }),
            3 => dispatch_to_256_bits(NearestBlock::<3, _, _> { tree, leaves, nearest, emit }),
            _ => dispatch_to_256_bits(NearestBlock::<0, _, _> { tree, leaves, nearest, emit }),
        }
    });
    values
}

struct NearestBlock<'a, const D: usize, N, E> {
    tree: &'a Tree,
    leaves: std::ops::Range<usize>,
    nearest: N,
    emit: E,
}

impl<const D: usize, N: Nearest, E: FnMut(u32, &N)> Kernel for NearestBlock<'_, D, N, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let tree = self.tree;
        let dims = tree.dims::<D>();
        let mut queries = vec![0.0; LANES * dims];
        let mut nearest = vec![self.nearest; LANES];
        let mut around = Around::new(dims);
        let mut stack = [Visit::default(); LEVELS];
        for leaf in self.leaves {
            let points = tree.leaf::<D>(leaf);
            let rows = &tree.rows()[leaf * LANES..][..tree.size(0, leaf)];
            let mut farthest = 0.0;
            for (lane, (&row, nearest)) in rows.iter().zip(&mut nearest).enumerate() {
                let query = &mut queries[lane * dims..][..dims];
                for (value, lanes) in query.iter_mut().zip(points) {
                    *value = lanes[lane];
                }
                nearest.start(row);
                scan::<D, N>(tree, leaf, query, nearest);
                farthest = larger(farthest, nearest.limit());
            }
            // In few dimensions the points of a leaf share most of their surroundings, which are
            // gathered once for all of them.
            let shared = D != 0 && farthest < f64::INFINITY;
            if shared {
                around.gather::<D>(tree, leaf, farthest);
            }
            for (lane, &row) in rows.iter().enumerate() {
                let query = &queries[lane * dims..][..dims];
                let nearest = &mut nearest[lane];
                if shared {
                    around.scan::<D, N>(tree, query, nearest);
                } else {
                    // From the leaf upwards, so that near points come first.
                    for level in 0..tree.levels() {
                        let entry = leaf >> (SHIFT * level);
                        let visit = Visit::new::<D, N>(tree, level, entry >> SHIFT, query, nearest);
                        descend::<D, N>(tree, visit.without(entry), query, &mut stack, nearest);
                    }
                }
                (self.emit)(row, nearest);
            }
        }
    }
}

/// The leaves around one leaf, with their boxes interleaved for vector operations.
struct Around {
    dims: usize,
    leaves: Vec<usize>,
    /// By groups of [`LANES`] leaves, then by dimension: the lows and the highs.
    boxes: Vec<[[f64; LANES]; 2]>,
    /// The box of the leaf in the middle.
    middle: Vec<(f64, f64)>,
    stack: [(usize, usize, u32); LEVELS],
}

impl Around {
    fn new(dims: usize) -> Self {
        let stack = [(0, 0, 0); LEVELS];
        Self { dims, leaves: Vec::new(), boxes: Vec::new(), middle: vec![(0.0, 0.0); dims], stack }
    }

    /// Finds the other leaves whose boxes come within `reach` of a leaf's box.
    #[inline(always)]
    fn gather<const D: usize>(&mut self, tree: &Tree, leaf: usize, reach: f64) {
        self.leaves.clear();
        self.boxes.clear();
        let boxes = tree.group::<D>(0, leaf >> SHIFT);
        for (middle, [low, high]) in self.middle.iter_mut().zip(boxes) {
            *middle = (low[leaf % LANES], high[leaf % LANES]);
        }
        for level in 0..tree.levels() {
            let entry = leaf >> (SHIFT * level);
            let group = entry >> SHIFT;
            let near = self.near::<D>(tree, level, group, reach) & !(1 << (entry % LANES));
            self.stack[0] = (level, group, near);
            let mut height = 1;
            while height > 0 {
                let (level, group, near) = &mut self.stack[height - 1];
                if *near == 0 {
                    height -= 1;
                    continue;
                }
                let entry = *group * LANES + near.trailing_zeros() as usize;
                *near &= *near - 1;
                if *level == 0 {
                    self.push::<D>(tree, entry);
                } else {
                    let level = *level - 1;
                    let near = self.near::<D>(tree, level, entry, reach);
                    self.stack[height] = (level, entry, near);
                    height += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn near<const D: usize>(&self, tree: &Tree, level: usize, group: usize, reach: f64) -> u32 {
        let distances = between_boxes(tree.group::<D>(level, group), &self.middle);
        lanes(&distances, |distance| distance <= reach)
    }

    #[inline(always)]
    fn push<const D: usize>(&mut self, tree: &Tree, leaf: usize) {
        let lane = self.leaves.len() % LANES;
        if lane == 0 {
            self.boxes.resize(self.boxes.len() + self.dims, EMPTY);
        }
        self.leaves.push(leaf);
        let group = self.boxes.len() - self.dims;
        let from = tree.group::<D>(0, leaf >> SHIFT);
        for (to, from) in self.boxes[group..].iter_mut().zip(from) {
            to[0][lane] = from[0][leaf % LANES];
            to[1][lane] = from[1][leaf % LANES];
        }
    }

    #[inline(always)]
    fn scan<const D: usize, N: Nearest>(&self, tree: &Tree, query: &[f64], nearest: &mut N) {
        let dims = tree.dims::<D>();
        for (leaves, boxes) in self.leaves.chunks(LANES).zip(self.boxes.chunks_exact(dims)) {
            let distances = to_boxes::<D>(boxes, query, |_| true);
            let mut admitted = lanes(&distances, |distance| nearest.admits(distance));
            while admitted != 0 {
                let lane = admitted.trailing_zeros() as usize;
                admitted &= admitted - 1;
                if nearest.admits(distances[lane]) {
                    scan::<D, N>(tree, leaves[lane], query, nearest);
                }
            }
        }
    }
}

/// A group of boxes, some of which are still to be searched.
#[derive(Clone, Copy, Default)]
struct Visit {
    level: usize,
    group: usize,
    /// One bit for every box still to be searched.
    waiting: u32,
    distances: [f64; LANES],
}

impl Visit {
    #[inline(always)]
    fn new<const D: usize, N: Nearest>(
        tree: &Tree,
        level: usize,
        group: usize,
        query: &[f64],
        nearest: &N,
    ) -> Self {
        let admits = |distance| nearest.admits(distance);
        let boxes = tree.group::<D>(level, group);
        let distances = to_boxes::<D>(boxes, query, |distances| lanes(distances, admits) != 0);
        Self { level, group, waiting: lanes(&distances, admits), distances }
    }

    #[inline(always)]
    fn without(mut self, entry: usize) -> Self {
        self.waiting &= !(1 << (entry % LANES));
        self
    }

    /// Removes the nearest box.
    #[inline(always)]
    fn next(&mut self) -> Option<(f64, usize)> {
        let mut best = None;
        let mut left = self.waiting;
        while left != 0 {
            let lane = left.trailing_zeros() as usize;
            left &= left - 1;
            if best.is_none_or(|(distance, _)| self.distances[lane] < distance) {
                best = Some((self.distances[lane], lane));
            }
        }
        let (distance, lane) = best?;
        self.waiting &= !(1 << lane);
        Some((distance, self.group * LANES + lane))
    }
}

#[inline(always)]
fn descend<const D: usize, N: Nearest>(
    tree: &Tree,
    start: Visit,
    query: &[f64],
    stack: &mut [Visit; LEVELS],
    nearest: &mut N,
) {
    stack[0] = start;
    let mut height = 1;
    while height > 0 {
        let here = &mut stack[height - 1];
        match here.next() {
            Some((distance, entry)) if nearest.admits(distance) => {
                if here.level == 0 {
                    scan::<D, N>(tree, entry, query, nearest);
                } else {
                    let level = here.level - 1;
                    stack[height] = Visit::new::<D, N>(tree, level, entry, query, nearest);
                    height += 1;
                }
            }
            // The nearest box is too far, and so are the others.
            _ => height -= 1,
        }
    }
}

#[inline(always)]
fn scan<const D: usize, N: Nearest>(tree: &Tree, leaf: usize, query: &[f64], nearest: &mut N) {
    let admits = |distance| nearest.admits(distance);
    let points = tree.leaf::<D>(leaf);
    let distances = to_points::<D>(points, query, |distances| lanes(distances, admits) != 0);
    let mut admitted = lanes(&distances, admits);
    while admitted != 0 {
        let lane = admitted.trailing_zeros() as usize;
        admitted &= admitted - 1;
        nearest.offer(distances[lane], tree.rows()[leaf * LANES + lane]);
    }
}

/// The lanes for which a condition holds, one bit each.
#[inline(always)]
pub(super) fn lanes(distances: &[f64; LANES], holds: impl Fn(f64) -> bool) -> u32 {
    let mut bits = 0;
    for (lane, &distance) in distances.iter().enumerate() {
        bits |= u32::from(holds(distance)) << lane;
    }
    bits
}
