//! Critics: functions f(x, y) that score pairs, for bounds on mutual information.
//!
//! A critic is *towers* (per-sample networks on the tape of `mi-nets`) followed by a [`Pairing`],
//! which turns two embedded batches into the matrix of all scores, `scores[[i, j]] = f(x_i, y_j)`:
//! rows are x, and positives are on the diagonal. The crate knows no bound: it provides rows of
//! scores and takes back rows of gradients ([`Scorer`]).
//!
//! ```
//! use mi_critics::{Critic, CriticSpec, CriticsError};
//! use mi_nets::{Params, Tape};
//! use mi_random::Stream;
//! use ndarray::array;
//!
//! let mut params = Params::<f64>::new();
//! let spec = CriticSpec::Concat { hidden: vec![16] };
//! let critic = Critic::new(&mut params, "critic", &spec, 2, 1, &mut Stream::new(1, "init"))?;
//! let mut tape = Tape::new();
//! let mut graph = tape.begin(&params);
//! let x = graph.input(array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]].view());
//! let y = graph.input(array![[1.0], [0.0], [-1.0]].view());
//! let (x, y) = critic.towers(&mut graph, x, y);
//! let scores = critic.pairing().scores(&params, graph.value(x), graph.value(y))?;
//! assert_eq!(scores.dim(), (3, 3)); // scores[[i, j]] belongs to row i of x and row j of y
//! # Ok::<(), CriticsError>(())
//! ```

mod critic;
mod error;
mod pairing;
mod spec;

pub use critic::{Critic, Tower};
pub use error::CriticsError;
pub use pairing::{ConcatHead, PANEL_ROWS, Pairing, PairingBuffers, Positives, Scaling, Scorer};
pub use spec::{CriticKind, CriticSpec};
// Re-exports for examples and callers, so that they need only depend on this crate.
pub use mi_kernels::Scalar;
pub use mi_nets;
pub use mi_random::Stream;
pub use ndarray;

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
