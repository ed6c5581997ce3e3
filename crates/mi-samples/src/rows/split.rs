//! Splits of rows: pieces for intervals, and parts that are held out from a fit.

use mi_random::Stream;

use super::{Gap, RowStructure, dense, members};

/// The rows of one fit, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The fit is made on these.
    pub(crate) train: Vec<usize>,
    /// Training stops, and the best network is chosen, by these.
    pub(crate) validation: Vec<usize>,
    /// The estimate comes only from these.
    pub(crate) held_out: Vec<usize>,
}

/// Splits rows into `count` disjoint pieces of about the same size: successive rows if they are
/// ordered, whole groups if they are grouped, otherwise at random. Rows of a piece are in ascending
/// order.
///
/// `None` if there are fewer groups than pieces.
pub(crate) fn pieces(
    structure: &RowStructure,
    n: usize,
    count: usize,
    stream: &mut Stream,
) -> Option<Vec<Vec<usize>>> {
    let rows = match structure {
        RowStructure::Ordered => (0..n).collect(),
        RowStructure::Exchangeable => stream.permutation(n),
        RowStructure::Grouped(_) => {
            let groups = structure.groups()?;
            let mut pieces: Vec<Vec<usize>> =
                deal(groups, n, count, stream)?.into_iter().map(|groups| groups.concat()).collect();
            for piece in &mut pieces {
                piece.sort_unstable();
            }
            return Some(pieces);
        }
    };
    let piece = |piece: usize| {
        let mut part = rows[piece * n / count..(piece + 1) * n / count].to_vec();
        part.sort_unstable();
        part
    };
    Some((0..count).map(piece).collect())
}

/// Assigns groups in random order to `count` parts, each to the one with the fewest rows so far.
/// `None` if some part gets no group.
fn deal(
    mut groups: Vec<Vec<usize>>,
    n: usize,
    count: usize,
    stream: &mut Stream,
) -> Option<Vec<Vec<Vec<usize>>>> {
    if groups.len() < count {
        return None;
    }
    stream.shuffle(&mut groups);
    // The largest first, so that later ones even out the parts.
    groups.sort_by_key(|group| n - group.len());
    let mut hands = vec![(0, Vec::new()); count];
    for group in groups {
        if let Some((rows, hand)) = hands.iter_mut().min_by_key(|(rows, _)| *rows) {
            *rows += group.len();
            hand.push(group);
        }
    }
    Some(hands.into_iter().map(|(_, hand)| hand).collect())
}

/// A number for every row, at most the number of rows, equal for rows that are not independent
/// observations: copies of one another, rows of a group, and successive rows within the memory of a
/// series.
pub(crate) fn units(structure: &RowStructure, first_copies: Vec<usize>, gap: Gap) -> Vec<usize> {
    match structure {
        RowStructure::Exchangeable => first_copies,
        RowStructure::Ordered => (0..first_copies.len()).map(|row| row / (gap.rows + 1)).collect(),
        RowStructure::Grouped(groups) => dense(groups),
    }
}

/// The standard error of a mean over rows, where rows of a unit count as one observation.
pub(crate) fn standard_error(values: &[f64], units: &[usize]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let mut sums = vec![0.0; units.iter().max().map_or(0, |most| most + 1)];
    for (&value, &unit) in values.iter().zip(units) {
        sums[unit] += value - mean;
    }
    sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt() / n
}

/// Splits rows into `count` parts, each held out once. The other rows are split into training and
/// validation rows; the latter get `validation_share` of them.
///
/// Rows with the same number in `units` stay together: those of a group, and copies. Ordered rows
/// are held out in runs of successive ones, with a gap between the three kinds.
///
/// `None` if there are fewer groups than parts, or no row is left to train on.
pub(crate) fn folds(
    structure: &RowStructure,
    units: &[usize],
    gap: Gap,
    (count, validation_share): (usize, f64),
    stream: &mut Stream,
) -> Option<Vec<Part>> {
    let n = units.len();
    let parts: Vec<Part> = if *structure == RowStructure::Ordered {
        (0..count)
            .map(|fold| {
                let held_out = fold * n / count..(fold + 1) * n / count;
                in_time(n, held_out, gap.rows, validation_share)
            })
            .collect()
    } else {
        let of_fold = match structure {
            RowStructure::Grouped(_) => deal(members(units), n, count, stream)?,
            _ => lay_out(members(units), n, count, stream),
        };
        (0..count).map(|fold| at_random(&of_fold, fold, validation_share, stream)).collect()
    };
    let is_whole = |part: &Part| {
        let validated = validation_share == 0.0 || !part.validation.is_empty();
        !part.train.is_empty() && !part.held_out.is_empty() && validated
    };
    parts.iter().all(is_whole).then_some(parts)
}

/// Lays all units end to end in random order; each belongs to the fold in which its first row
/// falls.
fn lay_out(
    mut units: Vec<Vec<usize>>,
    n: usize,
    count: usize,
    stream: &mut Stream,
) -> Vec<Vec<Vec<usize>>> {
    stream.shuffle(&mut units);
    let mut place = 0;
    let mut of_fold: Vec<Vec<Vec<usize>>> = vec![Vec::new(); count];
    for rows in units {
        let fold = place * count / n;
        place += rows.len();
        of_fold[fold].push(rows);
    }
    of_fold
}

/// One fold held out, and units of the others drawn for validation.
fn at_random(
    of_fold: &[Vec<Vec<usize>>],
    fold: usize,
    validation_share: f64,
    stream: &mut Stream,
) -> Part {
    let mut others: Vec<Vec<usize>> = (0..of_fold.len())
        .filter(|&other| other != fold)
        .flat_map(|other| of_fold[other].iter().cloned())
        .collect();
    stream.shuffle(&mut others);
    let rows: usize = others.iter().map(Vec::len).sum();
    let wanted = (validation_share * rows as f64).round() as usize;
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for unit in others {
        let side = if validation.len() < wanted { &mut validation } else { &mut train };
        side.extend(unit);
    }
    let mut held_out = of_fold[fold].concat();
    for side in [&mut train, &mut validation, &mut held_out] {
        side.sort_unstable();
    }
    Part { train, validation, held_out }
}

/// Successive rows held out; beyond a gap on the side that has more rows, successive ones for
/// validation; the others, except those within either gap, for training.
fn in_time(n: usize, held_out: std::ops::Range<usize>, gap: usize, validation_share: f64) -> Part {
    let before = 0..held_out.start.saturating_sub(gap);
    let after = (held_out.end + gap).min(n)..n;
    let wanted = (validation_share * (before.len() + after.len()) as f64).round() as usize;
    // Without validation rows there is no second gap.
    let left_out = if wanted > 0 { wanted + gap } else { 0 };
    let (validation, train) = if after.len() >= before.len() {
        let validation = after.start..(after.start + wanted).min(n);
        (validation, before.chain((after.start + left_out).min(n)..n).collect())
    } else {
        let validation = before.end.saturating_sub(wanted)..before.end;
        (validation, (0..before.end.saturating_sub(left_out)).chain(after).collect())
    };
    Part { train, validation: validation.collect(), held_out: held_out.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_row_is_held_out_once(parts: &[Part], n: usize) {
        let mut seen: Vec<usize> = parts.iter().flat_map(|part| part.held_out.clone()).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..n));
    }

    fn sides(part: &Part) -> [&Vec<usize>; 3] {
        [&part.train, &part.validation, &part.held_out]
    }

    #[test]
    fn every_row_is_held_out_once_and_copies_stay_together() {
        // Every row of 500 twice, and one ten times.
        let units: Vec<usize> = (0..500).flat_map(|g| [g, g]).chain([499; 8]).collect();
        let mut stream = Stream::new(1, "split");
        let structure = RowStructure::Exchangeable;
        let parts = folds(&structure, &units, Gap::NONE, (5, 0.2), &mut stream).unwrap();
        every_row_is_held_out_once(&parts, 1008);
        for part in &parts {
            assert_eq!(sides(part).iter().map(|side| side.len()).sum::<usize>(), 1008);
            assert!((part.held_out.len() as f64 - 201.6).abs() < 12.0);
            assert!((part.validation.len() as f64 - 161.3).abs() < 12.0);
            no_unit_on_two_sides(part, &units);
        }
    }

    fn no_unit_on_two_sides(part: &Part, units: &[usize]) {
        for (i, side) in sides(part).iter().enumerate() {
            for other in &sides(part)[i + 1..] {
                assert!(side.iter().all(|&a| other.iter().all(|&b| units[a] != units[b])));
            }
        }
    }

    #[test]
    fn groups_stay_on_one_side_of_every_split() {
        let groups: Vec<u32> = (0..600).map(|row: u32| (row * row) % 23).collect();
        let structure = RowStructure::Grouped(groups.clone());
        let units = units(&structure, (0..600).collect(), Gap::NONE);
        let mut stream = Stream::new(2, "groups");
        let parts = folds(&structure, &units, Gap::NONE, (3, 0.2), &mut stream).unwrap();
        every_row_is_held_out_once(&parts, 600);
        for part in &parts {
            no_unit_on_two_sides(part, &units);
        }
        let pieces = pieces(&structure, 600, 4, &mut stream).unwrap();
        assert_eq!(pieces.iter().map(Vec::len).sum::<usize>(), 600);
        for (i, piece) in pieces.iter().enumerate() {
            let elsewhere = pieces[i + 1..].concat();
            assert!(elsewhere.iter().all(|&b| piece.iter().all(|&a| groups[a] != groups[b])));
        }
        assert!(super::pieces(&structure, 600, 13, &mut stream).is_none(), "12 groups");
    }

    #[test]
    fn ordered_rows_are_held_out_in_runs_with_gaps() {
        for (count, gap) in [(2, 0), (3, 40), (5, 100), (10, 7)] {
            let gap = Gap { rows: gap, is_cut: false };
            let units: Vec<usize> = (0..1000).collect();
            let mut stream = Stream::new(3, "time");
            let parts =
                folds(&RowStructure::Ordered, &units, gap, (count, 0.2), &mut stream).unwrap();
            every_row_is_held_out_once(&parts, 1000);
            for part in &parts {
                for side in [&part.validation, &part.held_out] {
                    assert!(side.windows(2).all(|pair| pair[1] == pair[0] + 1));
                }
                for (i, side) in sides(part).iter().enumerate() {
                    for other in &sides(part)[i + 1..] {
                        let apart = |&a: &usize| other.iter().all(|b| a.abs_diff(*b) > gap.rows);
                        assert!(side.iter().all(apart), "{count} {gap:?}");
                    }
                }
                assert!(part.train.len() >= 200, "{count} {gap:?} {}", part.train.len());
            }
        }
    }

    #[test]
    fn a_unit_counts_as_one_observation() {
        let values: Vec<f64> = (0..50).map(|i| f64::from(i % 7)).collect();
        let own: Vec<usize> = (0..50).collect();
        let twice: Vec<f64> = values.iter().chain(&values).copied().collect();
        let units: Vec<usize> = own.iter().chain(&own).copied().collect();
        let (once, both) = (standard_error(&values, &own), standard_error(&twice, &units));
        assert!((once - both).abs() < 1e-12);
    }
}
