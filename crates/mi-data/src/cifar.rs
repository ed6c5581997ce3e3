//! The binary version of CIFAR-10: records of one label byte and 32·32 red, green and blue
//! bytes, each plane row-major (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny
//! Images", 2009).

use std::path::Path;

use ndarray::Array2;

use crate::content::Content;
use crate::idx::check_labels;
use crate::{DataError, Geometry, SourceFile, Split};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: u64 = 3073;
const CIFAR_100_RECORD: u64 = 3074;
/// The largest number of records: that of a hundred published files. There is a limit because a
/// small gzip file can unpack to any size.
const MOST_RECORDS: u64 = 1_000_000;
/// Records of a published file.
const PUBLISHED_RECORDS: usize = 10_000;
/// Records that are read at a time.
const PIECE: u64 = 1000;
pub(crate) const GEOMETRY: Geometry = Geometry::new(SIDE, SIDE, 3);

/// Reads any number of CIFAR-10 binary batch files, gzipped or not, as one split.
///
/// The planes are interleaved: value (y, x, c) of an image, byte `1 + 1024 c + 32 y + x` of its
/// record, becomes column `(32 y + x) · 3 + c`, divided by 255.
///
/// # Shapes
/// n × 3072.
///
/// # Errors
/// If a file cannot be read, is another version (pickle, CIFAR-100), is not a whole number of
/// records, or has a label over 9; if `paths` is empty.
pub fn read_cifar10(paths: &[&Path]) -> Result<(Split, Vec<SourceFile>), DataError> {
    read_as(paths, "batch")
}

pub(crate) fn read_as(paths: &[&Path], role: &str) -> Result<(Split, Vec<SourceFile>), DataError> {
    let contents = paths.iter().map(|path| Content::open(path, "CIFAR-10 records"));
    parse(contents, role)
}

pub(crate) fn parse<'a>(
    contents: impl Iterator<Item = Result<Content<'a>, DataError>>,
    role: &str,
) -> Result<(Split, Vec<SourceFile>), DataError> {
    let (mut pixels, mut labels, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for content in contents {
        let mut content = content?;
        let path = content.path().to_owned();
        let first = labels.len();
        loop {
            // In pieces, so that bytes and pixels are never in memory together.
            let bytes = content.read(PIECE * RECORD, None)?;
            let records = bytes.chunks_exact(RECORD as usize);
            // The memory doubles, but grows by no more than a published file at a time.
            let more = pixels.len().min(PUBLISHED_RECORDS * GEOMETRY.len()).max(bytes.len());
            if pixels.capacity() - pixels.len() < bytes.len() {
                pixels.reserve_exact(more);
            }
            let ended = (bytes.len() as u64) < PIECE * RECORD;
            for record in records {
                let (label, planes) = (record[0], &record[1..]);
                labels.push(label);
                for pixel in 0..PLANE {
                    for plane in 0..3 {
                        pixels.push(f32::from(planes[plane * PLANE + pixel]) / 255.0);
                    }
                }
            }
            if ended {
                break;
            }
            if (labels.len() - first) as u64 >= MOST_RECORDS && !content.at_end(None)? {
                return Err(DataError::TooManyRecords { path, most: MOST_RECORDS });
            }
        }
        let count = content.count();
        if !count.is_multiple_of(RECORD) {
            let remedy = if count.is_multiple_of(CIFAR_100_RECORD) {
                "it looks like CIFAR-100, which is another data set"
            } else {
                "it is truncated, or is not the binary version of CIFAR-10; replace it"
            };
            return Err(DataError::Records { path, bytes: count, remedy });
        }
        check_labels(&path, &labels[first..], &(0..=9))?;
        files.push(content.into_record(role));
    }
    if labels.is_empty() {
        return Err(DataError::Shape {
            operation: "reading CIFAR-10",
            expected: "at least one file".into(),
            found: "none".into(),
        });
    }
    let images = Array2::from_shape_vec((labels.len(), GEOMETRY.len()), pixels);
    let images = images.map_err(|error| DataError::Shape {
        operation: "reading CIFAR-10",
        expected: format!("{} x {}", labels.len(), GEOMETRY.len()),
        found: error.to_string(),
    })?;
    Ok((Split::new(images, labels)?, files))
}
