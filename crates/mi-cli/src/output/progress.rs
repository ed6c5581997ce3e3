use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use mi_plot::duration;

use super::say;

/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Time between two changes of the text on a terminal.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// If less time than this has passed or is left, no prediction is shown.
const MOMENT: Duration = Duration::from_secs(1);

/// The progress of a long computation: a bar on a terminal, an occasional plain line elsewhere.
pub struct Progress {
    what: &'static str,
    total: usize,
    /// The bar, where there is a terminal.
    bar: Option<ProgressBar>,
    /// `None` if nothing is to be shown.
    state: Option<Mutex<State>>,
}

struct State {
    done: usize,
    start: Instant,
    said: Instant,
}

impl Progress {
    /// Nothing done yet of `total` items called `what`.
    pub fn new(what: &'static str, total: usize, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(total as u64);
            // The template is a constant; if it did not parse, the default bar would be used.
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
                bar.set_style(style);
            }
            bar.set_message(what);
            bar
        });
        let now = Instant::now();
        let state = (!quiet).then(|| Mutex::new(State { done: 0, start: now, said: now }));
        Self { what, total, bar, state }
    }

    /// One more is done.
    pub fn step(&self) {
        let Some(state) = &self.state else { return };
        // If a thread panicked while counting, the count is still right.
        let mut state: MutexGuard<'_, State> = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        let interval = if self.bar.is_some() { BAR_INTERVAL } else { LINE_INTERVAL };
        let due = state.said.elapsed() >= interval;
        if due {
            state.said = Instant::now();
        }
        let left = left(state.start.elapsed(), state.done, self.total);
        match &self.bar {
            Some(bar) => {
                if due {
                    bar.set_message(format!("{}{left}", self.what));
                }
                bar.inc(1);
            }
            // The last one is followed by the result.
            None if due && state.done < self.total => {
                say(format_args!("mi: {} of {} {}{left}", state.done, self.total, self.what));
            }
            None => {}
        }
    }
}

/// `, about 3 min 20 s left`: the time for the rest at the current rate; empty if it is not yet
/// known, or very short.
fn left(elapsed: Duration, done: usize, total: usize) -> String {
    let mut text = String::new();
    if elapsed < MOMENT || done == 0 {
        return text;
    }
    let rest = elapsed.as_secs_f64() * total.saturating_sub(done) as f64 / done as f64;
    if rest >= MOMENT.as_secs_f64() {
        // Writing to a String cannot fail.
        let _ = write!(text, ", about {} left", duration(rest));
    }
    text
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said_where_it_is_known_and_worth_it() {
        let after = |millis, done, total| left(Duration::from_millis(millis), done, total);
        assert_eq!(after(20_000, 1, 11), ", about 3 min 20 s left");
        assert_eq!(after(500, 1, 1_000), "");
        assert_eq!(after(20_000, 100, 100), "");
        assert_eq!(after(20_000, 100, 104), "");
        assert_eq!(after(20_000, 0, 100), "");
    }
}
