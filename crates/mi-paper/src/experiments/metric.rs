//! Deep metric learning in the paper's setting: losses, mined negatives, and metrics as critics.

use mi_critics::CriticSpec;
use mi_estimators::bounds::BoundSpec;
use mi_estimators::losses::Mining;

use super::settings::mlp;
use super::systems::{
    cosine, difference, encoder, end_panels, info_nce, named, same_encoder, task, view,
};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::Evaluation;
use crate::figures::{Figure, Panel, by_place};
use crate::multi_view::{Candidates, MultiView, ObjectiveSpec, Probed, ViewTerm};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "metric",
    figures: "",
    question: "Does accuracy follow the bound if negatives are mined or the critic is a metric?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 200,
    figure: Figure {
        id: "metric",
        heading: "Deep metric learning",
        caption: "The paper's halves and MLP encoders, trained with losses of metric learning. Both halves \
                  share one encoder, or each has its own. For losses that are not bounds, the bound shown is \
                  InfoNCE of the same scores, which is a lower bound whatever loss trained the critic. With \
                  cosines at temperature 0.5 it cannot exceed about 2 nats. The N-pair loss is ln K minus \
                  InfoNCE with inner products.",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "V4",
        paper_figures: "section 4",
        statement: "Metric critics and mined triplets give a lower bound than a bilinear critic, but a better \
                    representation.",
        rule: "With one encoder for both halves, the held-out bound of InfoNCE with a bilinear critic is \
               above those of symmetric InfoNCE with a cosine at temperature 0.5 and of semi-hard triplets \
               (margin 1). The accuracy of its probe is below those of both.",
        seeds: 5,
        conditions,
        forms: &[],
    }),
};

/// The negative squared distance of vectors scaled to length 1.
const DISTANCE: CriticSpec = CriticSpec::NegativeDistance { unit: true };

fn variants(scale: &Scale) -> Vec<Variant> {
    let names = ("term", "g1", "g2");
    let both_views = |term: ViewTerm| ViewTerm { candidates: Candidates::BothViews, ..term };
    let triplet =
        |margin, mining| ViewTerm::new(names, DISTANCE, ObjectiveSpec::Triplet { margin, mining });
    let symmetric = ObjectiveSpec::Bound(BoundSpec::InfoNceSymmetric);
    let terms = [
        ("nce-bilinear", info_nce(names, CriticSpec::Bilinear)),
        ("nce-inner", info_nce(names, CriticSpec::InnerProduct)),
        ("nce-distance", info_nce(names, CriticSpec::NegativeDistance { unit: false })),
        ("npair-l2", ViewTerm { l2: 0.002 * 0.25, ..info_nce(names, CriticSpec::InnerProduct) }),
        ("ntxent", both_views(info_nce(names, cosine(0.5)))),
        ("symnce-cos", ViewTerm::new(names, cosine(0.5), symmetric)),
        ("triplet-random", triplet(1.0, Mining::Random { seed: 0 })),
        ("triplet-semi", triplet(1.0, Mining::SemiHard)),
        ("triplet-semi-0.2", triplet(0.2, Mining::SemiHard)),
        ("triplet-hard", triplet(1.0, Mining::Hardest)),
        ("contrastive", ViewTerm::new(names, DISTANCE, ObjectiveSpec::Contrastive { margin: 1.0 })),
        (
            "lifted",
            both_views(ViewTerm::new(
                names,
                DISTANCE,
                ObjectiveSpec::LiftedStructure { margin: 1.0, generalised: false },
            )),
        ),
    ];
    let mut variants = Vec::new();
    for shared in [true, false] {
        for (name, term) in &terms {
            let second = if shared {
                same_encoder("g2", "bottom", "g1")
            } else {
                encoder("g2", "bottom", mlp(scale))
            };
            let views = vec![view("top", "top_half"), view("bottom", "bottom_half")];
            let encoders = vec![encoder("g1", "top", mlp(scale)), second];
            let probed = vec![Probed::new("top", &["g1"])];
            let mut task: MultiView = task(scale, (views, encoders), vec![term.clone()], probed);
            task.evaluations.extend([Evaluation::Retrieval, Evaluation::NearestNeighbours]);
            let name = format!("{name} {}", if shared { "shared" } else { "separate" });
            let mut variant = named(scale, &name, task);
            if matches!(term.objective, ObjectiveSpec::Triplet { .. }) {
                variant.steps = scale.triplet_steps;
            }
            variants.push(variant);
        }
    }
    variants
}

/// The name of the variant with semi-hard triplets and one encoder for both halves.
const SEMI_HARD: &str = "triplet-semi shared";

/// Semi-hard triplets with one encoder for both halves.
pub(super) fn semi_hard(scale: &Scale) -> Variant {
    let is_it = |variant: &Variant| variant.setting.as_deref() == Some(SEMI_HARD);
    let found = variants(scale).into_iter().find(is_it);
    found.unwrap_or_else(|| unreachable!("the list above has it"))
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    end_panels(
        results,
        &[
            Metric::Accuracy,
            Metric::NeighbourAccuracy,
            Metric::BoundTest,
            Metric::BoundTrain,
            Metric::Retrieval,
        ],
    )
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let bilinear = "nce-bilinear shared";
    let metrics = ["symnce-cos shared", SEMI_HARD];
    let (bound, accuracy) =
        ((Metric::BoundTest, Measure::Nats), (Metric::Accuracy, Measure::Points));
    let above = Expected::Above(0.0);
    let bounds = metrics.map(|other| difference(results, readout, bound, (bilinear, other), above));
    let accuracies =
        metrics.map(|other| difference(results, readout, accuracy, (other, bilinear), above));
    bounds.into_iter().chain(accuracies).collect()
}
