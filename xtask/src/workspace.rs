//! Where the workspace is, and how to call cargo and git for it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The checkout that the command is about.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// The checkout that the command runs in, and the cargo that started it.
    ///
    /// `cargo xtask` names the checkout (`cargo run` sets `CARGO_MANIFEST_DIR`); a binary started
    /// by hand searches for it from the current folder upwards. It does not matter where the binary
    /// was compiled: target folders are shared, and copied with their checkout.
    pub(crate) fn find() -> Result<Self> {
        let named = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let named = named.filter(|folder| folder.ends_with("xtask"));
        let here = env::current_dir().context("the current folder cannot be found")?;
        let root = match named.as_deref().and_then(Path::parent) {
            Some(root) => Some(root).filter(|root| is_root(root)),
            None => here.ancestors().find(|folder| is_root(folder)),
        };
        let root = root.with_context(|| {
            let from = named.as_deref().unwrap_or(&here).display();
            format!(
                "there is no workspace with an xtask in {from} or above; go to a checkout first"
            )
        })?;
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

    /// The output of `git ARGUMENTS` in this checkout, without the last line break.
    pub(crate) fn git(&self, arguments: &[&str]) -> Result<String> {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.root).args(arguments);
        output(git)
    }
}

fn is_root(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file() && folder.join("xtask").join("Cargo.toml").is_file()
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
        .with_context(|| format!("`{shown}` printed text that is not UTF-8"))?;
    Ok(text.trim().to_owned())
}

/// A command as one would type it, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    words.join(" ")
}
