//! The rules, fixed before any result was seen. Since then they have only grown more careful: that
//! bounds are at their targets, which C5 and C8 presuppose, used to be one of their effects, so that
//! a bound elsewhere refuted them; and short training used to refute as long training does.

use std::collections::BTreeMap;

use crate::claims::condition::Condition;
use crate::claims::{Decision, Verdict, effects};
use crate::configurations::{Configuration, Key, Trial};
use crate::published;
use crate::record::Metric;

/// A claim with its rule.
pub(super) struct Claim {
    pub(super) id: &'static str,
    pub(super) experiment: &'static str,
    figure: &'static str,
    paper_figures: &'static str,
    statement: &'static str,
    rule: &'static str,
    pub(super) conditions: fn(&Scene<'_>) -> Vec<Condition>,
}

impl Claim {
    pub(super) fn verdict(
        &self,
        dataset: Option<String>,
        decision: Decision,
        reason: String,
        conditions: Vec<Condition>,
    ) -> Verdict {
        Verdict {
            id: self.id,
            claim: self.statement,
            rule: self.rule,
            figure: self.figure,
            paper_figures: self.paper_figures,
            dataset,
            paper_dataset: published::dataset(self.experiment),
            decision,
            reason,
            conditions,
        }
    }
}

/// Every claim, in order.
pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "C1",
        experiment: "invertible",
        figure: "fig-1",
        paper_figures: "1a, 1b",
        statement: "With bijective encoders the true mutual information is constant, yet the bound \
                and the accuracy both rise.",
        rule: "In every run the encoder's inverse returns the input to within half a grey level \
               (1/510), so that no information is lost; and for each bound the intervals of \
               accuracy(end) − accuracy(start) and of bound(end) − max(bound(start), 0) lie above \
               zero. A negative start counts as zero, which no mutual information undercuts.",
        conditions: effects::bijective,
    },
    Claim {
        id: "C2",
        experiment: "adversarial",
        figure: "fig-1c",
        paper_figures: "1c",
        statement: "A bijective encoder can be trained to be useless for a linear probe, with mutual \
                information unchanged.",
        rule: "In every run the encoder's inverse returns the input to within half a grey level \
               (1/510), and the interval of pixel baseline − accuracy(end) lies above 10 points. \
               Without a pixel baseline in the run, accuracy(start) stands for it.",
        conditions: effects::adversarial,
    },
    Claim {
        id: "C3",
        experiment: "conditioning",
        figure: "fig-2",
        paper_figures: "2a–c, 5",
        statement: "An encoder that is free to be invertible or not becomes ill-conditioned.",
        rule: "For each bound, trained with the paper's shared noise, ln(σmax/σmin) of the Jacobian at its 40th percentile over \
               inputs grows by more than ln 10 from start to end: at more than half of the \
               inputs the condition number grows more than tenfold.",
        conditions: effects::conditioning,
    },
    Claim {
        id: "C4",
        experiment: "critics",
        figure: "fig-3",
        paper_figures: "3, 6",
        statement: "Critics of higher capacity give worse representations. The bound is tighter only \
                for NWJ; for InfoNCE the MLP critic's is the lowest.",
        rule: CRITICS_RULE,
        conditions: effects::critics,
    },
    Claim {
        id: "C5",
        experiment: "encoders",
        figure: "fig-4",
        paper_figures: "4a, 4b, 7",
        statement: "At the same value t of the bound, the encoder's architecture matters more than \
                the estimator.",
        rule: ENCODERS_RULE,
        conditions: effects::encoders,
    },
    Claim {
        id: "C6",
        experiment: "dependent",
        figure: "fig-4c",
        paper_figures: "4c",
        statement: "With dependent negatives neither InfoNCE nor NWJ bounds I(X; Y) from below.",
        rule: "With a run's estimate the mean over the last fifth of its steps: for each bound \
               the interval of estimate − true lies above zero with dependent negatives and \
               within ±0.01 nats with independent ones; and with dependent negatives the \
               estimate stays below the closed-form ceiling I(X_1..K; Y).",
        conditions: effects::dependent,
    },
    Claim {
        id: "C7",
        experiment: "cifar-critics",
        figure: "fig-8",
        paper_figures: "8",
        statement: "As C4 on CIFAR-10: critics of higher capacity give worse representations.",
        rule: CRITICS_RULE,
        conditions: effects::critics,
    },
    Claim {
        id: "C8",
        experiment: "cifar-encoders",
        figure: "fig-9",
        paper_figures: "9",
        statement: "As C5 on CIFAR-10: architecture matters more than the estimator.",
        rule: ENCODERS_RULE,
        conditions: effects::encoders,
    },
];

const CRITICS_RULE: &str = "At the end, by seed: for each bound the intervals of accuracy \
    bilinear − separable and separable − MLP lie above zero; those of the NWJ bound MLP − \
    bilinear and MLP − separable lie above zero; those of the InfoNCE bound bilinear − MLP and \
    separable − MLP lie above zero. Bounds are those on training batches, as in the paper.";

const ENCODERS_RULE: &str = "At the end, by seed: A, the accuracy ConvNet − MLP averaged over \
    bounds and targets, and E, |InfoNCE − NWJ| averaged over encoders and targets; the intervals \
    of A and of A − 3 E lie above zero. The claim is about bounds at their targets, so that it is \
    undecided unless the interval of |I − t| lies below 0.2 nats for every configuration.";

/// What a rule looks at: a claim on one data set.
pub(super) struct Scene<'a> {
    pub(super) all: &'a [Configuration<'a>],
    pub(super) claim: &'a Claim,
    pub(super) dataset: &'a str,
}

impl<'a> Scene<'a> {
    /// The configurations of the claim's own experiment.
    pub(super) fn configurations(&self) -> impl Iterator<Item = &'a Configuration<'a>> + Clone {
        let (experiment, dataset) = (self.claim.experiment, self.dataset);
        self.all.iter().filter(move |c| c.key.experiment == experiment && c.key.dataset == dataset)
    }

    pub(super) fn find(&self, is: impl Fn(&Key) -> bool) -> Option<&'a Configuration<'a>> {
        self.configurations().find(|c| is(&c.key))
    }

    /// A number of each finished trial of the configuration asked for; none if it was not run.
    pub(super) fn by_seed(
        &self,
        is: impl Fn(&Key) -> bool,
        number: impl Fn(&Trial<'a>) -> Option<f64>,
    ) -> BTreeMap<u64, f64> {
        self.find(is).map(|c| c.by_seed(number)).unwrap_or_default()
    }

    /// The paper's end value for the configuration asked for.
    pub(super) fn published(&self, is: impl Fn(&Key) -> bool, metric: Metric) -> Option<f64> {
        self.find(is).and_then(|c| published::end(&c.key, metric)).map(|v| v.value)
    }
}
