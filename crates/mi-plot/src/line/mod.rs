//! Line charts: means with bands over a common x axis.

mod plane;

use crate::axis::{Axis, Fitted, Place};
use crate::clip::{self, Area, Position};
use crate::frame::{self, Heading, MARGIN};
use crate::legend::{Entry, Legend};
use crate::line::plane::{COLUMN, Plane};
use crate::outside::Outside;
use crate::series::{Dash, Mark, Marker, Overlay, Point, Series};
use crate::svg::{Anchor, Canvas, Svg, path};
use crate::{text, theme};

/// A series with more points than this shows no markers; every n-th point has a tooltip.
const MOST_MARKERS: usize = 60;

/// The largest width and height.
const LARGEST_SIZE: f64 = 100_000.0;

/// Lines with bands, reference lines and marks.
///
/// Points outside the axes are shown as arrowheads at the edge, and a note under the chart gives
/// their number and the most extreme value. No input makes drawing fail: a chart without data says
/// so.
///
/// ```
/// use mi_plot::{Axis, LineChart, Mark, Point, Series};
///
/// let curve = vec![
///     Point::new(0.0, 0.80).between(0.79, 0.81),
///     Point::new(1000.0, 0.85).between(0.84, 0.86),
/// ];
/// let svg = LineChart::new("Critics", Axis::new("training step"), Axis::new("accuracy"))
///     .series(Series::new("bilinear", curve))
///     .column("paper", vec![Mark::new("bilinear", 0.88, 0)])
///     .draw();
/// assert!(svg.standalone().contains("training step"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    title: String,
    description: String,
    x: Axis,
    y: Axis,
    series: Vec<Series>,
    references: Vec<(f64, String)>,
    overlays: Vec<Overlay>,
    column: Option<(String, Vec<Mark>)>,
    stacked: bool,
    notes: Vec<String>,
    size: (f64, f64),
}

impl LineChart {
    /// A chart without series.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            x,
            y,
            series: Vec::new(),
            references: Vec::new(),
            overlays: Vec::new(),
            column: None,
            stacked: false,
            notes: Vec::new(),
            size: (440.0, 320.0),
        }
    }

    /// Sets the text that replaces the drawing where it cannot be seen.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a series.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a horizontal line at a value for comparison; the y axis includes it.
    pub fn reference(mut self, value: f64, label: impl Into<String>) -> Self {
        self.references.push((value, label.into()));
        self
    }

    /// Draws marks over the series, at their places along the x axis. Those beyond the range of the
    /// series are left out; those above or below the plot are counted in its note.
    pub fn overlay(mut self, heading: impl Into<String>, marks: Vec<(f64, Mark)>) -> Self {
        self.overlays.push(Overlay { heading: heading.into(), marks });
        self
    }

    /// Sets a column of marks to the right of the plot under a heading: values that belong to
    /// the whole chart or to a position beyond the x axis, such as published end values.
    pub fn column(mut self, heading: impl Into<String>, marks: Vec<Mark>) -> Self {
        self.column = Some((heading.into(), marks));
        self
    }

    /// Like [`column`](Self::column), with the marks on one vertical line: for marks that differ
    /// in height and belong together, such as percentiles.
    pub fn stacked_column(mut self, heading: impl Into<String>, marks: Vec<Mark>) -> Self {
        self.stacked = true;
        self.column(heading, marks)
    }

    /// Adds a line of small print under the chart.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets width and height (440 × 320), from 240 × 160 to 100,000 × 100,000; notes and legends
    /// add to the height.
    ///
    /// A width of about 440 stays readable on a telephone.
    pub fn size(mut self, width: f64, height: f64) -> Self {
        // A size that is not a number is the smallest.
        let within = |size: f64, least: f64| size.max(least).min(LARGEST_SIZE);
        self.size = (within(width, 240.0), within(height, 160.0));
        self
    }

    /// Draws the chart.
    pub fn draw(&self) -> Svg {
        let column_marks = self.column.as_ref().filter(|(_, marks)| !marks.is_empty());
        let (x_axis, y_axis) = self.fit();
        let mut notes = self.notes.clone();
        notes.extend(self.outside(&x_axis, &y_axis).notes());
        notes.extend(self.beside(&x_axis).notes_of_sides());
        let (width, nominal) = self.size;
        let heading = Heading::new(&self.title, &self.y.label, &notes, width);

        let left = MARGIN + frame::tick_width(&y_axis) + 8.0;
        let column_width = if column_marks.is_some() { 2.0 * COLUMN } else { 0.0 };
        let top = heading.above() + if column_marks.is_some() { 10.0 } else { 0.0 };
        let plain = Area {
            left,
            top,
            right: width - MARGIN - 6.0 - column_width,
            bottom: nominal - MARGIN - 30.0,
        };
        let plane = Plane { area: &plain, x: &x_axis, y: &y_axis };
        // A label next to the plot would look like another point where there is no line to it.
        let end = |series: &Series| plane.end_of(series).filter(|_| series.dash != Dash::None);
        let ends: Vec<Option<f64>> = self.series.iter().map(end).collect();
        let lines = self.references.iter().map(|(value, _)| plane.height_of(*value));
        let lines: Vec<Option<f64>> = lines.collect();
        let legend = Legend::place(
            self.entries().into_iter().zip(ends),
            self.reference_entries().zip(lines),
            &plain,
            width,
        );
        let (legend_top, legend_right) = (legend.height(), legend.width());
        let area = Area {
            top: plain.top + legend_top,
            right: plain.right - legend_right,
            bottom: plain.bottom + legend_top,
            ..plain
        };
        let height = nominal + legend_top + heading.below();

        let mut canvas = Canvas::new();
        heading.draw(&mut canvas, height);
        frame::draw_y_axis(&mut canvas, &area, &y_axis);
        frame::draw_x_axis(&mut canvas, &area, &x_axis, &self.x.label);
        let plane = Plane { area: &area, x: &x_axis, y: &y_axis };
        for (index, series) in self.series.iter().enumerate() {
            plane.draw_band(&mut canvas, series, self.colour(index));
        }
        for (value, label) in &self.references {
            plane.draw_reference(&mut canvas, *value, label, column_width);
        }
        for (index, series) in self.series.iter().enumerate() {
            self.draw_series(&mut canvas, &plane, series, index);
        }
        for overlay in &self.overlays {
            plane.draw_overlay(&mut canvas, overlay);
        }
        if !legend.names_references() {
            for (value, label) in &self.references {
                plane.name_reference(&mut canvas, *value, label);
            }
        }
        if let Some((name, marks)) = column_marks {
            plane.draw_column(&mut canvas, name, marks, self.stacked);
        }
        legend.draw(&mut canvas, &area, column_width);
        if self.series.iter().all(|s| s.points.iter().all(|p| p.y.is_nan())) {
            let (x, y) = (area.left + area.width() / 2.0, area.top + area.height() / 2.0);
            canvas.text(x, y, "plot-muted", Anchor::Middle, "no data yet");
        }
        canvas.finish(width, height, &self.title, &self.describe())
    }

    fn fit(&self) -> (Fitted, Fitted) {
        let points = || self.series.iter().flat_map(|s| &s.points);
        let marks = || self.column.iter().flat_map(|(_, marks)| marks);
        let xs: Vec<f64> = points().map(|p| p.x).collect();
        let ys: Vec<f64> = points().map(|p| p.y).collect();
        let x = self.x.fit(&xs, &[], false);
        let inside = |(at, _): &&(f64, Mark)| matches!(x.place(*at), Place::Inside(_));
        let over = self.overlays.iter().flat_map(|o| o.marks.iter().filter(inside));
        // Bands, marks and references are shown where possible, but do not decide which values are
        // outliers.
        let extent: Vec<f64> = points()
            .flat_map(|p| [p.low, p.high])
            .chain(marks().chain(over.map(|(_, m)| m)).flat_map(|m| [m.value, m.low, m.high]))
            .chain(self.references.iter().map(|(value, _)| *value))
            .collect();
        let y = self.y.fit(&ys, &extent, true);
        (x, y)
    }

    fn outside(&self, x: &Fitted, y: &Fitted) -> Outside {
        let mut outside = Outside::default();
        // The runs behind a mean are not counted again.
        for point in self.series.iter().filter(|s| !s.thin).flat_map(|s| &s.points) {
            if matches!(x.place(point.x), Place::Inside(_)) {
                outside.add(point.y, y.place(point.y));
            }
        }
        let inside = |(at, _): &&(f64, Mark)| matches!(x.place(*at), Place::Inside(_));
        let over = self.overlays.iter().flat_map(|o| o.marks.iter().filter(inside));
        let column = self.column.iter().flat_map(|(_, marks)| marks);
        for mark in column.chain(over.map(|(_, mark)| mark)) {
            outside.add(mark.value, y.place(mark.value));
        }
        outside
    }

    /// Points to the left or right of the plot; lines end at its edge, so theirs are not counted.
    fn beside(&self, x: &Fitted) -> Outside {
        let mut beside = Outside::default();
        let unconnected = self.series.iter().filter(|series| series.dash == Dash::None);
        for point in unconnected.flat_map(|series| &series.points) {
            if !matches!(x.place(point.x), Place::Nowhere) {
                beside.add(point.x, x.place(point.x));
            }
        }
        beside
    }

    fn colour(&self, index: usize) -> usize {
        self.series[index].colour.unwrap_or(index)
    }

    /// The marker of a series. Thin series have none, so they do not count; neither do hollow
    /// ones, which share that of the series before them.
    fn marker(&self, index: usize) -> Marker {
        let counts = |series: &&Series| !series.thin && !series.hollow;
        let before = self.series[..=index].iter().filter(counts).count();
        Marker::nth(before.saturating_sub(1))
    }

    fn entries(&self) -> Vec<Option<Entry>> {
        let entry = |(index, series): (usize, &Series)| {
            let empty = series.points.iter().all(|p| p.y.is_nan());
            let label =
                if empty { format!("{} (no data)", series.label) } else { series.label.clone() };
            let entry = Entry {
                label,
                colour: Some(self.colour(index)),
                dash: series.dash,
                marker: (series.points.len() <= MOST_MARKERS).then(|| self.marker(index)),
            };
            (!series.quiet).then_some(entry)
        };
        self.series.iter().enumerate().map(entry).collect()
    }

    fn reference_entries(&self) -> impl Iterator<Item = Entry> {
        self.references.iter().map(|(_, label)| {
            let (label, dash) = (label.clone(), Dash::Dotted);
            Entry { label, colour: None, dash, marker: None }
        })
    }

    fn draw_series(&self, canvas: &mut Canvas, plane: &Plane<'_>, series: &Series, index: usize) {
        let class = theme::colour_class(self.colour(index));
        canvas.open("g", &[("class", &class), ("data-series", &series.label)]);
        let class = if series.thin { Some("plot-line plot-thin") } else { series.dash.class() };
        if let Some(style) = class {
            let positions: Vec<Option<Position>> =
                series.points.iter().map(|p| plane.position(p.x, p.y)).collect();
            let runs = clip::polyline(plane.area, &positions);
            if !runs.is_empty() {
                let d: String = runs.iter().map(|run| path(run, false)).collect();
                canvas.element("path", &[("class", style), ("d", &d)]);
            }
        }
        if series.thin {
            canvas.close();
            return;
        }
        let stride = series.points.len().div_ceil(MOST_MARKERS).max(1);
        let marker = self.marker(index);
        for point in series.points.iter().step_by(stride) {
            let shape = if stride == 1 { marker.path() } else { "M0 0h0" };
            plane.draw_point(canvas, point, series, shape);
        }
        canvas.close();
    }

    /// The given description, or the chart's contents in words.
    fn describe(&self) -> String {
        if !self.description.is_empty() {
            return self.description.clone();
        }
        let mut words = format!("{} over {}.", self.y.label, self.x.label);
        for series in self.series.iter().filter(|series| !series.thin) {
            let finite: Vec<&Point> = series.points.iter().filter(|p| !p.y.is_nan()).collect();
            let sentence = match finite.as_slice() {
                [] => format!(" {}: no data.", series.label),
                [only] => format!(" {}: {}.", series.label, text::number(only.y)),
                [first, .., last] => format!(
                    " {}: from {} to {}.",
                    series.label,
                    text::number(first.y),
                    text::number(last.y)
                ),
            };
            words.push_str(&sentence);
        }
        words
    }
}

#[cfg(test)]
mod tests;
