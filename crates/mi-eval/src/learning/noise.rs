use mi_random::Stream;

use crate::EvalError;
use crate::classes::{Classes, Label};

/// Replaces each label, independently and with probability `share`, by another class; all other
/// classes are equally likely (symmetric noise).
///
/// Use it on training labels only: a probe is judged by the test labels.
///
/// # Errors
/// A share outside \[0, 1\]; only one class; labels such as NaN.
///
/// ```
/// use mi_eval::{Stream, symmetric_label_noise};
///
/// let labels: Vec<u32> = (0..1000).map(|i| i % 10).collect();
/// let noisy = symmetric_label_noise(&labels, 0.4, &mut Stream::new(1, "label noise"))?;
/// let changed = labels.iter().zip(&noisy).filter(|(a, b)| a != b).count();
/// assert!((350..450).contains(&changed));
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
pub fn symmetric_label_noise<L: Label>(
    labels: &[L],
    share: f64,
    stream: &mut Stream,
) -> Result<Vec<L>, EvalError> {
    if !(0.0..=1.0).contains(&share) {
        let (name, range) = ("the share of label noise", "between 0 and 1");
        return Err(EvalError::Setting { name, value: share.to_string(), range });
    }
    let classes = Classes::from_labels(labels)?;
    if let [only] = classes.names() {
        return Err(EvalError::OneClass { operation: "label noise", class: format!("{only:?}") });
    }
    let mut noisy = labels.to_vec();
    for label in &mut noisy {
        // Both numbers are drawn for every row, so that a larger share only adds changes.
        let (chance, other) = (stream.uniform(), stream.below(classes.len() - 1));
        if chance < share {
            let own = classes.column_of(label);
            *label = classes.names()[other + usize::from(other >= own)].clone();
        }
    }
    Ok(noisy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(share: f64) -> Vec<u32> {
        let labels = [3, 5, 9, 9].repeat(2500);
        symmetric_label_noise(&labels, share, &mut Stream::new(1, "noise")).unwrap()
    }

    #[test]
    fn all_other_classes_are_equally_likely() {
        let all = noisy(1.0);
        assert!(all.iter().zip([3, 5, 9, 9].iter().cycle()).all(|(a, b)| a != b));
        let of_three: Vec<u32> = all.iter().copied().step_by(4).collect();
        let fives = of_three.iter().filter(|&&label| label == 5).count();
        assert!((1150..1350).contains(&fives), "{fives} of 2500");
        assert_eq!(noisy(0.0)[..4], [3, 5, 9, 9]);
    }

    #[test]
    fn a_larger_share_only_adds_changes() {
        let (few, many) = (noisy(0.1), noisy(0.3));
        let clean = noisy(0.0);
        let changed = |labels: &[u32]| {
            (0..clean.len()).filter(|&i| labels[i] != clean[i]).collect::<Vec<_>>()
        };
        let (few_rows, many_rows) = (changed(&few), changed(&many));
        assert!((900..1100).contains(&few_rows.len()), "{}", few_rows.len());
        assert!(few_rows.iter().all(|row| many_rows.contains(row) && few[*row] == many[*row]));
        assert!(symmetric_label_noise(&[1, 2], 1.5, &mut Stream::new(1, "")).is_err());
        assert!(symmetric_label_noise(&[1, 1], 0.5, &mut Stream::new(1, "")).is_err());
    }
}
