//! Estimates as lines of a CSV file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{BenchMethod, Benchmark, benchmarks};
use crate::error::CliError;

/// What all estimates of a file share. Files of the same setup differ only in which estimates were
/// requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Operating system and processor family.
    pub system: String,
    /// The program's version, and the start of its own SHA-256, since another build may give other
    /// estimates.
    pub version: String,
    /// Rows of each sample.
    pub rows: usize,
    /// Nearest neighbours; the methods' own if absent.
    pub neighbours: Option<usize>,
}

impl Setup {
    /// Samples of this many rows, measured here by this program.
    pub fn here(rows: usize, neighbours: Option<usize>) -> Self {
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        let version = env!("CARGO_PKG_VERSION");
        let program = std::env::current_exe().and_then(std::fs::read);
        let version = match program {
            Ok(program) => format!("{version}+{}", start_of_hash(&program, 4)),
            // If the program cannot read itself, only its version identifies it.
            Err(_) => version.to_owned(),
        };
        Self { system, version, rows, neighbours }
    }
}

/// Identifies an estimate: indices into [`benchmarks`] and [`BenchMethod::all`], and the sample's
/// seed. Keys sort in the order of the lines of a finished file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The distribution's index in [`benchmarks`].
    pub benchmark: usize,
    /// The estimator's index in [`BenchMethod::all`].
    pub method: usize,
    /// The seed of the sample.
    pub seed: u64,
}

/// The result of an estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchEstimate {
    /// The resolved estimator, such as `ksg1 k=3` for `auto`; empty if none takes these columns.
    pub estimator: String,
    /// The estimate in nats; absent if the estimator failed.
    pub nats: Option<f64>,
}

/// Estimates by key.
pub type Estimates = BTreeMap<Key, BenchEstimate>;

/// The first line of a file.
pub(super) const HEADER: &str = "system,version,rows,k,benchmark,columns_x,columns_y,seed,method,estimator,true_nats,nats,\
     checksum\n";

/// Turns estimates into lines and back.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    benchmarks: Vec<Benchmark>,
    methods: Vec<String>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            benchmarks: benchmarks(),
            methods: BenchMethod::all().iter().map(BenchMethod::name).collect(),
        }
    }

    /// One line, with its line end.
    pub(super) fn line(&self, setup: &Setup, key: Key, made: &BenchEstimate) -> String {
        let benchmark = &self.benchmarks[key.benchmark];
        let (dim_x, dim_y) = benchmark.dims();
        let empty = |number: Option<String>| number.unwrap_or_default();
        let cells = [
            setup.system.clone(),
            setup.version.clone(),
            setup.rows.to_string(),
            empty(setup.neighbours.map(|k| k.to_string())),
            benchmark.id.clone(),
            dim_x.to_string(),
            dim_y.to_string(),
            key.seed.to_string(),
            self.methods[key.method].clone(),
            made.estimator.clone(),
            benchmark.mutual_information().to_string(),
            empty(made.nats.map(|nats| nats.to_string())),
        ];
        let cells = cells.join(",");
        let checksum = checksum(&cells);
        format!("{cells},{checksum}\n")
    }

    /// A description of an estimate.
    pub(super) fn name(&self, key: Key) -> String {
        let (benchmark, method) = (&self.benchmarks[key.benchmark].id, &self.methods[key.method]);
        format!("{benchmark}, {method}, seed {}", key.seed)
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// Lines that are not estimates, or were changed after they were written; an estimate that
    /// occurs twice with different values.
    pub(super) fn read(&self, text: &str, file: &str) -> Result<Recorded, CliError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mend =
            "delete the line; the same `mi bench --records` command then makes its estimate again";
        let wrong = |line: u64, what: String| {
            CliError::Data(format!("{file}, line {line}: {what}; {mend}"))
        };
        let headers = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
        let place = |name: &str| headers.iter().position(|header| header == name);
        let needed = |name: &str| {
            place(name).ok_or_else(|| {
                CliError::Data(format!(
                    "{file} is not a record of `mi bench`: it has no column `{name}`; choose another \
                     file"
                ))
            })
        };
        let [rows, benchmark, seed, method, nats, system, version] =
            ["rows", "benchmark", "seed", "method", "nats", "system", "version"].map(needed);
        let (rows, benchmark, seed, method) = (rows?, benchmark?, seed?, method?);
        let (nats, system, version) = (nats?, system?, version?);
        // Records of 0.1.0 before these columns were kept.
        let (k, estimator, seal) = (place("k"), place("estimator"), place("checksum"));
        let (mut setups, mut estimates) = (Vec::new(), Estimates::new());
        for record in reader.records() {
            let record = record.map_err(|error| {
                wrong(error.position().map_or(0, csv::Position::line), "it is damaged".into())
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            if let Some(seal) = seal {
                let cells: Vec<&str> = (0..record.len())
                    .filter(|&place| place != seal)
                    .map(|place| &record[place])
                    .collect();
                if checksum(&cells.join(",")) != record[seal] {
                    let what = "its checksum differs: it was changed after it was written";
                    return Err(wrong(line, what.into()));
                }
            }
            let number = |place: usize| {
                let cell = &record[place];
                let bad = || wrong(line, format!("`{cell}` is not a whole number"));
                cell.parse::<u64>().map_err(|_| bad())
            };
            let setup = Setup {
                system: record[system].to_owned(),
                version: record[version].to_owned(),
                rows: number(rows)? as usize,
                neighbours: match k.filter(|&k| !record[k].is_empty()) {
                    Some(k) => Some(number(k)? as usize),
                    None => None,
                },
            };
            if !setups.contains(&setup) {
                setups.push(setup);
            }
            let unknown = |what: &str, name: &str| {
                wrong(line, format!("`{name}` is not a {what} of this version"))
            };
            let key = Key {
                benchmark: self
                    .benchmarks
                    .iter()
                    .position(|known| known.id == record[benchmark])
                    .ok_or_else(|| unknown("distribution", &record[benchmark]))?,
                method: self
                    .methods
                    .iter()
                    .position(|known| *known == record[method])
                    .ok_or_else(|| unknown("method", &record[method]))?,
                seed: number(seed)?,
            };
            let value = match &record[nats] {
                "" => None,
                cell => {
                    let value = cell.parse::<f64>().ok().filter(|value| value.is_finite());
                    Some(value.ok_or_else(|| wrong(line, format!("`{cell}` is not an estimate")))?)
                }
            };
            let estimator = estimator.map_or("", |place| &record[place]).to_owned();
            let made = BenchEstimate { estimator, nats: value };
            if let Some(other) = estimates.insert(key, made.clone())
                && other != made
            {
                return Err(wrong(
                    line,
                    "an earlier line has another value for the same estimate".into(),
                ));
            }
        }
        Ok(Recorded { setups, estimates, is_sealed: seal.is_some() })
    }
}

/// What a file of estimates says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recorded {
    /// The setups of the estimates, each once.
    pub(super) setups: Vec<Setup>,
    pub(super) estimates: Estimates,
    /// Whether every line has a checksum. Files of earlier versions have none.
    pub(super) is_sealed: bool,
}

/// The start of the SHA-256 of a line's other cells.
fn checksum(cells: &str) -> String {
    start_of_hash(cells.as_bytes(), 8)
}

/// The first bytes of a SHA-256, in hexadecimal.
fn start_of_hash(content: &[u8], bytes: usize) -> String {
    let hash = Sha256::digest(content);
    hash.iter().take(bytes).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup() -> Setup {
        let (system, version) = ("test".into(), "1".into());
        Setup { system, version, rows: 10, neighbours: Some(4) }
    }

    #[test]
    fn estimates_read_back_to_the_bit() {
        let lines = Lines::new();
        let key = |seed| Key { benchmark: 0, method: 1, seed };
        let made = |nats| BenchEstimate { estimator: "ksg1 k=4".into(), nats };
        let all: Estimates =
            [(key(0), made(Some(0.1 + 0.2))), (key(1), made(None))].into_iter().collect();
        let written: String =
            all.iter().map(|(&key, made)| lines.line(&setup(), key, made)).collect();
        assert!(written.contains(",1v1-normal-0.75,1,1,0,ksg1,ksg1 k=4,0.413"), "{written}");
        let read = lines.read(&format!("{HEADER}{written}"), "r.csv").unwrap();
        assert_eq!(read, Recorded { setups: vec![setup()], estimates: all, is_sealed: true });
    }

    #[test]
    fn damage_is_named_with_its_line_and_the_way_to_mend_it() {
        let lines = Lines::new();
        let good = |nats: f64| {
            let made = BenchEstimate { estimator: "ksg1 k=4".into(), nats: Some(nats) };
            lines.line(&setup(), Key { benchmark: 0, method: 1, seed: 0 }, &made)
        };
        let refused = |text: String, part: &str| {
            let error = lines.read(&text, "r.csv").unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("r.csv"), "{error}");
        };
        let with = |line: String| format!("{HEADER}{}{line}", good(0.5));
        // A line with a valid checksum.
        let sealed = |from: &str, to: &str| {
            let line = good(0.5);
            let (cells, _) = line.rsplit_once(',').unwrap();
            let cells = cells.replace(from, to);
            with(format!("{cells},{}\n", checksum(&cells)))
        };
        refused(with(good(0.25)), "line 3: an earlier line has another value");
        refused(sealed(",0.5", ",0.x"), "line 3: `0.x` is not an estimate; delete");
        refused(sealed(",ksg1,", ",magic,"), "`magic` is not a method");
        refused(sealed(",10,", ",ten,"), "`ten` is not a whole number");
        refused(with("1,2,3\n".into()), "line 3: it is damaged; delete the line");
        refused("a,b\n1,2\n".into(), "not a record of `mi bench`: it has no column `rows`");
    }
    #[test]
    fn no_changed_character_passes() {
        let lines = Lines::new();
        let made = BenchEstimate { estimator: "ksg1 k=4".into(), nats: Some(0.1 + 0.2) };
        let line = lines.line(&setup(), Key { benchmark: 0, method: 1, seed: 7 }, &made);
        for (place, character) in line.char_indices().filter(|(_, c)| *c != '\n') {
            let other = if character == '1' { "2" } else { "1" };
            let mut changed = line.clone();
            changed.replace_range(place..=place, other);
            let error = lines.read(&format!("{HEADER}{changed}"), "r.csv").unwrap_err().to_string();
            assert!(error.contains("line 2: "), "{changed}: {error}");
        }
        // Files of earlier versions have no checksum.
        let cut = |text: &str| text.rsplit_once(',').unwrap().0.to_owned() + "\n";
        let old = lines.read(&(cut(HEADER) + &cut(&line)), "r.csv").unwrap();
        assert!(!old.is_sealed && old.estimates.len() == 1);
    }
}
