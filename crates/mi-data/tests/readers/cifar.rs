//! CIFAR-10 binary files.

use mi_data::{DataError, read_cifar10};

use crate::files::{gzip, record, write};

fn cifar_error(bytes: &[u8]) -> (DataError, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write(folder.path(), "data_batch_1.bin", bytes);
    let error = read_cifar10(&[&path]).expect_err("these are not CIFAR-10 records");
    let message = error.to_string();
    assert!(message.contains("data_batch_1.bin"), "{message}");
    (error, message)
}

#[test]
fn planes_become_interleaved_channels() {
    let folder = tempfile::tempdir().unwrap();
    // Red rises along x, green along y, blue is constant.
    let mut bytes = vec![7];
    bytes.extend((0..1024).map(|i| (i % 32) as u8));
    bytes.extend((0..1024).map(|i| (i / 32) as u8));
    bytes.extend([255; 1024]);
    let first = write(folder.path(), "a.bin", &bytes);
    let second = write(folder.path(), "b.bin.gz", &gzip(&record(3, [10, 20, 30])));
    let (split, files) = read_cifar10(&[&first, &second]).unwrap();
    assert_eq!(split.images.dim(), (2, 3072));
    assert_eq!(split.labels, [7, 3]);
    for y in 0..32 {
        for x in 0..32 {
            let at = (y * 32 + x) * 3;
            assert_eq!(split.images[[0, at]], x as f32 / 255.0);
            assert_eq!(split.images[[0, at + 1]], y as f32 / 255.0);
            assert_eq!(split.images[[0, at + 2]], 1.0);
        }
    }
    assert_eq!(split.images[[1, 0]], 11.0 / 255.0);
    assert_eq!(split.images[[1, 4]], 20.0 / 255.0);
    assert_eq!((files[0].bytes, files[1].bytes), (3073, 3073));
}

#[test]
fn other_versions_are_recognised() {
    let mut pickle = vec![0x80, 2];
    pickle.extend([b'}'; 5000]);
    let (error, message) = cifar_error(&pickle);
    assert!(matches!(error, DataError::Foreign { .. }), "{message}");
    assert!(message.contains("pickle") && message.contains("binary version"), "{message}");
    let (_, message) = cifar_error(&[0; 3074 * 2]);
    assert!(message.contains("CIFAR-100"), "{message}");
}

#[test]
fn cut_off_files_and_strange_labels_are_refused() {
    let mut bytes = record(1, [1, 2, 3]);
    bytes.extend(record(10, [1, 2, 3]));
    let (error, message) = cifar_error(&bytes);
    assert!(matches!(error, DataError::Label { record: 1, found: 10, .. }), "{message}");
    let (error, message) = cifar_error(&bytes[..6000]);
    assert!(matches!(error, DataError::Records { bytes: 6000, .. }), "{message}");
    let packed = gzip(&bytes);
    let (error, message) = cifar_error(&packed[..packed.len() - 4]);
    assert!(matches!(error, DataError::TruncatedGzip { .. }), "{message}");
    assert!(matches!(cifar_error(&[]).0, DataError::Empty { .. }));
    assert!(read_cifar10(&[]).is_err());
}

#[test]
fn a_dark_first_pixel_like_markup_is_no_web_page() {
    // Label 9 is a tab, and 60 is '<'.
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.bin", &record(9, [59, 59, 59]));
    assert_eq!(read_cifar10(&[&path]).unwrap().0.labels, [9]);
}

#[test]
fn a_small_file_cannot_fill_the_memory() {
    let zeros = gzip(&vec![0; 30_000 * 3073]);
    assert!(zeros.len() < 1 << 20);
    let (error, message) = cifar_error(&zeros);
    assert!(matches!(error, DataError::Expands { content, .. } if content < 80 << 20), "{message}");
    assert!(message.contains("over a hundred times as many; replace the file"), "{message}");
}
