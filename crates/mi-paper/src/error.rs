//! The errors of a run, each with what to do about it.

use std::path::PathBuf;

/// Errors of plans, run folders and trials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// A name that is not in a registry.
    #[error("there is no {what} called `{name}`; the valid names are {}", valid.join(", "))]
    Unknown {
        /// What kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// All valid names.
        valid: Vec<String>,
    },
    /// An experiment needs a data set that is not embedded.
    #[error("{experiment} needs data that is not embedded: name its folder with --data")]
    DataNeeded {
        /// What needs it.
        experiment: String,
    },
    /// An experiment file is not valid.
    #[error("{}, line {line}: {reason}", path.display())]
    ExperimentFile {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// An experiment file has the name of another experiment, but other trials.
    #[error(
        "{}: there is another experiment called `{name}`, with other trials than this file; give \
         the file another name, or set `name` in it",
        path.display()
    )]
    NameTaken {
        /// The file.
        path: PathBuf,
        /// The experiment's name.
        name: String,
    },
    /// An experiment file has changed since the run in a folder began.
    #[error(
        "{}: the experiment `{name}` has changed since the run in this folder began; undo the \
         changes to continue that run, or name another folder with --out to run both:\n{}",
        folder.display(),
        changes.join("\n")
    )]
    FileChanged {
        /// The folder.
        folder: PathBuf,
        /// The experiment's name.
        name: String,
        /// Removed (`-`) and added (`+`) lines of the resolved file.
        changes: Vec<String>,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {reason}{}", path.display(), hint(reason))]
    File {
        /// What was attempted.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        reason: std::io::Error,
    },
    /// A file of the run folder is damaged.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder holds another plan than the requested one.
    #[error(
        "{} holds another plan; name another folder with --out, or ask for the same trials, and \
         more if you like:\n  {}",
        folder.display(),
        differences.join("\n  ")
    )]
    AnotherPlan {
        /// The folder.
        folder: PathBuf,
        /// The fields that differ, with both values.
        differences: Vec<String>,
    },
    /// The folder holds something other than a run.
    #[error(
        "{} is not the folder of a run: it holds `{found}` but no plan; name a new or empty folder \
         with --out",
        folder.display()
    )]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// What it holds instead.
        found: String,
    },
    /// A checkpoint does not say which trial it belongs to.
    #[error(
        "{} was written by a version whose checkpoints do not say which trial they belong to: \
         finish the trial with that version, or remove {} to run the trial from the start",
        path.display(),
        path.parent().unwrap_or(path).display()
    )]
    OldCheckpoint {
        /// The checkpoint.
        path: PathBuf,
    },
    /// A value could not be written as JSON.
    #[error("cannot write {what} as JSON: {reason}")]
    Encode {
        /// What was to be written.
        what: String,
        /// Why it failed.
        reason: serde_json::Error,
    },
    /// Another process is working in the folder.
    #[error("{holder} works in {}; wait for it to end, or name another folder with --out", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// That process, as far as it is known.
        holder: String,
    },
    /// The folder holds no plan.
    #[error("{} holds no plan.json: start a run there with `reproduce --out`", folder.display())]
    NoPlan {
        /// The folder.
        folder: PathBuf,
    },
    /// No trial of the plan has this id.
    #[error("the plan in {} has no trial `{id}`; `reproduce --status --out {}` lists them", folder.display(), folder.display())]
    NoTrial {
        /// The folder.
        folder: PathBuf,
        /// The id.
        id: String,
    },
    /// The plan has no task with this number.
    #[error(
        "the plan in {} has {tasks} tasks of this size, numbered 0 to {}, and no task {task}",
        folder.display(),
        tasks.saturating_sub(1)
    )]
    NoTask {
        /// The folder.
        folder: PathBuf,
        /// The task, counted from 0.
        task: usize,
        /// The number of tasks.
        tasks: usize,
    },
    /// A trial cannot use its data set.
    #[error("trial {trial} cannot use {dataset}: {reason}")]
    Unsuitable {
        /// The data set.
        dataset: String,
        /// The trial.
        trial: String,
        /// Why not.
        reason: String,
    },
    /// An entry of a checkpoint does not fit the trial.
    #[error(
        "the checkpoint's `{key}` cannot be used: {reason}; remove the trial's folder to run it \
         from the start"
    )]
    State {
        /// The entry.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Reading data failed.
    #[error(transparent)]
    Data(#[from] mi_data::DataError),
    /// A network could not be built, trained or restored.
    #[error(transparent)]
    Nets(#[from] mi_nets::NetsError),
    /// A critic could not be built.
    #[error(transparent)]
    Critics(#[from] mi_critics::CriticsError),
    /// A bound could not be evaluated.
    #[error(transparent)]
    Estimator(#[from] mi_estimators::EstimatorError),
    /// A probe or a Jacobian failed.
    #[error(transparent)]
    Eval(#[from] mi_eval::EvalError),
    /// A file of records could not be read or written.
    #[error("cannot read or write {}: {reason}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: csv::Error,
    },
}

/// What to do about common causes; empty for others.
fn hint(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        _ if is_out_of_room(error) => {
            "; make room, then run the same command again: it resumes from the last checkpoint"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; with --out, name a folder that you can write to"
        }
        _ => "",
    }
}

/// Whether the disk is full, or a quota or a limit on file sizes is reached.
fn is_out_of_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl PaperError {
    /// Whether there was no room to write, so that the next write is likely to fail too.
    pub fn is_out_of_room(&self) -> bool {
        matches!(self, Self::File { reason, .. } if is_out_of_room(reason))
    }

    /// Whether the error means that a trial has diverged: numbers left the range of floating point.
    /// Neither the user nor the machine is at fault, and every attempt ends the same way.
    pub(crate) fn is_divergence(&self) -> bool {
        use mi_estimators::EstimatorError as Estimator;
        use mi_eval::EvalError as Eval;
        use mi_nets::NetsError as Nets;
        matches!(
            self,
            Self::Estimator(
                Estimator::NanScore { .. }
                    | Estimator::Indeterminate { .. }
                    | Estimator::Nets(Nets::GradientNotFinite { .. })
            ) | Self::Nets(Nets::GradientNotFinite { .. })
                | Self::Eval(
                    Eval::NonFinite { .. }
                        | Eval::NonFiniteJacobian { .. }
                        | Eval::Overflow { .. }
                        | Eval::Diverged { .. }
                )
        )
    }

    /// Adds to a JSON error what was to be written.
    pub(crate) fn encode(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        let what = what.into();
        move |reason| Self::Encode { what, reason }
    }

    /// Adds to an I/O error what was attempted and where.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |reason| Self::File { action, path, reason }
    }
}
