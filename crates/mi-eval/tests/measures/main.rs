//! Probes, readers and measures: on data with known answers, next to other programs, and on broken
//! input. One program, because each would compile the same solvers again.

mod behaviour;
#[cfg(feature = "faer")]
mod evaluator;
mod golden_measures;
mod golden_probes;
mod mnist;
mod readers;
