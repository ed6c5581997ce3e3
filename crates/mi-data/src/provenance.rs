use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where a data set came from: enough for a record to identify the bytes that a run read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The folder, or a description if there is none.
    pub source: String,
    /// The files, in the order in which they were read.
    pub files: Vec<SourceFile>,
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The file's role in the set: `train images`, `test labels`, …
    pub role: String,
    /// Where it was found.
    pub path: String,
    /// Bytes of content, decompressed.
    pub bytes: u64,
    /// SHA-256 of the content (of the decompressed bytes, so that repacking changes nothing), in
    /// hexadecimal.
    pub sha256: String,
}

impl Provenance {
    /// One SHA-256 (hexadecimal) over the roles and content hashes of all files. Equal content
    /// gives equal digests, wherever the files are and however they are packed.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for file in &self.files {
            hasher.update(format!("{}\n{}\n", file.role, file.sha256));
        }
        hexadecimal(hasher)
    }
}

pub(crate) fn hexadecimal(hasher: Sha256) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    hasher.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
