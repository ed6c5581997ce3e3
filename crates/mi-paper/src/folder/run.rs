use std::fs;
use std::path::{Path, PathBuf};

use super::atomic::set_aside;
use super::differences::differences;
use super::merged::Merged;
use super::repair::{choose, tell_unsealed};
use super::trial::TrialFolder;
use super::{json, merged, ownership};
use crate::error::PaperError;
use crate::origin::Origin;
use crate::outcome::{Outcome, RunInfo};
use crate::plan::Plan;

pub(super) const PLAN: &str = "plan.json";
pub(super) const RUN: &str = "run.json";

/// A folder with one plan and its results.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a trial.
    pub fn trial(&self, id: &str) -> TrialFolder {
        TrialFolder::new(self.path.join("trials").join(id))
    }

    /// Checks that the folder belongs to a run, or is new, so that no unrelated file is replaced.
    /// Changes nothing.
    ///
    /// # Errors
    /// [`PaperError::NotARun`], which names an unrelated file, or a damaged plan.
    pub fn check_ownership(&self) -> Result<(), PaperError> {
        ownership::check(&self.path)
    }

    /// The folder's plan.
    ///
    /// # Errors
    /// [`PaperError::NoPlan`] if there is none. The error for a damaged plan says how to fix it.
    pub fn plan(&self) -> Result<Plan, PaperError> {
        read_plan(&self.path)?.ok_or_else(|| PaperError::NoPlan { folder: self.path.clone() })
    }

    /// Writes a plan to the folder, or checks that it already has the same plan; returns whether it
    /// was written. The wording of deviations may differ. A plan may grow: it replaces one of the
    /// same program, preset and data if it has all of that one's trials. `notice` is called if it
    /// does, and if merged files of another plan are set aside. The caller has to hold the run's
    /// lock.
    ///
    /// # Errors
    /// [`PaperError::AnotherPlan`] with the differences.
    pub fn adopt(&self, plan: &Plan, notice: &mut dyn FnMut(&str)) -> Result<bool, PaperError> {
        let Some(found) = self.accepts(plan)? else {
            fs::create_dir_all(&self.path).map_err(PaperError::file("create", &self.path))?;
            // Before the plan is written, since it determines what the merged files mean.
            merged::keep_only(&self.path, plan, notice)?;
            json::write(&self.path.join(PLAN), plan)?;
            return Ok(true);
        };
        if found.is_same(plan) {
            return Ok(false);
        }
        json::write(&self.path.join(PLAN), plan)?;
        let [there, now] = [found.trials.len(), plan.trials.len()];
        notice(&format!("the plan grows from {there} trials to {now}"));
        Ok(true)
    }

    /// The folder's plan, if it has one that [`RunFolder::adopt`] keeps or lets grow. Changes
    /// nothing.
    ///
    /// # Errors
    /// Those of [`RunFolder::adopt`].
    pub fn accepts(&self, plan: &Plan) -> Result<Option<Plan>, PaperError> {
        match self.plan() {
            Err(PaperError::NoPlan { .. }) => Ok(None),
            Err(error) => Err(error),
            Ok(found) if found.is_same(plan) || plan.extends(&found) => Ok(Some(found)),
            Ok(found) => Err(PaperError::AnotherPlan {
                folder: self.path.clone(),
                differences: differences(&found.with_deviations_of(plan), plan),
            }),
        }
    }

    /// The information about the run in the folder, if there was one.
    ///
    /// # Errors
    /// [`PaperError::Damaged`] if the file is invalid.
    pub fn run_info(&self) -> Result<Option<RunInfo>, PaperError> {
        json::read(&self.path.join(RUN))
    }

    /// Replaces the information about the run. If the old file is damaged, it is set aside, and
    /// `notice` is called with its new name.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn save_run_info(
        &self,
        info: &RunInfo,
        notice: &mut dyn FnMut(&str),
    ) -> Result<(), PaperError> {
        let path = self.path.join(RUN);
        if let Err(error @ PaperError::Damaged { .. }) = self.run_info() {
            let aside = set_aside(&path)?;
            notice(&format!("{error}; it is rewritten, and the old file is {}", aside.display()));
        }
        json::write(&path, info)
    }

    /// Reads everything that figures, claims and the report need.
    ///
    /// `notice` is called for all damage, with what is done about it: of the two copies of a
    /// trial's records, the undamaged one counts, and a trial without one counts as not finished.
    ///
    /// # Errors
    /// A missing or damaged plan, a trial's folder with another configuration, or a file that
    /// cannot be read.
    pub fn outcome(&self, notice: &mut dyn FnMut(&str)) -> Result<Outcome, PaperError> {
        Ok(self.outcome_and_lost(notice)?.0)
    }

    /// Like [`RunFolder::outcome`], with the ids of the trials that had recorded rows of which no
    /// undamaged copy is left.
    ///
    /// # Errors
    /// Those of [`RunFolder::outcome`].
    pub fn outcome_and_lost(
        &self,
        notice: &mut dyn FnMut(&str),
    ) -> Result<(Outcome, Vec<String>), PaperError> {
        let plan = self.plan()?;
        let mut run = self.run_info_or_plan(&plan, notice)?;
        let (mut trials, mut records, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let Merged { mut kept, seals } = merged::read(&self.path, &plan, notice)?;
        let mut unsealed = 0;
        for config in &plan.trials {
            let data = plan.data_of(config);
            let own = self.trial(&config.id()).examine(config, data)?;
            let kept = kept.remove(&config.id());
            let chosen = choose((config, data), own, kept, seals, notice)?;
            if chosen.lost {
                lost.push(config.id());
            }
            unsealed += usize::from(chosen.unsealed);
            trials.push(chosen.info);
            records.extend(chosen.rows.into_records());
        }
        if let Some(unsealed) = tell_unsealed(unsealed) {
            notice(&format!(
                "{unsealed}; `reproduce` and `reproduce --redraw` seal them as they are now"
            ));
        }
        // The file is from the start of the run, and its plan may have grown since.
        run.seeds.clone_from(&plan.seeds);
        run.trial_seconds = trials.iter().map(|trial| trial.seconds).sum();
        let own = plan.own.into_iter().map(|own| (own.name, own.question)).collect();
        Ok((Outcome { run, configs: plan.trials, own, trials, records }, lost))
    }

    fn run_info_or_plan(
        &self,
        plan: &Plan,
        notice: &mut dyn FnMut(&str),
    ) -> Result<RunInfo, PaperError> {
        let told = match self.run_info() {
            Err(error @ PaperError::Damaged { .. }) => {
                notice(&format!(
                    "{error}; the `reproduce` command that made the run sets it aside and rewrites \
                     it"
                ));
                None
            }
            told => told?,
        };
        Ok(told.unwrap_or_else(|| RunInfo {
            command: String::new(),
            preset: plan.preset.name().into(),
            data: Vec::new(),
            seeds: plan.seeds.clone(),
            origin: Origin { version: plan.program.clone(), commit: None, host: String::new() },
            started: String::new(),
            trial_seconds: 0.0,
            deviations: plan.deviations.clone(),
        }))
    }

    /// Merges the trials' records and states, in plan order, into `records.csv` and `trials.json`.
    /// If rows would be lost, the old file is set aside, and `notice` is called with its new name.
    ///
    /// From then on all records have seals, and records without a seal do not count. A plan from a
    /// version without seals gets a checksum to mark this.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn merge(&self, outcome: &Outcome, notice: &mut dyn FnMut(&str)) -> Result<(), PaperError> {
        merged::write(&self.path, outcome, notice)?;
        let path = self.path.join(PLAN);
        if json::has_checksum(&path) {
            return Ok(());
        }
        json::write(&path, &self.plan()?)
    }
}

/// The plan in a folder, if there is one; the error for a damaged one says how to fix it.
pub(super) fn read_plan(folder: &Path) -> Result<Option<Plan>, PaperError> {
    json::read(&folder.join(PLAN)).map_err(|error| match error {
        PaperError::Damaged { path, reason } => PaperError::Damaged {
            path,
            reason: format!(
                "{reason}; if {} is a run, restore the file, or remove it and repeat the \
                 `reproduce` command that made the run, which writes it again; if not, name \
                 another folder with --out",
                folder.display()
            ),
        },
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::outcome::TrialState;
    use crate::plan::{DataId, Request};
    use crate::preset::Preset;
    use crate::seeds::Seeds;
    use crate::trial::measures;

    fn adopt(folder: &RunFolder, plan: &Plan) -> Result<bool, PaperError> {
        folder.adopt(plan, &mut |_| ())
    }

    /// A folder in which only the merged files show that the first trial of its plan has finished.
    fn copied(plan: &Plan) -> (tempfile::TempDir, RunFolder) {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        adopt(&folder, plan).unwrap();
        let mut outcome = folder.outcome(&mut |_| ()).unwrap();
        let first = &mut outcome.trials[0];
        first.state = TrialState::Finished;
        first.origins = vec![Origin::here().clone()];
        outcome.records = measures::sample(&plan.trials[0]);
        folder.merge(&outcome, &mut |_| ()).unwrap();
        (root, folder)
    }

    /// Removes keys from every object of a file, as in files of earlier versions.
    fn without(path: &Path, keys: &[&str]) {
        let mut json = json::read_plain(path).unwrap().unwrap();
        let objects = match &mut json {
            Value::Array(objects) => objects.iter_mut().collect(),
            object => vec![object],
        };
        for object in objects {
            for key in keys {
                assert!(object.as_object_mut().unwrap().remove(*key).is_some());
            }
        }
        json::write_plain(path, &json).unwrap();
    }

    /// Changes the files into those of a version without configuration hashes and seals.
    fn without_hashes(folder: &RunFolder) {
        without(&folder.path().join("trials.json"), &["config", "records", "checksum"]);
        without(&folder.path().join("plan.json"), &["checksum"]);
    }

    fn set_aside(root: &Path) -> Vec<u8> {
        fs::read(root.join("records.csv.set-aside-1")).unwrap()
    }

    #[test]
    fn records_of_trials_outside_the_plan_are_set_aside() {
        let (root, folder) = copied(&plan(vec![0], None));
        let before = fs::read(root.path().join("records.csv")).unwrap();
        fs::remove_file(root.path().join("plan.json")).unwrap();
        adopt(&folder, &plan(vec![1], None)).unwrap();
        assert_eq!(set_aside(root.path()), before);
        assert!(folder.outcome(&mut |_| ()).unwrap().records.is_empty());
    }

    #[test]
    fn merging_loses_no_row() {
        let plan = plan(vec![0], None);
        let (root, folder) = copied(&plan);
        let records = root.path().join("records.csv");
        let before = fs::read_to_string(&records).unwrap();
        // The earliest versions wrote no `trials.json`: complete rows then count because they
        // match the plan.
        without(&root.path().join("plan.json"), &["checksum"]);
        fs::remove_file(root.path().join("trials.json")).unwrap();
        folder.merge(&folder.outcome(&mut |_| ()).unwrap(), &mut |_| ()).unwrap();
        assert_eq!(fs::read_to_string(&records).unwrap(), before);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
        // Incomplete rows do not count, and the file is set aside.
        fs::remove_file(root.path().join("trials.json")).unwrap();
        let cut: String = before.lines().take(4).flat_map(|line| [line, "\n"]).collect();
        fs::write(&records, &cut).unwrap();
        let mut told = Vec::new();
        let outcome = folder.outcome(&mut |_| ()).unwrap();
        folder.merge(&outcome, &mut |what| told.push(what.to_owned())).unwrap();
        assert_eq!(set_aside(root.path()), cut.as_bytes());
        assert!(told.len() == 1 && told[0].contains("set-aside-1"), "{told:?}");
    }

    #[test]
    fn rows_without_a_seal_do_not_count() {
        let plan = plan(vec![0], None);
        for (damage, what) in [(None, "trials.json is missing"), (Some("[{"), "no good entry")] {
            let (root, folder) = copied(&plan);
            let trials = root.path().join("trials.json");
            match damage {
                None => fs::remove_file(&trials).unwrap(),
                Some(damage) => fs::write(&trials, damage).unwrap(),
            }
            let mut told = Vec::new();
            let (outcome, lost) =
                folder.outcome_and_lost(&mut |what| told.push(what.to_owned())).unwrap();
            assert_eq!((outcome.records.len(), &lost), (0, &vec![plan.trials[0].id()]));
            let told = told.join("; ");
            assert!(told.contains("nothing vouches for its rows") && told.contains(what), "{told}");
        }
    }

    fn ended(folder: &RunFolder, plan: &Plan) -> usize {
        folder.unpack(plan, &mut |_| ()).unwrap();
        let mut trials = folder.outcome(&mut |_| ()).unwrap().trials;
        trials.retain(|trial| trial.state.has_ended());
        assert!(trials.iter().all(|trial| trial.origins == [Origin::here().clone()]));
        trials.len()
    }

    fn plan(seeds: Vec<u64>, steps: Option<u64>) -> Plan {
        Plan::resolve(&Request {
            seeds: vec![Seeds { experiment: None, seeds }],
            steps,
            ..Request::new(&["critics"], Preset::Smoke)
        })
        .unwrap()
    }

    #[test]
    fn a_folder_holds_one_plan() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path().join("run"));
        assert!(matches!(folder.plan(), Err(PaperError::NoPlan { .. })));
        assert!(adopt(&folder, &plan(vec![0], None)).unwrap());
        assert!(!adopt(&folder, &plan(vec![0], None)).unwrap());
        let other = adopt(&folder, &plan(vec![1], None)).unwrap_err().to_string();
        assert!(other.contains("seeds[0]: 0 there, 1 requested"), "{other}");
        for seeds in [vec![0], vec![0, 1]] {
            let other = adopt(&folder, &plan(seeds, Some(5))).unwrap_err().to_string();
            assert!(other.contains("steps: 20 there, 5 requested"), "{other}");
            assert!(!other.contains("seeds"), "{other}");
        }
        assert_eq!(folder.plan().unwrap(), plan(vec![0], None));
    }

    #[test]
    fn a_plan_grows_and_keeps_what_has_run() {
        let small = plan(vec![0], None);
        let (_root, folder) = copied(&small);
        let grown = plan(vec![0, 1], None);
        let mut told = Vec::new();
        assert!(folder.adopt(&grown, &mut |what| told.push(what.to_owned())).unwrap());
        assert_eq!(told, ["the plan grows from 6 trials to 12"]);
        assert_eq!(ended(&folder, &grown), 1);
        assert_eq!(folder.outcome(&mut |_| ()).unwrap().run.seeds, [0, 1]);
        // It neither shrinks nor takes other data, another preset or other trials.
        assert!(matches!(adopt(&folder, &small), Err(PaperError::AnotherPlan { .. })));
        let more = plan(vec![0, 1, 2], None);
        let data = vec![DataId { name: "digits".into(), sha256: "other".into() }];
        let others = [
            Plan { data, ..more.clone() },
            Plan { preset: Preset::Short, ..more.clone() },
            Plan { program: "mi-paper 9.9.9".into(), ..more.clone() },
            plan(vec![0, 1, 2], Some(5)),
        ];
        for (index, other) in others.iter().enumerate() {
            let refused = adopt(&folder, other);
            let is_refused = matches!(refused, Err(PaperError::AnotherPlan { .. }));
            // No data were known before, so that the first of them is no contradiction.
            assert_eq!(is_refused, index > 0, "{index}");
        }
    }

    #[test]
    fn merged_results_on_other_data_are_ignored() {
        let on = |sha256: &str| Plan {
            data: vec![DataId { name: "digits".into(), sha256: sha256.into() }],
            ..plan(vec![0], None)
        };
        let (root, folder) = copied(&on("one"));
        let grown = Plan { data: on("two").data, ..plan(vec![0, 1], None) };
        assert!(matches!(adopt(&folder, &grown), Err(PaperError::AnotherPlan { .. })));
        fs::remove_file(root.path().join("plan.json")).unwrap();
        adopt(&folder, &on("two")).unwrap();
        assert_eq!(ended(&folder, &on("two")), 0);
        // The files that were set aside have them still.
        assert!(!set_aside(root.path()).is_empty());
    }

    #[test]
    fn plans_that_differ_only_in_the_wording_of_deviations_are_the_same() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        let other = Plan { deviations: vec!["other words".into()], ..plan(vec![0], None) };
        adopt(&folder, &other).unwrap();
        adopt(&folder, &plan(vec![0], None)).unwrap();
        let refused = adopt(&folder, &plan(vec![1], None)).unwrap_err().to_string();
        assert!(!refused.contains("deviations"), "{refused}");
    }

    #[test]
    fn merged_results_of_another_configuration_are_ignored() {
        let (long, short) = (plan(vec![0], None), plan(vec![0], Some(5)));
        let (root, folder) = copied(&short);
        fs::remove_file(root.path().join("plan.json")).unwrap();
        adopt(&folder, &long).unwrap();
        assert_eq!(ended(&folder, &long), 0);
        // The same steps, but not the same trial.
        let (root, folder) = copied(&long);
        fs::remove_file(root.path().join("plan.json")).unwrap();
        let mut slower = long.clone();
        slower.trials[0].evaluate_every = 7;
        adopt(&folder, &slower).unwrap();
        assert_eq!(ended(&folder, &slower), 0);
        // Entries of the plan's own trials count, although the plan itself was lost.
        let (root, folder) = copied(&long);
        fs::remove_file(root.path().join("plan.json")).unwrap();
        adopt(&folder, &long).unwrap();
        assert_eq!(ended(&folder, &long), 1);
    }

    #[test]
    fn merged_results_without_configurations_need_their_plan() {
        let long = plan(vec![0], None);
        let (_root, folder) = copied(&long);
        without_hashes(&folder);
        adopt(&folder, &long).unwrap();
        assert_eq!(ended(&folder, &long), 1);

        let (root, folder) = copied(&long);
        without_hashes(&folder);
        fs::remove_file(root.path().join("plan.json")).unwrap();
        adopt(&folder, &long).unwrap();
        assert_eq!(ended(&folder, &long), 0);
        // The new plan does not make them count later either.
        adopt(&folder, &long).unwrap();
        assert_eq!(ended(&folder, &long), 0);
    }

    #[test]
    fn all_trials_of_a_new_plan_are_waiting() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        adopt(&folder, &plan(vec![0], None)).unwrap();
        let outcome = folder.outcome(&mut |_| ()).unwrap();
        assert_eq!(outcome.trials.len(), 6);
        assert!(outcome.trials.iter().all(|trial| trial.state == TrialState::Waiting));
        folder.merge(&outcome, &mut |_| ()).unwrap();
    }
}
