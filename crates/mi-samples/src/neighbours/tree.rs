//! A k-d tree under the maximum norm, packed for many queries from its own points.
//!
//! Medians order the points so that [`LANES`] consecutive ones form a leaf, and [`LANES`]
//! consecutive leaves, groups of leaves and so on fill compact boxes. Positions are computed by
//! shifting the number of a leaf; there are no pointers. Points of a leaf, and boxes of a group,
//! are stored dimension by dimension, so that vector operations work on all [`LANES`] at once.
//! Consecutive leaves are close in space, so that queries in the order of leaves find their
//! surroundings in the cache.

use rayon::join;

/// Points per leaf, leaves per group, groups per larger group.
pub(super) const LANES: usize = 1 << SHIFT;

/// The binary logarithm of [`LANES`].
pub(super) const SHIFT: usize = 3;

/// An upper limit of the levels of a tree over `u32` rows.
pub(super) const LEVELS: usize = 12;

/// The row written in the unused lanes of the last leaf; their coordinates are infinite.
pub(super) const NO_ROW: u32 = u32::MAX;

/// Parts above this many points are ordered on other threads.
const PARALLEL_BUILD: usize = 1 << 13;

/// Dimensions between two checks whether any lane is still near enough.
const DIMS_AT_ONCE: usize = 4;

#[derive(Debug)]
pub(super) struct Tree {
    pub(super) dims: usize,
    pub(super) points: usize,
    /// Leaf by leaf, dimension by dimension, lane by lane.
    coordinates: Vec<[f64; LANES]>,
    /// Leaf by leaf, lane by lane: the row of the point in the caller's columns.
    rows: Vec<u32>,
    /// Level 0 bounds leaves, level 1 groups of leaves, and so on up to one group of boxes.
    levels: Vec<Level>,
}

/// The boxes of one level.
#[derive(Debug)]
struct Level {
    /// Group by group, dimension by dimension: the lows and the highs, lane by lane.
    boxes: Vec<[[f64; LANES]; 2]>,
}

/// An empty box: infinitely far from everything.
pub(super) const EMPTY: [[f64; LANES]; 2] = [[f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]];

impl Tree {
    /// # Shapes
    /// `columns`: one slice per dimension, each with one finite value per point.
    pub(super) fn new(columns: &[&[f64]]) -> Self {
        let dims = columns.len();
        let points = columns.first().map_or(0, |column| column.len());
        let leaves = points.div_ceil(LANES).max(1);
        let mut rows: Vec<u32> = (0..points as u32).collect();
        {
            let mut keys = vec![(0.0, 0); points];
            let bounds = columns.iter().map(|column| {
                column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
                    (low.min(value), high.max(value))
                })
            });
            arrange(columns, &mut rows, &mut keys, leaves, bounds.collect());
        }
        rows.resize(leaves * LANES, NO_ROW);
        let mut coordinates = vec![[f64::INFINITY; LANES]; leaves * dims];
        for (block, rows) in coordinates.chunks_exact_mut(dims).zip(rows.chunks_exact(LANES)) {
            for (lanes, column) in block.iter_mut().zip(columns) {
                for (lane, &row) in lanes.iter_mut().zip(rows).filter(|(_, row)| **row != NO_ROW) {
                    *lane = column[row as usize];
                }
            }
        }
        let levels = bounds(&coordinates, dims);
        Self { dims, points, coordinates, rows, levels }
    }

    #[inline(always)]
    pub(super) fn leaves(&self) -> usize {
        self.rows.len() / LANES
    }

    #[inline(always)]
    pub(super) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// The caller's row of every lane, leaf by leaf.
    #[inline(always)]
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The number of points below an entry of a level.
    #[inline(always)]
    pub(super) fn size(&self, level: usize, entry: usize) -> usize {
        let shift = SHIFT * (level + 1);
        self.points.min((entry + 1) << shift) - (entry << shift)
    }

    /// The number of dimensions: a constant to the compiler unless `D` is 0.
    #[inline(always)]
    pub(super) fn dims<const D: usize>(&self) -> usize {
        if D == 0 { self.dims } else { D }
    }

    /// The coordinates of a leaf, dimension by dimension.
    #[inline(always)]
    pub(super) fn leaf<const D: usize>(&self, leaf: usize) -> &[[f64; LANES]] {
        let dims = self.dims::<D>();
        &self.coordinates[leaf * dims..][..dims]
    }

    /// The boxes of a group, dimension by dimension.
    #[inline(always)]
    pub(super) fn group<const D: usize>(&self, level: usize, group: usize) -> &[[[f64; LANES]; 2]] {
        let dims = self.dims::<D>();
        &self.levels[level].boxes[group * dims..][..dims]
    }
}

/// The distances from a query to the points of a leaf; infinite in unused lanes. If no lane is
/// `possible` any more, returns the distances so far, which can only grow.
#[inline(always)]
pub(super) fn to_points<const D: usize>(
    leaf: &[[f64; LANES]],
    query: &[f64],
    possible: impl Fn(&[f64; LANES]) -> bool,
) -> [f64; LANES] {
    by_dimension::<D, _>(leaf, query, possible, |lanes, q, lane| (lanes[lane] - q).abs())
}

/// The distances from a query to the nearest points of boxes.
///
/// Rounding preserves the order of differences, so no point in a box has a smaller computed
/// distance than its box: pruning is exact in floating point.
#[inline(always)]
pub(super) fn to_boxes<const D: usize>(
    boxes: &[[[f64; LANES]; 2]],
    query: &[f64],
    possible: impl Fn(&[f64; LANES]) -> bool,
) -> [f64; LANES] {
    by_dimension::<D, _>(boxes, query, possible, |[low, high], q, lane| {
        larger(low[lane] - q, q - high[lane])
    })
}

/// The distances from a query to the farthest points of boxes.
#[inline(always)]
pub(super) fn to_box_ends<const D: usize>(
    boxes: &[[[f64; LANES]; 2]],
    query: &[f64],
) -> [f64; LANES] {
    by_dimension::<D, _>(
        boxes,
        query,
        |_| true,
        |[low, high], q, lane| larger(q - low[lane], high[lane] - q),
    )
}

/// The distances between one box, given as (low, high) by dimension, and those of a group.
#[inline(always)]
pub(super) fn between_boxes(boxes: &[[[f64; LANES]; 2]], from: &[(f64, f64)]) -> [f64; LANES] {
    let mut distances = [0.0; LANES];
    for ([low, high], from) in boxes.iter().zip(from) {
        for (lane, distance) in distances.iter_mut().enumerate() {
            *distance = larger(*distance, larger(low[lane] - from.1, from.0 - high[lane]));
        }
    }
    distances
}

#[inline(always)]
fn by_dimension<const D: usize, T>(
    items: &[T],
    query: &[f64],
    possible: impl Fn(&[f64; LANES]) -> bool,
    one: impl Fn(&T, f64, usize) -> f64,
) -> [f64; LANES] {
    let mut distances = [0.0; LANES];
    let mut step = |items: &[T], query: &[f64]| {
        for (item, &q) in items.iter().zip(query) {
            for (lane, distance) in distances.iter_mut().enumerate() {
                *distance = larger(*distance, one(item, q, lane));
            }
        }
        possible(&distances)
    };
    if D > 0 && D <= DIMS_AT_ONCE {
        step(items, query);
    } else {
        for (items, query) in items.chunks(DIMS_AT_ONCE).zip(query.chunks(DIMS_AT_ONCE)) {
            if !step(items, query) {
                break;
            }
        }
    }
    distances
}

/// The larger of two numbers that are not NaN: one vector instruction, where `f64::max` takes
/// several.
#[inline(always)]
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller of two numbers that are not NaN.
#[inline(always)]
pub(super) fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Orders rows so that leaves, groups of leaves and so on follow one another.
///
/// A part is split across the widest side of its cell (low and high by dimension), near its median,
/// at a multiple of the largest full group that fits.
fn arrange(
    columns: &[&[f64]],
    rows: &mut [u32],
    keys: &mut [(f64, u32)],
    leaves: usize,
    mut cell: Vec<(f64, f64)>,
) {
    if leaves < 2 {
        return;
    }
    let width = |d: usize| cell[d].1 - cell[d].0;
    let widest = (1..cell.len()).fold(0, |best, d| if width(d) > width(best) { d } else { best });
    let column = columns[widest];
    for (key, &row) in keys.iter_mut().zip(&*rows) {
        *key = (column[row as usize], row);
    }
    let mut group = 1;
    while group << SHIFT < leaves {
        group <<= SHIFT;
    }
    let left = ((leaves + group) / (2 * group)).max(1) * group;
    let (_, &mut (cut, _), _) =
        keys.select_nth_unstable_by(left * LANES, |a, b| a.0.total_cmp(&b.0));
    for (row, key) in rows.iter_mut().zip(&*keys) {
        *row = key.1;
    }
    let mut left_cell = cell.clone();
    left_cell[widest].1 = cut;
    cell[widest].0 = cut;
    let parallel = rows.len() > PARALLEL_BUILD;
    let (left_rows, right_rows) = rows.split_at_mut(left * LANES);
    let (left_keys, right_keys) = keys.split_at_mut(left * LANES);
    let left_part = || arrange(columns, left_rows, left_keys, left, left_cell);
    let right_part = || arrange(columns, right_rows, right_keys, leaves - left, cell);
    if parallel {
        join(left_part, right_part);
    } else {
        left_part();
        right_part();
    }
}

/// The boxes of all levels, from the leaves upwards.
fn bounds(coordinates: &[[f64; LANES]], dims: usize) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    loop {
        // One entry of this level spans a leaf, or a group of the level below.
        let below: Vec<(f64, f64)> = if let Some(level) = levels.last() {
            let span = |[low, high]: &[[f64; LANES]; 2]| (lowest(low), highest(high));
            level.boxes.iter().map(span).collect()
        } else {
            // Unused lanes are infinite and do not count.
            let span = |lanes: &[f64; LANES]| {
                let used = lanes.map(|v| if v == f64::INFINITY { f64::NEG_INFINITY } else { v });
                (lowest(lanes), highest(&used))
            };
            coordinates.iter().map(span).collect()
        };
        let entries = below.len() / dims;
        let mut boxes = vec![EMPTY; entries.div_ceil(LANES) * dims];
        for (entry, spans) in below.chunks_exact(dims).enumerate() {
            let group = &mut boxes[entry / LANES * dims..][..dims];
            for ([lows, highs], &(low, high)) in group.iter_mut().zip(spans) {
                lows[entry % LANES] = low;
                highs[entry % LANES] = high;
            }
        }
        levels.push(Level { boxes });
        if entries <= LANES {
            return levels;
        }
    }
}

fn lowest(lanes: &[f64; LANES]) -> f64 {
    lanes.iter().copied().fold(f64::INFINITY, smaller)
}

fn highest(lanes: &[f64; LANES]) -> f64 {
    lanes.iter().copied().fold(f64::NEG_INFINITY, larger)
}
