//! The workspace's criterion benchmarks: found through cargo, built by cargo, run one at a time.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::criterion_files::{self, Measured};
use super::yardstick;
use crate::workspace::{Workspace, output, shown};

/// One built bench target.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    package: String,
    target: String,
    executable: PathBuf,
    /// The package's folder, in which cargo runs benchmarks too.
    folder: PathBuf,
    /// Criterion's full ids, in the order in which the target declares them.
    ids: Vec<String>,
}

/// One benchmark of a built target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    bench: &'a Bench,
    id: &'a str,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    id: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

/// What `cargo build --message-format json` says of one finished target.
#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    target: Target,
    executable: Option<PathBuf>,
}

impl Target {
    fn is_bench(&self) -> bool {
        self.kind.iter().any(|kind| kind == "bench")
    }
}

fn metadata(workspace: &Workspace) -> Result<Metadata> {
    let mut command = workspace.cargo("metadata");
    command.args(["--format-version", "1", "--no-deps"]).current_dir(workspace.root());
    serde_json::from_str(&output(command)?).context("cargo metadata has an unknown form")
}

/// Where cargo puts its results, and where xtask may keep files that can be made again.
pub(crate) fn scratch(workspace: &Workspace) -> Result<PathBuf> {
    Ok(metadata(workspace)?.target_directory.join("xtask"))
}

/// Builds every criterion target that can hold ids which match the filter, and the yardstick.
///
/// `target_directory` separates the builds of another commit from this one's.
pub(crate) fn build(
    workspace: &Workspace,
    filter: Option<&str>,
    target_directory: Option<&Path>,
) -> Result<Vec<Bench>> {
    let packages = metadata(workspace)?.packages;
    let mut command = workspace.cargo("bench");
    command.args(["--no-run", "--message-format", "json-render-diagnostics"]);
    let mut wanted = Vec::new();
    for package in packages.iter().filter(|package| may_match(&package.name, &packages, filter)) {
        let uses_criterion = package.dependencies.iter().any(|one| one.name == "criterion");
        for target in package.targets.iter().filter(|target| target.is_bench()) {
            if !uses_criterion || !target.required_features.is_empty() {
                let why = if uses_criterion { "needs features" } else { "does not use criterion" };
                eprintln!("skipped: {}/{} {why}", package.name, target.name);
                continue;
            }
            command.args(["--package", &package.name, "--bench", &target.name]);
            wanted.push((package, target.name.as_str()));
        }
    }
    ensure!(!wanted.is_empty(), "no package has a criterion benchmark");
    command.current_dir(workspace.root()).stdin(Stdio::null()).stderr(Stdio::inherit());
    if let Some(folder) = target_directory {
        command.env("CARGO_TARGET_DIR", folder);
    }
    eprintln!("building {} bench targets", wanted.len());
    let result = command.output().with_context(|| format!("`{}`", shown(&command)))?;
    ensure!(result.status.success(), "the benchmarks do not build: `{}`", shown(&command));

    let messages = String::from_utf8_lossy(&result.stdout);
    let artifacts: Vec<Artifact> =
        messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut benches = Vec::with_capacity(wanted.len());
    for (package, target) in wanted {
        let executable = artifacts
            .iter()
            .filter(|one| one.target.is_bench() && one.target.name == target)
            .find(|one| one.package_id == package.id)
            .and_then(|one| one.executable.clone())
            .with_context(|| format!("cargo built no program for {}/{target}", package.name))?;
        let folder = package.manifest_path.parent().unwrap_or(workspace.root()).to_owned();
        let (package, target) = (package.name.clone(), target.to_owned());
        benches.push(Bench { package, target, executable, folder, ids: Vec::new() });
    }
    for bench in &mut benches {
        bench.ids = bench.list()?;
    }
    Ok(benches)
}

/// A filter that starts with a package's name and a slash leaves the other packages unbuilt.
fn may_match(name: &str, packages: &[Package], filter: Option<&str>) -> bool {
    let Some((start, _)) = filter.and_then(|filter| filter.split_once('/')) else { return true };
    name == yardstick::PACKAGE
        || name == start
        || !packages.iter().any(|package| package.name == start)
}

impl Bench {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.arg("--bench").current_dir(&self.folder).stdin(Stdio::null());
        command.env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    /// The ids of the target; criterion's terse list has one `ID: benchmark` a line.
    fn list(&self) -> Result<Vec<String>> {
        let mut command = self.command();
        command.args(["--list", "--format", "terse"]);
        let text = output(command)?;
        let ids = text.lines().filter_map(|line| line.strip_suffix(": benchmark"));
        let mut ids: Vec<_> = ids.map(str::to_owned).collect();
        // An id declared twice is run twice by one `--exact`.
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        Ok(ids)
    }

    pub(crate) fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        self.ids.iter().map(|id| Case { bench: self, id })
    }

    fn qualify(&self, id: &str) -> String {
        format!("{}/{}/{id}", self.package, self.target)
    }
}

impl Case<'_> {
    /// `package/target/id`: equal ids of two targets differ in it.
    pub(crate) fn qualified(&self) -> String {
        self.bench.qualify(self.id)
    }

    pub(crate) fn is_yardstick(&self) -> bool {
        self.bench.package == yardstick::PACKAGE && self.bench.target == yardstick::TARGET
    }

    /// Runs this benchmark alone and reads what criterion wrote to `home`, which is emptied
    /// before: a result of an earlier run can never be taken for one of this.
    pub(crate) fn measure(&self, home: &Path, quick: bool) -> Result<Vec<(String, Measured)>> {
        if home.exists() {
            fs::remove_dir_all(home).with_context(|| format!("emptying {}", home.display()))?;
        }
        fs::create_dir_all(home).with_context(|| format!("creating {}", home.display()))?;
        let mut command = self.bench.command();
        command.args(["--noplot", "--exact", self.id]);
        if quick {
            command.args(["--quick", "--measurement-time", "0.3"]);
        }
        if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            command.args(["--color", "never"]);
        }
        // Criterion's report is a message here; the results are the record and its table.
        command.env("CRITERION_HOME", home).stdout(Stdio::from(io::stderr()));
        let status = command.status().with_context(|| format!("`{}`", shown(&command)))?;
        ensure!(status.success(), "{} failed ({status})", self.qualified());
        let measured = criterion_files::read(home)?;
        ensure!(!measured.is_empty(), "criterion wrote no result for {}", self.qualified());
        if let Some(odd) = measured.iter().find(|one| one.confidence != 0.95) {
            bail!("{} has an interval of {}, not 0.95", odd.id, odd.confidence);
        }
        Ok(measured.into_iter().map(|one| (self.bench.qualify(&one.id), one)).collect())
    }
}
