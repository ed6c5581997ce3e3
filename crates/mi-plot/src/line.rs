//! Line charts: means with bands over a common x axis.

use std::fmt::Write as _;

use crate::axis::{Axis, Fitted, Place};
use crate::clip::{self, Area, Position};
use crate::frame::{self, Heading, MARGIN};
use crate::legend::{Entry, Legend};
use crate::outside::Outside;
use crate::series::{Dash, Mark, Marker, Point, Series};
use crate::svg::{Anchor, Canvas, Svg, coordinate};
use crate::{text, theme};

/// A series of more points than this shows no markers; every n-th point answers to hover.
const MOST_MARKERS: usize = 60;
/// Half the width of the column of marks.
const COLUMN: f64 = 26.0;

/// Lines with bands, reference lines and marks.
///
/// Points outside the axes are shown as arrowheads at the edge, and a note under the chart says
/// how many and the most extreme. Nothing that can be given makes drawing fail: a chart without
/// data says so.
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
    marks: Vec<(f64, Mark)>,
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
            marks: Vec::new(),
            column: None,
            stacked: false,
            notes: Vec::new(),
            size: (440.0, 320.0),
        }
    }

    /// Sets the text that stands for the drawing where it cannot be seen.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a series.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a horizontal line at a value to compare with; the y axis reaches it.
    pub fn reference(mut self, value: f64, label: impl Into<String>) -> Self {
        self.references.push((value, label.into()));
        self
    }

    /// Adds a hollow diamond at a position of the x axis; the y axis reaches it.
    pub fn mark(mut self, x: f64, mark: Mark) -> Self {
        self.marks.push((x, mark));
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

    /// Sets width and height (440 × 320); notes and legends add to the height.
    ///
    /// A width of about 440 stays readable on a telephone.
    pub fn size(mut self, width: f64, height: f64) -> Self {
        self.size = (width.max(240.0), height.max(160.0));
        self
    }

    /// Draws the chart.
    pub fn draw(&self) -> Svg {
        let column_marks = self.column.as_ref().filter(|(_, marks)| !marks.is_empty());
        let (x_axis, y_axis) = self.fit();
        let outside = self.outside(&x_axis, &y_axis);
        let mut notes = self.notes.clone();
        notes.extend(outside.notes());
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
        let frame = Frame { area: &plain, x: &x_axis, y: &y_axis };
        let ends: Vec<Option<f64>> = self.series.iter().map(|s| frame.end_of(s)).collect();
        let lines = self.references.iter().map(|(value, _)| frame.height_of(*value));
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
        let frame = Frame { area: &area, x: &x_axis, y: &y_axis };
        for (index, series) in self.series.iter().enumerate() {
            frame.draw_band(&mut canvas, series, self.colour(index));
        }
        for (value, label) in &self.references {
            frame.draw_reference(&mut canvas, *value, label, column_width);
        }
        for (index, series) in self.series.iter().enumerate() {
            self.draw_series(&mut canvas, &frame, series, index);
        }
        for (x, mark) in &self.marks {
            if let Place::Inside(fraction) = x_axis.place(*x) {
                frame.draw_mark(&mut canvas, area.left + fraction * area.width(), mark, "");
            }
        }
        if !legend.names_references() {
            for (value, label) in &self.references {
                frame.name_reference(&mut canvas, *value, label);
            }
        }
        if let Some((name, marks)) = column_marks {
            frame.draw_column(&mut canvas, name, marks, self.stacked);
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
        let marks = || {
            let column = self.column.iter().flat_map(|(_, marks)| marks);
            self.marks.iter().map(|(_, mark)| mark).chain(column)
        };
        let xs: Vec<f64> =
            points().map(|p| p.x).chain(self.marks.iter().map(|(x, _)| *x)).collect();
        let ys: Vec<f64> = points().map(|p| p.y).collect();
        // Bands, marks and references are shown where they can be, but do not decide which of
        // the values are stragglers.
        let extent: Vec<f64> = points()
            .flat_map(|p| [p.low, p.high])
            .chain(marks().flat_map(|m| [m.value, m.low, m.high]))
            .chain(self.references.iter().map(|(value, _)| *value))
            .collect();
        (self.x.fit(&xs, &[], false), self.y.fit(&ys, &extent, true))
    }

    fn outside(&self, x: &Fitted, y: &Fitted) -> Outside {
        let mut outside = Outside::default();
        for point in self.series.iter().flat_map(|s| &s.points) {
            if matches!(x.place(point.x), Place::Inside(_)) {
                outside.add(point.y, y.place(point.y));
            }
        }
        let column = self.column.iter().flat_map(|(_, marks)| marks);
        for mark in self.marks.iter().map(|(_, mark)| mark).chain(column) {
            outside.add(mark.value, y.place(mark.value));
        }
        outside
    }

    fn colour(&self, index: usize) -> usize {
        self.series[index].colour.unwrap_or(index)
    }

    fn marker(&self, index: usize) -> Marker {
        self.series[index].marker.unwrap_or_else(|| Marker::nth(index))
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

    fn draw_series(&self, canvas: &mut Canvas, frame: &Frame<'_>, series: &Series, index: usize) {
        let class = theme::colour_class(self.colour(index));
        canvas.open("g", &[("class", &class), ("data-series", &series.label)]);
        if let Some(style) = line_class(series.dash) {
            let positions: Vec<Option<Position>> =
                series.points.iter().map(|p| frame.position(p.x, p.y)).collect();
            let runs = clip::polyline(frame.area, &positions);
            if !runs.is_empty() {
                let d: String = runs.iter().map(|run| path(run, false)).collect();
                canvas.element("path", &[("class", style), ("d", &d)]);
            }
        }
        let stride = series.points.len().div_ceil(MOST_MARKERS).max(1);
        for point in series.points.iter().step_by(stride) {
            let shape = if stride == 1 { self.marker(index).path() } else { "M0 0h0" };
            frame.draw_point(canvas, point, &series.label, shape);
        }
        canvas.close();
    }

    /// The given description, or what the chart holds in words.
    fn describe(&self) -> String {
        if !self.description.is_empty() {
            return self.description.clone();
        }
        let mut words = format!("{} over {}.", self.y.label, self.x.label);
        for series in &self.series {
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

/// A plot area with its axes.
struct Frame<'a> {
    area: &'a Area,
    x: &'a Fitted,
    y: &'a Fitted,
}

impl Frame<'_> {
    /// Where a value stands, possibly outside the area; `None` if nowhere finite.
    fn position(&self, x: f64, y: f64) -> Option<Position> {
        let (x, y) = (self.x.place(x).fraction()?, self.y.place(y).fraction()?);
        let area = self.area;
        Some((area.left + x * area.width(), area.bottom - y * area.height()))
    }

    /// The height of a value, held inside the area.
    fn height_of(&self, value: f64) -> Option<f64> {
        match self.y.place(value) {
            Place::Inside(fraction) => Some(self.area.bottom - fraction * self.area.height()),
            Place::Below(_) => Some(self.area.bottom),
            Place::Above(_) => Some(self.area.top),
            Place::Nowhere => None,
        }
    }

    fn draw_band(&self, canvas: &mut Canvas, series: &Series, colour: usize) {
        let edges: Vec<Option<(Position, Position)>> = series
            .points
            .iter()
            .map(|p| Some((self.position(p.x, p.low)?, self.position(p.x, p.high)?)))
            .collect();
        let class = theme::colour_class(colour);
        for run in edges.split(Option::is_none) {
            let run: Vec<(Position, Position)> = run.iter().flatten().copied().collect();
            if run.len() < 2 || series.dash == Dash::None {
                for (low, high) in run {
                    if let [bar] = clip::polyline(self.area, &[Some(low), Some(high)]).as_slice() {
                        let class = format!("plot-bar {class}");
                        canvas.element("path", &[("class", &class), ("d", &path(bar, false))]);
                    }
                }
                continue;
            }
            let corners: Vec<Position> =
                run.iter().map(|e| e.1).chain(run.iter().rev().map(|e| e.0)).collect();
            let cut = clip::polygon(self.area, &corners);
            if !cut.is_empty() {
                let class = format!("plot-band {class}");
                canvas.element("path", &[("class", &class), ("d", &path(&cut, true))]);
            }
        }
    }

    /// A line across the plot and the column of marks.
    fn draw_reference(&self, canvas: &mut Canvas, value: f64, label: &str, column: f64) {
        let Place::Inside(fraction) = self.y.place(value) else { return };
        let y = coordinate(self.area.bottom - fraction * self.area.height());
        canvas.titled(
            "line",
            &[
                ("class", "plot-reference"),
                ("x1", &coordinate(self.area.left)),
                ("y1", &y),
                ("x2", &coordinate(self.area.right + column)),
                ("y2", &y),
            ],
            &format!("{label}\n{}", text::number(value)),
        );
    }

    /// The name of a reference line on the line itself.
    fn name_reference(&self, canvas: &mut Canvas, value: f64, label: &str) {
        let Place::Inside(fraction) = self.y.place(value) else { return };
        let y = self.area.bottom - fraction * self.area.height();
        // Above the line, unless that would leave the plot.
        let y = if y - 16.0 < self.area.top { y + 13.0 } else { y - 5.0 };
        canvas.text(self.area.right - 3.0, y, "plot-small plot-halo", Anchor::End, label);
    }

    /// The height at which a series leaves the plot.
    fn end_of(&self, series: &Series) -> Option<f64> {
        let inside = |p: &&Point| matches!(self.x.place(p.x), Place::Inside(_)) && !p.y.is_nan();
        series.points.iter().rev().find(inside).and_then(|p| self.height_of(p.y))
    }

    fn draw_point(&self, canvas: &mut Canvas, point: &Point, label: &str, shape: &str) {
        let Place::Inside(fraction) = self.x.place(point.x) else { return };
        let x = self.area.left + fraction * self.area.width();
        let Some(y) = self.height_of(point.y) else { return };
        // Arrowheads stand at the edge and point at what they stand for.
        let shape = match self.y.place(point.y) {
            Place::Below(_) => "M-4-7h8L0 0z",
            Place::Above(_) => "M-4 7h8L0 0z",
            _ => shape,
        };
        let mut hover = format!("{label}\n{} at {}", text::number(point.y), text::number(point.x));
        let mut attributes = vec![
            ("class", "plot-point".to_owned()),
            ("d", shape.to_owned()),
            ("transform", format!("translate({} {})", coordinate(x), coordinate(y))),
            ("data-x", point.x.to_string()),
            ("data-y", point.y.to_string()),
        ];
        hover.push_str(&text::between(point.low, point.high));
        if !point.low.is_nan() && !point.high.is_nan() {
            attributes.push(("data-low", point.low.to_string()));
            attributes.push(("data-high", point.high.to_string()));
        }
        if !point.note.is_empty() {
            let _ = write!(hover, "; {}", point.note);
        }
        let attributes: Vec<(&str, &str)> =
            attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        canvas.titled("path", &attributes, &hover);
    }

    fn draw_mark(&self, canvas: &mut Canvas, x: f64, mark: &Mark, heading: &str) {
        let Some(y) = self.height_of(mark.value) else { return };
        let class = theme::colour_class(mark.colour);
        canvas.open("g", &[("class", &class)]);
        let mut hover = format!("{} {heading}", mark.label).trim().to_owned();
        let interval = text::between(mark.low, mark.high);
        // Writing to a String cannot fail.
        let _ = write!(hover, "\n{}{interval}", text::number(mark.value));
        if let (Some(low), Some(high)) = (self.height_of(mark.low), self.height_of(mark.high)) {
            let bar = [(x, low), (x, high)];
            canvas.element("path", &[("class", "plot-bar"), ("d", &path(&bar, false))]);
        }
        canvas.titled(
            "path",
            &[
                ("class", "plot-mark"),
                ("d", "M0-4.5L4.5 0L0 4.5L-4.5 0z"),
                ("transform", &format!("translate({} {})", coordinate(x), coordinate(y))),
                ("data-mark", &mark.value.to_string()),
            ],
            &hover,
        );
        canvas.close();
    }

    /// Marks in the column right of the plot, side by side unless stacked.
    fn draw_column(&self, canvas: &mut Canvas, heading: &str, marks: &[Mark], stacked: bool) {
        let middle = self.area.right + COLUMN;
        let lines = text::wrap(heading, 11.0, 2.0 * COLUMN);
        let first = self.area.top - 5.0 - 12.0 * (lines.len() as f64 - 1.0);
        for (index, line) in lines.iter().enumerate() {
            let y = first + 12.0 * index as f64;
            canvas.text(middle, y, "plot-small", Anchor::Middle, line);
        }
        let spread = (2.0 * COLUMN - 20.0) / (marks.len().max(2) - 1) as f64;
        let spread = if stacked { 0.0 } else { spread.min(11.0) };
        for (index, mark) in marks.iter().enumerate() {
            let offset = (index as f64 - (marks.len() - 1) as f64 / 2.0) * spread;
            self.draw_mark(canvas, middle + offset, mark, heading);
        }
    }
}

/// The class of a line; `None` for no line.
pub(crate) fn line_class(dash: Dash) -> Option<&'static str> {
    match dash {
        Dash::Solid => Some("plot-line"),
        Dash::Dashed => Some("plot-line plot-dashed"),
        Dash::Dotted => Some("plot-line plot-dotted"),
        Dash::None => None,
    }
}

/// Path data through points.
pub(crate) fn path(points: &[Position], closed: bool) -> String {
    let mut d = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        d.push(if index == 0 { 'M' } else { 'L' });
        d.push_str(&coordinate(*x));
        d.push(' ');
        d.push_str(&coordinate(*y));
    }
    if closed {
        d.push('z');
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsed::Parsed;
    use crate::{Limits, Scale};

    fn curve(values: &[f64]) -> Vec<Point> {
        (0..).zip(values).map(|(x, y)| Point::new(f64::from(x) * 1000.0, *y)).collect()
    }

    fn chart(y: Axis, values: &[f64]) -> LineChart {
        LineChart::new("t", Axis::new("step"), y).series(Series::new("a", curve(values)))
    }

    /// The rectangle of a plot titled `t` with its y axis labelled `y` and no legend above.
    fn area(drawing: &Parsed) -> Area {
        let axis = drawing.of_class("plot-axis")[0];
        let read = |name: &str| axis[name].parse::<f64>().unwrap();
        let top = Heading::new("t", "y", &[], 440.0).above();
        Area { left: read("x1"), right: read("x2"), top, bottom: read("y1") }
    }

    #[test]
    fn every_point_lies_inside_the_plot_and_the_ticks_cover_the_data() {
        let steep = [-53.0, 3.5, 4.0, 4.5, 4.8, 5.0, 5.2, 5.3, 5.3, 5.4];
        let axes = [
            Axis::new("y"),
            Axis::new("y").limits(Limits::Trimmed),
            Axis::new("y").limits(Limits::Trimmed).floor(0.0),
            Axis::new("y").limits(Limits::Fixed(4.0, 5.0)),
            Axis::new("y").scale(Scale::Log),
            Axis::new("y").scale(Scale::Symlog { threshold: 1.0 }),
        ];
        for axis in axes {
            let drawing = Parsed::new(&chart(axis.clone(), &steep).draw());
            let area = area(&drawing);
            let points = drawing.positions("plot-point");
            assert_eq!(points.len(), steep.len(), "{axis:?}");
            for (x, y) in points {
                assert!((area.left - 0.01..=area.right + 0.01).contains(&x), "{axis:?}: {x}");
                assert!((area.top - 0.01..=area.bottom + 0.01).contains(&y), "{axis:?}: {y}");
            }
        }
        let fitted = Axis::new("y").fit(&[0.803, 0.879], &[0.88123], true);
        let ticks: Vec<f64> = fitted.ticks.iter().map(|(value, _)| *value).collect();
        assert!(ticks[0] <= 0.803 && ticks[ticks.len() - 1] >= 0.88123, "{ticks:?}");
        assert_eq!(fitted.ticks[0].1, "0.80");
    }

    #[test]
    fn what_is_clipped_is_shown_at_the_edge_and_told() {
        let steep = [-53.0, 3.5, 4.0, 4.5, 4.8, 5.0, 5.2, 5.3, 5.3, 5.4];
        let drawing = Parsed::new(&chart(Axis::new("y").limits(Limits::Trimmed), &steep).draw());
        assert_eq!(drawing.texts("plot-small"), ["▼ 1 value below the axis: −53."]);
        let first = drawing.of_class("plot-point")[0];
        assert_eq!(first["title"], "a\n−53 at 0");
        let (_, y) = drawing.positions("plot-point")[0];
        assert_eq!(y, area(&drawing).bottom);
        // The line enters from the edge on its way from the point that is not shown.
        let line = drawing.of_class("plot-line")[0];
        assert!(line["d"].starts_with('M') && !line["d"].contains("NaN"));

        let infinite = [f64::NEG_INFINITY, 1.0, f64::NAN, 2.0, f64::INFINITY];
        let drawing = Parsed::new(&chart(Axis::new("y"), &infinite).draw());
        assert_eq!(
            drawing.texts("plot-small"),
            [
                "▼ 1 value below the axis: −∞.",
                "▲ 1 value above the axis: ∞.",
                "1 value is not a number and not drawn."
            ]
        );
        assert_eq!(drawing.of_class("plot-point").len(), 4);
    }

    #[test]
    fn extreme_data_are_drawn() {
        let cases: [&[f64]; 9] = [
            &[],
            &[1.0],
            &[0.0, 0.0, 0.0],
            &[3.3, 3.3],
            &[f64::NAN],
            &[f64::INFINITY, f64::INFINITY],
            &[-1e300, 1e300],
            &[1e-300, 2e-300],
            &[1.0, 1.0 + 1e-15, 1.0],
        ];
        for values in cases {
            for scale in [Scale::Linear, Scale::Log, Scale::Symlog { threshold: 1e-3 }] {
                for limits in [Limits::Auto, Limits::Trimmed, Limits::Fixed(2.0, 2.0)] {
                    let axis = Axis::new("y").scale(scale).limits(limits);
                    let svg = chart(axis, values).reference(f64::NAN, "r").draw();
                    let drawing = Parsed::new(&svg);
                    let any = values.iter().any(|v| !v.is_nan());
                    assert_eq!(drawing.texts("plot-muted").contains(&"no data yet"), !any);
                }
            }
        }
        let empty = LineChart::new("", Axis::new(""), Axis::new("")).column("p", vec![]).draw();
        Parsed::new(&empty);
    }

    #[test]
    fn bands_stay_inside_and_lone_points_get_bars() {
        let points = |values: &[(f64, f64)]| {
            let point = |(i, (low, high)): (usize, &(f64, f64))| {
                Point::new(i as f64, f64::midpoint(*low, *high)).between(*low, *high)
            };
            values.iter().enumerate().map(point).collect::<Vec<_>>()
        };
        let axis = Axis::new("y").limits(Limits::Fixed(0.0, 1.0));
        let band = points(&[(-50.0, 0.5), (0.2, 0.6), (0.3, 9.0)]);
        let chart = LineChart::new("t", Axis::new("x"), axis).series(Series::new("a", band));
        let drawing = Parsed::new(&chart.draw());
        let area = area(&drawing);
        let d = &drawing.of_class("plot-band")[0]["d"];
        let heights = d[1..d.len() - 1]
            .split('L')
            .map(|p| p.split_once(' ').unwrap().1.parse::<f64>().unwrap());
        for height in heights {
            assert!((area.top - 0.01..=area.bottom + 0.01).contains(&height), "{d}");
        }
        let lone = LineChart::new("t", Axis::new("x"), Axis::new("y"))
            .series(Series::new("a", points(&[(0.2, 0.4)])));
        assert_eq!(Parsed::new(&lone.draw()).of_class("plot-bar").len(), 1);
    }

    #[test]
    fn labels_stand_at_the_ends_of_lines_or_in_a_legend() {
        let named = |label: &str| {
            LineChart::new("t", Axis::new("x"), Axis::new("y"))
                .series(Series::new(label, curve(&[1.0, 2.0])))
                .series(Series::new("b", curve(&[2.0, 3.0])).quiet())
                .reference(2.5, "cap")
        };
        let short = Parsed::new(&named("a").draw());
        assert_eq!(short.texts("plot-label"), ["a", "cap"]);
        let long = Parsed::new(&named("a label that is far too long for a margin").draw());
        assert_eq!(long.texts("plot-label"), ["a label that is far too long for a margin"]);
        assert!(long.texts("plot-small").contains(&"cap"));
    }

    #[test]
    fn marks_and_hover_texts_say_their_values() {
        let point = Point::new(20.0, 4.771).between(4.761, 4.78).note("3 seeds");
        let chart = LineChart::new("t", Axis::new("x"), Axis::new("y"))
            .series(Series::new("<nce>", vec![point]))
            .column("paper", vec![Mark::new("nce", 5.69, 1).between(5.28, 6.11)]);
        let drawing = Parsed::new(&chart.draw());
        let point = drawing.of_class("plot-point")[0];
        assert_eq!(point["title"], "<nce>\n4.771 at 20 (4.761 to 4.780); 3 seeds");
        assert_eq!((point["data-y"].as_str(), point["data-low"].as_str()), ("4.771", "4.761"));
        let mark = drawing.of_class("plot-mark")[0];
        assert_eq!(mark["title"], "nce paper\n5.690 (5.280 to 6.110)");
        let (_, y) = drawing.positions("plot-mark")[0];
        assert!(y >= area(&drawing).top, "the axis reaches the mark");
    }

    #[test]
    fn drawing_is_deterministic_and_long_series_stay_small() {
        let values: Vec<f64> = (0..5000).map(|i| f64::from(i).sin()).collect();
        let draw = || chart(Axis::new("y"), &values).draw().standalone();
        let svg = draw();
        assert_eq!(svg, draw());
        assert!(
            Parsed::new(&chart(Axis::new("y"), &values).draw()).of_class("plot-point").len() <= 60
        );
    }
}
