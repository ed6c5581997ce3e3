//! The run folder: one plan, a lock, and one folder of records and checkpoints per trial.
//!
//! ```text
//! OUT/plan.json              the plan; another one is refused
//! OUT/lock                   held while a process works here; released by the system after a crash
//! OUT/run.json               the command, data, machine and time of the run
//! OUT/records.csv            all records, in plan order (written when trials end)
//! OUT/trials.json            the progress of each trial, its processor time, the hash of its
//!                            configuration, the seal of its records, and the revisions and
//!                            machines that ran it
//! OUT/trials/ID/lock         held while a process runs this trial; released like OUT/lock
//! OUT/trials/ID/lease-TOKEN.json   the process that runs it, and its machine; grows while the
//!                            process lives; renamed to lease-TOKEN.released when it stops
//! OUT/trials/ID/records.csv  the trial's records, extended at each evaluation
//! OUT/trials/ID/state.json   its progress, and the seal of its records
//! OUT/trials/ID/representation.npy   its representation of test images, if it saves one
//! OUT/trials/ID/STEP.safetensors   its last two checkpoints
//! OUT/trials/ID/attempt-TOKEN      the same four after the trial was taken over from a process
//!                            that may still write; the newest attempt counts
//! OUT/NAME.set-aside-N       the old contents of a damaged file, or of one that would lose rows
//! ```
//!
//! The folder without `trials` is enough to keep. Trials that it lists as ended count as ended, so
//! a run can continue from a copy without `trials`, even on another machine.
//!
//! Files are checked when they are read. A [`Seal`] (number of rows and SHA-256) shows whether a
//! trial's records are the ones that it wrote. Files of versions without seals must have every
//! number that the configuration asks for. Of the two copies of a trial's records, the undamaged
//! one is used; a trial without one runs again. Every JSON file has a checksum, in `trials.json`
//! every entry. A checkpoint names the trial, configuration, data, step and records that it belongs
//! to.

mod atomic;
mod checkpoints;
mod differences;
mod examine;
mod json;
mod lease;
mod lock;
mod merged;
mod ownership;
mod process;
mod record_file;
mod repair;
mod representation;
mod rows;
mod run;
mod trial;

pub use atomic::write_atomically;
pub use checkpoints::Unusable;
pub use examine::Examined;
pub use lease::{Holder, Lease, Watch};
pub use lock::Lock;
pub use record_file::RecordFile;
pub use rows::{Rows, Seal};
pub use run::RunFolder;
pub use trial::{SavedState, TrialFolder};
