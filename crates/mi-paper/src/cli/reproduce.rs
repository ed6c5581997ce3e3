use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use mi_paper::error::PaperError;
use mi_paper::experiment_file::ExperimentFile;
use mi_paper::folder::{Lock, RunFolder, write_atomically};
use mi_paper::origin::Origin;
use mi_paper::outcome::{RunInfo, TrialState};
use mi_paper::plan::{self, DataId, Plan};
use mi_paper::schedule::{DataSets, Sharing, run_plan};
use mi_paper::trial::{Control, Event};

use super::growing::{self, PACE};
use super::interrupt::Interrupt;
use super::output::{self, Warnings};
use super::progress::Progress;
use super::terminal::{self, say};
use super::{Engine, Format, Reproduce, data, dry_run, list, slurm, status};

/// `mi-paper reproduce`.
pub(super) fn run(options: &Reproduce) -> Result<ExitCode> {
    if options.list {
        terminal::print(&list::text())?;
        return Ok(ExitCode::SUCCESS);
    }
    let out = options.out.clone().unwrap_or_else(|| default_folder(options));
    let out = std::path::absolute(&out).with_context(|| format!("{}", out.display()))?;
    let folder = RunFolder::new(&out);
    let mut warnings = Warnings::default();
    let notice = &mut |what: &str| warnings.tell(what);
    if options.status {
        terminal::print(&status::text(&folder, notice)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.redraw {
        // Checked before the lock, which would leave a file in a folder that is not a run.
        folder.plan()?;
        let _lock = Lock::take(&out)?;
        return redraw(&folder, options.format, notice);
    }

    if options.on == Some(Engine::Slurm) {
        let (asked, slurm) = (&options.asked, &options.slurm);
        return slurm::run(&out, asked, options.checkpoints, slurm, options.dry_run);
    }
    if let Some(option) = options.slurm.given() {
        anyhow::bail!("{option} is only for a cluster: add `--on slurm`");
    }

    let mut plan = Plan::resolve(&options.asked.request())?;
    let jobs = match options.jobs {
        Some(jobs) => jobs as usize,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let data = options.asked.data.as_deref();
    if options.dry_run && options.out.is_none() {
        // An estimate needs no data.
        let sets = data::load_for(&mut plan, data).unwrap_or_else(|error| {
            say(format_args!("{error:#}; the sizes below are those of the published data sets"));
            DataSets::new()
        });
        terminal::print(&dry_run::text(&plan, jobs, &sets))?;
        return Ok(ExitCode::SUCCESS);
    }

    if options.dry_run {
        let sets = data::load_for(&mut plan, data)?;
        folder.check_ownership()?;
        let place = out.join("plan.json");
        // Another plan is refused by `adopt`, which says what has changed.
        if matches!(folder.accepts(&plan), Ok(Some(_))) {
            terminal::print(&dry_run::text(&plan, jobs, &sets))?;
            say(format_args!("{} is as it was", place.display()));
        } else {
            let _lock = Lock::take(folder.path())?;
            adopt(&folder, &plan, notice)?;
            terminal::print(&dry_run::text(&plan, jobs, &sets))?;
            say(format_args!("the plan is in {}", place.display()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (sets, _lock) = prepare(&mut plan, &folder, data, None, notice)?;
    work(&plan, &folder, &sets, jobs, (options, notice))
}

/// Draws figures and report from the folder's records. If records are lost, they are left out, and
/// the merged files are not changed.
fn redraw(folder: &RunFolder, format: Format, notice: &mut dyn FnMut(&str)) -> Result<ExitCode> {
    let (outcome, lost) = folder.outcome_and_lost(notice)?;
    if lost.is_empty() {
        folder.merge(&outcome, notice)?;
    }
    output::draw(folder, &outcome)?;
    output::print(&outcome, format)?;
    if lost.is_empty() {
        say(written(folder.path()));
        return Ok(ExitCode::SUCCESS);
    }
    let command = match outcome.run.command.as_str() {
        "" => "the `reproduce` command that started the run, with",
        command => command,
    };
    say(format_args!(
        "error: records of {} are lost (see above), so that figures and report lack them; to \
         compute them again, run: {command} --out {}",
        lost.join(", "),
        folder.path().display()
    ));
    Ok(ExitCode::FAILURE)
}

/// Loads the plan's data, writes the plan to the folder or checks that it has the same plan, and
/// records what runs there. `run` is the folder among the arguments of `slurm`. The folder is
/// locked from then on.
pub(super) fn prepare(
    plan: &mut Plan,
    folder: &RunFolder,
    data: Option<&Path>,
    run: Option<&Path>,
    notice: &mut dyn FnMut(&str),
) -> Result<(DataSets, Lock)> {
    folder.check_ownership()?;
    let sets = data::load_for(plan, data)?;
    let lock = Lock::take(folder.path())?;
    if matches!(folder.accepts(plan), Ok(Some(there)) if !there.is_same(plan)) {
        // Tasks find their trials by number, and a plan that grows may number them anew.
        slurm::check_queue(folder.path())?;
    }
    let is_new = adopt(folder, plan, notice)?;
    note_run(folder, plan, (&sets, is_new), run, notice)?;
    folder.unpack(plan, notice)?;
    Ok((sets, lock))
}

/// `runs/PRESET`, or `runs/FILE` for a single experiment file.
fn default_folder(options: &Reproduce) -> PathBuf {
    let name = match options.asked.experiment.as_slice() {
        [only] if ExperimentFile::is_named(only) => Path::new(only).file_stem(),
        _ => None,
    };
    Path::new("runs").join(name.unwrap_or(options.asked.preset().name().as_ref()))
}

/// Writes the plan to the folder, with the resolved form of experiments from files; returns whether
/// it is new there. If the folder has another plan, reports what has changed in these files since
/// its run began.
fn adopt(folder: &RunFolder, plan: &Plan, notice: &mut dyn FnMut(&str)) -> Result<bool> {
    let files: Vec<(String, PathBuf, String)> = plan
        .own_files()
        .into_iter()
        .map(|file| {
            let path = folder.path().join(format!("{}.toml", file.name));
            let text = file.to_toml();
            (file.name, path, text)
        })
        .collect();
    let is_new = match folder.adopt(plan, notice) {
        Err(error @ PaperError::AnotherPlan { .. }) => {
            for (name, path, text) in &files {
                let Ok(there) = std::fs::read_to_string(path) else { continue };
                if there != *text {
                    return Err(PaperError::FileChanged {
                        folder: folder.path().to_owned(),
                        name: name.clone(),
                        changes: changes(&there, text),
                    }
                    .into());
                }
            }
            return Err(error.into());
        }
        adopted => adopted?,
    };
    for (_, path, text) in &files {
        write_atomically(path, text.as_bytes())?;
    }
    Ok(is_new)
}

/// The removed and the added lines of a file.
fn changes(there: &str, asked: &str) -> Vec<String> {
    let only_in = |text: &str, other: &str, sign: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !other.lines().any(|o| o == *line));
        lines.map(|line| format!("  {sign} {line}")).collect()
    };
    let changes = [only_in(there, asked, "-"), only_in(asked, there, "+")].concat();
    if changes.is_empty() { vec!["  the same lines in another order".to_owned()] } else { changes }
}

/// Runs the unfinished trials of the plan, and reports.
fn work(
    plan: &Plan,
    folder: &RunFolder,
    sets: &DataSets,
    jobs: usize,
    (options, notice): (&Reproduce, &mut dyn FnMut(&str)),
) -> Result<ExitCode> {
    let out = folder.path();
    // No notices here: damage in a trial's folder is reported when the trial starts, other damage
    // at the end.
    let done = folder
        .outcome(&mut |_| ())?
        .trials
        .iter()
        .map(|trial| match trial.state {
            TrialState::Waiting => 0.0,
            TrialState::Unfinished { step } => step as f64 / trial.steps.max(1) as f64,
            _ => 1.0,
        })
        .collect::<Vec<f64>>();
    let left = done.iter().filter(|&&done| done < 1.0).count();
    say(format_args!(
        "{left} of {} trials to run, {jobs} at a time, into {}",
        done.len(),
        out.display()
    ));
    for line in data::describe(sets) {
        say(line);
    }

    let interrupt = Interrupt::listen()?;
    let progress = Arc::new(Progress::new(plan, sets, &done));
    let (waiting, telling) = (progress.clone(), progress.clone());
    Interrupt::answer(move || waiting.waits_for(), move |answer| telling.line(answer))?;
    let control = Control {
        interrupted: &|| interrupt.asked(),
        checkpoint_every: *options.checkpoints.every,
    };
    let sharing = Sharing { silence: *options.checkpoints.silence, wait: false };
    let results = growing::while_running(folder, PACE, |news| {
        run_plan(plan, folder, sets, jobs, sharing, control, &|index, event| {
            if matches!(event, Event::Evaluated { .. } | Event::Ended { .. }) {
                news();
            }
            progress.observe(index, event);
        })
    });
    progress.finish();

    // Errors of trials are reported before anything else can fail.
    let mut code = ExitCode::SUCCESS;
    let (mut failed, mut no_room) = (0, false);
    for (config, result) in plan.trials.iter().zip(results) {
        let trouble = match result {
            Some(Err(error)) => {
                failed += 1;
                no_room |= error.is_out_of_room();
                error.to_string()
            }
            Some(Ok(TrialState::Diverged { step, reason })) => {
                format!("stopped at step {step}: {reason}")
            }
            _ => continue,
        };
        say(format_args!("{}: {trouble}", config.id()));
        code = ExitCode::FAILURE;
    }
    let outcome = folder.outcome(notice)?;
    let drawn = folder
        .merge(&outcome, notice)
        .map_err(Into::into)
        .and_then(|()| output::draw(folder, &outcome));
    if interrupt.asked() {
        say(ending("interrupted", failed, drawn.as_ref().err()));
        return Ok(interrupt.exit_code());
    }
    if no_room {
        say(ending("stopped, since there is no room to write", failed, drawn.as_ref().err()));
        return Ok(code);
    }
    drawn?;
    output::print(&outcome, options.format)?;
    say(written(out));
    Ok(code)
}

/// The message of a run that stops before its end.
fn ending(stopped: &str, failed: usize, not_drawn: Option<&anyhow::Error>) -> String {
    let saved = match failed {
        0 => "everything is saved, and the same command continues from here".to_owned(),
        _ => format!(
            "{failed} of the trials could not be saved (see above); the same command continues \
             them from their last checkpoints; all other trials are saved"
        ),
    };
    match not_drawn {
        None => format!("{stopped}; {saved}"),
        Some(error) if failed == 0 => format!(
            "{stopped}; all trials are saved, and the same command continues from here, but merged \
             records, figures and report are not: {error:#}"
        ),
        Some(error) => format!(
            "{stopped}; {saved}; merged records, figures and report could not be written either: \
             {error:#}"
        ),
    }
}

/// Records in the folder what runs there. What the start of a run left is kept: its time, machine
/// and program. If the plan is new, seeds, data and command are those of this plan, and departures
/// from the paper that were unknown to the program that began the run are added in any case.
fn note_run(
    folder: &RunFolder,
    plan: &Plan,
    (sets, is_new): (&DataSets, bool),
    run: Option<&Path>,
    notice: &mut dyn FnMut(&str),
) -> Result<(), PaperError> {
    let now = run_info(plan, data::describe(sets), run);
    let there = match folder.run_info() {
        Ok(Some(info)) => info,
        Ok(None) | Err(PaperError::Damaged { .. }) => return folder.save_run_info(&now, notice),
        Err(error) => return Err(error),
    };
    let mut info = there.clone();
    // A dry run, or a run that was stopped here, may have written the plan before.
    if is_new || (&info.seeds, &info.data) != (&now.seeds, &now.data) {
        (info.command, info.data, info.seeds) = (now.command, now.data, now.seeds);
    }
    let missing = plan.deviations.iter().filter(|line| !there.deviations.contains(line));
    info.deviations.extend(missing.cloned());
    if info == there {
        return Ok(());
    }
    folder.save_run_info(&info, notice)
}

/// The command that a user would type, from the program's arguments. Paths, which describe the
/// machine rather than the run, are removed: the output path is left out, the data path becomes
/// `DIR`, and an experiment file is reduced to its name. `slurm RUN` is
/// `reproduce --on slurm --out RUN`.
fn command(mut arguments: impl Iterator<Item = String>, run: Option<&Path>) -> String {
    let mut words = vec!["cargo xtask".to_owned()];
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument.as_str(), None),
        };
        if words.len() == 1 && argument == "slurm" {
            words.push("reproduce --on slurm".into());
            continue;
        }
        if run.is_some_and(|run| Path::new(&argument) == run) {
            continue;
        }
        if !["--data", "--out"].contains(&name) {
            let is_file = ExperimentFile::is_named(&argument);
            let names = argument.split(',').map(|part| match part.rsplit_once(['/', '\\']) {
                Some((_, file)) if is_file => file,
                _ => part,
            });
            words.push(names.collect::<Vec<&str>>().join(","));
            continue;
        }
        if name == "--data" {
            words.push("--data DIR".to_owned());
        }
        if value.is_none() {
            arguments.next();
        }
    }
    words.join(" ")
}

/// The program's arguments; any that are not Unicode are paths, which are left out of the command.
fn arguments() -> impl Iterator<Item = String> {
    std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned())
}

fn run_info(plan: &Plan, data: Vec<String>, run: Option<&Path>) -> RunInfo {
    RunInfo {
        command: command(arguments(), run),
        preset: plan.preset.name().into(),
        data,
        seeds: plan.seeds.clone(),
        origin: Origin::here().clone(),
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
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

/// Checks that the data sets are those that the plan was made for.
pub(super) fn check_data(plan: &Plan, found: &[DataId], folder: &Path) -> Result<(), PaperError> {
    for id in found {
        if !plan.data.contains(id) {
            return Err(PaperError::AnotherPlan {
                folder: folder.into(),
                differences: vec![format!(
                    "data: the content of {} (SHA-256 {}) is not that for which the plan was made",
                    id.name, id.sha256
                )],
            });
        }
    }
    Ok(())
}

/// Checks that this program made the plan: another version may give other numbers.
pub(super) fn check_program(plan: &Plan, folder: &Path) -> Result<(), PaperError> {
    if plan.program == plan::PROGRAM {
        return Ok(());
    }
    Err(PaperError::AnotherPlan {
        folder: folder.into(),
        differences: vec![format!(
            "program: the plan was made by {}, this is {}",
            plan.program,
            plan::PROGRAM
        )],
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{command, ending};

    #[test]
    fn everything_is_saved_only_when_it_is() {
        let full = anyhow::anyhow!("No space left on device");
        assert!(ending("interrupted", 0, None).contains("everything is saved"));
        for (failed, error) in [(1, None), (0, Some(&full)), (2, Some(&full))] {
            let text = ending("interrupted", failed, error);
            assert!(!text.contains("everything is saved"), "{text}");
            assert_eq!(text.contains("No space left"), error.is_some(), "{text}");
            assert_eq!(text.contains("last checkpoints"), failed > 0, "{text}");
        }
    }

    #[test]
    fn commands_are_recorded_without_paths() {
        let told = |words: &str| command(words.split_whitespace().map(String::from), None);
        let expected = "cargo xtask reproduce --data DIR --dataset mnist --preset paper";
        for words in [
            "reproduce --data /home/eve/data --dataset mnist --out ../eve/run --preset paper",
            "reproduce --out=../eve/run --data=/home/eve/data --dataset mnist --preset paper",
        ] {
            assert_eq!(told(words), expected);
        }
        let plain = "reproduce --seeds 1 --seeds critics=3 --experiment critics,pixels";
        assert_eq!(told(plain), format!("cargo xtask {plain}"));
        assert_eq!(told("reproduce --data"), "cargo xtask reproduce --data DIR");
        let slurm = "slurm --time 1:00:00 /home/eve/run --seeds 3".split_whitespace();
        assert_eq!(
            command(slurm.map(String::from), Some(Path::new("/home/eve/run"))),
            "cargo xtask reproduce --on slurm --time 1:00:00 --seeds 3"
        );
    }
}
