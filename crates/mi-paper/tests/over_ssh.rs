//! Runs numbered tasks through GNU parallel and ssh, as in `docs/cluster.md`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SIZE: [&str; 6] = ["--preset", "smoke", "--experiment", "dependent", "--steps", "30"];

fn mi_paper() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mi-paper"))
}

fn reproduce(out: &Path, more: &[&str]) {
    let output = mi_paper().arg("reproduce").args(SIZE).args(more).arg("--out").arg(out).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A private ssh server with two host names.
struct Server {
    child: Child,
}

impl Server {
    /// Starts the server with its files in a folder. The error says why that is not possible here.
    fn start(folder: &Path) -> Result<Self, String> {
        let there =
            |program: &str, argument: &str| Command::new(program).arg(argument).output().is_ok();
        if !there("parallel", "--version") || !there("ssh", "-V") || !there("/usr/sbin/sshd", "-V")
        {
            return Err("apt-get install --no-install-recommends parallel openssh-server".into());
        }
        let user = Command::new("id").arg("-u").output().unwrap();
        if user.stdout != b"0\n" {
            return Err("sshd needs root".into());
        }
        fs::create_dir_all("/run/sshd").map_err(|error| format!("/run/sshd: {error}"))?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for key in ["host", "user"] {
            let file = folder.join(key);
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file);
            assert!(make.status().unwrap().success());
        }
        let place = folder.display();
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {place}/host\nPidFile {place}/pid\n\
             AuthorizedKeysFile {place}/user.pub\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
        );
        let client = format!(
            "Host node1 node2\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {place}/user\n  \
             StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n"
        );
        fs::write(folder.join("server"), server).unwrap();
        fs::write(folder.join("client"), client).unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-e", "-f"]).arg(folder.join("server")).stderr(log).stdin(Stdio::null());
        let started = Self { child: sshd.spawn().unwrap() };
        let begun = Instant::now();
        let mut hello = Command::new("ssh");
        hello.arg("-F").arg(folder.join("client")).args(["node1", "true"]);
        while !hello.output().unwrap().status.success() {
            let log = || fs::read_to_string(folder.join("log")).unwrap();
            assert!(begun.elapsed() < Duration::from_mins(1), "sshd does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(started)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn tasks_run_through_parallel_and_failed_ones_run_again() {
    let root = tempfile::tempdir().unwrap();
    let _server = match Server::start(root.path()) {
        Ok(server) => server,
        Err(reason) => {
            eprintln!("skipped: GNU parallel over ssh: {reason}");
            return;
        }
    };
    let (whole, out) = (root.path().join("whole"), root.path().join("run"));
    reproduce(&whole, &[]);
    reproduce(&out, &["--dry-run"]);
    let parallel = || -> Output {
        let ssh = format!("ssh -F {}", root.path().join("client").display());
        let mut command = Command::new("parallel");
        command
            .args(["--will-cite", "--resume-failed", "--ssh", &ssh])
            .args(["--sshlogin", "1/node1,1/node2", "--joblog"])
            .arg(root.path().join("jobs.txt"))
            .arg(env!("CARGO_BIN_EXE_mi-paper"))
            .arg("trial")
            .arg(&out)
            .args(["--trials-per-task", "2", "--wait", "--task", ":::", "0", "1"])
            .stdin(Stdio::null());
        command.output().unwrap()
    };
    // The first trial cannot run, since there is a folder in place of its lock file.
    let plan = mi_paper::folder::RunFolder::new(&out).plan().unwrap();
    let obstacle = out.join("trials").join(plan.trials[0].id()).join("lock");
    fs::create_dir_all(&obstacle).unwrap();
    let first = parallel();
    let messages = String::from_utf8_lossy(&first.stderr).into_owned();
    assert_eq!(first.status.code(), Some(1), "{messages}");
    assert!(messages.contains("error: ") && messages.contains("lock"), "{messages}");
    fs::remove_dir(&obstacle).unwrap();
    let second = parallel();
    let messages = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.success(), "{messages}");
    // Only the task of the first two trials runs again. One of them had ended.
    assert_eq!(messages.matches(" is finished").count(), 2, "{messages}");
    assert_eq!(messages.matches(": from step 0").count(), 1, "{messages}");
    let drawn = mi_paper().args(["reproduce", "--redraw", "--out"]).arg(&out).output().unwrap();
    assert!(drawn.status.success());
    let records = |out: &Path| fs::read_to_string(out.join("records.csv")).unwrap();
    assert_eq!(records(&out), records(&whole));
}
