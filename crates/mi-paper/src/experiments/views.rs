//! Pairs of views: how bound and representation depend on what the views share.

use mi_critics::CriticSpec;
use mi_data::{Geometry, View};

use super::settings::mlp;
use super::systems::{difference, encoder, end_panels, info_nce, named, task, view};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::Task;
use crate::figures::ends::over_shared_pixels;
use crate::figures::{Figure, Panel, by_place};
use crate::multi_view::{MultiView, Probed};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::{Configuration, Results};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "views",
    figures: "",
    question: "How do the bound and the accuracy depend on what two views of an image share?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 240,
    figure: Figure {
        id: "views",
        heading: "Pairs of views",
        caption: "The paper's MLP encoders, bilinear critic and InfoNCE on other pairs of views: top and \
                  bottom halves, left and right halves, even and odd rows, halves that each take some rows \
                  of the other (overlap), and whole images with independent noise. Halves that share pixels \
                  share information, whatever the images show (Tian et al., 2020, \"InfoMin\"): the \
                  first charts show bound and accuracy over the number of pixels in both views.",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "V5",
        paper_figures: "section 4",
        statement: "Views that share pixels give a higher bound, but no better representation.",
        rule: "If each half takes eight rows of the other, rather than none, the held-out bound is higher, \
               and the accuracy of the probe on both encoders' outputs is higher by less than half a point.",
        seeds: 5,
        conditions,
        forms: &[],
    }),
};

/// The images of the data sets.
const IMAGE: Geometry = Geometry::new(28, 28, 1);

/// The halves of the paper, which share nothing.
const HALVES: &str = "top and bottom";

fn variants(scale: &Scale) -> Vec<Variant> {
    let pairs = [
        (HALVES, "top_half", "bottom_half"),
        ("left and right", "left_half", "right_half"),
        ("even and odd rows", "even_rows", "odd_rows"),
        ("overlap 2", "top_half:+2", "bottom_half:+2"),
        ("overlap 4", "top_half:+4", "bottom_half:+4"),
        ("overlap 8", "top_half:+8", "bottom_half:+8"),
        ("whole, noise 0.1", "noise:0.1", "noise:0.1"),
        ("whole, noise 0.5", "noise:0.5", "noise:0.5"),
    ];
    let variant = |(name, x, y): (&str, &str, &str)| {
        let views = vec![view("x", x), view("y", y)];
        let encoders = vec![encoder("g1", "x", mlp(scale)), encoder("g2", "y", mlp(scale))];
        let terms = vec![info_nce(("term", "g1", "g2"), CriticSpec::Bilinear)];
        let probed = vec![Probed::new("both", &["g1", "g2"]), Probed::new("first", &["g1"])];
        named(scale, name, task(scale, (views, encoders), terms, probed))
    };
    pairs.into_iter().map(variant).collect()
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let metrics = [
        Metric::Accuracy,
        Metric::Accuracy.of_part("first"),
        Metric::BoundTest,
        Metric::BoundTrain,
    ];
    let over_shared = [Metric::BoundTest, Metric::Accuracy].into_iter().filter_map(|metric| {
        over_shared_pixels(results, metric, |configuration| {
            Some((line(configuration), shared_pixels(configuration)?))
        })
    });
    over_shared.chain(end_panels(results, &metrics)).collect()
}

/// The two views of a configuration.
fn pair<'a>(configuration: &Configuration<'a>) -> Option<(&'a View, &'a View)> {
    let Task::MultiView(MultiView { views, .. }) = configuration.task else { return None };
    let [x, y] = views.as_slice() else { return None };
    Some((&x.piece, &y.piece))
}

/// The number of pixels that are in both views of an image.
fn shared_pixels(configuration: &Configuration<'_>) -> Option<u64> {
    let (x, y) = pair(configuration)?;
    Some(x.of(IMAGE).ok()?.overlap(&y.of(IMAGE).ok()?) as u64)
}

/// The line of a configuration in charts over the number of shared pixels. Halves by rows are one
/// line, with or without rows of the other half; any other configuration is its own.
fn line(configuration: &Configuration<'_>) -> Option<String> {
    let (x, y) = pair(configuration)?;
    let are_halves = |more: usize| {
        *x == View::top_half().extended(more) && *y == View::bottom_half().extended(more)
    };
    (0..IMAGE.height).any(are_halves).then(|| "halves by rows".to_owned())
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let pair = ("overlap 8", HALVES);
    let (bound, accuracy) =
        ((Metric::BoundTest, Measure::Nats), (Metric::Accuracy, Measure::Points));
    vec![
        difference(results, readout, bound, pair, Expected::Above(0.0)),
        difference(results, readout, accuracy, pair, Expected::Below(0.005)),
    ]
}
