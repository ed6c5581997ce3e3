use mi_kernels::{Scalar, add_to_rows, keep_where_positive};

use crate::target::Target;
use crate::vector::{Rows, add_up_rows};

/// The activation after a layer's matrix product and bias, applied in the same pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// y = z.
    Linear,
    /// y = max(z, 0); NaN stays NaN.
    Relu,
}

impl Activation {
    /// z ↦ y in place, where the bias has not yet been added to `z`. Rows are as long as the bias.
    pub(crate) fn forward<T: Scalar>(self, z: &mut [T], bias: Option<&[T]>) {
        match (bias, self) {
            (None, Self::Linear) => {}
            (None, Self::Relu) => z.iter_mut().for_each(|z| *z = relu(*z)),
            (Some(bias), Self::Linear) => add_to_rows(z, bias, false),
            (Some(bias), Self::Relu) => add_to_rows(z, bias, true),
        }
    }

    /// dy ↦ dz in place, and the bias gradient Σ dz over rows. The `ReLU`'s mask is the sign of its
    /// output.
    pub(crate) fn backward<T: Scalar>(
        self,
        dy: &mut [T],
        y: &[T],
        bias: Option<Target<'_, T>>,
        rows: Rows,
    ) {
        if self == Self::Relu {
            keep_where_positive(dy, y);
        }
        if let Some(bias) = bias {
            add_up_rows(bias.zeroed().values, dy, rows);
        }
    }
}

/// `T::max` would turn NaN into 0 and so hide that a network has diverged.
pub(super) fn relu<T: Scalar>(z: T) -> T {
    if z < T::zero() { T::zero() } else { z }
}
