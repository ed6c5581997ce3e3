//! The events that tasks must survive.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::cluster::{Cluster, Process, text, until, until_or};
use super::sweep::{Frozen, PLAN, Sweep, has_checkpoint, mi_paper};

/// Nothing special happens. There are two arrays, since one may have only three tasks here.
pub(crate) fn to_the_end(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    sweep.submit(&["--trials-per-task", "1", "--array-limit", "3"]);
    assert_eq!(sweep.arrays.len(), 2, "{}", sweep.said);
    sweep.wait();
    let nodes = sweep.cluster.about(&sweep.arrays[0], "BatchHost");
    format!("two arrays, on {}", nodes.join(" "))
}

/// All jobs are cancelled, and the run continues locally.
pub(crate) fn cancelled(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    sweep.submit(&[]);
    let frozen = sweep.freeze(None);
    let mut words = vec!["scancel"];
    let jobs = sweep.jobs();
    words.extend(jobs.iter().map(String::as_str));
    cluster.ask(&words);
    until("the tasks have ended", || sweep.tasks(None).is_empty().then_some(()));
    let saved = format!("{}: saved; the same command continues from here", frozen.trial);
    assert!(sweep.output().contains(&saved), "{}", sweep.output());
    // Once Slurm knows that they have ended, `mi-paper slurm` would submit the rest.
    let output = super::sweep::locally(&sweep.out);
    assert!(output.status.success(), "{}", text(&output.stderr));
    "saved by the signal; continued locally".into()
}

pub(crate) fn requeued(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    sweep.submit(&[]);
    let frozen = sweep.freeze(None);
    cluster.ask(&["scontrol", "requeue", &frozen.job]);
    restart_at_once(&sweep, &frozen.job);
    sweep.wait();
    let step = resumed_at(&sweep, &frozen.trial);
    format!("{} continued from step {step}", frozen.job)
}

/// A job with higher priority takes the node.
pub(crate) fn preempted(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    sweep.submit(&[]);
    let frozen = sweep.freeze(Some("n2"));
    let urgent = cluster.ask(&[
        "sbatch",
        "--parsable",
        "--partition=urgent",
        "--nodelist=n2",
        "--cpus-per-task=2",
        "--output=/dev/null",
        "--wrap=sleep 1",
    ]);
    until("the urgent job has ended", || {
        (cluster.about(urgent.trim(), "JobState") == ["COMPLETED"]).then_some(())
    });
    restart_at_once(&sweep, &frozen.job);
    sweep.wait();
    let step = resumed_at(&sweep, &frozen.trial);
    format!("{} made room on n2 and continued from step {step}", frozen.job)
}

/// A node and all its processes disappear at once.
pub(crate) fn power_cut(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    sweep.submit(&[]);
    let frozen = sweep.freeze(Some("n2"));
    cluster.cut_power("n2");
    until("its processes are gone", || (!frozen.process.runs()).then_some(()));
    restart_at_once(&sweep, &frozen.job);
    sweep.wait();
    cluster.power_on("n2");
    let step = resumed_at(&sweep, &frozen.trial);
    assert_eq!(attempts(&sweep, &frozen.trial), 1);
    format!("{} continued from step {step}, elsewhere", frozen.job)
}

/// Cuts a node off from the controller, with a task that is stopped in the middle of a trial.
fn cut_off<'a>(cluster: &'a Cluster, folder: &str) -> (Sweep<'a>, Frozen, Process) {
    let mut sweep = Sweep::new(cluster, folder);
    sweep.submit(&[]);
    let frozen = sweep.freeze(Some("n2"));
    let daemon = cluster.daemon("n2");
    daemon.signal("-STOP");
    cluster.declare_down("n2");
    (sweep, frozen, daemon)
}

/// A node is cut off from the controller while its task is stopped. File locks do not reach the
/// node either. The task wakes up after another task has done its work.
pub(crate) fn partition_silent(cluster: &Cluster, folder: &str) -> String {
    let (sweep, frozen, daemon) = cut_off(cluster, folder);
    fs::remove_file(sweep.out.join("trials").join(&frozen.trial).join("lock")).unwrap();
    restart_at_once(&sweep, &frozen.job);
    sweep.wait();
    let records = sweep.records();
    // The task continues, learns that its trial was taken over, and waits for the others to end.
    frozen.thaw();
    until("the old copy has ended", || (!frozen.process.runs()).then_some(()));
    daemon.signal("-CONT");
    cluster.declare_up("n2");
    assert_eq!(sweep.records(), records);
    assert_eq!(attempts(&sweep, &frozen.trial), 1);
    format!("the old copy of {} woke up afterwards", frozen.job)
}

/// A node is cut off from the controller, but its task continues: the trial is not taken over.
pub(crate) fn partition_alive(cluster: &Cluster, folder: &str) -> String {
    let (sweep, frozen, daemon) = cut_off(cluster, folder);
    cluster.start_now(&frozen.job);
    // It continues slowly: it is stopped most of the time, but never longer than it may be silent.
    let is_enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_enough.load(Ordering::Relaxed) {
                frozen.process.signal("-CONT");
                std::thread::sleep(Duration::from_millis(10));
                frozen.process.signal("-STOP");
                std::thread::sleep(Duration::from_millis(500));
            }
            frozen.process.signal("-CONT");
        });
        let task = frozen.job.split_once('_').unwrap().1;
        until("the second copy waits", || {
            cluster.start_now(&frozen.job);
            let mut there = sweep.tasks(Some("n1")).into_iter();
            there.find(|p| p.environment("SLURM_ARRAY_TASK_ID").as_deref() == Some(task))
        });
        std::thread::sleep(Duration::from_secs(4));
        is_enough.store(true, Ordering::Relaxed);
    });
    sweep.wait();
    until("the old copy has ended", || (!frozen.process.runs()).then_some(()));
    daemon.signal("-CONT");
    cluster.declare_up("n2");
    assert_eq!(attempts(&sweep, &frozen.trial), 0, "{}", sweep.output());
    let begun = format!("{}: from step", frozen.trial);
    assert_eq!(sweep.output().matches(&begun).count(), 1, "{}", sweep.output());
    format!("the second copy of {} waited for the first", frozen.job)
}

/// Slurm signals the task before its time limit, and the task saves and requeues itself.
pub(crate) fn time_limit(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    // On a node that no other case cuts off. The shortest time limit is a minute.
    let options =
        ["--time", "1", "--save-before", "55s", "--trials-per-task", "4", "--sbatch=--nodelist=n1"];
    sweep.submit(&options);
    let frozen = sweep.freeze(None);
    // The task is stopped until the signal comes, so it uses no processor time.
    let begun = Instant::now();
    until("the signal comes", || frozen.process.has_term_waiting().then_some(()));
    let waited = begun.elapsed().as_secs();
    frozen.thaw();
    restart_at_once(&sweep, &frozen.job);
    sweep.wait();
    let step = resumed_at(&sweep, &frozen.trial);
    format!("the signal came after {waited} s; continued from step {step}")
}

pub(crate) fn controller_restarted(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    sweep.submit(&["--trials-per-task", "1", "--at-most", "1"]);
    let frozen = sweep.freeze(None);
    cluster.restart_controller();
    frozen.thaw();
    sweep.wait();
    assert_eq!(attempts(&sweep, &frozen.trial), 0);
    "running and waiting tasks continued".into()
}

/// A trial fails, a dependent job does not run, and a second round repairs it.
pub(crate) fn failing(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    // A folder is in place of a trial's lock file.
    let mut planned = mi_paper();
    planned.arg("reproduce").args(PLAN).args(["--dry-run", "--out"]).arg(&sweep.out);
    assert!(planned.output().unwrap().status.success());
    let plan = mi_paper::folder::RunFolder::new(&sweep.out).plan().unwrap();
    let obstacle = sweep.out.join("trials").join(plan.trials[0].id()).join("lock");
    fs::create_dir_all(&obstacle).unwrap();
    sweep.submit(&["--trials-per-task", "1", "--at-most", "2"]);
    let array = sweep.arrays[0].clone();
    let depends = cluster.ask(&[
        "sbatch",
        "--parsable",
        &format!("--dependency=afterok:{array}"),
        "--kill-on-invalid-dep=yes",
        "--output=/dev/null",
        "--wrap=true",
    ]);
    let other = sweep.freeze(None);
    until("the trial has failed", || {
        (cluster.about(&format!("{array}_0"), "JobState") == ["FAILED"]).then_some(())
    });
    fs::remove_dir(&obstacle).unwrap();
    other.thaw();
    sweep.wait();
    until("it is not run", || {
        (cluster.about(depends.trim(), "JobState") == ["CANCELLED"]).then_some(())
    });
    let output = sweep.output();
    assert!(output.contains("error: ") && output.contains(&plan.trials[0].id()), "{output}");
    "failed once; a job that needed it was not run; the second round repaired it".into()
}

/// A run that was killed on the login node continues there.
pub(crate) fn begun_locally(cluster: &Cluster, folder: &str) -> String {
    let mut sweep = Sweep::new(cluster, folder);
    let mut command = mi_paper();
    command.arg("reproduce").args(PLAN).args(["--checkpoint-every", "1ms", "--silence", "2s"]);
    let mut child = command
        .args(["--jobs", "1", "--out"])
        .arg(&sweep.out)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let trials = sweep.out.join("trials");
    until("there is a checkpoint", || {
        let mut folders = fs::read_dir(&trials).ok()?.flatten();
        folders.any(|folder| has_checkpoint(&folder.path())).then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    sweep.submit(&[]);
    sweep.wait();
    "killed on the login node, continued from its checkpoint".into()
}

/// Waits until Slurm has put a task back into the queue, and makes it start at once.
fn restart_at_once(sweep: &Sweep<'_>, job: &str) {
    until_or(
        || format!("{job} runs again\n{}", sweep.queue()),
        || {
            let restarts = sweep.cluster.about(job, "Restarts");
            restarts.iter().any(|count| count != "0").then_some(())
        },
    );
    sweep.cluster.start_now(job);
}

/// The step from which a trial continued, after its first start.
fn resumed_at(sweep: &Sweep<'_>, trial: &str) -> u64 {
    let output = sweep.output();
    let begun = format!("{trial}: from step ");
    let mut steps = output.lines().filter_map(|line| line.strip_prefix(&begun)?.split(' ').next());
    assert_eq!(steps.next(), Some("0"), "{output}");
    let step = steps.next().and_then(|step| step.parse().ok());
    step.filter(|&step| step > 0).unwrap_or_else(|| panic!("it did not continue: {output}"))
}

/// The number of attempts of a trial, without the one in its own folder.
fn attempts(sweep: &Sweep<'_>, trial: &str) -> usize {
    let entries = fs::read_dir(sweep.out.join("trials").join(trial)).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("attempt-")).count()
}
