//! Reads features and labels from NPY files.

use std::path::Path;

use anyhow::{Context, Result, bail};
use mi_eval::Feature;
use ndarray::{Array, Array2, Dimension, Ix1, Ix2};
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement};

/// A matrix of features, in the precision of its file.
pub(super) enum Matrix {
    Single(Array2<f32>),
    Double(Array2<f64>),
}

impl Matrix {
    /// Reads samples × features.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = bytes(path)?;
        let found = of_type::<f32, Ix2, _>(&bytes, |v| v)
            .map(|found| found.map(Self::Single))
            .or_else(|| of_type(&bytes, |v: f64| v).map(|found| found.map(Self::Double)))
            .or_else(|| of_type(&bytes, |v: u8| f32::from(v)).map(|found| found.map(Self::Single)))
            .or_else(|| of_integers(&bytes, |v| v as f64).map(|found| found.map(Self::Double)));
        readable(path, found, "features are a matrix, samples × features")
    }

    pub(super) fn is_double(&self) -> bool {
        matches!(self, Self::Double(_))
    }

    /// The matrix with elements of type `T`.
    pub(super) fn cast<T: Feature>(&self) -> Array2<T> {
        match self {
            Self::Single(matrix) => matrix.mapv(|v| T::from_f64(f64::from(v))),
            Self::Double(matrix) => matrix.mapv(T::from_f64),
        }
    }
}

/// Reads one integer per sample.
pub(super) fn labels(path: &Path) -> Result<Vec<i64>> {
    let bytes = bytes(path)?;
    let found = of_integers::<Ix1, _>(&bytes, |v| i64::try_from(v).ok())
        .or_else(|| of_type(&bytes, |v: bool| Some(v.into())))
        .or_else(|| of_type(&bytes, |v: f64| whole(v)))
        .or_else(|| of_type(&bytes, |v: f32| whole(v.into())));
    let labels = readable(path, found, "labels are a list, one integer per sample")?;
    let each = labels.iter().enumerate().map(|(row, label)| {
        label.with_context(|| {
            format!(
                "{}: the label in row {row} is not an integer of 64 bits with a sign; number the \
                 classes",
                path.display()
            )
        })
    });
    each.collect()
}

/// A label that was saved as a floating-point number; `None` if it is not an integer.
fn whole(label: f64) -> Option<i64> {
    (label.fract() == 0.0 && label.abs() < 9e15).then_some(label as i64)
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// An array of type `A`, converted; `None` if the elements in the file have another type.
fn of_type<A: ReadableElement + Copy, D: Dimension, B>(
    bytes: &[u8],
    convert: impl Fn(A) -> B,
) -> Option<Result<Array<B, D>, ReadNpyError>> {
    match Array::<A, D>::read_npy(bytes) {
        Err(ReadNpyError::WrongDescriptor(_)) => None,
        Err(error) => Some(Err(error)),
        Ok(array) => Some(Ok(array.mapv(convert))),
    }
}

/// An array of any integer type.
fn of_integers<D: Dimension, B>(
    bytes: &[u8],
    convert: impl Fn(i128) -> B,
) -> Option<Result<Array<B, D>, ReadNpyError>> {
    of_type(bytes, |v: i64| convert(v.into()))
        .or_else(|| of_type(bytes, |v: i32| convert(v.into())))
        .or_else(|| of_type(bytes, |v: u8| convert(v.into())))
        .or_else(|| of_type(bytes, |v: i8| convert(v.into())))
        .or_else(|| of_type(bytes, |v: i16| convert(v.into())))
        .or_else(|| of_type(bytes, |v: u16| convert(v.into())))
        .or_else(|| of_type(bytes, |v: u32| convert(v.into())))
        .or_else(|| of_type(bytes, |v: u64| convert(v.into())))
}

fn readable<V>(path: &Path, found: Option<Result<V, ReadNpyError>>, expected: &str) -> Result<V> {
    match found {
        Some(Ok(value)) => Ok(value),
        Some(Err(ReadNpyError::WrongNdim(_, found))) => bail!(
            "{}: the array has {found} dimension{}, but {expected}; reshape it",
            path.display(),
            if found == 1 { "" } else { "s" },
        ),
        Some(Err(error)) => bail!("{}: not a readable NPY file ({error})", path.display()),
        None => bail!(
            "{}: the array contains neither floating-point numbers nor integers; save it as \
             float32 or int64",
            path.display()
        ),
    }
}
