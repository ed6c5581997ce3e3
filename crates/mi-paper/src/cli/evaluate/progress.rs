//! Shows progress on standard error: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::status::duration;
use super::super::terminal::say;

/// The progress of several measures.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    count: usize,
    begun: Instant,
    /// The part of a measure that was shown last.
    part: String,
}

impl Progress {
    pub(super) fn new(count: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}");
            let target = ProgressDrawTarget::stderr_with_hz(5);
            let bar = ProgressBar::with_draw_target(Some(count as u64), target);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, count, begun: Instant::now(), part: String::new() }
    }

    pub(super) fn begins(&self, index: usize, measure: &'static str) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(index as u64);
                bar.set_message(measure);
            }
            None => say(format_args!("{} of {}: {measure}", index + 1, self.count)),
        }
    }

    /// Shows how much of a part of the current measure is done; on lines, only that it has begun.
    pub(super) fn part(&mut self, measure: &str, part: &str, share: f64) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("{measure}, {part}: {:.0} %", 100.0 * share)),
            None if self.part != part => say(format_args!("  {measure}, {part}")),
            None => {}
        }
        part.clone_into(&mut self.part);
    }

    pub(super) fn ends(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        say(format_args!("measured in {}", duration(self.begun.elapsed().as_secs_f64())));
    }
}
