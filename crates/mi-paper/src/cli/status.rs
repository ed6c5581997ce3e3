use std::fmt::Write as _;

use mi_paper::error::PaperError;
use mi_paper::folder::{Lock, RunFolder};
use mi_paper::outcome::TrialState;

/// How far a run came: a line for each trial, and the totals.
pub(super) fn text(folder: &RunFolder) -> Result<String, PaperError> {
    let outcome = folder.outcome()?;
    let width = outcome.trials.iter().map(|trial| trial.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    let (mut ended, mut running) = (0, 0);
    for trial in &outcome.trials {
        let runs = !trial.state.has_ended() && Lock::is_held(folder.trial(&trial.id).path());
        let state = match &trial.state {
            TrialState::Waiting if runs => "running, nothing saved yet".into(),
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

/// A time as a person would say it: `45 s`, `3 min 20 s`, `2 h 05 min`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3_600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(44.6), "45 s");
        assert_eq!(duration(200.0), "3 min 20 s");
        assert_eq!(duration(7_500.0), "2 h 05 min");
    }
}
