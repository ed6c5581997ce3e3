//! Deep `InfoMax` (Hjelm et al., 2019): a summary of an image against its map of locations.

use mi_critics::CriticSpec;
use mi_estimators::bounds::BoundSpec;

use super::settings::conv_net;
use super::systems::{difference, encoder, end_panels, is, named, task, view};
use super::{DataKind, Experiment, Variant, dim_published};
use crate::claims::{Claim, Condition, Expected, Form, KnownSeeds, Measure, Readout};
use crate::config::{EncoderSpec, Evaluation};
use crate::figures::{Figure, Panel, by_place};
use crate::multi_view::{Candidates, MultiView, ObjectiveSpec, Places, Prior, Probed, ViewTerm};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "dim",
    figures: "",
    question: "Does Deep InfoMax's local objective beat the global one at a lower estimate of MI?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 210,
    figure: Figure {
        id: "dim",
        heading: "Deep InfoMax: global and local objectives",
        caption: CAPTION,
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "V1",
        paper_figures: "section 1",
        statement: "The local objective gives a better representation than the global one, at a lower \
                    estimate of mutual information.",
        rule: RULE,
        seeds: 5,
        conditions,
        forms: FORMS,
    }),
};

pub(super) const CAPTION: &str = "The critic scores a ConvNet's summary of an image against its map of locations: against the whole map \
     as one vector (G), or against each location (L). Negatives of L are all locations of other images. The \
     variant preLN takes locations before the layer norm, which mixes statistics of the whole image into \
     each location. The variants BN have the encoder of Hjelm et al., with batch norm instead of layer norm \
     and a summary that reads all locations, not their mean. To compare estimates, InfoNCE among the images \
     of a batch is also shown at single locations (corner, centre). The ceiling given equal patches is that \
     of the corner. Jensen–Shannon values are twice the divergence, at most 2 ln 2; they do not bound mutual \
     information. Bounds with dot products start far below 0.";

pub(super) const RULE: &str = "With InfoNCE on whole images, the accuracy of the probe on the summary is higher with the local \
     objective. The held-out InfoNCE of the global objective is above that of the local one at the centre, \
     both among the same number of images.";

const FORMS: &[Form] = &[Form {
    letter: "p",
    statement: "The same with the encoder of Hjelm et al. (the variants BN). It was written when seed 0 \
                had been run, so only seeds from 1 on judge it.",
    known: Some(KnownSeeds { seeds: 1, run: "a run with the preset “reference”" }),
    conditions: conditions_with_batch_norm,
}];

/// The inner product of projections of both sides.
fn dot() -> CriticSpec {
    CriticSpec::Separable { hidden: Vec::new(), embed: 100 }
}

fn global(objective: ObjectiveSpec) -> ViewTerm {
    ViewTerm::new(("G", "g", "g.map"), dot(), objective)
}

fn local(objective: ObjectiveSpec) -> ViewTerm {
    let term = ViewTerm::new(("L", "g", "g.map"), dot(), objective);
    ViewTerm { candidates: Candidates::AllPlaces, ..term }
}

fn variants(scale: &Scale) -> Vec<Variant> {
    let published = EncoderSpec::InfoMax {
        filters: scale.conv_channels.to_vec(),
        kernel: 5,
        hidden: 1024,
        embed: 64,
    };
    with_published(scale, &published)
}

/// The name, the view, the terms and the prior of a variant.
type Parts<'a> = (&'a str, &'a str, Vec<ViewTerm>, Option<Prior>);

/// All variants with the paper's ConvNet, and some with the encoder that Hjelm et al. used.
pub(super) fn with_published(scale: &Scale, published: &EncoderSpec) -> Vec<Variant> {
    let nce = || ObjectiveSpec::Bound(BoundSpec::InfoNce);
    let (jsd, dv) =
        (ObjectiveSpec::JensenShannon, ObjectiveSpec::Bound(BoundSpec::DonskerVaradhan));
    let before_norm = ViewTerm { y: "g.local".to_owned(), ..local(nce()) };
    let concat =
        |term: ViewTerm, hidden| ViewTerm { critic: CriticSpec::Concat { hidden }, ..term };
    // The weights of the prior and of both terms are those of Hjelm et al.
    let prior = |weight| Some(Prior { of: "g".to_owned(), weight, hidden: vec![1000, 200] });
    let weighted = |term: ViewTerm, weight| ViewTerm { weight, ..term };
    let both = vec![weighted(global(jsd.clone()), 0.5), weighted(local(jsd.clone()), 0.1)];
    let variants = [
        ("G nce whole", "whole", vec![global(nce())], None),
        ("G jsd whole", "whole", vec![global(jsd.clone())], None),
        ("L nce whole", "whole", vec![local(nce())], None),
        ("L jsd whole", "whole", vec![local(jsd.clone())], None),
        ("L nce whole-preLN", "whole", vec![before_norm], None),
        ("G nce top", "top_half", vec![global(nce())], None),
        ("L nce top", "top_half", vec![local(nce())], None),
        ("G dv whole", "whole", vec![global(dv.clone())], None),
        ("L dv whole", "whole", vec![local(dv)], None),
        ("G nce concat", "whole", vec![concat(global(nce()), vec![512])], None),
        ("L nce concat", "whole", vec![concat(local(nce()), vec![64])], None),
        ("G jsd prior", "whole", vec![global(jsd.clone())], prior(1.0)),
        ("L jsd prior", "whole", vec![local(jsd.clone())], prior(0.1)),
        ("LG jsd prior", "whole", both, prior(0.1)),
    ];
    let with_batch_norm = [
        ("G nce BN", "whole", vec![global(nce())], None),
        ("L nce BN", "whole", vec![local(nce())], None),
        ("L jsd BN", "whole", vec![local(jsd.clone())], None),
    ];
    let variant = |net: &EncoderSpec, (name, piece, terms, prior): Parts<'_>| {
        let views = vec![view("image", piece)];
        let encoders = vec![encoder("g", "image", net.clone())];
        let probed = vec![
            Probed::new("summary", &["g"]),
            Probed::new("map mean", &["g.map"]).reduced(Places::Mean),
        ];
        let is_local = terms.iter().any(|term| term.candidates == Candidates::AllPlaces);
        let mut task = MultiView { prior, ..task(scale, (views, encoders), terms, probed) };
        if is_local {
            task.evaluations.extend([Evaluation::SinglePlaces, Evaluation::TiesCeiling]);
        }
        named(scale, name, task)
    };
    let conv_net = conv_net(scale);
    let variants = variants.into_iter().map(|parts| variant(&conv_net, parts));
    variants.chain(with_batch_norm.into_iter().map(|parts| variant(published, parts))).collect()
}

pub(super) fn panels(results: &Results<'_>) -> Vec<Panel> {
    let bound = Metric::BoundTest;
    let metrics = [
        Metric::Accuracy,
        Metric::Accuracy.of_part("map mean"),
        bound,
        bound.of_part("corner"),
        bound.of_part("centre"),
        Metric::PriorLoss,
    ];
    let mut panels = end_panels(results, &metrics);
    // Only next to results of the run: if there are none, the report says so.
    if !panels.is_empty() {
        panels.push(dim_published::panel());
    }
    panels
}

pub(super) fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    local_against_global(results, readout, ("L nce whole", "G nce whole"))
}

pub(super) fn conditions_with_batch_norm(
    results: &Results<'_>,
    readout: Readout,
) -> Vec<Condition> {
    local_against_global(results, readout, ("L nce BN", "G nce BN"))
}

fn local_against_global(
    results: &Results<'_>,
    readout: Readout,
    (local, global): (&'static str, &'static str),
) -> Vec<Condition> {
    let above = Expected::Above(0.0);
    let accuracy = (Metric::Accuracy, Measure::Points);
    let of = |name, metric| results.by_seed(is(name), readout.of(metric));
    let bounds = Condition::on_difference(
        format!("held-out InfoNCE: {global} − {local} at the centre"),
        Measure::Nats,
        above,
        &of(global, Metric::BoundTest),
        &of(local, Metric::BoundTest.of_part("centre")),
    );
    vec![difference(results, readout, accuracy, (local, global), above), bounds]
}
