//! A report that grows while trials run.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use mi_paper::folder::RunFolder;

use super::output;

/// When and how often the report is drawn.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// When the first figures are drawn.
    first: Duration,
    /// The shortest time between two drawings.
    every: Duration,
}

/// The usual pace.
pub(super) const PACE: Pace =
    Pace { first: Duration::from_secs(10), every: Duration::from_secs(20) };

/// The next drawing waits at least this many times the duration of the last one, so that drawing
/// takes a small part of the time.
const PATIENCE: u32 = 20;

/// Draws figures and report from time to time while `work` runs; `work` calls the function that it
/// receives when there is something new. Nothing is drawn after it has returned.
///
/// Errors of a drawing are not reported here: the last one, after all trials, reports them.
pub(super) fn while_running<T>(
    folder: &RunFolder,
    pace: Pace,
    work: impl FnOnce(&(dyn Fn() + Sync)) -> T,
) -> T {
    let (news, heard) = mpsc::channel();
    thread::scope(|scope| {
        let drawing = move || {
            let (mut due, mut changed) = (Instant::now() + pace.first, false);
            loop {
                let wait = due.saturating_duration_since(Instant::now());
                let heard = if changed {
                    heard.recv_timeout(wait)
                } else {
                    heard.recv().map_err(|_| RecvTimeoutError::Disconnected)
                };
                match heard {
                    Ok(()) => changed = true,
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        let begun = Instant::now();
                        if let Ok(outcome) = folder.outcome(&mut |_| ()) {
                            let _ = output::draw(folder, &outcome);
                        }
                        changed = false;
                        due = Instant::now() + pace.every.max(PATIENCE * begun.elapsed());
                    }
                }
            }
        };
        // If the system refuses a thread, the report is drawn only at the end.
        let _drawing = thread::Builder::new().spawn_scoped(scope, drawing);
        let result = work(&|| {
            let _ = news.send(());
        });
        drop(news);
        result
    })
}

#[cfg(test)]
mod tests {
    use mi_paper::plan::{Plan, Request};
    use mi_paper::preset::Preset;

    use super::*;

    #[test]
    fn figures_and_report_are_there_before_the_work_is_done() {
        let out = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(out.path());
        let plan = Plan::resolve(&Request::new(&["critics"], Preset::Smoke));
        folder.adopt(&plan.unwrap(), &mut |_| ()).unwrap();
        let pace = Pace { first: Duration::ZERO, every: Duration::ZERO };
        let report = out.path().join("report.md");
        while_running(&folder, pace, |news| {
            assert!(!report.exists(), "nothing is drawn before there is news");
            news();
            let start = Instant::now();
            while !report.exists() {
                assert!(start.elapsed() < Duration::from_mins(1), "no report came");
                thread::sleep(Duration::from_millis(5));
            }
        });
    }
}
