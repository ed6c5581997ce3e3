//! Which numbers of seeds judge, on synthetic outcomes.

use mi_paper::claims::Decision;
use mi_paper::outcome::{TrialInfo, TrialState};
use mi_paper::record::Metric;
use mi_paper::report::{self, judge};

use crate::claims::{shorten, verdict};
use crate::synthetic::Synthetic;

#[test]
fn one_seed_decides_nothing_whichever_way_it_points() {
    for outcome in [
        Synthetic::agreeing(1).outcome(),
        Synthetic::agreeing(1)
            .change(|_, metric, step, value| match metric {
                Metric::Accuracy => 0.9 - 1e-5 * step as f64,
                Metric::InverseError => 1.0,
                _ => -value,
            })
            .outcome(),
    ] {
        for verdict in judge(&outcome) {
            assert_eq!(verdict.decision(), Decision::Open, "{}", verdict.id);
        }
    }
}

#[test]
fn seeds_beyond_the_plan_and_out_of_order_decide_nothing() {
    // The planned seeds 0 to 3 do not decide; later ones would.
    let late = |trial: &TrialInfo, metric, step, value| {
        let shift =
            if trial.seed < 4 { 0.3 * f64::from(trial.seed as u32 % 2) - 0.15 } else { 0.0 };
        if metric == Metric::LogConditionP40 && step > 0 { value + 60.0 * shift } else { value }
    };
    let outcome = Synthetic::agreeing(20).only(&["conditioning"]).change(late).outcome();
    let verdicts = judge(&outcome);
    let c3 = verdict(&verdicts, "C3");
    assert_eq!(c3.seeds.planned, 4, "the paper's protocol has a plan of its own");
    assert_eq!(c3.decision(), Decision::NotShown, "{}", c3.finding.reason);
    assert!(c3.conditions().iter().all(|c| c.seeds() == 20), "the others are shown");

    let gap = Synthetic::agreeing(4).only(&["conditioning"]).state(|trial| match trial.seed {
        1 => TrialState::Waiting,
        _ => TrialState::Finished,
    });
    let verdicts = judge(&gap.outcome());
    let c3 = verdict(&verdicts, "C3");
    assert_eq!((c3.decision(), c3.seeds.ended.clone()), (Decision::Open, vec![0]));
}

#[test]
fn a_run_cannot_choose_its_number_of_seeds() {
    // At 5,000 steps, a setting without a plan of its own. Every effect is clear.
    let short = |seeds| {
        let mut outcome = Synthetic::agreeing(seeds).only(&["critics"]).outcome();
        shorten(&mut outcome, 25);
        outcome
    };
    let told = |seeds: u64, words: &str| {
        let outcome = short(seeds);
        for text in [report::markdown(&outcome), report::html(&outcome)] {
            assert!(text.contains(words), "{seeds} seeds: {words}");
        }
    };
    let (two, three) = (judge(&short(2)), judge(&short(3)));
    let (c4, other) = (verdict(&two, "C4"), verdict(&three, "C4"));
    assert_eq!((c4.decision(), c4.version_2.0), (Decision::Open, Decision::NotShown));
    assert_eq!((other.decision(), other.version_2.0), (Decision::Open, Decision::Holds));
    assert!(c4.finding.reason.starts_with(
        "2 of 20 planned seeds have ended; the first look is at 3. Settled conditions: 0 of 8."
    ));
    told(
        2,
        "Off plan: this run has 2 seeds, fewer than at the first look, so that it is not judged.",
    );
    told(3, "version 2 of the rules: holds");
    told(
        4,
        "Off plan: this run has 4 seeds, and the last planned look is at 3, which tests at 0.167 %.",
    );
    told(
        21,
        "Off plan: this run has 21 seeds, and those beyond the plan are shown but decide nothing.",
    );
    assert!(!report::markdown(&short(20)).contains("Off plan"));
    for seeds in [2, 3, 4, 7, 12] {
        let verdicts = judge(&short(seeds));
        let plan = &verdict(&verdicts, "C4").seeds;
        assert_eq!(plan.planned, 20, "{seeds} seeds");
    }
}

#[test]
fn the_quick_preset_has_planned_numbers_of_its_own() {
    let mut outcome = Synthetic::agreeing(6).only(&["conditioning"]).on("digits").outcome();
    assert_eq!(verdict(&judge(&outcome), "C3").seeds.planned, 4);
    outcome.run.preset = "quick".to_owned();
    assert_eq!(verdict(&judge(&outcome), "C3").seeds.planned, 5);
}

#[test]
fn the_documented_numbers_of_seeds_are_those_that_judge() {
    const CLAIMED: &[&str] = &[
        "invertible",
        "adversarial",
        "conditioning",
        "critics",
        "encoders",
        "dependent",
        "cifar-critics",
        "cifar-encoders",
        "metric",
        "dim",
        "cifar-dim",
        "cmc",
        "cifar-cpc",
        "cpc-sequences",
        "views",
        "measures",
        "bijective",
    ];
    let mut outcome = Synthetic::agreeing(1).only(CLAIMED).outcome();
    let any = judge(&outcome);
    outcome.run.preset = "quick".to_owned();
    let quick = judge(&outcome);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verdicts.md");
    let Ok(rules) = std::fs::read_to_string(page) else {
        eprintln!("skipped: there is no {page}");
        return;
    };
    let (_, table) = rules.split_once("| claim | planned seeds |").unwrap();
    let number = |cell: &str| cell.split([',', ' ']).next().unwrap().parse::<usize>().unwrap();
    let mut documented = 0;
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for id in cells[0].split(", ") {
            let planned = [&any, &quick].map(|verdicts| verdict(verdicts, id).seeds.planned);
            assert_eq!(planned, [number(cells[1]), number(cells[2])], "{id}");
            documented += 1;
        }
    }
    assert_eq!(documented, any.len());
}

#[test]
fn verdicts_of_the_quick_preset_are_demonstrations() {
    let mut outcome = Synthetic::agreeing(5).only(&["conditioning"]).on("digits").outcome();
    let limit = "probability of at most 2.5 %";
    for text in [report::markdown(&outcome), report::html(&outcome)] {
        assert!(text.contains(limit) && !text.contains("demonstration"));
    }
    outcome.run.preset = "quick".to_owned();
    for text in [report::markdown(&outcome), report::html(&outcome)] {
        assert!(!text.contains("2.5 %"), "no error probability is claimed");
        assert!(text.contains("holds at 21,000 steps on the embedded digits (demonstration)"));
        let (before, _) = text.split_once("C3").unwrap();
        assert!(before.contains("These verdicts are demonstrations, not tests"));
    }
    let text = report::markdown(&outcome);
    assert!(text.contains("1 claim holds (demonstration), 7 claims not judged.\n"));
    assert!(
        text.contains(
            "### C3 on embedded digits: holds at 21,000 steps on the embedded digits (demo"
        )
    );
}

#[test]
fn chosen_seeds_are_not_judged() {
    let mut outcome = Synthetic::agreeing(8).only(&["conditioning"]).outcome();
    let chosen = |seed: u64| [2, 5, 6, 7].contains(&seed);
    outcome.trials.retain(|trial| chosen(trial.seed));
    outcome.configs.retain(|config| chosen(config.seed));
    let verdicts = judge(&outcome);
    let c3 = verdict(&verdicts, "C3");
    assert_eq!((c3.decision(), c3.version_2.0), (Decision::Open, Decision::Holds));
    assert!(report::markdown(&outcome).contains("this run has no seed 0"));
}

#[test]
fn an_open_claim_says_what_is_settled_and_how_many_seeds_the_rest_needs() {
    let faint = |trial: &TrialInfo, metric, _, value| match metric {
        Metric::Accuracy if trial.critic == "separable" => {
            value + 0.004 * f64::from(trial.seed as u32 % 2)
        }
        _ => value,
    };
    let outcome = Synthetic::agreeing(5).only(&["critics"]).change(faint).outcome();
    let verdicts = judge(&outcome);
    let c4 = verdict(&verdicts, "C4");
    assert_eq!(c4.decision(), Decision::Open);
    assert!(c4.finding.reason.starts_with("5 of 20 planned seeds have ended."));
    let outlook = "bilinear − separable (would be confirmed at about ";
    assert!(c4.finding.reason.contains(outlook), "{}", c4.finding.reason);
    let page = report::html(&outcome);
    assert!(page.contains("conditions confirmed; the rest would be settled at about "));
    assert!(page.contains("open; would be confirmed at about "));
}

#[test]
fn a_claim_that_seeds_suggested_is_judged_by_later_seeds() {
    // The statement on held-out images is true only for the first three seeds.
    let first = |trial: &TrialInfo, metric, _, value| match metric {
        Metric::BoundTest if trial.critic == "mlp" && trial.seed < 3 => value + 1.0,
        _ => value,
    };
    let outcome = Synthetic::agreeing(20).only(&["critics"]).change(first).outcome();
    let verdicts = judge(&outcome);
    let (id, _, finding) = &verdict(&verdicts, "C4").forms[0];
    assert_eq!((id.as_str(), finding.decision), ("C4h", Decision::DoesNotHold), "{finding:?}");
    // The effect is that of the seeds that judge; the text has that of the others.
    for condition in &finding.conditions {
        let mean = condition.effect.unwrap().mean;
        assert!(condition.seeds() == 17 && mean < 0.0, "{condition:?}");
    }
    let (_, suggested) =
        finding.reason.split_once("when the statement was written. Here they show: ").unwrap();
    assert!(suggested.contains("held-out bound, MLP − bilinear is 0.9"), "{suggested}");
}
