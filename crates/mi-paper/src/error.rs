//! What can go wrong in a run, and how to mend it.

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
    /// A data set is needed that is not embedded.
    #[error("{experiment} needs data that is not embedded: name its folder with --data")]
    DataNeeded {
        /// What needs it.
        experiment: String,
    },
    /// An experiment file does not say what it should.
    #[error("{}, line {line}: {reason}", path.display())]
    ExperimentFile {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// An experiment file has the name of another experiment and asks for something else.
    #[error(
        "{}: `{name}` is the name of another experiment, and the file asks for other trials than \
         that; give the file another name, or a `name` of its own",
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
        "{}: the experiment `{name}` has changed since the run there began; to go on with that run \
         change the file back, to run both name another folder with --out:\n{}",
        folder.display(),
        changes.join("\n")
    )]
    FileChanged {
        /// The folder.
        folder: PathBuf,
        /// The experiment's name.
        name: String,
        /// Lines of the resolved file that went (`-`) and came (`+`).
        changes: Vec<String>,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {reason}{}", path.display(), hint(reason))]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        reason: std::io::Error,
    },
    /// A file of the run folder does not say what it should.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder holds another plan.
    #[error(
        "{} holds another plan; name another folder with --out, or ask for the same:\n  {}",
        folder.display(),
        differences.join("\n  ")
    )]
    AnotherPlan {
        /// The folder.
        folder: PathBuf,
        /// The fields that differ: there → asked for.
        differences: Vec<String>,
    },
    /// The folder holds something else than a run.
    #[error(
        "{} is not the folder of a run: it holds `{found}` and no plan; name a new or empty folder \
         with --out",
        folder.display()
    )]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// What stands there.
        found: String,
    },
    /// A checkpoint does not say whose it is.
    #[error(
        "{} is by a version that did not note in a checkpoint which trial it belongs to: finish \
         the trial with that version, or remove {} to run the trial anew",
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
    /// Another process works in the folder.
    #[error("{holder} works in {}; wait for it to end, or name another folder with --out", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// Which one, as far as is known.
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
    /// The plan has fewer tasks.
    #[error("the plan in {} has {tasks} tasks of this size, 0 to {}, and no task {task}", folder.display(), tasks.saturating_sub(1))]
    NoTask {
        /// The folder.
        folder: PathBuf,
        /// The task, counted from 0.
        task: usize,
        /// How many there are.
        tasks: usize,
    },
    /// The data set does not suit an experiment.
    #[error("{dataset} does not suit trial {trial}: {reason}")]
    Unsuitable {
        /// The data set.
        dataset: String,
        /// The trial.
        trial: String,
        /// Why not.
        reason: String,
    },
    /// A checkpoint holds another state than the trial needs.
    #[error(
        "the checkpoint's `{key}` cannot be used: {reason}; remove the trial's folder to run the trial anew"
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
    /// Records could not be parsed.
    #[error("cannot read or write {}: {reason}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: csv::Error,
    },
}

/// What to do about the common causes.
fn hint(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        _ if is_out_of_room(error) => {
            "; make room, then run the same command again: it goes on from the last checkpoint"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; name a folder that can be written with --out"
        }
        _ => "",
    }
}

/// Whether the disk, a quota or a limit of the size of files takes no more.
fn is_out_of_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl PaperError {
    /// Whether there is no room to write, so that the next write is likely to fail too.
    pub fn is_out_of_room(&self) -> bool {
        matches!(self, Self::File { reason, .. } if is_out_of_room(reason))
    }

    /// Whether numbers left the range of what can be computed with, so that a trial that meets it
    /// has diverged: no mistake of a person or a machine, and the same at every attempt.
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

    /// Wraps an error of writing something as JSON.
    pub(crate) fn encode(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        let what = what.into();
        move |reason| Self::Encode { what, reason }
    }

    /// Wraps an I/O error with what was tried and where.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |reason| Self::File { action, path, reason }
    }
}
