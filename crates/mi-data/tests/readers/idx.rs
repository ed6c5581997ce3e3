//! IDX files.

use mi_data::{DataError, Geometry, read_idx_images, read_idx_labels};
use ndarray::array;

use crate::files::{gzip, idx, images, labels, write};

/// The error that reading these bytes as images gives, and its message.
fn image_error(bytes: &[u8]) -> (DataError, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write(folder.path(), "train-images-idx3-ubyte.gz", bytes);
    let error = read_idx_images(&path, false).expect_err("these are not IDX images");
    let message = error.to_string();
    assert!(message.contains("train-images-idx3-ubyte.gz"), "no path: {message}");
    assert!(path.is_absolute() && message.contains(&path.display().to_string()), "{message}");
    (error, message)
}

#[test]
fn content_decides_whether_a_file_is_packed() {
    let folder = tempfile::tempdir().unwrap();
    let plain_named_gz = write(folder.path(), "a.gz", &images(2));
    let packed_without_ending = write(folder.path(), "b", &gzip(&images(2)));
    let mut members = gzip(&images(2)[..20]);
    members.extend(gzip(&images(2)[20..]));
    let two_members = write(folder.path(), "c.gz", &members);
    for path in [plain_named_gz, packed_without_ending, two_members] {
        let read = read_idx_images(&path, false).unwrap();
        assert_eq!(read.geometry, Geometry::new(3, 2, 1));
        let bytes =
            array![[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [10.0, 11.0, 12.0, 13.0, 14.0, 15.0_f32]];
        assert_eq!(read.images, bytes / 255.0);
        assert_eq!(read.file.bytes, 28);
        // sha256sum of the 28 unpacked bytes.
        assert_eq!(
            read.file.sha256,
            "c3b56623e7f7abc3e2bc9b3845ca5075212a7b94ae711a506e60e0bb895ee165"
        );
    }
}

#[test]
fn bytes_become_numbers_from_0_to_exactly_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "x", &idx(&[1, 1, 3], &[0, 51, 255]));
    assert_eq!(read_idx_images(&path, false).unwrap().images, array![[0.0, 0.2, 1.0_f32]]);
}

#[test]
fn transposed_images_are_turned() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "x", &images(2));
    let read = read_idx_images(&path, true).unwrap();
    assert_eq!(read.geometry, Geometry::new(2, 3, 1));
    assert_eq!(read.file.role, "images (transposed)");
    let bytes = array![[0.0, 2.0, 4.0, 1.0, 3.0, 5.0], [10.0, 12.0, 14.0, 11.0, 13.0, 15.0_f32]];
    assert_eq!(read.images, bytes / 255.0);
}

#[test]
fn a_cut_off_gzip_says_how_much_it_held() {
    let body: Vec<u8> =
        (0..60_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let whole = gzip(&idx(&[10, 60, 100], &body));
    for cut in [whole.len() - 8, whole.len() - 1, whole.len() / 2] {
        let (error, message) = image_error(&whole[..cut]);
        let DataError::TruncatedGzip { decoded, promised, .. } = error else {
            panic!("{message}");
        };
        assert_eq!(promised, Some(60_016));
        if cut < whole.len() - 8 {
            assert!(decoded > 0 && decoded < 60_016, "{decoded}");
        } else {
            // Only the checksum and the length at the end are missing.
            assert_eq!(decoded, 60_016);
        }
        assert!(message.contains("60016") && message.contains("truncated"), "{message}");
    }
    // Cut inside the gzip header.
    assert!(matches!(image_error(&whole[..5]).0, DataError::TruncatedGzip { decoded: 0, .. }));
}

#[test]
fn a_wrong_gzip_checksum_is_found_although_all_bytes_were_read() {
    let mut packed = gzip(&images(2));
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    let (error, message) = image_error(&packed);
    assert!(matches!(error, DataError::CorruptGzip { .. }), "{message}");
}

#[test]
fn a_web_page_is_called_a_web_page() {
    for page in ["<!DOCTYPE html><title>403</title>", "\n  <html><body>Forbidden"] {
        for bytes in [page.as_bytes().to_vec(), gzip(page.as_bytes())] {
            let (_, message) = image_error(&bytes);
            assert!(message.contains("web page") && message.contains("again"), "{message}");
        }
    }
}

#[test]
fn other_kinds_of_file_are_named() {
    let mut tar = vec![b'a'; 600];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, name) in [
        (gzip(&tar), "tar archive"),
        (b"PK\x03\x04rest".to_vec(), "zip"),
        (gzip(&gzip(&images(1))), "gzip inside gzip"),
        (b"\x80\x04\x95rest".to_vec(), "pickle"),
        (b"version https://git-lfs.github.com/spec/v1".to_vec(), "Git LFS"),
    ] {
        let (error, message) = image_error(&bytes);
        assert!(matches!(error, DataError::Foreign { .. }) && message.contains(name), "{message}");
    }
}

#[test]
fn an_empty_file_is_called_empty() {
    for bytes in [Vec::new(), gzip(b"")] {
        let (error, message) = image_error(&bytes);
        assert!(matches!(error, DataError::Empty { .. }), "{message}");
    }
}

#[test]
fn a_wrong_magic_number_is_explained() {
    for (magic, reason) in [
        ([3, 8, 0, 0], "little-endian"),
        ([0, 0, 8, 1], "swapped"),
        ([0, 0, 13, 3], "32-bit floats"),
        ([0, 0, 8, 4], "4 dimensions"),
        ([1, 2, 3, 4], "not an IDX file"),
    ] {
        let mut bytes = images(1);
        bytes[..4].copy_from_slice(&magic);
        let (error, message) = image_error(&bytes);
        assert!(matches!(error, DataError::Magic { found, .. } if found == magic), "{message}");
        assert!(message.contains(reason) && message.contains("00 00 08 03"), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "labels", &images(1));
    assert!(read_idx_labels(&path, 0..=9).unwrap_err().to_string().contains("swapped"));
}

#[test]
fn a_body_of_another_length_than_declared_is_refused() {
    let whole = images(3);
    for pack in [|bytes: &[u8]| bytes.to_vec(), |bytes: &[u8]| gzip(bytes)] {
        let (error, message) = image_error(&pack(&whole[..whole.len() - 6]));
        assert!(matches!(error, DataError::TooShort { promised: 34, found: 28, .. }), "{message}");
        let mut longer = whole.clone();
        longer.push(0);
        let (error, message) = image_error(&pack(&longer));
        assert!(matches!(error, DataError::TooLong { promised: 34, .. }), "{message}");
        let (error, message) = image_error(&pack(&whole[..10]));
        assert!(matches!(error, DataError::TooShort { promised: 16, found: 10, .. }), "{message}");
    }
}

#[test]
fn impossible_dimensions_ask_for_no_memory() {
    for dims in [[u32::MAX, u32::MAX, 28], [u32::MAX; 3], [0, 28, 28], [60_000, 0, 28]] {
        let (error, message) = image_error(&idx(&dims, &[0; 64]));
        assert!(matches!(error, DataError::Dimensions { .. }), "{message}");
    }
    // 4 GB declared, but only 64 bytes present.
    let (error, message) = image_error(&gzip(&idx(&[1 << 22, 32, 32], &[0; 64])));
    assert!(matches!(error, DataError::TooShort { .. }), "{message}");
}

#[test]
fn labels_outside_the_declared_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "labels", &idx(&[4], &[1, 26, 255, 3]));
    let error = read_idx_labels(&path, 1..=26).unwrap_err();
    assert!(matches!(error, DataError::Label { record: 2, found: 255, .. }), "{error}");
    let path = write(folder.path(), "letters", &idx(&[2], &[1, 26]));
    assert_eq!(read_idx_labels(&path, 1..=26).unwrap().labels, [1, 26]);
    let path = write(folder.path(), "zero", &labels(3));
    assert!(read_idx_labels(&path, 1..=26).is_err());
}

#[test]
fn a_missing_file_is_an_error_with_its_absolute_path() {
    let error = read_idx_images("no/such/file".as_ref(), false).unwrap_err();
    let message = error.to_string();
    let shown = std::env::current_dir().unwrap().join("no/such/file").display().to_string();
    assert!(matches!(error, DataError::Read { .. }) && message.contains(&shown), "{message}");
    // A folder where a file should be.
    assert!(read_idx_images(&std::env::temp_dir(), false).is_err());
}
