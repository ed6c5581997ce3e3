//! Interval charts (forest plots): estimates with their intervals, one below the other.

mod row;

pub use row::IntervalRow;

use crate::axis::{Axis, Fitted, Place};
use crate::clip::{self, Area};
use crate::frame::{self, Heading, MARGIN};
use crate::legend::{Entry, Legend};
use crate::outside::Outside;
use crate::series::{Dash, Marker};
use crate::svg::{Anchor, Canvas, Svg, coordinate, path};
use crate::{text, theme};
use row::ROW;

/// Height of rows above which the axis values are also shown at the top.
const LONG: f64 = 700.0;

/// Estimates with their intervals on one axis, with values for comparison.
///
/// ```
/// use mi_plot::{Axis, IntervalChart, IntervalRow};
///
/// let svg = IntervalChart::new("What the critic changes", Axis::new("accuracy, points"))
///     .row(IntervalRow::new("bilinear − separable", 0.4).between(0.1, 0.7).mark(0.3))
///     .reference(0.0, "no difference")
///     .draw();
/// assert!(svg.inline().contains("no difference"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalChart {
    title: String,
    axis: Axis,
    rows: Vec<IntervalRow>,
    references: Vec<(f64, String)>,
    mark_name: String,
    colours: Vec<String>,
    notes: Vec<String>,
    width: f64,
}

impl IntervalChart {
    /// A chart without rows.
    pub fn new(title: impl Into<String>, axis: Axis) -> Self {
        Self {
            title: title.into(),
            axis,
            rows: Vec::new(),
            references: Vec::new(),
            mark_name: "paper".to_owned(),
            colours: Vec::new(),
            notes: Vec::new(),
            width: 440.0,
        }
    }

    /// Adds a row below the others.
    pub fn row(mut self, row: IntervalRow) -> Self {
        self.rows.push(row);
        self
    }

    /// Adds a vertical line at a value for comparison; the axis includes it.
    pub fn reference(mut self, value: f64, label: impl Into<String>) -> Self {
        self.references.push((value, label.into()));
        self
    }

    /// Sets the name of the hollow diamonds (`paper`).
    pub fn mark_name(mut self, name: impl Into<String>) -> Self {
        self.mark_name = name.into();
        self
    }

    /// Names the colours, from index 0 on, in a legend.
    pub fn colours(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.colours = names.into_iter().collect();
        self
    }

    /// Adds a line of small print under the chart.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Draws the chart.
    pub fn draw(&self) -> Svg {
        let axis = self.fit();
        let mut outside = Outside::default();
        for row in &self.rows {
            for value in [Some(row.value), row.mark].into_iter().flatten() {
                outside.add(value, axis.place(value));
            }
        }
        let mut notes = self.notes.clone();
        notes.extend(outside.notes());
        let heading = Heading::new(&self.title, "", &notes, self.width);
        // The outermost tick labels are centred on the ends of the axis.
        let side = MARGIN + (frame::tick_width(&axis) / 2.0).max(8.0);
        let labels: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.lines(self.width - 2.0 * side)).collect();
        let rows: f64 = labels.iter().map(|lines| IntervalRow::height(lines.len())).sum();
        let long = rows >= LONG;
        let mut area = Area {
            left: side,
            top: heading.above(),
            right: self.width - side,
            bottom: heading.above() + rows.max(ROW) + 4.0,
        };
        let legend = self.legend(&area);
        // From the top: the legend, names of references, values of the axis.
        let references = if self.references.is_empty() { 0.0 } else { 14.0 };
        let values = if long { frame::AXIS_ABOVE } else { 0.0 };
        let down = legend.height() + references + values;
        (area.top, area.bottom) = (area.top + down, area.bottom + down);
        let height = area.bottom + 30.0 + MARGIN + heading.below();

        let mut canvas = Canvas::new();
        heading.draw(&mut canvas, height);
        legend.draw(&mut canvas, &Area { top: area.top - references - values, ..area }, 0.0);
        for (value, _) in &axis.ticks {
            if let Some(x) = x_of(&axis, &area, *value) {
                canvas.line("plot-grid", (x, area.top), (x, area.bottom));
            }
        }
        frame::draw_x_axis(&mut canvas, &area, &axis, &self.axis.label);
        if long {
            frame::draw_x_axis_above(&mut canvas, &area, &axis);
        }
        let names = area.top - 6.0 - values;
        for (value, label) in &self.references {
            if let Some(x) = x_of(&axis, &area, *value) {
                // Not through the values of an axis between its name and the rows.
                let top = if long { area.top } else { names + 4.0 };
                canvas.line("plot-reference", (x, top), (x, area.bottom));
                // Kept inside the drawing near its edges.
                let half = text::width(label, 11.0) / 2.0;
                let at = x.max(MARGIN + half).min(self.width - MARGIN - half);
                canvas.text(at, names, "plot-small", Anchor::Middle, label);
            }
        }
        let mut top = area.top;
        for (index, (row, lines)) in self.rows.iter().zip(&labels).enumerate() {
            if index > 0 && !lines.is_empty() {
                // Between a row's interval and the label of the next, which is nearly as close.
                canvas.line("plot-grid", (area.left, top), (area.right, top));
            }
            let here = Area { top, bottom: top + IntervalRow::height(lines.len()), ..area };
            self.draw_row(&mut canvas, &axis, &here, row, lines);
            top = here.bottom;
        }
        if self.rows.is_empty() {
            let (x, y) = (area.left + area.width() / 2.0, area.top + ROW / 2.0);
            canvas.text(x, y, "plot-muted", Anchor::Middle, "no data yet");
        }
        canvas.finish(self.width, height, &self.title, &self.describe())
    }

    fn legend(&self, area: &Area) -> Legend {
        let entry = |(colour, label): (usize, &String)| Entry {
            label: label.clone(),
            colour: Some(colour),
            dash: Dash::default(),
            marker: Some(Marker::Circle),
        };
        let entries = self.colours.iter().enumerate().map(|named| (Some(entry(named)), None));
        Legend::place(entries, std::iter::empty(), area, self.width)
    }

    fn fit(&self) -> Fitted {
        let values: Vec<f64> = self.rows.iter().map(|r| r.value).collect();
        let extent: Vec<f64> = self
            .rows
            .iter()
            .flat_map(|r| {
                let limits = r.limits.iter().copied();
                limits.chain([r.low, r.high, r.mark.unwrap_or(f64::NAN)])
            })
            .chain(self.references.iter().map(|(value, _)| *value))
            .collect();
        self.axis.fit(&values, &extent, true)
    }

    fn draw_row(
        &self,
        canvas: &mut Canvas,
        axis: &Fitted,
        area: &Area,
        row: &IntervalRow,
        lines: &[String],
    ) {
        let class = theme::colour_class(row.colour);
        let y = area.bottom - 11.0;
        for (line, baseline) in lines.iter().zip(IntervalRow::baselines()) {
            let style = "plot-label plot-halo";
            canvas.text(area.left, area.top + baseline, style, Anchor::Start, line);
        }
        for x in row.limits.iter().filter_map(|limit| x_of(axis, area, *limit)) {
            canvas.line("plot-reference", (x, y - 8.0), (x, y + 8.0));
        }
        canvas.open("g", &[("class", &class), ("data-series", &row.label)]);
        let end = |value: f64| {
            let x = axis.place(value).fraction().map(|f| area.left + f * area.width());
            x.map(|x| (x, y))
        };
        let mut hover = format!("{}\n{}", row.label, text::number(row.value));
        if let (Some(low), Some(high)) = (end(row.low), end(row.high)) {
            for run in clip::polyline(area, &[Some(low), Some(high)]) {
                canvas.element("path", &[("class", "plot-bar"), ("d", &path(&run, false))]);
            }
            hover.push_str(&text::between(row.low, row.high));
        }
        if !row.note.is_empty() {
            hover.push_str("; ");
            hover.push_str(&row.note);
        }
        // Below the point, which stays visible inside the diamond where the two coincide.
        if let Some((mark, x)) = row.mark.and_then(|m| Some((m, held(axis, area, m)?))) {
            let transform = format!("translate({} {})", coordinate(x), coordinate(y));
            canvas.titled(
                "path",
                &[
                    ("class", "plot-mark"),
                    ("d", "M0-4.5L4.5 0L0 4.5L-4.5 0z"),
                    ("transform", &transform),
                    ("data-mark", &mark.to_string()),
                ],
                &format!("{}, {}\n{}", row.label, self.mark_name, text::number(mark)),
            );
        }
        if let Some(x) = held(axis, area, row.value) {
            let shape = match axis.place(row.value) {
                Place::Below(_) => "M7-4v8L0 0z",
                Place::Above(_) => "M-7-4v8L0 0z",
                _ => Marker::Circle.path(),
            };
            let transform = format!("translate({} {})", coordinate(x), coordinate(y));
            canvas.titled(
                "path",
                &[
                    ("class", "plot-point"),
                    ("d", shape),
                    ("transform", &transform),
                    ("data-value", &row.value.to_string()),
                ],
                &hover,
            );
        }
        canvas.close();
    }

    /// The rows in words.
    fn describe(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let interval = text::between(row.low, row.high);
                format!(" {}: {}{interval}.", row.label, text::number(row.value))
            })
            .collect();
        format!("{}.{}", self.axis.label, rows.concat())
    }
}

/// The position of a value, if it is on the axis.
fn x_of(axis: &Fitted, area: &Area, value: f64) -> Option<f64> {
    match axis.place(value) {
        Place::Inside(fraction) => Some(area.left + fraction * area.width()),
        _ => None,
    }
}

/// The position of a value, clamped to the axis.
fn held(axis: &Fitted, area: &Area, value: f64) -> Option<f64> {
    match axis.place(value) {
        Place::Inside(fraction) => Some(area.left + fraction * area.width()),
        Place::Below(_) => Some(area.left),
        Place::Above(_) => Some(area.right),
        Place::Nowhere => None,
    }
}

#[cfg(test)]
mod tests {
    use super::row::BARE_ROW;
    use super::*;
    use crate::parsed::Parsed;

    #[test]
    fn intervals_marks_and_references_are_drawn_inside() {
        let chart = IntervalChart::new("Effects", Axis::new("points"))
            .row(IntervalRow::new("a", 0.4).between(0.1, 0.7).mark(0.3).note("3 seeds"))
            .row(IntervalRow::new("b", f64::NAN))
            .row(IntervalRow::new("c", f64::INFINITY).between(0.2, f64::INFINITY))
            .reference(0.0, "no difference");
        let svg = chart.draw();
        let drawing = Parsed::new(&svg);
        let points = drawing.of_class("plot-point");
        assert_eq!(points.len(), 2);
        assert_eq!(points[0]["title"], "a\n0.400 (0.100 to 0.700); 3 seeds");
        assert_eq!(drawing.of_class("plot-mark")[0]["title"], "a, paper\n0.300");
        assert_eq!(drawing.texts("plot-label"), ["a", "b (no data yet)", "c"]);
        assert_eq!(
            drawing.texts("plot-small"),
            [
                "▲ 1 value above the axis: ∞.",
                "1 value is not a number and not drawn.",
                "no difference"
            ]
        );
        for (x, y) in drawing.positions("plot-point") {
            assert!((0.0..=svg.size().0).contains(&x) && (0.0..=svg.size().1).contains(&y));
        }
    }

    #[test]
    fn a_long_chart_has_its_values_above_too() {
        let of_rows = |count: usize| {
            let chart = IntervalChart::new("t", Axis::new("x")).reference(0.0, "none");
            let chart = (0..count).fold(chart, |chart, row| {
                chart.row(IntervalRow::new(format!("row {row}"), row as f64))
            });
            Parsed::new(&chart.draw()).texts("plot-tick").iter().filter(|t| **t == "10").count()
        };
        assert_eq!([of_rows(19), of_rows(20)], [1, 2]);
    }

    #[test]
    fn rows_below_share_a_label_and_a_legend_names_their_colours() {
        let chart = IntervalChart::new("t", Axis::new("x"))
            .colours(["first".into(), "second".into()])
            .row(IntervalRow::new("a: first", 0.4).mark(0.5).titled("a"))
            .row(IntervalRow::new("a: second", 0.6).colour(1).below());
        let drawing = chart.draw();
        let parsed = Parsed::new(&drawing);
        assert_eq!(parsed.texts("plot-label"), ["first", "second", "a"]);
        assert_eq!(parsed.of_class("plot-point")[1]["title"], "a: second\n0.600");
        let places = parsed.positions("plot-point");
        assert!((places[1].1 - places[0].1 - BARE_ROW).abs() < 1e-9, "{places:?}");
    }

    #[test]
    fn a_long_label_takes_several_lines_and_keeps_every_word() {
        let label = "rank correlation with accuracy: V-information about labels (nats): linear \
                     readers of one layer";
        let row = |label: &str| IntervalRow::new(label, 0.5).between(0.4, 0.6);
        let draw = |label| {
            let chart = IntervalChart::new("t", Axis::new("x")).row(row(label)).row(row("b"));
            Parsed::new(&chart.draw())
        };
        let (short, long) = (draw("a"), draw(label));
        let lines = long.texts("plot-label");
        assert!(lines.len() > 2, "{lines:?}");
        assert_eq!(lines[..lines.len() - 1].join(" "), label);
        let down = |drawing: &Parsed| drawing.positions("plot-point")[1].1;
        assert!(down(&long) > down(&short) + 10.0);
    }

    #[test]
    fn the_limits_of_rows_are_on_the_axis_and_on_their_rows_only() {
        let chart = IntervalChart::new("t", Axis::new("x"))
            .row(IntervalRow::new("a", 0.4).limit(-0.5).limit(0.9))
            .row(IntervalRow::new("b", 0.5));
        let drawing = Parsed::new(&chart.draw());
        let limits = drawing.of_class("plot-reference");
        assert_eq!(limits.len(), 2);
        let at = |line: usize, name: &str| limits[line][name].parse::<f64>().unwrap();
        let places = drawing.positions("plot-point");
        assert!(at(0, "x1") < places[0].0 && places[0].0 < at(1, "x1"));
        for line in 0..2 {
            assert!(at(line, "y1") < places[0].1 && places[0].1 < at(line, "y2"));
            assert!(at(line, "y2") < places[1].1 - BARE_ROW);
        }
    }

    #[test]
    fn an_empty_chart_and_equal_values_are_drawn() {
        let empty = IntervalChart::new("t", Axis::new("x")).draw();
        assert!(Parsed::new(&empty).texts("plot-muted").contains(&"no data yet"));
        let equal = IntervalChart::new("t", Axis::new("x"))
            .row(IntervalRow::new("a", 1.0).between(1.0, 1.0))
            .row(IntervalRow::new("b", 1.0).mark(1.0));
        assert_eq!(Parsed::new(&equal.draw()).of_class("plot-point").len(), 2);
    }
}
