//! Files made for the tests.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// An IDX file of unsigned bytes.
pub(crate) fn idx(dims: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    for dim in dims {
        bytes.extend(dim.to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

/// `n` images of 3 rows and 2 columns; pixel p of image i is 10 i + p.
pub(crate) fn images(n: u8) -> Vec<u8> {
    let body: Vec<u8> = (0..n).flat_map(|i| (0..6).map(move |pixel| 10 * i + pixel)).collect();
    idx(&[u32::from(n), 3, 2], &body)
}

/// `n` labels 0, 1, 2, …
pub(crate) fn labels(n: u8) -> Vec<u8> {
    idx(&[u32::from(n)], &(0..n).collect::<Vec<u8>>())
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One CIFAR-10 record whose planes have the constant values `rgb`, except that the first pixel of
/// each plane is one larger.
pub(crate) fn record(label: u8, rgb: [u8; 3]) -> Vec<u8> {
    let mut bytes = vec![label];
    for value in rgb {
        bytes.push(value + 1);
        bytes.extend([value; 1023]);
    }
    bytes
}

pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}
