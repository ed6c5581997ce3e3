//! Usable information (Xu et al., 2020): what a family of readers finds in features.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use crate::classes::{Classes, Label};
use crate::geometry::unit_rows;
use crate::kernel::Feature;
use crate::reader::{Chosen, LabelPrior};
use crate::training::{Warning, check_labels};
use crate::{EvalError, Family, Interval, LabelReading, Mean, StandardScaler, features};

/// Something of the training rows, and the same of the test rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainTest<V> {
    /// Of the rows that readers are fitted to.
    pub train: V,
    /// Of the rows that they are judged by, and that choose nothing.
    pub test: V,
}

impl<V> TrainTest<V> {
    /// Both.
    pub fn new(train: V, test: V) -> Self {
        Self { train, test }
    }
}

/// V-information, on test rows.
///
/// Not a property of distributions but of a reader fitted to so many rows, as every estimate of
/// it. It is negative if the fitted reader does worse on new rows than one that ignores the
/// features: too sure of itself, or misled by noise. It may grow when features are processed: what
/// no reader of the family could use, it now can.
#[derive(Clone, Debug, PartialEq)]
pub struct VInformation {
    /// `H_V(Y) − H_V(Y | X)` in nats.
    pub value: f64,
    /// Its standard error over test rows.
    pub standard_error: f64,
    /// `H_V(Y)`: the mean of −ln p(y) without the features, in nats.
    pub without: f64,
    /// `H_V(Y | X)`: the mean of −ln p(y | x), in nats.
    pub with: f64,
    /// Pointwise V-information of every test row, `ln p(y | x) − ln p(y)` in nats (Ethayarajh et
    /// al., 2022, definition 4.1); its mean is `value`. A row that misleads has a negative one.
    pub pointwise: Vec<f64>,
    /// What held-out training rows chose for the reader.
    pub chosen: Chosen,
    /// What a person should know of the fit.
    pub warnings: Vec<Warning>,
}

impl VInformation {
    pub(crate) fn new(without: &[f64], with: &[f64], chosen: Chosen) -> Self {
        let pointwise: Vec<f64> = without.iter().zip(with).map(|(a, b)| a - b).collect();
        let Mean { value, standard_error, .. } = Mean::of(&pointwise);
        let (without, with) = (Mean::of(without).value, Mean::of(with).value);
        Self { value, standard_error, without, with, pointwise, chosen, warnings: Vec::new() }
    }

    /// The 95 % interval over test rows. It does not count that another training set would give
    /// another reader.
    pub fn interval(&self) -> Interval {
        let n = self.pointwise.len();
        Mean { value: self.value, standard_error: self.standard_error, n }.interval()
    }
}

/// What readers of a family find in features about labels.
///
/// # Formula
/// `mean over test rows of ln p(y | x) − ln p(y)` (Xu et al., 2020, definition 2 and section 4):
/// p(y) the training frequencies (by [`LabelPrior`]), p(y | x) a reader fitted to the training
/// rows, its regularisation chosen on held-out ones.
///
/// # Shapes
/// `features`: n × d and m × d, `labels`: n and m.
///
/// # Errors
/// As [`Family::read_labels`].
///
/// ```
/// use mi_eval::{Family, Stream, TrainTest, ndarray::Axis, v_information};
///
/// let features = Stream::new(1, "example").normal_matrix((3000, 2));
/// let labels: Vec<bool> = features.column(0).iter().map(|&x| x > 0.0).collect();
/// let (train, test) = features.view().split_at(Axis(0), 2000);
/// let features = TrainTest::new(train, test);
/// let labels = TrainTest::new(&labels[..2000], &labels[2000..]);
/// let found = v_information(&Family::linear(), features, labels, 0)?;
/// assert!(found.value > 0.6 && found.value < found.without); // of ln 2 = 0.693 nats
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
pub fn v_information<T: Feature, L: Label>(
    family: &Family,
    features: TrainTest<ArrayView2<'_, T>>,
    labels: TrainTest<&[L]>,
    seed: u64,
) -> Result<VInformation, EvalError> {
    let classes = all_classes(labels)?;
    let TrainTest { train, test } = features;
    let reading = family.read_labels(train, labels.train, test, Some(&classes), seed)?;
    about_labels(&reading, labels)
}

/// V-information from what a reader fitted to the training labels says about the test rows; its
/// classes are [`all_classes`].
pub(crate) fn about_labels<L: Label>(
    reading: &LabelReading<L>,
    labels: TrainTest<&[L]>,
) -> Result<VInformation, EvalError> {
    let classes = reading.classes();
    let prior = LabelPrior::of(&classes.code(labels.train)?, classes.len());
    let test = classes.code(labels.test)?;
    let without: Vec<f64> = test.into_iter().map(|label| prior.log_loss(label as usize)).collect();
    let with = reading.log_losses(labels.test)?;
    let found = VInformation::new(&without, &with, reading.chosen());
    Ok(VInformation { warnings: reading.warnings().to_vec(), ..found })
}

/// The classes of the training rows, then those that only test rows have.
pub(crate) fn all_classes<L: Label>(labels: TrainTest<&[L]>) -> Result<Classes<L>, EvalError> {
    let known = Classes::from_labels(labels.train)?;
    let tested = Classes::from_labels(labels.test)?;
    let mut names = known.names().to_vec();
    names.extend(tested.names().iter().filter(|l| known.index_of(l).is_none()).cloned());
    Classes::declared(names)
}

/// What readers of a family find in features about labels beyond a base, such as the pixels.
///
/// # Formula
/// `mean over test rows of ln p(y | b, x) − ln p(y | b, 0)`, both readers of the same family, on
/// \[b; x\] and on \[b; 0\] (Hewitt et al., 2021, eq. 5). For nearest neighbours both parts are
/// divided by their rows' lengths first, so that they weigh the same; for the others both are
/// standardised.
///
/// # Shapes
/// `base`: n × c and m × c, `features`: n × d and m × d, `labels`: n and m.
///
/// # Errors
/// As [`Family::read_labels`], and base and features that differ in rows.
pub fn conditional_v_information<T: Feature, L: Label>(
    family: &Family,
    base: TrainTest<ArrayView2<'_, T>>,
    features: TrainTest<ArrayView2<'_, T>>,
    labels: TrainTest<&[L]>,
    seed: u64,
) -> Result<VInformation, EvalError> {
    const OPERATION: &str = "conditional V-information";
    for (base, features) in [(base.train, features.train), (base.test, features.test)] {
        features::check_rows(OPERATION, base.nrows(), features.nrows())?;
    }
    let classes = all_classes(labels)?;
    let side = |view: TrainTest<ArrayView2<'_, T>>| prepared(family, view);
    let (base, features) = (side(base)?, side(features)?);
    let read = |features: &TrainTest<Array2<T>>| {
        let join = |base: &Array2<T>, features: &Array2<T>| {
            concatenate(Axis(1), &[base.view(), features.view()])
                .unwrap_or_else(|_| unreachable!("both have the same rows"))
        };
        let train = join(&base.train, &features.train);
        let test = join(&base.test, &features.test);
        family.read_labels(train.view(), labels.train, test.view(), Some(&classes), seed)
    };
    let with = read(&features)?;
    let zeros = |features: &Array2<T>| {
        // A linear reader gives columns of zeros no weight, and needs none of their time.
        let columns = if matches!(family, Family::Linear(_)) { 0 } else { features.ncols() };
        Array2::zeros((features.nrows(), columns))
    };
    let without = read(&TrainTest::new(zeros(&features.train), zeros(&features.test)))?;
    let losses = |reading: &LabelReading<L>| reading.log_losses(labels.test);
    let found = VInformation::new(&losses(&without)?, &losses(&with)?, with.chosen());
    let warnings = [without.warnings(), with.warnings()].concat();
    Ok(VInformation { warnings, ..found })
}

/// Unit rows for nearest neighbours, standardised columns for others.
fn prepared<T: Feature>(
    family: &Family,
    features: TrainTest<ArrayView2<'_, T>>,
) -> Result<TrainTest<Array2<T>>, EvalError> {
    let TrainTest { train, test } = features;
    let scaler = StandardScaler::fit(train)?;
    Ok(match family {
        Family::Nearest(_) => TrainTest::new(unit_rows(&train), unit_rows(&test)),
        _ => TrainTest::new(scaler.transform(train)?, scaler.transform(test)?),
    })
}

/// What readers of a family find in features about real values, such as the representation of
/// another view.
///
/// # Formula
/// `mean over test rows of ln p(y | x) − ln p(y)`: p(y) the Gaussian of the training values, p(y | x)
/// one around a reader's prediction (for linear readers Xu et al., 2020, proposition 1 (5)). It is
/// not symmetric. An invertible linear map of the values changes nothing except by rounding.
///
/// # Shapes
/// `features`: n × d and m × d, `values`: n × e and m × e.
///
/// # Errors
/// As [`Family::read_values`].
pub fn v_information_about_values<T: Feature>(
    family: &Family,
    features: TrainTest<ArrayView2<'_, T>>,
    values: TrainTest<ArrayView2<'_, T>>,
    seed: u64,
) -> Result<VInformation, EvalError> {
    let reading = family.read_values(features.train, values.train, features.test, seed)?;
    let (with, without) = reading.log_losses(values.test)?;
    Ok(VInformation::new(&without, &with, reading.chosen()))
}

pub(crate) fn check_counts<T: Feature, L: Label>(
    operation: &'static str,
    features: TrainTest<ArrayView2<'_, T>>,
    labels: TrainTest<&[L]>,
) -> Result<(), EvalError> {
    check_labels(operation, features.train.nrows(), labels.train.len())?;
    check_labels(operation, features.test.nrows(), labels.test.len())
}
