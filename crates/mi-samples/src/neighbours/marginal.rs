//! Counts neighbours within a radius of every point, in some of the columns.

use mi_kernels::simd::{Kernel, Simd, dispatch_to_256_bits};
use rayon::prelude::*;

use super::search::lanes;
use super::sorted::{Reach, SortedColumn};
use super::tree::{LANES, LEVELS, Tree, to_box_ends, to_boxes, to_points};
use crate::sample::ascending;

/// Points per unit of parallel work.
const BLOCK: usize = 512;

/// Whether a point at exactly the radius counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// Strictly nearer.
    Strict,
    /// At most as far.
    Closed,
    /// Strictly nearer, except that a radius of 0 includes the points at distance 0.
    StrictOrEqual,
}

/// Some columns, prepared for counting: one sorted column, or a tree over several.
pub(super) struct Marginal<'a> {
    columns: &'a [Vec<f64>],
    index: Index,
}

enum Index {
    Line(SortedColumn),
    Space(Tree),
}

impl<'a> Marginal<'a> {
    /// `order`: the rows in ascending order, if there is one column and it is known.
    pub(super) fn new(columns: &'a [Vec<f64>], order: Option<&[u32]>) -> Self {
        let index = if let [column] = columns {
            let computed;
            let order = if let Some(order) = order {
                order
            } else {
                computed = ascending(column);
                &computed
            };
            Index::Line(SortedColumn::new(column, order))
        } else {
            Index::Space(Tree::new(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>()))
        };
        Self { columns, index }
    }

    /// Columns whose tree is already built.
    pub(super) fn with_tree(columns: &'a [Vec<f64>], tree: Tree) -> Self {
        Self { columns, index: Index::Space(tree) }
    }

    /// The number of other rows within `radius(slot)` of row `rows[slot]`, slot by slot. Rows
    /// within `window` of the row itself do not count; 0 leaves out only the row.
    pub(super) fn counts(
        &self,
        rows: &[u32],
        radius: &(dyn Fn(usize) -> f64 + Sync),
        within: Within,
        window: u32,
    ) -> Vec<u32> {
        let mut counts = vec![0; rows.len()];
        counts.par_chunks_mut(BLOCK).zip(rows.par_chunks(BLOCK)).enumerate().for_each(
            |(block, (counts, rows))| {
                let radii: Vec<f64> = (block * BLOCK..).take(rows.len()).map(radius).collect();
                match &self.index {
                    Index::Line(column) => {
                        let mut reach = Reach::default();
                        for ((count, &row), &radius) in counts.iter_mut().zip(rows).zip(&radii) {
                            *count = column.count(row, radius, within, &mut reach);
                        }
                    }
                    Index::Space(tree) => {
                        let balls = Balls { columns: self.columns, rows, radii: &radii, within };
                        match tree.dims {
                            2 => dispatch_to_256_bits(Block::<2> { tree, balls, counts }),
                            3 => dispatch_to_256_bits(Block::<3> { tree, balls, counts }),
                            _ => dispatch_to_256_bits(Block::<0> { tree, balls, counts }),
                        }
                    }
                }
                if window > 0 {
                    for ((count, &row), &radius) in counts.iter_mut().zip(rows).zip(&radii) {
                        *count -= self.count_beside(row, radius, within, window);
                    }
                }
            },
        );
        counts
    }

    /// The number of rows within `window` of a row, except itself, that are within a radius.
    fn count_beside(&self, row: u32, radius: f64, within: Within, window: u32) -> u32 {
        let n = self.columns[0].len();
        let at = row as usize;
        let rows = at.saturating_sub(window as usize)..n.min(at + window as usize + 1);
        let near = rows.filter(|&other| {
            let distances = self.columns.iter().map(|c| (c[other] - c[at]).abs());
            let distance = distances.fold(0.0, f64::max);
            other != at && (distance < radius || within.is_closed(radius) && distance == radius)
        });
        near.count() as u32
    }
}

impl Within {
    /// Whether a point at exactly this radius counts.
    #[inline(always)]
    pub(super) fn is_closed(self, radius: f64) -> bool {
        match self {
            Self::Strict => false,
            Self::Closed => true,
            Self::StrictOrEqual => radius == 0.0,
        }
    }
}

/// Some rows, each with the radius within which its neighbours are counted.
struct Balls<'a> {
    columns: &'a [Vec<f64>],
    rows: &'a [u32],
    radii: &'a [f64],
    within: Within,
}

/// The counts of some balls in a tree of `D` dimensions, or of any number if `D` is 0.
struct Block<'a, const D: usize> {
    tree: &'a Tree,
    balls: Balls<'a>,
    counts: &'a mut [u32],
}

impl<const D: usize> Kernel for Block<'_, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Balls { columns, rows, radii, within } = self.balls;
        let mut query = vec![0.0; self.tree.dims::<D>()];
        let mut stack = [(0, 0, 0); LEVELS];
        for ((&row, &radius), count) in rows.iter().zip(radii).zip(self.counts) {
            for (value, column) in query.iter_mut().zip(columns) {
                *value = column[row as usize];
            }
            let found = if within.is_closed(radius) {
                count_ball::<D>(self.tree, &query, &mut stack, |d| d <= radius)
            } else {
                count_ball::<D>(self.tree, &query, &mut stack, |d| d < radius)
            };
            // The row itself was counted, unless distance 0 is not within the radius.
            *count = found.saturating_sub(1);
        }
    }
}

/// The number of points of a tree whose distance from a query is within a bound.
#[inline(always)]
fn count_ball<const D: usize>(
    tree: &Tree,
    query: &[f64],
    stack: &mut [(usize, usize, u32); LEVELS],
    within: impl Fn(f64) -> bool + Copy,
) -> u32 {
    let mut count = 0;
    let any = |distances: &[f64; LANES]| lanes(distances, within) != 0;
    // Adds up the boxes of a group that are completely within, and returns those that are partly
    // within.
    let mut enter = |level: usize, group: usize| {
        let boxes = tree.group::<D>(level, group);
        let touched = lanes(&to_boxes::<D>(boxes, query, any), within);
        let mut inside =
            if touched == 0 { 0 } else { touched & lanes(&to_box_ends::<D>(boxes, query), within) };
        let partly = touched & !inside;
        while inside != 0 {
            let entry = group * LANES + inside.trailing_zeros() as usize;
            inside &= inside - 1;
            count += tree.size(level, entry);
        }
        partly
    };
    let top = tree.levels() - 1;
    stack[0] = (top, 0, enter(top, 0));
    let mut height = 1;
    let mut in_leaves = 0;
    while height > 0 {
        let (level, group, partly) = &mut stack[height - 1];
        if *partly == 0 {
            height -= 1;
            continue;
        }
        let entry = *group * LANES + partly.trailing_zeros() as usize;
        *partly &= *partly - 1;
        if *level == 0 {
            let distances = to_points::<D>(tree.leaf::<D>(entry), query, any);
            in_leaves += lanes(&distances, within).count_ones();
        } else {
            let level = *level - 1;
            stack[height] = (level, entry, enter(level, entry));
            height += 1;
        }
    }
    count as u32 + in_leaves
}
