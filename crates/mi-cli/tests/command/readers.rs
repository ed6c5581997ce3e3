//! The readers on arbitrary input: values that were written are read back, and nothing panics.

use std::io::{Cursor, Write};

use mi_cli::table::{DateOrder, ReadOptions, Spellings, Table, TableError, open};
use mi_samples::Declared;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::folder::Folder;

fn read(bytes: &[u8]) -> Result<Table, TableError> {
    let folder = Folder::with("t", bytes);
    let source = open(folder.path("t").to_str().unwrap(), &ReadOptions::default())?;
    let all: Vec<usize> = (0..source.names().len()).collect();
    source.load(&all, &[])
}

/// Every way of reading: as given, every column declared discrete, odd cells reported, and all
/// spellings of numbers enabled. The result has as many values as rows, and labels for all of them.
pub(crate) fn read_in_every_way(bytes: &[u8]) {
    let folder = Folder::with("t", bytes);
    for (report_odd, every_spelling, declared) in [
        (false, false, Declared::Auto),
        (false, false, Declared::Discrete),
        (true, false, Declared::Auto),
        (true, true, Declared::Auto),
    ] {
        let mut options = ReadOptions { report_odd, ..ReadOptions::default() };
        if every_spelling {
            options.text.cells.spellings = Spellings {
                percent: true,
                currency: true,
                fortran: true,
                dates: Some(DateOrder::DayFirst),
            };
        }
        let Ok(source) = open(folder.path("t"), &options) else { continue };
        let all: Vec<usize> = (0..source.names().len()).collect();
        let Ok(table) = source.load(&all, &vec![declared; all.len()]) else { continue };
        for column in &table.columns {
            assert_eq!(column.values.len(), table.rows);
            let missing = column.values.iter().filter(|value| value.is_nan()).count();
            assert_eq!(column.missing, missing);
            if let Some(labels) = &column.labels {
                let known = |value: &f64| value.is_nan() || labels.get(*value as usize).is_some();
                assert!(column.values.iter().all(known));
            }
        }
    }
}

/// An NPZ archive of one array of whole numbers.
fn archive(method: CompressionMethod) -> Vec<u8> {
    let text = "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 2), }         \n";
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    array.extend((text.len() as u16).to_le_bytes());
    array.extend(text.bytes());
    array.extend([1_i64, i64::MAX, i64::MIN, 1 << 53].map(i64::to_le_bytes).concat());
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    archive.start_file("x.npy", options).unwrap();
    archive.write_all(&array).unwrap();
    archive.finish().unwrap().into_inner()
}

fn numbers() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let finite = any::<f64>().prop_filter("finite", |v| v.is_finite());
    (2..5_usize, 1..20_usize).prop_flat_map(move |(columns, rows)| {
        prop::collection::vec(prop::collection::vec(finite.clone(), columns), rows)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn numbers_are_read_bit_for_bit(
        rows in numbers(),
        delimiter in prop::sample::select(vec![",", ";", "\t", "|"]),
        ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        quoted in any::<bool>(),
    ) {
        let names: Vec<String> = (0..rows[0].len()).map(|i| format!("n{i}")).collect();
        let mut lines = vec![names.join(delimiter)];
        for row in &rows {
            let cell = |v: &f64| if quoted { format!("\"{v}\"") } else { format!("{v}") };
            lines.push(row.iter().map(cell).collect::<Vec<_>>().join(delimiter));
        }
        let table = read(lines.join(ending).as_bytes()).unwrap();
        prop_assert_eq!(table.rows, rows.len());
        for (j, column) in table.columns.iter().enumerate() {
            for (value, row) in column.values.iter().zip(&rows) {
                prop_assert_eq!(value.to_bits(), row[j].to_bits());
            }
        }
    }

    #[test]
    fn text_of_any_kind_is_read_or_refused(text in "[-a0-9,;.\"\r\n\t \u{e9}?N]{0,200}") {
        if let Ok(table) = read(text.as_bytes()) {
            prop_assert!(table.columns.iter().all(|column| column.values.len() == table.rows));
        }
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        start in prop::sample::select(vec![
            b"".as_slice(), b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xff\xfe",
        ]),
    ) {
        let _ = read(&[start, &bytes].concat());
    }

    #[test]
    fn a_damaged_array_header_is_read_or_refused(at in 0..80_usize, byte in any::<u8>()) {
        let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }         \n";
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((text.len() as u16).to_le_bytes());
        file.extend(text.bytes());
        file.extend([1.5_f64, 2.5].map(f64::to_le_bytes).concat());
        file[at] = byte;
        if let Ok(table) = read(&file) {
            prop_assert!(table.columns.iter().all(|column| column.values.len() == table.rows));
        }
    }

    #[test]
    fn a_damaged_archive_is_read_or_refused(
        deflated in any::<bool>(),
        cut in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let method =
            if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let mut bytes = archive(method);
        if cut.index(3) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, value) in damage {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
        }
        read_in_every_way(&bytes);
    }

    #[test]
    fn cells_of_any_kind_are_read_or_refused_in_every_way(
        cells in prop::collection::vec(
            prop::sample::select(vec![
                "1", "01", "-0.0", "1.10", "1e3", "9007199254740993", "NA", "none", "", "inf", "1e999",
                "12 34", "2,5", "12%", "$1", "\u{20ac}2", "3.0D-6", "2024-01-02", "1/2/2024", "12:30",
                "a", "\u{e9}", "\"", "sep=;", "\u{0}", "\u{1b}[2J",
            ]),
            1..40,
        ),
        columns in 1..4_usize,
        start in prop::sample::select(vec!["", "sep=;\n", "\u{feff}", "x;y\n", "\n\n"]),
    ) {
        let rows: Vec<String> = cells.chunks(columns).map(|row| row.join(";")).collect();
        read_in_every_way(format!("{start}{}", rows.join("\n")).as_bytes());
    }

    #[test]
    fn labels_are_read_as_they_are_written(
        labels in prop::collection::vec("[0-9][0-9.e]{0,6}", 2..40),
    ) {
        let folder = Folder::with("t", format!("x,y\n{},1\n", labels.join(",1\n")));
        let source = open(folder.path("t"), &ReadOptions::default()).unwrap();
        let table = source.load(&[0], &[Declared::Discrete]).unwrap();
        let read = table.columns[0].labels.as_ref().unwrap();
        let back: Vec<&String> =
            table.columns[0].values.iter().map(|value| &read[*value as usize]).collect();
        prop_assert_eq!(back, labels.iter().collect::<Vec<_>>());
    }
}
