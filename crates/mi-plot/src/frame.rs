//! The parts that all charts with axes share: title, grid, ticks, notes.

use crate::axis::{Fitted, Place};
use crate::clip::Area;
use crate::svg::{Anchor, Canvas};
use crate::text;

/// Space between the drawing's edge and its contents.
pub(crate) const MARGIN: f64 = 12.0;
const TITLE_LINE: f64 = 18.0;
/// Size at which titles are measured. They are set at 14 and bold, which is wider by a sixth in
/// common typefaces.
const TITLE_SIZE: f64 = 16.5;
const SMALL_LINE: f64 = 15.0;

/// Title lines and the y axis' label above the plot, and notes below it.
#[derive(Debug)]
pub(crate) struct Heading {
    title: Vec<String>,
    subtitle: Vec<String>,
    notes: Vec<String>,
}

impl Heading {
    pub(crate) fn new(title: &str, subtitle: &str, notes: &[String], width: f64) -> Self {
        let inner = width - 2.0 * MARGIN;
        Self {
            title: text::wrap(title, TITLE_SIZE, inner),
            subtitle: text::wrap(subtitle, 12.0, inner),
            notes: notes.iter().flat_map(|note| text::wrap(note, 11.0, inner)).collect(),
        }
    }

    /// Height of everything above the plot.
    pub(crate) fn above(&self) -> f64 {
        let lines = self.title.len() as f64 * TITLE_LINE + self.subtitle.len() as f64 * SMALL_LINE;
        MARGIN + lines + 14.0
    }

    /// Height of the notes.
    pub(crate) fn below(&self) -> f64 {
        if self.notes.is_empty() { 0.0 } else { self.notes.len() as f64 * SMALL_LINE + 4.0 }
    }

    pub(crate) fn draw(&self, canvas: &mut Canvas, height: f64) {
        let mut y = MARGIN;
        for line in &self.title {
            canvas.text(MARGIN, y + 12.0, "plot-title", Anchor::Start, line);
            y += TITLE_LINE;
        }
        for line in &self.subtitle {
            canvas.text(MARGIN, y + 11.0, "plot-muted", Anchor::Start, line);
            y += SMALL_LINE;
        }
        let mut y = height - self.below();
        for line in &self.notes {
            canvas.text(MARGIN, y + 8.0, "plot-small", Anchor::Start, line);
            y += SMALL_LINE;
        }
    }
}

/// Draws the horizontal axis: base line, ticks and label.
pub(crate) fn draw_x_axis(canvas: &mut Canvas, area: &Area, axis: &Fitted, label: &str) {
    draw_x_ticks(canvas, area, axis, area.bottom, 1.0);
    let middle = area.left + area.width() / 2.0;
    canvas.text(middle, area.bottom + 33.0, "plot-muted", Anchor::Middle, label);
}

/// Space of [`draw_x_axis_above`] over the area.
pub(crate) const AXIS_ABOVE: f64 = 22.0;

/// Repeats the ticks of the horizontal axis over the area, for drawings taller than a screen.
pub(crate) fn draw_x_axis_above(canvas: &mut Canvas, area: &Area, axis: &Fitted) {
    draw_x_ticks(canvas, area, axis, area.top, -1.0);
}

/// A line at a height, with ticks and their values below it (`down` 1) or above (−1).
fn draw_x_ticks(canvas: &mut Canvas, area: &Area, axis: &Fitted, y: f64, down: f64) {
    canvas.line("plot-axis", (area.left, y), (area.right, y));
    let baseline = y + if down > 0.0 { 17.0 } else { -8.0 };
    // Labels that would touch the previous one are left out; their ticks stay.
    let mut free_from = f64::NEG_INFINITY;
    for (value, tick) in &axis.ticks {
        let Place::Inside(fraction) = axis.place(*value) else { continue };
        let x = area.left + fraction * area.width();
        canvas.line("plot-axis", (x, y), (x, y + 4.0 * down));
        let half = text::width(tick, 12.0) / 2.0;
        if x - half >= free_from {
            canvas.text(x, baseline, "plot-muted plot-tick", Anchor::Middle, tick);
            free_from = x + half + 4.0;
        }
    }
}

/// Draws the vertical axis: grid lines with their values.
pub(crate) fn draw_y_axis(canvas: &mut Canvas, area: &Area, axis: &Fitted) {
    let mut free_below = f64::INFINITY;
    for (value, tick) in &axis.ticks {
        let Place::Inside(fraction) = axis.place(*value) else { continue };
        let y = area.bottom - fraction * area.height();
        canvas.line("plot-grid", (area.left, y), (area.right, y));
        if y <= free_below {
            canvas.text(area.left - 7.0, y + 4.0, "plot-muted plot-tick", Anchor::End, tick);
            free_below = y - 13.0;
        }
    }
}

/// Width of the widest tick label.
pub(crate) fn tick_width(axis: &Fitted) -> f64 {
    axis.ticks.iter().map(|(_, tick)| text::width(tick, 12.0)).fold(0.0, f64::max)
}
