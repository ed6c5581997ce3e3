use mi_kernels::Scalar;

/// Where an operation stores a gradient. The first contribution (`fresh`: the old values are
/// undefined) is written, and later ones are added.
#[derive(Debug)]
pub(crate) struct Target<'a, T> {
    pub(crate) values: &'a mut [T],
    pub(crate) fresh: bool,
}

impl<T: Scalar> Target<'_, T> {
    /// The factor of the old values in a matrix product: 0 (they are not read) or 1.
    pub(crate) fn beta(&self) -> T {
        if self.fresh { T::zero() } else { T::one() }
    }

    /// Sets the values to zero if this is the first contribution, so that more can be added.
    pub(crate) fn zeroed(self) -> Self {
        if self.fresh {
            self.values.fill(T::zero());
        }
        self
    }

    /// Contributes f(dᵢ).
    pub(crate) fn map(self, d: &[T], f: impl Fn(T) -> T) {
        if self.fresh {
            for (g, &d) in self.values.iter_mut().zip(d) {
                *g = f(d);
            }
        } else {
            for (g, &d) in self.values.iter_mut().zip(d) {
                *g += f(d);
            }
        }
    }

    /// Contributes f(dᵢ, xᵢ).
    pub(crate) fn map_pairs(self, d: &[T], x: &[T], f: impl Fn(T, T) -> T) {
        if self.fresh {
            for ((g, &d), &x) in self.values.iter_mut().zip(d).zip(x) {
                *g = f(d, x);
            }
        } else {
            for ((g, &d), &x) in self.values.iter_mut().zip(d).zip(x) {
                *g += f(d, x);
            }
        }
    }
}
