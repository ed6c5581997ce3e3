use serde::{Deserialize, Serialize};

/// A critic as asked for: which function f(x, y) scores a pair.
///
/// In text: `"inner-product"`, `"bilinear"`, `{ "separable": { "hidden": [100], "embed": 100 } }`,
/// `{ "cosine": { "temperature": 0.07, "learned": false } }`, `{ "concat": { "hidden": [200] } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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
        /// The temperature, or where it starts; above 0.
        temperature: f64,
        /// Whether it is trained, as log(1/temperature); the scale 1/temperature then stays at
        /// most 100.
        learned: bool,
    },
    /// f = a `ReLU` network on the concatenation `[x, y]`.
    Concat {
        /// Hidden layers; at least one.
        hidden: Vec<usize>,
    },
}
