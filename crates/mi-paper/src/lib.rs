//! The experiments of "On Mutual Information Maximization for Representation Learning"
//! (Tschannen, Djolonga, Rubenstein, Gelly and Lucic, ICLR 2020), from data to verdicts.

pub mod outcome;
pub mod record;
