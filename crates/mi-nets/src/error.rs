use thiserror::Error;

/// Errors in building, running, training or loading a network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetsError {
    /// Two parameters or constants of the same name.
    #[error("the name `{name}` is taken: give every layer a different name")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A layer that cannot be built as requested.
    #[error("layer `{layer}`: {problem}")]
    Layer {
        /// The layer's name.
        layer: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// Operands whose shapes do not fit together.
    #[error("{operation}: {problem}")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// The shapes, and what they should be.
        problem: String,
    },
    /// `backward` on an inference graph.
    #[error("backward: the graph was started by `begin_inference`; start it by `begin`")]
    NotRecorded,
    /// An optimiser step over a parameter that the objective does not depend on.
    #[error(
        "optimiser: parameter `{name}` got no gradient in this step: the objective does not \
         depend on it; use it, freeze it, or leave it out of the parameters"
    )]
    UnusedParameter {
        /// The parameter's name.
        name: String,
    },
    /// An optimiser step along a gradient that is not finite.
    #[error(
        "optimiser: the gradient of parameter `{name}` is not finite: lower the learning rate, or \
         continue from a checkpoint"
    )]
    GradientNotFinite {
        /// The parameter's name.
        name: String,
    },
    /// Parameters, gradients and optimiser state that do not fit together.
    #[error("{operation}: {problem}")]
    Mismatch {
        /// The operation.
        operation: &'static str,
        /// What differs.
        problem: String,
    },
    /// A setting outside its range.
    #[error("{operation}: {problem}")]
    Setting {
        /// What the setting belongs to.
        operation: &'static str,
        /// The setting, its value, and its range.
        problem: String,
    },
    /// A target of a loss that cannot be used.
    #[error("{operation}: {problem}")]
    Target {
        /// The operation.
        operation: &'static str,
        /// The row and the value, and what is allowed.
        problem: String,
    },
    /// A checkpoint that is damaged or belongs to another network.
    #[error("checkpoint: {problem}")]
    Checkpoint {
        /// The entry, what was expected and what was found.
        problem: String,
    },
}
