//! The memory that reading a table takes. In a separate process, since the memory of other tests
//! would count. Peak memory is read from /proc, so elsewhere there is nothing to check.
#![cfg(target_os = "linux")]

use std::fmt::Write;

#[test]
fn memory_stays_below_three_times_the_array() {
    let (rows, columns) = (300_000_usize, 10);
    let mut table = String::from("a,b,c,d,e,f,g,h,i,j\n");
    for row in 0..rows {
        for column in 0..columns {
            let sep = if column + 1 == columns { '\n' } else { ',' };
            write!(table, "{}{sep}", (row * 7919 + column * 104_729) % 1_000_003).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, &table).unwrap();
    let options = mi_cli::table::ReadOptions::default();
    let peak = |name: &str| -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    };
    drop(table);
    let before = peak("VmRSS");
    // Resets the peak to the current use.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let source = mi_cli::table::open(path.to_str().unwrap(), &options).unwrap();
    let all: Vec<usize> = (0..columns).collect();
    let table = source.load(&all, &[]).unwrap();
    let used = peak("VmHWM").saturating_sub(before);
    assert_eq!(table.rows, rows);
    let array = rows * columns * 8;
    assert!(used < 3 * array, "{used} bytes for an array of {array}");
}
