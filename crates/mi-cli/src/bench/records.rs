use std::fs::{OpenOptions, create_dir_all};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::accuracy::{Benchmark, Score};
use crate::error::CliError;

/// When and where something was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// UTC, `2026-02-28T235959Z`: a file name on every system, since it has no colon.
    pub date: String,
    /// Operating system and processor family.
    pub system: String,
}

impl Stamp {
    /// Here and now.
    pub fn now() -> Self {
        // A clock before 1970 is broken; records are kept apart by their suffix all the same.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        Self { date: utc(since.as_secs()), system }
    }
}

/// A moment as text, from seconds since 1970. Days are counted off year by year and month by
/// month: a few dozen steps, and nothing to get wrong.
fn utc(seconds: u64) -> String {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut days) = (1970, seconds / 86_400);
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}{minute:02}{second:02}Z", days + 1)
}

/// Writes every estimate as a row of a new CSV file in `folder`; nothing is ever overwritten.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn write_records(
    folder: &Path,
    stamp: &Stamp,
    rows: usize,
    benchmarks: &[Benchmark],
    scores: &[Vec<Score>],
) -> Result<PathBuf, CliError> {
    let failed = |to: &Path| {
        let to = to.display().to_string();
        move |source| CliError::Write { to, source }
    };
    create_dir_all(folder).map_err(failed(folder))?;
    let mut text = String::from(
        "date,system,version,benchmark,columns_x,columns_y,rows,seed,method,true_nats,nats\n",
    );
    for (benchmark, scores) in benchmarks.iter().zip(scores) {
        let (dim_x, dim_y) = benchmark.dims();
        for score in scores {
            for (seed, value) in score.values.iter().enumerate() {
                let cells = [
                    stamp.date.clone(),
                    stamp.system.clone(),
                    env!("CARGO_PKG_VERSION").into(),
                    benchmark.id.clone(),
                    dim_x.to_string(),
                    dim_y.to_string(),
                    rows.to_string(),
                    seed.to_string(),
                    score.method.name().into(),
                    benchmark.mutual_information().to_string(),
                    // A method that failed leaves an empty cell.
                    value.map_or_else(String::new, |value| value.to_string()),
                ];
                text.push_str(&cells.join(","));
                text.push('\n');
            }
        }
    }
    let mut suffix = u64::from(std::process::id());
    loop {
        let path = folder.join(format!("{}-{suffix:x}.csv", stamp.date));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).map_err(failed(&path))?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => suffix += 1,
            Err(error) => return Err(failed(&path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::benchmarks;
    use mi_estimators::Method;

    #[test]
    fn known_moments() {
        assert_eq!(utc(0), "1970-01-01T000000Z");
        assert_eq!(utc(951_782_400), "2000-02-29T000000Z");
        assert_eq!(utc(951_868_800), "2000-03-01T000000Z");
        assert_eq!(utc(1_735_689_599), "2024-12-31T235959Z");
        assert_eq!(utc(4_107_542_400), "2100-03-01T000000Z");
    }

    #[test]
    fn records_are_rows_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = Stamp { date: utc(0), system: "test".into() };
        let scores = vec![vec![Score { method: Method::Ksg1, values: vec![Some(0.5), None] }]];
        let some = &benchmarks()[..1];
        let write = || write_records(folder.path(), &stamp, 10, some, &scores).unwrap();
        let (first, second) = (write(), write());
        assert_ne!(first, second);
        let text = std::fs::read_to_string(first).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].contains(",1v1-normal-0.75,1,1,10,0,ksg1,0.413") && lines[1].ends_with(",0.5")
        );
        assert!(lines[2].ends_with(','));
    }
}
