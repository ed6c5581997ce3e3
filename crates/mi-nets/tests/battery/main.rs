//! The tests of every operation, layer and optimiser, in one binary.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod adam;
mod backward_step;
mod checkpoint;
mod convolution;
mod graph;
mod info_max_net;
mod layers;
mod learner;
mod loss;
mod numerics;
mod ops;
mod optimiser;
mod realnvp;
mod regularisers;
mod sequences;
mod sequential;
mod support;
