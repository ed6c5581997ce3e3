//! Figures, drawn from records alone.
//!
//! A figure belongs to one experiment on one data set. Each of its panels is one drawing: means
//! over seeds, bands from the least to the greatest value, and the paper's published values.
//! Diverged trials are left out of means; tables say how many there are. The experiment defines the
//! panels of its figure and their style.

pub(crate) mod changes;
pub(crate) mod charts;
pub(crate) mod correlations;
pub(crate) mod curves;
pub(crate) mod ends;
pub(crate) mod panels;
pub(crate) mod subject;
pub(crate) mod tables;

use mi_plot::Dash;

use crate::results::{Configuration, Results};
use crate::table::Table;

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
    /// Whether these are results that no other table has, so that every form of the report lists
    /// them.
    pub(crate) is_result: bool,
}

/// What the figure of an experiment shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// Anchor in the page and first part of file names.
    pub(crate) id: &'static str,
    /// `Figures 3 and 6: …`, or what the experiment is about. The report adds the data set where it
    /// is needed.
    pub(crate) heading: &'static str,
    pub(crate) caption: &'static str,
    pub(crate) panels: fn(&Results<'_>) -> Vec<Panel>,
    pub(crate) style: Style,
}

/// The colour and stroke of a configuration, given its place among those of its experiment.
pub(crate) type Style = fn(&Configuration<'_>, usize) -> (usize, Dash);

/// The drawings of an experiment on a data set.
#[derive(Clone, Debug)]
pub(crate) struct DrawnFigure {
    pub(crate) id: String,
    /// The data set, as in records.
    pub(crate) dataset: String,
    /// Its name in the list of contents: the heading up to the colon.
    pub(crate) title: String,
    pub(crate) heading: String,
    pub(crate) caption: String,
    /// What lines, bands and diamonds mean.
    pub(crate) key: String,
    pub(crate) panels: Vec<Panel>,
    /// The numbers at the last step next to the published ones.
    pub(crate) ends: Table,
    /// The numbers of the figure as CSV.
    pub(crate) csv: String,
}

/// The number of configurations that [`by_place`] tells apart.
#[cfg(test)]
pub(crate) const MOST_PLACES: usize = 24;

/// The style of experiments that have none of their own: eight colours, then the same colours with
/// another stroke.
pub(crate) fn by_place(_: &Configuration<'_>, place: usize) -> (usize, Dash) {
    of_place(place)
}

/// The colour and stroke of the line at this place of a chart.
fn of_place(place: usize) -> (usize, Dash) {
    (place, [Dash::Solid, Dash::Dashed, Dash::Dotted][place / 8 % 3])
}

/// A style for two groups of two settings: one hue per group, paler and dashed for the second
/// setting.
pub(crate) fn paired(first: bool, strong: bool) -> (usize, Dash) {
    match (first, strong) {
        (true, true) => (0, Dash::Solid),
        (true, false) => (5, Dash::Dashed),
        (false, true) => (1, Dash::Solid),
        (false, false) => (4, Dash::Dashed),
    }
}
