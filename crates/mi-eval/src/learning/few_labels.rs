use mi_random::Stream;
use ndarray::{ArrayView2, Axis};

use crate::classes::{Classes, Label};
use crate::kernel::Feature;
use crate::v_information::{all_classes, check_counts};
use crate::{EvalError, Family, Mean, TrainTest};

/// The accuracy of a reader with a few labels of each class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FewLabels {
    /// Training rows of each class.
    pub per_class: usize,
    /// Accuracy on the test rows; its standard error is over draws of the training rows.
    pub accuracy: Mean,
}

/// Test accuracy with 1, 2, 5, … training rows of each class, averaged over draws of them.
///
/// In every draw the rows of a smaller number are among those of a larger one. Numbers beyond the
/// smallest class are left out.
///
/// # Shapes
/// `features`: n × d and m × d, `labels`: n and m.
///
/// # Errors
/// Those of [`Family::read_labels`]; no draws; no number for which every class has enough rows.
pub fn few_labels<T: Feature, L: Label>(
    family: &Family,
    features: TrainTest<ArrayView2<'_, T>>,
    labels: TrainTest<&[L]>,
    per_class: &[usize],
    draws: usize,
    seed: u64,
) -> Result<Vec<FewLabels>, EvalError> {
    check_counts("few labels", features, labels)?;
    if draws == 0 {
        let value = "0".to_owned();
        return Err(EvalError::Setting { name: "draws", value, range: "at least 1" });
    }
    let known = Classes::from_labels(labels.train)?;
    let mut members = vec![Vec::new(); known.len()];
    for (row, label) in labels.train.iter().enumerate() {
        members[known.column_of(label)].push(row);
    }
    let fewest = members.iter().map(Vec::len).min().unwrap_or(0);
    let per_class: Vec<usize> =
        per_class.iter().copied().filter(|n| (1..=fewest).contains(n)).collect();
    if per_class.is_empty() {
        return Err(EvalError::Setting {
            name: "labels per class",
            value: format!("beyond the smallest class of {fewest} rows"),
            range: "at least one number from 1 to the rows of the smallest class",
        });
    }
    let classes = all_classes(labels)?;
    let mut accuracies = vec![Vec::with_capacity(draws); per_class.len()];
    let stream = Stream::new(seed, "few labels");
    for draw in 0..draws {
        let mut stream = stream.child(&format!("draw {draw}"));
        for rows in &mut members {
            // In ascending order first, so that a draw does not depend on the one before.
            rows.sort_unstable();
            stream.shuffle(rows);
        }
        for (&n, accuracies) in per_class.iter().zip(&mut accuracies) {
            let mut rows: Vec<usize> =
                members.iter().flat_map(|rows| rows[..n].iter().copied()).collect();
            rows.sort_unstable();
            let train = features.train.select(Axis(0), &rows);
            let chosen: Vec<L> = rows.iter().map(|&row| labels.train[row].clone()).collect();
            let reading = family.read_labels(
                train.view(),
                &chosen,
                features.test,
                Some(&classes),
                seed.wrapping_add(draw as u64),
            )?;
            accuracies.push(reading.accuracy(labels.test)?);
        }
    }
    let of = |(&per_class, accuracies): (&usize, &Vec<f64>)| {
        let accuracy = Mean::of(accuracies);
        FewLabels { per_class, accuracy }
    };
    Ok(per_class.iter().zip(&accuracies).map(of).collect())
}
