//! The part of the protocol that all trials of a run share and no configuration states: here, and
//! in the paper with its public notebook.

use std::collections::{BTreeMap, BTreeSet};

use mi_data::Shuffle;
use mi_nets::EpsPlacement;

use crate::config::{Evaluation, Task, TrialConfig};
use crate::outcome::Outcome;
use crate::trial::{EPS_PLACEMENT, SHUFFLE};

/// How trials are run and measured, beyond what configurations say.
#[derive(Clone, Debug, PartialEq)]
struct Protocol {
    /// The smallest and the largest number of runs of an experiment.
    runs: (usize, usize),
    shuffling: Shuffle,
    adam: EpsPlacement,
    percentiles: Percentiles,
    scaling: Scaling,
    precision: Precision,
}

/// How percentiles of the condition number are combined over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Percentiles {
    Pooled,
    Averaged,
}

/// Which features min–max scaling leaves unchanged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scaling {
    /// Those that are exactly constant.
    ExactlyConstant,
    /// Those whose range is a few units in the last place of their largest value.
    ConstantToRounding,
}

/// The precision of Jacobians and of the check of an inverse.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Precision {
    Single,
    Double,
}

/// The paper's protocol, according to its text and notebook.
const PAPER: Protocol = Protocol {
    runs: (20, 20),
    shuffling: Shuffle::NOTEBOOK,
    adam: EpsPlacement::BeforeCorrection,
    percentiles: Percentiles::Pooled,
    scaling: Scaling::ExactlyConstant,
    precision: Precision::Single,
};

impl Protocol {
    /// The protocol of a run; `None` if it has no trials.
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
            percentiles: Percentiles::Averaged,
            scaling: Scaling::ConstantToRounding,
            precision: Precision::Double,
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
    if probes && own.scaling != PAPER.scaling {
        let (own, papers) = (scaling(own.scaling), scaling(PAPER.scaling));
        found.push(format!(
            "The probe's min–max scaling leaves features unchanged that are {own}, not only those \
             that are {papers}."
        ));
    }
    if inverts && own.precision != PAPER.precision {
        let (own, papers) = (precision(own.precision), precision(PAPER.precision));
        found.push(format!("Inverses are checked in {own} precision instead of {papers}."));
    }
    found
}

fn evaluates(config: &TrialConfig, is: fn(&Evaluation) -> bool) -> bool {
    match &config.task {
        Task::Contrastive(task) => task.evaluations.iter().any(is),
        Task::MultiView(task) => task.evaluations.iter().any(is),
        Task::Adversarial(task) => task.evaluations.iter().any(is),
        Task::Dependent(_) | Task::Supervised(_) | Task::Pixels(_) => false,
    }
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
    }
}

fn percentiles(percentiles: Percentiles) -> &'static str {
    match percentiles {
        Percentiles::Pooled => "over the inputs of all runs together",
        Percentiles::Averaged => "taken for each run and averaged",
    }
}

fn scaling(scaling: Scaling) -> &'static str {
    match scaling {
        Scaling::ExactlyConstant => "exactly constant",
        Scaling::ConstantToRounding => "constant to rounding",
    }
}

fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::Single => "single",
        Precision::Double => "double",
    }
}
