use std::fs;
use std::process::Command;
use std::time::SystemTime;

/// Host name, processor, vector features and cores, in one line.
pub(super) fn describe() -> String {
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
pub(super) fn commit() -> Option<String> {
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

/// The current time in UTC, as RFC 3339 to the second.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
