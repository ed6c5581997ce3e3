use std::fmt::Write as _;

use mi_paper::error::PaperError;
use mi_paper::folder::{Holder, RunFolder};
use mi_paper::outcome::TrialState;
pub(super) use mi_plot::duration;

/// The progress of a run: one line for each trial, then the totals.
pub(super) fn text(folder: &RunFolder, notice: &mut dyn FnMut(&str)) -> Result<String, PaperError> {
    let (outcome, lost) = folder.outcome_and_lost(notice)?;
    let width = outcome.trials.iter().map(|trial| trial.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    let (mut ended, mut running) = (0, 0);
    for trial in &outcome.trials {
        let holder = if trial.state.has_ended() { None } else { folder.trial(&trial.id).holder() };
        let runs = holder.as_ref().is_some_and(|holder| holder.silent.is_none());
        let now = holder.map(|holder| now(&holder));
        let state = match &trial.state {
            TrialState::Unfinished { step } => {
                let now = now.map(|now| format!("{now}, ")).unwrap_or_default();
                format!("{now}saved at step {step} of {}", trial.steps)
            }
            TrialState::Finished => "finished".into(),
            TrialState::Diverged { step, reason } => format!("diverged at step {step}: {reason}"),
            _ => match now {
                Some(now) => format!("{now}, nothing saved yet"),
                None if lost.contains(&trial.id) => "records lost, runs again".into(),
                None => "waiting".into(),
            },
        };
        ended += usize::from(trial.state.has_ended());
        running += usize::from(runs);
        let time = if trial.seconds > 0.0 { duration(trial.seconds) } else { String::new() };
        let _ = writeln!(text, "{:<width$}  {time:>8}  {state}", trial.id);
    }
    let all = outcome.trials.len();
    // Earlier versions kept no times.
    let spent = match outcome.run.trial_seconds {
        0.0 => String::new(),
        seconds => format!(", after {} of processor time", duration(seconds)),
    };
    let left = all - ended - running;
    let _ =
        write!(text, "{ended} of {all} trials have ended{spent}; {running} running, {left} left");
    Ok(text)
}

/// The state of a trial's holder.
fn now(holder: &Holder) -> String {
    let Holder { host, silent, is_here } = holder;
    match silent {
        Some(time) => {
            format!("{host} has given no sign of life for {}", duration(time.as_secs_f64()))
        }
        None if *is_here => "running".into(),
        None => format!("running on {host}"),
    }
}
