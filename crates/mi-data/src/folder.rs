//! Finding a data set's files in a folder.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf, absolute};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::{
    DataError, Dataset, Geometry, Provenance, SourceFile, Split, cifar, read_idx_images,
    read_idx_labels,
};

/// A published data set that [`load`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DatasetName {
    /// Handwritten digits, 28×28×1 (Yann Le Cun, Corinna Cortes, Christopher Burges).
    Mnist,
    /// Clothes, 28×28×1 (H. Xiao, K. Rasul, R. Vollgraf, 2017).
    FashionMnist,
    /// Objects, 32×32×3 (A. Krizhevsky, 2009).
    #[serde(rename = "cifar-10")]
    Cifar10,
}

impl DatasetName {
    /// Every known data set.
    pub const ALL: &'static [Self] = &[Self::Mnist, Self::FashionMnist, Self::Cifar10];

    /// The name on command lines and in records, and also of the folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar-10",
        }
    }

    /// The size of one image.
    pub const fn geometry(self) -> Geometry {
        match self {
            Self::Mnist | Self::FashionMnist => Geometry::new(28, 28, 1),
            Self::Cifar10 => cifar::GEOMETRY,
        }
    }

    /// The subfolders of the given folder in which the files may be. The folder itself comes last:
    /// MNIST and Fashion-MNIST use the same file names, so a folder's name is a better sign.
    const fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Mnist => &["mnist", "MNIST/raw", ""],
            Self::FashionMnist => &["fashion-mnist", "FashionMNIST/raw", ""],
            Self::Cifar10 => &["cifar-10", "cifar-10-batches-bin", ""],
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DatasetName {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|name| name.as_str()).collect();
            DataError::UnknownName { what: "data set", found: text.into(), known: known.join(", ") }
        })
    }
}

/// How to read a folder of IDX files that is neither MNIST nor Fashion-MNIST.
///
/// | field | default | purpose |
/// | --- | --- | --- |
/// | `name` | `idx` | the set's name in tables |
/// | `prefix` | empty | what file names start with, `emnist-digits-` |
/// | `transpose` | false | swap rows and columns of every image; EMNIST needs it |
/// | `labels` | 0..=9 | the labels allowed; EMNIST letters: 1..=26 |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxOptions {
    /// The set's name in tables.
    pub name: String,
    /// What file names start with.
    pub prefix: String,
    /// Whether rows and columns of every image are swapped.
    pub transpose: bool,
    /// The labels allowed.
    pub labels: RangeInclusive<u8>,
}

impl Default for IdxOptions {
    fn default() -> Self {
        Self { name: "idx".into(), prefix: String::new(), transpose: false, labels: 0..=9 }
    }
}

/// Loads a published data set from `dir` or from its folder below `dir`.
///
/// MNIST and Fashion-MNIST: the four IDX files, both spellings of their names
/// (`train-images-idx3-ubyte` and `train-images.idx3-ubyte`), with or without `.gz`; a file's
/// content decides whether it is packed. CIFAR-10: the binary version, whichever of
/// `data_batch_1.bin` to `data_batch_5.bin` are there, and `test_batch.bin`, with or without `.gz`.
/// Nothing is written.
///
/// # Errors
/// If a file is missing (the message lists every path tried), cannot be read, is damaged, or
/// belongs to another data set.
pub fn load(dir: &Path, name: DatasetName) -> Result<Dataset, DataError> {
    let dir = absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let folders: Vec<PathBuf> = name.folders().iter().map(|sub| dir.join(sub)).collect();
    if name == DatasetName::Cifar10 {
        return load_cifar10(&folders);
    }
    let options = IdxOptions { name: name.as_str().into(), ..IdxOptions::default() };
    let dataset = load_idx_folders(&folders, &options)?;
    for file in &dataset.provenance.files {
        if let Some(&(_, found)) = LABEL_HASHES.iter().find(|(sha256, _)| *sha256 == file.sha256)
            && found != name
        {
            return Err(DataError::OtherDataset {
                path: PathBuf::from(&file.path),
                found: found.as_str(),
                asked: name.as_str(),
                sha256: file.sha256.clone(),
            });
        }
    }
    Ok(dataset)
}

/// Loads four IDX files, named like MNIST's, from `dir`; the test files may start with `t10k` or
/// `test`.
///
/// ```no_run
/// use mi_data::{IdxOptions, load_idx};
///
/// let options = IdxOptions {
///     name: "EMNIST letters".into(),
///     prefix: "emnist-letters-".into(), // emnist-letters-train-images-idx3-ubyte, …
///     transpose: true,
///     labels: 1..=26,
/// };
/// let letters = load_idx("data/emnist".as_ref(), &options)?;
/// # Ok::<(), mi_data::DataError>(())
/// ```
///
/// # Errors
/// Those of [`load`].
pub fn load_idx(dir: &Path, options: &IdxOptions) -> Result<Dataset, DataError> {
    let dir = absolute(dir).unwrap_or_else(|_| dir.to_owned());
    load_idx_folders(&[dir], options)
}

/// SHA-256 of the published label files, which distinguish the two sets.
const LABEL_HASHES: &[(&str, DatasetName)] = &[
    ("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", DatasetName::Mnist),
    ("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", DatasetName::Mnist),
    ("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", DatasetName::FashionMnist),
    ("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", DatasetName::FashionMnist),
];

fn load_idx_folders(folders: &[PathBuf], options: &IdxOptions) -> Result<Dataset, DataError> {
    let names = |part: &str, kind: &str| -> Vec<String> {
        let stem = format!("{}{part}-{kind}-ubyte", options.prefix);
        let dotted = format!("{}{part}-{}-ubyte", options.prefix, kind.replacen('-', ".", 1));
        [stem, dotted].iter().flat_map(|name| [format!("{name}.gz"), name.clone()]).collect()
    };
    let train = names("train", "images-idx3");
    let folder = &folders[find(folders, &train, &options.name)?.0];
    let one = std::slice::from_ref(folder);
    let read = |parts: &[&str],
                what: &str|
     -> Result<(Split, Geometry, [SourceFile; 2]), DataError> {
        let all = |kind: &str| parts.iter().flat_map(|part| names(part, kind)).collect::<Vec<_>>();
        let images_path = find(one, &all("images-idx3"), &options.name)?.1;
        let labels_path = find(one, &all("labels-idx1"), &options.name)?.1;
        let labels = read_idx_labels(&labels_path, options.labels.clone())?;
        let images = read_idx_images(&images_path, options.transpose)?;
        let (n, m) = (images.images.nrows(), labels.labels.len());
        if n != m {
            return Err(DataError::Counts { images_path, images: n, labels_path, labels: m });
        }
        let split = Split::new(images.images, labels.labels)?;
        let (mut images_file, mut labels_file) = (images.file, labels.file);
        images_file.role = format!("{what} {}", images_file.role);
        labels_file.role = format!("{what} {}", labels_file.role);
        Ok((split, images.geometry, [images_file, labels_file]))
    };
    let (train, geometry, train_files) = read(&["train"], "train")?;
    let (test, test_geometry, test_files) = read(&["t10k", "test"], "test")?;
    if geometry != test_geometry {
        return Err(DataError::SplitGeometry {
            train: geometry.to_string(),
            test: test_geometry.to_string(),
        });
    }
    Ok(Dataset {
        name: options.name.clone(),
        train,
        test,
        geometry,
        classes: usize::from(*options.labels.end()) + 1,
        provenance: Provenance {
            source: folder.display().to_string(),
            files: train_files.into_iter().chain(test_files).collect(),
        },
    })
}

fn load_cifar10(folders: &[PathBuf]) -> Result<Dataset, DataError> {
    let name = DatasetName::Cifar10;
    let names = |stem: &str| vec![format!("{stem}.bin"), format!("{stem}.bin.gz")];
    let stems: Vec<String> = (1..=5).map(|batch| format!("data_batch_{batch}")).collect();
    let every: Vec<String> = stems.iter().flat_map(|stem| names(stem)).collect();
    let folder = match find(folders, &every, name.as_str()) {
        Ok((folder, _)) => &folders[folder],
        Err(missing) => {
            // The Python version's files have no extension: say so rather than "not found".
            let python =
                [folders, &[folders[folders.len() - 1].join("cifar-10-batches-py")]].concat();
            let (_, path) = find(&python, &stems, name.as_str()).map_err(|_| missing)?;
            Content::open(&path, "CIFAR-10 records")?;
            return Err(DataError::Foreign {
                path,
                found: "a file without the extension .bin",
                expected: "CIFAR-10 records",
                remedy: "rename it if it is from the binary version of CIFAR-10",
            });
        }
    };
    let one = std::slice::from_ref(folder);
    let train_paths: Vec<PathBuf> = stems
        .iter()
        .filter_map(|stem| find(one, &names(stem), name.as_str()).ok())
        .map(|(_, path)| path)
        .collect();
    let train_paths: Vec<&Path> = train_paths.iter().map(PathBuf::as_path).collect();
    let test_path = find(one, &names("test_batch"), name.as_str())?.1;
    let (train, mut files) = cifar::read_as(&train_paths, "train batch")?;
    let (test, test_files) = cifar::read_as(&[&test_path], "test batch")?;
    files.extend(test_files);
    Ok(Dataset {
        name: name.as_str().into(),
        train,
        test,
        geometry: cifar::GEOMETRY,
        classes: 10,
        provenance: Provenance { source: folder.display().to_string(), files },
    })
}

/// The first of `folders` that contains one of `names`, and the file's path.
fn find(folders: &[PathBuf], names: &[String], set: &str) -> Result<(usize, PathBuf), DataError> {
    let mut tried = Vec::with_capacity(folders.len() * names.len());
    for (i, folder) in folders.iter().enumerate() {
        for name in names {
            let path = folder.join(name);
            // A file that exists but cannot be read is reported when it is opened.
            if path.is_file() {
                return Ok((i, path));
            }
            tried.push(path);
        }
    }
    Err(DataError::NotFound {
        what: format!("{set} file {}", names.first().map_or("", String::as_str)),
        tried,
        hint: "put the published files there, as they are or unpacked, or name another folder"
            .into(),
    })
}
