use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use mi_paper::error::PaperError;
use mi_paper::folder::{Lock, RunFolder};
use mi_paper::outcome::{RunInfo, TrialState};
use mi_paper::plan::{DataId, Plan, Request};
use mi_paper::schedule::run_plan;

use super::interrupt::Interrupt;
use super::progress::Progress;
use super::{Reproduce, data, dry_run, host, list, output, status};

/// `mi-paper reproduce`.
pub(super) fn run(options: &Reproduce) -> Result<ExitCode> {
    if options.list {
        output::print_text(&list::text())?;
        return Ok(ExitCode::SUCCESS);
    }
    let out = options.out.clone().unwrap_or_else(|| Path::new("runs").join(options.preset.name()));
    let out = std::path::absolute(&out).with_context(|| format!("{}", out.display()))?;
    let folder = RunFolder::new(&out);
    if options.status {
        output::print_text(&status::text(&folder)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.redraw {
        let _lock = Lock::take(&out)?;
        let outcome = folder.outcome()?;
        output::draw(&folder, &outcome)?;
        output::print(&outcome, options.format)?;
        eprintln!("{}", written(&out));
        return Ok(ExitCode::SUCCESS);
    }

    let mut plan = Plan::resolve(&Request {
        experiments: options.experiment.clone(),
        preset: options.preset,
        seeds: options.seeds.clone(),
        data: options.data.clone(),
        dataset: options.dataset.clone(),
        steps: options.steps,
        adversarial_rates: options.adversarial_rates,
    })?;
    let jobs = match options.jobs {
        Some(jobs) => jobs as usize,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    if options.dry_run {
        output::print_text(&dry_run::text(&plan, jobs))?;
        if options.out.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }

    let (sets, ids) = data::load(&plan.datasets(), options.data.as_deref())?;
    plan.data = ids;
    let _lock = Lock::take(&out)?;
    folder.adopt(&plan)?;
    folder.unpack(&plan)?;
    if options.dry_run {
        eprintln!("the plan is in {}", out.join("plan.json").display());
        return Ok(ExitCode::SUCCESS);
    }
    if folder.run_info()?.is_none() {
        folder.save_run_info(&run_info(&plan, data::describe(&sets)))?;
    }
    work(&plan, &folder, &sets, jobs, options)
}

/// Runs what is left of the plan and reports.
fn work(
    plan: &Plan,
    folder: &RunFolder,
    sets: &mi_paper::schedule::DataSets,
    jobs: usize,
    options: &Reproduce,
) -> Result<ExitCode> {
    let out = folder.path();
    let done = folder
        .outcome()?
        .trials
        .iter()
        .map(|trial| match trial.state {
            TrialState::Waiting => 0.0,
            TrialState::Unfinished { step } => step as f64 / trial.steps.max(1) as f64,
            TrialState::Finished | TrialState::Diverged { .. } => 1.0,
        })
        .collect::<Vec<f64>>();
    let left = done.iter().filter(|&&done| done < 1.0).count();
    eprintln!("{left} of {} trials to run, {jobs} at a time, into {}", done.len(), out.display());
    for line in data::describe(sets) {
        eprintln!("{line}");
    }

    let interrupt = Interrupt::listen()?;
    let progress = Progress::new(plan, &done);
    let results = run_plan(plan, folder, sets, jobs, &|| interrupt.asked(), &|index, event| {
        progress.observe(index, event);
    });
    progress.finish();

    let outcome = folder.outcome()?;
    output::draw(folder, &outcome)?;
    if interrupt.asked() {
        eprintln!("interrupted; everything is saved, and the same command goes on from here");
        return Ok(interrupt.exit_code());
    }
    output::print(&outcome, options.format)?;
    let mut code = ExitCode::SUCCESS;
    for (config, result) in plan.trials.iter().zip(results) {
        let trouble = match result {
            Some(Err(error)) => error.to_string(),
            Some(Ok(TrialState::Diverged { step, reason })) => {
                format!("stopped at step {step}: {reason}")
            }
            _ => continue,
        };
        eprintln!("{}: {trouble}", config.id());
        code = ExitCode::FAILURE;
    }
    eprintln!("{}", written(out));
    Ok(code)
}

fn run_info(plan: &Plan, data: Vec<String>) -> RunInfo {
    // Without the paths of the program and of its output, which say more about the machine than
    // about the run.
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    words.retain(|word| !word.starts_with("--out="));
    if let Some(index) = words.iter().position(|word| word == "--out") {
        words.drain(index..(index + 2).min(words.len()));
    }
    RunInfo {
        command: format!("cargo xtask {}", words.join(" ")),
        preset: plan.preset.name().into(),
        data,
        seeds: plan.seeds.clone(),
        version: plan.program.clone(),
        commit: host::commit(),
        host: host::describe(),
        started: host::now(),
        trial_seconds: 0.0,
        deviations: plan.deviations.clone(),
    }
}

fn written(out: &Path) -> String {
    let file = |name: &str| -> PathBuf { out.join(name) };
    format!(
        "report: {}\nfigures: {}\nrecords: {}",
        file("report.html").display(),
        file("figures").display(),
        file("records.csv").display()
    )
}

/// Checks that the data at hand is the data that a plan was made for.
pub(super) fn check_data(plan: &Plan, found: &[DataId], folder: &Path) -> Result<(), PaperError> {
    for id in found {
        if !plan.data.contains(id) {
            return Err(PaperError::AnotherPlan {
                folder: folder.into(),
                differences: vec![format!(
                    "data: the plan was made for other content of {} than {}",
                    id.name, id.sha256
                )],
            });
        }
    }
    Ok(())
}
