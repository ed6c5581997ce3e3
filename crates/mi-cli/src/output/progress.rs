use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Seconds between two lines where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// How far a long computation is: a bar on a terminal, a plain line now and then elsewhere.
pub struct Progress {
    what: &'static str,
    total: usize,
    form: Form,
}

enum Form {
    Silent,
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
}

struct Lines {
    done: usize,
    start: Instant,
    last: Instant,
}

impl Lines {
    /// The time that the rest takes if it goes on as before.
    fn left(&self, total: usize) -> Duration {
        let rest = total.saturating_sub(self.done) as f64 / self.done.max(1) as f64;
        Duration::from_secs_f64(self.start.elapsed().as_secs_f64() * rest)
    }
}

impl Progress {
    /// Nothing done yet of `total` things called `what`.
    pub fn new(what: &'static str, total: usize, quiet: bool) -> Self {
        let form = if quiet {
            Form::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total as u64);
            // The template is a constant; should it not parse, the default bar does.
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta} left")
            {
                bar.set_style(style);
            }
            bar.set_message(what);
            Form::Bar(bar)
        } else {
            let now = Instant::now();
            Form::Lines(Mutex::new(Lines { done: 0, start: now, last: now }))
        };
        Self { what, total, form }
    }

    /// One more is done.
    pub fn step(&self) {
        match &self.form {
            Form::Silent => {}
            Form::Bar(bar) => bar.inc(1),
            Form::Lines(lines) => {
                // A thread that panicked while it counted leaves a count that is still right.
                let mut lines = lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                lines.done += 1;
                if lines.last.elapsed() >= INTERVAL {
                    let left = HumanDuration(lines.left(self.total));
                    let (done, total, what) = (lines.done, self.total, self.what);
                    eprintln!("mi: {done} of {total} {what}, about {left} left");
                    lines.last = Instant::now();
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}
