//! The IDX format of MNIST and similar sets: magic `00 00 08 d`, then `d` big-endian 32-bit
//! dimensions, then the bytes (Yann Le Cun, Corinna Cortes, Christopher Burges, "The MNIST
//! database").

use std::ops::RangeInclusive;
use std::path::Path;

use ndarray::Array2;

use crate::content::Content;
use crate::{DataError, Geometry, SourceFile};

const IMAGES: [u8; 4] = [0, 0, 8, 3];
const LABELS: [u8; 4] = [0, 0, 8, 1];
/// The largest number of bytes of an IDX file: more pixels than any set of this kind has (4 GiB; as
/// `f32`, four times that). There is a limit because a small gzip file can unpack to any size.
const MOST_BYTES: u64 = 1 << 32;

/// Images read from one IDX file.
#[derive(Clone, Debug, PartialEq)]
pub struct IdxImages {
    /// One flattened image per row, values in [0, 1].
    pub images: Array2<f32>,
    /// The size of one image (one channel).
    pub geometry: Geometry,
    /// The file, with its content's hash.
    pub file: SourceFile,
}

/// Labels read from one IDX file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxLabels {
    /// One label per image.
    pub labels: Vec<u8>,
    /// The file, with its content's hash.
    pub file: SourceFile,
}

/// Reads an IDX file of images (unsigned bytes, three dimensions), gzipped or not.
///
/// Byte b becomes b / 255. `transpose` swaps rows and columns: EMNIST is stored that way, but MNIST
/// and Fashion-MNIST are not.
///
/// # Shapes
/// n × (height · width).
///
/// # Errors
/// If the file cannot be read, is of another kind, or is not exactly what its header declares.
pub fn read_idx_images(path: &Path, transpose: bool) -> Result<IdxImages, DataError> {
    parse_images(Content::open(path, "IDX images")?, transpose, "images")
}

/// Reads an IDX file of labels (unsigned bytes, one dimension), gzipped or not.
///
/// # Errors
/// Those of [`read_idx_images`]; also if a label is outside `allowed`.
pub fn read_idx_labels(path: &Path, allowed: RangeInclusive<u8>) -> Result<IdxLabels, DataError> {
    parse_labels(Content::open(path, "IDX labels")?, &allowed, "labels")
}

pub(crate) fn parse_images(
    content: Content<'_>,
    transpose: bool,
    role: &str,
) -> Result<IdxImages, DataError> {
    let (dims, bytes, mut file) = parse(content, IMAGES, "IDX images of unsigned bytes", role)?;
    let [n, rows, columns] = dims[..] else { unreachable!("the magic declares three dimensions") };
    let scaled = |byte: u8| f32::from(byte) / 255.0;
    if !transpose {
        let images =
            Array2::from_shape_vec((n, rows * columns), bytes).map_err(|_| shape(&dims))?;
        let geometry = Geometry::new(rows, columns, 1);
        return Ok(IdxImages { images: images.mapv(scaled), geometry, file });
    }
    file.role.push_str(" (transposed)");
    let geometry = Geometry::new(columns, rows, 1);
    let images = Array2::from_shape_fn((n, rows * columns), |(image, pixel)| {
        let (y, x) = (pixel / rows, pixel % rows);
        scaled(bytes[(image * rows + x) * columns + y])
    });
    Ok(IdxImages { images, geometry, file })
}

pub(crate) fn parse_labels(
    content: Content<'_>,
    allowed: &RangeInclusive<u8>,
    role: &str,
) -> Result<IdxLabels, DataError> {
    let path = content.path().to_owned();
    let (_, labels, file) = parse(content, LABELS, "IDX labels of unsigned bytes", role)?;
    check_labels(&path, &labels, allowed)?;
    Ok(IdxLabels { labels, file })
}

pub(crate) fn check_labels(
    path: &Path,
    labels: &[u8],
    allowed: &RangeInclusive<u8>,
) -> Result<(), DataError> {
    match labels.iter().position(|label| !allowed.contains(label)) {
        None => Ok(()),
        Some(record) => Err(DataError::Label {
            path: path.to_owned(),
            record,
            found: labels[record],
            first: *allowed.start(),
            last: *allowed.end(),
        }),
    }
}

/// Header and body; the body has exactly the declared length.
fn parse(
    mut content: Content<'_>,
    magic: [u8; 4],
    what: &'static str,
    role: &str,
) -> Result<(Vec<usize>, Vec<u8>, SourceFile), DataError> {
    let path = content.path().to_owned();
    let rank = magic[3];
    let header = 4 + 4 * u64::from(rank);
    let head = content.read(header, None)?;
    let words: Vec<[u8; 4]> =
        head.chunks_exact(4).map(|word| [word[0], word[1], word[2], word[3]]).collect();
    if let Some(&found) = words.first()
        && found != magic
    {
        let remedy = magic_remedy(found, magic);
        return Err(DataError::Magic { path, what, found, expected: magic, remedy });
    }
    if (head.len() as u64) < header {
        let found = head.len() as u64;
        let dims = format!("{rank} dimensions");
        return Err(DataError::TooShort { path, dims, promised: header, found });
    }
    let dims: Vec<u32> = words[1..].iter().map(|&word| u32::from_be_bytes(word)).collect();
    let text = dims.iter().map(u32::to_string).collect::<Vec<_>>().join(" x ");
    if dims.contains(&0) {
        return Err(DataError::Dimensions { path, dims: text, reason: "which is empty" });
    }
    let body = dims
        .iter()
        .try_fold(1_u64, |product, &dim| product.checked_mul(u64::from(dim)))
        .filter(|&bytes| bytes <= MOST_BYTES && usize::try_from(bytes).is_ok());
    let Some(body) = body else {
        return Err(DataError::Dimensions { path, dims: text, reason: "which is over 4 GiB" });
    };
    let promised = header + body;
    let bytes = content.read(body, Some(promised))?;
    if content.count() < promised {
        let found = content.count();
        return Err(DataError::TooShort { path, dims: text, promised, found });
    }
    if !content.at_end(Some(promised))? {
        return Err(DataError::TooLong { path, dims: text, promised });
    }
    Ok((dims.iter().map(|&dim| dim as usize).collect(), bytes, content.into_record(role)))
}

fn magic_remedy(found: [u8; 4], expected: [u8; 4]) -> String {
    let mut reversed = found;
    reversed.reverse();
    match found {
        IMAGES => "this is an image file: the image and label files look swapped".into(),
        LABELS => "this is a label file: the image and label files look swapped".into(),
        _ if reversed == expected => "the header is little-endian, but IDX is big-endian".into(),
        [0, 0, kind @ (0x09 | 0x0b..=0x0e), _] => {
            let name = match kind {
                0x09 => "signed bytes",
                0x0b => "16-bit integers",
                0x0c => "32-bit integers",
                0x0d => "32-bit floats",
                _ => "64-bit floats",
            };
            format!("this IDX file has {name}, but only unsigned bytes are read")
        }
        [0, 0, 8, rank] => format!("this IDX file has {rank} dimensions"),
        _ => "this is not an IDX file; replace it".into(),
    }
}

fn shape(dims: &[usize]) -> DataError {
    DataError::Shape {
        operation: "reading IDX images",
        expected: format!("{dims:?}"),
        found: "a different number of bytes".into(),
    }
}
