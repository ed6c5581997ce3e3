//! The default path: from typed sides to an estimate with its interval, test and warnings.

mod fitting;
mod functions;
mod method;
mod pipeline;
mod result;
mod run;
mod settings;
mod ties;
mod warnings;

pub use method::Method;
pub use pipeline::{
    conditional_mutual_information, mutual_information, mutual_information_and_critic,
};
pub use result::{Estimate, EstimatorSettings};
pub use settings::Settings;
pub use warnings::{INFINITE, Side, Warning, small_nats};
