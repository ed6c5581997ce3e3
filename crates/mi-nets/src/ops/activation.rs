use mi_kernels::Scalar;

use crate::target::Target;
use crate::vector::{Rows, add_rows, map_and_add_rows};

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
            (Some(bias), Self::Linear) => add_to_rows(z, bias, |z| z),
            (Some(bias), Self::Relu) => add_to_rows(z, bias, relu),
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
        match (bias.map(Target::zeroed), self) {
            (None, Self::Linear) => {}
            (None, Self::Relu) => {
                for (d, &y) in dy.iter_mut().zip(y) {
                    *d = masked(*d, y);
                }
            }
            (Some(bias), Self::Linear) => {
                add_rows(bias.values, (dy, dy), rows, |_, _, d, _| d);
            }
            (Some(bias), Self::Relu) => {
                map_and_add_rows(bias.values, dy, y, rows, masked);
            }
        }
    }
}

fn add_to_rows<T: Scalar>(z: &mut [T], bias: &[T], f: impl Fn(T) -> T) {
    for row in z.chunks_exact_mut(bias.len()) {
        for (z, &b) in row.iter_mut().zip(bias) {
            *z = f(*z + b);
        }
    }
}

/// `T::max` would turn NaN into 0 and so hide that a network has diverged.
pub(super) fn relu<T: Scalar>(z: T) -> T {
    if z < T::zero() { T::zero() } else { z }
}

fn masked<T: Scalar>(d: T, y: T) -> T {
    if y > T::zero() { d } else { T::zero() }
}
