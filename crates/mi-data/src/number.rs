use ndarray::NdFloat;

/// The nearest `T`. `NdFloat` is `f32` or `f64`, so the conversion never fails.
pub(crate) fn cast<T: NdFloat>(value: f64) -> T {
    T::from(value).unwrap_or_else(T::nan)
}
