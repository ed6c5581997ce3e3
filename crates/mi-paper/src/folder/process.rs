//! Identifies the process that holds a lease, and its machine.

use std::fs;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::atomic::nonce;
use crate::origin::host_name;

/// Identifies a process among those of all machines.
///
/// A process id is not enough: two machines may use the same one, and each machine reuses its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) host: String,
    /// The system's random boot id; empty if it has none.
    pub(super) boot: String,
    pub(super) pid: u32,
    /// When the process was started, in clock ticks since boot; `None` if that is unknown.
    pub(super) started: Option<u64>,
    /// A random number.
    pub(super) nonce: String,
}

impl Process {
    pub(super) fn this() -> Self {
        static BOOT: LazyLock<String> = LazyLock::new(|| {
            let text = fs::read_to_string("/proc/sys/kernel/random/boot_id");
            text.map(|text| text.trim().to_owned()).unwrap_or_default()
        });
        let pid = std::process::id();
        Self { host: host_name(), boot: BOOT.clone(), pid, started: started(pid), nonce: nonce() }
    }

    /// Whether it was started on this machine after the machine's last boot.
    pub(super) fn is_of_this_machine(&self) -> bool {
        let this = Self::this();
        self.host == this.host && self.boot == this.boot
    }

    /// Whether a process of this machine is known to be running still.
    pub(super) fn is_alive(&self) -> bool {
        self.started.is_some() && started(self.pid) == self.started
    }
}

/// The start time of a process, field 22 of `/proc/PID/stat`; `None` if the process has ended, also
/// if it was not reaped yet (`Z`, `X`). The second field, the name, may contain spaces and
/// parentheses.
fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if matches!(fields.first(), Some(&("Z" | "X"))) {
        return None;
    }
    fields.get(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_distinguished_from_others() {
        let this = Process::this();
        assert!(this.is_of_this_machine());
        assert_ne!(this.nonce, Process::this().nonce);
        let elsewhere = Process { host: format!("{}-2", this.host), ..this.clone() };
        let before = Process { boot: "another start".into(), ..this.clone() };
        assert!(!elsewhere.is_of_this_machine() && !before.is_of_this_machine());
        #[cfg(target_os = "linux")]
        {
            assert!(this.is_alive());
            let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            let pid = child.id();
            let other = Process { pid, started: started(pid), ..this.clone() };
            assert!(other.is_alive());
            // Another process with the same id.
            assert!(!Process { started: Some(1), ..other.clone() }.is_alive());
            child.kill().unwrap();
            while other.is_alive() {
                std::thread::yield_now();
            }
            child.wait().unwrap();
            assert!(!other.is_alive());
        }
    }
}
