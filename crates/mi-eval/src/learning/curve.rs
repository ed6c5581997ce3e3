use mi_kernels::positive_part;
use mi_random::Stream;
use ndarray::{ArrayView2, Axis, concatenate, s};

use super::complexity::{DescriptionLength, Surplus};
use crate::classes::Label;
use crate::kernel::Feature;
use crate::reader::Chosen;
use crate::training::check_labels;
use crate::v_information::all_classes;
use crate::{EvalError, Family, Mean, TrainTest, features};

/// The published ends of the blocks of an online code, in per mille of the rows (Voita and Titov,
/// 2020, section 3.2).
const PER_MILLE: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 62.5, 125.0, 250.0, 500.0, 1000.0];

/// Blocks that would end before this many rows are joined to the next: readers learn nothing from
/// so few.
const SMALLEST: usize = 32;

/// The ends of the blocks of an online code of `n` rows: 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25, 12.5,
/// 25, 50 and 100 % of them, without those below 32.
///
/// ```
/// assert_eq!(mi_eval::online_code_sizes(60_000)[..3], [60, 120, 240]);
/// assert_eq!(mi_eval::online_code_sizes(1300), [42, 81, 163, 325, 650, 1300]);
/// ```
pub fn online_code_sizes(n: usize) -> Vec<usize> {
    let sizes = PER_MILLE.iter().map(|per_mille| (per_mille * n as f64 / 1000.0).round() as usize);
    sizes.filter(|&size| size >= SMALLEST.min(n)).collect()
}

/// Readers fitted to increasing numbers of the first rows, and their losses. One such curve gives
/// the minimum description length, the sample complexity and the surplus description length
/// (Whitney et al., 2020).
///
/// ```
/// use mi_eval::{Family, LossDataCurve, Stream, TrainTest, ndarray::Axis, online_code_sizes};
///
/// let features = Stream::new(1, "example").normal_matrix((1200, 3));
/// let labels: Vec<bool> = features.column(0).iter().map(|&x| x > 0.0).collect();
/// let (train, test) = features.view().split_at(Axis(0), 1000);
/// let features = TrainTest::new(train, test);
/// let labels = TrainTest::new(&labels[..1000], &labels[1000..]);
/// let sizes = online_code_sizes(1000);
/// let curve = LossDataCurve::fit(&Family::linear(), features, labels, &sizes, 0)?;
/// let code = curve.description_length();
/// assert!(code.compression > 4.0 && code.nats < code.uniform);
/// assert!(curve.sample_complexity(0.3).is_some_and(|n| n < 1000));
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LossDataCurve {
    points: Vec<CurvePoint>,
    classes: usize,
}

/// A reader of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// Rows it was fitted to.
    pub n: usize,
    /// Mean log loss on the test rows, in nats.
    pub loss: Mean,
    /// Fraction of test rows classified correctly.
    pub accuracy: f64,
    /// Sum of −ln p(label | row) over the rows between this size and the next, in nats; `None` for
    /// the last.
    pub next_block: Option<f64>,
    /// The setting chosen on held-out rows among its own.
    pub chosen: Chosen,
}

impl LossDataCurve {
    /// Fits a reader to the first rows, for each of `sizes`, in an order drawn from the seed. The
    /// order is the same for every representation of the same rows.
    ///
    /// # Shapes
    /// `features`: n × d and m × d, `labels`: n and m.
    ///
    /// # Errors
    /// Those of [`Family::read_labels`]; sizes that do not increase, or exceed the number of rows.
    pub fn fit<T: Feature, L: Label>(
        family: &Family,
        features: TrainTest<ArrayView2<'_, T>>,
        labels: TrainTest<&[L]>,
        sizes: &[usize],
        seed: u64,
    ) -> Result<Self, EvalError> {
        check_labels("loss-data curve", features.train.nrows(), labels.train.len())?;
        let order = Stream::new(seed, "loss-data curve").permutation(features.train.nrows());
        let train = features.train.select(Axis(0), &order);
        let train_labels: Vec<L> = order.iter().map(|&row| labels.train[row].clone()).collect();
        let features = TrainTest::new(train.view(), features.test);
        Self::in_order(family, features, TrainTest::new(&train_labels, labels.test), sizes, seed)
    }

    /// Like [`fit`](Self::fit), but with the rows in the given order, which must not depend on the
    /// labels.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit).
    pub fn in_order<T: Feature, L: Label>(
        family: &Family,
        features: TrainTest<ArrayView2<'_, T>>,
        labels: TrainTest<&[L]>,
        sizes: &[usize],
        seed: u64,
    ) -> Result<Self, EvalError> {
        const OPERATION: &str = "loss-data curve";
        let (train, test) = (features.train, features.test);
        check_labels(OPERATION, train.nrows(), labels.train.len())?;
        check_labels(OPERATION, test.nrows(), labels.test.len())?;
        features::check_columns(OPERATION, train.ncols(), test.ncols())?;
        let increasing = sizes.windows(2).all(|pair| pair[0] < pair[1]);
        if !increasing || !sizes.iter().all(|n| (1..=train.nrows()).contains(n)) || sizes.is_empty()
        {
            return Err(EvalError::Setting {
                name: "sizes",
                value: format!("{sizes:?} of {} rows", train.nrows()),
                range: "at least one, increasing, from 1 to the number of rows",
            });
        }
        let classes = all_classes(labels)?;
        let mut points = Vec::with_capacity(sizes.len());
        for (index, &n) in sizes.iter().enumerate() {
            let next = sizes.get(index + 1).copied().unwrap_or(n);
            // One fit reads both kinds of rows.
            let block = train.slice(s![n..next, ..]);
            let rows = concatenate(Axis(0), &[block, test])
                .unwrap_or_else(|_| unreachable!("both have the same columns"));
            let reading = family.read_labels(
                train.slice(s![..n, ..]),
                &labels.train[..n],
                rows.view(),
                Some(&classes),
                seed,
            )?;
            let both = [&labels.train[n..next], labels.test].concat();
            let losses = reading.log_losses(&both)?;
            let (of_block, of_test) = losses.split_at(next - n);
            let correct = reading.correct_from(next - n, labels.test);
            points.push(CurvePoint {
                n,
                loss: Mean::of(of_test),
                accuracy: correct as f64 / labels.test.len() as f64,
                next_block: (next > n).then(|| of_block.iter().sum()),
                chosen: reading.chosen(),
            });
        }
        Ok(Self { points, classes: classes.len() })
    }

    /// The readers, by the number of their rows.
    pub fn points(&self) -> &[CurvePoint] {
        &self.points
    }

    /// The length of an online code of the labels, given the features.
    ///
    /// # Formula
    /// `L = t₁ ln K − Σ_i Σ_{rows t_i+1..t_{i+1}} ln p_i(y | x)`: the first t₁ labels cost ln K
    /// each (K classes), and those of every later block the log loss of the reader of all rows
    /// before it (Voita and Titov, 2020, eq. 3). Covers the rows up to the largest size.
    pub fn description_length(&self) -> DescriptionLength {
        let (first, last) = (self.points[0].n, self.points[self.points.len() - 1].n);
        let uniform = |rows: usize| rows as f64 * (self.classes as f64).ln();
        let blocks: f64 = self.points.iter().filter_map(|point| point.next_block).sum();
        DescriptionLength::new(uniform(first) + blocks, uniform(last))
    }

    /// The ε-sample complexity: the fewest rows, among the sizes, whose reader has a test loss of
    /// at most `epsilon` nats; `None` if no size was enough (Whitney et al., 2020, definition 4).
    pub fn sample_complexity(&self, epsilon: f64) -> Option<usize> {
        self.points.iter().find(|point| point.loss.value <= epsilon).map(|point| point.n)
    }

    /// The surplus description length: the cost of a code above one of `epsilon` nats per row.
    ///
    /// # Formula
    /// `Σ_i (n_i − n_{i−1}) max(L_i − ε, 0)` with n₀ = 0 and `L_i` the test loss of the reader of
    /// `n_i` rows (Whitney et al., 2020, definition 3, by the steps of their code). A lower bound
    /// if the last loss is still above ε.
    pub fn surplus(&self, epsilon: f64) -> Surplus {
        let (mut nats, mut before) = (0.0, 0);
        for point in &self.points {
            nats += (point.n - before) as f64 * positive_part(point.loss.value - epsilon);
            before = point.n;
        }
        let last = &self.points[self.points.len() - 1];
        Surplus { nats, is_bound: last.loss.value > epsilon }
    }
}
