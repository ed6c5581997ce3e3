//! NPY and NPZ arrays: each case gives its values or its message.

use std::io::{Cursor, Write};

use crate::folder::{Folder, Run};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An NPY file of version `version` whose header is padded to a multiple of `padding`.
fn npy_as(
    version: u8,
    padding: usize,
    descr: &str,
    fortran: bool,
    shape: &str,
    data: &[u8],
) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    let length_bytes = if version == 1 { 2 } else { 4 };
    while (8 + length_bytes + text.len() + 1) % padding != 0 {
        text.push(' ');
    }
    text.push('\n');
    let mut file = b"\x93NUMPY".to_vec();
    file.extend([version, 0]);
    file.extend(&(text.len() as u32).to_le_bytes()[..length_bytes]);
    file.extend(text.bytes());
    file.extend(data);
    file
}

fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    npy_as(1, 64, descr, fortran, shape, data)
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn columns(bytes: impl AsRef<[u8]>) -> Run {
    Folder::with("a.npy", bytes).run(&["columns", "a.npy", "--json"])
}

/// The ranges of the columns.
#[track_caller]
fn ranges(bytes: impl AsRef<[u8]>) -> Vec<(f64, f64)> {
    let json = columns(bytes).json();
    let range = |c: &serde_json::Value| (c["min"].as_f64().unwrap(), c["max"].as_f64().unwrap());
    json["columns"].as_array().unwrap().iter().map(range).collect()
}

#[test]
fn every_numeric_type_is_converted_and_said() {
    let integers =
        npy("'<i8'", false, "(2, 3)", &[0_i64, 1, 2, 3, 4, 5].map(i64::to_le_bytes).concat());
    assert_eq!(ranges(&integers), [(0.0, 3.0), (1.0, 4.0), (2.0, 5.0)]);
    columns(&integers).said(&["a.npy: int64 array of 2 rows, 3 columns, converted to float64"]);
    assert_eq!(ranges(npy("'|b1'", false, "(2,)", &[0, 1])), [(0.0, 1.0)]);
    assert_eq!(ranges(npy("'|u1'", false, "(2,)", &[7, 255])), [(7.0, 255.0)]);
    let half = npy("'<f2'", false, "(2,)", &[0x00, 0x3c, 0xff, 0x7b]);
    assert_eq!(ranges(&half), [(1.0, 65504.0)]);
    columns(&half).said(&["float16 array", "widened to float64"]);
    let single = npy("'<f4'", false, "(1, 2)", &[0.5_f32, -2.0].map(f32::to_le_bytes).concat());
    assert_eq!(ranges(single), [(0.5, 0.5), (-2.0, -2.0)]);
}

#[test]
fn large_whole_numbers_are_warned_of() {
    let data = [(1_i64 << 53) + 1, 5].map(i64::to_le_bytes).concat();
    columns(npy("'<i8'", false, "(2,)", &data)).said(&["1 whole number of 2^53 or more"]);
}

#[test]
fn memory_and_byte_order_do_not_matter() {
    let c = npy("'<f8'", false, "(2, 3)", &doubles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    let fortran = npy("'<f8'", true, "(2, 3)", &doubles(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    assert_eq!(columns(&c).json()["columns"], columns(&fortran).json()["columns"]);
    assert_eq!(ranges(&c), [(1.0, 4.0), (2.0, 5.0), (3.0, 6.0)]);
    let big = [1.0_f64, 1.5].map(f64::to_be_bytes).concat();
    assert_eq!(ranges(npy("'>f8'", false, "(2,)", &big)), [(1.0, 1.5)]);
}

#[test]
fn pickles_and_structures_are_refused_by_name() {
    columns(npy("'|O'", false, "(2,)", b"\x80\x04."))
        .refused(1, &["a.npy: object arrays are not supported", "save a numeric array"]);
    columns(npy("[('a', '<f8'), ('b', '<f8')]", false, "(2,)", &[0; 32]))
        .refused(1, &["structured arrays are not supported", "fields a, b"]);
}

#[test]
fn every_header_version_and_padding_is_read() {
    for version in 1..=3 {
        for padding in [1, 16, 64] {
            let file = npy_as(version, padding, "'<f8'", false, "(2,)", &doubles(&[3.0, 4.0]));
            assert_eq!(ranges(file), [(3.0, 4.0)], "version {version}, padding {padding}");
        }
    }
    let odd = npy_as(4, 64, "'<f8'", false, "(2,)", &doubles(&[3.0, 4.0]));
    columns(odd).refused(1, &["NPY version 4 is not supported"]);
}

#[test]
fn headers_that_are_no_literals_get_one_line() {
    for shape in ["(2L, 3L)", "(np.int64(3),)"] {
        let run = columns(npy("'<f8'", false, shape, &[0; 48]));
        run.refused(1, &["its header is not readable; save the array again"]);
        assert_eq!(run.err.lines().count(), 1);
    }
}

#[test]
fn a_header_is_checked_against_the_length_before_anything_is_allocated() {
    let absurd = npy("'<f8'", false, "(100000000000, 3)", &[0; 24]);
    columns(absurd)
        .refused(1, &["promises 100000000000 x 3 numbers", "24 bytes follow", "truncated"]);
    let impossible = npy("'<f8'", false, "(18446744073709551615, 3)", &[]);
    columns(impossible).refused(1, &["impossible"]);
    columns(npy("'<f8'", false, "(2,)", &[0; 17])).refused(1, &["more than one array"]);
    columns(&npy("'<f8'", false, "(2,)", &[])[..40]).refused(1, &["ends inside its header"]);
    columns(npy("'<f8'", false, "(0, 3)", &[])).refused(1, &["the array is empty (0 x 3)"]);
}

#[test]
fn an_array_has_one_dimension_or_two() {
    assert_eq!(ranges(npy("'<f8'", false, "(3,)", &doubles(&[1.0, 2.0, 3.0]))), [(1.0, 3.0)]);
    columns(npy("'<f8'", false, "()", &[0; 8])).refused(1, &["shape ()"]);
    columns(npy("'<f8'", false, "(1, 2, 1)", &[0; 16])).refused(1, &["shape (1, 2, 1)"]);
}

#[test]
fn nan_is_missing_and_infinity_is_refused_with_its_row() {
    let json = columns(npy("'<f8'", false, "(3,)", &doubles(&[1.0, f64::NAN, 2.0]))).json();
    assert_eq!(json["columns"][0]["missing"], 1);
    let infinite = npy("'<f8'", false, "(2, 2)", &doubles(&[1.0, 2.0, 3.0, f64::INFINITY]));
    let run = columns(&infinite);
    run.said(&["a.npy, row 2, column `a_2`", "`inf` is not a finite number"]);
    assert_eq!(run.json()["columns"][1]["odd"], 1);
    Folder::with("a.npy", &infinite)
        .run(&["estimate", "a.npy", "--x", "1", "--y", "2"])
        .refused(1, &["a.npy, row 2, column `a_2`", "`inf` is not a finite number"]);
}

#[test]
fn arrays_come_through_a_pipe_too() {
    let file = npy("'<f8'", false, "(2,)", &doubles(&[3.0, 4.0]));
    let run = Folder::new().pipe(&file, &["columns", "-", "--json"]).json();
    assert_eq!(run["columns"][0]["name"], "x");
    assert_eq!(run["columns"][0]["max"], 4.0);
}

fn npz(method: CompressionMethod, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn archives_are_read_by_key() {
    let x = npy("'<f8'", false, "(2, 2)", &doubles(&[1.0, 2.0, 3.0, 4.0]));
    let y = npy("'<f8'", false, "(2,)", &doubles(&[5.0, 6.0]));
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let both = npz(method, &[("x.npy", x.clone()), ("y.npy", y.clone())]);
        let folder = Folder::with("f.npz", &both);
        folder.run(&["columns", "f.npz"]).refused(1, &["f.npz contains the arrays x, y", "--key"]);
        folder
            .run(&["columns", "f.npz", "--key", "z"])
            .refused(1, &["f.npz contains the arrays x, y", "there is no `z`"]);
        for key in ["y", "y.npy"] {
            let json = folder.run(&["columns", "f.npz", "--key", key, "--json"]).json();
            assert_eq!(
                (&json["columns"][0]["name"], &json["columns"][0]["max"]),
                (&"y".into(), &6.0.into())
            );
        }
        let json = folder.run(&["columns", "f.npz", "--key", "x", "--key", "y", "--json"]).json();
        let names: Vec<_> =
            json["columns"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
        assert_eq!(names, ["x_1", "x_2", "y"]);
        let one = Folder::with("f.npz", npz(method, &[("y.npy", y.clone())]));
        assert_eq!(one.run(&["columns", "f.npz", "--json"]).json()["rows"], 2);
        assert_eq!(
            Folder::new().pipe(&both, &["columns", "-", "--key", "y", "--json"]).json()["rows"],
            2
        );
    }
}

#[test]
fn damaged_archives_are_named() {
    let y = npy("'<f8'", false, "(2,)", &doubles(&[5.0, 6.0]));
    let archive = npz(CompressionMethod::Stored, &[("y.npy", y)]);
    let mut flipped = archive.clone();
    let at = flipped.windows(8).position(|w| w == 5.0_f64.to_le_bytes()).unwrap();
    flipped[at] ^= 1;
    columns(flipped)
        .refused(1, &["cannot read a.npy:y to its end", "hecksum", "copy or save it again"]);
    columns(&archive[..archive.len() / 2]).refused(1, &["not a readable NPZ archive"]);
    let empty = npz(CompressionMethod::Stored, &[("readme.txt", b"hello".to_vec())]);
    columns(empty).refused(1, &["contains no NPY array"]);
    let sheet = npz(CompressionMethod::Stored, &[("[Content_Types].xml", b"<x/>".to_vec())]);
    columns(sheet).refused(1, &["looks like a spreadsheet; export it as CSV"]);
}

/// An archive of one array whose directory and local header give another size.
fn with_size(method: CompressionMethod, array: &[u8], size: u32) -> Vec<u8> {
    let mut bytes = npz(method, &[("y.npy", array.to_vec())]);
    let sizes: Vec<usize> = [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)]
        .map(|(start, size_at)| bytes.windows(4).position(|w| w == start).unwrap() + size_at)
        .to_vec();
    for at in sizes {
        bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
    }
    bytes
}

#[test]
fn bytes_of_an_archive_are_counted_and_not_believed() {
    let short = |promised: usize| npy("'<f8'", false, &format!("({promised},)"), &[7; 16]);
    let header = short(2).len() as u32 - 16;
    let method = CompressionMethod::Deflated;
    // The archive gives the header's size, or another one; neither matches the data.
    for size in [header + 8_000_000, header + 800] {
        let run = columns(with_size(method, &short(1_000_000), size));
        run.refused(1, &["promises 1000000 x 1 numbers of 8 bytes, 8000000 bytes in all, but"]);
        for lie in ["8000000 bytes follow", " 800 bytes follow"] {
            assert!(!run.err.contains(lie), "{}", run.err);
        }
    }
    columns(with_size(method, &short(1_000_000), header))
        .refused(1, &["cannot read a.npy:y to its end", "larger than its declared"]);
    let impossible = npy("'<f8'", false, "(18446744073709551615, 3)", &[7; 16]);
    columns(with_size(method, &impossible, 1 << 30))
        .refused(1, &["impossible", "but 16 bytes follow"]);
    // A wrong size for a complete array is refused or harmless.
    let run = columns(with_size(method, &short(2), header + 800));
    assert!(run.code == 0 || run.err.contains("a.npy:y"), "{}", run.err);
}
