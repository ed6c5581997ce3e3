//! Identifies the machine, with a fingerprint that says whether two records may be compared.

use std::env;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::workspace::output;

/// What determines how fast code runs here. The host's name is kept for the reader but is not part
/// of the fingerprint: containers get a new one every time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// FNV-1a of the fields below except `host`; see [`Machine::fingerprint_of`].
    pub(crate) fingerprint: String,
    pub(crate) host: String,
    pub(crate) system: String,
    pub(crate) processor: String,
    /// Instruction sets that the operating system lets programs use.
    pub(crate) features: Vec<String>,
    /// Cores this process may run on.
    pub(crate) cores: usize,
    /// Caches of the first core, as the system reports them.
    pub(crate) caches: Vec<String>,
}

impl Machine {
    pub(crate) fn this() -> Self {
        let mut machine = Self {
            fingerprint: String::new(),
            host: host(),
            system: format!("{} {}", env::consts::OS, env::consts::ARCH),
            processor: processor(),
            features: features(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            caches: caches(),
        };
        machine.fingerprint = machine.fingerprint_of();
        machine
    }

    /// Sixteen hexadecimal digits: 64-bit FNV-1a (Fowler, Noll, Vo) of the fields, each on a line.
    pub(crate) fn fingerprint_of(&self) -> String {
        let text = self.fields().map(|(_, value)| value).join("\n");
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }

    /// The fields in which two machines differ, for the message that refuses to compare them.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = self.fields().into_iter().zip(other.fields());
        pairs
            .filter(|(mine, theirs)| mine.1 != theirs.1)
            .map(|((name, mine), (_, theirs))| format!("{name}: {mine} / {theirs}"))
            .collect()
    }

    fn fields(&self) -> [(&'static str, String); 5] {
        [
            ("system", self.system.clone()),
            ("processor", self.processor.clone()),
            ("features", self.features.join(" ")),
            ("cores", self.cores.to_string()),
            ("caches", self.caches.join(", ")),
        ]
    }
}

fn host() -> String {
    let from_environment = || env::var("COMPUTERNAME").or_else(|_| env::var("HOSTNAME")).ok();
    output(Command::new("hostname"))
        .ok()
        .filter(|name| !name.is_empty())
        .or_else(|| fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()))
        .or_else(from_environment)
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The processor's name with family, model and stepping if the system reports them: virtual
/// machines often have a name that several generations share.
fn processor() -> String {
    if let Ok(text) = fs::read_to_string("/proc/cpuinfo") {
        return from_cpuinfo(&text);
    }
    let mut sysctl = Command::new("sysctl");
    sysctl.args(["-n", "machdep.cpu.brand_string"]);
    output(sysctl)
        .ok()
        .or_else(|| env::var("PROCESSOR_IDENTIFIER").ok())
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The first core's description in Linux's format: x86 gives a name, ARM only numbers.
fn from_cpuinfo(text: &str) -> String {
    let value = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    let numbers: Vec<_> = [
        ("cpu family", "family"),
        ("model", "model"),
        ("stepping", "stepping"),
        ("CPU implementer", "implementer"),
        ("CPU part", "part"),
        ("CPU revision", "revision"),
    ]
    .iter()
    .filter_map(|(key, shown)| Some(format!("{shown} {}", value(key)?)))
    .collect();
    match (value("model name"), numbers.is_empty()) {
        (Some(name), true) => name,
        (Some(name), false) => format!("{name} ({})", numbers.join(", ")),
        (None, false) => numbers.join(", "),
        (None, true) => "unknown".to_owned(),
    }
}

fn caches() -> Vec<String> {
    (0..8)
        .filter_map(|index| {
            let read = |file: &str| {
                let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
                fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
            };
            Some(format!("L{} {} {}", read("level")?, read("type")?, read("size")?))
        })
        .collect()
}

/// The instruction sets that numeric kernels dispatch on.
fn features() -> Vec<String> {
    macro_rules! detected {
        ($test:ident: $($name:tt)+) => {
            [$(($name, std::arch::$test!($name))),+]
        };
    }
    #[cfg(target_arch = "x86_64")]
    let all = detected!(is_x86_feature_detected:
        "sse4.2" "avx" "avx2" "fma" "f16c" "avxvnni" "avx512f" "avx512bw" "avx512cd" "avx512dq"
        "avx512vl" "avx512vbmi" "avx512vnni" "avx512bf16" "avx512fp16");
    #[cfg(target_arch = "aarch64")]
    let all = detected!(is_aarch64_feature_detected:
        "neon" "fp16" "dotprod" "bf16" "i8mm" "sve" "sve2");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let all: [(&str, bool); 0] = [];

    all.iter().filter(|(_, there)| *there).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A machine with this name, for tests that need several.
    pub(crate) fn named(processor: &str) -> Machine {
        let mut machine = Machine {
            fingerprint: String::new(),
            host: "host".to_owned(),
            system: "linux x86_64".to_owned(),
            processor: processor.to_owned(),
            features: vec!["avx2".to_owned(), "fma".to_owned()],
            cores: 2,
            caches: vec!["L1 Data 48K".to_owned()],
        };
        machine.fingerprint = machine.fingerprint_of();
        machine
    }

    #[test]
    fn this_machine_equals_itself() {
        let (one, two) = (Machine::this(), Machine::this());
        assert_eq!(one, two);
        assert_eq!(one.fingerprint.len(), 16);
        assert!(one.cores > 0);
    }

    #[test]
    fn the_fingerprint_follows_hardware_and_not_the_host() {
        let one = named("one");
        let renamed = Machine { host: "other".to_owned(), ..one.clone() };
        assert_eq!(one.fingerprint, renamed.fingerprint_of());

        let more_cores = Machine { cores: 4, ..one.clone() };
        assert_ne!(one.fingerprint, more_cores.fingerprint_of());
        assert_eq!(one.differences(&more_cores), ["cores: 2 / 4"]);
        assert_ne!(one.fingerprint, named("two").fingerprint);
    }

    #[test]
    fn processors_of_both_kinds_get_a_description() {
        let x86 = "processor : 0\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Xeon\nstepping : 8\n\nprocessor : 1\nmodel name : other\n";
        assert_eq!(from_cpuinfo(x86), "Xeon (family 6, model 143, stepping 8)");
        let arm = "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n";
        assert_eq!(from_cpuinfo(arm), "implementer 0x41, part 0xd0c");
        assert_eq!(from_cpuinfo(""), "unknown");
    }
}
