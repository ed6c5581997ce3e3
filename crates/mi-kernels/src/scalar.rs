use std::fmt::{Debug, Display};
use std::iter::Sum;

use ndarray::{LinalgScalar, NdFloat};

use crate::elementwise::Elementwise;
use crate::gates::Gates;
use crate::product::Product;
use crate::reductions::Reductions;
use crate::relu_pairs::ReluPairs;
use crate::row_sums::RowSums;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The two number types that networks and bounds run in: `f32` to train, `f64` to check.
///
/// The trait is sealed: kernels are written for exactly these types.
pub trait Scalar:
    sealed::Sealed
    + Elementwise
    + Gates
    + Product
    + Reductions
    + ReluPairs
    + RowSums
    + NdFloat
    + LinalgScalar
    + Default
    + Sum
    + Debug
    + Display
{
    /// The type's name in files and messages: `f32` or `f64`.
    const NAME: &'static str;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;

    /// The number as `f64`, exactly. For a reference write `(*x).to_f64()`: `x.to_f64()` would be
    /// the method of `num-traits`, which returns an `Option`.
    fn to_f64(self) -> f64;
}

impl Scalar for f32 {
    const NAME: &'static str = "f32";

    // Incremental builds inline nothing across crates by default, and a call in another crate's
    // loop would prevent that loop from using vectors.
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "f64";

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
}
