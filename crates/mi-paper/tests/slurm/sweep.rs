//! A run whose trials run on the test cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mi_paper::folder::RunFolder;

use super::cluster::{Cluster, Process, all_processes, text, until, until_or};

/// Four trials of 60 steps, with a checkpoint after every step.
pub(crate) const PLAN: [&str; 6] =
    ["--preset", "smoke", "--experiment", "dependent", "--steps", "60"];
const SHARED: [&str; 4] = ["--checkpoint-every", "1ms", "--silence", "2s"];

pub(crate) fn mi_paper() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mi-paper"))
}

/// Runs the plan on this machine, without the cluster.
pub(crate) fn locally(out: &Path) -> Output {
    let mut command = mi_paper();
    command.arg("reproduce").args(PLAN).args(SHARED).args(["--jobs", "2", "--out"]).arg(out);
    command.output().unwrap()
}

pub(crate) struct Sweep<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) out: PathBuf,
    pub(crate) arrays: Vec<String>,
    pub(crate) report: String,
    /// The output of `mi-paper slurm`.
    pub(crate) said: String,
}

impl<'a> Sweep<'a> {
    pub(crate) fn new(cluster: &'a Cluster, name: &str) -> Self {
        let out = cluster.path().join("runs").join(name);
        Self { cluster, out, arrays: Vec::new(), report: String::new(), said: String::new() }
    }

    /// Submits the run, with two trials per task unless the options say otherwise.
    pub(crate) fn submit(&mut self, options: &[&str]) {
        let mut command = self.cluster.command(env!("CARGO_BIN_EXE_mi-paper"));
        command.arg("slurm").arg(&self.out).args(PLAN).args(SHARED);
        if !options.contains(&"--trials-per-task") {
            command.args(["--trials-per-task", "2"]);
        }
        let output = command.args(options).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        self.said = text(&output.stdout);
        let ids = |label: &str| -> Vec<String> {
            let line = self.said.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap();
            line.split_whitespace().map(str::to_owned).collect()
        };
        self.arrays = ids("arrays");
        self.report = ids("report").remove(0);
    }

    /// The ids of all submitted jobs.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let line = self.said.lines().find_map(|line| line.strip_prefix("stop     scancel "));
        line.unwrap().split_whitespace().map(str::to_owned).collect()
    }

    /// Waits for the job of the report, which runs after all others.
    pub(crate) fn wait(&self) {
        let (all, nodes) = (["scontrol", "--oneliner", "show", "job"], ["sinfo", "-N", "-l"]);
        let what = || {
            let (jobs, nodes) = (self.cluster.ask(&all), self.cluster.ask(&nodes));
            format!("{} has ended\n{jobs}\n{nodes}\n{}", self.out.display(), self.output())
        };
        until_or(what, || {
            let states = self.cluster.about(&self.report, "JobState");
            let ended = states
                .iter()
                .all(|state| !["PENDING", "RUNNING", "COMPLETING"].contains(&&**state));
            ended.then_some(())
        });
        let states = self.cluster.about(&self.report, "JobState");
        assert_eq!(states, ["COMPLETED"], "{}", self.output());
        assert!(self.out.join("report.html").is_file());
    }

    pub(crate) fn queue(&self) -> String {
        self.cluster.ask(&["squeue", "--array"])
    }

    /// The output of all jobs.
    pub(crate) fn output(&self) -> String {
        let mut all = String::new();
        let Ok(entries) = fs::read_dir(self.out.join("slurm/log")) else { return all };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.display().to_string();
            all.extend(["== ", &name, "\n", &text(&fs::read(&path).unwrap())]);
        }
        all
    }

    pub(crate) fn status(&self) -> String {
        let output = mi_paper().args(["reproduce", "--status", "--out"]).arg(&self.out).output();
        text(&output.unwrap().stdout)
    }

    pub(crate) fn records(&self) -> String {
        fs::read_to_string(self.out.join("records.csv")).unwrap_or_default()
    }

    /// The processes of this run's tasks; only those on `node` if it is given.
    pub(crate) fn tasks(&self, node: Option<&str>) -> Vec<Process> {
        let is_ours = |process: &Process| {
            let arguments = process.arguments();
            arguments.get(1).is_some_and(|word| word == "trial")
                && arguments.get(2).is_some_and(|word| Path::new(word) == self.out)
                && node.is_none_or(|node| {
                    process.environment("SLURMD_NODENAME").as_deref() == Some(node)
                })
        };
        all_processes().into_iter().filter(is_ours).collect()
    }

    /// Stops a task in the middle of a trial that has a checkpoint; on `node` if it is given.
    pub(crate) fn freeze(&self, node: Option<&str>) -> Frozen {
        let ids: Vec<String> = until("there is a plan", || RunFolder::new(&self.out).plan().ok())
            .trials
            .iter()
            .map(mi_paper::config::TrialConfig::id)
            .collect();
        until(
            &format!("a trial of {} runs on {node:?}: {}", self.out.display(), self.queue()),
            || {
                for process in self.tasks(node) {
                    let arguments = process.arguments();
                    let number = |name: &str| -> Option<usize> {
                        let at = arguments.iter().position(|word| word == name)?;
                        arguments.get(at + 1)?.parse().ok()
                    };
                    let (Some(task), Some(size)) = (number("--task"), number("--trials-per-task"))
                    else {
                        continue;
                    };
                    let in_mid_trial = || {
                        let mut own = ids.iter().skip(task * size).take(size);
                        own.find(|id| has_checkpoint(&self.out.join("trials").join(id))).cloned()
                    };
                    if in_mid_trial().is_none() {
                        continue;
                    }
                    process.signal("-STOP");
                    until("it stops", || (process.is_stopped() || !process.runs()).then_some(()));
                    match in_mid_trial() {
                        Some(trial) => {
                            let name = |key: &str| process.environment(key).unwrap();
                            let job = format!(
                                "{}_{}",
                                name("SLURM_ARRAY_JOB_ID"),
                                name("SLURM_ARRAY_TASK_ID")
                            );
                            return Some(Frozen { process, trial, job });
                        }
                        // The trial ended before the signal.
                        None => process.signal("-CONT"),
                    }
                }
                None
            },
        )
    }
}

/// Whether a trial has a checkpoint and a saved state.
pub(crate) fn has_checkpoint(folder: &Path) -> bool {
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    folder.join("state.json").exists()
        && entries.any(|entry| entry.path().extension().is_some_and(|e| e == "safetensors"))
}

/// A task that was stopped in the middle of a trial.
pub(crate) struct Frozen {
    pub(crate) process: Process,
    pub(crate) trial: String,
    /// `ARRAY_TASK`.
    pub(crate) job: String,
}

impl Frozen {
    pub(crate) fn thaw(&self) {
        self.process.signal("-CONT");
    }
}
