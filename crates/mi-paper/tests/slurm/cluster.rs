//! A private cluster of two emulated nodes, and the processes on it.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The programs that the cluster needs.
const PROGRAMS: [&str; 6] = ["slurmctld", "slurmd", "sbatch", "munged", "unshare", "setsid"];
/// How long any event may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts the cluster. The error says why that is not possible here.
    pub(crate) fn start() -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = || std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
        if let Some(missing) = PROGRAMS.iter().find(|name| !places().any(|p| p.join(name).exists()))
        {
            return Err(format!(
                "`{missing}` is missing: apt-get install --no-install-recommends slurm-wlm munge"
            ));
        }
        if text(&Command::new("id").arg("-u").output().unwrap().stdout).trim() != "0" {
            return Err("the emulated nodes need root".into());
        }
        let mut isolated = Command::new("unshare");
        isolated.args(["--uts", "--pid", "--ipc", "--mount", "--fork", "--mount-proc", "true"]);
        let isolated = isolated.output().unwrap();
        if !isolated.status.success() {
            return Err(format!("namespaces are forbidden here: {}", text(&isolated.stderr)));
        }
        // A short path, since the paths of sockets must not be long.
        let folder = tempfile::Builder::new().prefix("sl").tempdir_in("/tmp").unwrap();
        let cluster = Self { folder };
        // All are held at the same time, so that they are different.
        let free: Vec<TcpListener> =
            (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<String> =
            free.iter().map(|free| free.local_addr().unwrap().port().to_string()).collect();
        drop(free);
        cluster.run_script(&["start", &ports[0], &ports[1], &ports[2]]);
        Ok(cluster)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn script(&self, arguments: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster.sh");
        // Output goes to a file: daemons would inherit a pipe and keep it open.
        let said = self.path().join("script.txt");
        let file = fs::File::create(&said).unwrap();
        let mut command = self.command("bash");
        command.arg(script).arg(arguments[0]).arg(self.path()).args(&arguments[1..]);
        command.stdin(std::process::Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let status = command.status().unwrap();
        Output { status, stdout: Vec::new(), stderr: fs::read(said).unwrap() }
    }

    fn run_script(&self, arguments: &[&str]) {
        let output = self.script(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    }

    /// Kills all processes of a node at once, and tells Slurm.
    pub(crate) fn cut_power(&self, node: &str) {
        self.run_script(&["cut", node]);
        self.declare_down(node);
    }

    /// Tells the controller that a node is down, which it would find out after a while. The node may
    /// have sent a message just before, which would bring it back into service, so it is drained too.
    pub(crate) fn declare_down(&self, node: &str) {
        let name = format!("NodeName={node}");
        for state in ["State=DOWN", "State=DRAIN"] {
            self.ask(&["scontrol", "update", &name, state, "Reason=test"]);
        }
    }

    pub(crate) fn power_on(&self, node: &str) {
        self.run_script(&["node", node]);
        self.declare_up(node);
    }

    pub(crate) fn declare_up(&self, node: &str) {
        until(&format!("{node} is up"), || {
            // This is refused if the node has come back by itself.
            let (node_name, resume) = (format!("NodeName={node}"), "State=RESUME");
            let _ = self.command("scontrol").args(["update", &node_name, resume]).output();
            let state = self.ask(&["sinfo", "--noheader", "--format=%t", "--nodes", node]);
            let is_up = |state: &str| ["idle", "mix", "alloc"].contains(&state.trim());
            state.lines().all(is_up).then_some(())
        });
    }

    /// Kills the controller, once it has saved its current state, and starts it again.
    pub(crate) fn restart_controller(&self) {
        let (state, now) = (self.path().join("state/job_state"), std::time::SystemTime::now());
        // It saves after a change, and may already have saved the last one, so make another.
        let held = ["sbatch", "--parsable", "--hold", "--output=/dev/null", "--wrap=true"];
        let change = self.ask(&held);
        until("the controller has saved its state", || {
            let saved = fs::metadata(&state).and_then(|file| file.modified()).ok()?;
            (saved > now).then_some(())
        });
        self.run_script(&["controller"]);
        until("the controller answers", || {
            self.command("squeue").output().unwrap().status.success().then_some(())
        });
        self.ask(&["scancel", change.trim()]);
    }

    /// A command that sees only this cluster.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", self.path().join("slurm.conf"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
        command.env("PATH", std::env::join_paths(all).unwrap());
        for (name, _) in std::env::vars_os() {
            // The test itself may run under Slurm.
            let name_text = name.to_string_lossy();
            if name_text.starts_with("SLURM_") && name_text != "SLURM_CONF"
                || name_text.starts_with("SBATCH_")
            {
                command.env_remove(&name);
            }
        }
        command
    }

    /// The output of a command that must succeed.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let output = self.command(words[0]).args(&words[1..]).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The values of a key in what `scontrol` says about a job or a task.
    pub(crate) fn about(&self, job: &str, key: &str) -> Vec<String> {
        let all = self.ask(&["scontrol", "--oneliner", "show", "job", job]);
        let key = format!("{key}=");
        let values = all.split_whitespace().filter_map(|word| word.strip_prefix(&key));
        values.map(str::to_owned).collect()
    }

    /// Makes a requeued job start at once; normally it would wait for some seconds.
    pub(crate) fn start_now(&self, job: &str) {
        let _ = self
            .command("scontrol")
            .args(["update", &format!("JobId={job}"), "StartTime=now"])
            .output();
    }

    /// The process of a node's daemon, seen from this machine.
    pub(crate) fn daemon(&self, node: &str) -> Process {
        let own = self.path().join("slurm.conf");
        let is_it = |process: &Process| {
            process.arguments().iter().map(String::as_str).eq(["slurmd", "-D", "-N", node])
                && process.environment("SLURM_CONF").is_some_and(|conf| Path::new(&conf) == own)
        };
        all_processes().into_iter().find(is_it).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.script(&["stop"]);
    }
}

/// A process, identified by its id on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pid: u32,
}

impl Process {
    fn file(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.pid.to_string()).join(name)
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let bytes = fs::read(self.file("cmdline")).unwrap_or_default();
        let words = bytes.split(|&byte| byte == 0).filter(|word| !word.is_empty());
        words.map(text).collect()
    }

    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        let bytes = fs::read(self.file("environ")).unwrap_or_default();
        let name = format!("{name}=");
        bytes
            .split(|&byte| byte == 0)
            .find_map(|word| text(word).strip_prefix(&name).map(str::to_owned))
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid.to_string();
        let output = Command::new("kill").args([signal, &pid]).output().unwrap();
        assert!(output.status.success() || !self.runs(), "{}", text(&output.stderr));
    }

    pub(crate) fn runs(&self) -> bool {
        !self.arguments().is_empty()
    }

    fn status(&self, key: &str) -> Option<String> {
        let all = fs::read_to_string(self.file("status")).ok()?;
        let line = all.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.status("State").is_some_and(|state| state.starts_with('T'))
    }

    /// Whether a SIGTERM is pending.
    pub(crate) fn has_term_waiting(&self) -> bool {
        let mask = self.status("ShdPnd").and_then(|mask| u64::from_str_radix(&mask, 16).ok());
        mask.is_some_and(|mask| mask & (1 << 14) != 0)
    }
}

pub(crate) fn all_processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.map(|pid| Process { pid }).collect()
}

/// Waits until a condition is true.
pub(crate) fn until<T>(what: &str, is_so: impl FnMut() -> Option<T>) -> T {
    until_or(|| what.to_owned(), is_so)
}

/// Like [`until`], but describes the condition only when it fails.
pub(crate) fn until_or<T>(what: impl Fn() -> String, mut is_so: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = is_so() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {}", what());
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
