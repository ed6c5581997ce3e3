//! The scripts that Slurm runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::super::Checkpoints;
use super::Options;

/// The folder of the scripts, the program and the jobs' output.
pub(super) fn folder(run: &Path) -> PathBuf {
    run.join("slurm")
}

/// The inputs of the scripts.
pub(super) struct Batch<'a> {
    pub(super) run: &'a Path,
    pub(super) program: &'a Path,
    pub(super) data: Option<&'a Path>,
    pub(super) per_task: usize,
    pub(super) checkpoints: Checkpoints,
    pub(super) options: &'a Options,
}

impl Batch<'_> {
    pub(super) fn task_file(&self) -> PathBuf {
        folder(self.run).join("task.sh")
    }

    pub(super) fn report_file(&self) -> PathBuf {
        folder(self.run).join("report.sh")
    }

    pub(super) fn log(&self) -> PathBuf {
        folder(self.run).join("log")
    }

    /// The script of a task of the array. The script adds its argument to the task's number.
    pub(super) fn task(&self) -> Result<String> {
        let cpus = self.options.cpus.unwrap_or(1);
        let before = self.options.save_before.map_or(Duration::from_mins(2), |time| *time);
        let seconds = before.as_secs().max(1);
        if let Some(limit) = self.options.time.as_deref().and_then(limit_in_seconds) {
            ensure!(
                seconds < limit,
                "--save-before ({}) is not less than --time ({limit} s), so a task would save \
                 as soon as it starts: lower --save-before or raise --time",
                spelled(before)
            );
        }
        let mut text = self.head("%A_%a")?;
        let _ = write!(
            text,
            "#SBATCH --cpus-per-task={cpus}
#SBATCH --signal=B:USR1@{seconds}
#SBATCH --requeue

# Task K runs the trials from K * {per_task} on, {per_task} of them, counted from 0 in the order of the
# plan. Trials that have ended take no time, so a task may run any number of times.
set -u

# Before the time limit Slurm sends USR1 to this shell alone: the trials save, and the task queues
# again. Whatever else stops a job (scancel, preemption) sends TERM to the trials too, which save; this
# shell waits for them.
trials=
limit=
signalled=
trap 'signalled=yes limit=yes; kill -TERM ${{trials:+\"$trials\"}}' USR1
trap 'signalled=yes' TERM

{program} trial {run} \\
  --task \"$((SLURM_ARRAY_TASK_ID + ${{1:-0}}))\" --trials-per-task {per_task} --jobs {cpus} --wait \\
  --checkpoint-every {every} --silence {silence}{data} &
trials=$!
code=
until [ -n \"$code\" ]; do
  signalled=
  wait \"$trials\"
  code=$?
  if [ -n \"$signalled\" ]; then code=; fi
done

if [ -n \"$limit\" ] && [ \"$code\" -eq 143 ]; then
  # By the number in the array: SLURM_JOB_ID of one task is the id of the whole array.
  scontrol requeue \"${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID\"
fi
# A trial that has diverged would diverge again: that is a result, and the report says so.
if [ \"$code\" -eq 3 ]; then code=0; fi
exit \"$code\"
",
            per_task = self.per_task,
            program = quoted(self.program)?,
            run = quoted(self.run)?,
            every = spelled(*self.checkpoints.every),
            silence = spelled(*self.checkpoints.silence),
            data = match self.data {
                Some(data) => format!(" --data {}", quoted(&std::path::absolute(data)?)?),
                None => String::new(),
            },
        );
        Ok(text)
    }

    /// The script that merges and draws, once every task has ended.
    pub(super) fn report(&self) -> Result<String> {
        let mut text = self.head("report-%j")?;
        let (program, run) = (quoted(self.program)?, quoted(self.run)?);
        let _ = write!(
            text,
            "#SBATCH --cpus-per-task=1
#SBATCH --requeue

set -u
{program} reproduce --status --out {run}
exec {program} reproduce --redraw --out {run}
"
        );
        Ok(text)
    }

    fn head(&self, log: &str) -> Result<String> {
        let mut text = "#!/bin/bash\n#SBATCH --job-name=mi-paper\n".to_owned();
        let named = [("partition", &self.options.partition), ("time", &self.options.time)];
        for (name, value) in named {
            if let Some(value) = value {
                ensure!(is_word(value), "--{name}: `{value}` is not valid for Slurm");
                let _ = writeln!(text, "#SBATCH --{name}={value}");
            }
        }
        for option in &self.options.sbatch {
            ensure!(
                option.starts_with('-') && !option.contains('\n'),
                "--sbatch: `{option}` is not an option of sbatch, such as --account=NAME"
            );
            let _ = writeln!(text, "#SBATCH {option}");
        }
        let place = as_text(&self.log())?;
        ensure!(
            !place.contains(['"', '\\', '%']),
            "Slurm cannot write to {place}: name a folder without quotes, backslashes or per cent \
             signs"
        );
        let _ =
            writeln!(text, "#SBATCH --open-mode=append\n#SBATCH --output=\"{place}/{log}.txt\"");
        Ok(text)
    }
}

fn is_word(value: &str) -> bool {
    !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"')
}

/// A time limit as Slurm writes it: minutes, minutes:seconds, hours:minutes:seconds, days-hours,
/// days-hours:minutes or days-hours:minutes:seconds. `None` for anything else, such as `UNLIMITED`.
fn limit_in_seconds(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days.parse::<u64>().ok()?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let sum = |units: &[u64]| {
        let seconds = parts.iter().zip(units).map(|(part, unit)| part.saturating_mul(*unit));
        seconds.fold(0_u64, u64::saturating_add)
    };
    let seconds = match (days, parts.len()) {
        (None, 1 | 2) => sum(&[60, 1]),
        (_, 3) => sum(&[3600, 60, 1]),
        (Some(_), 1 | 2) => sum(&[3600, 60]),
        _ => return None,
    };
    Some(days.unwrap_or(0).saturating_mul(86_400).saturating_add(seconds))
}

/// A time in the form of `--checkpoint-every`.
fn spelled(time: Duration) -> String {
    humantime::format_duration(time).to_string().replace(' ', "")
}

fn as_text(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| {
        format!("{} cannot be used in a script: it is not UTF-8", path.display())
    })?;
    ensure!(!text.contains('\n'), "{text:?} cannot be used in a script: it has a line break");
    Ok(text.to_owned())
}

/// A path, quoted as one word for a shell.
pub(super) fn quoted(path: &Path) -> Result<String> {
    let text = as_text(path)?;
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@".contains(c);
    Ok(if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_read_as_slurm_reads_them() {
        let read = ["60", "2:30", "1:00:00", "2-3", "2-3:30", "1-00:00:01"].map(limit_in_seconds);
        let expected = [3600, 150, 3600, 183_600, 185_400, 86_401].map(Some);
        assert_eq!(read, expected);
        assert_eq!(["UNLIMITED", "", "1:2:3:4", "-1"].map(limit_in_seconds), [None; 4]);
        assert_eq!(limit_in_seconds("18446744073709551615"), Some(u64::MAX));
    }

    #[test]
    fn paths_are_one_word_of_a_shell() {
        let word = |path: &str| quoted(Path::new(path)).unwrap();
        assert_eq!(word("/a/b-1_c.d"), "/a/b-1_c.d");
        assert_eq!(word("/it's $HOME"), "'/it'\\''s $HOME'");
        assert!(quoted(Path::new("/a\nb")).is_err());
    }
}
