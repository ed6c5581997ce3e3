//! Critic × bound: embeddings in, estimate and gradients out, without a matrix of all scores.
//!
//! Scores are computed a panel of rows at a time. While the panel is in the cache, the bound turns
//! its rows into weights, and the panel's part of both gradients is added. If all rows fit into one
//! panel, the same code runs on that panel. Memory beyond the embeddings, N×d and M×d, is O((N +
//! M)·d), plus [`Pairs`] and one panel.

mod batch;
mod columns;
mod shift;

use mi_critics::{PANEL_ROWS, Pairing, PairingBuffers, Positives, Scaling, Scorer};
use mi_kernels::{Scalar, all_finite};
use mi_nets::{Gradients, Params};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::EstimatorError;
use crate::bounds::{
    Bound, Context, Evaluation, LearnedOf, Outcome, Pairs, Row, RowStatistics, check_batch,
    clear_others, judge, numbers_of, saturated, surveyed,
};
pub use batch::{Batch, Differentiated};
use columns::{ColumnSweep, compact};
use shift::{RunningShift, Shift};

/// Default memory for one panel of scores.
const PANEL_BYTES: usize = 32 << 20;

/// A cache line.
const LINE_BYTES: usize = 64;

/// How many rows of scores exist at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Driver {
    /// As many as fit in 32 MiB: all of them up to about K = 2800 in `f32`.
    #[default]
    BySize,
    /// All of them: K² numbers.
    Whole,
    /// This many (at least 1).
    Panels {
        /// Rows of a panel.
        rows: usize,
    },
}

/// Evaluates bounds over critics. It keeps its memory from batch to batch: a steady training step
/// allocates nothing.
///
/// Batches of more than 256² scores are divided among the threads of the current rayon pool.
/// Results are bit-identical for every number of threads. One panel and several panels also give
/// identical bits if the rows of a panel are a multiple of [`PANEL_ROWS`], as with
/// [`Driver::BySize`]. Other panels, and concat critics with more than one hidden layer, add up
/// gradients in another order and so differ by rounding.
#[derive(Debug)]
pub struct Engine<T> {
    driver: Driver,
    pairing: PairingBuffers<T>,
    panel: Vec<T>,
    learned: Vec<f64>,
    /// Statistics of all positives, row after row; during a sweep each row has the same number of
    /// places.
    rows: Vec<RowStatistics>,
    factors: Vec<T>,
    /// The divisor of each row's factor.
    shifts: Vec<Shift>,
    row_scales: Vec<T>,
    positives: Vec<T>,
    columns: ColumnSweep<T>,
    /// A number of every row, for bounds that read other rows' numbers.
    survey: Vec<f64>,
    memory: TermMemory<T>,
    /// Empty parameters, for inner products, which have none.
    no_params: Params<T>,
    no_gradients: Gradients<T>,
}

/// The part of an engine's memory that keeps the results of a batch. An engine that alternates
/// between several kinds of batch keeps one for each kind. All other memory is shared by the kinds,
/// one after the other, and so stays in the cache.
#[derive(Debug)]
pub(crate) struct TermMemory<T> {
    /// The pairs of a batch that names none.
    square: Pairs,
    gradient_x: Array2<T>,
    gradient_y: Array2<T>,
    gradient_learned: Array1<T>,
}

impl<T: Scalar> TermMemory<T> {
    pub(crate) fn new() -> Self {
        Self {
            square: Pairs::square(0),
            gradient_x: Array2::zeros((0, 0)),
            gradient_y: Array2::zeros((0, 0)),
            gradient_learned: Array1::zeros(0),
        }
    }

    /// The results of the last [`Engine::differentiate`]: the gradients of x, of y, and of the
    /// learned numbers.
    pub(crate) fn gradients(&self) -> (ArrayView2<'_, T>, ArrayView2<'_, T>, ArrayView1<'_, T>) {
        (self.gradient_x.view(), self.gradient_y.view(), self.gradient_learned.view())
    }

    fn is_finite(&self) -> bool {
        let all = [self.gradient_x.as_slice(), self.gradient_y.as_slice()];
        all.into_iter().flatten().all(all_finite)
    }
}

impl<T: Scalar> Default for Engine<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Engine<T> {
    /// An engine that chooses the size of panels.
    pub fn new() -> Self {
        Self::with_driver(Driver::BySize)
    }

    /// An engine with the given driver.
    pub fn with_driver(driver: Driver) -> Self {
        let no_params = Params::new();
        Self {
            driver,
            pairing: PairingBuffers::new(),
            panel: Vec::new(),
            learned: Vec::new(),
            rows: Vec::new(),
            factors: Vec::new(),
            shifts: Vec::new(),
            row_scales: Vec::new(),
            positives: Vec::new(),
            columns: ColumnSweep::default(),
            survey: Vec::new(),
            memory: TermMemory::new(),
            no_gradients: Gradients::zeros_like(&no_params),
            no_params,
        }
    }

    /// A bound's value on a batch, and the gradients of weight × objective, to be *maximised*.
    /// Gradients of the pairing's parameters are added to `gradients`; inner products have no
    /// parameters and need no `gradients`. The state of the bound is updated.
    ///
    /// Embeddings may come from any network:
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
    /// Shapes that do not fit; a pairing with parameters but no `gradients`; parameters or
    /// `gradients` that the pairing was not made for; too few pairs for the bound; learned numbers
    /// that do not fit it; NaN scores; infinite scores that cancel.
    pub fn differentiate(
        &mut self,
        batch: &Batch<'_, T>,
        bound: &mut dyn Bound<T>,
        gradients: Option<&mut Gradients<T>>,
    ) -> Result<Differentiated<'_, T>, EstimatorError> {
        let mut none = self.no_gradients.clone();
        let gradients = match (gradients, batch.pairing) {
            (Some(gradients), _) => gradients,
            (None, None | Some((Pairing::Dot, _))) => &mut none,
            (None, Some(_)) => return Err(EstimatorError::NoGradients),
        };
        // An inner product adds nothing to gradients, which may belong to any networks.
        if let Some((Pairing::Concat(_), params)) = batch.pairing {
            gradients.check_fits(params)?;
        }
        let (outcome, mut evaluation) = self.run(batch, bound, Some(gradients))?;
        evaluation.overflow |= !self.memory.is_finite();
        bound.advance(&outcome);
        let (x, y, learned) = self.memory.gradients();
        Ok(Differentiated { evaluation, x, y, learned })
    }

    /// A bound's value on a batch, without gradients. The bound's state does not change.
    ///
    /// # Errors
    /// As [`Engine::differentiate`].
    pub fn estimate(
        &mut self,
        batch: &Batch<'_, T>,
        bound: &dyn Bound<T>,
    ) -> Result<Evaluation, EstimatorError> {
        Ok(self.run(batch, bound, None)?.1)
    }

    /// Swaps the results of the last batch with those of another one.
    pub(crate) fn exchange(&mut self, memory: &mut TermMemory<T>) {
        std::mem::swap(&mut self.memory, memory);
    }

    /// Rows of a panel for N×M scores.
    fn panel_rows(&self, (n, m): (usize, usize)) -> usize {
        match self.driver {
            Driver::Whole => n,
            Driver::Panels { rows } => rows.clamp(1, n),
            Driver::BySize => {
                let rows = PANEL_BYTES / (m * size_of::<T>());
                if rows >= n {
                    n
                } else {
                    // Sums over rows then use the same blocks in one panel and in several.
                    (rows / PANEL_ROWS * PANEL_ROWS).clamp(PANEL_ROWS.min(n), n)
                }
            }
        }
    }

    fn run(
        &mut self,
        batch: &Batch<'_, T>,
        bound: &dyn Bound<T>,
        gradients: Option<&mut Gradients<T>>,
    ) -> Result<(Outcome, Evaluation), EstimatorError> {
        let Batch { x: ex, y: ey, pairs, learned, pairing, weight } = *batch;
        let ((n, dim), m) = (ex.dim(), ey.nrows());
        for side in [ex, ey] {
            if side.is_empty() {
                let (rows, columns) = side.dim();
                return Err(EstimatorError::EmptySide { rows, columns });
            }
        }
        let panel_rows = self.panel_rows((n, m));
        let TermMemory { square, gradient_x, gradient_y, gradient_learned } = &mut self.memory;
        let pairs = match pairs {
            Some(pairs) if pairs.dim() == (n, m) => pairs,
            Some(pairs) => {
                let (rows, columns, wanted) = (n, m, pairs.dim());
                return Err(EstimatorError::PairsShape { rows, columns, wanted });
            }
            None if n != m => return Err(EstimatorError::RowCounts { x: n, y: m }),
            None => {
                if square.dim().0 != n {
                    *square = Pairs::square(n);
                }
                square
            }
        };
        check_batch(bound, pairs, learned.map(|learned| learned.len()))?;
        self.learned.clear();
        self.learned.extend(learned.into_iter().flatten().map(|&number| number.to_f64()));
        let (pairing, params) = pairing.unwrap_or((&Pairing::Dot, &self.no_params));
        let mut scorer = pairing.scorer(params, ex, ey, &mut self.pairing)?;
        let stride = scorer.stride();
        // Room to start at a cache line.
        let line = LINE_BYTES / size_of::<T>();
        if self.panel.len() < panel_rows * stride + line {
            self.panel.resize(panel_rows * stride + line, T::zero());
        }
        let aligned = self.panel.as_ptr().align_offset(LINE_BYTES).min(line);
        let panel = &mut self.panel[aligned..];
        // Places without a positive have no weight.
        let none = RowStatistics { log_weight: f64::NEG_INFINITY, ..RowStatistics::default() };
        let width = pairs.most_positives();
        self.rows.clear();
        self.rows.resize(n * width, none);
        if bound.needs_columns() {
            self.columns.run(&mut scorer, pairs, panel_rows, panel);
        }
        self.survey.clear();
        if bound.needs_survey() {
            self.survey.resize(n, 0.0);
            let digest = |index: usize, scores: &mut [T], number: &mut [f64]| {
                number[0] = surveyed(bound, Row::new((scores, index), pairs, Context::NONE, false));
            };
            for first in (0..n).step_by(panel_rows) {
                let span = first..n.min(first + panel_rows);
                let panel = &mut panel[..span.len() * stride];
                scorer.sweep(span.clone(), panel, &mut self.survey[span], false, digest);
            }
        }
        let weights = gradients.is_some();
        let mut running = RunningShift::default();
        self.shifts.clear();
        let digest = {
            let (columns, learned, survey) = (&self.columns, &*self.learned, &*self.survey);
            let (needs_columns, of) = (bound.needs_columns(), bound.learned());
            move |index: usize, scores: &mut [T], statistics: &mut [RowStatistics]| {
                let span = pairs.span(index);
                if span.is_empty() {
                    scores.fill(T::zero());
                    return;
                }
                let statistics = &mut statistics[..span.len()];
                let learned = match of {
                    _ if learned.is_empty() => &[],
                    Some(LearnedOf::Pair) => &learned[span],
                    _ => &learned[index..=index],
                };
                let columns = needs_columns.then(|| columns.sums());
                let context = Context { learned, columns, survey };
                bound.row(Row::new((&mut *scores, index), pairs, context, weights), statistics);
                if weights {
                    clear_others(scores, pairs.stretches(index));
                }
            }
        };
        for first in (0..n).step_by(panel_rows) {
            let span = first..n.min(first + panel_rows);
            let panel = &mut panel[..span.len() * stride];
            let rows = &mut self.rows[span.start * width..span.end * width];
            scorer.sweep(span.clone(), panel, rows, weights, digest);
            if weights {
                if let Some(factor) = running.raise(rows) {
                    scorer.rescale(factor);
                }
                let shift = running.shift();
                self.factors.clear();
                self.factors.extend(rows.chunks(width).map(|own| shift.factor_of::<T>(own)));
                self.shifts.resize(span.end, shift);
                scorer.accumulate(span, panel, &self.factors);
            }
        }
        compact(&mut self.rows, pairs);
        if self.rows.iter().any(has_nan) {
            // The scores have been overwritten: compute them again to find the NaN.
            find_nan(&mut scorer, panel, n)?;
        }
        let outcome = bound.finish(&mut self.rows, pairs.counts());
        let (mut evaluation, sign) = judge(bound, &outcome, pairs)?;
        let sign = sign * weight;
        if let Some(gradients) = gradients {
            let shift = running.shift();
            evaluation.overflow |= loses::<T>(&self.rows, &outcome, shift);
            let mut scale = |shift: Shift| {
                let (factor, cut) =
                    saturated(-sign * shift.power(outcome.log_scale, outcome.origin));
                evaluation.overflow |= cut;
                factor
            };
            self.row_scales.clear();
            let columns = scale(shift);
            // Rows of a panel share their shift.
            let mut latest = (shift, columns);
            self.row_scales.extend(self.shifts.iter().map(|&shift| {
                if shift != latest.0 {
                    latest = (shift, scale(shift));
                }
                latest.1
            }));
            self.positives.clear();
            let positives = self.rows.iter().map(|row| T::from_f64(sign * row.positive_gradient));
            self.positives.extend(positives);
            for (gradient, rows) in [(&mut *gradient_x, n), (&mut *gradient_y, m)] {
                if gradient.dim() != (rows, dim) {
                    *gradient = Array2::zeros((rows, dim));
                }
            }
            let numbers = numbers_of(bound.learned(), pairs);
            if gradient_learned.len() != numbers {
                *gradient_learned = Array1::zeros(numbers);
            }
            let of_pair = bound.learned() == Some(LearnedOf::Pair);
            gradient_learned.fill(T::zero());
            for (p, (&(i, _), row)) in pairs.positives().iter().zip(&self.rows).enumerate() {
                let gradient = &mut gradient_learned[if of_pair { p } else { i }];
                *gradient += T::from_f64(sign * row.learned_gradient);
            }
            let positives = if batch.pairs.is_none() {
                Positives::Diagonal(&self.positives)
            } else {
                Positives::Listed(pairs.positives(), &self.positives)
            };
            let scaling = Scaling { rows: &self.row_scales, columns, positives };
            let sides = (gradient_x.as_slice_mut(), gradient_y.as_slice_mut());
            let (Some(gradient_x), Some(gradient_y)) = sides else {
                unreachable!("gradients are row-major");
            };
            scorer.finish(scaling, gradient_x, gradient_y, gradients);
        }
        Ok((outcome, evaluation))
    }
}

/// Whether a row's negatives are lost next to those of other rows, although they matter next to
/// positives. In `T`, negatives are lost below 10⁻³⁸ of the others. The gradients of positives are
/// of the size of 1/K.
fn loses<T: Scalar>(rows: &[RowStatistics], outcome: &Outcome, shift: Shift) -> bool {
    // Entries of a row are smaller than its factor.
    let least = T::min_positive_value().to_f64().ln() - T::epsilon().to_f64().ln();
    let counts = T::epsilon().to_f64().ln() - (rows.len() as f64).ln();
    let shift = shift.log();
    rows.iter().any(|row| {
        let weight = row.log_weight - outcome.origin + outcome.log_scale;
        row.log_weight - shift < least && weight > counts
    })
}

fn has_nan(row: &RowStatistics) -> bool {
    row.positive.is_nan() || row.log_sum.is_nan() || row.extra.is_nan()
}

/// An error naming the first row of scores with NaN, if there is one.
fn find_nan<T: Scalar>(
    scorer: &mut Scorer<'_, T>,
    panel: &mut [T],
    n: usize,
) -> Result<(), EstimatorError> {
    for row in 0..n {
        let mut nan = [false];
        let found = |_: usize, scores: &mut [T], nan: &mut [bool]| {
            nan[0] = scores.iter().any(|s| s.is_nan());
        };
        let panel = &mut panel[..scorer.stride()];
        scorer.sweep(row..row + 1, panel, &mut nan, false, found);
        if nan == [true] {
            return Err(EstimatorError::NanScore { row });
        }
    }
    Ok(())
}
