use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::atomic::write_atomically;
use crate::config::hex;
use crate::error::PaperError;

const CHECKSUM: &str = "checksum";

/// A value with a checksum over it, in the same JSON object.
#[derive(Serialize)]
pub(super) struct Sealed<'a, T> {
    #[serde(flatten)]
    value: &'a T,
    checksum: String,
}

impl<'a, T: Serialize> Sealed<'a, T> {
    pub(super) fn new(value: &'a T) -> Result<Self, PaperError> {
        let json = serde_json::to_value(value).map_err(PaperError::encode("a value"))?;
        Ok(Self { value, checksum: checksum(&json) })
    }
}

/// Checks and parses a JSON object that may have a checksum. Objects of earlier versions have none.
///
/// # Errors
/// A sentence that says that the checksum differs, or why the object is not a `T`.
pub(super) fn unseal<T: DeserializeOwned>(mut json: Value) -> Result<T, String> {
    if let Some(stored) = json.as_object_mut().and_then(|object| object.remove(CHECKSUM))
        && stored != checksum(&json)
    {
        return Err("its checksum differs: it was changed after it was written".into());
    }
    T::deserialize(json).map_err(|error| error.to_string())
}

/// Writes a value with its checksum.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), PaperError> {
    write_atomically(path, text(path, value)?.as_bytes())
}

/// A value with its checksum as the text of a file at `path`.
pub(super) fn text<T: Serialize>(path: &Path, value: &T) -> Result<String, PaperError> {
    serde_json::to_string_pretty(&Sealed::new(value)?)
        .map_err(PaperError::encode(path.display().to_string()))
}

/// Writes a value without a checksum.
pub(super) fn write_plain<T: Serialize>(path: &Path, value: &T) -> Result<(), PaperError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(PaperError::encode(path.display().to_string()))?;
    write_atomically(path, text.as_bytes())
}

/// Reads a file written by [`write`]; `None` if there is no such file.
///
/// # Errors
/// [`PaperError::Damaged`] if the file is invalid or cannot be read.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, PaperError> {
    let Some(json) = read_plain(path)? else { return Ok(None) };
    unseal(json).map(Some).map_err(|reason| PaperError::Damaged { path: path.into(), reason })
}

/// Reads any JSON file; `None` if there is no such file.
pub(super) fn read_plain(path: &Path) -> Result<Option<Value>, PaperError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PaperError::file("read", path)(error)),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| PaperError::Damaged { path: path.into(), reason: error.to_string() })
}

/// Whether a file is a JSON object with a checksum, whether valid or not: it then comes from a
/// version that writes checksums.
pub(super) fn has_checksum(path: &Path) -> bool {
    matches!(read_plain(path), Ok(Some(json)) if json.get(CHECKSUM).is_some())
}

/// The SHA-256 of a value, independent of the order of keys and of white space.
fn checksum(json: &Value) -> String {
    let mut text = String::new();
    canonical(json, &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

fn canonical(json: &Value, text: &mut String) {
    match json {
        Value::Object(object) => {
            text.push('{');
            for (key, value) in object.iter().collect::<BTreeMap<_, _>>() {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for value in values {
                canonical(value, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        name: String,
        value: f64,
        list: Vec<u64>,
    }

    fn written() -> (tempfile::TempDir, std::path::PathBuf, Sample) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("sample.json");
        let sample = Sample { name: "a \"b\"".into(), value: 0.1 + 0.2, list: vec![3, 1] };
        write(&path, &sample).unwrap();
        (root, path, sample)
    }

    #[test]
    fn every_changed_bit_is_detected_or_harmless() {
        let (_root, path, sample) = written();
        let text = fs::read(&path).unwrap();
        for bit in 0..8 * text.len() {
            let index = bit / 8;
            let mut changed = text.clone();
            changed[index] ^= 1 << (bit % 8);
            fs::write(&path, &changed).unwrap();
            if let Ok(found) = read::<Sample>(&path) {
                assert_eq!(found.as_ref(), Some(&sample), "byte {index}");
            }
        }
    }

    #[test]
    fn key_order_and_white_space_do_not_matter_and_old_files_have_no_checksum() {
        let (_root, path, sample) = written();
        let json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let told = json["checksum"].as_str().unwrap();
        let again = format!(
            r#"{{"checksum":"{told}","value":{},"list":[3,1],"name":"a \"b\""}}"#,
            sample.value
        );
        fs::write(&path, again).unwrap();
        assert_eq!(read(&path).unwrap(), Some(sample));
        fs::write(&path, r#"{"name":"old","value":1,"list":[]}"#).unwrap();
        assert_eq!(read::<Sample>(&path).unwrap().unwrap().name, "old");
    }
}
