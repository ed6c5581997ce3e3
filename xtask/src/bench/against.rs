//! `cargo xtask bench --against REF`: this checkout and another commit, run in alternation.
//!
//! On a noisy machine, two records made an hour apart differ because of the machine. Here each
//! benchmark of one side runs next to the same benchmark of the other, the order alternates from
//! round to round, and a verdict must hold in every round.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::comparison::{Evidence, Interval, Line, Verdict};
use super::criterion_files::Measured;
use super::measure::Progress;
use super::record::short;
use super::targets::{self, Bench, Case};
use crate::terminal::say;
use crate::workspace::Workspace;

/// How two sides are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) rounds: u32,
    /// As a fraction: 0.05 for 5 %.
    pub(crate) threshold: f64,
    pub(crate) quick: bool,
}

/// The full hash of a commit, or an error that lists what the user may have meant.
pub(crate) fn resolve(workspace: &Workspace, reference: &str) -> Result<String> {
    let commit = format!("{reference}^{{commit}}");
    workspace.git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(
        |_| {
            let names = workspace
                .git(&["for-each-ref", "--format=%(refname:short)"])
                .unwrap_or_default()
                .replace('\n', ", ");
            anyhow::anyhow!(
                "`{reference}` is not a commit here; give a hash, HEAD~1, … or one of: {names}"
            )
        },
    )
}

/// The benchmarks of another commit, built in a separate worktree below the target folder.
///
/// Worktree and build are kept for next time; those of commits outside `keep` are removed.
pub(crate) fn build_commit(
    workspace: &Workspace,
    hash: &str,
    filter: Option<&str>,
    keep: &[&str],
) -> Result<Vec<Bench>> {
    let folder = targets::scratch(workspace)?.join("against");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    remove_others(workspace, &folder, keep)?;
    let place = folder.join(short(hash));
    let tree = worktree(workspace, &place, hash)?;
    say(format_args!("building commit {} in {}", short(hash), tree.display()));
    targets::build(&workspace.at(&tree), filter, Some(&place.join("target")))
}

fn worktree(workspace: &Workspace, place: &Path, hash: &str) -> Result<PathBuf> {
    let tree = place.join("tree");
    // Forgets worktrees whose folder was deleted manually, which would block `add`.
    workspace.git(&["worktree", "prune"])?;
    let path = tree.to_str().with_context(|| format!("{} is not UTF-8", tree.display()))?;
    if tree.exists() {
        let there = workspace.at(&tree);
        let status = there.git(&["status", "--porcelain", "--untracked-files=no"])?;
        if there.git(&["rev-parse", "HEAD"])? == hash && status.is_empty() {
            return Ok(tree);
        }
        workspace.git(&["worktree", "remove", "--force", path])?;
    }
    workspace.git(&["worktree", "add", "--detach", path, hash])?;
    Ok(tree)
}

fn remove_others(workspace: &Workspace, folder: &Path, keep: &[&str]) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    for entry in entries {
        let place = entry.with_context(|| format!("{}", folder.display()))?.path();
        if !keep.iter().any(|hash| place.ends_with(short(hash))) {
            fs::remove_dir_all(&place).with_context(|| format!("removing {}", place.display()))?;
        }
    }
    workspace.git(&["worktree", "prune"])?;
    Ok(())
}

/// Runs the chosen benchmarks of both sides in alternation and compares them.
pub(crate) fn alternate(
    workspace: &Workspace,
    old: &[Bench],
    new: &[Bench],
    chosen: impl Fn(&str) -> bool,
    rules: Rules,
) -> Result<Vec<Line>> {
    let cases = |side: &[Bench]| -> BTreeSet<String> {
        side.iter().flat_map(Bench::cases).map(|case| case.qualified()).collect()
    };
    let (old_ids, new_ids) = (cases(old), cases(new));
    let (both, one_sided): (Vec<_>, Vec<_>) = old_ids
        .union(&new_ids)
        .filter(|id| chosen(id))
        .partition(|id| old_ids.contains(*id) && new_ids.contains(*id));
    ensure!(
        !(both.is_empty() && one_sided.is_empty()),
        "no benchmark matches; there are:\n{}",
        new_ids.iter().cloned().collect::<Vec<_>>().join("\n")
    );

    let home = targets::scratch(workspace)?.join("criterion");
    let mut progress = Progress::new(both.len() * rules.rounds as usize);
    let mut rounds: BTreeMap<String, Vec<[Interval; 2]>> = BTreeMap::new();
    for round in 0..rules.rounds {
        for id in &both {
            progress.announce(&format!("round {} {id}", round + 1));
            let run = |side: &[Bench]| -> Result<Vec<(String, Measured)>> {
                find(side, id)?.measure(&home, rules.quick)
            };
            // Heat and caches favour one position in a pair; each side gets both in turn.
            let (before, after) = if round % 2 == 0 {
                let before = run(old)?;
                (before, run(new)?)
            } else {
                let after = run(new)?;
                (run(old)?, after)
            };
            let after: BTreeMap<_, _> = after.into_iter().collect();
            for (id, before) in before {
                if let Some(after) = after.get(&id) {
                    let pair = [interval(&before), interval(after)];
                    rounds.entry(id).or_default().push(pair);
                }
            }
        }
    }
    let mut lines = pooled(rounds, rules.threshold);
    // One-sided benchmarks are listed, not run: there is nothing to alternate with.
    lines.extend(one_sided.into_iter().map(|id| {
        let verdict = if old_ids.contains(id) { Verdict::Gone } else { Verdict::New };
        Line { id: id.clone(), old: None, new: None, ratio: None, verdict }
    }));
    lines.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(lines)
}

/// One line per benchmark, from the (old, new) pairs of its rounds.
fn pooled(rounds: BTreeMap<String, Vec<[Interval; 2]>>, threshold: f64) -> Vec<Line> {
    let pool = |(id, pairs): (String, Vec<[Interval; 2]>)| {
        let ratios: Vec<_> = pairs.iter().map(|&[old, new]| Interval::ratio(new, old)).collect();
        let [old, new] = [0, 1].map(|side| pairs.iter().map(|pair| pair[side]).collect::<Vec<_>>());
        let points = [Interval::of_rounds(&old)?.point, Interval::of_rounds(&new)?.point];
        let ratio = Interval::of_rounds(&ratios)?;
        Some(Line::of_both(id, points, ratio, threshold, Evidence::Conclusive))
    };
    rounds.into_iter().filter_map(pool).collect()
}

fn interval(measured: &Measured) -> Interval {
    Interval { point: measured.median, low: measured.low, high: measured.high }
}

fn find<'a>(side: &'a [Bench], id: &str) -> Result<Case<'a>> {
    side.iter()
        .flat_map(Bench::cases)
        .find(|case| case.qualified() == id)
        .with_context(|| format!("{id} is not in its list any more"))
}
