//! The run folder: one plan, a lock, and one folder of records and checkpoints per trial.
//!
//! ```text
//! OUT/plan.json              the plan; another one is refused
//! OUT/lock                   held while a process works here; freed by the system on a crash
//! OUT/run.json               what ran, where, how long
//! OUT/records.csv            all records, in plan order (written when trials end)
//! OUT/trials.json            how far each trial came, its processor time, the hash of its
//!                            configuration, and by which revision and where it was run
//! OUT/trials/ID/lock         held while a process runs this trial
//! OUT/trials/ID/records.csv  the trial's records, appended at each evaluation
//! OUT/trials/ID/state.json   how far it came
//! OUT/trials/ID/STEP.safetensors   its last two checkpoints
//! ```
//!
//! The folder without `trials` is the part worth keeping: what it says has ended counts as ended,
//! so that a run may go on from a copy of that part, on another machine too.

mod atomic;
mod checkpoints;
mod lock;
mod merged;
mod run;
mod trial;

pub use atomic::write_atomically;
pub use lock::Lock;
pub use run::RunFolder;
pub use trial::{SavedState, TrialFolder};
