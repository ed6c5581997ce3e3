use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

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
    last: Instant,
}

impl Progress {
    /// Nothing done yet of `total` things called `what`.
    pub fn new(what: &'static str, total: usize, quiet: bool) -> Self {
        let form = if quiet {
            Form::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total as u64);
            // The template is a constant; should it not parse, the default bar does.
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta}") {
                bar.set_style(style);
            }
            bar.set_message(what);
            Form::Bar(bar)
        } else {
            Form::Lines(Mutex::new(Lines { done: 0, last: Instant::now() }))
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
                    eprintln!("mi: {} of {} {}", lines.done, self.total, self.what);
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
