use std::fmt::Write as _;

use mi_paper::error::PaperError;
use mi_paper::folder::{Lock, RunFolder};
use mi_paper::outcome::TrialState;
pub(super) use mi_plot::duration;

/// How far a run came: a line for each trial, and the totals.
pub(super) fn text(folder: &RunFolder, notice: &mut dyn FnMut(&str)) -> Result<String, PaperError> {
    let (outcome, lost) = folder.outcome_and_lost(notice)?;
    let width = outcome.trials.iter().map(|trial| trial.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    let (mut ended, mut running) = (0, 0);
    for trial in &outcome.trials {
        let runs = !trial.state.has_ended() && Lock::is_held(folder.trial(&trial.id).path());
        let state = match &trial.state {
            TrialState::Waiting if runs => "running, nothing saved yet".into(),
            TrialState::Waiting if lost.contains(&trial.id) => "records lost, runs again".into(),
            TrialState::Waiting => "waiting".into(),
            TrialState::Unfinished { step } => {
                let now = if runs { "running, " } else { "" };
                format!("{now}saved at step {step} of {}", trial.steps)
            }
            TrialState::Finished => "finished".into(),
            TrialState::Diverged { step, reason } => format!("diverged at step {step}: {reason}"),
        };
        ended += usize::from(trial.state.has_ended());
        running += usize::from(runs);
        let time = if trial.seconds > 0.0 { duration(trial.seconds) } else { String::new() };
        let _ = writeln!(text, "{:<width$}  {time:>8}  {state}", trial.id);
    }
    let all = outcome.trials.len();
    let _ = write!(
        text,
        "{ended} of {all} trials have ended, after {} of processor time; {running} running, {} left",
        duration(outcome.run.trial_seconds),
        all - ended - running
    );
    Ok(text)
}
