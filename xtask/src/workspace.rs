//! Where the workspace is, and how to call cargo and git for it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The checkout that xtask belongs to. Nothing depends on the caller's folder.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// The parent of xtask's own manifest, and the cargo that started xtask.
    ///
    /// Cargo sets both variables for `cargo run`; the values from the build serve when the binary
    /// is started by hand.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .filter(|folder| folder.ends_with("xtask"))
            .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let root = manifest
            .parent()
            .filter(|root| root.join("Cargo.toml").is_file())
            .with_context(|| format!("no workspace around {}", manifest.display()))?;
        Ok(Self { root: root.to_owned(), cargo: env::var_os("CARGO").unwrap_or("cargo".into()) })
    }

    /// The same cargo, for another checkout (a worktree of an older commit).
    pub(crate) fn at(&self, root: &Path) -> Self {
        Self { root: root.to_owned(), cargo: self.cargo.clone() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `cargo COMMAND --manifest-path <root>/Cargo.toml`, in the caller's folder.
    pub(crate) fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.arg(command).arg("--manifest-path").arg(self.root.join("Cargo.toml"));
        cargo
    }

    /// What `git ARGUMENTS` says in this checkout, without the last line break.
    pub(crate) fn git(&self, arguments: &[&str]) -> Result<String> {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.root).args(arguments);
        output(git)
    }
}

/// The trimmed standard output of a command that must succeed.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let shown = shown(&command);
    let result = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{shown}` did not start; is it installed?"))?;
    if !result.status.success() {
        let message = String::from_utf8_lossy(&result.stderr);
        bail!("`{shown}` failed ({}): {}", result.status, message.trim());
    }
    let text = String::from_utf8(result.stdout)
        .with_context(|| format!("`{shown}` printed something else than UTF-8"))?;
    Ok(text.trim().to_owned())
}

/// A command as one would type it, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    words.join(" ")
}
