//! The part of the protocol that all trials of a run share and no configuration states: here, and
//! in the paper with its public notebook.

use std::collections::{BTreeMap, BTreeSet};

use mi_data::Shuffle;
use mi_eval::MinMaxScaler;
use mi_nets::EpsPlacement;

use crate::config::{Evaluation, Task, TrialConfig};
use crate::outcome::Outcome;
use crate::trial::{EPS_PLACEMENT, EXACT_DIGITS, PERCENTILES, Percentiles, SHUFFLE};

/// How trials are run and measured, beyond what configurations say.
#[derive(Clone, Debug, PartialEq)]
struct Protocol {
    /// The smallest and the largest number of runs of an experiment.
    runs: (usize, usize),
    shuffling: Shuffle,
    adam: EpsPlacement,
    percentiles: Percentiles,
    /// Min–max scaling leaves a feature unchanged if its range is at most this many units in the
    /// last place of its largest value.
    rounding_units: f64,
    /// Binary digits of Jacobians and of the check of an inverse.
    digits: u32,
}

/// The paper's protocol, according to its text and notebook.
const PAPER: Protocol = Protocol {
    runs: (20, 20),
    shuffling: Shuffle::NOTEBOOK,
    adam: EpsPlacement::BeforeCorrection,
    percentiles: Percentiles::Pooled,
    rounding_units: 0.0,
    digits: f32::MANTISSA_DIGITS,
};

impl Protocol {
    /// The protocol of a run, from the constants with which trials are run; `None` if it has no
    /// trials.
    fn of(outcome: &Outcome) -> Option<Self> {
        let mut seeds: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for trial in &outcome.trials {
            seeds.entry(&trial.experiment).or_default().insert(trial.seed);
        }
        let runs = || seeds.values().map(BTreeSet::len);
        Some(Self {
            runs: (runs().min()?, runs().max()?),
            shuffling: SHUFFLE,
            adam: EPS_PLACEMENT,
            percentiles: PERCENTILES,
            rounding_units: MinMaxScaler::ROUNDING_UNITS,
            digits: EXACT_DIGITS,
        })
    }
}

/// The departures of a run from the paper's protocol that no configuration shows, one sentence
/// each. Those that concern none of its trials are left out.
pub(crate) fn departures(outcome: &Outcome) -> Vec<String> {
    let Some(own) = Protocol::of(outcome) else { return Vec::new() };
    let any = |is: fn(&TrialConfig) -> bool| outcome.configs.iter().any(is);
    let trains = any(|c| !matches!(c.task, Task::Pixels(_)));
    let batches = any(|c| !matches!(c.task, Task::Pixels(_) | Task::Dependent(_)));
    let conditions = any(|c| evaluates(c, |e| matches!(e, Evaluation::Conditioning { .. })));
    let inverts = any(|c| evaluates(c, |e| matches!(e, Evaluation::Bijectivity { .. })));
    let probes = any(|c| evaluates(c, |e| matches!(e, Evaluation::Probe)))
        || any(|c| matches!(c.task, Task::Pixels(_)));
    let mut found = Vec::new();
    if own.runs != PAPER.runs {
        let (papers, runs) = (
            PAPER.runs.0,
            match own.runs {
                (least, most) if least == most => most.to_string(),
                (least, most) => format!("{least} to {most}, by experiment,"),
            },
        );
        found.push(format!("Runs of each configuration: {runs} instead of {papers}."));
    }
    if batches && own.shuffling != PAPER.shuffling {
        let (own, papers) = (shuffling(own.shuffling), shuffling(PAPER.shuffling));
        found.push(format!("Batches: {own} instead of {papers}."));
    }
    if trains && own.adam != PAPER.adam {
        let (own, papers) = (adam(own.adam), adam(PAPER.adam));
        found.push(format!("Adam adds ε {own} instead of {papers}."));
    }
    if conditions && own.percentiles != PAPER.percentiles {
        let (own, papers) = (percentiles(own.percentiles), percentiles(PAPER.percentiles));
        found.push(format!("Percentiles of the condition number are {own} instead of {papers}."));
    }
    if probes && own.rounding_units != PAPER.rounding_units {
        let (own, papers) = (unscaled(own.rounding_units), unscaled(PAPER.rounding_units));
        found.push(format!(
            "The probe's min–max scaling leaves features unchanged that are {own}, not only those \
             that are {papers}."
        ));
    }
    if inverts && own.digits != PAPER.digits {
        let (own, papers) = (precision(own.digits), precision(PAPER.digits));
        found.push(format!("Inverses are checked in {own} precision instead of {papers}."));
    }
    found
}

fn evaluates(config: &TrialConfig, is: fn(&Evaluation) -> bool) -> bool {
    config.task.evaluations().iter().any(is)
}

fn shuffling(shuffle: Shuffle) -> String {
    match shuffle {
        Shuffle::Full => "all images in a new random order every epoch".to_owned(),
        Shuffle::Buffer { size } => {
            format!(
                "drawn from a buffer of {} images in stored order",
                mi_plot::grouped(size as u64)
            )
        }
        _ => "in another order".to_owned(),
    }
}

fn adam(placement: EpsPlacement) -> &'static str {
    match placement {
        EpsPlacement::AfterCorrection => "after the bias correction",
        EpsPlacement::BeforeCorrection => "before the bias correction, as TensorFlow 1 does,",
        _ => "in another place",
    }
}

fn percentiles(percentiles: Percentiles) -> &'static str {
    match percentiles {
        Percentiles::Pooled => "over the inputs of all runs together",
        Percentiles::Averaged => "taken for each run and averaged",
    }
}

/// The features that min–max scaling leaves unchanged.
fn unscaled(rounding_units: f64) -> &'static str {
    if rounding_units > 0.0 { "constant to rounding" } else { "exactly constant" }
}

fn precision(digits: u32) -> &'static str {
    match digits {
        f32::MANTISSA_DIGITS => "single",
        f64::MANTISSA_DIGITS => "double",
        _ => "another",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EncoderSpec, Labels, Supervised};
    use crate::origin::Origin;
    use crate::outcome::{RunInfo, TrialInfo};

    fn outcome(evaluations: Vec<Evaluation>) -> Outcome {
        let encoder = EncoderSpec::Mlp { hidden: vec![], embed: 2 };
        let task = Supervised {
            encoder,
            view: None,
            batch_size: 8,
            learning_rate: 1e-3,
            optimiser: None,
            evaluations,
        };
        let config = TrialConfig {
            experiment: "mine".to_owned(),
            dataset: "digits".to_owned(),
            seed: 0,
            labels: Labels::new("mlp", "none", "none"),
            steps: 1,
            evaluate_every: 1,
            task: Task::Supervised(task),
        };
        let run = RunInfo {
            command: String::new(),
            preset: "quick".to_owned(),
            data: Vec::new(),
            seeds: vec![0],
            origin: Origin::here().clone(),
            started: String::new(),
            trial_seconds: 0.0,
            deviations: Vec::new(),
        };
        let trials = vec![TrialInfo::waiting(&config, None).unwrap()];
        Outcome { run, configs: vec![config], own: Vec::new(), trials, records: Vec::new() }
    }

    #[test]
    fn evaluations_of_every_kind_of_task_count() {
        let of = |evaluation| departures(&outcome(vec![evaluation]));
        let has = |found: Vec<String>, start: &str| found.iter().any(|s| s.starts_with(start));
        assert!(has(of(Evaluation::Probe), "The probe's min–max scaling"));
        assert!(has(of(Evaluation::Conditioning { inputs: 2 }), "Percentiles of the condition"));
        assert!(has(of(Evaluation::Bijectivity { inputs: 2 }), "Inverses are checked in double"));
        let none = departures(&outcome(Vec::new()));
        assert_eq!(none.len(), 2, "only runs and batches depart: {none:?}");
    }
}
