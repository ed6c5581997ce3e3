//! The memory that an estimate takes. In a separate process, since the memory of other tests would
//! count. Peak memory is read from /proc, so elsewhere there is nothing to check.
#![cfg(target_os = "linux")]

use mi_random::Stream;
use mi_samples::{Sample, Settings, mutual_information};

/// A table of all distances between 100,000 rows would have 80 GB.
#[test]
fn many_rows_of_five_columns_fit_in_little_memory() {
    let mut stream = Stream::new(0, "memory");
    let x = stream.normal_matrix((100_000, 5));
    let y = 0.6 * &x + 0.8 * stream.normal_matrix((100_000, 5));
    let sides = [x, y].map(|side| Sample::new(side.view(), &[], 0).unwrap());
    let settings =
        Settings { method: Some(mi_samples::Method::Ksg1), interval: false, ..Settings::default() };
    let found = mutual_information(&sides[0], &sides[1], &settings).unwrap();
    // 5 pairs of correlation 0.6 have 1.116 nats, some of which neighbours miss.
    assert!((0.8..1.2).contains(&found.value), "{}", found.value);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let peak: usize = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(peak < 200_000, "{peak} kB, of which the columns are 8,000");
}
