use serde::{Deserialize, Serialize};

/// The specification of a critic: which function f(x, y) scores a pair.
///
/// In text: `"inner-product"`, `"bilinear"`, `{ "separable": { "hidden": [100], "embed": 100 } }`,
/// `{ "cosine": { "temperature": 0.07, "learned": false } }`,
/// `{ "negative-distance": { "unit": true } }`, `{ "concat": { "hidden": [200] } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CriticSpec {
    /// `f = xᵀy`. No parameter; x and y of the same width.
    InnerProduct,
    /// `f = xᵀWy`.
    Bilinear,
    /// `f = φ(x)ᵀψ(y)`, two `ReLU` networks.
    Separable {
        /// Hidden layers of each network; may be empty.
        hidden: Vec<usize>,
        /// Width of φ(x) and ψ(y).
        embed: usize,
    },
    /// f = cos(x, y) / temperature; x and y of the same width. A row of zeros scores 0.
    Cosine {
        /// The temperature, or its initial value; above 0.
        temperature: f64,
        /// Whether it is trained, as log(1/temperature); the scale 1/temperature is then limited to
        /// 100.
        learned: bool,
    },
    /// `f = −|x − y|²`, minus the squared Euclidean distance; x and y of the same width. In `f32`
    /// its rounding error is of the order of 10⁻⁷ (|x|² + |y|²).
    NegativeDistance {
        /// Whether x and y are first scaled to length one; then f = 2 cos(x, y) − 2.
        unit: bool,
    },
    /// f = a `ReLU` network on the concatenation `[x, y]`.
    Concat {
        /// Hidden layers; at least one.
        hidden: Vec<usize>,
    },
}

/// The kind of a critic: its specification without sizes and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CriticKind {
    /// See [`CriticSpec::InnerProduct`].
    InnerProduct,
    /// See [`CriticSpec::Bilinear`].
    Bilinear,
    /// See [`CriticSpec::Separable`].
    Separable,
    /// See [`CriticSpec::Cosine`].
    Cosine,
    /// See [`CriticSpec::NegativeDistance`].
    NegativeDistance,
    /// See [`CriticSpec::Concat`].
    Concat,
}

impl CriticKind {
    /// The kind in one word, for tables and file names.
    pub fn label(self) -> &'static str {
        match self {
            Self::InnerProduct => "inner",
            Self::Bilinear => "bilinear",
            Self::Separable => "separable",
            Self::Cosine => "cosine",
            Self::NegativeDistance => "distance",
            Self::Concat => "mlp",
        }
    }
}

impl CriticSpec {
    /// The kind.
    pub fn kind(&self) -> CriticKind {
        match self {
            Self::InnerProduct => CriticKind::InnerProduct,
            Self::Bilinear => CriticKind::Bilinear,
            Self::Separable { .. } => CriticKind::Separable,
            Self::Cosine { .. } => CriticKind::Cosine,
            Self::NegativeDistance { .. } => CriticKind::NegativeDistance,
            Self::Concat { .. } => CriticKind::Concat,
        }
    }

    /// The kind in one word, for tables and file names.
    pub fn label(&self) -> &'static str {
        self.kind().label()
    }

    /// Number of parameters, for x and y of these widths; the largest `usize` if there are more.
    pub fn parameters(&self, (dim_x, dim_y): (usize, usize)) -> usize {
        let layers = |widths: &[usize]| {
            let layer = |pair: &[usize]| pair[0].saturating_add(1).saturating_mul(pair[1]);
            widths.windows(2).map(layer).fold(0, usize::saturating_add)
        };
        match self {
            Self::InnerProduct | Self::NegativeDistance { .. } => 0,
            Self::Cosine { learned, .. } => usize::from(*learned),
            Self::Bilinear => dim_x.saturating_mul(dim_y),
            Self::Separable { hidden, embed } => {
                let tower = |dim: usize| layers(&[&[dim], hidden.as_slice(), &[*embed]].concat());
                tower(dim_x).saturating_add(tower(dim_y))
            }
            Self::Concat { hidden } => {
                layers(&[&[dim_x + dim_y], hidden.as_slice(), &[1]].concat())
            }
        }
    }

    /// The number of multiply–adds for the scores of all pairs of k rows of x with k rows of y. The
    /// gradients take twice as many.
    ///
    /// The sum and the `ReLU` of a pair's hidden unit count as one.
    pub fn multiply_adds(&self, (dim_x, dim_y): (usize, usize), k: usize) -> f64 {
        let layers = |widths: &[usize]| {
            widths.windows(2).map(|pair| (pair[0] * pair[1]) as f64).sum::<f64>()
        };
        let (a_row, a_pair) = match self {
            Self::InnerProduct | Self::Cosine { .. } => (0.0, dim_x as f64),
            Self::NegativeDistance { .. } => (2.0 * dim_x as f64, dim_x as f64 + 2.0),
            Self::Bilinear => ((dim_x * dim_y) as f64, dim_y as f64),
            Self::Separable { hidden, embed } => {
                let tower = |dim: usize| layers(&[&[dim], hidden.as_slice(), &[*embed]].concat());
                (tower(dim_x) + tower(dim_y), *embed as f64)
            }
            Self::Concat { hidden } => {
                let first = hidden.first().copied().unwrap_or_default();
                let pair = layers(&[hidden.as_slice(), &[1]].concat());
                (((dim_x + dim_y) * first) as f64, pair)
            }
        };
        let k = k as f64;
        k * a_row + k * k * a_pair
    }
}
