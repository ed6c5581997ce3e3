//! The representation that a trial saves: test images × features, as an NPY file.

use std::fs;
use std::io::{Cursor, ErrorKind};

use ndarray::Array2;
use ndarray_npy::{ReadNpyExt, WriteNpyExt};

use super::atomic::write_atomically;
use super::trial::TrialFolder;
use crate::error::PaperError;

pub(super) const FILE: &str = "representation.npy";

impl TrialFolder {
    /// Writes the trial's representation of test images.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn save_representation(&self, features: &Array2<f32>) -> Result<(), PaperError> {
        let path = self.path().join(FILE);
        let mut bytes = Vec::new();
        features.write_npy(Cursor::new(&mut bytes)).map_err(|error| PaperError::File {
            action: "write",
            path: path.clone(),
            reason: std::io::Error::other(error),
        })?;
        write_atomically(&path, &bytes)
    }

    /// The trial's representation of test images, if it saved one.
    ///
    /// # Errors
    /// [`PaperError::Damaged`] if the file is not an NPY file of a matrix of `f32`.
    pub fn representation(&self) -> Result<Option<Array2<f32>>, PaperError> {
        let path = self.path().join(FILE);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.map_err(PaperError::file("read", &path))?,
        };
        let features = Array2::read_npy(Cursor::new(bytes));
        features.map(Some).map_err(|error| PaperError::Damaged {
            path,
            reason: format!(
                "{error}; restore the file, or make the run again in another folder, with --out"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use crate::folder::RunFolder;

    #[test]
    fn a_saved_representation_is_read_back_and_damage_is_reported() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path()).trial("one");
        folder.create().unwrap();
        assert_eq!(folder.representation().unwrap(), None);
        let features = array![[1.0_f32, 2.0, -3.5], [0.25, f32::MAX, 0.0]];
        folder.save_representation(&features).unwrap();
        assert_eq!(folder.representation().unwrap(), Some(features));
        let path = folder.path().join(super::FILE);
        std::fs::write(&path, "nothing").unwrap();
        let error = folder.representation().unwrap_err().to_string();
        assert!(error.contains("representation.npy") && error.contains("--out"), "{error}");
    }
}
