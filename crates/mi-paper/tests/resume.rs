//! Every kind of trial that is stopped, killed and resumed writes the same bytes as one without
//! interruptions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use mi_critics::CriticSpec;
use mi_data::{Dataset, Split};
use mi_estimators::bounds::{BOUNDS, BoundInfo, BoundSpec};
use mi_nets::{Decay, OptimiserConfig, Schedule, SgdConfig, WeightDecay};
use mi_paper::config::{
    Adversarial, Contrastive, Dependent, EncoderSpec, Evaluation, Labels, Noise, Pixels,
    Supervised, Task, TrialConfig,
};
use mi_paper::error::PaperError;
use mi_paper::experiments;
use mi_paper::folder::{RunFolder, TrialFolder};
use mi_paper::multi_view::{Candidates, MultiView, ObjectiveSpec, Queue, Sequences, ViewTerm};
use mi_paper::origin::Origin;
use mi_paper::outcome::TrialState;
use mi_paper::preset::{Preset, Scale};
use mi_paper::trial::{self, Control, Event, Images};
use ndarray::s;

const STEPS: u64 = 9;

/// A few of the embedded digits, so that a few batches make an epoch and probes are fast.
static DIGITS: LazyLock<Arc<Dataset>> = LazyLock::new(|| {
    let digits = mi_data::embedded().unwrap();
    let few = |split: &Split, count: usize| {
        Split::new(split.images.slice(s![..count, ..]).to_owned(), split.labels[..count].to_vec())
            .unwrap()
    };
    let (train, test) = (few(&digits.train, 70), few(&digits.test, 35));
    Arc::new(Dataset { train, test, ..digits })
});

fn config(task: Task) -> TrialConfig {
    TrialConfig {
        experiment: "resume".into(),
        dataset: "digits".into(),
        seed: 5,
        labels: Labels::new("encoder", "critic", "bound"),
        steps: STEPS,
        evaluate_every: 4,
        task,
    }
}

fn contrastive(bound: BoundSpec, evaluations: Vec<Evaluation>) -> Contrastive {
    Contrastive {
        encoder: EncoderSpec::Mlp { hidden: vec![8], embed: 4 },
        encoder_y: None,
        critic: CriticSpec::Bilinear,
        bound,
        target: None,
        batch_size: 16,
        learning_rate: 1e-3,
        optimiser: None,
        noise: Noise { sd: 0.05, shared: true },
        views: None,
        evaluations,
    }
}

fn dependent(bound: BoundSpec, learning_rate: f64) -> TrialConfig {
    config(Task::Dependent(Dependent {
        dependent: true,
        critic: CriticSpec::Concat { hidden: vec![6, 6] },
        bound,
        batch_size: 16,
        learning_rate,
        optimiser: None,
    }))
}

/// Runs a trial until it has done `stop` steps.
fn run(
    config: &TrialConfig,
    folder: &TrialFolder,
    stop: Option<u64>,
) -> Result<TrialState, PaperError> {
    let done = AtomicU64::new(0);
    let interrupted = || stop.is_some_and(|stop| done.load(Ordering::Relaxed) >= stop);
    let control =
        Control { interrupted: &interrupted, checkpoint_every: Control::CHECKPOINT_EVERY };
    // The digits also serve as the other data set.
    let images = Images { transfer: Some(DIGITS.clone()), ..DIGITS.clone().into() };
    trial::run(config, images, folder, control, &mut |event| {
        if let Event::Started { step } | Event::Stepped { step, .. } = event {
            done.store(*step, Ordering::Relaxed);
        }
    })
}

fn checkpoints(folder: &TrialFolder) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "safetensors")).collect();
    found.sort();
    found
}

fn records(folder: &TrialFolder) -> String {
    fs::read_to_string(folder.path().join("records.csv")).unwrap()
}

#[test]
fn a_trial_lists_the_programs_and_machines_that_ran_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path()).trial("trial");
    let config = dependent(BoundSpec::InfoNce, 1e-3);
    run(&config, &folder, Some(2)).unwrap();
    let here = Origin::here().clone();
    let mut state = folder.state().unwrap().unwrap();
    assert_eq!(state.origins, std::slice::from_ref(&here));
    let elsewhere = Origin { host: "elsewhere".to_owned(), ..here.clone() };
    state.origins = vec![elsewhere.clone()];
    folder.save_state(&state).unwrap();
    run(&config, &folder, Some(4)).unwrap();
    run(&config, &folder, None).unwrap();
    assert_eq!(folder.state().unwrap().unwrap().origins, [elsewhere, here]);
}

/// Checks that a trial that is stopped repeatedly records the same as one that is never stopped.
fn resumes_to_the_same_bytes(config: &TrialConfig) {
    let root = tempfile::tempdir().unwrap();
    let of = |name: &str| RunFolder::new(root.path()).trial(name);
    let (whole, stopped) = (of("whole"), of("stopped"));
    assert_eq!(run(config, &whole, None).unwrap(), TrialState::Finished);
    for step in [1, 3, 6] {
        assert_eq!(run(config, &stopped, Some(step)).unwrap(), TrialState::Unfinished { step });
    }
    // As if it had been killed at step 6: it continues from step 3, although the records already
    // have an evaluation at step 4.
    fs::remove_file(checkpoints(&stopped).pop().unwrap()).unwrap();
    // At step 8 it stops right after an evaluation.
    assert_eq!(run(config, &stopped, Some(8)).unwrap(), TrialState::Unfinished { step: 8 });
    assert_eq!(run(config, &stopped, None).unwrap(), TrialState::Finished);
    assert!(records(&whole).contains(",9,"), "{}", records(&whole));
    assert_eq!(records(&stopped), records(&whole));
    assert_eq!(stopped.representation().unwrap(), whole.representation().unwrap());
    assert!(checkpoints(&stopped).is_empty());
}

#[test]
fn contrastive_trials_resume() {
    let all = vec![
        Evaluation::Bounds,
        Evaluation::Probe,
        Evaluation::Conditioning { inputs: 1 },
        Evaluation::Bijectivity { inputs: 1 },
    ];
    let base = contrastive(BoundSpec::InfoNce, all);
    for (encoder, critic) in [
        (EncoderSpec::Mlp { hidden: vec![8], embed: 4 }, CriticSpec::Concat { hidden: vec![5] }),
        (
            EncoderSpec::ConvNet { channels: [2, 3], embed: 4 },
            CriticSpec::Separable { hidden: vec![4], embed: 4 },
        ),
        // Batch norm has running statistics, which a checkpoint has to continue.
        (
            EncoderSpec::InfoMax { filters: vec![2, 3], kernel: 3, hidden: 5, embed: 4 },
            CriticSpec::Bilinear,
        ),
    ] {
        let task = Contrastive { encoder, critic, target: Some(0.5), ..base.clone() };
        resumes_to_the_same_bytes(&config(Task::Contrastive(task)));
    }
}

/// SGD with momentum, weight decay, a warm-up and a cosine schedule, all of which a checkpoint has to
/// continue.
fn sgd(steps: u64) -> OptimiserConfig {
    let rule = SgdConfig { momentum: 0.9, nesterov: true, ..SgdConfig::default() };
    let decay = Decay::Cosine { steps, floor: 0.1 };
    let config = OptimiserConfig::from(rule).with_weight_decay(WeightDecay::Decoupled(1e-3));
    config.with_schedule(Schedule { warm_up: 2, decay })
}

#[test]
fn trials_with_another_optimiser_resume() {
    let base = contrastive(BoundSpec::InfoNce, vec![Evaluation::Bounds]);
    let task =
        Contrastive { optimiser: Some(Box::new(sgd(STEPS))), learning_rate: 0.05, ..base.clone() };
    resumes_to_the_same_bytes(&config(Task::Contrastive(task.clone())));
    let root = tempfile::tempdir().unwrap();
    let of = |name: &str, task: Contrastive| {
        let folder = RunFolder::new(root.path()).trial(name);
        run(&config(Task::Contrastive(task)), &folder, None).unwrap();
        records(&folder)
    };
    // Every part of the configuration has an effect.
    let mut without = [(); 3].map(|()| task.clone());
    without[0].optimiser.as_mut().unwrap().schedule = Schedule::constant();
    without[1].optimiser.as_mut().unwrap().weight_decay = WeightDecay::None;
    without[2].learning_rate = 0.04;
    let own = of("own", task.clone());
    for (index, other) in without.into_iter().enumerate() {
        assert_ne!(of(&format!("other {index}"), other), own, "{index}");
    }
    // The learning rate is that of the task.
    let mut same = task;
    let optimiser = same.optimiser.take().unwrap().with_lr(7.0);
    same.optimiser = Some(Box::new(optimiser));
    assert_eq!(of("same", same), own);
}

#[test]
fn sgd_with_a_schedule_trains() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path()).trial("trial");
    let base = contrastive(BoundSpec::InfoNce, vec![Evaluation::Bounds]);
    let task = Contrastive { optimiser: Some(Box::new(sgd(60))), learning_rate: 0.05, ..base };
    let config = TrialConfig { steps: 60, evaluate_every: 60, ..config(Task::Contrastive(task)) };
    run(&config, &folder, None).unwrap();
    let records = records(&folder);
    let bounds: Vec<f64> = records
        .lines()
        .filter(|line| line.contains(",bound_train,"))
        .map(|line| line.split(',').nth_back(1).unwrap().parse().unwrap())
        .collect();
    let [first, last] = bounds[..] else { panic!("{records}") };
    assert!(last > first + 0.3, "from {first} to {last}");
}

#[test]
fn a_bijective_contrastive_trial_resumes() {
    let encoder =
        EncoderSpec::RealNvp { couplings: 2, hidden: vec![8], affine: false, init_sd: 1e-2 };
    let evaluations = vec![Evaluation::Bounds, Evaluation::Bijectivity { inputs: 2 }];
    let task = Contrastive { encoder, ..contrastive(BoundSpec::Nwj, evaluations) };
    resumes_to_the_same_bytes(&config(Task::Contrastive(task)));
}

#[test]
fn trials_of_every_bound_resume() {
    for bound in BOUNDS.iter().filter_map(BoundInfo::usual) {
        let task = contrastive(bound.clone(), vec![Evaluation::Bounds]);
        resumes_to_the_same_bytes(&config(Task::Contrastive(task)));
    }
}

/// The tasks of many views in some built-in experiments, with small batches.
fn multi_view(experiments: &[&str]) -> Vec<(String, MultiView)> {
    let scale = Scale::of(Preset::Smoke);
    let of = |name: &&str| (experiments::find(name).unwrap().variants)(&scale);
    let named = experiments.iter().flat_map(of).map(|variant| {
        let Task::MultiView(task) = variant.task else { panic!("{variant:?}") };
        let sequences = task.sequences.map(|sequences| Sequences { count: 400, ..sequences });
        (variant.setting.unwrap(), MultiView { batch_size: 16, sequences, ..task })
    });
    named.collect()
}

#[test]
fn trials_of_many_views_resume() {
    let tasks = multi_view(&["metric", "dim", "cpc", "cpc-sequences"]);
    // Each kind of state: random triplets, the discriminator of a prior, sequences, contexts.
    let names = ["triplet-random shared", "LG jsd prior", "L dv whole", "other+same", "other conv"];
    let mut found = 0;
    for (name, task) in tasks {
        if names.contains(&name.as_str()) || name == "latent, same" {
            resumes_to_the_same_bytes(&config(Task::MultiView(task)));
            found += 1;
        }
    }
    assert_eq!(found, 6);
}

#[test]
fn trials_with_a_memory_bank_resume() {
    let (_, base) = multi_view(&["metric"]).swap_remove(0);
    let cosine = CriticSpec::Cosine { temperature: 0.1, learned: false };
    for objective in
        [ObjectiveSpec::Bound(BoundSpec::InfoNce), ObjectiveSpec::NoiseContrastive { rate: 0.1 }]
    {
        let mut task = base.clone();
        task.terms[0] = ViewTerm {
            critic: cosine.clone(),
            objective,
            candidates: Candidates::Bank { negatives: 20, momentum: 0.5 },
            ..task.terms[0].clone()
        };
        resumes_to_the_same_bytes(&config(Task::MultiView(task)));
    }
}

#[test]
fn trials_with_a_queue_resume() {
    // 16 images of a batch in queues that are full after two and a half batches, or after two.
    let mut found = 0;
    for (name, mut task) in multi_view(&["dim", "cpc"]) {
        if ["L nce whole", "L nce BN", "anywhere"].contains(&name.as_str()) {
            for (index, term) in task.terms.iter_mut().enumerate() {
                // The last two terms of `anywhere` share their keys.
                let images = if index == 0 { 40 } else { 32 };
                term.queue = Some(Queue { images, momentum: 0.9 });
            }
            resumes_to_the_same_bytes(&config(Task::MultiView(task)));
            found += 1;
        }
    }
    assert_eq!(found, 3);
}

#[test]
fn an_adversarial_trial_resumes() {
    resumes_to_the_same_bytes(&config(Task::Adversarial(Adversarial {
        encoder: EncoderSpec::RealNvp {
            couplings: 2,
            hidden: vec![8],
            affine: true,
            init_sd: 1e-2,
        },
        view: None,
        batch_size: 16,
        encoder_learning_rate: 1e-4,
        optimiser: None,
        classifier_learning_rate: 1e-3,
        warm_up_steps: 3,
        classifier_steps: 2,
        evaluations: vec![Evaluation::Probe, Evaluation::Bijectivity { inputs: 2 }],
    })));
}

#[test]
fn dependent_trials_resume() {
    for bound in [BoundSpec::InfoNce, BoundSpec::Mine { rate: 0.1 }] {
        resumes_to_the_same_bytes(&dependent(bound, 1e-3));
    }
}

#[test]
fn a_supervised_trial_resumes() {
    resumes_to_the_same_bytes(&config(Task::Supervised(Supervised {
        encoder: EncoderSpec::ConvNet { channels: [2, 3], embed: 4 },
        view: None,
        batch_size: 16,
        learning_rate: 1e-3,
        optimiser: None,
        evaluations: vec![Evaluation::CkaToStart],
    })));
}

/// The value of a metric at a step.
fn value(records: &str, metric: &str, step: u64) -> f64 {
    let (at, of) = (format!(",5,{step},"), format!(",{metric},"));
    let row = records.lines().find(|row| row.contains(&at) && row.contains(&of));
    let row = row.unwrap_or_else(|| panic!("no {metric} at {step} in {records}"));
    row.rsplit(',').nth(1).unwrap().parse().unwrap()
}

#[test]
fn representations_are_compared_with_their_start_and_transferred() {
    let evaluations = vec![
        Evaluation::CkaToStart,
        Evaluation::Representation,
        Evaluation::Transfer,
        Evaluation::Measure { of: mi_eval::Measure::Accuracy },
    ];
    let of_two_views = Contrastive {
        noise: Noise::NONE,
        learning_rate: 0.01,
        ..contrastive(BoundSpec::InfoNce, evaluations.clone())
    };
    let (_, of_many) = multi_view(&["metric"]).swap_remove(0);
    let of_many = MultiView { evaluations: evaluations.clone(), learning_rate: 0.01, ..of_many };
    let on_labels = Supervised {
        encoder: EncoderSpec::Mlp { hidden: vec![8], embed: 4 },
        view: None,
        batch_size: 16,
        learning_rate: 0.01,
        optimiser: None,
        evaluations,
    };
    for task in
        [Task::Contrastive(of_two_views), Task::MultiView(of_many), Task::Supervised(on_labels)]
    {
        let config = TrialConfig { dataset: "mnist".to_owned(), ..config(task) };
        resumes_to_the_same_bytes(&config);
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path()).trial("trial");
        run(&config, &folder, None).unwrap();
        let kept = folder.representation().unwrap().unwrap();
        assert_eq!(kept.nrows(), DIGITS.test.len());
        let records = records(&folder);
        let start = value(&records, "cka_to_start[plain]", 0);
        assert!((start - 1.0).abs() < 1e-6, "{start}");
        let end = value(&records, "cka_to_start[plain]", STEPS);
        assert!(end > 0.0 && end < 0.99, "{end}");
        // The other data set is the trial's own, so transfer has the accuracy of a linear reader.
        for step in [0, STEPS] {
            let transfer = value(&records, "transfer_accuracy", step);
            assert_eq!(transfer, value(&records, "reader_accuracy[linear]", step), "{records}");
        }
    }
}

#[test]
fn transfer_needs_images_of_the_same_size() {
    let evaluations = vec![Evaluation::Transfer];
    let task = Task::Contrastive(contrastive(BoundSpec::InfoNce, evaluations));
    let config = TrialConfig { dataset: "mnist".to_owned(), ..config(task) };
    let small = Dataset {
        geometry: mi_data::Geometry::new(14, 14, 1),
        train: DIGITS.train.clone(),
        ..(**DIGITS).clone()
    };
    for (transfer, reason) in [(None, "needs images"), (Some(Arc::new(small)), "the same size")] {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path()).trial("trial");
        let images = Images { transfer, ..DIGITS.clone().into() };
        let control =
            Control { interrupted: &|| false, checkpoint_every: Control::CHECKPOINT_EVERY };
        let error = trial::run(&config, images, &folder, control, &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn the_pixel_baseline_resumes() {
    resumes_to_the_same_bytes(&TrialConfig {
        // Only at the ends, since the converged probe is slow.
        evaluate_every: STEPS,
        ..config(Task::Pixels(Pixels { noise_sd: 0.05, view: None, evaluations: vec![] }))
    });
}

#[test]
fn an_absurd_learning_rate_ends_in_divergence() {
    let absurd = |bound| Contrastive { learning_rate: 1e30, ..contrastive(bound, vec![]) };
    for config in [
        dependent(BoundSpec::Nwj, 1e30),
        config(Task::Contrastive(absurd(BoundSpec::InfoNce))),
        config(Task::Contrastive(absurd(BoundSpec::DonskerVaradhan))),
    ] {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path()).trial("diverges");
        let state = run(&config, &folder, None).unwrap();
        let TrialState::Diverged { step, reason } = &state else { panic!("{state:?}") };
        assert!((1..=STEPS).contains(step) && !reason.is_empty(), "{state:?}");
        // The trial has ended: it is not run again.
        assert_eq!(run(&config, &folder, Some(0)).unwrap(), state);
        assert_eq!(folder.state().unwrap().unwrap().state, state);
    }
}

#[test]
fn a_folder_of_another_configuration_is_refused_with_advice() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path()).trial("one");
    let short = dependent(BoundSpec::InfoNce, 1e-3);
    run(&short, &folder, None).unwrap();
    let longer = TrialConfig { steps: 2 * STEPS, ..short };
    let message = run(&longer, &folder, None).unwrap_err().to_string();
    assert!(message.contains("another configuration"), "{message}");
    let advice = format!("move {} elsewhere", folder.path().display());
    assert!(message.contains(&advice) && message.contains("run again"), "{message}");
}

/// Stops a trial at two steps, so that it has two checkpoints.
fn stopped(name: &str, root: &tempfile::TempDir, config: &TrialConfig) -> TrialFolder {
    let folder = RunFolder::new(root.path()).trial(name);
    for step in [5, 6] {
        run(config, &folder, Some(step)).unwrap();
    }
    assert_eq!(checkpoints(&folder).len(), 2);
    folder
}

/// Runs a trial to its end; returns the notices, and the step from which it continued.
fn run_to_end(
    config: &TrialConfig,
    folder: &TrialFolder,
) -> Result<(Vec<String>, u64), PaperError> {
    let (mut noticed, mut from) = (Vec::new(), 0);
    let control = Control { interrupted: &|| false, checkpoint_every: Control::CHECKPOINT_EVERY };
    trial::run(config, DIGITS.clone(), folder, control, &mut |event| match event {
        Event::Noticed { what } => noticed.push((*what).to_owned()),
        Event::Started { step } => from = *step,
        _ => {}
    })?;
    Ok((noticed, from))
}

#[test]
fn checkpoints_that_belong_elsewhere_are_skipped() {
    let root = tempfile::tempdir().unwrap();
    let config = dependent(BoundSpec::InfoNce, 1e-3);
    let whole = RunFolder::new(root.path()).trial("whole");
    run(&config, &whole, None).unwrap();

    // Checkpoints of a trial with another seed.
    let other = TrialConfig { seed: 6, ..config.clone() };
    let foreign = checkpoints(&stopped("foreign", &root, &other));
    let folder = stopped("own", &root, &config);
    for (from, to) in foreign.iter().zip(checkpoints(&folder)) {
        fs::copy(from, to).unwrap();
    }
    let (noticed, from) = run_to_end(&config, &folder).unwrap();
    assert_eq!(from, 0);
    assert!(noticed.len() == 2 && noticed[0].contains("belongs to trial"), "{noticed:?}");
    assert_eq!(records(&folder), records(&whole));

    // A checkpoint of another configuration of the same trial.
    let other = dependent(BoundSpec::InfoNce, 1e-2);
    let foreign = checkpoints(&stopped("faster", &root, &other));
    let folder = stopped("slower", &root, &config);
    fs::copy(&foreign[1], &checkpoints(&folder)[1]).unwrap();
    let (noticed, from) = run_to_end(&config, &folder).unwrap();
    assert_eq!(from, 5);
    assert!(noticed[0].contains("another configuration"), "{noticed:?}");
    assert_eq!(records(&folder), records(&whole));

    // A checkpoint with the name of another step.
    let folder = stopped("renamed", &root, &config);
    let newest = checkpoints(&folder).pop().unwrap();
    fs::rename(&newest, newest.with_file_name("000000000008.safetensors")).unwrap();
    let (noticed, from) = run_to_end(&config, &folder).unwrap();
    assert_eq!(from, 5);
    assert!(noticed[0].contains("step 8, but it was taken at step 6"), "{noticed:?}");
    assert_eq!(records(&folder), records(&whole));
}

#[test]
fn a_checkpoint_without_an_identity_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let config = dependent(BoundSpec::InfoNce, 1e-3);
    let folder = stopped("old", &root, &config);
    let newest = checkpoints(&folder).pop().unwrap();
    let mut old = mi_nets::Checkpoint::new();
    old.put_metadata("records_length", "100");
    fs::write(&newest, old.to_bytes().unwrap()).unwrap();
    let message = run_to_end(&config, &folder).unwrap_err().to_string();
    assert!(message.contains("from the start") && message.contains("which trial"), "{message}");
    // Following the message helps.
    fs::remove_dir_all(folder.path()).unwrap();
    run_to_end(&config, &folder).unwrap();
}

type Edit = fn(&str) -> String;

#[test]
fn records_that_a_checkpoint_refers_to_must_be_unchanged() {
    let root = tempfile::tempdir().unwrap();
    let config = dependent(BoundSpec::InfoNce, 1e-3);
    let whole = RunFolder::new(root.path()).trial("whole");
    run(&config, &whole, None).unwrap();
    let edits: [(&str, Edit, u64); 5] = [
        ("digit", |text| text.replacen("0.31", "0.32", 1), 0),
        ("label", |text| text.replacen("critic", "critik", 1), 0),
        ("gone", |_| String::new(), 0),
        ("cut", |text| text.lines().take(2).flat_map(|line| [line, "\n"]).collect(), 0),
        ("torn", |text| format!("{text}resume,resume.digi"), 6),
    ];
    for (name, edit, step) in edits {
        let folder = stopped(name, &root, &config);
        let before = records(&folder);
        let edited = edit(&before);
        assert_ne!(edited, before, "{name}: {before}");
        fs::write(folder.path().join("records.csv"), &edited).unwrap();
        let (noticed, from) = run_to_end(&config, &folder).unwrap();
        assert_eq!(from, step, "{name}: {noticed:?}");
        assert_eq!(noticed.is_empty(), step > 0, "{name}: {noticed:?}");
        assert_eq!(records(&folder), records(&whole), "{name}");
    }
}

#[test]
fn a_finished_trial_without_all_its_records_runs_again() {
    let root = tempfile::tempdir().unwrap();
    let config = dependent(BoundSpec::InfoNce, 1e-3);
    let folder = RunFolder::new(root.path()).trial("finished");
    run(&config, &folder, None).unwrap();
    let whole = records(&folder);
    let path = folder.path().join("records.csv");
    let few: String = whole.lines().take(3).flat_map(|line| [line, "\n"]).collect();
    for edited in
        [None, Some(few), Some(whole.replacen("0.31", "0.32", 1)), Some(whole.replace('\n', ""))]
    {
        match &edited {
            None => fs::remove_file(&path).unwrap(),
            Some(text) => fs::write(&path, text).unwrap(),
        }
        let (noticed, _) = run_to_end(&config, &folder).unwrap();
        assert!(noticed[0].contains("records.csv"), "{noticed:?}");
        assert_eq!(records(&folder), whole);
        // It is complete again: there is nothing to run.
        assert_eq!(run_to_end(&config, &folder).unwrap(), (Vec::new(), 0));
    }
    // The contents of the damaged files are still there.
    assert!(folder.path().join("records.csv.set-aside-3").exists());
}
