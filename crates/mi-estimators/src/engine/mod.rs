//! Critic × bound: embeddings in, estimate and gradients out, without a K×K matrix.
//!
//! Scores are computed a panel of rows at a time; while the panel is in cache, the bound turns
//! its rows into weights and both gradients take their share of it. When all rows fit the
//! panel's budget there is one panel, and the same code. Memory beyond the embeddings is
//! O(K·d) and one panel.

mod batch;
mod columns;
mod shift;

use mi_critics::{PANEL_ROWS, Pairing, PairingBuffers, Scaling, Scorer};
use mi_kernels::{Scalar, all_finite};
use mi_nets::{Gradients, Params};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::EstimatorError;
use crate::bounds::{Bound, Evaluation, Objective, Outcome, Row, RowStatistics, saturated};
pub use batch::{Batch, Differentiated};
use columns::ColumnSweep;
use shift::{RunningShift, Shift};

/// Memory for one panel of scores unless the driver says otherwise.
const PANEL_BYTES: usize = 32 << 20;

/// A cache line.
const LINE_BYTES: usize = 64;

/// How many rows of scores exist at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Driver {
    /// As many as fit in 32 MiB: all of them up to K = 2800 or so in `f32`.
    #[default]
    BySize,
    /// All of them: K² numbers.
    Whole,
    /// So many (at least 1).
    Panels {
        /// Rows of a panel.
        rows: usize,
    },
}

/// Evaluates bounds over critics, and keeps its memory from batch to batch: a training step in
/// its steady state allocates nothing.
///
/// Batches of more than 256 pairs are shared out among the threads of the current rayon pool.
/// Results are the same bits for every number of threads. One panel and several also agree in
/// every bit when panels are multiples of [`PANEL_ROWS`], as [`Driver::BySize`] makes them; other
/// panels, and concat critics of more than one hidden layer, add up gradients in another order
/// and so differ by rounding.
#[derive(Debug)]
pub struct Engine<T> {
    driver: Driver,
    pairing: PairingBuffers<T>,
    panel: Vec<T>,
    rows: Vec<RowStatistics>,
    factors: Vec<T>,
    /// What each row's factor was divided by.
    shifts: Vec<Shift>,
    row_scales: Vec<T>,
    positives: Vec<T>,
    columns: ColumnSweep<T>,
    gradient_x: Array2<T>,
    gradient_y: Array2<T>,
    gradient_learned: Array1<T>,
    /// What inner products, which have no parameters, are evaluated with.
    no_params: Params<T>,
    no_gradients: Gradients<T>,
}

impl<T: Scalar> Default for Engine<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Engine<T> {
    /// An engine that chooses the size of panels itself.
    pub fn new() -> Self {
        Self::with_driver(Driver::BySize)
    }

    /// An engine with a driver of one's choice.
    pub fn with_driver(driver: Driver) -> Self {
        let no_params = Params::new();
        Self {
            driver,
            pairing: PairingBuffers::new(),
            panel: Vec::new(),
            rows: Vec::new(),
            factors: Vec::new(),
            shifts: Vec::new(),
            row_scales: Vec::new(),
            positives: Vec::new(),
            columns: ColumnSweep::default(),
            gradient_x: Array2::zeros((0, 0)),
            gradient_y: Array2::zeros((0, 0)),
            gradient_learned: Array1::zeros(0),
            no_gradients: Gradients::zeros_like(&no_params),
            no_params,
        }
    }

    /// A bound's value on a batch, and the gradients of weight × objective, to be *maximised*.
    /// Those of the pairing's parameters are added to `gradients`; inner products have none and
    /// need no `gradients`. The state that the objective carries moves on.
    ///
    /// Embeddings may come from networks that are not this workspace's:
    ///
    /// ```
    /// use mi_estimators::bounds::{BoundSpec, Objective};
    /// use mi_estimators::engine::{Batch, Engine};
    /// use ndarray::array;
    ///
    /// let x = array![[1.0_f32, 0.0], [0.0, 1.0], [-1.0, 0.5]];
    /// let mut engine = Engine::new();
    /// let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
    /// let found = engine.differentiate(&Batch::new(x.view(), x.view()), &mut objective, None)?;
    /// let before = found.evaluation.estimate;
    /// let moved = &x + &(0.1 * &found.x);
    /// let after = engine.estimate(&Batch::new(moved.view(), x.view()), &objective)?;
    /// assert!(after.estimate > before);
    /// # Ok::<(), mi_estimators::EstimatorError>(())
    /// ```
    ///
    /// # Errors
    /// Shapes that do not fit; a pairing with parameters but no `gradients`; too few pairs for the
    /// bound; learned numbers that do not suit it; NaN scores; infinite scores that cancel.
    pub fn differentiate(
        &mut self,
        batch: &Batch<'_, T>,
        objective: &mut Objective,
        gradients: Option<&mut Gradients<T>>,
    ) -> Result<Differentiated<'_, T>, EstimatorError> {
        let resolved = objective.resolve();
        let mut none = self.no_gradients.clone();
        let gradients = match (gradients, batch.pairing) {
            (Some(gradients), _) => gradients,
            (None, None | Some((Pairing::Dot, _))) => &mut none,
            (None, Some(_)) => return Err(EstimatorError::NoGradients),
        };
        let (outcome, mut evaluation) =
            self.run(batch, objective, resolved.bound(), Some(gradients))?;
        evaluation.overflow |= !self.gradients_finite();
        objective.advance(&outcome);
        let (x, y, learned) = self.gradients();
        Ok(Differentiated { evaluation, x, y, learned })
    }

    /// A bound's value on a batch, without gradients. The objective's state stays as it is.
    ///
    /// # Errors
    /// As [`Engine::differentiate`].
    pub fn estimate(
        &mut self,
        batch: &Batch<'_, T>,
        objective: &Objective,
    ) -> Result<Evaluation, EstimatorError> {
        Ok(self.run(batch, objective, objective.resolve().bound(), None)?.1)
    }

    /// What the last [`Engine::differentiate`] returned: the gradients of x, of y, and of the
    /// learned numbers.
    pub(crate) fn gradients(&self) -> (ArrayView2<'_, T>, ArrayView2<'_, T>, ArrayView1<'_, T>) {
        (self.gradient_x.view(), self.gradient_y.view(), self.gradient_learned.view())
    }

    fn gradients_finite(&self) -> bool {
        let all = [self.gradient_x.as_slice(), self.gradient_y.as_slice()];
        all.into_iter().flatten().all(all_finite)
    }

    /// Rows of a panel for a batch of K.
    fn panel_rows(&self, k: usize) -> usize {
        match self.driver {
            Driver::Whole => k,
            Driver::Panels { rows } => rows.clamp(1, k),
            Driver::BySize => {
                let rows = PANEL_BYTES / (k * size_of::<T>());
                if rows >= k {
                    k
                } else {
                    // Sums over rows are then made of the same blocks in one panel and in many.
                    (rows / PANEL_ROWS * PANEL_ROWS).clamp(PANEL_ROWS.min(k), k)
                }
            }
        }
    }

    fn run(
        &mut self,
        batch: &Batch<'_, T>,
        objective: &Objective,
        bound: &dyn Bound<T>,
        gradients: Option<&mut Gradients<T>>,
    ) -> Result<(Outcome, Evaluation), EstimatorError> {
        let Batch { x: ex, y: ey, learned, pairing, weight } = *batch;
        let (k, dim) = ex.dim();
        if k == 0 || dim == 0 {
            return Err(EstimatorError::EmptySide { rows: k, columns: dim });
        }
        objective.check_batch(k, learned.map(|learned| learned.len()))?;
        let panel_rows = self.panel_rows(k);
        let (pairing, params) = pairing.unwrap_or((&Pairing::Dot, &self.no_params));
        let mut scorer = pairing.scorer(params, ex, ey, &mut self.pairing)?;
        let stride = scorer.stride();
        // Room to start at a whole cache line.
        let line = LINE_BYTES / size_of::<T>();
        if self.panel.len() < panel_rows * stride + line {
            self.panel.resize(panel_rows * stride + line, T::zero());
        }
        let aligned = self.panel.as_ptr().align_offset(LINE_BYTES).min(line);
        let panel = &mut self.panel[aligned..];
        self.rows.clear();
        self.rows.resize(k, RowStatistics::default());
        if bound.needs_columns() {
            self.columns.run(&mut scorer, k, panel_rows, panel);
        }
        let weights = gradients.is_some();
        let mut running = RunningShift::default();
        self.shifts.clear();
        for first in (0..k).step_by(panel_rows) {
            let span = first..k.min(first + panel_rows);
            let panel = &mut panel[..span.len() * stride];
            let columns = &self.columns;
            let digest = |index: usize, scores: &mut [T]| {
                bound.row(Row {
                    index,
                    scores,
                    learned: learned.map_or(0.0, |learned| learned[index].to_f64()),
                    columns: bound.needs_columns().then(|| columns.sums(index)),
                    weights,
                })
            };
            let rows = &mut self.rows[span.clone()];
            scorer.sweep(span.clone(), panel, rows, weights, digest);
            if weights {
                if let Some(factor) = running.raise(rows) {
                    scorer.rescale(factor);
                }
                let shift = running.shift();
                self.factors.clear();
                self.factors.extend(rows.iter().map(|row| shift.factor::<T>(row)));
                self.shifts.resize(span.end, shift);
                scorer.accumulate(span, panel, &self.factors);
            }
        }
        if self.rows.iter().any(has_nan) {
            // Too late to be found in the scores, which are gone: look at them again.
            find_nan(&mut scorer, panel, k)?;
        }
        let outcome = bound.finish(&mut self.rows);
        let (mut evaluation, sign) = objective.judge(&outcome, k)?;
        let sign = sign * weight;
        if let Some(gradients) = gradients {
            let shift = running.shift();
            evaluation.overflow |= self.rows.iter().any(|row| loses::<T>(row, &outcome, shift, k));
            let mut scale = |shift: Shift| {
                let (factor, cut) =
                    saturated(-sign * shift.power(outcome.log_scale, outcome.origin));
                evaluation.overflow |= cut;
                factor
            };
            self.row_scales.clear();
            self.row_scales.extend(self.shifts.iter().map(|&shift| scale(shift)));
            let columns = scale(shift);
            self.positives.clear();
            let positives = self.rows.iter().map(|row| T::from_f64(sign * row.positive_gradient));
            self.positives.extend(positives);
            if self.gradient_x.dim() != (k, dim) {
                self.gradient_x = Array2::zeros((k, dim));
                self.gradient_y = Array2::zeros((k, dim));
                self.gradient_learned = Array1::zeros(k);
            }
            for (gradient, row) in self.gradient_learned.iter_mut().zip(&self.rows) {
                *gradient = T::from_f64(sign * row.learned_gradient);
            }
            let scaling = Scaling { rows: &self.row_scales, columns, positives: &self.positives };
            let sides = (self.gradient_x.as_slice_mut(), self.gradient_y.as_slice_mut());
            let (Some(gradient_x), Some(gradient_y)) = sides else {
                unreachable!("gradients are made row-major");
            };
            scorer.finish(scaling, gradient_x, gradient_y, gradients);
        }
        Ok((outcome, evaluation))
    }
}

/// Whether a row's negatives are lost beside those of other rows, as they are in `T` below 10⁻³⁸
/// of them, although they count beside positives, whose gradients are of the size of 1/K.
fn loses<T: Scalar>(row: &RowStatistics, outcome: &Outcome, shift: Shift, k: usize) -> bool {
    let weight = row.log_weight - outcome.origin + outcome.log_scale;
    // Entries of the row are smaller than its factor.
    let least = T::min_positive_value().to_f64().ln() - T::epsilon().to_f64().ln();
    row.log_weight - shift.log() < least && weight > T::epsilon().to_f64().ln() - (k as f64).ln()
}

fn has_nan(row: &RowStatistics) -> bool {
    row.positive.is_nan() || row.log_sum.is_nan() || row.auxiliary.is_nan()
}

/// An error naming the first row of scores with NaN, if there is one.
fn find_nan<T: Scalar>(
    scorer: &mut Scorer<'_, T>,
    panel: &mut [T],
    k: usize,
) -> Result<(), EstimatorError> {
    for row in 0..k {
        let mut nan = [false];
        let found = |_: usize, scores: &mut [T]| scores.iter().any(|s| s.is_nan());
        let panel = &mut panel[..scorer.stride()];
        scorer.sweep(row..row + 1, panel, &mut nan, false, found);
        if nan == [true] {
            return Err(EstimatorError::NanScore { row });
        }
    }
    Ok(())
}
