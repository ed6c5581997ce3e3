//! Where results come from: the program, its source revision and the machine.

use std::fs;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The name and version of this program, as in plans.
pub const PROGRAM: &str = concat!("mi-paper ", env!("CARGO_PKG_VERSION"));

/// The program and the machine that computed a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Version of this program.
    pub version: String,
    /// Revision of the source that it was built from, if it was built in a git repository.
    pub commit: Option<String>,
    /// Host name, processor, its features, cores.
    pub host: String,
}

impl Origin {
    /// This program on this machine.
    pub fn here() -> &'static Self {
        static HERE: LazyLock<Origin> = LazyLock::new(|| Origin {
            version: PROGRAM.to_owned(),
            commit: option_env!("MI_PAPER_REVISION").map(str::to_owned),
            host: host(),
        });
        &HERE
    }
}

/// The machine's current name, which may differ from the one in its configuration.
pub(crate) fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map_or_else(|| "unknown host".into(), |name| name.trim().to_owned())
}

/// Host name, processor, vector features and cores, in one line.
fn host() -> String {
    let name = host_name();
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
