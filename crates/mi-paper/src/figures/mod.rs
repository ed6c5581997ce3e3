//! Figures, drawn from records alone.
//!
//! A figure belongs to one experiment on one data set and has one drawing a panel: means over
//! seeds with bands from the least to the greatest, and the paper's published end values beside
//! them. Trials that diverged are left out of means; tables say how many.

mod charts;
mod curves;
mod ends;
mod gallery;
mod style;
mod tables;

use crate::configurations::Configuration;
use crate::names;
use crate::outcome::Outcome;
use crate::report::Table;

/// A drawing as a file of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSvg {
    /// The file's name, e.g. `fig-3-accuracy-infonce.svg`.
    pub file: String,
    /// The file's content.
    pub svg: String,
}

/// One drawing of a figure.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// What the drawing shows, as part of its file's name.
    pub(crate) name: String,
    pub(crate) svg: mi_plot::Svg,
    /// The drawing's numbers.
    pub(crate) values: Table,
}

/// All drawings of an experiment on a data set.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Anchor in the page and first part of file names.
    pub(crate) id: String,
    /// `Figures 3 and 6`, or what the experiment is about.
    pub(crate) heading: String,
    pub(crate) caption: String,
    /// What lines, bands and diamonds are.
    pub(crate) key: String,
    pub(crate) panels: Vec<Panel>,
    /// The numbers at the last step beside the published ones.
    pub(crate) ends: Table,
    /// All numbers of the figure as CSV.
    pub(crate) csv: String,
}

/// Every drawing of every experiment that has records, as files.
pub fn draw(outcome: &Outcome) -> Vec<NamedSvg> {
    figures(outcome)
        .iter()
        .flat_map(|figure| {
            figure.panels.iter().map(|panel| NamedSvg {
                file: format!("{}-{}.svg", figure.id, panel.name),
                svg: panel.svg.standalone(),
            })
        })
        .collect()
}

/// Every figure, in the order of the paper, those of one experiment by data set.
pub(crate) fn figures(outcome: &Outcome) -> Vec<Figure> {
    let configurations = Configuration::all(outcome);
    let mut figures = Vec::new();
    for entry in gallery::gallery(&configurations) {
        let mut datasets: Vec<&str> = Vec::new();
        for configuration in &configurations {
            let key = &configuration.key;
            if key.experiment == entry.experiment && !datasets.contains(&key.dataset.as_str()) {
                datasets.push(&key.dataset);
            }
        }
        for (index, dataset) in datasets.iter().enumerate() {
            let scene = charts::Scene::new(&configurations, &entry.experiment, dataset);
            // The first data set has the short anchor that claims point to.
            let id = match index {
                0 => entry.id.clone(),
                _ => format!("{}-{}", entry.id, slug(dataset)),
            };
            let heading = match datasets.len() {
                1 => entry.heading.clone(),
                _ => format!("{}, {}", entry.heading, names::dataset(dataset)),
            };
            figures.push(Figure {
                id,
                heading,
                caption: entry.caption.clone(),
                key: charts::key(&scene),
                panels: (entry.panels)(&scene),
                ends: tables::ends(&scene),
                csv: tables::csv(&scene),
            });
        }
    }
    figures
}

/// A name fit for files and anchors.
fn slug(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(safe).collect()
}
