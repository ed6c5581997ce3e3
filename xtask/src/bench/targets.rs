//! The workspace's criterion benchmarks: found through cargo, built by cargo, run one at a time.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::criterion_files::{self, Measured};
use super::record::Record;
use super::yardstick;
use crate::build::{build as build_all, program};
use crate::files::write_whole;
use crate::terminal::{self, say};
use crate::workspace::{Workspace, output, shown};

/// One built bench target.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    package: String,
    target: String,
    executable: PathBuf,
    /// The package's folder, in which cargo also runs benchmarks.
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

/// Where cargo puts its results, and where xtask may keep files that can be recreated.
pub(crate) fn scratch(workspace: &Workspace) -> Result<PathBuf> {
    Ok(metadata(workspace)?.target_directory.join("xtask"))
}

/// Builds every criterion target that can have ids which match the filter, and the yardstick.
///
/// `target_directory` separates the builds of another commit from those of this one.
pub(crate) fn build(
    workspace: &Workspace,
    filter: Option<&str>,
    target_directory: Option<&Path>,
) -> Result<Vec<Bench>> {
    let metadata = metadata(workspace)?;
    let packages = &metadata.packages;
    let scratch = metadata.target_directory.join("xtask");
    // Before the build, which takes minutes.
    let known = known(&scratch)?;
    let chosen = |package: &Package, target: &str| {
        is_yardstick(&package.name, target) || may_match(package, target, packages, filter)
    };
    let wanted = criterion_targets(packages, chosen);
    ensure!(!wanted.is_empty(), "no package has a criterion benchmark");
    let mut command = workspace.cargo("bench");
    command.arg("--no-run");
    for (package, target) in &wanted {
        command.args(["--package", &package.name, "--bench", target]);
    }
    command.current_dir(workspace.root());
    if let Some(folder) = target_directory {
        command.env("CARGO_TARGET_DIR", folder);
    }
    say(format_args!("building {} bench targets", wanted.len()));
    let artifacts = build_all(&mut command).context("the benchmarks do not build")?;
    let mut benches = Vec::with_capacity(wanted.len());
    for (package, target) in wanted {
        let executable = program(&artifacts, "bench", target, Some(&package.id))?;
        let folder = package.manifest_path.parent().unwrap_or(workspace.root()).to_owned();
        let (package, target) = (package.name.clone(), target.to_owned());
        benches.push(Bench { package, target, executable, folder, ids: Vec::new() });
    }
    for bench in &mut benches {
        bench.ids = bench.list()?;
    }
    if target_directory.is_none() {
        remember(&scratch, known, &benches)?;
    }
    Ok(benches)
}

/// The criterion targets of all chosen packages, in cargo's order.
fn criterion_targets(
    packages: &[Package],
    chosen: impl Fn(&Package, &str) -> bool,
) -> Vec<(&Package, &str)> {
    let mut wanted = Vec::new();
    for package in packages {
        let uses_criterion = package.dependencies.iter().any(|one| one.name == "criterion");
        for target in package.targets.iter().filter(|target| target.is_bench()) {
            if !chosen(package, &target.name) {
                continue;
            }
            if !uses_criterion || !target.required_features.is_empty() {
                let why = if uses_criterion { "needs features" } else { "does not use criterion" };
                say(format_args!("skipped: {}/{} {why}", package.name, target.name));
                continue;
            }
            wanted.push((package, target.name.as_str()));
        }
    }
    wanted
}

/// The ids that each target had when it was last built, by `PACKAGE/TARGET`.
type Known = BTreeMap<String, Vec<String>>;

/// Where [`remember`] keeps them.
const KNOWN: &str = "bench-ids.json";

/// Saves the ids of the built targets, together with the known ids of other targets, for lists that
/// build nothing.
fn remember(scratch: &Path, mut known: Known, benches: &[Bench]) -> Result<()> {
    for bench in benches {
        known.insert(format!("{}/{}", bench.package, bench.target), bench.ids.clone());
    }
    fs::create_dir_all(scratch).with_context(|| format!("creating {}", scratch.display()))?;
    write_whole(&scratch.join(KNOWN), &serde_json::to_string(&known)?)
}

/// The saved ids. A file that cannot be read is an error: if it were rewritten, it would only have
/// the ids of targets that are built now.
fn known(scratch: &Path) -> Result<Known> {
    let path = scratch.join(KNOWN);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Known::new()),
        read => read
            .map_err(anyhow::Error::from)
            .and_then(|text| Ok(serde_json::from_str(&text)?))
            .with_context(|| {
                format!("{} is damaged: delete it, and the next build writes it", path.display())
            }),
    }
}

/// The qualified ids that match the filter, as far as they are known without building anything:
/// from the last build, or otherwise from `records`, oldest first. A target without known ids is
/// listed as `PACKAGE/TARGET/…`.
pub(crate) fn known_ids(
    workspace: &Workspace,
    filter: Option<&str>,
    records: &[Record],
) -> Result<Vec<String>> {
    let Metadata { packages, target_directory } = metadata(workspace)?;
    let built = known(&target_directory.join("xtask"))?;
    let chosen = |package: &Package, target: &str| may_match(package, target, &packages, filter);
    let mut found = Vec::new();
    for (package, target) in criterion_targets(&packages, chosen) {
        let start = format!("{}/{target}", package.name);
        let recorded = || {
            let ids = |record: &Record| -> Option<Vec<String>> {
                let ids = record.results.iter().filter_map(|one| {
                    Some(one.id.strip_prefix(&start)?.strip_prefix('/')?.to_owned())
                });
                Some(ids.collect()).filter(|ids: &Vec<String>| !ids.is_empty())
            };
            // A record with a filter has only a part.
            records.iter().rev().filter(|record| record.filter.is_none()).find_map(ids)
        };
        match built.get(&start).cloned().or_else(recorded) {
            Some(ids) => {
                let all = ids.iter().map(|id| format!("{start}/{id}"));
                found.extend(all.filter(|id| filter.is_none_or(|filter| id.contains(filter))));
            }
            None => found.push(format!("{start}/…")),
        }
    }
    Ok(found)
}

fn is_yardstick(package: &str, target: &str) -> bool {
    package == yardstick::PACKAGE && target == yardstick::TARGET
}

/// Whether a target can have ids that match: if a filter starts with a package's name and a slash,
/// other packages need not be built; if it continues with a target's name, nor do other targets.
fn may_match(package: &Package, target: &str, packages: &[Package], filter: Option<&str>) -> bool {
    let Some((start, rest)) = filter.and_then(|filter| filter.split_once('/')) else { return true };
    let Some(named) = packages.iter().find(|package| package.name == start) else { return true };
    named.name == package.name
        && match rest.split_once('/') {
            Some((name, _)) => name == target,
            None => target.starts_with(rest) || !named.has_bench_like(rest),
        }
}

impl Package {
    /// Whether a bench target's name starts with this.
    fn has_bench_like(&self, start: &str) -> bool {
        self.targets.iter().any(|target| target.is_bench() && target.name.starts_with(start))
    }
}

impl Bench {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.arg("--bench").current_dir(&self.folder).stdin(Stdio::null());
        command.env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    /// The ids of the target; criterion's terse list has one `ID: benchmark` per line.
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
    /// `package/target/id`, which distinguishes equal ids of two targets.
    pub(crate) fn qualified(&self) -> String {
        self.bench.qualify(self.id)
    }

    pub(crate) fn is_yardstick(&self) -> bool {
        is_yardstick(&self.bench.package, &self.bench.target)
    }

    /// Runs only this benchmark and reads what criterion wrote to `home`, which is emptied first,
    /// so that a result of an earlier run cannot be mistaken for one of this run.
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
        // Criterion's report is treated as messages; the results are the record and its table.
        command.env("CRITERION_HOME", home);
        let status =
            terminal::status(&mut command).with_context(|| format!("`{}`", shown(&command)))?;
        ensure!(status.success(), "{} failed ({status})", self.qualified());
        let measured = criterion_files::read(home)?;
        ensure!(!measured.is_empty(), "criterion wrote no result for {}", self.qualified());
        if let Some(odd) = measured.iter().find(|one| one.confidence != 0.95) {
            bail!("{} has an interval of {}, not 0.95", odd.id, odd.confidence);
        }
        Ok(measured.into_iter().map(|one| (self.bench.qualify(&one.id), one)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_other_targets_are_kept_or_their_loss_is_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        assert!(known(scratch.path()).unwrap().is_empty());
        let bench = |target: &str| Bench {
            package: "p".into(),
            target: target.into(),
            executable: PathBuf::new(),
            folder: PathBuf::new(),
            ids: vec![format!("{target}/1")],
        };
        for target in ["a", "b"] {
            remember(scratch.path(), known(scratch.path()).unwrap(), &[bench(target)]).unwrap();
        }
        let both: Vec<String> = known(scratch.path()).unwrap().into_keys().collect();
        assert_eq!(both, ["p/a", "p/b"]);
        let path = scratch.path().join(KNOWN);
        for damage in [&b"{\"p/a\": ["[..], b"\xff"] {
            fs::write(&path, damage).unwrap();
            let error = known(scratch.path()).unwrap_err().to_string();
            assert!(error.contains("bench-ids.json is damaged: delete it"), "{error}");
        }
    }
}
