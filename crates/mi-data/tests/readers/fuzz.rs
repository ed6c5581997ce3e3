//! Readers on damaged and random bytes: an answer, never a panic, and never a wrong size.

use mi_data::{View, read_cifar10, read_idx_images, read_idx_labels};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::files::{gzip, images, labels, record, write};

/// Gives the bytes to every reader. What is accepted must have the promised shape.
fn read_all(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write(folder.path(), "data", bytes);
    if let Ok(read) = read_idx_images(&path, false) {
        assert_eq!(read.images.ncols(), read.geometry.len());
        assert_eq!(read.file.bytes, 16 + read.images.len() as u64);
        assert!(read.images.iter().all(|value| (0.0..=1.0).contains(value)));
    }
    if let Ok(read) = read_idx_labels(&path, 0..=9) {
        assert_eq!(read.file.bytes, 8 + read.labels.len() as u64);
        assert!(read.labels.iter().all(|&label| label < 10));
    }
    if let Ok((split, files)) = read_cifar10(&[&path]) {
        assert_eq!(split.images.dim(), (split.labels.len(), 3072));
        assert_eq!(files[0].bytes, 3073 * split.labels.len() as u64);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut two = record(0, [0, 100, 200]);
    two.extend(record(9, [3, 2, 1]));
    let plain = [images(3), labels(5), two];
    plain.iter().cloned().chain(plain.iter().map(|bytes| gzip(bytes))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
    }

    #[test]
    fn random_bytes_after_a_right_start(
        start in prop::sample::select(vec![
            vec![0x1f, 0x8b], vec![0x1f, 0x8b, 8, 0], vec![0, 0, 8, 3], vec![0, 0, 8, 1],
        ]),
        rest in vec(any::<u8>(), 0..64),
    ) {
        read_all(&[start, rest].concat());
    }

    #[test]
    fn cut_off_and_damaged_files(
        seed in prop::sample::select(seeds()),
        cut in any::<prop::sample::Index>(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = seed;
        bytes.truncate(cut.index(bytes.len() + 1));
        for (at, value) in damage {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
        }
        read_all(&bytes);
    }

    #[test]
    fn any_text_as_a_view(text in "[a-z_:+.,0-9]{0,30}") {
        if let Ok(view) = text.parse::<View>() {
            prop_assert_eq!(&view.to_string().parse::<View>().unwrap(), &view);
        }
    }
}
