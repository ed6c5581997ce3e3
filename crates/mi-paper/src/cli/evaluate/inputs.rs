//! The arrays of a command, separated into training and test samples.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use mi_eval::{Feature, Stream, TrainTest};
use ndarray::{Array2, ArrayView2, Axis};

use super::Evaluate;
use super::arrays::{self, Matrix};

/// One kind of features: those of the first file, and of the test samples if they are given.
pub(super) struct Side {
    first: Matrix,
    test: Option<Matrix>,
}

/// All inputs.
pub(super) struct Inputs {
    pub(super) features: Side,
    pub(super) labels: Vec<i64>,
    pub(super) test_labels: Option<Vec<i64>>,
    pub(super) view: Option<Side>,
    pub(super) base: Option<Side>,
}

impl Inputs {
    pub(super) fn read(options: &Evaluate) -> Result<Self> {
        let separate = options.test_features.is_some();
        let side = |name: &str, first: &Option<PathBuf>, test: &Option<PathBuf>| {
            let Some(first) = first else { return Ok(None) };
            if separate && test.is_none() {
                bail!(
                    "--{name} has no test samples: also give --test-{name}, since --test-features \
                     is given"
                );
            }
            let test = test.as_deref().map(Matrix::read).transpose()?;
            Ok(Some(Side { first: Matrix::read(first)?, test }))
        };
        let features = Side {
            first: Matrix::read(&options.features)?,
            test: options.test_features.as_deref().map(Matrix::read).transpose()?,
        };
        let labels = arrays::labels(&options.labels)?;
        let test_labels = options.test_labels.as_deref().map(arrays::labels).transpose()?;
        let view = side("view", &options.view, &options.test_view)?;
        let base = side("base", &options.base, &options.test_base)?;
        Ok(Self { features, labels, test_labels, view, base })
    }

    pub(super) fn any_double(&self) -> bool {
        let sides = [Some(&self.features), self.view.as_ref(), self.base.as_ref()];
        let matrices = sides
            .into_iter()
            .flatten()
            .flat_map(|side| [Some(&side.first), side.test.as_ref()].into_iter().flatten());
        matrices.into_iter().any(Matrix::is_double)
    }
}

/// Training and test samples of one kind.
pub(super) struct Parts<V> {
    pub(super) train: V,
    pub(super) test: V,
}

impl<T: Feature> Parts<Array2<T>> {
    /// Separates the held-out samples, if no test samples are given.
    pub(super) fn of(side: &Side, split: Option<&Split>, path: &Path) -> Result<Self> {
        let first: Array2<T> = side.first.cast();
        let (Some(split), None) = (split, &side.test) else {
            let test = side.test.as_ref().map_or_else(|| first.clone(), Matrix::cast);
            return Ok(Self { train: first, test });
        };
        if first.nrows() != split.rows {
            let (found, rows) = (first.nrows(), split.rows);
            bail!("{}: {found} samples, but there are {rows} labels", path.display());
        }
        let rows = |rows: &[usize]| first.select(Axis(0), rows);
        Ok(Self { train: rows(&split.train), test: rows(&split.test) })
    }

    pub(super) fn views(&self) -> TrainTest<ArrayView2<'_, T>> {
        TrainTest::new(self.train.view(), self.test.view())
    }
}

/// Which samples are held out for testing.
pub(super) struct Split {
    rows: usize,
    pub(super) train: Vec<usize>,
    pub(super) test: Vec<usize>,
}

impl Split {
    pub(super) fn new(rows: usize, share: f64, seed: u64) -> Result<Self> {
        if !(share > 0.0 && share < 1.0) {
            bail!("--test-share is {share}, but has to be above 0 and below 1");
        }
        let count = (share * rows as f64).round() as usize;
        if count == 0 || count >= rows {
            bail!(
                "--test-share {share} of {rows} samples leaves none to {}; give more samples or \
                 another share",
                if count == 0 { "test on" } else { "train on" }
            );
        }
        let mut order = Stream::new(seed, "test samples").permutation(rows);
        let mut train = order.split_off(count);
        train.sort_unstable();
        order.sort_unstable();
        Ok(Self { rows, train, test: order })
    }
}
