use mi_kernels::{Scalar, positive_part};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip};
use serde::{Deserialize, Serialize};

use crate::{EvalError, features};

/// Which columns count as having no spread, and are not scaled. The enum is exhaustive, so that
/// code that names the rules has to handle a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Constant {
    /// Those whose spread may be rounding: at most [`MinMaxScaler::ROUNDING_UNITS`] in
    /// the last place of the largest absolute value.
    #[default]
    Rounding,
    /// Those whose spread is exactly 0, as in scikit-learn before 1.0. Any other column is scaled,
    /// however small its spread.
    Exact,
    /// Those whose spread is below ten times the machine epsilon of the features, whatever the size
    /// of their values, as in scikit-learn from 1.0 on (1.9.1 was read).
    TenEpsilon,
}

impl Constant {
    /// The largest spread that still counts as constant, for columns with these largest absolute
    /// values.
    fn spreads<T: Scalar>(self, largest: &Array1<f64>) -> Array1<f64> {
        let epsilon = T::epsilon().to_f64();
        match self {
            Self::Rounding => largest * (MinMaxScaler::ROUNDING_UNITS * epsilon),
            Self::Exact => Array1::zeros(largest.len()),
            Self::TenEpsilon => Array1::from_elem(largest.len(), (10.0 * epsilon).next_down()),
        }
    }
}

/// Maps the range of each training column onto [0, 1].
///
/// # Formula
/// x ↦ (x − min) / (max − min), with the training rows' minimum and maximum. A constant column has
/// no range and is only shifted: the training value becomes 0, and any other value keeps its
/// distance from it (5 becomes 0 and 7 becomes 2 after fitting on 5, 5, 5). Values outside the
/// training range are mapped outside [0, 1]; nothing is clipped.
///
/// By default a column counts as constant if its range is at most [`MinMaxScaler::ROUNDING_UNITS`]
/// units in the last place of its largest absolute value, so that rounding noise is not scaled up,
/// but a true range of 10⁻⁹ around 0 is. [`fit_with`](Self::fit_with) takes another rule.
#[derive(Clone, Debug, PartialEq)]
pub struct MinMaxScaler {
    affine: Affine,
}

impl MinMaxScaler {
    /// A range of at most this many units in the last place of the column's largest absolute value
    /// counts as rounding.
    pub const ROUNDING_UNITS: f64 = 4.0;

    /// Learns the range of each column.
    ///
    /// # Shapes
    /// `train` is samples × features.
    ///
    /// # Errors
    /// An empty matrix; a NaN or infinite feature (named by row and column); a range beyond the
    /// largest `f64`.
    pub fn fit<T: Scalar>(train: ArrayView2<'_, T>) -> Result<Self, EvalError> {
        Self::fit_with(train, Constant::Rounding)
    }

    /// Like [`fit`](Self::fit), with a choice of which columns count as constant.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit).
    pub fn fit_with<T: Scalar>(
        train: ArrayView2<'_, T>,
        constant: Constant,
    ) -> Result<Self, EvalError> {
        const OPERATION: &str = "min-max scaler, fit";
        features::check(OPERATION, &train)?;
        let mut low = train.row(0).mapv(Scalar::to_f64);
        let mut high = low.clone();
        for row in train.rows() {
            Zip::from(&mut low).and(&mut high).and(row).for_each(|low, high, &v| {
                let v = v.to_f64();
                *low = if v < *low { v } else { *low };
                *high = if v > *high { v } else { *high };
            });
        }
        let range = &high - &low;
        let largest = Zip::from(&low).and(&high).map_collect(|&l, &h| l.abs().max(h.abs()));
        let spreads = constant.spreads::<T>(&largest);
        Ok(Self { affine: Affine::new(OPERATION, low, range, &spreads, train.row(0))? })
    }

    /// Scales features with the training range.
    ///
    /// # Shapes
    /// `features` is samples × features; the result has the same shape, in row-major order.
    ///
    /// # Errors
    /// A number of columns that differs from that of the fit; a NaN or infinite feature.
    pub fn transform<T: Scalar>(
        &self,
        features: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, EvalError> {
        self.affine.transform("min-max scaler, transform", features)
    }
}

/// Gives each training column mean 0 and standard deviation 1.
///
/// # Formula
/// x ↦ (x − mean) / sd with the training rows' mean and (population) standard deviation. A constant
/// column becomes 0.
///
/// Mean and deviation are computed in `f64` in two passes, the second with the correction of Chan,
/// Golub and `LeVeque` (1983, eq. 1.7), so a large mean costs no digits. A column counts as
/// constant if its deviation is at most 4 units in the last place of its largest absolute value: a
/// thousand times 14.62 is constant, a deviation of 10⁻⁹ around 0 is scaled.
#[derive(Clone, Debug, PartialEq)]
pub struct StandardScaler {
    affine: Affine,
}

impl StandardScaler {
    /// Learns mean and standard deviation of each column.
    ///
    /// # Shapes
    /// `train` is samples × features.
    ///
    /// # Errors
    /// An empty matrix; a NaN or infinite feature (named by row and column); a variance beyond
    /// the largest `f64`.
    pub fn fit<T: Scalar>(train: ArrayView2<'_, T>) -> Result<Self, EvalError> {
        const OPERATION: &str = "standard scaler, fit";
        features::check(OPERATION, &train)?;
        let (rows, columns) = train.dim();
        let n = rows as f64;
        // Sums of values divided by n, not values summed and divided: no intermediate overflow.
        let mut mean = Array1::<f64>::zeros(columns);
        let mut largest = Array1::<f64>::zeros(columns);
        for row in train.rows() {
            Zip::from(&mut mean).and(&mut largest).and(row).for_each(|mean, largest, &v| {
                let v = v.to_f64();
                *mean += v / n;
                *largest = if v.abs() > *largest { v.abs() } else { *largest };
            });
        }
        let mut squares = Array1::<f64>::zeros(columns);
        let mut residual = Array1::<f64>::zeros(columns);
        for row in train.rows() {
            Zip::from(&mut squares).and(&mut residual).and(&mean).and(row).for_each(
                |square, residual, &mean, &v| {
                    let deviation = v.to_f64() - mean;
                    *square += deviation * deviation;
                    *residual += deviation;
                },
            );
        }
        let deviation = Zip::from(&squares).and(&residual).map_collect(|&square, &residual| {
            (positive_part(square - residual * residual / n) / n).sqrt()
        });
        mean.scaled_add(1.0 / n, &residual);
        let spreads = Constant::Rounding.spreads::<T>(&largest);
        Ok(Self { affine: Affine::new(OPERATION, mean, deviation, &spreads, train.row(0))? })
    }

    /// Whether a training column had no spread beyond rounding.
    pub(crate) fn is_constant(&self, column: usize) -> bool {
        self.affine.constant.binary_search(&column).is_ok()
    }

    /// The training columns' standard deviations; 1 for a constant one.
    pub(crate) fn deviations(&self) -> Array1<f64> {
        self.affine.factor.mapv(f64::recip)
    }

    /// Standardises features with the training rows' moments.
    ///
    /// # Shapes
    /// `features` is samples × features; the result has the same shape, in row-major order.
    ///
    /// # Errors
    /// A number of columns that differs from that of the fit; a NaN or infinite feature.
    pub fn transform<T: Scalar>(
        &self,
        features: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, EvalError> {
        self.affine.transform("standard scaler, transform", features)
    }
}

/// x ↦ (x − shift) · factor, column by column.
#[derive(Clone, Debug, PartialEq)]
struct Affine {
    shift: Array1<f64>,
    factor: Array1<f64>,
    /// Columns without a spread, ascending.
    constant: Vec<usize>,
}

impl Affine {
    /// A column is constant if its spread is at most that in `constant`; its value is then that in
    /// `values`.
    fn new<T: Scalar>(
        operation: &'static str,
        mut shift: Array1<f64>,
        spread: Array1<f64>,
        constant: &Array1<f64>,
        values: ArrayView1<'_, T>,
    ) -> Result<Self, EvalError> {
        if let Some(column) = spread.iter().position(|s| !s.is_finite()) {
            return Err(EvalError::Overflow { operation, column });
        }
        let mut factor = spread.mapv(f64::recip);
        let constant: Vec<usize> = (0..spread.len())
            .filter(|&j| spread[j] <= constant[j] || !factor[j].is_finite())
            .collect();
        for &column in &constant {
            factor[column] = 1.0;
            // A mean is off by rounding; this way the column becomes exactly 0.
            shift[column] = values[column].to_f64();
        }
        Ok(Self { shift, factor, constant })
    }

    fn transform<T: Scalar>(
        &self,
        operation: &'static str,
        features: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, EvalError> {
        features::check_columns(operation, self.shift.len(), features.ncols())?;
        features::check(operation, &features)?;
        let mut scaled = Array2::zeros(features.dim());
        for (mut out, row) in scaled.axis_iter_mut(Axis(0)).zip(features.rows()) {
            Zip::from(&mut out).and(row).and(&self.shift).and(&self.factor).for_each(
                |out, &v, &shift, &factor| *out = T::from_f64((v.to_f64() - shift) * factor),
            );
        }
        Ok(scaled)
    }
}
