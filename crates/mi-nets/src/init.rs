use mi_kernels::Scalar;
use mi_random::Stream;
use ndarray::Array2;

/// How the weights of a layer are drawn; biases start at zero.
///
/// Numbers are drawn as `f64`, row by row, and rounded: a network starts with the same weights
/// in both number types.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Init {
    /// Uniform on ±√(6 / (fan in + fan out)) (Glorot and Bengio, 2010, eq. 16). A
    /// convolution's fans are its channels times its kernel's positions.
    GlorotUniform,
    /// Normal of mean 0, redrawn outside ±2 `sd` (`sd` is that of the untruncated normal, as in
    /// TensorFlow).
    TruncatedNormal {
        /// The standard deviation before truncation.
        sd: f64,
    },
}

impl Init {
    /// Draws a weight matrix whose fans are given separately from its shape.
    pub fn draw<T: Scalar>(
        self,
        (rows, columns): (usize, usize),
        (fan_in, fan_out): (usize, usize),
        stream: &mut Stream,
    ) -> Array2<T> {
        let limit = (6.0 / (fan_in + fan_out) as f64).sqrt();
        // `from_shape_simple_fn` fills in row-major order.
        Array2::from_shape_simple_fn((rows, columns), || {
            T::from_f64(match self {
                Self::GlorotUniform => limit * (2.0 * stream.uniform() - 1.0),
                Self::TruncatedNormal { sd } => sd * stream.truncated_normal(2.0),
            })
        })
    }
}
