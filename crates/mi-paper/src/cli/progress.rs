//! Progress on standard error: bars on a terminal, plain lines elsewhere.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use mi_paper::cost;
use mi_paper::error::PaperError;
use mi_paper::outcome::TrialState;
use mi_paper::plan::Plan;
use mi_paper::record::Metric;
use mi_paper::schedule::DataSets;
use mi_paper::trial::Event;

use super::data;
use super::interrupt::waits;
use super::status::duration;
use super::terminal::say;

/// The shortest time between two plain lines about the same trial.
const LINE_INTERVAL: Duration = Duration::from_secs(30);
/// The shortest time between two redraws of a bar.
const BAR_INTERVAL: Duration = Duration::from_millis(200);

/// The progress of a plan's trials.
pub(super) struct Progress {
    state: Mutex<State>,
    bars: Option<MultiProgress>,
}

struct State {
    trials: Vec<Followed>,
    total: Option<ProgressBar>,
    begun: Instant,
    /// Work done before this process began, in the units of `weight`.
    inherited: f64,
}

struct Followed {
    id: String,
    steps: u64,
    /// Estimated operations of the complete trial, or of the part done if it ended early.
    weight: f64,
    /// Fraction done.
    done: f64,
    bound: Option<f64>,
    accuracy: Option<f64>,
    bar: Option<ProgressBar>,
    begun: Option<(Instant, f64)>,
    told: Option<Instant>,
    runs: bool,
    /// The step after which it is being evaluated.
    evaluating: Option<u64>,
    /// How it ended, once it has.
    ending: &'static str,
}

impl Progress {
    /// Follows a plan in which the fraction `done[i]` of trial i is done.
    pub(super) fn new(plan: &Plan, sets: &DataSets, done: &[f64]) -> Self {
        let bars = std::io::stderr().is_terminal().then(|| {
            let bars = MultiProgress::new();
            bars.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
            bars
        });
        let trials: Vec<Followed> = plan
            .trials
            .iter()
            .zip(done)
            .map(|(trial, &done)| Followed {
                id: trial.id(),
                steps: trial.steps,
                weight: cost::estimate(trial, data::size(sets, &trial.dataset)).flops.max(1.0),
                done,
                bound: None,
                accuracy: None,
                bar: None,
                begun: None,
                told: None,
                runs: false,
                evaluating: None,
                ending: "finished",
            })
            .collect();
        let total = bars.as_ref().map(|bars| {
            bars.add(ProgressBar::new(1_000).with_style(style("{bar:30} {percent:>3} %  {msg}")))
        });
        let inherited = trials.iter().map(|trial| trial.weight * trial.done).sum();
        let state = State { trials, total, begun: Instant::now(), inherited };
        Self { state: Mutex::new(state), bars }
    }

    /// Records an event of trial `index`.
    pub(super) fn observe(&self, index: usize, event: &Event<'_>) {
        // After a panic in another thread, the counts are still good enough to show.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let trial = &mut state.trials[index];
        let now = Instant::now();
        let mut tell = false;
        match event {
            Event::Started { step } => {
                trial.runs = true;
                trial.done = trial.fraction(*step);
                trial.begun = Some((now, trial.done));
                trial.bar = self.bars.as_ref().map(|bars| {
                    bars.insert_from_back(
                        1,
                        ProgressBar::new(trial.steps)
                            .with_style(style("{bar:12} {pos}/{len} {prefix}  {msg}"))
                            .with_prefix(trial.id.clone()),
                    )
                });
                tell = true;
            }
            Event::Noticed { what } => self.line(&format!("warning: {what}")),
            Event::Evaluating { step } => trial.evaluating = Some(*step),
            Event::Stepped { step, value } => {
                trial.done = trial.fraction(*step);
                trial.bound = Some(*value);
                let interval = if self.bars.is_some() { BAR_INTERVAL } else { LINE_INTERVAL };
                tell = trial.told.is_none_or(|told| now - told >= interval);
            }
            Event::Evaluated { step, values } => {
                trial.evaluating = None;
                trial.accuracy = find(values, Metric::Accuracy)
                    .or_else(|| find(values, Metric::AccuracyClassifier))
                    .or(trial.accuracy);
                trial.bound = find(values, Metric::BoundTest)
                    .or_else(|| find(values, Metric::Estimate))
                    .or(trial.bound);
                if *step >= trial.steps {
                    trial.done = 1.0;
                    tell = true;
                }
            }
            Event::Ended { result } => {
                (trial.runs, trial.evaluating) = (false, None);
                tell = trial.end(*result);
            }
            _ => {}
        }
        if !tell {
            return;
        }
        trial.told = Some(now);
        let message = trial.message(now);
        let ended = trial.done >= 1.0;
        if let Some(bar) = &trial.bar {
            bar.set_position((trial.done * trial.steps as f64) as u64);
            bar.set_message(message);
            if ended {
                bar.finish_and_clear();
            }
        }
        let overall = state.overall(now);
        let trial = &state.trials[index];
        if let Some(total) = &state.total {
            total.set_position((state.fraction() * 1_000.0) as u64);
            total.set_message(overall);
        } else {
            say(format_args!("[{overall}] {} {}", trial.id, trial.message(now)));
        }
    }

    /// What an interruption has to wait for: each running trial, with its current work.
    pub(super) fn waits_for(&self) -> Vec<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let running = state.trials.iter().filter(|trial| trial.runs);
        running.map(|trial| waits(&trial.id, trial.evaluating)).collect()
    }

    /// Writes a permanent line, above the bars if there are any.
    pub(super) fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => drop(bars.println(mi_plot::plain_lines(text))),
            None => say(text),
        }
    }

    /// Removes the bars.
    pub(super) fn finish(&self) {
        if let Some(bars) = &self.bars {
            drop(bars.clear());
        }
    }
}

impl Followed {
    /// The fraction of the trial that is done after `step` steps. A trial without steps is done
    /// once it has been evaluated.
    fn fraction(&self, step: u64) -> f64 {
        if self.steps == 0 { 0.0 } else { step as f64 / self.steps as f64 }
    }

    /// Records that the trial has ended. Returns false if that was known, or if the trial can still
    /// be continued.
    fn end(&mut self, result: Result<&TrialState, &PaperError>) -> bool {
        self.ending = match result {
            _ if self.done >= 1.0 => return false,
            Ok(TrialState::Finished) => "finished",
            Ok(TrialState::Diverged { .. }) => "diverged",
            Ok(_) => return false,
            Err(_) => "failed",
        };
        // The part that was not done no longer counts as work.
        self.weight *= self.done;
        self.done = 1.0;
        true
    }

    fn message(&self, now: Instant) -> String {
        let mut text = if self.done >= 1.0 {
            self.ending.to_owned()
        } else {
            format!("step {} of {}", (self.done * self.steps as f64).round(), self.steps)
        };
        if let Some(bound) = self.bound {
            let _ = write!(text, ", {bound:.3} nats");
        }
        if let Some(accuracy) = self.accuracy {
            let _ = write!(text, ", accuracy {accuracy:.3}");
        }
        if let Some((begun, from)) = self.begun
            && self.done > from
            && self.done < 1.0
        {
            let left = (now - begun).as_secs_f64() / (self.done - from) * (1.0 - self.done);
            text.push_str(&time_left(left));
        }
        text
    }
}

impl State {
    fn work(&self) -> (f64, f64) {
        let done = self.trials.iter().map(|trial| trial.weight * trial.done).sum();
        let all = self.trials.iter().map(|trial| trial.weight).sum();
        (done, all)
    }

    fn fraction(&self) -> f64 {
        let (done, all) = self.work();
        // Nothing is left to do if every trial ended before its first step.
        if all > 0.0 { done / all } else { 1.0 }
    }

    fn overall(&self, now: Instant) -> String {
        let ended = self.trials.iter().filter(|trial| trial.done >= 1.0).count();
        let mut text = format!("{ended}/{} trials", self.trials.len());
        let (done, all) = self.work();
        let fresh = done - self.inherited;
        if fresh > 0.002 * all && done < all {
            let left = (now - self.begun).as_secs_f64() / fresh * (all - done);
            text.push_str(&time_left(left));
        }
        text
    }
}

/// `, 3 min 20 s left`; empty if the time is very short.
fn time_left(seconds: f64) -> String {
    if seconds < 1.0 { String::new() } else { format!(", {} left", duration(seconds)) }
}

/// What an evaluation measured, as `, bound_test 1.234, accuracy 0.870`.
pub(super) fn values(values: &[(Metric, f64)]) -> String {
    values.iter().fold(String::new(), |mut text, (metric, value)| {
        let _ = match metric {
            // Four decimals would show such small values as zero.
            Metric::InverseError => write!(text, ", {} {value:.1e}", metric.name()),
            _ => write!(text, ", {} {value:.4}", metric.name()),
        };
        text
    })
}

fn find(values: &[(Metric, f64)], metric: Metric) -> Option<f64> {
    values.iter().find(|(found, _)| *found == metric).map(|(_, value)| *value)
}

/// A bar's style; if indicatif does not accept the template, the default one.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

#[cfg(test)]
mod tests {
    use mi_paper::plan::Request;
    use mi_paper::preset::Preset;

    use super::*;

    fn four_trials() -> Plan {
        Plan::resolve(&Request::new(&["dependent"], Preset::Smoke)).unwrap()
    }

    #[test]
    fn less_than_a_second_left_is_not_shown() {
        assert_eq!([time_left(0.3), time_left(200.0)], ["", ", 3 min 20 s left"]);
    }

    #[test]
    fn trials_that_diverge_or_fail_are_over() {
        let progress = Progress::new(&four_trials(), &DataSets::new(), &[0.0; 4]);
        let look = |index: usize| {
            let state = progress.state.lock().unwrap();
            let (now, (done, all)) = (Instant::now(), state.work());
            (state.overall(now), state.trials[index].message(now), done, all)
        };
        let (_, _, _, whole) = look(0);
        let own = whole / 4.0;
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * whole;
        progress.observe(0, &Event::Started { step: 0 });
        progress.observe(0, &Event::Stepped { step: 100, value: 0.5 });
        let (overall, message, done, all) = look(0);
        assert!(overall.starts_with("0/4 trials") && message.starts_with("step 100 of 200"));
        assert!(close(done, own / 2.0) && close(all, whole));

        let state = TrialState::Diverged { step: 101, reason: "a weight is not finite".into() };
        progress.observe(0, &Event::Ended { result: Ok(&state) });
        let (overall, message, done, all) = look(0);
        assert!(overall.starts_with("1/4 trials"), "{overall}");
        assert!(message.starts_with("diverged"), "{message}");
        assert!(close(done, own / 2.0) && close(all, whole - own / 2.0), "{done} of {all}");

        let error = PaperError::DataNeeded { experiment: "critics".into() };
        progress.observe(1, &Event::Ended { result: Err(&error) });
        let (overall, message, _, all) = look(1);
        assert!(overall.starts_with("2/4 trials"), "{overall}");
        assert!(message.starts_with("failed"), "{message}");
        assert!(close(all, whole - 1.5 * own), "{all}");

        // An interruption does not end a trial, and an end is reported once.
        progress.observe(2, &Event::Ended { result: Ok(&TrialState::Unfinished { step: 7 }) });
        progress.observe(0, &Event::Ended { result: Err(&error) });
        assert!(look(0).0.starts_with("2/4 trials") && look(0).1.starts_with("diverged"));
    }
}
