//! Predictive families: what a restricted reader may do with features, and how it is fitted.
//!
//! A reader of labels gives log-probabilities, one of real values a Gaussian density. Its
//! regularisation (a penalty, an epoch, a share of the prior) is chosen on held-out training rows.

mod gaussian;
mod linear;
mod logistic;
mod mlp;
mod nearest;
mod network;
mod prior;
mod reading;
mod ridge;

pub use gaussian::LinearGaussian;
pub(crate) use gaussian::Whitened;
pub use linear::LinearReader;
pub use logistic::LogisticReader;
pub use mlp::MlpReader;
pub use nearest::NearestReader;
#[cfg(feature = "faer")]
pub(crate) use nearest::Search;
pub use prior::LabelPrior;
pub use reading::{Chosen, LabelReading, ValueReading};

use std::sync::Arc;

use mi_random::Stream;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::classes::{Classes, Label};
use crate::kernel::Feature;
use crate::training::check_labels;
use crate::{EvalError, features};

/// A family of readers: the V of V-information.
///
/// | family | of labels | of real values | chosen on held-out rows |
/// | --- | --- | --- | --- |
/// | [`linear`](Self::linear) | softmax of a linear map | Gaussian around a linear map | penalty |
/// | [`mlp`](Self::mlp) | softmax of one hidden layer | Gaussian around one hidden layer | epoch |
/// | [`nearest`](Self::nearest) | weighted votes of neighbours | Gaussian around their mean | share of the prior |
///
/// ```
/// use mi_eval::{Family, Stream, ndarray::Axis};
///
/// // The label is the parity of two signs: a linear reader cannot use it, a neighbour can.
/// let features = Stream::new(1, "example").normal_matrix((3000, 2)).mapv(|v| v.signum() + 0.1 * v);
/// let labels: Vec<bool> = features.rows().into_iter().map(|x| x[0] * x[1] > 0.0).collect();
/// let (train, test) = features.view().split_at(Axis(0), 2000);
/// let (train_labels, test_labels) = labels.split_at(2000);
/// let accuracy = |family: Family| {
///     family.read_labels(train, train_labels, test, None, 0)?.accuracy(test_labels)
/// };
/// assert!(accuracy(Family::linear())? < 0.6);
/// assert!(accuracy(Family::nearest())? > 0.99);
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Family {
    /// Linear readers.
    Linear(LinearReader),
    /// Readers with one hidden layer.
    Mlp(MlpReader),
    /// k nearest neighbours.
    Nearest(NearestReader),
}

impl Family {
    /// Linear readers with the default settings.
    pub fn linear() -> Self {
        Self::Linear(LinearReader::default())
    }

    /// Readers with one hidden layer of `width` units, and otherwise the default settings.
    pub fn mlp(width: usize) -> Self {
        Self::Mlp(MlpReader { width, ..MlpReader::default() })
    }

    /// Nearest neighbours with the default settings.
    pub fn nearest() -> Self {
        Self::Nearest(NearestReader::default())
    }

    /// A short name: `linear`, `mlp-200`, `knn-20`.
    pub fn name(&self) -> String {
        match self {
            Self::Linear(_) => "linear".to_owned(),
            Self::Mlp(reader) => format!("mlp-{}", reader.width),
            Self::Nearest(reader) => format!("knn-{}", reader.k),
        }
    }

    /// Learns labels from training rows, and gives the probability of each label for other rows.
    ///
    /// `classes` may list classes that no training row has; by default they are the training
    /// labels. No class of the list has probability 0, unless a [`NearestReader`] may use no prior.
    /// The same seed gives the same bits.
    ///
    /// # Shapes
    /// `train`: n × d with n labels, `rows`: m × d; the result is about m rows.
    ///
    /// # Errors
    /// An empty matrix, a NaN or infinite feature, numbers of columns or labels that do not match,
    /// a label outside the list, a setting out of range, too few rows to hold some out, weights
    /// that overflow.
    pub fn read_labels<T: Feature, L: Label>(
        &self,
        train: ArrayView2<'_, T>,
        labels: &[L],
        rows: ArrayView2<'_, T>,
        classes: Option<&Classes<L>>,
        seed: u64,
    ) -> Result<LabelReading<L>, EvalError> {
        const OPERATION: &str = "reader of labels";
        features::check(OPERATION, &train)?;
        features::check(OPERATION, &rows)?;
        features::check_columns(OPERATION, train.ncols(), rows.ncols())?;
        check_labels(OPERATION, train.nrows(), labels.len())?;
        let own;
        let classes = if let Some(classes) = classes {
            classes
        } else {
            own = Classes::from_labels(labels)?;
            &own
        };
        let coded = classes.code(labels)?;
        let mut stream = Self::stream(seed);
        let coded = (&coded[..], classes.len());
        let read = match self {
            Self::Linear(reader) => reader.read_labels(train, coded, rows, &mut stream),
            Self::Mlp(reader) => reader.read_labels(train, coded, rows, &mut stream),
            Self::Nearest(reader) => reader.read_labels(train, coded, rows, &mut stream),
        }?;
        Ok(LabelReading::new(classes.clone(), read))
    }

    /// Learns real values from training rows, and predicts them for other rows: a Gaussian whose
    /// mean depends on the features and whose covariance does not.
    ///
    /// The covariance is that of residuals: on the training rows for linear readers (maximum
    /// likelihood), and on held-out training rows for the others, which fit their training rows too
    /// closely. A column of `values` that is constant, or a linear function of those before it up
    /// to a millionth of its variance, is left out.
    ///
    /// # Shapes
    /// `train`: n × d, `values`: n × e, `rows`: m × d.
    ///
    /// # Errors
    /// Those of [`read_labels`](Self::read_labels); also values that are all constant, and fewer
    /// residuals than the values have columns, plus two: held-out rows, or for linear readers
    /// training rows.
    pub fn read_values<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        values: ArrayView2<'_, T>,
        rows: ArrayView2<'_, T>,
        seed: u64,
    ) -> Result<ValueReading, EvalError> {
        const OPERATION: &str = "reader of values";
        features::check(OPERATION, &train)?;
        features::check(OPERATION, &values)?;
        self.read_whitened(train, &Arc::new(Whitened::new(OPERATION, &values)?), rows, seed)
    }

    /// The same for values that are already whitened.
    pub(crate) fn read_whitened<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        target: &Arc<Whitened>,
        rows: ArrayView2<'_, T>,
        seed: u64,
    ) -> Result<ValueReading, EvalError> {
        const OPERATION: &str = "reader of values";
        features::check(OPERATION, &rows)?;
        features::check_columns(OPERATION, train.ncols(), rows.ncols())?;
        features::check_rows(OPERATION, train.nrows(), target.train.nrows())?;
        let mut stream = Self::stream(seed);
        let predicted = match self {
            Self::Linear(reader) => reader.read_values(train, target, rows, &mut stream),
            Self::Mlp(reader) => reader.read_values(train, target, rows, &mut stream),
            Self::Nearest(reader) => reader.read_values(train, target, rows, &mut stream),
        }?;
        Ok(ValueReading::new(target.clone(), predicted))
    }

    /// The random stream of a reader.
    pub(crate) fn stream(seed: u64) -> Stream {
        Stream::new(seed, "reader")
    }
}
