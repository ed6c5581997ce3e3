//! Optimisers in experiment files: `optimiser.adam` or `optimiser.sgd` with a `learning_rate`, the
//! rule's other settings, and `optimiser.weight_decay` and `optimiser.schedule`.

use mi_nets::{AdamConfig, OptimiserConfig, Rule, Schedule, SgdConfig, WeightDecay};

use super::section::{Entry, Section};
use crate::error::PaperError;
use crate::trial::adam;

/// A learning rate, and the optimiser if it is not the paper's Adam.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    pub(super) learning_rate: f64,
    pub(super) optimiser: Option<Box<OptimiserConfig>>,
}

/// The optimiser of a file at each of its learning rates.
pub(super) fn rates(section: &mut Section<'_>) -> Result<Vec<Rate>, PaperError> {
    let entry = section.need("optimiser")?;
    let mut optimiser = entry.clone().table()?;
    let decay: WeightDecay = optimiser.one_or("weight_decay", WeightDecay::default())?;
    let schedule: Schedule = optimiser.one_or("schedule", Schedule::default())?;
    let (rates, rule) = match optimiser.take("sgd") {
        Some(sgd) => sgd_of(sgd)?,
        None => adam_of(optimiser.need("adam")?)?,
    };
    optimiser.finish()?;
    let config = OptimiserConfig::from(rule).with_weight_decay(decay).with_schedule(schedule);
    let at = |learning_rate: f64| {
        let own = config.clone().with_lr(learning_rate);
        own.check().map_err(|error| entry.error(error))?;
        let is_papers = own == adam(learning_rate).into();
        let optimiser = (!is_papers).then(|| Box::new(own));
        Ok(Rate { learning_rate, optimiser })
    };
    rates.into_iter().map(at).collect()
}

fn sgd_of(entry: Entry<'_>) -> Result<(Vec<f64>, Rule), PaperError> {
    let mut table = entry.table()?;
    let (rates, usual) = (learning_rates(&mut table)?, SgdConfig::default());
    let rule = Rule::Sgd(SgdConfig {
        lr: usual.lr,
        momentum: table.one_or("momentum", usual.momentum)?,
        nesterov: table.one_or("nesterov", usual.nesterov)?,
    });
    table.finish()?;
    Ok((rates, rule))
}

/// Settings that are not given are those of the paper.
fn adam_of(entry: Entry<'_>) -> Result<(Vec<f64>, Rule), PaperError> {
    let mut table = entry.table()?;
    let (rates, usual) = (learning_rates(&mut table)?, adam(AdamConfig::default().lr));
    let rule = Rule::Adam(AdamConfig {
        lr: usual.lr,
        beta1: table.one_or("beta1", usual.beta1)?,
        beta2: table.one_or("beta2", usual.beta2)?,
        eps: table.one_or("eps", usual.eps)?,
        eps_placement: table.one_or("eps_placement", usual.eps_placement)?,
    });
    table.finish()?;
    Ok((rates, rule))
}

fn learning_rates(rule: &mut Section<'_>) -> Result<Vec<f64>, PaperError> {
    let rates = rule.need("learning_rate")?;
    rates.many_that(|&x: &f64| x.is_finite() && x > 0.0, "a number above 0")
}
