//! Where results come from: which program, from which source, on which machine.

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::plan;

/// What computed a result, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Version of this program.
    pub version: String,
    /// Revision that the program's source folder stood at when the program was started, if it is
    /// a repository. A program that was built earlier is of an older one.
    pub commit: Option<String>,
    /// Host name, processor, its features, cores.
    pub host: String,
}

impl Origin {
    /// This program, its source and this machine, as they were when this was first asked for.
    pub fn here() -> &'static Self {
        static HERE: LazyLock<Origin> = LazyLock::new(|| Origin {
            version: plan::PROGRAM.to_owned(),
            commit: commit(),
            host: host(),
        });
        &HERE
    }
}

/// Host name, processor, vector features and cores, in one line.
fn host() -> String {
    let name = fs::read_to_string("/etc/hostname")
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map_or_else(|| "unknown host".into(), |name| name.trim().to_owned());
    let processor = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.into());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}: {processor}, {}, {cores} cores", mi_kernels::simd_level())
}

/// The revision that the repository of this source stands at now, if it is one.
fn commit() -> Option<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let revision = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if changed { format!("{revision} with uncommitted changes") } else { revision })
}
