use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

/// Whether the user or the system asked the program to stop.
///
/// After the first signal, running trials finish their step and save. The second signal ends the
/// process at once.
pub(super) struct Interrupt {
    asked: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Starts listening for Ctrl-C and SIGTERM.
    pub(super) fn listen() -> Result<Self> {
        let interrupt = Self { asked: Arc::default(), signal: Arc::new(AtomicUsize::new(0)) };
        for signal in [SIGINT, SIGTERM] {
            // Order matters: on the first signal the condition is still false.
            flag::register_conditional_shutdown(signal, 128 + signal, interrupt.asked.clone())
                .and_then(|_| flag::register(signal, interrupt.asked.clone()))
                .and_then(|_| {
                    flag::register_usize(signal, interrupt.signal.clone(), signal as usize)
                })
                .context("cannot listen for signals")?;
        }
        Ok(interrupt)
    }

    /// Answers the first signal at once with a message about what is still running, however long
    /// that takes.
    pub(super) fn answer(
        waits_for: impl Fn() -> Vec<String> + Send + 'static,
        tell: impl Fn(&str) + Send + 'static,
    ) -> Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot listen for signals")?;
        let answer = move || {
            if signals.forever().next().is_some() {
                tell(&answer_to(&waits_for()));
            }
        };
        // If the system refuses a thread, the signal works but is not answered.
        drop(thread::Builder::new().name("signals".into()).spawn(answer));
        Ok(())
    }

    /// Whether a stop was requested.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// 130 after Ctrl-C, 143 after SIGTERM.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(128 + self.signal.load(Ordering::Relaxed) as u8)
    }
}

/// A running trial with what an interruption has to wait for: an evaluation, or the end of a step.
pub(super) fn waits(id: &str, evaluating: Option<u64>) -> String {
    match evaluating {
        Some(step) => format!("{id} (evaluation at step {step})"),
        None => format!("{id} (one step)"),
    }
}

fn answer_to(waits: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = waits.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let shown = match waits.len() {
        0 => "files that are being written".to_owned(),
        1..=SHOWN => shown,
        all => format!("{shown} and {} more", all - SHOWN),
    };
    format!(
        "interrupted: waiting for {shown}, then everything is saved; a second signal stops at \
         once, and the work since the last checkpoint is lost"
    )
}

#[cfg(test)]
mod tests {
    use super::answer_to;

    #[test]
    fn an_answer_names_what_is_waited_for() {
        let trials: Vec<String> = (0..6).map(|i| format!("t{i} (one step)")).collect();
        assert!(answer_to(&trials[..1]).contains("waiting for t0 (one step), then"));
        assert!(answer_to(&trials).contains("t3 (one step) and 2 more, then"));
        assert!(answer_to(&[]).contains("waiting for files that are being written"));
    }
}
