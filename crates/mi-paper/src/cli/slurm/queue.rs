//! Calls Slurm's commands.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use mi_paper::folder::write_atomically;

use super::script::{self, Batch, quoted};
use super::tasks::Chunk;

/// The ids of the submitted jobs.
#[derive(Debug, Default)]
pub(super) struct Submitted {
    pub(super) arrays: Vec<String>,
    /// The arrays that run if a previous one has failed.
    pub(super) again: Vec<String>,
    pub(super) report: String,
}

impl Submitted {
    pub(super) fn all(&self) -> Vec<&str> {
        let ids = self.arrays.iter().chain(&self.again).map(String::as_str);
        ids.chain((!self.report.is_empty()).then_some(&*self.report)).collect()
    }
}

/// Whether Slurm's commands are installed.
pub(super) fn is_here() -> bool {
    let found = Command::new("sbatch").arg("--version").output();
    !found.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// The largest number of tasks in an array, according to the cluster.
pub(super) fn array_limit() -> Option<usize> {
    let output = Command::new("scontrol").args(["show", "config"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("MaxArraySize"))?;
    // The largest task number is one less.
    line.split_once('=')?.1.trim().parse().ok().filter(|&size| size > 0)
}

/// The jobs that have not ended.
pub(super) fn still_there(jobs: &[String]) -> Vec<String> {
    let there = |job: &&String| {
        let output = Command::new("squeue").args(["--noheader", "--jobs", job]).output();
        // It fails for a job that ended long ago.
        output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
    };
    jobs.iter().filter(there).cloned().collect()
}

/// Submits the arrays, the arrays that repeat failed tasks, and the report at the end.
pub(super) fn submit(batch: &Batch<'_>, chunks: &[Chunk]) -> Result<Submitted> {
    let mut submitted = Submitted::default();
    let result = in_order(batch, chunks, &mut sbatch, &mut submitted);
    // Jobs in the queue are recorded even after an error, so that they are not submitted twice.
    let noted = submitted.all().join("\n");
    write_atomically(&noted_in(batch.run), format!("{noted}\n").as_bytes())?;
    match result {
        Err(error) if !submitted.all().is_empty() => Err(error.context(format!(
            "not everything could be submitted; remove the submitted jobs with `scancel {}`",
            submitted.all().join(" ")
        ))),
        Err(error) => Err(error),
        Ok(()) => Ok(submitted),
    }
}

/// The same as shell commands.
pub(super) fn commands(batch: &Batch<'_>, chunks: &[Chunk]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut note = |arguments: &[Argument]| -> Result<String> {
        let words: Vec<String> = arguments.iter().map(Argument::in_shell).collect::<Result<_>>()?;
        let id = format!("$job{}", lines.len() + 1);
        lines.push(format!("job{}=$(sbatch --parsable {})", lines.len() + 1, words.join(" ")));
        Ok(id)
    };
    in_order(batch, chunks, &mut note, &mut Submitted::default())?;
    Ok(lines)
}

/// An argument of `sbatch`.
enum Argument {
    Word(String),
    Path(PathBuf),
}

impl Argument {
    fn in_shell(&self) -> Result<String> {
        match self {
            Self::Word(word) => Ok(word.clone()),
            Self::Path(path) => quoted(path),
        }
    }
}

/// Submits everything in order. `sbatch` submits one job and returns its id.
fn in_order(
    batch: &Batch<'_>,
    chunks: &[Chunk],
    sbatch: &mut dyn FnMut(&[Argument]) -> Result<String>,
    submitted: &mut Submitted,
) -> Result<()> {
    let retries = batch.options.retries.unwrap_or(1);
    for chunk in chunks {
        let at_most = batch.options.at_most.map(|count| format!("%{count}")).unwrap_or_default();
        let array = format!("--array={}{at_most}", chunk.array());
        let mut before: Vec<String> = Vec::new();
        for round in 0..=retries {
            let mut arguments = vec![Argument::Word(array.clone())];
            if round > 0 {
                // If no earlier task has failed, there is nothing to run again.
                let failed: Vec<String> =
                    before.iter().map(|job| format!("afternotok:{job}")).collect();
                arguments.push(Argument::Word(format!("--dependency={}", failed.join(","))));
                arguments.push(Argument::Word("--kill-on-invalid-dep=yes".into()));
            }
            arguments.push(Argument::Path(batch.task_file()));
            arguments.push(Argument::Word(chunk.offset.to_string()));
            let job = sbatch(&arguments)?;
            before.push(job.clone());
            if round == 0 { submitted.arrays.push(job) } else { submitted.again.push(job) }
        }
    }
    let dependency = format!("--dependency=afterany:{}", submitted.all().join(":"));
    submitted.report = sbatch(&[Argument::Word(dependency), Argument::Path(batch.report_file())])?;
    Ok(())
}

fn sbatch(arguments: &[Argument]) -> Result<String> {
    let mut command = Command::new("sbatch");
    command.arg("--parsable").stdin(Stdio::null());
    for argument in arguments {
        match argument {
            Argument::Word(word) => command.arg(word),
            Argument::Path(path) => command.arg(path),
        };
    }
    let output = command.output().context("cannot start `sbatch`")?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    ensure!(output.status.success(), "sbatch refused the job: {said}");
    // In a federation of clusters, the name of the cluster follows the id.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match text.trim().split(';').next() {
        Some(id) if !id.is_empty() => Ok(id.to_owned()),
        _ => bail!("sbatch printed no job id: {text}"),
    }
}

fn noted_in(run: &Path) -> PathBuf {
    script::folder(run).join("jobs")
}

/// The jobs of the last submission.
pub(super) fn noted(run: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(noted_in(run)).unwrap_or_default();
    text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}
