use mi_kernels::Scalar;
use ndarray::{Array2, ArrayView2};

use super::unit_rows;
use crate::classes::{Classes, Label};
use crate::training::check_labels;
use crate::{EvalError, Mean, Neighbours, features};

/// How far apart classes are, compared with their members: 0 if classes do not differ in direction,
/// 1 if each is a single direction.
///
/// # Formula
/// `1 − d_within / d_total`, both means of cosine distances `1 − u·v`: over pairs within a class,
/// averaged over classes, and over all pairs with equal weights for classes. Both include pairs of
/// a row with itself (Kornblith et al., 2021, "Why do better loss functions lead to less
/// transferable features?", section 3.3). With `μ_k` the class means of unit rows:
/// `d_within = 1 − mean_k ‖μ_k‖²`, `d_total = 1 − ‖mean_k μ_k‖²`.
///
/// # Shapes
/// `features` is samples × features, with one label per row.
///
/// # Errors
/// An empty matrix, a NaN or infinite feature, different numbers of labels and rows, only one
/// class, rows that all have one direction.
pub fn class_separation<T: Scalar, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<f64, EvalError> {
    const OPERATION: &str = "class separation";
    features::check(OPERATION, &features)?;
    check_labels(OPERATION, features.nrows(), labels.len())?;
    let classes = Classes::from_labels(labels)?;
    if let [only] = classes.names() {
        return Err(EvalError::OneClass { operation: OPERATION, class: format!("{only:?}") });
    }
    let unit = unit_rows(&features);
    let mut means = Array2::<f64>::zeros((classes.len(), features.ncols()));
    let mut counts = vec![0.0; classes.len()];
    for (row, label) in unit.rows().into_iter().zip(labels) {
        let class = classes.column_of(label);
        counts[class] += 1.0;
        means.row_mut(class).zip_mut_with(&row, |mean, v| *mean += (*v).to_f64());
    }
    let mut within = 1.0;
    for (mut mean, count) in means.rows_mut().into_iter().zip(counts) {
        mean /= count;
        within -= mean.dot(&mean) / classes.len() as f64;
    }
    let centre = means.sum_axis(ndarray::Axis(0)) / classes.len() as f64;
    let total = 1.0 - centre.dot(&centre);
    // For unit rows rounding alone can give this much.
    if total <= T::epsilon().to_f64() * 4.0 {
        return Err(EvalError::NoSpread { operation: OPERATION });
    }
    Ok(1.0 - within / total)
}

/// The fraction of a row's neighbours that have its label, averaged over rows.
///
/// # Formula
/// `mean_i (1/k) Σ_{j among the k neighbours of i} [label_j = label_i]`.
///
/// # Errors
/// Labels that do not fit the rows and reference rows of `neighbours`.
pub fn neighbour_purity<L: Label>(
    neighbours: &Neighbours,
    labels: &[L],
    reference_labels: &[L],
) -> Result<Mean, EvalError> {
    const OPERATION: &str = "neighbour purity";
    check_labels(OPERATION, neighbours.len(), labels.len())?;
    check_labels(OPERATION, neighbours.references(), reference_labels.len())?;
    let shares: Vec<f64> = labels
        .iter()
        .enumerate()
        .map(|(i, label)| {
            let alike = neighbours.of_row(i).filter(|&(j, _)| reference_labels[j] == *label);
            alike.count() as f64 / neighbours.k() as f64
        })
        .collect();
    Ok(Mean::of(&shares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;
    use ndarray::array;

    /// Over all pairs, by definition.
    fn by_pairs(x: &Array2<f64>, labels: &[u8], classes: u8) -> f64 {
        let unit = unit_rows(&x.view());
        let mut members = [0.0; 256];
        for &label in labels {
            members[usize::from(label)] += 1.0;
        }
        let members = |class: u8| members[usize::from(class)];
        let (mut within, mut total) = (0.0, 0.0);
        let k = f64::from(classes);
        for i in 0..labels.len() {
            for j in 0..labels.len() {
                let distance = 1.0 - unit.row(i).dot(&unit.row(j));
                let weight = 1.0 / (members(labels[i]) * members(labels[j]));
                total += distance * weight / (k * k);
                if labels[i] == labels[j] {
                    within += distance * weight / k;
                }
            }
        }
        1.0 - within / total
    }

    #[test]
    fn separation_is_that_of_all_pairs() {
        let mut stream = Stream::new(1, "separation");
        let labels: Vec<u8> = (0..60).map(|i| [0, 0, 0, 1, 1, 2][i % 6]).collect();
        let mut x = stream.normal_matrix((60, 4));
        for (mut row, &label) in x.rows_mut().into_iter().zip(&labels) {
            row[usize::from(label)] += 3.0;
        }
        let found = class_separation(x.view(), &labels).unwrap();
        assert!((found - by_pairs(&x, &labels, 3)).abs() < 1e-12, "{found}");
        assert!((0.3..0.9).contains(&found), "{found}");
        let points = array![[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]];
        assert!((class_separation(points.view(), &[0, 0, 1]).unwrap() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn separation_that_means_nothing_is_refused() {
        let x = array![[1.0_f32, 2.0], [2.0, 4.0], [3.0, 6.0]];
        let one_direction = class_separation(x.view(), &[0, 0, 1]);
        assert!(matches!(one_direction, Err(EvalError::NoSpread { .. })), "{one_direction:?}");
        assert!(matches!(class_separation(x.view(), &[0; 3]), Err(EvalError::OneClass { .. })));
    }

    #[test]
    fn purity_counts_neighbours_of_the_same_label() {
        let x = array![[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0], [0.2, 1.0]];
        let neighbours = Neighbours::within(x.view(), 2).unwrap();
        let labels = ["a", "a", "b", "b", "b"];
        let purity = neighbour_purity(&neighbours, &labels, &labels).unwrap();
        assert!((purity.value - (0.5 + 0.5 + 3.0) / 5.0).abs() < 1e-15, "{purity:?}");
    }
}
