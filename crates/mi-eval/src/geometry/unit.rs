use mi_kernels::Scalar;
use ndarray::{Array2, ArrayView2, Zip};

/// The rows divided by their lengths, in row-major order. A row of zeros has no direction and stays
/// 0, as in `torch.nn.functional.normalize`.
pub(crate) fn unit_rows<T: Scalar>(features: &ArrayView2<'_, T>) -> Array2<T> {
    let mut unit = Array2::zeros(features.dim());
    for (mut out, row) in unit.rows_mut().into_iter().zip(features.rows()) {
        // Divided by the largest entry first, so that no square of a finite number overflows or
        // vanishes.
        let largest = row.iter().map(|v| (*v).to_f64().abs()).fold(0.0, f64::max);
        if largest == 0.0 {
            continue;
        }
        let squares: f64 = row.iter().map(|v| ((*v).to_f64() / largest).powi(2)).sum();
        let root = squares.sqrt();
        Zip::from(&mut out)
            .and(row)
            .for_each(|out, &v| *out = T::from_f64(v.to_f64() / largest / root));
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rows_of_any_size_get_length_one() {
        let unit = unit_rows(&array![[3e200, 4e200], [3e-200, -4e-200], [0.0, 0.0]].view());
        let expected = array![[0.6_f64, 0.8], [0.6, -0.8], [0.0, 0.0]];
        assert!((unit - expected).iter().all(|d| d.abs() < 1e-15));
    }
}
