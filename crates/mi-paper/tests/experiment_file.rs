//! Tests that experiments from files are read, refused, printed, and planned like the built-in
//! ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use clap::ValueEnum as _;
use mi_nets::{AdamConfig, Rule, SgdConfig};
use mi_paper::config::{Evaluation, Task, TrialConfig};
use mi_paper::experiment_file::ExperimentFile;
use mi_paper::experiments::EXPERIMENTS;
use mi_paper::multi_view::Net;
use mi_paper::plan::{Plan, Request};
use mi_paper::preset::{Preset, Scale};

fn request(experiment: &str, preset: Preset) -> Request {
    Request {
        seeds: vec!["2".parse().unwrap()],
        data: Some("data".into()),
        ..Request::new(&[experiment], preset)
    }
}

/// The first example of an experiment file in the crate's README.
fn example() -> String {
    toml_of_readme(1)
}

/// The README's example with many views.
fn views_example() -> String {
    toml_of_readme(2)
}

fn toml_of_readme(n: usize) -> String {
    let readme = include_str!("../README.md");
    readme.split("```toml\n").nth(n).unwrap().split("```").next().unwrap().to_owned()
}

fn parsed(text: &str) -> ExperimentFile {
    ExperimentFile::parse(text, Path::new("mine.toml")).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn refused(text: &str) -> String {
    ExperimentFile::parse(text, Path::new("mine.toml")).unwrap_err().to_string()
}

#[test]
fn every_built_in_experiment_is_the_same_from_its_file() {
    let root = tempfile::tempdir().unwrap();
    for &preset in Preset::value_variants() {
        for experiment in EXPERIMENTS {
            let file = ExperimentFile::of(experiment, &Scale::of(preset));
            let path = root.path().join(format!("{}.toml", experiment.name));
            std::fs::write(&path, file.to_toml()).unwrap();
            let built_in = Plan::resolve(&request(experiment.name, preset)).unwrap();
            let own = Plan::resolve(&request(path.to_str().unwrap(), preset)).unwrap();
            assert_eq!(own.trials, built_in.trials, "{}", experiment.name);
            let told = |plan: &Plan| -> Vec<(String, String)> {
                plan.trials.iter().map(|t| (t.id(), t.hash().unwrap())).collect()
            };
            assert_eq!(told(&own), told(&built_in));
            assert!(own.own.is_empty() && own.is_same(&built_in));
        }
    }
}

#[test]
fn a_grid_is_printed_as_one() {
    let critics = EXPERIMENTS.iter().find(|e| e.name == "critics").unwrap();
    let text = ExperimentFile::of(critics, &Scale::of(Preset::Quick)).to_toml();
    assert!(text.contains("bound = [\"infonce\", \"nwj\"]"), "{text}");
    assert!(!text.contains("\n[[variants]]"), "{text}");
}

#[test]
fn lists_are_grids_of_distinct_variants() {
    let file = parsed(&example());
    assert_eq!(file.name, "mine");
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("mine.toml");
    std::fs::write(&path, example()).unwrap();
    let plan = Plan::resolve(&request(path.to_str().unwrap(), Preset::Quick)).unwrap();
    let ids: Vec<String> = plan.trials.iter().map(TrialConfig::id).collect();
    assert_eq!(ids.len(), 2 * 8, "{ids:#?}");
    for id in [
        "mine.mnist.mlp.bilinear.infonce.k-64--encoder-hidden-300x300.s0",
        "mine.mnist.mlp.cosine.smile.k-128--encoder-hidden-100.s1",
    ] {
        assert!(ids.iter().any(|found| found == id), "{id} in {ids:#?}");
    }
    assert!(plan.deviations.is_empty(), "a user's experiment departs from nothing");
    assert_eq!(plan.own[0].name, "mine");
    // The resolved file has the same variants, and so has the file that is printed from it.
    let kept = &plan.own_files()[0];
    assert_eq!(kept.variants, file.variants);
    assert_eq!(parsed(&kept.to_toml()).variants, file.variants);
}

#[test]
fn files_may_choose_views_and_second_encoders() {
    let text = example()
        .replace("piece = \"left_half\"", "piece = \"rows:0..10\"")
        .replace("net = { like = \"g1\" }", "net = { residual = { layers = 2, init_sd = 0.01 } }");
    // Their widths differ, so that a cosine critic does not fit.
    let cosine = "{ cosine = { temperature = 0.07, learned = true } }";
    assert!(refused(&text).contains("line 34"), "{}", refused(&text));
    let file = parsed(&text.replace(cosine, "{ separable = { hidden = [], embed = 8 } }"));
    let Task::Contrastive(task) = &file.variants[0].task else { panic!("{file:?}") };
    assert_eq!(task.views.as_ref().unwrap()[0].to_string(), "rows:0..10");
    assert_eq!(task.encoder_y.as_ref().unwrap().label(), "residual");
    let halves = example()
        .replace("piece = \"left_half\"", "piece = \"top_half\"")
        .replace("piece = \"right_half\"", "piece = \"bottom_half\"");
    let Task::Contrastive(task) = &parsed(&halves).variants[0].task else { panic!() };
    assert_eq!(task.views, None, "the paper's halves are the default");
}

#[test]
fn measures_with_settings_are_read_and_written() {
    let list = "\"probe\", \"probe-epochs\", { scaled-probe = { constant = \"ten-epsilon\" } }, \
                { label-noise = { percent = 40 } }, \"reference-readers\", \"nearest-neighbours\", \
                { also-at = { step = 500 } }]";
    let file = parsed(&example().replace("\"probe\"]", list));
    let Task::Contrastive(task) = &file.variants[0].task else { panic!("{file:?}") };
    let constant = mi_eval::Constant::TenEpsilon;
    assert_eq!(
        task.evaluations,
        [
            Evaluation::Bounds,
            Evaluation::Probe,
            Evaluation::ProbeEpochs,
            Evaluation::ScaledProbe { constant },
            Evaluation::LabelNoise { percent: 40 },
            Evaluation::ReferenceReaders,
            Evaluation::NearestNeighbours,
            Evaluation::AlsoAt { step: 500 },
        ]
    );
    assert_eq!(parsed(&file.to_toml()).variants, file.variants);
    let error = refused(&example().replace("\"probe\"]", &list.replace("40", "101")));
    assert!(error.contains("at most 100 percent"), "{error}");
    let error = refused(&example().replace("\"probe\"]", &list.replace("ten-", "tiny-")));
    assert!(error.contains("did you mean `ten-epsilon`?"), "{error}");
    // The views of the second example: the same measures, of a task with probes.
    let views = views_example();
    let more = views.replace("\"probe\",", "\"probe\", \"probe-epochs\", \"reference-readers\",");
    assert_ne!(more, views);
    assert!(parsed(&more).variants[0].task.evaluations().contains(&Evaluation::ReferenceReaders));
}

#[test]
fn hashes_do_not_depend_on_settings_that_are_not_used() {
    let pixels = Plan::resolve(&request("pixels", Preset::Paper)).unwrap();
    let metric = Plan::resolve(&request("metric", Preset::Paper)).unwrap();
    let text = serde_json::to_string(&[pixels.trials, metric.trials].concat()).unwrap();
    assert!(!text.contains("generalised") && text.contains("lifted-structure"));
    assert!(!text.contains("optimiser"), "the paper's Adam is not written");
    let of_pixels = text.split("\"kind\":\"pixels\"").nth(1).unwrap();
    assert!(of_pixels.starts_with(",\"noise_sd\":0.0}"), "{of_pixels}");
}

#[test]
fn mistakes_are_reported_with_line_key_and_remedy() {
    let line = |text: &str, key: &str| 1 + text.lines().position(|l| l.starts_with(key)).unwrap();
    let place = |key: &str| format!("mine.toml, line {}: ", line(&example(), key));
    for (old, new, at, expected) in [
        ("batch_size =", "bacth_size =", "batch_size", "did you mean `batch_size`?"),
        ("steps = 2000", "steps = 2000\nstesp = 3", "evaluate_every", "did you mean `steps`?"),
        ("\"infonce\"", "\"infonec\"", "bound", "did you mean `infonce`?"),
        ("piece = \"left_half\"", "piece = \"lef_half\"", "piece", "left_half"),
        ("\"left_half\"", "\"columns:20..40\"", "piece", "20..40"),
        ("\"left_half\"", "\"patches:7x7\"", "piece", "patches"),
        ("\"left_half\"", "\"left_half+noise:0.1\"", "piece", "`noise`"),
        ("batch_size = [64, 128]", "batch_size = [64, 1]", "batch_size", "at least 2"),
        (
            "batch_size = [64, 128]",
            "batch_size = \"many\"",
            "batch_size",
            "`batch_size`: invalid type",
        ),
        ("y = \"g2\"", "y = \"g3\"", "y = ", "there is no encoder `g3`; there are g1, g2"),
        ("hidden = [100]", "hiden = [100]", "net = [", "did you mean `hidden`?"),
        ("clip = 5.0", "clip = -1.0", "bound = { smile", "clip"),
        ("learning_rate = 0.0001", "learning_rate = 0", "optimiser", "above 0"),
        ("\"probe\"]", "{ bijectivity = { inputs = 2 } }]", "measures", "only for a `realnvp`"),
        ("view = \"left\"", "view = \"west\"", "view = ", "one of the views: left, right"),
    ] {
        let text = example().replacen(old, new, 1);
        assert_ne!(text, example(), "{old}");
        let message = refused(&text);
        assert!(message.starts_with(&place(at)), "{old}: {message}");
        assert!(message.contains(expected), "{old}: {message}");
    }
    let never = example().replacen("\"probe\"]", "{ also-at = { step = 501 } }]", 1);
    assert!(refused(&never).contains("nothing is evaluated at step 501"), "{}", refused(&never));
    let twice = example().replace("batch_size = [64, 128]", "batch_size = [64, 64]");
    assert!(refused(&twice).contains("two variants are the same"), "{}", refused(&twice));
    assert!(refused("question = 'open").starts_with("mine.toml, line 1: "));
    let missing = example().replace("steps = 2000\n", "");
    assert!(refused(&missing).contains("`steps` is missing"), "{}", refused(&missing));
}

#[test]
fn measures_that_would_be_recorded_twice_are_refused() {
    for (list, expected) in [
        ("\"probe\", \"probe\"]", "one of them is there twice"),
        ("{ conditioning = { inputs = 2 } }, { conditioning = { inputs = 4 } }]", "log_condition"),
        ("\"probe\", { of = \"early-stopped-accuracy\" }]", "recorded as accuracy"),
    ] {
        let message = refused(&example().replace("\"probe\"]", list));
        assert!(message.contains(expected), "{list}: {message}");
    }
    let noises = "{ label-noise = { percent = 10 } }, { label-noise = { percent = 20 } }]";
    parsed(&example().replace("\"probe\"]", noises));
}

#[test]
fn what_cannot_run_is_refused_before_it_runs() {
    let separable = "critic = { separable = { hidden = [0], embed = 8 } }";
    for (old, new, expected) in [
        ("critic = \"bilinear\"", separable, "0"),
        ("temperature = 0.07", "temperature = 0.0", "temperature"),
        ("temperature = 0.07", "temperature = inf", "`inf` is not a finite number"),
        ("clip = 5.0", "clip = nan", "`nan` is not a finite number"),
        ("embed = 100", "embed = 9000000000", "above the greatest integer"),
        ("hidden = [300, 300]", "hidden = [100000, 100000]", "is too large"),
        ("[64, 128]", "[64, 9223372036854775807]", "above the greatest integer"),
        ("data = \"grey\"", "data = \"synthetic\"", "needs `samples` or `sequences`"),
    ] {
        let text = example().replacen(old, new, 1);
        assert_ne!(text, example(), "{old}");
        let message = refused(&text);
        assert!(message.contains(expected), "{new}: {message}");
    }
    let other = "net = { mlp = { hidden = [], embed = 11 } }";
    let unequal = example().replace("net = { like = \"g1\" }", other);
    let message = refused(&unequal.replace("critic = \"bilinear\"", "critic = \"inner-product\""));
    assert!(message.contains("100") && message.contains("11"), "{message}");
    for (old, new, expected) in [
        ("weight = 0.5", "l2 = -1.0", "not negative"),
        ("width = 64", "width = 1000000", "is too large"),
        ("net = { gru = { width = 64 } }", "net = { conv = { channels = [4], kernel = 0 } }", "0"),
    ] {
        let text = views_example().replacen(old, new, 1);
        assert_ne!(text, views_example(), "{old}");
        let message = refused(&text);
        assert!(message.contains(expected), "{new}: {message}");
    }
    let drawn = SYNTHETIC.replace("data = \"synthetic\"", "data = \"grey\"");
    assert!(refused(&drawn).contains("needs `data = \"synthetic\"`"), "{}", refused(&drawn));
}

#[test]
fn settings_that_share_a_folder_are_refused() {
    let settings = |names: [&str; 2]| {
        let mut names = names.into_iter();
        let blocks = example().split("[[variants]]\n").map(str::to_owned).collect::<Vec<_>>();
        let named = blocks[1..].iter().map(|block| {
            format!(
                "[[variants]]\nsetting = \"{}\"\nbatch_size = 64\nmeasures = []\n{block}",
                names.next().unwrap()
            )
        });
        let one = "net = { mlp = { hidden = [100], embed = 100 } }";
        let start = blocks[0].lines().map(|l| if l.starts_with("net = [") { one } else { l });
        let same = "critic = \"bilinear\"\nbound = \"infonce\"";
        let text = start.collect::<Vec<_>>().join("\n") + "\n" + &named.collect::<String>();
        text.replace("critic = { cosine = { temperature = 0.07, learned = true } }\nbound = { smile = { clip = 5.0 } }", same)
    };
    parsed(&settings(["one", "two"]));
    for names in [["α", "β"], ["a b", "a-b"], ["", "none"]] {
        let message = refused(&settings(names));
        assert!(message.contains("the same `setting` in folder names"), "{names:?}: {message}");
    }
}

#[test]
fn a_task_of_many_views_is_read_and_printed_the_same() {
    let file = parsed(&views_example());
    let [variant] = &file.variants[..] else { panic!("{file:?}") };
    let Task::MultiView(task) = &variant.task else { panic!("{file:?}") };
    assert_eq!((task.views.len(), task.terms.len(), task.probes.len()), (2, 2, 2));
    assert_eq!(task.terms[1].weight, 0.5);
    assert_eq!(parsed(&file.to_toml()).variants, file.variants);
    // A list of sizes is a grid of distinct variants.
    let grid = views_example().replace("batch_size = 128", "batch_size = [32, 64]");
    assert_eq!(parsed(&grid).variants.len(), 2);
}

#[test]
fn mistakes_in_tasks_of_many_views_are_named() {
    for (old, new, expected) in [
        ("piece = \"whole\"", "piece = \"hole\"", "hole"),
        ("of = \"z\"", "of = \"x\"", "there is no representation `x`; there are z, g, g.map"),
        ("places = 1", "places = 40", "beyond the end"),
        ("\"both\" } }", "\"bth\" } }", "did you mean `both`?"),
        ("candidates = \"all-places\"", "candidates = \"all-place\"", "did you mean `all-places`?"),
        ("weight = 0.5", "wieght = 0.5", "did you mean `weight`?"),
        ("of = [\"c\"]", "of = []", "has no representations"),
        ("view = \"image\"", "view = \"picture\"", "there is no view `picture`"),
        ("{ convnet", "{ like = \"y\" } # { convnet", "there is no encoder `y` above"),
        ("objective =", "bound = \"nwj\"\nobjective =", "either a `bound` or an `objective`"),
        ("objective =", "# objective =", "`bound` is missing"),
        ("bound = \"infonce\"", "bound = [\"infonce\", \"nwj\"]", "not a list"),
        ("channels = [16, 32]", "channels = [0, 32]", "widths above 0"),
        ("\"ties-ceiling\"", "\"tie-ceiling\"", "did you mean `ties-ceiling`?"),
        ("\"ties-ceiling\"", "\"retrieval\"", "`retrieval` needs a term that joins two summaries"),
        ("\"ties-ceiling\"", "\"frozen-bounds\"", "candidates `other-images`"),
        ("\"ties-ceiling\"", "{ conditioning = { inputs = 2 } }", "a whole view"),
        ("name = \"next\"", "name = \"next[1]\"", "no brackets"),
        ("name = \"next\"", "name = \"the patch after this one\"", "at most 17 bytes"),
    ] {
        let text = views_example().replacen(old, new, 1);
        assert_ne!(text, views_example(), "{old}");
        let message = refused(&text);
        assert!(message.starts_with("mine.toml, line "), "{old}: {message}");
        assert!(message.contains(expected), "{old}: {message}");
    }
}

#[test]
fn both_kinds_of_task_have_the_same_words() {
    // What the first example leaves out is what [[probes]] say in the second kind.
    let pair = example().replace("batch_size = [64, 128]", "batch_size = 64");
    let probes = "\n[[probes]]\nname = \"g1\"\nof = [\"g1\"]\n";
    let net = "net = [{ mlp = { hidden = [300, 300], embed = 100 } }, \
               { mlp = { hidden = [100], embed = 100 } }]";
    assert!(pair.contains(net));
    let pair = pair.replace(net, "net = { mlp = { hidden = [300, 300], embed = 100 } }");
    let views = pair.replacen("\n[[variants]]", &format!("{probes}\n[[variants]]"), 1);
    let (pair, views) = (parsed(&pair).variants, parsed(&views).variants);
    assert_eq!((pair.len(), views.len()), (2, 2));
    for (pair, views) in pair.iter().zip(&views) {
        let (Task::Contrastive(pair), Task::MultiView(views)) = (&pair.task, &views.task) else {
            panic!("{pair:?} {views:?}")
        };
        assert_eq!(views.terms[0].objective.bound(), Some(&pair.bound));
        assert_eq!(views.terms[0].critic, pair.critic);
        assert_eq!(views.evaluations, pair.evaluations);
        assert_eq!(views.encoders[1].net, Net::Own(pair.encoder.clone()), "`like` is resolved");
    }
    // A bound may also be written as an objective; other objectives need probes.
    let bound = example().replace("bound = \"infonce\"", "objective = { bound = \"infonce\" }");
    assert_eq!(parsed(&bound).variants, parsed(&example()).variants);
    let other = example().replace("bound = \"infonce\"", "objective = \"jensen-shannon\"");
    assert!(refused(&other).contains("needs [[probes]]"), "{}", refused(&other));
    // Keys of many views without probes are reported as what they are.
    let context = "\n[[contexts]]\nname = \"c\"\nof = \"g1\"\nnet = \"mean\"\n\n[[variants]]";
    let context = example().replacen("\n[[variants]]", context, 1);
    assert!(!refused(&context).contains("unknown key"), "{}", refused(&context));
}

#[test]
fn files_may_choose_the_optimiser() {
    let rate = "optimiser.adam.learning_rate = 0.0001";
    let with = |lines: &str| example().replace(rate, lines);
    let task = |text: &str| match &parsed(text).variants[0].task {
        Task::Contrastive(task) => task.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(task(&example()).optimiser, None);
    let spelt_out = with(&format!(
        "{rate}\noptimiser.adam.eps_placement = \"before-correction\"\noptimiser.schedule = {{}}"
    ));
    assert_eq!(task(&spelt_out).optimiser, None, "the paper's Adam, so the hash is the same");
    for (lines, rule) in [
        (
            "optimiser.sgd = { learning_rate = [0.1, 0.2], momentum = 0.9 }\n\
             optimiser.weight_decay = { coupled = 0.001 }\n\
             optimiser.schedule = { warm_up = 10, decay = { cosine = { steps = 90, floor = 0.0 } } }",
            Rule::Sgd(SgdConfig { lr: 0.1, momentum: 0.9, nesterov: false }),
        ),
        (
            "optimiser.adam = { learning_rate = 0.1, eps_placement = \"after-correction\" }",
            Rule::Adam(AdamConfig { lr: 0.1, ..AdamConfig::default() }),
        ),
    ] {
        let file = parsed(&with(lines));
        let own = task(&with(lines));
        assert_eq!((own.learning_rate, own.optimiser.unwrap().rule), (0.1, rule));
        assert_eq!(parsed(&file.to_toml()).variants, file.variants, "{}", file.to_toml());
    }
    let several = with("optimiser.sgd.learning_rate = [0.1, 0.2]");
    let labels = mi_paper::experiments::Variant::labels(&parsed(&several).variants);
    assert!(labels[0].setting.ends_with("learning_rate=0.1"), "{}", labels[0].setting);
    assert!(!labels[0].setting.contains("optimiser"), "the rate is named once");
    for (lines, expected) in [
        ("optimiser.sgd.momentum = 0.9", "`learning_rate` is missing"),
        ("optimiser.sgd = { learning_rate = 0.1, momentum = 1.5 }", "`momentum` is 1.5"),
        ("optimiser.sgd = { learning_rate = 0.1, beta1 = 0.5 }", "unknown key `beta1`"),
        ("optimiser.adagrad.learning_rate = 0.1", "`adam` is missing"),
        (
            "optimiser.adam.learning_rate = 0.1\noptimiser.sgd.learning_rate = 0.1",
            "unknown key `adam`",
        ),
    ] {
        let message = refused(&with(lines));
        assert!(message.contains(expected), "{lines}: {message}");
    }
}

#[test]
fn names_of_other_experiments_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("critics.toml");
    std::fs::write(&path, example()).unwrap();
    let asked = request(path.to_str().unwrap(), Preset::Quick);
    let message = Plan::resolve(&asked).unwrap_err().to_string();
    assert!(message.contains("critics.toml") && message.contains("another name"), "{message}");
    // Two files with the same name are refused, too.
    let (first, second) = (root.path().join("mine.toml"), root.path().join("more.toml"));
    std::fs::write(&first, example()).unwrap();
    let other = format!("name = \"mine\"\n{}", example().replace("steps = 2000", "steps = 3000"));
    std::fs::write(&second, other).unwrap();
    let paths = [&first, &second].map(|path| path.to_str().unwrap().to_owned());
    let both = Request { experiments: paths.to_vec(), ..asked };
    let message = Plan::resolve(&both).unwrap_err().to_string();
    assert!(message.contains("more.toml") && message.contains("`mine`"), "{message}");
}

const SYNTHETIC: &str = r#"
question = "How large may the critic be?"
data = "synthetic"
steps = 40
evaluate_every = 20
batch_size = 16
optimiser.adam.learning_rate = 0.001
samples.shared_latent = false

[[terms]]
x = "x"
y = "y"
critic = [{ concat = { hidden = [4] } }, { concat = { hidden = [8] } }]
bound = "nwj"
"#;

#[test]
fn a_file_runs_resumes_and_is_refused_once_it_has_changed() {
    let root = tempfile::tempdir().unwrap();
    let (path, out) = (root.path().join("mine.toml"), root.path().join("run"));
    std::fs::write(&path, SYNTHETIC).unwrap();
    let with = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mi-paper"));
        command.args(["reproduce", "--jobs", "1"]).args(options).arg("--experiment");
        let output = command.arg(&path).arg("--out").arg(&out).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let reproduce = || with(&["--seeds", "1"]);
    let (success, messages) = reproduce();
    assert!(success, "{messages}");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let report = read("report.md");
    assert!(report.contains("# Results of mine"), "{report}");
    assert!(
        report.contains("How large may the critic be?") && !report.contains("claim"),
        "{report}"
    );
    assert!(report.contains("critic.concat.hidden\u{a0}=\u{a0}8"), "{report}");
    assert!(read("figures/mine-estimate.svg").contains("plot-point"));
    assert!(read("report.html").contains("Results of mine"));
    assert!(!read("run.json").contains(root.path().to_str().unwrap()), "{}", read("run.json"));
    assert_eq!(parsed(&read("mine.toml")).variants, parsed(SYNTHETIC).variants);

    let records = read("records.csv");
    let (success, messages) = reproduce();
    assert!(success && messages.contains("0 of 2 trials to run"), "{messages}");

    // A dry run changes nothing, and more seeds make the run grow.
    let plan = read("plan.json");
    let (success, messages) = with(&["--seeds", "2", "--dry-run"]);
    assert!(success && messages.contains("is as it was"), "{messages}");
    assert_eq!(read("plan.json"), plan);
    let (success, messages) = with(&["--seeds", "2"]);
    assert!(success && messages.contains("2 of 4 trials to run"), "{messages}");
    assert!(messages.contains("the plan grows from 2 trials to 4"), "{messages}");
    assert!(read("run.json").contains("--seeds 2"), "{}", read("run.json"));
    assert!(read("report.md").contains("- seeds: 2 (0, 1)"), "{}", read("report.md"));
    let grown = read("records.csv");
    assert!(records.lines().all(|line| grown.lines().any(|other| other == line)));
    let (success, messages) = reproduce();
    assert!(!success && messages.contains("trials: 4 there, 2 requested"), "{messages}");
    let records = grown;

    std::fs::write(&path, SYNTHETIC.replace("batch_size = 16", "batch_size = 32")).unwrap();
    let (success, messages) = with(&["--seeds", "2"]);
    assert!(!success);
    for words in ["`mine` has changed", "- batch_size = 16", "+ batch_size = 32", "--out"] {
        assert!(messages.contains(words), "{messages}");
    }
    assert_eq!(read("records.csv"), records);
}

#[test]
fn a_built_in_experiment_is_printed_as_a_file_to_edit() {
    let experiment = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mi-paper"));
        command.args(["experiment", name]).output().unwrap()
    };
    let printed = String::from_utf8(experiment("critics").stdout).unwrap();
    assert_eq!(parsed(&printed).variants.len(), 6, "{printed}");
    let unknown = experiment("critic");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("critics"));
}

const REPRESENTATION: &str = r#"
steps = 2
batch_size = 32
measures = ["representation", "cka-to-start"]
optimiser.adam.learning_rate = 0.001

[[views]]
name = "x"
piece = "top_half"

[[views]]
name = "y"
piece = "bottom_half"

[[encoders]]
name = "g1"
view = "x"
net = { mlp = { hidden = [8], embed = 4 } }

[[encoders]]
name = "g2"
view = "y"
net = { like = "g1" }

[[terms]]
x = "g1"
y = "g2"
critic = "bilinear"
bound = ["infonce", "nwj"]
"#;

#[test]
fn similarity_compares_the_seeds_of_each_encoder() {
    let root = tempfile::tempdir().unwrap();
    let (path, out) = (root.path().join("mine.toml"), root.path().join("run"));
    std::fs::write(&path, REPRESENTATION).unwrap();
    let mi_paper = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mi-paper"));
        command.args(arguments);
        command
    };
    let mut run = mi_paper(&["reproduce", "--seeds", "0..3", "--jobs", "1", "--experiment"]);
    let output = run.arg(&path).arg("--out").arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = mi_paper(&["similarity", "--json"]).arg(&out).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let pairs: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Three pairs of seeds for each bound.
    assert_eq!(pairs.len(), 6, "{lines}");
    for pair in &pairs {
        let plain = pair["plain"].as_f64().unwrap();
        assert!(pair["seeds"][0] != pair["seeds"][1] && (0.0..0.999).contains(&plain), "{pair}");
    }
    let output = mi_paper(&["similarity"]).arg(&out).output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("nwj") && table.contains("pairs of seeds"), "{table}");

    // For a run without representations, the message says how to get them.
    std::fs::remove_dir_all(out.join("trials")).unwrap();
    let output = mi_paper(&["similarity"]).arg(&out).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("`representation`"), "{message}");
}
