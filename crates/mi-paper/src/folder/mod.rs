//! The run folder: one plan, a lock, and one folder of records and checkpoints per trial.
//!
//! ```text
//! OUT/plan.json              the plan; another one is refused
//! OUT/lock                   held while a process works here; freed by the system on a crash
//! OUT/run.json               what ran, where, how long
//! OUT/records.csv            all records, in plan order (written when trials end)
//! OUT/trials.json            how far each trial came, its processor time, the hash of its
//!                            configuration, the seal of its records, and by which revision and
//!                            where it was run
//! OUT/trials/ID/lock         held while a process runs this trial; freed by the system on a crash
//! OUT/trials/ID/lease-TOKEN.json   who runs it, on which machine; it grows while that process lives,
//!                            and is renamed to lease-TOKEN.released when it stops
//! OUT/trials/ID/records.csv  the trial's records, appended at each evaluation
//! OUT/trials/ID/state.json   how far it came, and the seal of its records
//! OUT/trials/ID/representation.npy   its representation of test images, where it keeps one
//! OUT/trials/ID/STEP.safetensors   its last two checkpoints
//! OUT/trials/ID/attempt-TOKEN      the same three after the trial was taken over from a process that
//!                            may still write: the newest attempt counts
//! OUT/NAME.set-aside-N       the contents of a damaged file before it was rewritten
//! ```
//!
//! The folder without `trials` is the part worth keeping: trials that it lists as ended count as
//! ended, so that a run may continue from a copy of that part, even on another machine.
//!
//! Everything is checked. A [`Seal`] (number of rows and SHA-256) shows whether a trial's records
//! are the ones it wrote; files written before there were seals must have every number that the
//! configuration asks for. Of the two copies of a trial's records the good one is used, and a trial
//! without a good copy runs again. Every JSON file has a checksum. A checkpoint says to which
//! trial, configuration, data, step and records it belongs.

mod atomic;
mod checkpoints;
mod examine;
mod json;
mod lease;
mod lock;
mod mend;
mod merged;
mod ours;
mod process;
mod record_file;
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
