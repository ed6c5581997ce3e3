use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::atomic::write_atomically;
use super::lock::Lock;
use super::merged;
use super::trial::{SavedState, TrialFolder};
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::origin::Origin;
use crate::outcome::{Outcome, RunInfo, TrialInfo, TrialState};
use crate::plan::Plan;

/// A folder that holds one plan and what became of it.
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

    /// The plan that the folder holds.
    ///
    /// # Errors
    /// [`PaperError::NoPlan`] when there is none.
    pub fn plan(&self) -> Result<Plan, PaperError> {
        self.read_json("plan.json")?.ok_or_else(|| PaperError::NoPlan { folder: self.path.clone() })
    }

    /// Puts a plan into the folder, or checks that it already holds this very plan, however either
    /// words its deviations.
    ///
    /// # Errors
    /// [`PaperError::AnotherPlan`] with the differences.
    pub fn adopt(&self, plan: &Plan) -> Result<(), PaperError> {
        match self.plan() {
            Err(PaperError::NoPlan { .. }) => {
                // First, since from then on the plan vouches for what the merged files tell.
                merged::forget_unknown(&self.path)?;
                self.write_json("plan.json", plan)
            }
            Err(error) => Err(error),
            Ok(found) if found.is_same(plan) => Ok(()),
            Ok(found) => Err(PaperError::AnotherPlan {
                folder: self.path.clone(),
                differences: differences(&found.with_deviations_of(plan), plan),
            }),
        }
    }

    /// What ran here, if anything did.
    ///
    /// # Errors
    /// [`PaperError::Damaged`] when the file is not what it should be.
    pub fn run_info(&self) -> Result<Option<RunInfo>, PaperError> {
        self.read_json("run.json")
    }

    /// Replaces what is said about the run.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn save_run_info(&self, info: &RunInfo) -> Result<(), PaperError> {
        self.write_json("run.json", info)
    }

    /// What a trial of the plan came to.
    ///
    /// # Errors
    /// [`PaperError::Damaged`] when its state file is not what it should be.
    pub fn trial_info(&self, config: &TrialConfig) -> Result<TrialInfo, PaperError> {
        let id = config.id();
        let saved = self.trial(&id).state()?;
        let saved = saved.unwrap_or_else(|| SavedState {
            config: config.hash(),
            state: TrialState::Waiting,
            seconds: 0.0,
            origins: Vec::new(),
        });
        Ok(TrialInfo {
            id,
            experiment: config.experiment.clone(),
            dataset: config.dataset.clone(),
            seed: config.seed,
            encoder: config.labels.encoder.clone(),
            critic: config.labels.critic.clone(),
            bound: config.labels.bound.clone(),
            setting: config.labels.setting.clone(),
            steps: config.steps,
            state: saved.state,
            seconds: saved.seconds,
            config: Some(saved.config),
            origins: saved.origins,
        })
    }

    /// Everything that the folder knows: what figures, claims and the report are drawn from.
    ///
    /// # Errors
    /// A missing plan, or a file that cannot be read.
    pub fn outcome(&self) -> Result<Outcome, PaperError> {
        let plan = self.plan()?;
        let mut run = self.run_info()?.unwrap_or_else(|| RunInfo {
            command: String::new(),
            preset: plan.preset.name().into(),
            data: Vec::new(),
            seeds: plan.seeds.clone(),
            origin: Origin { version: plan.program.clone(), commit: None, host: String::new() },
            started: String::new(),
            trial_seconds: 0.0,
            deviations: plan.deviations.clone(),
        });
        let mut trials = Vec::new();
        let mut records = Vec::new();
        let mut kept = merged::read(&self.path)?;
        for config in &plan.trials {
            let info = self.trial_info(config)?;
            let only_kept = kept
                .remove(&info.id)
                .filter(|kept| info.state == TrialState::Waiting && kept.is_of(config));
            if let Some(kept) = only_kept {
                trials.push(TrialInfo { config: info.config, ..kept.info });
                records.extend(kept.records);
            } else {
                records.extend(self.trial(&info.id).records()?);
                trials.push(info);
            }
        }
        run.trial_seconds = trials.iter().map(|trial| trial.seconds).sum();
        let own = plan.own.into_iter().map(|own| (own.name, own.question)).collect();
        Ok(Outcome { run, configs: plan.trials, own, trials, records })
    }

    /// Gives a folder of its own to each trial that has ended by what only the merged files tell,
    /// so that it is not run again. One that another process runs is left to that process, and
    /// what the files tell of a trial of another configuration is passed over.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn unpack(&self, plan: &Plan) -> Result<(), PaperError> {
        let mut kept = merged::read(&self.path)?;
        for config in &plan.trials {
            let id = config.id();
            let Some(kept) = kept.remove(&id).filter(|kept| kept.is_of(config)) else { continue };
            match Lock::take(self.trial(&id).path()) {
                Ok(_lock) => self.unpack_kept(config, kept)?,
                Err(PaperError::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// As [`RunFolder::unpack`], for one trial whose lock the caller holds.
    ///
    /// # Errors
    /// As [`RunFolder::unpack`].
    pub fn unpack_trial(&self, config: &TrialConfig) -> Result<(), PaperError> {
        let kept = merged::read(&self.path)?.remove(&config.id());
        kept.filter(|kept| kept.is_of(config)).map_or(Ok(()), |kept| self.unpack_kept(config, kept))
    }

    fn unpack_kept(&self, config: &TrialConfig, kept: merged::Kept) -> Result<(), PaperError> {
        let folder = self.trial(&config.id());
        if folder.state()?.is_some() {
            return Ok(());
        }
        folder.create()?;
        // The state comes last: records without one are of an attempt that was cut short.
        folder.cut_records(0)?;
        folder.append_records(&kept.records)?;
        folder.sync_records()?;
        folder.save_state(&SavedState {
            config: config.hash(),
            state: kept.info.state,
            seconds: kept.info.seconds,
            origins: kept.info.origins,
        })
    }

    /// Merges the trials' records and states, in plan order, into `records.csv` and `trials.json`.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn merge(&self, outcome: &Outcome) -> Result<(), PaperError> {
        merged::write(&self.path, outcome)
    }

    fn read_json<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, PaperError> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| PaperError::Damaged { path, reason: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PaperError::file("read", path)(error)),
        }
    }

    fn write_json<T: serde::Serialize>(&self, name: &str, value: &T) -> Result<(), PaperError> {
        fs::create_dir_all(&self.path).map_err(PaperError::file("create", &self.path))?;
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        write_atomically(&self.path.join(name), text.as_bytes())
    }
}

/// The fields in which two plans differ, as a person would want to read them.
fn differences(there: &Plan, asked: &Plan) -> Vec<String> {
    const SHOWN: usize = 8;
    let mut found = Vec::new();
    let value = |plan: &Plan| serde_json::to_value(plan).unwrap_or_default();
    compare("", &value(there), &value(asked), &mut found);
    if found.len() > SHOWN {
        let more = found.len() - SHOWN;
        found.truncate(SHOWN);
        found.push(format!("and {more} more"));
    }
    found
}

fn compare(path: &str, there: &Value, asked: &Value, found: &mut Vec<String>) {
    match (there, asked) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let missing = &Value::Null;
                compare(&path, a.get(key).unwrap_or(missing), b.get(key).unwrap_or(missing), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{index}]"), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            found.push(format!("{path}: {} there, {} asked for", a.len(), b.len()));
        }
        _ if there == asked => {}
        _ => found.push(format!("{path}: {there} there, {asked} asked for")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Request;
    use crate::preset::{AdversarialRates, Preset};
    use crate::record::{Metric, Record};
    use crate::seeds::Seeds;

    /// A folder whose merged files alone tell that the first trial of its plan has finished.
    fn copied(plan: &Plan) -> (tempfile::TempDir, RunFolder) {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        folder.adopt(plan).unwrap();
        let mut outcome = folder.outcome().unwrap();
        let first = &mut outcome.trials[0];
        first.state = TrialState::Finished;
        first.origins = vec![Origin::here().clone()];
        outcome.records.push(Record {
            experiment: first.experiment.clone(),
            trial: first.id.clone(),
            dataset: first.dataset.clone(),
            seed: first.seed,
            step: first.steps,
            encoder: first.encoder.clone(),
            critic: first.critic.clone(),
            bound: first.bound.clone(),
            setting: first.setting.clone(),
            metric: Metric::Accuracy,
            value: 0.5,
            unit: Metric::Accuracy.unit(),
        });
        folder.merge(&outcome).unwrap();
        (root, folder)
    }

    /// Makes the merged files those of a version that did not note configurations.
    fn without_hashes(folder: &RunFolder) {
        let mut trials: Value = folder.read_json("trials.json").unwrap().unwrap();
        for trial in trials.as_array_mut().unwrap() {
            assert!(trial.as_object_mut().unwrap().remove("config").is_some());
        }
        folder.write_json("trials.json", &trials).unwrap();
    }

    #[test]
    fn records_for_which_nothing_vouches_are_not_overwritten() {
        let plan = plan(vec![0], None);
        let (root, folder) = copied(&plan);
        let records = root.path().join("records.csv");
        let before = fs::read(&records).unwrap();
        fs::remove_file(root.path().join("trials.json")).unwrap();
        let error = folder.merge(&folder.outcome().unwrap()).unwrap_err();
        assert!(matches!(error, PaperError::WouldLose { .. }), "{error}");
        assert_eq!(fs::read(&records).unwrap(), before);
        // Records that are known from the trials' own folders are no loss.
        fs::remove_file(&records).unwrap();
        folder.merge(&folder.outcome().unwrap()).unwrap();
    }

    fn ended(folder: &RunFolder, plan: &Plan) -> usize {
        folder.unpack(plan).unwrap();
        let mut trials = folder.outcome().unwrap().trials;
        trials.retain(|trial| trial.state.has_ended());
        assert!(trials.iter().all(|trial| trial.origins == [Origin::here().clone()]));
        trials.len()
    }

    fn plan(seeds: Vec<u64>, steps: Option<u64>) -> Plan {
        Plan::resolve(&Request {
            experiments: vec!["critics".into()],
            preset: Preset::Smoke,
            seeds: vec![Seeds { experiment: None, seeds }],
            data: None,
            dataset: None,
            steps,
            adversarial_rates: AdversarialRates::Notebook,
        })
        .unwrap()
    }

    #[test]
    fn a_folder_holds_one_plan() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path().join("run"));
        assert!(matches!(folder.plan(), Err(PaperError::NoPlan { .. })));
        folder.adopt(&plan(vec![0], None)).unwrap();
        folder.adopt(&plan(vec![0], None)).unwrap();
        let other = folder.adopt(&plan(vec![1], None)).unwrap_err().to_string();
        assert!(other.contains("seeds[0]: 0 there, 1 asked for"), "{other}");
        let other = folder.adopt(&plan(vec![0], Some(5))).unwrap_err().to_string();
        assert!(other.contains("steps: 20 there, 5 asked for"), "{other}");
        assert_eq!(folder.plan().unwrap(), plan(vec![0], None));
    }

    #[test]
    fn a_plan_whose_deviations_are_worded_otherwise_is_the_same() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        let other = Plan { deviations: vec!["other words".into()], ..plan(vec![0], None) };
        folder.adopt(&other).unwrap();
        folder.adopt(&plan(vec![0], None)).unwrap();
        let refused = folder.adopt(&plan(vec![1], None)).unwrap_err().to_string();
        assert!(!refused.contains("deviations"), "{refused}");
    }

    #[test]
    fn merged_results_of_another_configuration_are_passed_over() {
        let (long, short) = (plan(vec![0], None), plan(vec![0], Some(5)));
        let (root, folder) = copied(&short);
        fs::remove_file(root.path().join("plan.json")).unwrap();
        folder.adopt(&long).unwrap();
        assert_eq!(ended(&folder, &long), 0);
        // The same steps, and yet not the same trial.
        let (root, folder) = copied(&long);
        fs::remove_file(root.path().join("plan.json")).unwrap();
        let mut slower = long.clone();
        slower.trials[0].evaluate_every = 7;
        folder.adopt(&slower).unwrap();
        assert_eq!(ended(&folder, &slower), 0);
        // What is told of the plan's own trials counts, though the plan itself was lost.
        let (root, folder) = copied(&long);
        fs::remove_file(root.path().join("plan.json")).unwrap();
        folder.adopt(&long).unwrap();
        assert_eq!(ended(&folder, &long), 1);
    }

    #[test]
    fn merged_results_without_configurations_need_their_plan() {
        let long = plan(vec![0], None);
        let (_root, folder) = copied(&long);
        without_hashes(&folder);
        folder.adopt(&long).unwrap();
        assert_eq!(ended(&folder, &long), 1);

        let (root, folder) = copied(&long);
        without_hashes(&folder);
        fs::remove_file(root.path().join("plan.json")).unwrap();
        folder.adopt(&long).unwrap();
        assert_eq!(ended(&folder, &long), 0);
        // Nor does the plan that was put there vouch for them later.
        folder.adopt(&long).unwrap();
        assert_eq!(ended(&folder, &long), 0);
    }

    #[test]
    fn an_untouched_plan_waits() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        folder.adopt(&plan(vec![0], None)).unwrap();
        let outcome = folder.outcome().unwrap();
        assert_eq!(outcome.trials.len(), 6);
        assert!(outcome.trials.iter().all(|trial| trial.state == TrialState::Waiting));
        folder.merge(&outcome).unwrap();
    }
}
