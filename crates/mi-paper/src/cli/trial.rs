use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use mi_paper::error::PaperError;
use mi_paper::folder::{Lock, RunFolder};
use mi_paper::outcome::TrialState;
use mi_paper::schedule::stay_on_this_thread;
use mi_paper::trial::{self, Control, Event};

use super::data;
use super::interrupt::{Interrupt, waits};
use super::output::Warnings;
use super::terminal::say;

/// Runs or resumes one trial of the plan in `folder`.
pub(super) fn run(
    folder: &Path,
    id: &str,
    data: Option<&Path>,
    checkpoint_every: Duration,
) -> Result<ExitCode> {
    let folder = RunFolder::new(folder);
    let mut warnings = Warnings::default();
    let plan = folder.plan()?;
    super::reproduce::check_program(&plan, folder.path())?;
    let config = plan
        .trials
        .iter()
        .find(|config| config.id() == id)
        .ok_or_else(|| PaperError::NoTrial { folder: folder.path().into(), id: id.into() })?;
    let trial = folder.trial(id);
    // Processes on different machines may run different trials of one folder, so the lock is the
    // trial's own.
    let _lock = Lock::take(trial.path())?;
    folder.unpack_trial(&plan, config, &mut |what| warnings.tell(what))?;
    let own = trial.examine(config, plan.data_of(config))?;
    if own.ended().is_some_and(TrialState::is_finished) {
        say(format_args!("{id} is finished"));
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<&str> = plan.datasets().into_iter().filter(|n| *n == config.dataset).collect();
    let (sets, ids) = data::load(&names, data)?;
    super::reproduce::check_data(&plan, &ids, folder.path())?;
    let interrupt = Interrupt::listen()?;
    let evaluating = Arc::new(Mutex::new(None));
    let (waiting, waiting_id) = (evaluating.clone(), id.to_owned());
    let waits_for = move || {
        let evaluating = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        vec![waits(&waiting_id, *evaluating)]
    };
    Interrupt::answer(waits_for, |answer| say(answer))?;
    let evaluates = |step| *evaluating.lock().unwrap_or_else(PoisonError::into_inner) = step;
    stay_on_this_thread();
    let state = trial::run(
        config,
        sets.get(&config.dataset).cloned(),
        &trial,
        Control { interrupted: &|| interrupt.asked(), checkpoint_every },
        &mut |event| match event {
            Event::Started { step } => {
                say(format_args!("{id}: from step {step} of {}", config.steps));
            }
            Event::Noticed { what } => warnings.tell(what),
            Event::Evaluating { step } => evaluates(Some(*step)),
            Event::Evaluated { step, values } => {
                evaluates(None);
                say(format_args!("{id}: step {step}{}", super::progress::values(values)));
            }
            Event::Stepped { .. } | Event::Ended { .. } => {}
        },
    )?;
    Ok(match state {
        TrialState::Finished => ExitCode::SUCCESS,
        TrialState::Diverged { step, reason } => {
            say(format_args!("{id}: stopped at step {step}: {reason}"));
            ExitCode::FAILURE
        }
        TrialState::Waiting | TrialState::Unfinished { .. } => {
            say(format_args!("{id}: saved; the same command goes on from here"));
            interrupt.exit_code()
        }
    })
}
