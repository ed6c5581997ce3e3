//! Splits rows into rows for a fit and rows held out to choose a setting.

use mi_random::Stream;

use crate::EvalError;

/// Rows to train on and rows held out, both ascending. A share of the rows of each class is held
/// out, but none of a class with fewer than two rows, so that every class has training rows.
pub(crate) fn split_classes(
    labels: &[u32],
    classes: usize,
    share: f64,
    stream: &mut Stream,
) -> Result<(Vec<usize>, Vec<usize>), EvalError> {
    let mut members = vec![Vec::new(); classes];
    for (row, &label) in labels.iter().enumerate() {
        members[label as usize].push(row);
    }
    split(labels.len(), members, share, stream)
}

/// The same for rows without labels.
pub(crate) fn split_rows(
    n: usize,
    share: f64,
    stream: &mut Stream,
) -> Result<(Vec<usize>, Vec<usize>), EvalError> {
    split(n, vec![(0..n).collect()], share, stream)
}

/// Checks the share of rows to hold out.
pub(crate) fn check_share(share: f64) -> Result<(), EvalError> {
    if share > 0.0 && share < 1.0 {
        Ok(())
    } else {
        let (value, range) = (share.to_string(), "above 0 and below 1");
        Err(EvalError::Setting { name: "held_out", value, range })
    }
}

fn split(
    n: usize,
    groups: Vec<Vec<usize>>,
    share: f64,
    stream: &mut Stream,
) -> Result<(Vec<usize>, Vec<usize>), EvalError> {
    check_share(share)?;
    let mut is_held = vec![false; n];
    for mut rows in groups.into_iter().filter(|rows| !rows.is_empty()) {
        let count = ((share * rows.len() as f64).round() as usize).min(rows.len() - 1);
        stream.shuffle(&mut rows);
        rows[..count].iter().for_each(|&row| is_held[row] = true);
    }
    let (held, kept): (Vec<_>, Vec<_>) = (0..n).partition(|&row| is_held[row]);
    if held.is_empty() {
        return Err(EvalError::Setting {
            name: "held_out",
            value: share.to_string(),
            range: "large enough to hold out one row of some class",
        });
    }
    Ok((kept, held))
}
