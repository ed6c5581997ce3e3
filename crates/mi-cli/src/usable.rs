//! The information that a simple reader of x can use: V-information in addition to mutual
//! information.

use mi_samples::{
    ColumnType, CrossFit, Declared, Estimate, Sample, SamplesError, VInformation,
    linear_v_information, logistic_v_information,
};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::error::CliError;
use crate::messages::Warning;
use crate::observations::{Observations, Side};
use crate::options::Unit;

/// The V-information of readers of a family.
#[derive(Clone, Debug)]
pub struct Usable {
    /// `linear` or `logistic`.
    pub family: &'static str,
    /// The measure.
    pub found: VInformation,
}

impl Usable {
    /// A warning if a reader can use more than the estimate.
    ///
    /// V-information is at most mutual information (Xu et al., 2020, proposition 1), so it is a
    /// lower bound, up to its own sampling error.
    pub fn above(&self, estimate: Option<&Estimate>, unit: Unit) -> Option<Warning> {
        let estimate = estimate?;
        let excess = self.found.value - estimate.value;
        if excess <= 0.0 {
            return None;
        }
        let known = estimate.interval.map_or(0.0, |interval| interval.standard_error);
        let within = excess <= 2.0 * self.found.standard_error.hypot(known);
        let meaning = if within {
            "the difference is within their sampling errors"
        } else {
            "the estimate is too low; trust the reader's value as a lower bound"
        };
        let warning = Warning::new(
            "usable_above_estimate",
            format!(
                "a {} reader can use {:.4} {}, more than the estimate of {:.4}: what a reader can \
                 use is a lower bound on the information; {meaning}",
                self.family,
                unit.of(self.found.value),
                unit.name(),
                unit.of(estimate.value),
            ),
        );
        Some(if within { warning.mild() } else { warning })
    }
}

impl Usable {
    /// What a value at or below 0 means.
    pub fn nothing(&self) -> Option<Warning> {
        let (usual, other) = match self.family {
            "linear" => ("the mean of y", "is not a line"),
            _ => ("how often each label occurs", "no linear boundary shows"),
        };
        (self.found.value <= 0.0).then(|| {
            let text = format!(
                "a {} reader can use nothing: on rows that it was not fitted to, it predicts y no \
                 better than {usual} (worse, if the value is negative); a dependence that {other} is \
                 still possible",
                self.family
            );
            Warning::new("nothing_usable", text).mild()
        })
    }
}

/// Linear readers of a continuous y, logistic readers of one discrete column; discrete columns of x
/// are read as indicators of their values. `split` determines which rows judge which readers.
///
/// # Errors
/// If y mixes kinds, has several discrete columns, or is constant.
pub fn usable(observations: &Observations, split: &CrossFit) -> Result<Usable, CliError> {
    let Observations { x, y, .. } = observations;
    let x = indicators(x)?;
    let kinds = kinds(y)?;
    if kinds.iter().all(|kind| !kind.is_discrete()) {
        let found = linear_v_information(x.view(), y.values.view(), split)?;
        return Ok(Usable { family: "linear", found });
    }
    if kinds.len() > 1 {
        return Err(CliError::Usage(
            "--usable reads continuous columns, or one discrete column: choose y accordingly"
                .into(),
        ));
    }
    let column = y.values.column(0);
    let levels = levels(column);
    let label = |value: &f64| levels.partition_point(|level| level < value) as u32;
    let labels: Vec<u32> = column.iter().map(label).collect();
    let ridge = 1.0 / labels.len() as f64;
    let found = logistic_v_information(x.view(), &labels, ridge, split)?;
    Ok(Usable { family: "logistic", found })
}

fn kinds(side: &Side) -> Result<Vec<ColumnType>, SamplesError> {
    Ok(Sample::new(side.values.view(), &side.declared, 0)?.columns().cloned().collect())
}

/// The columns of a side; discrete ones as indicators of all their values except the first (or of
/// the only one).
fn indicators(side: &Side) -> Result<Array2<f64>, SamplesError> {
    let mut columns: Vec<Array1<f64>> = Vec::new();
    for ((column, kind), declared) in
        side.values.columns().into_iter().zip(kinds(side)?).zip(&side.declared)
    {
        if kind.is_discrete() && *declared != Declared::Continuous {
            let levels = levels(column);
            let first = usize::from(levels.len() > 1);
            columns.extend(
                levels
                    .iter()
                    .skip(first)
                    .map(|&level| column.mapv(|value| f64::from(u8::from(value == level)))),
            );
        } else {
            columns.push(column.to_owned());
        }
    }
    let views: Vec<ArrayView2<'_, f64>> =
        columns.iter().map(|column| column.view().insert_axis(Axis(1))).collect();
    ndarray::concatenate(Axis(1), &views)
        .map_err(|_| SamplesError::EmptySide { rows: side.values.nrows(), columns: 0 })
}

fn levels(column: ArrayView1<'_, f64>) -> Vec<f64> {
    let mut levels = column.to_vec();
    levels.sort_unstable_by(f64::total_cmp);
    levels.dedup_by(|a, b| a == b);
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;
    use ndarray::concatenate;

    fn side(values: Array2<f64>, declared: Declared) -> Side {
        let declared = vec![declared; values.ncols()];
        Side { names: vec!["v".into(); declared.len()], values, declared }
    }

    fn observe(x: &Array2<f64>, y: Array2<f64>, y_is: Declared) -> Observations {
        Observations { x: side(x.clone(), Declared::Auto), y: side(y, y_is), given: None }
    }

    #[test]
    fn a_linear_reader_uses_lines_and_not_parabolas() {
        let mut stream = Stream::new(1, "usable");
        let (x, noise) = (stream.normal_matrix((2000, 1)), stream.normal_matrix((2000, 1)));
        let line =
            usable(&observe(&x, &x + &noise, Declared::Auto), &CrossFit::at_random(0)).unwrap();
        // ½ ln 2 = 0.3466.
        assert!(line.family == "linear" && (line.found.value - 0.3466).abs() < 0.05);
        let parabola =
            usable(&observe(&x, &x * &x + &noise, Declared::Auto), &CrossFit::at_random(0))
                .unwrap();
        assert!(parabola.found.value.abs() < 0.05);
        assert!(line.nothing().is_none());
        let found = VInformation { value: -0.001, ..line.found };
        let said = Usable { family: "linear", found }.nothing().unwrap().message;
        assert!(said.contains("no better than the mean of y"), "{said}");
    }

    #[test]
    fn a_rare_value_and_a_constant_are_passed_over() {
        let mut stream = Stream::new(3, "usable");
        let y = stream.normal_matrix((200, 1));
        // The third value occurs in one row, which some part lacks.
        let code = Array2::from_shape_fn((200, 1), |(i, _)| match i {
            100 => 2.0,
            _ => f64::from(u8::from(y[[i, 0]] > 0.0)),
        });
        let found = |x: &Array2<f64>| {
            usable(&observe(x, y.clone(), Declared::Auto), &CrossFit::at_random(0)).unwrap()
        };
        // Of N(0, 1) the sign leaves a variance of 1 − 2/π: ½ ln 1/0.363 = 0.506.
        assert!((found(&code).found.value - 0.506).abs() < 0.15);
        assert!(found(&Array2::ones((200, 1))).found.value.abs() < 1e-9);
    }

    #[test]
    fn discrete_columns_are_read_as_indicators() {
        let mut stream = Stream::new(2, "usable");
        // The middle code differs from both others: no line through the codes sees it.
        let code = Array2::from_shape_simple_fn((1500, 1), || stream.below(3) as f64);
        let y = code.mapv(|code| f64::from(u8::from(code == 1.0)));
        let found =
            usable(&observe(&code, y.clone(), Declared::Auto), &CrossFit::at_random(0)).unwrap();
        // H(1/3) = 0.6365.
        assert!(found.family == "logistic" && (found.found.value - 0.6365).abs() < 0.05);
        let both = concatenate(Axis(1), &[code.view(), y.view()]).unwrap();
        assert!(
            usable(&observe(&code, both, Declared::Discrete), &CrossFit::at_random(0)).is_err()
        );
    }
}
