//! Usable information (Xu et al., 2020): what a family of readers can use in features.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use crate::classes::{Classes, Label};
use crate::geometry::unit_rows;
use crate::kernel::Feature;
use crate::reader::{Chosen, LabelPrior};
use crate::training::{Warning, check_labels};
use crate::{EvalError, Family, Interval, LabelReading, Mean, StandardScaler, features};

/// Data for the training rows, and the same for the test rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainTest<V> {
    /// For the rows that readers are fitted to.
    pub train: V,
    /// For the rows on which readers are judged. No setting is chosen by them.
    pub test: V,
}

impl<V> TrainTest<V> {
    /// Data for both kinds of rows.
    pub fn new(train: V, test: V) -> Self {
        Self { train, test }
    }
}

/// V-information, on test rows.
///
/// Like every estimate of it, this is a property of a reader fitted to a number of rows, not of
/// distributions. It is negative if the fitted reader does worse on new rows than one that ignores
/// the features: it is overconfident, or misled by noise. It may grow when features are processed,
/// since a reader of the family may then be able to use more.
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
    /// al., 2022, definition 4.1); its mean is `value`. A misleading row has a negative value.
    pub pointwise: Vec<f64>,
    /// The setting of the reader, chosen on held-out training rows.
    pub chosen: Chosen,
    /// Warnings of the fit.
    pub warnings: Vec<Warning>,
}

impl VInformation {
    pub(crate) fn new(without: &[f64], with: &[f64], chosen: Chosen) -> Self {
        let pointwise: Vec<f64> = without.iter().zip(with).map(|(a, b)| a - b).collect();
        let Mean { value, standard_error, .. } = Mean::of(&pointwise);
        let (without, with) = (Mean::of(without).value, Mean::of(with).value);
        Self { value, standard_error, without, with, pointwise, chosen, warnings: Vec::new() }
    }

    /// The 95 % interval over test rows. It does not include the variation between training sets.
    pub fn interval(&self) -> Interval {
        let n = self.pointwise.len();
        Mean { value: self.value, standard_error: self.standard_error, n }.interval()
    }
}

/// The information about labels that readers of a family can use in features.
///
/// # Formula
/// `mean over test rows of ln p(y | x) − ln p(y)` (Xu et al., 2020, definition 2 and section 4):
/// p(y) are the training frequencies (by [`LabelPrior`]), and p(y | x) is a reader fitted to the
/// training rows, with its regularisation chosen on held-out ones.
///
/// # Shapes
/// `features`: n × d and m × d, `labels`: n and m.
///
/// # Errors
/// Those of [`Family::read_labels`].
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

/// V-information from the predictions for test rows of a reader fitted to the training labels; its
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

/// The information about labels that readers of a family can use in features beyond a base, such as
/// the pixels.
///
/// # Formula
/// `mean over test rows of ln p(y | b, x) − ln p(y | b, 0)`, with two readers of the same family,
/// on \[b; x\] and on \[b; 0\] (Hewitt et al., 2021, eq. 5). For nearest neighbours both parts are
/// first divided by their rows' lengths, so that they have equal weight; for the others both are
/// standardised.
///
/// # Shapes
/// `base`: n × c and m × c, `features`: n × d and m × d, `labels`: n and m.
///
/// # Errors
/// Those of [`Family::read_labels`], and a base and features with different numbers of rows.
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
        // A linear reader gives columns of zeros no weight, so they are left out to save time.
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

/// The information about real values, such as the representation of another view, that readers of a
/// family can use in features.
///
/// # Formula
/// `mean over test rows of ln p(y | x) − ln p(y)`: p(y) is the Gaussian of the training values, and
/// p(y | x) a Gaussian around a reader's prediction (for linear readers Xu et al., 2020,
/// proposition 1 (5)). It is not symmetric. An invertible linear map of the values changes nothing
/// up to rounding.
///
/// # Shapes
/// `features`: n × d and m × d, `values`: n × e and m × e.
///
/// # Errors
/// Those of [`Family::read_values`].
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
