//! Dated records of measurements: one JSON file per run, written once, never changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::yardstick::Yardstick;
use crate::files::write_whole;
use crate::terminal::say;
use crate::workspace::{Workspace, output};

/// The format of the files; a change of meaning gets a new number.
pub(crate) const SCHEMA: &str = "mi-bench-record/1";

/// The quantity that a record measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Wall time of one iteration, by criterion.
    Time,
    /// Instructions of one iteration, by callgrind.
    Instructions,
}

/// One run of `cargo xtask bench`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) schema: String,
    pub(crate) kind: Kind,
    /// UTC, to the second.
    pub(crate) date: String,
    /// Measured with `--quick`: a smoke run, compared only with other smoke runs.
    pub(crate) quick: bool,
    /// The filter of the run, if it had one.
    pub(crate) filter: Option<String>,
    pub(crate) machine: Machine,
    pub(crate) commit: Commit,
    pub(crate) toolchain: String,
    /// `RAYON_NUM_THREADS` of the run, if it was set.
    pub(crate) threads: Option<String>,
    /// Unit of `value`, `low` and `high`.
    pub(crate) unit: String,
    /// What `value` is.
    pub(crate) statistic: String,
    /// What `low` and `high` are.
    pub(crate) interval: String,
    /// The machine's peak rates, measured in the same run.
    pub(crate) yardstick: Yardstick,
    pub(crate) results: Vec<Measurement>,
}

/// The code that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub(crate) hash: String,
    /// Files outside `bench-results/` differed from the commit.
    pub(crate) dirty: bool,
}

/// One benchmark of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// `package/target/criterion's full id`.
    pub(crate) id: String,
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rates: Vec<Rate>,
}

/// Work per second, and its share of the yardstick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rate {
    pub(crate) unit: RateUnit,
    pub(crate) value: f64,
    /// Share of the best rate of one core; above 1 if several cores worked.
    pub(crate) share_of_one_core: Option<f64>,
    /// Share of the best rate of all cores together.
    pub(crate) share_of_machine: Option<f64>,
}

/// Arithmetic or memory traffic; the yardsticks are single-precision products and the triad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RateUnit {
    #[serde(rename = "GFLOP/s")]
    GigaflopPerSecond,
    #[serde(rename = "GB/s")]
    GigabytePerSecond,
}

impl RateUnit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GigaflopPerSecond => "GFLOP/s",
            Self::GigabytePerSecond => "GB/s",
        }
    }
}

impl Record {
    /// A record for this moment, machine, commit and toolchain, with no results yet.
    pub(crate) fn now(workspace: &Workspace, kind: Kind, quick: bool) -> Self {
        let (unit, statistic, interval) = match kind {
            Kind::Time => (
                "ns",
                "median over criterion's samples of the wall time of one iteration",
                "95 % bootstrap percentile interval of the median",
            ),
            Kind::Instructions => (
                "instructions",
                "callgrind's count for one iteration: the difference of two runs, divided",
                "none: the count is exact",
            ),
        };
        Self {
            schema: SCHEMA.to_owned(),
            kind,
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            quick,
            filter: None,
            machine: Machine::this(),
            commit: Commit::of(workspace),
            toolchain: toolchain(),
            threads: std::env::var("RAYON_NUM_THREADS").ok(),
            unit: unit.to_owned(),
            statistic: statistic.to_owned(),
            interval: interval.to_owned(),
            yardstick: Yardstick::default(),
            results: Vec::new(),
        }
    }

    /// Why two records cannot be compared; empty if they can.
    pub(crate) fn obstacles(&self, other: &Self) -> Vec<String> {
        let mut obstacles = self.machine.differences(&other.machine);
        if self.kind != other.kind {
            obstacles.push(format!("unit: {} / {}", self.unit, other.unit));
        }
        if self.quick != other.quick {
            obstacles.push(format!("--quick: {} / {}", self.quick, other.quick));
        }
        if self.threads != other.threads {
            let shown = |threads: &Option<String>| threads.clone().unwrap_or("not set".into());
            let (mine, theirs) = (shown(&self.threads), shown(&other.threads));
            obstacles.push(format!("RAYON_NUM_THREADS: {mine} / {theirs}"));
        }
        obstacles
    }

    /// The name of the values in a table.
    pub(crate) fn unit_name(&self) -> &'static str {
        match self.kind {
            Kind::Time => "median",
            Kind::Instructions => "instructions",
        }
    }

    /// Date, commit and machine in a few words.
    pub(crate) fn title(&self) -> String {
        let dirty = if self.commit.dirty { "+dirty" } else { "" };
        let commit = short(&self.commit.hash);
        let machine = short(&self.machine.fingerprint);
        format!("{} commit {commit}{dirty} machine {machine}", self.date)
    }

    /// Writes a new file below `folder` and returns its path. Nothing is ever overwritten.
    pub(crate) fn append(&self, folder: &Path) -> Result<PathBuf> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let stem = self.date.replace(':', "");
        let (machine, commit) = (short(&self.machine.fingerprint), short(&self.commit.hash));
        let mut suffix = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
        loop {
            // Nanoseconds may repeat on coarse clocks, so the process id and a mixing step are
            // added.
            suffix = (suffix ^ u64::from(std::process::id())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let name = format!("{stem}-{machine}-{commit}-{:06x}.json", suffix >> 40);
            let path = folder.join(name);
            if !path.exists() {
                write_whole(&path, &text)?;
                return Ok(path);
            }
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Form {
            schema: String,
        }

        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let not_a_record = || format!("{} is not a record of form {SCHEMA}", path.display());
        let form: Form = serde_json::from_str(&text).with_context(not_a_record)?;
        if form.schema != SCHEMA {
            bail!("{} (it says {})", not_a_record(), form.schema);
        }
        let record: Self = serde_json::from_str(&text).with_context(not_a_record)?;
        for Measurement { id, value, low, high, .. } in &record.results {
            ensure!(
                0.0 < *low && low <= value && value <= high && high.is_finite(),
                "{}: {id} is {value} in [{low}, {high}]",
                path.display()
            );
        }
        Ok(record)
    }

    /// All records of a folder, oldest first; empty if there is no such folder. Those that cannot
    /// be read are left out with a warning.
    pub(crate) fn read_all(folder: &Path) -> Result<Vec<(PathBuf, Self)>> {
        let mut records = Vec::new();
        if !folder.is_dir() {
            return Ok(records);
        }
        for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
            let path = entry.with_context(|| format!("{}", folder.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                match Self::read(&path) {
                    Ok(record) => records.push((path, record)),
                    // One truncated or edited record must not hide the others.
                    Err(error) => say(format_args!(
                        "warning: {error:#}; it is left out: restore or delete it"
                    )),
                }
            }
        }
        records.sort_by(|(a_path, a), (b_path, b)| (&a.date, a_path).cmp(&(&b.date, b_path)));
        Ok(records)
    }
}

impl Commit {
    /// HEAD, or `unknown` outside a git checkout (an unpacked archive can be measured too).
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let unknown = |_| "unknown".to_owned();
        let hash = workspace.git(&["rev-parse", "HEAD"]).unwrap_or_else(unknown);
        // Records do not change measured code.
        let status = ["status", "--porcelain", "--", ".", ":(exclude)bench-results"];
        let dirty = workspace.git(&status).is_ok_and(|changes| !changes.is_empty());
        Self { hash, dirty }
    }
}

/// Eight characters are enough to distinguish commits and machines in names and tables.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

/// The compiler's version and target.
pub(crate) fn toolchain() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let mut command = Command::new(rustc);
    command.arg("-vV");
    let Ok(text) = output(command) else { return "unknown".to_owned() };
    let version = text.lines().next().unwrap_or("unknown");
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or("");
    format!("{version} {host}").trim_end().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::machine;
    use super::*;

    /// A record for one machine and commit with these (id, value, half width of the interval).
    pub(crate) fn record(processor: &str, date: &str, results: &[(&str, f64, f64)]) -> Record {
        Record {
            schema: SCHEMA.to_owned(),
            kind: Kind::Time,
            date: date.to_owned(),
            quick: false,
            filter: None,
            machine: machine::tests::named(processor),
            commit: Commit { hash: "0123456789abcdef".to_owned(), dirty: false },
            toolchain: "rustc".to_owned(),
            threads: None,
            unit: "ns".to_owned(),
            statistic: "median".to_owned(),
            interval: "95 %".to_owned(),
            yardstick: Yardstick::default(),
            results: results
                .iter()
                .map(|&(id, value, half)| Measurement {
                    id: id.to_owned(),
                    value,
                    low: value - half,
                    high: value + half,
                    rates: Vec::new(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut written = record("one", "2026-02-03T04:05:06Z", &[("p/t/a", 3.25, 0.125)]);
        written.filter = Some("a".to_owned());
        written.results[0].rates.push(Rate {
            unit: RateUnit::GigaflopPerSecond,
            value: 12.5,
            share_of_one_core: Some(0.5),
            share_of_machine: None,
        });
        let path = written.append(folder.path()).unwrap();
        assert_eq!(Record::read(&path).unwrap(), written);
    }

    #[test]
    fn names_are_dated_unique_and_without_colon() {
        let folder = tempfile::tempdir().unwrap();
        let one = record("one", "2026-02-03T04:05:06Z", &[]);
        let mut names: Vec<_> = (0..50)
            .map(|_| one.append(folder.path()).unwrap())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        let start = format!(
            "2026-02-03T040506Z-{}-01234567-",
            &machine::tests::named("one").fingerprint[..8]
        );
        assert!(names.iter().all(|name| name.starts_with(&start) && !name.contains(':')));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 50);
        assert_eq!(Record::read_all(folder.path()).unwrap().len(), 50);
    }

    #[test]
    fn records_are_ordered_by_date() {
        let folder = tempfile::tempdir().unwrap();
        for date in ["2026-02-03T04:05:06Z", "2025-12-31T23:59:59Z", "2026-02-03T04:05:05Z"] {
            record("one", date, &[]).append(folder.path()).unwrap();
        }
        let records = Record::read_all(folder.path()).unwrap();
        let dates: Vec<_> = records.iter().map(|(_, record)| record.date.as_str()).collect();
        assert_eq!(dates, ["2025-12-31T23:59:59Z", "2026-02-03T04:05:05Z", "2026-02-03T04:05:06Z"]);
        assert_eq!(Record::read_all(&folder.path().join("none")).unwrap(), []);
    }

    #[test]
    fn a_torn_record_does_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let whole = record("one", "2026-02-03T04:05:06Z", &[("p/t/a", 3.0, 1.0)]);
        let path = whole.append(folder.path()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(folder.path().join("torn.json"), &text[..text.len() / 2]).unwrap();
        fs::write(folder.path().join("empty.json"), "").unwrap();
        assert_eq!(Record::read_all(folder.path()).unwrap(), [(path, whole)]);
    }

    #[test]
    fn foreign_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.json");
        let mut impossible = record("one", "2026-02-03T04:05:06Z", &[("p/t/a", 3.0, 1.0)]);
        impossible.results[0].low = 4.0;
        for (text, named) in [
            ("no JSON", "form mi-bench-record/1"),
            ("{\"schema\": \"mi-bench-record/9\"}", "it says mi-bench-record/9"),
            ("{\"schema\": \"mi-bench-record/1\"}", "missing field"),
            (&serde_json::to_string(&impossible).unwrap(), "p/t/a is 3 in [4, 4]"),
        ] {
            fs::write(&path, text).unwrap();
            let message = format!("{:#}", Record::read(&path).unwrap_err());
            assert!(message.contains("other.json") && message.contains(named), "{message}");
        }
    }

    #[test]
    fn what_forbids_a_comparison_is_named() {
        let one = record("one", "2026-02-03T04:05:06Z", &[]);
        assert_eq!(one.obstacles(&record("one", "2026-03-03T04:05:06Z", &[])), [""; 0]);
        let mut other = record("two", "2026-02-03T04:05:06Z", &[]);
        other.quick = true;
        other.threads = Some("1".to_owned());
        assert_eq!(
            one.obstacles(&other),
            ["processor: one / two", "--quick: false / true", "RAYON_NUM_THREADS: not set / 1"]
        );
    }
}
