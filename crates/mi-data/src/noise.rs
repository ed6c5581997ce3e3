use mi_random::Stream;
use ndarray::{ArrayViewMut2, NdFloat};

use crate::DataError;
use crate::number::cast;

/// Adds independent N(0, sd²) noise to every value, in row-major order for any memory layout. Two
/// views that are passed in turn with one stream get independent noise.
///
/// # Errors
/// If `sd` is negative or not finite.
pub fn add_noise<T: NdFloat>(
    mut values: ArrayViewMut2<'_, T>,
    sd: f64,
    stream: &mut Stream,
) -> Result<(), DataError> {
    check(sd)?;
    for value in &mut values {
        *value += cast(sd * stream.normal());
    }
    Ok(())
}

/// Adds the same N(0, sd²) draw to the same place of two views, as the paper's public notebook does
/// in training.
///
/// Shared noise is shared information: where both views are constant, as at the border of a digit,
/// their noisy values are equal and their mutual information is infinite. Records of such runs
/// should say so; independent noise ([`add_noise`] for each view) is the usual choice.
///
/// # Shapes
/// `first` and `second` have the same shape.
///
/// # Errors
/// If the shapes differ, or `sd` is negative or not finite.
pub fn add_shared_noise<T: NdFloat>(
    mut first: ArrayViewMut2<'_, T>,
    mut second: ArrayViewMut2<'_, T>,
    sd: f64,
    stream: &mut Stream,
) -> Result<(), DataError> {
    check(sd)?;
    if first.dim() != second.dim() {
        return Err(DataError::Shape {
            operation: "adding shared noise to two views",
            expected: format!("{:?} for both", first.dim()),
            found: format!("{:?}", second.dim()),
        });
    }
    for (a, b) in first.iter_mut().zip(&mut second) {
        let draw: T = cast(sd * stream.normal());
        *a += draw;
        *b += draw;
    }
    Ok(())
}

fn check(sd: f64) -> Result<(), DataError> {
    if sd.is_finite() && sd >= 0.0 {
        Ok(())
    } else {
        let (parameter, range) = ("the noise's standard deviation", "finite and at least 0");
        Err(DataError::Parameter { parameter, value: sd, range })
    }
}
