//! `mi-paper similarity`: compares the representations of different seeds.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use mi_eval::{linear_cka, linear_cka_debiased};
use mi_paper::config::Evaluation;
use mi_paper::folder::RunFolder;
use mi_paper::outcome::TrialInfo;
use mi_plot::{Align, TextTable, number};
use ndarray::Array2;
use serde::Serialize;

use super::output::Warnings;
use super::terminal;

#[derive(Debug, Args)]
pub(super) struct Similarity {
    /// Folder of a run that has the measure `representation`, such as one of the experiment
    /// `measures`.
    run: PathBuf,
    /// Print JSON, one line for each pair of seeds.
    #[arg(long)]
    json: bool,
}

/// Linear CKA between the representations of the same test images under two seeds.
#[derive(Serialize)]
struct Pair<'a> {
    experiment: &'a str,
    dataset: &'a str,
    encoder: &'a str,
    critic: &'a str,
    bound: &'a str,
    setting: &'a str,
    seeds: [u64; 2],
    plain: f64,
    debiased: f64,
}

pub(super) fn run(options: &Similarity) -> Result<ExitCode> {
    let folder = RunFolder::new(&options.run);
    let mut warnings = Warnings::default();
    let outcome = folder.outcome(&mut |what| warnings.tell(what))?;
    let mut kept: Vec<(&TrialInfo, Array2<f32>)> = Vec::new();
    let mut without = 0;
    for (config, trial) in outcome.configs.iter().zip(&outcome.trials) {
        if !config.task.evaluations().contains(&Evaluation::Representation)
            || !trial.state.is_finished()
        {
            continue;
        }
        match folder.trial(&trial.id).representation()? {
            Some(features) => kept.push((trial, features)),
            None => without += 1,
        }
    }
    if without > 0 {
        // A run that was continued from its merged records has no folders of earlier trials.
        warnings.tell(&format!(
            "{without} finished trials have no representation in {}: their folders are not there; to \
             have them, make the run again in another folder, with --out",
            options.run.join("trials").display()
        ));
    }
    let mut pairs = Vec::new();
    for (index, (first, x)) in kept.iter().enumerate() {
        for (second, y) in kept[index + 1..].iter().filter(|(second, _)| is_same(first, second)) {
            let context = || format!("CKA of {} and {}", first.id, second.id);
            pairs.push(Pair {
                experiment: &first.experiment,
                dataset: &first.dataset,
                encoder: &first.encoder,
                critic: &first.critic,
                bound: &first.bound,
                setting: &first.setting,
                seeds: [first.seed, second.seed],
                plain: linear_cka(x.view(), y.view()).with_context(context)?,
                debiased: linear_cka_debiased(x.view(), y.view()).with_context(context)?,
            });
        }
    }
    if pairs.is_empty() {
        bail!(
            "{} has no configuration with representations of two finished seeds: run an \
             experiment that has the measure `representation`, such as `measures`, with at least \
             two seeds",
            options.run.display()
        );
    }
    if options.json {
        let lines = pairs.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        terminal::print(&(lines.join("\n") + "\n"))?;
    } else {
        terminal::print(&text(&pairs))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether two trials differ only in their seed.
fn is_same(a: &TrialInfo, b: &TrialInfo) -> bool {
    fn key(t: &TrialInfo) -> [&String; 6] {
        [&t.experiment, &t.dataset, &t.encoder, &t.critic, &t.bound, &t.setting]
    }
    a.seed != b.seed && key(a) == key(b)
}

/// What all pairs of one configuration have in common.
fn key<'a>(p: &Pair<'a>) -> [&'a str; 6] {
    [p.experiment, p.dataset, p.encoder, p.critic, p.bound, p.setting]
}

/// One line for each configuration: the mean over pairs of seeds, and its range.
fn text(pairs: &[Pair<'_>]) -> String {
    let mut table = TextTable::new(&[
        ("experiment", Align::Left),
        ("encoder", Align::Left),
        ("critic", Align::Left),
        ("bound", Align::Left),
        ("setting", Align::Left),
        ("pairs of seeds", Align::Right),
        ("CKA", Align::Right),
        ("least to greatest", Align::Left),
        ("debiased", Align::Right),
    ]);
    let mut done = Vec::new();
    for pair in pairs {
        if done.contains(&key(pair)) {
            continue;
        }
        done.push(key(pair));
        let own: Vec<&Pair<'_>> = pairs.iter().filter(|other| key(other) == key(pair)).collect();
        let mean = |of: fn(&Pair<'_>) -> f64| {
            own.iter().map(|pair| of(pair)).sum::<f64>() / own.len() as f64
        };
        let plain = own.iter().map(|pair| pair.plain);
        let (least, greatest) = plain
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        table.row([
            pair.experiment,
            pair.encoder,
            pair.critic,
            pair.bound,
            pair.setting,
            &own.len().to_string(),
            &number(mean(|pair| pair.plain)),
            &format!("{} to {}", number(least), number(greatest)),
            &number(mean(|pair| pair.debiased)),
        ]);
    }
    table.to_string()
}
