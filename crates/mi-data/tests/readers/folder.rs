//! Finding data sets in folders.

use std::path::Path;

use mi_data::{DataError, DatasetName, Geometry, IdxOptions, load, load_idx};

use crate::files::{gzip, idx, images, labels, record, write};

/// Four IDX files: 4 training images, 2 test images.
fn mnist_like(folder: &Path, dot: bool, packed: bool) {
    let dash = if dot { "." } else { "-" };
    let ending = if packed { ".gz" } else { "" };
    for (part, n) in [("train", 4), ("t10k", 2)] {
        for (kind, bytes) in [("images{}idx3", images(n)), ("labels{}idx1", labels(n))] {
            let name = format!("{part}-{}-ubyte{ending}", kind.replace("{}", dash));
            write(folder, &name, &if packed { gzip(&bytes) } else { bytes });
        }
    }
}

#[test]
fn both_spellings_packed_or_not_here_or_below() {
    let mut digests = Vec::new();
    for dot in [false, true] {
        for packed in [false, true] {
            for sub in ["", "mnist", "MNIST/raw"] {
                let folder = tempfile::tempdir().unwrap();
                mnist_like(&folder.path().join(sub), dot, packed);
                let set = load(folder.path(), DatasetName::Mnist).unwrap();
                assert_eq!((set.train.len(), set.test.len()), (4, 2));
                assert_eq!(set.geometry, Geometry::new(3, 2, 1));
                assert_eq!((set.name.as_str(), set.classes), ("mnist", 10));
                let roles: Vec<_> = set.provenance.files.iter().map(|f| &f.role).collect();
                assert_eq!(roles, ["train images", "train labels", "test images", "test labels"]);
                digests.push(set.provenance.digest());
            }
        }
    }
    // The digest depends on the content, not on its packing or place.
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

#[test]
fn a_folder_of_its_own_is_worth_more_than_the_folder_given() {
    let folder = tempfile::tempdir().unwrap();
    mnist_like(folder.path(), false, false);
    write(folder.path(), "fashion-mnist/train-images-idx3-ubyte", &images(5));
    write(folder.path(), "fashion-mnist/train-labels-idx1-ubyte", &labels(5));
    write(folder.path(), "fashion-mnist/t10k-images-idx3-ubyte", &images(1));
    write(folder.path(), "fashion-mnist/t10k-labels-idx1-ubyte", &labels(1));
    assert_eq!(load(folder.path(), DatasetName::FashionMnist).unwrap().train.len(), 5);
    assert_eq!(load(folder.path(), DatasetName::Mnist).unwrap().train.len(), 4);
}

#[test]
fn a_missing_file_is_reported_with_every_path_tried() {
    let folder = tempfile::tempdir().unwrap();
    let message = load(folder.path(), DatasetName::FashionMnist).unwrap_err().to_string();
    for name in ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte"]
    {
        for sub in ["fashion-mnist", "FashionMNIST/raw", ""] {
            let path = folder.path().join(sub).join(name);
            assert!(message.contains(&path.display().to_string()), "{message}");
        }
    }
    mnist_like(folder.path(), false, false);
    std::fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte")).unwrap();
    let message = load(folder.path(), DatasetName::Mnist).unwrap_err().to_string();
    assert!(message.contains("t10k-labels-idx1-ubyte.gz"), "{message}");
    let message = load(folder.path(), DatasetName::Cifar10).unwrap_err().to_string();
    assert!(message.contains("data_batch_5.bin.gz"), "{message}");
    assert!(message.contains("cifar-10-batches-bin"), "{message}");
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    mnist_like(folder.path(), false, false);
    write(folder.path(), "train-labels-idx1-ubyte", &labels(2));
    let error = load(folder.path(), DatasetName::Mnist).unwrap_err();
    assert!(matches!(error, DataError::Counts { images: 4, labels: 2, .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("train-images") && message.contains("train-labels"), "{message}");

    mnist_like(folder.path(), false, false);
    write(folder.path(), "t10k-images-idx3-ubyte", &idx(&[2, 2, 3], &[0; 12]));
    let error = load(folder.path(), DatasetName::Mnist).unwrap_err();
    assert!(matches!(error, DataError::SplitGeometry { .. }), "{error}");
}

#[test]
fn emnist_is_read_turned_and_under_its_own_names() {
    let folder = tempfile::tempdir().unwrap();
    for (part, n) in [("train", 3), ("test", 2)] {
        let name = |kind: &str| format!("emnist-letters-{part}-{kind}-ubyte");
        write(folder.path(), &name("images-idx3"), &images(n));
        let range: Vec<u8> = (1..=n).collect();
        write(folder.path(), &name("labels-idx1"), &idx(&[u32::from(n)], &range));
    }
    let options = IdxOptions {
        name: "EMNIST letters".into(),
        prefix: "emnist-letters-".into(),
        transpose: true,
        labels: 1..=26,
    };
    let set = load_idx(folder.path(), &options).unwrap();
    assert_eq!(set.geometry, Geometry::new(2, 3, 1));
    assert_eq!((set.classes, set.test.labels), (27, vec![1, 2]));
    let plain = load_idx(folder.path(), &IdxOptions { transpose: false, ..options }).unwrap();
    assert_ne!(set.provenance.digest(), plain.provenance.digest());
}

#[test]
fn any_batches_of_cifar_10_will_do() {
    for sub in ["", "cifar-10", "cifar-10-batches-bin"] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join(sub);
        write(&place, "data_batch_2.bin", &record(2, [1, 1, 1]));
        write(&place, "data_batch_5.bin.gz", &gzip(&record(5, [2, 2, 2])));
        let message = load(folder.path(), DatasetName::Cifar10).unwrap_err().to_string();
        assert!(message.contains("test_batch.bin"), "{message}");
        write(&place, "test_batch.bin", &record(9, [3, 3, 3]));
        let set = load(folder.path(), DatasetName::Cifar10).unwrap();
        assert_eq!((set.train.labels, set.test.labels), (vec![2, 5], vec![9]));
        assert_eq!(set.geometry, Geometry::new(32, 32, 3));
        assert_eq!(set.provenance.files.len(), 3);
    }
}

#[test]
fn the_python_version_of_cifar_10_is_named() {
    for sub in ["", "cifar-10", "cifar-10-batches-py"] {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join(sub), "data_batch_1", b"\x80\x02}q\x01(");
        let message = load(folder.path(), DatasetName::Cifar10).unwrap_err().to_string();
        assert!(message.contains("pickle") && message.contains("binary version"), "{message}");
    }
}

#[test]
#[cfg(unix)]
fn reading_writes_nothing() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    mnist_like(folder.path(), false, true);
    set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
    let result = load(folder.path(), DatasetName::Mnist);
    let count = std::fs::read_dir(folder.path()).unwrap().count();
    set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    assert!(result.is_ok());
    assert_eq!(count, 4);
}

#[test]
fn names_are_parsed_or_listed() {
    for name in DatasetName::ALL {
        assert_eq!(name.to_string().parse::<DatasetName>().unwrap(), *name);
        let text = serde_json::to_string(name).unwrap();
        assert_eq!(text, format!("\"{name}\""));
    }
    let message = "svhn".parse::<DatasetName>().unwrap_err().to_string();
    assert!(message.contains("mnist, fashion-mnist, cifar-10"), "{message}");
}
