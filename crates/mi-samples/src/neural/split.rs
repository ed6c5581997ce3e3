//! Which rows a critic learns from, which stop its training, and which judge it.

use mi_random::Stream;

use super::NeuralSettings;
use crate::SamplesError;
use crate::sample::Sample;

/// Rows of one fit, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Gradients come from these.
    pub(super) train: Vec<usize>,
    /// Training stops, and the best network is chosen, by these.
    pub(super) validation: Vec<usize>,
    /// The estimate comes from these alone.
    pub(super) held_out: Vec<usize>,
}

/// The share of the rows that are not held out on which training is stopped.
const VALIDATION_SHARE: f64 = 0.2;

/// Rows that a neural estimate needs at the least.
const FEWEST_ROWS: usize = 60;

/// The parts of two sides, and for every row the first of its copies, which stay together.
///
/// # Errors
/// Settings out of range; sides that differ in rows, or have too few that are no copies.
pub(super) fn of_samples(
    x: &Sample,
    y: &Sample,
    settings: &NeuralSettings,
    seed: u64,
) -> Result<(Vec<Part>, Vec<usize>), SamplesError> {
    settings.check()?;
    let both = x.beside(y)?;
    let groups = both.first_copies();
    let n = groups.iter().enumerate().filter(|&(row, &first)| row == first).count();
    let needed = FEWEST_ROWS.max(10 * settings.folds);
    if n < needed {
        let copies = n < x.n();
        let operation =
            if copies { "a neural estimate, beside copies," } else { "a neural estimate" };
        return Err(SamplesError::TooFewObservations { operation, needed, n });
    }
    let mut stream = Stream::new(seed, "neural").child("folds");
    Ok((parts(&groups, settings.folds, &mut stream), groups))
}

/// Splits rows into `folds` parts, each held out once, and the rest of each into training and
/// validation. Rows of the same number in `groups` are copies and stay together.
pub(super) fn parts(groups: &[usize], folds: usize, stream: &mut Stream) -> Vec<Part> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    for (row, &group) in groups.iter().enumerate() {
        members[group].push(row);
    }
    members.retain(|rows| !rows.is_empty());
    stream.shuffle(&mut members);
    // Groups go to the fold that their first row falls into, were all rows laid end to end.
    let n = groups.len();
    let mut place = 0;
    let mut of_fold: Vec<Vec<Vec<usize>>> = vec![Vec::new(); folds];
    for rows in members {
        let fold = place * folds / n;
        place += rows.len();
        of_fold[fold].push(rows);
    }
    (0..folds)
        .map(|fold| {
            let mut others: Vec<Vec<usize>> = (0..folds)
                .filter(|&other| other != fold)
                .flat_map(|other| of_fold[other].iter().cloned())
                .collect();
            stream.shuffle(&mut others);
            let rows: usize = others.iter().map(Vec::len).sum();
            let (mut train, mut validation) = (Vec::new(), Vec::new());
            for group in others {
                let wanted = (VALIDATION_SHARE * rows as f64).round() as usize;
                let side = if validation.len() < wanted { &mut validation } else { &mut train };
                side.extend(group);
            }
            let mut held_out = of_fold[fold].concat();
            for side in [&mut train, &mut validation, &mut held_out] {
                side.sort_unstable();
            }
            Part { train, validation, held_out }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_held_out_once_and_copies_stay_together() {
        // Every row of 500 twice, and one ten times.
        let groups: Vec<usize> = (0..500).flat_map(|g| [g, g]).chain([499; 8]).collect();
        let parts = parts(&groups, 5, &mut Stream::new(1, "split"));
        let mut seen: Vec<usize> = parts.iter().flat_map(|part| part.held_out.clone()).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..1008));
        for part in &parts {
            let sides = [&part.train, &part.validation, &part.held_out];
            assert_eq!(sides.iter().map(|side| side.len()).sum::<usize>(), 1008);
            assert!((part.held_out.len() as f64 - 201.6).abs() < 12.0);
            assert!((part.validation.len() as f64 - 161.3).abs() < 12.0);
            for (i, side) in sides.iter().enumerate() {
                for other in &sides[i + 1..] {
                    assert!(side.iter().all(|&a| other.iter().all(|&b| groups[a] != groups[b])));
                }
            }
        }
    }
}
