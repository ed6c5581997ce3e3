//! Files that are not supported tables: what they are, and what to do.

/// What a file is, by its first bytes, if it is not supported.
pub(super) fn kind(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 30] = [
        (b"\xFF\xFE", "looks like UTF-16; convert it to UTF-8"),
        (b"\xFE\xFF", "looks like UTF-16; convert it to UTF-8"),
        (b"\x1f\x8b", "is gzip inside gzip; unpack it once"),
        (
            b"\xFD7zXZ\0",
            "is compressed with xz; unpack it with `xz -d`, or pipe `xz -dc` into `mi … -`",
        ),
        (
            b"\x28\xB5\x2F\xFD",
            "is compressed with Zstandard; unpack it with `zstd -d`, or pipe `zstd -dc` into `mi … -`",
        ),
        (b"\x04\x22\x4D\x18", "is compressed with lz4; unpack it with `lz4 -d`"),
        (b"7z\xBC\xAF\x27\x1C", "is a 7z archive; unpack it"),
        (b"Rar!\x1A\x07", "is a RAR archive; unpack it"),
        (b"FEA1", "is a Feather file (version 1); write it as CSV or Parquet"),
        (b"ARROW1", "is a Feather file (Arrow IPC); write it as CSV or Parquet"),
        (b"\xFF\xFF\xFF\xFF", "looks like an Arrow stream; write it as CSV or Parquet"),
        (b"Obj\x01", "is an Avro file; write it as CSV"),
        (
            b"\x89HDF\r\n\x1A\n",
            "is an HDF5 file (or netCDF-4, or MATLAB 7.3); write its table as CSV or NPY",
        ),
        (b"CDF\x01", "is a netCDF file; write its table as CSV or NPY"),
        (b"CDF\x02", "is a netCDF file; write its table as CSV or NPY"),
        (b"MATLAB 5.0", "is a MATLAB file; write its table as CSV (writematrix, writetable)"),
        (b"SQLite format 3\0", "is an SQLite database; export a query as CSV"),
        (b"RDX2\n", "is an R workspace; write the table with write.csv"),
        (b"RDX3\n", "is an R workspace; write the table with write.csv"),
        (b"X\n\0\0\0", "is an R object (RDS); write the table with write.csv"),
        (b"<stata_dta>", "is a Stata file; export it as CSV"),
        (b"$FL2", "is an SPSS file; export it as CSV"),
        (b"$FL3", "is an SPSS file; export it as CSV"),
        (b"\xD0\xCF\x11\xE0", "looks like a spreadsheet; export it as CSV"),
        (b"%PDF-", "is a PDF, not a table; export the data itself"),
        (b"\x89PNG", "is a picture, not a table"),
        (b"\xFF\xD8\xFF", "is a picture, not a table"),
        (b"{\\rtf", "is a text document (RTF); export it as CSV"),
        (
            b"version https://git-lfs",
            "is a Git LFS pointer; fetch the file itself with `git lfs pull`",
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xC2\xEA\x81",
            "is a SAS file; export it as CSV",
        ),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(what);
    }
    if head.starts_with(b"BZh") && head.get(4..10) == Some(b"1AY&SY") {
        return Some(
            "is compressed with bzip2; unpack it with `bunzip2`, or pipe `bzcat` into `mi … -`",
        );
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("is a tar archive; unpack it");
    }
    if head.first() == Some(&0x80) && head.get(1).is_some_and(|version| (2..=5).contains(version)) {
        return Some("is a Python pickle; write the table as CSV or NPY");
    }
    if head.starts_with(b"ORC") && head.contains(&0) {
        return Some("is an ORC file; write it as CSV or Parquet");
    }
    let text = head.trim_ascii_start();
    let starts =
        |tag: &str| text.get(..tag.len()).is_some_and(|s| s.eq_ignore_ascii_case(tag.as_bytes()));
    if starts("<!doctype") || starts("<html") {
        Some("looks like a web page, not a table; download the data itself")
    } else if starts("<?xml") {
        Some("looks like XML, not a table; write it as CSV")
    } else if is_json(text) {
        Some("looks like JSON, not a table; write it as CSV")
    } else if starts("@relation") {
        Some("looks like ARFF (Weka); write it as CSV, or skip the lines above its data (`--skip`)")
    } else if head.contains(&0) {
        Some("contains zero bytes, so it is UTF-16 or not text; convert it to UTF-8 text")
    } else {
        None
    }
}

/// Whether a text begins as a JSON object, or as an array of objects or arrays, does. A CSV file
/// may also begin with a bracket.
fn is_json(text: &[u8]) -> bool {
    let inside = |text: &[u8]| text.get(1..).map(|rest| rest.trim_ascii_start().to_vec());
    let value = |inner: &[u8]| inner.first().is_some_and(|b| b"\"-0123456789[]{".contains(b));
    match (text.first(), inside(text)) {
        (Some(b'{'), Some(inner)) => inner.first().is_some_and(|b| b"\"}".contains(b)),
        (Some(b'['), Some(inner)) if inner.starts_with(b"{") => is_json(&inner),
        (Some(b'['), Some(inner)) if inner.starts_with(b"[") => {
            inside(&inner).is_some_and(|inner| value(&inner))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_for_what_they_are() {
        for (head, part) in [
            (&b"BZh91AY&SY\x9a"[..], "bzip2"),
            (b"ARROW1\0\0", "Feather"),
            (b"FEA1\0", "Feather"),
            (b"\xFD7zXZ\0\0", "xz"),
            (b"\x80\x04\x95", "pickle"),
            (b"\x89HDF\r\n\x1A\n", "HDF5"),
            (b"a\0b\0", "UTF-16"),
            (b" \n{\"a\": 1}", "JSON"),
            (b"{}\n", "JSON"),
            (b"[\n  { \"a\": 1}]", "JSON"),
            (b"[[1, 2], [3, 4]]", "JSON"),
            (b"@RELATION iris", "--skip"),
        ] {
            assert!(kind(head).is_some_and(|what| what.contains(part)), "{part}");
        }
        for head in [
            &b"BZh,x\n1,2\n"[..],
            b"ORC,x\n",
            b"a,b\n",
            b"",
            b"\xef\xbb\xbfa,b",
            b"{x},y\n1,2\n",
            b"{",
            b"[{x}],y\n",
            b"[[x]],y\n",
            b"[m],[s]\n",
        ] {
            assert_eq!(kind(head), None, "{head:?}");
        }
    }
}
