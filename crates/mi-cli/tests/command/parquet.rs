//! Parquet files, if the feature is enabled.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::folder::Folder;
use crate::readers::read_in_every_way;

/// A file of two row groups with a column of every kind that is read.
fn write(path: &Path) {
    let schema = "message t {
        required double x; optional float y; required int32 cents (DECIMAL(9,2));
        required int64 big (UINT_64); required boolean yes; optional binary town (UTF8);
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(
        WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build(),
    );
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
    for group in 0..2 {
        let mut rows = writer.next_row_group().unwrap();
        let base = f64::from(group);
        macro_rules! column {
            ($kind:ty, $values:expr, $levels:expr) => {{
                let mut column = rows.next_column().unwrap().unwrap();
                column.typed::<$kind>().write_batch($values, $levels, None).unwrap();
                column.close().unwrap();
            }};
        }
        column!(DoubleType, &[base + 0.5, base + 1.5], None);
        column!(FloatType, &[2.5], Some(&[0, 1]));
        column!(Int32Type, &[150, 275], None);
        column!(Int64Type, &[-1, 7], None);
        column!(BoolType, &[true, false], None);
        column!(ByteArrayType, &[ByteArray::from("Bern")], Some(&[1, 0]));
        rows.close().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn numbers_booleans_and_text_are_read_and_nulls_are_missing() {
    let folder = Folder::new();
    write(&folder.path("t.parquet"));
    let json = folder.run(&["columns", "t.parquet", "--json"]).json();
    assert_eq!(json["rows"], 4);
    let column = |i: usize| {
        let c = &json["columns"][i];
        (c["min"].as_f64(), c["max"].as_f64(), c["missing"].as_u64())
    };
    assert_eq!(column(0), (Some(0.5), Some(2.5), Some(0)));
    assert_eq!(column(1), (Some(2.5), Some(2.5), Some(2)));
    assert_eq!(column(2), (Some(1.5), Some(2.75), Some(0)));
    // A few integers that are not exact doubles: labels, each as in the file.
    assert_eq!(column(3), (None, None, Some(0)));
    let big = serde_json::json!(["7", u64::MAX.to_string()]);
    assert_eq!(json["columns"][3]["labels"], big);
    assert_eq!(column(4), (Some(0.0), Some(1.0), Some(0)));
    assert_eq!(column(5), (None, None, Some(2)));
    assert_eq!(json["columns"][5]["labels"], serde_json::json!(["Bern"]));
    let bytes = std::fs::read(folder.path("t.parquet")).unwrap();
    let piped = folder.pipe(&bytes, &["columns", "-", "--json"]).json();
    assert_eq!(piped["columns"], json["columns"]);
    folder.write("cut.parquet", &bytes[..bytes.len() - 9]);
    folder.run(&["columns", "cut.parquet"]).refused(1, &["cut.parquet: not readable"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_files_are_read_or_refused(
        damage in prop::collection::vec((any::<Index>(), any::<u8>(), 1..9_usize), 1..5),
        near_the_end in any::<bool>(),
        cut in prop::option::weighted(0.1, any::<Index>()),
    ) {
        static GOOD: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut bytes = GOOD.get_or_init(|| {
            let folder = Folder::new();
            write(&folder.path("t.parquet"));
            std::fs::read(folder.path("t.parquet")).unwrap()
        }).clone();
        // Most errors are in the footer.
        let first = if near_the_end { bytes.len() * 2 / 3 } else { 4 };
        for (at, value, length) in damage {
            let at = first + at.index(bytes.len() - first);
            let end = bytes.len().min(at + length);
            match value % 3 {
                0 => drop(bytes.splice(at..end, [])),
                _ => bytes[at] = value,
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(4 + cut.index(bytes.len() - 4));
        }
        read_in_every_way(&bytes);
    }
}

#[test]
fn a_table_pasted_twice_is_seen_whatever_columns_are_asked_for() {
    // Row labels of pandas, which continue in the second copy, are not part of the rows.
    let schema = "message t {
        required double x; required double y; required double z; required binary town (UTF8);
        required int64 __index_level_0__;
    }";
    let rows = 60_i64;
    let number = |i: i64, factor: f64| ((i % 30) as f64 * factor + 0.1).sin();
    let folder = Folder::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let file = File::create(folder.path("t.parquet")).unwrap();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for factor in [0.37, 1.91, 2.3] {
        let values: Vec<f64> = (0..rows).map(|i| number(i, factor)).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    let towns: Vec<ByteArray> =
        (0..rows).map(|i| if i % 30 < 9 { "Bern" } else { "Chur" }.into()).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&towns, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let labels: Vec<i64> = (100..100 + rows).collect();
    column.typed::<Int64Type>().write_batch(&labels, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let run = folder.run(&["estimate", "t.parquet", "--x", "x", "--y", "town"]);
    run.said(&["nearly every row of the table occurs 2 times"]);
    let json = folder.run(&["rank", "t.parquet", "--target", "town", "--json"]).json();
    let ranked: Vec<&str> =
        json["columns"].as_array().unwrap().iter().map(|c| c["column"].as_str().unwrap()).collect();
    assert_eq!(ranked.len(), 3, "{ranked:?}");
    let notes = json["notes"].to_string();
    assert!(notes.contains("`__index_level_0__` is left out"), "{notes}");
}
