//! The experiments of "On Mutual Information Maximization for Representation Learning"
//! (Tschannen, Djolonga, Rubenstein, Gelly and Lucic, ICLR 2020), from data to verdicts.
//!
//! A list of [`experiments`], which are plain declarations, expands into a [`plan`] of trials.
//! [`schedule`] runs them in a run [`folder`], each by [`trial::run`], which resumes where it
//! stopped. They write [`record`]s, and everything else (claims, figures, report) is made from
//! records alone.
//!
//! ```
//! use mi_paper::plan::{Plan, Request};
//! use mi_paper::preset::Preset;
//! use mi_paper::seeds::Seeds;
//!
//! let plan = Plan::resolve(&Request {
//!     seeds: vec![Seeds { experiment: None, seeds: vec![0] }],
//!     ..Request::new(&["critics"], Preset::Smoke)
//! })?;
//! assert_eq!(plan.trials[0].id(), "critics.digits.mlp.bilinear.infonce.s0");
//! # Ok::<(), mi_paper::error::PaperError>(())
//! ```

pub mod claims;
pub mod config;
pub mod cost;
mod departures;
pub mod error;
pub mod experiment_file;
pub mod experiments;
pub mod figures;
pub mod folder;
pub mod labels;
pub mod multi_view;
mod names;
mod numbers;
pub mod origin;
pub mod outcome;
pub mod plan;
pub mod preset;
mod protocol;
pub mod published;
pub mod record;
pub mod report;
mod results;
pub mod schedule;
pub mod seeds;
mod statistics;
mod table;
pub mod trial;
