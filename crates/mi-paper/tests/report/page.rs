//! Tests of figures, tables and the page.

use std::collections::BTreeSet;

use mi_paper::origin::Origin;
use mi_paper::outcome::{Outcome, TrialInfo, TrialState};
use mi_paper::record::Metric;
use mi_paper::report;

use crate::synthetic::{Synthetic, published, record, together};

/// An outcome with half of the plan done, trials in every state, and a result that contradicts the
/// paper.
fn half_done() -> Outcome {
    let mut outcome = Synthetic::agreeing(3)
        .on("digits")
        .state(|trial| match (trial.experiment.as_str(), trial.seed) {
            ("cifar-critics" | "cifar-encoders" | "bounds" | "cosine", _) => TrialState::Waiting,
            ("conditioning", 2) => TrialState::Unfinished { step: 7_000 },
            ("invertible", seed) => TrialState::Unfinished { step: 2_000 * seed },
            ("critics", 1) if trial.bound == "nwj" => {
                TrialState::Diverged { step: 4_321, reason: "the loss is not finite".to_owned() }
            }
            _ => TrialState::Finished,
        })
        .change(|trial, metric, _, value| match metric {
            Metric::Accuracy if matches!(trial.state, TrialState::Diverged { .. }) => 7.77e9,
            Metric::Accuracy if trial.encoder == "convnet" => value - 0.1,
            _ => value,
        })
        .outcome();
    outcome.run.deviations = vec!["RealNVP encoders have 6 couplings instead of 30.".to_owned()];
    outcome
}

/// The values of an attribute in a page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let values = page.split(start.as_str()).skip(1);
    values.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_experiment_has_drawings_that_a_parser_accepts() {
    let outcome = Synthetic::agreeing(2).outcome();
    let drawings = report::draw(&outcome);
    let names: BTreeSet<&str> = drawings.iter().map(|d| d.file.as_str()).collect();
    assert_eq!(names.len(), drawings.len(), "file names differ");
    for drawing in &drawings {
        let document = roxmltree::Document::parse(&drawing.svg).unwrap();
        assert_eq!(document.root_element().attribute("role"), Some("img"), "{}", drawing.file);
        assert!(drawing.svg.contains("plot-point"), "{} shows nothing", drawing.file);
    }
    for figure in [
        "fig-1-",
        "fig-1c-",
        "fig-2-condition-shared-infonce.",
        "fig-2-condition-shared-nwj.",
        "fig-3-accuracy-infonce.",
        "fig-3-bound-train-nwj.",
        "fig-3-bound-train-infonce.",
        "fig-4-accuracy-infonce.",
        "fig-4-accuracy-nwj.",
        "fig-4-target-loss-nwj.",
        "fig-4c-estimate.",
        "fig-8-",
        "fig-9-",
        "supervised-",
        "pixels-",
        "bounds-",
        "batch-size-",
        "cosine-",
    ] {
        assert!(names.iter().any(|name| name.starts_with(figure)), "{figure} in {names:?}");
    }
}

#[test]
fn published_end_values_are_marked_in_drawings() {
    let outcome = Synthetic::agreeing(2).outcome();
    let drawings: String = report::draw(&outcome).into_iter().map(|d| d.svg).collect();
    for (_, value) in published().filter(|(e, v)| v.step == e.published.last_step) {
        let mark = format!("data-mark=\"{}\"", value.value);
        assert!(drawings.contains(&mark), "{value:?}");
    }
}

#[test]
fn a_second_data_set_has_its_own_figures() {
    let outcome = Synthetic::agreeing(1).only(&["critics"]).outcome();
    let other = Synthetic::agreeing(1).only(&["critics"]).on("fashion-mnist").outcome();
    let outcome = together(outcome, other);
    let page = report::html(&outcome);
    let ids = attributes(&page, "id");
    assert!(ids.contains(&"fig-3") && ids.contains(&"fig-3-fashion-mnist"), "{ids:?}");
    assert!(page.contains("paper, MNIST") || page.contains(">MNIST</text>"));
}

#[test]
fn figures_with_the_same_title_name_their_data_sets() {
    let experiments = &["dim", "cifar-dim", "cpc", "cifar-cpc", "critics"];
    let page = report::html(&Synthetic::agreeing(1).only(experiments).outcome());
    let (_, rest) = page.split_once("aria-label=\"Contents\"").unwrap();
    let (contents, _) = rest.split_once("</nav>").unwrap();
    for title in ["Deep InfoMax", "Contrastive predictive coding"] {
        for dataset in ["MNIST", "CIFAR-10"] {
            assert!(contents.contains(&format!(">{title}, {dataset}</a>")), "{contents}");
        }
    }
    assert!(contents.contains(">Figures 3 and 6</a>"), "{contents}");
    assert!(page.contains("<h2>Deep InfoMax: global and local objectives, MNIST</h2>"));
    assert!(page.contains("<h2>Deep InfoMax: global and local objectives, CIFAR-10</h2>"));
}

#[test]
fn no_drawing_replaces_another_of_a_similar_name() {
    let mut outcome = Synthetic::agreeing(1).only(&["cpc"]).outcome();
    let metric = Metric::BoundTest;
    let metrics = [metric.of_part("k_1"), metric.of_part("k-1"), metric.of_part("k 1")];
    let values = |trial: &TrialInfo| metrics.map(|m| record(trial, trial.steps, m, 0.5));
    outcome.records = outcome.trials.iter().flat_map(values).collect();
    let files: Vec<String> = report::draw(&outcome).into_iter().map(|d| d.file).collect();
    assert_eq!(files.iter().collect::<BTreeSet<_>>().len(), files.len(), "{files:?}");
    for name in ["cpc-bound-test-k-1-ends.svg", "cpc-bound-test-k-1-ends-3.svg"] {
        assert!(files.iter().any(|file| file == name), "{name} in {files:?}");
    }
}

#[test]
fn charts_show_bound_and_accuracy_over_the_pixels_that_views_share() {
    let mut outcome = Synthetic::agreeing(1).only(&["views", "dim"]).outcome();
    let metrics = [Metric::BoundTest, Metric::Accuracy];
    let end = |trial: &TrialInfo| metrics.map(|metric| record(trial, trial.steps, metric, 0.5));
    outcome.records = outcome.trials.iter().flat_map(end).collect();
    let files: BTreeSet<String> = report::draw(&outcome).into_iter().map(|d| d.file).collect();
    for name in ["views-bound-test-shared.svg", "views-accuracy-shared.svg", "dim-published.svg"] {
        assert!(files.contains(name), "{files:?}");
    }
    let text = report::markdown(&outcome);
    let (_, rest) = text.split_once("Bound on held-out data, over what the views share").unwrap();
    let table: Vec<&str> = rest.lines().filter(|line| line.starts_with('|')).take(7).collect();
    // Two, four and eight rows of the other half, for each half, of 28 pixels; and whole images.
    let shared: Vec<&str> =
        table[2..].iter().map(|line| line.split('|').nth(1).unwrap().trim()).collect();
    assert_eq!(shared, ["0", "112", "224", "448", "784"], "{table:?}");
    assert!(text.contains("| VAE | 93.0 | 0.6071 |") && text.contains("| DIM, local | 45.1 |"));
}

#[test]
fn the_text_has_what_the_page_has() {
    let outcome = Synthetic::agreeing(20).outcome();
    let text = report::markdown(&outcome);
    assert!(text.contains("8 claims hold."), "{text}");
    for form in ["| C2c | ", "| C4h | ", "| C5m | ", "| C8m | "] {
        assert!(text.contains(form), "no row {form}");
    }
    let faint = Synthetic::agreeing(2).only(&["critics"]).outcome();
    assert!(report::markdown(&faint).contains("| 0 of 8 conditions confirmed"));
}

#[test]
fn the_page_is_self_contained() {
    let page = report::html(&Synthetic::agreeing(2).outcome());
    let ids = attributes(&page, "id");
    let distinct: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "ids are unique");
    for target in attributes(&page, "href") {
        let known = target.strip_prefix('#').map_or_else(
            || target.starts_with("data:") || target == "records.csv",
            |id| ids.contains(&id),
        );
        assert!(known, "{target}");
    }
    assert!(attributes(&page, "src").is_empty());
    assert!(!page.contains("url(") && !page.contains("@import") && !page.contains("http"));
    // Large enough for searchable text, but small enough for any browser.
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
}

#[test]
fn a_page_with_few_records_contains_them() {
    let small = Synthetic::agreeing(1).only(&["pixels"]).outcome();
    let page = report::html(&small);
    let contained = attributes(&page, "href")
        .into_iter()
        .find(|href| href.starts_with("data:text/csv") && href.contains("experiment,trial,"))
        .unwrap();
    assert_eq!(contained.matches("%0A").count(), small.records.len() + 1);
    let large = report::html(&Synthetic::agreeing(3).outcome());
    assert!(!large.contains("experiment,trial,dataset"));
}

#[test]
fn diverged_trials_are_reported_and_never_averaged() {
    let outcome = half_done();
    for text in
        [report::html(&outcome), report::markdown(&outcome), report::summary(&outcome).to_string()]
    {
        assert!(text.contains("2/3, 1 diverged"));
        // A mean with 7.77e9 in it.
        assert!(!text.contains("2590000000") && !text.contains("3885000000"));
    }
    let page = report::html(&outcome);
    assert!(page.contains("the loss is not finite") && page.contains("4,321"));
}

#[test]
fn charts_of_ends_wait_for_the_end() {
    let state = |trial: &TrialInfo| match trial.critic.as_str() {
        "mlp" => TrialState::Unfinished { step: 4000 },
        _ => TrialState::Finished,
    };
    let page = report::html(&Synthetic::agreeing(2).only(&["critics"]).state(state).outcome());
    let chart = |title: &str| {
        let svg = page.split("<svg").find(|svg| svg.contains(title)).expect(title);
        svg.split("</svg>").next().unwrap_or_default()
    };
    for title in ["NWJ: bound on training batches", "NWJ: bound on training batches, last fifth"] {
        let drawn = chart(&format!(">{title}<"));
        assert!(drawn.contains(">bilinear<"), "{title}");
        assert_eq!(drawn.contains(">MLP<"), !title.contains("fifth"), "{title}");
    }
}

#[test]
fn a_half_done_run_says_what_is_missing() {
    let outcome = half_done();
    let is_left =
        |state: &TrialState| matches!(state, TrialState::Waiting | TrialState::Unfinished { .. });
    let left = outcome.trials.iter().filter(|trial| is_left(&trial.state)).count();
    let missing = format!(
        "This run is not complete: {left} trials of {} have not ended",
        outcome.trials.len()
    );
    assert!(left > 50, "trials of several experiments wait");
    for text in [report::html(&outcome), report::markdown(&outcome)] {
        assert!(text.contains(&missing), "{missing}");
        assert!(text.contains("RealNVP encoders have 6 couplings instead of 30."));
        assert!(text.contains("4,000 of 21,000"), "the steps of unfinished trials");
        assert!(!text.contains("NaN"));
    }
    let page = report::html(&outcome);
    assert!(page.contains("No trial of this experiment has reached its first evaluation yet."));
    let complete = report::html(&Synthetic::agreeing(2).outcome());
    assert!(!complete.contains("not complete"));
    // Of departures from the protocol, only those that are not in configurations remain.
    assert!(complete.contains("Runs of each configuration: 2 instead of 20."));
    assert!(complete.contains("drawn from a buffer of 1,000 images in stored order."));
    assert!(!complete.contains("Optimiser steps"));
}

#[test]
fn contradictions_are_stated_plainly() {
    let outcome = half_done();
    for text in [report::html(&outcome), report::markdown(&outcome)] {
        let (_, rest) = text.split_once("Where this run contradicts the paper").unwrap();
        let sentence =
            "C5 at 21,000 steps on the embedded digits: accuracy, ConvNet − MLP (A) is −6.";
        assert!(rest.contains(sentence));
        assert!(rest.contains("expected above 0; the paper has 3.95 points on MNIST."));
    }
    let against = Synthetic::agreeing(3).only(&["encoders"]).change(|trial, metric, _, value| {
        if metric == Metric::Accuracy && trial.encoder == "convnet" { value - 0.1 } else { value }
    });
    let same_data = report::markdown(&against.outcome());
    assert!(same_data.contains("expected above 0; the paper has 3.95 points."));
    let agreeing = report::html(&Synthetic::agreeing(20).outcome());
    assert!(!agreeing.contains("contradicts"));
    // What the paper did not run is no part of its claims or its protocol.
    let beyond = Synthetic::agreeing(5).only(&["metric"]).change(|trial, metric, _, value| {
        if metric == Metric::Accuracy { 0.5 + 0.01 * trial.seed as f64 } else { value }
    });
    let beyond = beyond.outcome();
    for text in [report::markdown(&beyond), report::html(&beyond)] {
        assert!(text.contains("Beyond “On Mutual Information Maximization"));
        assert!(!text.contains("contradicts the paper") && !text.contains("the paper's protocol"));
    }
    assert!(agreeing.contains("8 claims hold"));
}

#[test]
fn the_report_states_the_seeds_of_its_trials() {
    let mut outcome = Synthetic::agreeing(3).only(&["critics", "pixels"]).outcome();
    assert!(report::markdown(&outcome).contains("\n- seeds: 3 (0, 1, 2)\n"));
    outcome.trials.retain(|trial| trial.experiment == "critics" || trial.seed == 0);
    let seeds = "between 1 and 3 for each experiment";
    assert!(report::markdown(&outcome).contains(&format!("\n- seeds: {seeds}\n")));
    assert!(report::html(&outcome).contains(&format!("<dt>seeds</dt><dd>{seeds}</dd>")));
    outcome.trials.retain(|trial| (trial.experiment == "critics") == (trial.seed == 1));
    assert!(report::markdown(&outcome).contains("\n- seeds: 1 for each experiment\n"));
}

#[test]
fn other_machines_and_revisions_than_at_the_start_are_named() {
    let mut outcome = Synthetic::agreeing(1).only(&["critics"]).outcome();
    let here = outcome.run.origin.clone();
    let elsewhere = Origin { host: "lab-4".to_owned(), ..here.clone() };
    let later = Origin { commit: Some("c0ffee1".to_owned()), ..elsewhere.clone() };
    // One trial has no origin, as in files of earlier versions; one was resumed.
    let origins = [vec![], vec![here.clone()], vec![here.clone(), elsewhere], vec![later]];
    for (trial, origins) in outcome.trials.iter_mut().zip(origins) {
        trial.origins = origins;
    }
    let text = report::markdown(&outcome);
    assert!(text.contains(&format!("\n- host: {}; 2 trials on lab-4\n", here.host)), "{text}");
    let program = "\n- program: mi-paper 0.1.0, source at revision 9df7fb5; 1 trial at c0ffee1\n";
    assert!(text.contains(program), "{text}");
}

#[test]
fn the_time_of_one_seed_is_the_sum_of_mean_times_of_configurations() {
    let mut outcome = Synthetic::agreeing(3).only(&["critics", "pixels"]).outcome();
    for trial in outcome.trials.iter_mut().filter(|trial| trial.experiment == "pixels") {
        trial.seconds = 183.0;
    }
    let rows = |outcome: &Outcome| {
        let text = report::markdown(outcome);
        let (_, table) = text.split_once("## Trials and time").unwrap();
        table.lines().filter(|line| line.starts_with("| ")).map(str::to_owned).collect::<Vec<_>>()
    };
    // Six configurations of 60, 61 and 62 s, and two of 183 s.
    let lines = rows(&outcome);
    assert_eq!(lines[2], "| critics | MNIST | 18/18 | 21,000 | 18 min 18 s | 6 min 06 s | 50 % |");
    assert_eq!(lines[4], "| all |  | 24/24 |  | 36 min 36 s | 12 min 12 s |  |");
    // An unknown total has no shares, and a diverged trial does not count.
    for trial in outcome.trials.iter_mut().filter(|trial| trial.experiment == "pixels") {
        trial.state = TrialState::Waiting;
    }
    outcome.trials[0].state = TrialState::Diverged { step: 3, reason: "NaN".to_owned() };
    let lines = rows(&outcome);
    assert_eq!(lines[2], "| critics | MNIST | 17/18 | 21,000 | 18 min 18 s | 6 min 07 s | – |");
    assert_eq!(lines[4], "| all |  | 17/24 |  | 36 min 36 s | – |  |");
}

#[test]
fn times_that_were_not_kept_are_not_zero() {
    let mut outcome = Synthetic::agreeing(3).only(&["critics", "pixels"]).outcome();
    for trial in outcome.trials.iter_mut().filter(|trial| trial.experiment == "critics") {
        trial.seconds = 0.0;
    }
    let text = report::markdown(&outcome);
    assert!(text.contains("\n| critics | MNIST | 18/18 | 21,000 | – | – | – |\n"), "{text}");
    outcome.trials.iter_mut().for_each(|trial| trial.seconds = 0.0);
    let text = report::markdown(&outcome);
    assert!(text.contains("\n- processor time in trials: –\n"), "{text}");
    assert!(text.contains("\n| all |  | 24/24 |  | – | – |  |\n"), "{text}");
}

#[test]
fn hostile_text_stays_text() {
    let mut outcome = Synthetic::agreeing(1).only(&["critics"]).outcome();
    let script = "</script><script>alert(1)</script>|`";
    outcome.run.command = script.to_owned();
    outcome.run.origin.host = script.to_owned();
    let trials = outcome.trials.iter_mut().zip(&mut outcome.configs);
    for ((trial, config), setting) in trials.zip(["\"<b>&", "a|b"]) {
        trial.setting = setting.to_owned();
        config.labels.setting = setting.to_owned();
    }
    let page = report::html(&outcome);
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(!page.contains("<b>"));
    for drawing in report::draw(&outcome) {
        roxmltree::Document::parse(&drawing.svg).unwrap();
    }
    assert!(report::markdown(&outcome).contains("a\\|b"));
}

#[test]
fn numbers_that_are_not_finite_are_shown_as_such() {
    let outcome = Synthetic::agreeing(3)
        .only(&["invertible", "critics"])
        .change(|trial, metric, step, value| match metric {
            Metric::BoundTrain if step == 0 => f64::NEG_INFINITY,
            Metric::BoundTrain if trial.bound == "nwj" && trial.critic == "mlp" => f64::INFINITY,
            Metric::BoundTrain if trial.bound == "nwj" && trial.seed == 0 => f64::NEG_INFINITY,
            Metric::BoundTest => f64::NAN,
            _ => value,
        })
        .outcome();
    let page = report::html(&outcome);
    assert!(page.contains("not a number") && page.contains("−∞"));
    for drawing in report::draw(&outcome) {
        roxmltree::Document::parse(&drawing.svg).unwrap();
    }
}

#[test]
fn an_empty_folder_has_a_report_too() {
    let mut outcome = Synthetic::agreeing(0).outcome();
    outcome.records.clear();
    assert!(report::draw(&outcome).is_empty());
    assert!(report::summary(&outcome).is_empty());
    let page = report::html(&outcome);
    assert!(page.contains("8 claims not judged"));
    assert!(report::markdown(&outcome).contains("| not judged |"));
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let outcome = half_done();
    assert_eq!(report::html(&outcome), report::html(&outcome.clone()));
    assert_eq!(report::draw(&outcome), report::draw(&outcome));
}

#[test]
fn captions_explain_what_is_drawn_and_nothing_else() {
    let key = |outcome: &Outcome| {
        let page = report::html(outcome);
        let words = ["thin lines are single seeds", "Bands reach", "Hollow diamonds are the paper"];
        words.map(|words| page.contains(words))
    };
    assert_eq!(key(&Synthetic::agreeing(3).only(&["critics"]).outcome()), [true, true, true]);
    assert_eq!(key(&Synthetic::agreeing(1).only(&["critics"]).outcome()), [false, false, true]);
    assert_eq!(key(&Synthetic::agreeing(3).only(&["supervised"]).outcome()), [true, true, false]);
    assert_eq!(key(&Synthetic::agreeing(3).only(&["metric"]).outcome()), [false, false, false]);
}

#[test]
fn each_form_of_a_claim_can_be_reached_from_its_figure() {
    let page = report::html(&Synthetic::agreeing(20).only(&["critics"]).outcome());
    assert!(attributes(&page, "id").contains(&"rule-c4-mnist-c4h"));
    let links = attributes(&page, "href").into_iter().filter(|href| *href == "#rule-c4-mnist-c4h");
    assert_eq!(links.count(), 2, "from the table of claims and from the figure");
    assert!(page.contains("C4h: effects in nats"));
    // The effects on the InfoNCE bounds are a fortieth of those on the NWJ bounds.
    assert!(page.contains("C4: small effects in nats"));
}

#[test]
fn a_metric_measured_before_and_after_training_has_no_line() {
    let outcome = Synthetic::agreeing(3).only(&["encoders"]).outcome();
    let mut outcome = outcome;
    let is_end = |step: u64| step == 0 || step == 21_000;
    outcome.records.retain(|r| r.metric != Metric::AccuracyConverged || is_end(r.step));
    let drawings = report::draw(&outcome);
    let named = |part: &str| drawings.iter().find(|d| d.file.contains(part)).unwrap();
    let svg = &named("accuracy-converged-infonce").svg;
    // Four configurations, each before and after training.
    assert_eq!(svg.matches("class=\"plot-point\"").count(), 8);
    assert!(!svg.contains("class=\"plot-line") && svg.contains("before training"));
    // A metric whose curve the paper shows keeps its axis of steps.
    assert!(named("fig-4-accuracy-infonce").svg.contains("training step"));
}
