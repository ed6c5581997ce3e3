use mi_random::Stream;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::gaussian::{Predicted, Whitened};
use super::prior::LabelPrior;
use super::reading::{Chosen, Read};
use super::{LogisticReader, ridge};
use crate::held_out::HeldOut;
use crate::kernel::Feature;
use crate::training::check_positive;
use crate::{Classes, EvalError, Lbfgs, StandardScaler};

/// Linear readers: softmax of a linear map for labels, a Gaussian around one for real values.
/// Features are standardised on the training rows.
///
/// | setting | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `cs` | 10⁻³, 10⁻², …, 10 | C of the penalty to choose from: C Σ loss + ½‖W‖² | > 0 |
/// | `held_out` | 0.1 | training rows to hold out for choosing C: a share, or the last rows | |
/// | `smallest` | 50 | smallest number of held-out rows; with fewer, C is `fixed_c` | ≥ 1 |
/// | `fixed_c` | 1 | C if there are too few rows to choose it | > 0 |
/// | `tolerance` | 10⁻⁴ | largest entry of the gradient at which L-BFGS stops | > 0 |
///
/// After C is chosen, the reader is fitted to all training rows. For real values the loss is half
/// the squared error of whitened values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinearReader {
    /// Values of C to choose from.
    pub cs: Vec<f64>,
    /// Training rows to hold out for choosing C.
    pub held_out: HeldOut,
    /// The smallest number of held-out rows for choosing C.
    pub smallest: usize,
    /// C if there are fewer rows.
    pub fixed_c: f64,
    /// Largest absolute entry of the gradient at which the solver stops.
    pub tolerance: f64,
}

impl Default for LinearReader {
    fn default() -> Self {
        Self {
            cs: vec![1e-3, 1e-2, 1e-1, 1.0, 10.0],
            held_out: HeldOut::Share(0.1),
            smallest: 50,
            fixed_c: 1.0,
            tolerance: 1e-4,
        }
    }
}

impl LinearReader {
    /// Whether there are enough held-out rows to choose C.
    fn chooses(&self, rows: usize) -> bool {
        self.held_out.of(rows) >= self.smallest as f64 && self.cs.len() > 1
    }

    fn check(&self) -> Result<(), EvalError> {
        if self.cs.is_empty() {
            let value = "empty".to_owned();
            return Err(EvalError::Setting { name: "cs", value, range: "at least one C" });
        }
        check_positive("fixed_c", self.fixed_c)?;
        self.held_out.check()
    }

    /// The C to use if there is nothing to choose, or too few rows.
    fn only_c(&self) -> Chosen {
        match self.cs[..] {
            [c] => Chosen::C(c),
            _ => Chosen::FixedC(self.fixed_c),
        }
    }

    pub(super) fn read_labels<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        (labels, classes): (&[u32], usize),
        rows: ArrayView2<'_, T>,
        stream: &mut Stream,
    ) -> Result<Read, EvalError> {
        self.check()?;
        let prior = LabelPrior::of(labels, classes);
        let seen = prior.seen();
        if seen.len() < 2 {
            return Ok(Read::new(prior.log_probabilities(rows.nrows()), Chosen::Prior));
        }
        let scaler = StandardScaler::fit(train)?;
        let train = scaler.transform(train)?;
        let solver = Lbfgs { c: self.fixed_c, tolerance: self.tolerance, ..Lbfgs::default() };
        let list = Classes::declared(seen.iter().map(|&class| class as u32).collect())?;
        let (fit, chosen) = if self.chooses(labels.len()) {
            let (cs, share) = (&self.cs, self.held_out);
            let fit =
                solver.fit_with_validation(train.view(), labels, Some(&list), cs, share, stream)?;
            let chosen = Chosen::C(fit.report.c);
            (fit, chosen)
        } else {
            let chosen = self.only_c();
            let (Chosen::C(c) | Chosen::FixedC(c)) = chosen else { unreachable!() };
            (Lbfgs { c, ..solver }.fit(train.view(), labels, Some(&list))?, chosen)
        };
        let reader = LogisticReader::new(prior, fit.model);
        let found = reader.log_probabilities(scaler.transform(rows)?.view())?;
        Ok(Read { warnings: fit.report.warnings, ..Read::new(found, chosen) })
    }

    pub(super) fn read_values<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        target: &Whitened,
        rows: ArrayView2<'_, T>,
        stream: &mut Stream,
    ) -> Result<Predicted, EvalError> {
        self.check()?;
        let scaler = StandardScaler::fit(train)?;
        let standard =
            |rows| scaler.transform(rows).map(|rows| rows.mapv(mi_kernels::Scalar::to_f64));
        let (train, rows) = (standard(train)?, standard(rows)?);
        let candidates = self.chooses(train.nrows()).then_some(&self.cs[..]);
        ridge::predict(&train, target, &rows, (candidates, self.only_c()), self.held_out, stream)
    }
}
