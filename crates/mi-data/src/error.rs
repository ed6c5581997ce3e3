use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Errors of this crate. Each message names the file or the shapes, what was found, and how to fix
/// it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file of a data set was not found.
    #[error(
        "no {what} found; tried:\n{}\n{hint}",
        tried.iter().map(|path| format!("  {}", path.display())).collect::<Vec<_>>().join("\n")
    )]
    NotFound {
        /// The data set and the file that is missing.
        what: String,
        /// Every path tried, in order.
        tried: Vec<PathBuf>,
        /// How to get the file.
        hint: String,
    },
    /// The operating system refused to open or read a file.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file without content.
    #[error("{} is empty (an interrupted download?); replace it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file of some other kind: a web page, a pickle, an archive.
    #[error("{} contains {found}, not {expected}; {remedy}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What its first bytes look like.
        found: &'static str,
        /// What was expected.
        expected: &'static str,
        /// How to fix it.
        remedy: &'static str,
    },
    /// A gzip stream that ends before its end mark.
    #[error(
        "{} is truncated: the gzip stream ends after {decoded} bytes of content{}; replace the file",
        path.display(),
        promised.map(|bytes| format!(", where the header promises {bytes}")).unwrap_or_default()
    )]
    TruncatedGzip {
        /// The file.
        path: PathBuf,
        /// Bytes of content decoded before the stream ended.
        decoded: u64,
        /// Bytes of content that the header promises, if it was read.
        promised: Option<u64>,
    },
    /// A gzip stream that is damaged or fails its checksum.
    #[error(
        "{} is damaged: {source} after {decoded} bytes of content; replace the file",
        path.display()
    )]
    CorruptGzip {
        /// The file.
        path: PathBuf,
        /// Bytes of content decoded before the fault.
        decoded: u64,
        /// The decoder's answer.
        source: io::Error,
    },
    /// A gzip stream that expands far more than images do.
    #[error(
        "{} is not a data set: {packed} packed bytes expand to {content} and more, over a hundred times \
         as many; replace the file, or unpack it yourself if it is right",
        path.display()
    )]
    Expands {
        /// The file.
        path: PathBuf,
        /// Packed bytes read.
        packed: u64,
        /// Bytes of content unpacked so far.
        content: u64,
    },
    /// The first four bytes are not those of the expected kind of IDX file.
    #[error(
        "{} starts with the bytes {:02x} {:02x} {:02x} {:02x}, expected {:02x} {:02x} {:02x} \
         {:02x} ({what}); {remedy}",
        path.display(),
        found[0], found[1], found[2], found[3],
        expected[0], expected[1], expected[2], expected[3]
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// What was expected.
        what: &'static str,
        /// The bytes found.
        found: [u8; 4],
        /// The bytes expected.
        expected: [u8; 4],
        /// What this most likely means.
        remedy: String,
    },
    /// Impossible header dimensions: a zero, or more bytes than are allowed.
    #[error("{} declares {dims}, {reason}; replace the file", path.display())]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// The dimensions as text, `60000 x 28 x 28`.
        dims: String,
        /// Why they are impossible.
        reason: &'static str,
    },
    /// A file that is shorter than its header declares.
    #[error(
        "{} is truncated: it has {found} bytes, but its header ({dims}) promises {promised}; \
         replace the file",
        path.display()
    )]
    TooShort {
        /// The file.
        path: PathBuf,
        /// The dimensions declared.
        dims: String,
        /// Bytes promised, header included.
        promised: u64,
        /// Bytes found, header included.
        found: u64,
    },
    /// A file that is longer than its header declares.
    #[error(
        "{} continues after the {promised} bytes that its header ({dims}) promises; \
         replace the file",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The dimensions declared.
        dims: String,
        /// Bytes promised, header included.
        promised: u64,
    },
    /// A CIFAR-10 file with more records than are read.
    #[error(
        "{} has more than {most} records, a hundred times as many as a published file of CIFAR-10; \
         replace the file, or split it",
        path.display()
    )]
    TooManyRecords {
        /// The file.
        path: PathBuf,
        /// The largest number of records.
        most: u64,
    },
    /// A CIFAR-10 file that is not a whole number of records.
    #[error(
        "{} has {bytes} bytes, which is not a multiple of 3073 (1 label byte and 3072 pixels); \
         {remedy}",
        path.display()
    )]
    Records {
        /// The file.
        path: PathBuf,
        /// Bytes of content.
        bytes: u64,
        /// What this most likely means.
        remedy: &'static str,
    },
    /// Images and labels that do not match.
    #[error(
        "{} has {images} images but {} has {labels} labels; \
         they do not belong together (training and test files mixed?)",
        images_path.display(), labels_path.display()
    )]
    Counts {
        /// The image file.
        images_path: PathBuf,
        /// Its number of images.
        images: usize,
        /// The label file.
        labels_path: PathBuf,
        /// Its number of labels.
        labels: usize,
    },
    /// A label outside the declared classes.
    #[error(
        "{}: the label of record {record} (counted from 0) is {found}, \
         outside {first}..={last}; replace the file or declare the range",
        path.display()
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The record, counted from 0.
        record: usize,
        /// The label found.
        found: u8,
        /// The smallest label allowed.
        first: u8,
        /// The largest label allowed.
        last: u8,
    },
    /// Training and test images of different sizes.
    #[error("training images are {train}, test images {test}; the files do not belong together")]
    SplitGeometry {
        /// The training images' size as text.
        train: String,
        /// The test images' size as text.
        test: String,
    },
    /// Files of another data set.
    #[error(
        "{} belongs to {found}, not to {asked} (by the SHA-256 of its content, {sha256}); \
         ask for {found}, or point to another folder",
        path.display()
    )]
    OtherDataset {
        /// The file.
        path: PathBuf,
        /// The data set that it belongs to.
        found: &'static str,
        /// The requested data set.
        asked: &'static str,
        /// Its content's hash.
        sha256: String,
    },
    /// A name that is not in the list.
    #[error("unknown {what} {found:?}; known: {known}")]
    UnknownName {
        /// What kind of name.
        what: &'static str,
        /// The name given.
        found: String,
        /// The names that exist.
        known: String,
    },
    /// Shapes that do not fit one another.
    #[error("{operation}: expected {expected}, found {found}")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// The shape expected.
        expected: String,
        /// The shape found.
        found: String,
    },
    /// A view that an image of this size does not have.
    #[error("view {view} of a {geometry} image: {reason}")]
    View {
        /// The view.
        view: String,
        /// The image's size as text.
        geometry: String,
        /// Why it is impossible.
        reason: String,
    },
    /// A row index beyond the matrix.
    #[error("{operation}: row {row} was requested, but there are {rows} rows")]
    Row {
        /// The operation.
        operation: &'static str,
        /// The requested row.
        row: usize,
        /// The number of rows.
        rows: usize,
    },
    /// Impossible batch settings.
    #[error("batches of {batch_size} from {rows} rows: {reason}")]
    Batch {
        /// Rows in the data.
        rows: usize,
        /// Rows per batch.
        batch_size: usize,
        /// Why it is impossible.
        reason: &'static str,
    },
    /// A parameter outside its range.
    #[error("{parameter} is {value}, but must be {range}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// The value given.
        value: f64,
        /// The allowed range.
        range: &'static str,
    },
}
