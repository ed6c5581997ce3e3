use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use clap::Args;
use mi_paper::error::PaperError;
use mi_paper::folder::RunFolder;
use mi_paper::outcome::TrialState;
use mi_paper::plan::Plan;
use mi_paper::schedule::{DataSets, Sharing, run_plan};
use mi_paper::trial::{Control, Event};

use super::interrupt::{Interrupt, waits};
use super::output::Warnings;
use super::terminal::say;
use super::{Checkpoints, data};

/// The exit code if every trial has ended, but one has diverged.
const DIVERGED: u8 = 3;

/// Options of `trial`.
#[derive(Debug, Args)]
pub(super) struct Trial {
    /// A folder with a plan (see `reproduce --dry-run --out FOLDER`).
    folder: PathBuf,
    /// The trials' ids, as `reproduce --status` lists them.
    #[arg(required_unless_present = "task", conflicts_with = "task")]
    id: Vec<String>,
    /// Instead of ids: run the trials of task K, counted from 0, with N trials in each task.
    #[arg(long, value_name = "K")]
    task: Option<usize>,
    /// Number of trials per task.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "task",
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    trials_per_task: usize,
    /// Trials to run in parallel.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    jobs: usize,
    /// Wait for trials that another process runs, and take them over if it falls silent.
    #[arg(long)]
    wait: bool,
    /// Folder with data sets, if the plan needs one.
    #[arg(long)]
    data: Option<PathBuf>,
    #[command(flatten)]
    checkpoints: Checkpoints,
}

/// Runs or resumes trials of the plan in a folder.
pub(super) fn run(options: &Trial) -> Result<ExitCode> {
    let folder = RunFolder::new(&options.folder);
    let mut warnings = Warnings::default();
    let whole = folder.plan()?;
    super::reproduce::check_program(&whole, folder.path())?;
    let plan = chosen(&whole, options)?;
    folder.unpack(&plan, &mut |what| warnings.tell(what))?;
    let sets = if all_ended(&plan, &folder)? {
        DataSets::new()
    } else {
        let (sets, ids) = data::load(&plan.datasets(), options.data.as_deref())?;
        super::reproduce::check_data(&plan, &ids, folder.path())?;
        sets
    };
    let interrupt = Interrupt::listen()?;
    let followed = Arc::new(Followed { warnings: Mutex::new(warnings), ..Followed::default() });
    let running = followed.clone();
    let waits_for = move || running.running().iter().map(|(id, at)| waits(id, *at)).collect();
    Interrupt::answer(waits_for, |answer| say(answer))?;
    let sharing = Sharing { silence: *options.checkpoints.silence, wait: options.wait };
    let control = Control {
        interrupted: &|| interrupt.asked(),
        checkpoint_every: *options.checkpoints.every,
    };
    let results =
        run_plan(&plan, &folder, &sets, options.jobs, sharing, control, &|index, event| {
            let trial = &plan.trials[index];
            followed.observe(&trial.id(), trial.steps, event);
        });
    let any =
        |wanted: fn(&Option<Result<TrialState, PaperError>>) -> bool| results.iter().any(wanted);
    Ok(if any(|result| matches!(result, Some(Err(_)))) {
        ExitCode::FAILURE
    } else if any(|result| result.as_ref().is_none_or(|r| r.as_ref().is_ok_and(|s| !s.has_ended())))
    {
        interrupt.exit_code()
    } else if any(|result| matches!(result, Some(Ok(TrialState::Diverged { .. })))) {
        ExitCode::from(DIVERGED)
    } else {
        ExitCode::SUCCESS
    })
}

/// The plan with only the chosen trials.
fn chosen(whole: &Plan, options: &Trial) -> Result<Plan, PaperError> {
    let mut plan = Plan { trials: Vec::new(), ..whole.clone() };
    if let Some(task) = options.task {
        let tasks = whole.trials.len().div_ceil(options.trials_per_task);
        let trials = whole.trials.chunks(options.trials_per_task).nth(task);
        plan.trials = trials.map(<[_]>::to_vec).ok_or_else(|| PaperError::NoTask {
            folder: options.folder.clone(),
            task,
            tasks,
        })?;
    }
    // A trial that is named twice would wait for its own lease.
    let is_first = |(index, id): &(usize, &String)| !options.id[..*index].contains(id);
    for (_, id) in options.id.iter().enumerate().filter(is_first) {
        let config = whole.trials.iter().find(|config| config.id() == *id).ok_or_else(|| {
            PaperError::NoTrial { folder: options.folder.clone(), id: id.clone() }
        })?;
        plan.trials.push(config.clone());
    }
    Ok(plan)
}

fn all_ended(plan: &Plan, folder: &RunFolder) -> Result<bool, PaperError> {
    for config in &plan.trials {
        let own = folder.trial(&config.id()).examine(config, plan.data_of(config))?;
        if own.ended().is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reports the progress of trials as lines on standard error.
#[derive(Default)]
struct Followed {
    /// The running trials; of one that is being evaluated, the step.
    running: Mutex<BTreeMap<String, Option<u64>>>,
    warnings: Mutex<Warnings>,
}

impl Followed {
    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Option<u64>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, id: &str, steps: u64, event: &Event<'_>) {
        match event {
            Event::Started { step } => {
                self.running().insert(id.to_owned(), None);
                say(format_args!("{id}: from step {step} of {steps}"));
            }
            Event::Noticed { what } => {
                self.warnings.lock().unwrap_or_else(PoisonError::into_inner).tell(what);
            }
            Event::Evaluating { step } => drop(self.running().insert(id.to_owned(), Some(*step))),
            Event::Evaluated { step, values } => {
                self.running().insert(id.to_owned(), None);
                say(format_args!("{id}: step {step}{}", super::progress::values(values)));
            }
            Event::Ended { result } => {
                self.running().remove(id);
                match result {
                    Ok(TrialState::Finished) => say(format_args!("{id} is finished")),
                    Ok(TrialState::Diverged { step, reason }) => {
                        say(format_args!("{id}: stopped at step {step}: {reason}"));
                    }
                    Ok(_) => {
                        say(format_args!("{id}: saved; the same command continues from here"));
                    }
                    Err(error) => say(format_args!("error: {id}: {error}")),
                }
            }
            _ => {}
        }
    }
}
