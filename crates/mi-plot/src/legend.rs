//! Identifies series: with labels at the ends of lines if they fit, otherwise with a legend above.

use crate::clip::Area;
use crate::frame::MARGIN;
use crate::series::{Dash, Marker};
use crate::svg::{Anchor, Canvas, coordinate};
use crate::{text, theme};

/// Distance between labels at the ends of lines.
const LABEL_STEP: f64 = 15.0;
/// Width of the sample of a line.
const SAMPLE: f64 = 20.0;
const ROW: f64 = 18.0;

/// What identifies a series.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) label: String,
    /// Colour by index; `None` for a reference line.
    pub(crate) colour: Option<usize>,
    pub(crate) dash: Dash,
    pub(crate) marker: Option<Marker>,
}

/// Entries with their places.
#[derive(Debug)]
pub(crate) enum Legend {
    /// Nothing to distinguish.
    None,
    /// At the ends of lines: entry, height of the line's end and of the label.
    Ends { width: f64, labels: Vec<(Entry, f64, f64)> },
    /// In rows above the plot: entry, x and row.
    Above { rows: usize, places: Vec<(Entry, f64, usize)> },
}

impl Legend {
    /// Chooses places for series and reference lines, each with the height at which its line ends,
    /// if it ends in the plot.
    pub(crate) fn place(
        series: impl Iterator<Item = (Option<Entry>, Option<f64>)>,
        references: impl Iterator<Item = (Entry, Option<f64>)>,
        area: &Area,
        width: f64,
    ) -> Self {
        let mut shown: Vec<(Entry, Option<f64>)> =
            series.filter_map(|(entry, end)| Some((entry?, end))).collect();
        let count = shown.len();
        shown.extend(references);
        if shown.is_empty() {
            return Self::None;
        }
        let label_width = shown.iter().map(|(e, _)| entry_width(e)).fold(0.0, f64::max) + 8.0;
        let room = label_width <= 0.33 * width
            && shown.len() as f64 * LABEL_STEP <= area.height()
            && shown.iter().all(|(_, end)| end.is_some());
        if room {
            let ends: Vec<f64> = shown.iter().filter_map(|(_, end)| *end).collect();
            let heights = spread(&ends, area.top + 4.0, area.bottom - 4.0);
            // Labels far from their lines are harder to follow than a legend.
            if ends.iter().zip(&heights).all(|(e, h)| (e - h).abs() <= 2.5 * LABEL_STEP) {
                let labels = shown
                    .into_iter()
                    .zip(ends)
                    .zip(heights)
                    .map(|(((entry, _), end), height)| (entry, end, height))
                    .collect();
                return Self::Ends { width: label_width, labels };
            }
        }
        // All reference lines look the same, so they could not be distinguished in rows above.
        shown.truncate(count);
        if shown.is_empty() {
            return Self::None;
        }
        let (mut x, mut row, mut places) = (MARGIN, 0, Vec::new());
        for (entry, _) in shown {
            let needed = entry_width(&entry);
            if x > MARGIN && x + needed > width - MARGIN {
                (x, row) = (MARGIN, row + 1);
            }
            places.push((entry, x, row));
            x += needed + 16.0;
        }
        Self::Above { rows: row + 1, places }
    }

    /// Whether reference lines have their names at their ends.
    pub(crate) fn names_references(&self) -> bool {
        matches!(self, Self::Ends { .. })
    }

    /// Height needed above the plot.
    pub(crate) fn height(&self) -> f64 {
        match self {
            Self::Above { rows, .. } => *rows as f64 * ROW + 4.0,
            _ => 0.0,
        }
    }

    /// Width needed right of the plot.
    pub(crate) fn width(&self) -> f64 {
        match self {
            Self::Ends { width, .. } => *width,
            _ => 0.0,
        }
    }

    /// Draws the entries; `gap` is the width of everything between plot and labels.
    pub(crate) fn draw(&self, canvas: &mut Canvas, area: &Area, gap: f64) {
        match self {
            Self::None => {}
            Self::Ends { labels, .. } => {
                for (entry, end, height) in labels {
                    let x = area.right + gap + 6.0;
                    if gap == 0.0 && (end - height).abs() > 3.0 {
                        let class = format!("plot-leader {}", class(entry));
                        canvas.line(&class, (area.right + 1.0, *end), (x + 1.0, *height));
                    }
                    draw_entry(canvas, entry, x + 2.0, *height);
                }
            }
            Self::Above { rows, places } => {
                let top = area.top - *rows as f64 * ROW - 4.0;
                for (entry, x, row) in places {
                    draw_entry(canvas, entry, *x, top + *row as f64 * ROW + 2.0);
                }
            }
        }
    }
}

fn class(entry: &Entry) -> String {
    entry.colour.map_or_else(|| "plot-neutral".to_owned(), theme::colour_class)
}

fn entry_width(entry: &Entry) -> f64 {
    SAMPLE + 5.0 + text::width(&entry.label, 12.0)
}

fn draw_entry(canvas: &mut Canvas, entry: &Entry, x: f64, y: f64) {
    canvas.open("g", &[("class", &class(entry))]);
    let line = if entry.colour.is_some() { entry.dash.class() } else { Some("plot-reference") };
    if let Some(line) = line {
        canvas.line(line, (x, y), (x + SAMPLE, y));
    }
    if let Some(marker) = entry.marker {
        let middle = coordinate(x + SAMPLE / 2.0);
        let transform = format!("translate({middle} {})", coordinate(y));
        canvas.element(
            "path",
            &[("class", "plot-key"), ("d", marker.path()), ("transform", &transform)],
        );
    }
    canvas.text(x + SAMPLE + 5.0, y + 4.0, "plot-label", Anchor::Start, &entry.label);
    canvas.close();
}

/// Moves heights apart, as little as possible, until they differ by at least [`LABEL_STEP`]. Their
/// order does not change, and they stay within the limits.
fn spread(heights: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
    // Clusters of touching labels, each centred on the mean of its own heights.
    let mut clusters: Vec<(f64, usize)> = Vec::new();
    for &index in &order {
        clusters.push((heights[index], 1));
        while let [.., (above, n), (below, m)] = clusters[..] {
            let half = (n + m) as f64 / 2.0 * LABEL_STEP;
            if below - above >= half {
                break;
            }
            clusters.truncate(clusters.len() - 2);
            clusters.push(((above * n as f64 + below * m as f64) / (n + m) as f64, n + m));
        }
    }
    let mut placed: Vec<f64> = clusters
        .iter()
        .flat_map(|&(middle, n)| {
            (0..n).map(move |i| middle + (i as f64 - (n as f64 - 1.0) / 2.0) * LABEL_STEP)
        })
        .collect();
    let mut floor = bottom;
    for height in placed.iter_mut().rev() {
        *height = height.min(floor);
        floor = *height - LABEL_STEP;
    }
    let mut ceiling = top;
    for height in &mut placed {
        *height = height.max(ceiling);
        ceiling = *height + LABEL_STEP;
    }
    let mut spread = vec![0.0; heights.len()];
    for (&index, height) in order.iter().zip(placed) {
        spread[index] = height;
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_order_and_distance() {
        let heights = [50.0, 52.0, 51.0, 90.0, 0.0, 99.0];
        let spread = spread(&heights, 0.0, 100.0);
        let mut order: Vec<usize> = (0..6).collect();
        order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
        for pair in order.windows(2) {
            assert!(spread[pair[1]] - spread[pair[0]] >= LABEL_STEP - 1e-9, "{spread:?}");
        }
        assert!(spread.iter().all(|h| (0.0..=100.0).contains(h)), "{spread:?}");
        assert_eq!(spread[4], 0.0);
    }
}
