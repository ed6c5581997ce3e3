//! Reads and creates lease files.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::atomic::{TEMPORARY, nonce};
use super::super::json;
use super::super::process::Process;
use crate::error::PaperError;

/// The extension of a held lease.
pub(super) const HELD: &str = "json";
/// The extension of a released lease.
pub(super) const RELEASED: &str = "released";

/// The contents of a lease file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) token: u64,
    /// The attempt that the holder writes to; 0 is the trial's folder itself.
    pub(super) attempt: u64,
    pub(super) holder: Process,
    /// The number of milliseconds without a sign of life after which the holder counts as gone.
    pub(super) silence: u64,
}

/// The newest lease in a trial's folder.
pub(super) struct NewestLease {
    pub(super) token: u64,
    pub(super) path: PathBuf,
    pub(super) released: bool,
    /// `None` if the file is damaged.
    pub(super) terms: Option<Terms>,
    pub(super) length: u64,
}

impl NewestLease {
    pub(super) fn is_of_this_machine(&self) -> bool {
        self.released || self.terms.as_ref().is_none_or(|terms| terms.holder.is_of_this_machine())
    }
}

pub(super) fn path_of(root: &Path, token: u64, extension: &str) -> PathBuf {
    root.join(format!("lease-{token}.{extension}"))
}

/// The newest lease, if there ever was one.
pub(super) fn newest(root: &Path) -> Result<Option<NewestLease>, PaperError> {
    loop {
        let Some((token, path)) = leases(root)?.into_iter().max() else { return Ok(None) };
        let released = path.extension().is_some_and(|extension| extension == RELEASED);
        let terms = match json::read::<Terms>(&path) {
            // Released, or followed by a newer one, since the folder was listed.
            Ok(None) => continue,
            Ok(terms) => terms.filter(|terms| terms.token == token),
            Err(PaperError::Damaged { .. }) => None,
            Err(error) => return Err(error),
        };
        // The file is opened to get its length, since network file systems then ask the server.
        let file = fs::File::open(&path).and_then(|file| file.metadata());
        let length = file.map_or(0, |file| file.len());
        return Ok(Some(NewestLease { token, path, released, terms, length }));
    }
}

/// All leases in a folder, with their tokens.
pub(super) fn leases(root: &Path) -> Result<Vec<(u64, PathBuf)>, PaperError> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(PaperError::file("list", root)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(PaperError::file("list", root))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let parts = name.and_then(|name| name.strip_prefix("lease-")?.split_once('.'));
        if let Some((token, HELD | RELEASED)) = parts
            && let Ok(token) = token.parse()
        {
            found.push((token, path));
        }
    }
    Ok(found)
}

/// Creates the lease with these terms and returns its path. `None` if another process was faster,
/// that is, if there is a lease with the same token, held or released, or with a larger one.
pub(super) fn claim(root: &Path, terms: &Terms) -> Result<Option<PathBuf>, PaperError> {
    let path = path_of(root, terms.token, HELD);
    if !create(&path, terms)? {
        return Ok(None);
    }
    // A released lease has another file name, so creating this one does not fail because of it.
    let newest = newest(root);
    if matches!(&newest, Ok(Some(newest)) if newest.path == path) {
        return Ok(Some(path));
    }
    // After an error too: a lease that nobody holds would keep others waiting.
    let _ = fs::remove_file(&path);
    newest.map(|_| None)
}

/// Creates a lease file that is complete as soon as it exists; false if there already is one.
pub(super) fn create(path: &Path, terms: &Terms) -> Result<bool, PaperError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.{TEMPORARY}", nonce()));
    let temporary = PathBuf::from(temporary);
    let text = json::text(path, terms)?;
    fs::write(&temporary, &text).map_err(PaperError::file("write", &temporary))?;
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    match linked {
        Ok(()) => Ok(true),
        // A network file system may repeat a request that succeeded, and report that the file
        // exists.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(matches!(json::read::<Terms>(path), Ok(Some(there)) if there == *terms))
        }
        // Not every file system has hard links.
        Err(_) => match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).map_err(PaperError::file("write", path))?;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(PaperError::file("create", path)(error)),
        },
    }
}
