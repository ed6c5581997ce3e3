//! The readers under arbitrary input: what was written is read, and nothing panics.

use mi_cli::table::{ReadOptions, Table, TableError, open};
use proptest::prelude::*;

use crate::folder::Folder;

fn read(bytes: &[u8]) -> Result<Table, TableError> {
    let folder = Folder::with("t", bytes);
    let source = open(folder.path("t").to_str().unwrap(), &ReadOptions::default())?;
    let all: Vec<usize> = (0..source.names().len()).collect();
    source.load(&all, &[])
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
}
