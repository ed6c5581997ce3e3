use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Fate, Tally, count, mi_paper, records, signalled, text};

/// A run that is long enough to be killed several times, with a checkpoint after about every step.
const LONGER: [&str; 11] = [
    "reproduce",
    "--preset",
    "smoke",
    "--experiment",
    "dependent",
    "--jobs",
    "2",
    "--steps",
    "24",
    "--checkpoint-every",
    "1ms",
];

fn longer(out: &Path) -> Command {
    let mut command = mi_paper();
    command.args(LONGER).arg("--out").arg(out);
    command
}

/// Whether any trial has a checkpoint, and so has begun but not ended.
fn in_mid_trial(out: &Path) -> bool {
    let Ok(trials) = fs::read_dir(out.join("trials")) else { return false };
    trials.flatten().any(|trial| {
        fs::read_dir(trial.path()).is_ok_and(|entries| {
            let mut files = entries.flatten();
            files.any(|file| file.path().extension().is_some_and(|e| e == "safetensors"))
        })
    })
}

#[test]
fn killed_runs_resume_to_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    let output = longer(&whole).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected = records(&whole);

    let mut draws = mi_random::Stream::new(15, "kills");
    let mut tally = Tally::new("kills in mid-trial");
    let (wanted, begun) = (count(6, 60), Instant::now());
    let (mut chain, mut killed) = (0, 0);
    while killed < wanted {
        let out = root.path().join(format!("chain-{chain}"));
        chain += 1;
        let before = killed;
        loop {
            assert!(begun.elapsed() < Duration::from_mins(20), "{killed} kills in 20 minutes");
            let mut child =
                longer(&out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // A random time after the first checkpoint.
            while killed < wanted && !in_mid_trial(&out) && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            std::thread::sleep(Duration::from_secs_f64(0.15 * draws.uniform()));
            if killed >= wanted || !in_mid_trial(&out) {
                assert!(child.wait().unwrap().success(), "it does not continue");
                break;
            }
            child.kill().unwrap();
            if child.wait().unwrap().success() {
                break;
            }
            killed += 1;
        }
        let same = records(&out) == expected;
        for kill in before..killed {
            let fate = if same { Fate::Harmless } else { Fate::SilentlyWrong };
            tally.note(format!("kill {kill} of chain {}", chain - 1), fate);
        }
    }
    tally.finish();
}

/// The answer comes at once, and what it says about saving is true.
#[test]
fn a_signal_is_answered_and_everything_is_saved() {
    let root = tempfile::tempdir().unwrap();
    let mut tally = Tally::new("signals");
    let (whole, out) = (root.path().join("whole"), root.path().join("run"));
    assert!(longer(&whole).output().unwrap().status.success());
    for signal in ["-INT", "-TERM"] {
        let (code, message) = signalled(&mut longer(&out), signal);
        if code == Some(0) {
            // The run ended before the signal.
            continue;
        }
        let answered = message.contains("interrupted: waiting for dependent.")
            || message.contains("waiting for files that are being written");
        let told = answered && message.contains("everything is saved, and");
        let fate = if told { Fate::Harmless } else { Fate::SilentlyWrong };
        tally.note(format!("{signal}: {message}"), fate);
    }
    assert!(longer(&out).output().unwrap().status.success());
    assert_eq!(records(&out), records(&whole));
    tally.finish();
}
