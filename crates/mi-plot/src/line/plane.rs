//! Drawing values in a plot area with its axes.

use std::fmt::Write as _;

use crate::axis::{Fitted, Place};
use crate::clip::{self, Area, Position};
use crate::series::{Dash, Mark, Overlay, Point, Series};
use crate::svg::{Anchor, Canvas, coordinate, path};
use crate::{text, theme};

/// Half the width of the column of marks.
pub(super) const COLUMN: f64 = 26.0;

/// A plot area with its axes.
pub(super) struct Plane<'a> {
    pub(super) area: &'a Area,
    pub(super) x: &'a Fitted,
    pub(super) y: &'a Fitted,
}

impl Plane<'_> {
    /// The position of a value, possibly outside the area; `None` if it is not finite.
    pub(super) fn position(&self, x: f64, y: f64) -> Option<Position> {
        let (x, y) = (self.x.place(x).fraction()?, self.y.place(y).fraction()?);
        let area = self.area;
        Some((area.left + x * area.width(), area.bottom - y * area.height()))
    }

    /// The height of a value, clamped to the area.
    pub(super) fn height_of(&self, value: f64) -> Option<f64> {
        match self.y.place(value) {
            Place::Inside(fraction) => Some(self.area.bottom - fraction * self.area.height()),
            Place::Below(_) => Some(self.area.bottom),
            Place::Above(_) => Some(self.area.top),
            Place::Nowhere => None,
        }
    }

    pub(super) fn draw_band(&self, canvas: &mut Canvas, series: &Series, colour: usize) {
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
    pub(super) fn draw_reference(&self, canvas: &mut Canvas, value: f64, label: &str, column: f64) {
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
    pub(super) fn name_reference(&self, canvas: &mut Canvas, value: f64, label: &str) {
        let Place::Inside(fraction) = self.y.place(value) else { return };
        let y = self.area.bottom - fraction * self.area.height();
        // Above the line, unless that would leave the plot.
        let y = if y - 16.0 < self.area.top { y + 13.0 } else { y - 5.0 };
        canvas.text(self.area.right - 3.0, y, "plot-small plot-halo", Anchor::End, label);
    }

    /// The height at which a series leaves the plot.
    pub(super) fn end_of(&self, series: &Series) -> Option<f64> {
        let inside = |p: &&Point| matches!(self.x.place(p.x), Place::Inside(_)) && !p.y.is_nan();
        series.points.iter().rev().find(inside).and_then(|p| self.height_of(p.y))
    }

    pub(super) fn draw_point(
        &self,
        canvas: &mut Canvas,
        point: &Point,
        series: &Series,
        shape: &str,
    ) {
        let Place::Inside(fraction) = self.x.place(point.x) else { return };
        let x = self.area.left + fraction * self.area.width();
        let Some(y) = self.height_of(point.y) else { return };
        // Arrowheads are at the edge and point towards their values.
        let shape = match self.y.place(point.y) {
            Place::Below(_) => "M-4-7h8L0 0z",
            Place::Above(_) => "M-4 7h8L0 0z",
            _ => shape,
        };
        let label = &series.label;
        let mut hover = format!("{label}\n{} at {}", text::number(point.y), text::number(point.x));
        let class = if series.hollow { "plot-point plot-hollow" } else { "plot-point" };
        let mut attributes = vec![
            ("class", class.to_owned()),
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

    pub(super) fn draw_mark(&self, canvas: &mut Canvas, x: f64, mark: &Mark, heading: &str) {
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

    /// Marks at their places, if those are inside.
    pub(super) fn draw_overlay(&self, canvas: &mut Canvas, overlay: &Overlay) {
        for (at, mark) in &overlay.marks {
            let inside = |place: Place| matches!(place, Place::Inside(_));
            if !inside(self.x.place(*at)) || !inside(self.y.place(mark.value)) {
                continue;
            }
            if let Some((x, _)) = self.position(*at, mark.value) {
                self.draw_mark(canvas, x, mark, &overlay.heading);
            }
        }
    }

    /// Marks in the column right of the plot, side by side unless stacked.
    pub(super) fn draw_column(
        &self,
        canvas: &mut Canvas,
        heading: &str,
        marks: &[Mark],
        stacked: bool,
    ) {
        canvas.open("g", &[("class", "plot-column")]);
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
        canvas.close();
    }
}
