use thiserror::Error;

/// What can go wrong in building, running, training or loading a network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetsError {
    /// Two parameters or constants of the same name.
    #[error("the name `{name}` is taken: give every layer its own name")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A layer that cannot be built as asked.
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
    /// `backward` on a graph that keeps nothing for it.
    #[error("backward: the graph was started by `begin_inference`; start it by `begin`")]
    NotRecorded,
    /// An optimiser step over a parameter that took no part in the objective.
    #[error(
        "optimiser: parameter `{name}` got no gradient in this step; it takes no part in the \
         objective: use it, freeze it, or leave it out of the parameters"
    )]
    UnusedParameter {
        /// The parameter's name.
        name: String,
    },
    /// An optimiser step along a gradient that is not finite.
    #[error(
        "optimiser: the gradient of parameter `{name}` is not finite: lower the learning rate, or \
         go on from a checkpoint"
    )]
    GradientNotFinite {
        /// The parameter's name.
        name: String,
    },
    /// Parameters, gradients and optimiser state that do not belong together.
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
