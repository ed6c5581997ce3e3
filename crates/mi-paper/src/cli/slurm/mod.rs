//! `mi-paper slurm`: a plan's trials as a job array. Slurm places, requeues and preempts the tasks;
//! each runs `mi-paper trial`.

mod queue;
mod script;
mod tasks;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use mi_paper::config::TrialConfig;
use mi_paper::error::PaperError;
use mi_paper::folder::{Lock, RunFolder, write_atomically};
use mi_paper::plan::Plan;
use sha2::{Digest, Sha256};

use super::output::Warnings;
use super::{Asked, Checkpoints, reproduce, terminal};
use queue::Submitted;
use script::Batch;
use tasks::Chunk;

/// How the trials run on a cluster.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "On a cluster")]
pub(super) struct Options {
    /// The partition [default: the cluster's].
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// Time limit of a task, as Slurm writes it, e.g. 1:00:00. A task that needs more saves and
    /// requeues itself [default: the partition's].
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Trials that a task runs one after another [default: an estimated quarter of an hour's work].
    #[arg(long, value_name = "N", value_parser = positive())]
    trials_per_task: Option<usize>,
    /// Processors per task, which runs that many trials in parallel [default: 1].
    #[arg(long, value_name = "N", value_parser = positive())]
    cpus: Option<usize>,
    /// The largest number of tasks of one array that run at the same time.
    #[arg(long, value_name = "N", value_parser = positive())]
    at_most: Option<usize>,
    /// How often failed tasks are run again [default: 1].
    #[arg(long, value_name = "N")]
    retries: Option<usize>,
    /// Time before the limit at which a task saves [default: 2min].
    #[arg(long, value_name = "TIME")]
    save_before: Option<humantime::Duration>,
    /// The largest number of tasks in one array [default: the cluster's limit].
    #[arg(long, value_name = "N", value_parser = positive())]
    array_limit: Option<usize>,
    /// Another option for sbatch, e.g. --sbatch=--account=NAME; may be given several times.
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    sbatch: Vec<String>,
}

fn positive() -> impl clap::builder::TypedValueParser<Value = usize> {
    clap::builder::RangedU64ValueParser::<usize>::new().range(1..)
}

impl Options {
    /// The first option that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [
            (self.partition.is_some(), "--partition"),
            (self.time.is_some(), "--time"),
            (self.trials_per_task.is_some(), "--trials-per-task"),
            (self.cpus.is_some(), "--cpus"),
            (self.at_most.is_some(), "--at-most"),
            (self.retries.is_some(), "--retries"),
            (self.save_before.is_some(), "--save-before"),
            (self.array_limit.is_some(), "--array-limit"),
            (!self.sbatch.is_empty(), "--sbatch"),
        ];
        given.into_iter().find_map(|(is_given, name)| is_given.then_some(name))
    }
}

/// The default size of an array: Slurm's default limit, `MaxArraySize` = 1001, minus one.
const ARRAY_LIMIT: usize = 1000;

/// Submits the unfinished trials of the plan, or prints what would be submitted.
pub(super) fn run(
    run: &Path,
    asked: &Asked,
    checkpoints: Checkpoints,
    options: &Options,
    dry_run: bool,
) -> Result<ExitCode> {
    let place = std::path::absolute(run).with_context(|| format!("{}", run.display()))?;
    let folder = RunFolder::new(&place);
    let mut warnings = Warnings::default();
    let notice = &mut |what: &str| warnings.tell(what);
    let mut plan = if asked.is_nothing() && place.join("plan.json").exists() {
        folder.plan()?
    } else {
        Plan::resolve(&asked.request())?
    };
    reproduce::check_program(&plan, &place)?;
    let is_here = queue::is_here();
    let limit = options.array_limit.or_else(queue::array_limit).unwrap_or(ARRAY_LIMIT);
    let program = Program::here(&place)?;
    let per_task = options.trials_per_task.unwrap_or_else(|| tasks::trials_per_task(&plan));
    let batch = Batch {
        run: &place,
        program: &program.copy,
        data: asked.data.as_deref(),
        per_task,
        checkpoints,
        options,
    };
    if dry_run {
        let left = left_according_to_all(&mut plan, &folder)?;
        let chunks = tasks::chunks(&left, per_task, limit);
        terminal::print(&dry_run_text(&batch, &chunks)?)?;
        return Ok(ExitCode::SUCCESS);
    }

    check_queue(&place)?;
    // The lock is released before tasks start.
    {
        let data = asked.data.as_deref();
        reproduce::prepare(&mut plan, &folder, data, Some(run), notice)?;
    }
    // Of two commands at once, one submits; the other then finds the tasks in the queue.
    let _submission = Lock::take(&script::folder(&place))?;
    check_queue(&place)?;
    let left = left(&plan, &folder)?;
    if left.is_empty() {
        terminal::print(&format!(
            "all {} trials have ended; merge and draw them with `mi-paper reproduce --redraw --out {}`",
            plan.trials.len(),
            script::quoted(&place)?
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let chunks = tasks::chunks(&left, per_task, limit);
    fs::create_dir_all(batch.log())
        .with_context(|| format!("cannot create {}", batch.log().display()))?;
    program.put_there()?;
    write_atomically(&batch.task_file(), batch.task()?.as_bytes())?;
    write_atomically(&batch.report_file(), batch.report()?.as_bytes())?;
    if !is_here {
        terminal::print(&dry_run_text(&batch, &chunks)?)?;
        bail!(
            "there is no Slurm here (`sbatch` was not found): run the same command on a login \
             node; the plan and the scripts above are in {}",
            place.display()
        );
    }
    let submitted = queue::submit(&batch, &chunks)?;
    terminal::print(&told(&submitted, &batch, &left, plan.trials.len(), &chunks)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses a run that has tasks in the queue.
pub(super) fn check_queue(place: &Path) -> Result<()> {
    let queued = queue::still_there(&queue::noted(place));
    ensure!(
        queued.is_empty(),
        "tasks of this run are still in the queue; wait for them, or remove them with `scancel {}`",
        queued.join(" ")
    );
    Ok(())
}

/// The numbers of the trials that have not ended, in plan order.
fn left(plan: &Plan, folder: &RunFolder) -> Result<Vec<usize>> {
    let mut left = Vec::new();
    for (index, config) in plan.trials.iter().enumerate() {
        let own = folder.trial(&config.id()).examine(config, plan.data_of(config))?;
        if own.ended().is_none() {
            left.push(index);
        }
    }
    Ok(left)
}

/// The same before the merged records are in the trials' own folders, as for a run that was copied
/// without these. Without a plan, merged records do not count here.
fn left_according_to_all(plan: &mut Plan, folder: &RunFolder) -> Result<Vec<usize>> {
    let there = match folder.plan() {
        Err(PaperError::NoPlan { .. }) => return left(plan, folder),
        there => there?,
    };
    // A dry run does not load the data.
    plan.data.clone_from(&there.data);
    folder.accepts(plan)?;
    let trials = folder.outcome(&mut |_| ())?.trials.into_iter();
    let ended: HashSet<String> =
        trials.filter(|trial| trial.state.has_ended()).map(|trial| trial.id).collect();
    let ids = plan.trials.iter().map(TrialConfig::id).enumerate();
    Ok(ids.filter(|(_, id)| !ended.contains(id)).map(|(index, _)| index).collect())
}

/// What was submitted, and what to do next.
fn told(
    submitted: &Submitted,
    batch: &Batch<'_>,
    left: &[usize],
    all: usize,
    chunks: &[Chunk],
) -> Result<String> {
    let tasks: usize = chunks.iter().map(|chunk| chunk.tasks.len()).sum();
    let run = script::quoted(batch.run)?;
    Ok(format!(
        "submitted: {} of {all} trials in {tasks} {}, {} of them in each
  arrays   {}
  again, if a task fails   {}
  report   {}
status   mi-paper reproduce --status --out {run}
stop     scancel {}
resume   the same command submits what is left
output   {}",
        left.len(),
        if tasks == 1 { "task" } else { "tasks" },
        batch.per_task,
        submitted.arrays.join(" "),
        if submitted.again.is_empty() { "never".into() } else { submitted.again.join(" ") },
        submitted.report,
        submitted.all().join(" "),
        batch.log().display()
    ))
}

/// The scripts and the commands that submit them, as readable text.
fn dry_run_text(batch: &Batch<'_>, chunks: &[Chunk]) -> Result<String> {
    let mut text = String::new();
    for (path, script) in
        [(batch.task_file(), batch.task()?), (batch.report_file(), batch.report()?)]
    {
        let _ = writeln!(text, "# ---- {}\n{script}", path.display());
    }
    text.push_str("# ---- submitted by\n");
    for line in queue::commands(batch, chunks)? {
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// This program, and the copy in the run's folder that tasks run. The copy's name has a hash of its
/// content, so that another build does not replace the program of a queued task.
struct Program {
    here: PathBuf,
    copy: PathBuf,
}

impl Program {
    fn here(run: &Path) -> Result<Self> {
        let here = std::env::current_exe().context("cannot find the file of this program")?;
        let bytes = fs::read(&here).with_context(|| format!("cannot read {}", here.display()))?;
        let hash = Sha256::digest(&bytes);
        let mut name = "mi-paper-".to_owned();
        for byte in hash.iter().take(6) {
            let _ = write!(name, "{byte:02x}");
        }
        Ok(Self { copy: script::folder(run).join(name), here })
    }

    fn put_there(&self) -> Result<()> {
        if self.copy.exists() {
            return Ok(());
        }
        let bytes =
            fs::read(&self.here).with_context(|| format!("cannot read {}", self.here.display()))?;
        let preparing = self.copy.with_extension(format!("{}.tmp", std::process::id()));
        write_atomically(&preparing, &bytes)?;
        fs::metadata(&self.here)
            .and_then(|metadata| fs::set_permissions(&preparing, metadata.permissions()))
            .and_then(|()| fs::rename(&preparing, &self.copy))
            .with_context(|| format!("cannot write {}", self.copy.display()))
    }
}
