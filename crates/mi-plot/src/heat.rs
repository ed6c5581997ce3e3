//! Heat maps: a matrix of numbers as shaded cells.

use crate::svg::{Anchor, Canvas, Svg, coordinate};
use crate::{text, theme};

/// Widest matrix whose cells carry their value as text.
const MOST_LABELLED_COLUMNS: usize = 12;

/// A matrix of numbers, one shaded cell each.
///
/// # Shapes
/// One value for each pair of a row label and a column label.
///
/// ```
/// use mi_plot::HeatMap;
///
/// let mi = [[1.20, 0.31], [0.31, 0.97]];
/// let svg = HeatMap::new("Mutual information", &["a", "b"], &["a", "b"], |r, c| mi[r][c])
///     .unit("nats")
///     .draw()
///     .standalone();
/// assert!(svg.contains("1.20"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    title: String,
    description: String,
    unit: String,
    rows: Vec<String>,
    columns: Vec<String>,
    values: Vec<f64>,
    range: Option<(f64, f64)>,
    decimals: usize,
}

impl HeatMap {
    /// A heat map of `value(row, column)`.
    pub fn new<S: AsRef<str>>(
        title: impl Into<String>,
        rows: &[S],
        columns: &[S],
        value: impl Fn(usize, usize) -> f64,
    ) -> Self {
        let values = (0..rows.len())
            .flat_map(|r| (0..columns.len()).map(move |c| (r, c)))
            .map(|(r, c)| value(r, c))
            .collect();
        let owned = |labels: &[S]| labels.iter().map(|l| l.as_ref().to_owned()).collect();
        Self {
            title: title.into(),
            description: String::new(),
            unit: String::new(),
            rows: owned(rows),
            columns: owned(columns),
            values,
            range: None,
            decimals: 2,
        }
    }

    /// Sets the text that stands for the drawing where it cannot be seen.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets the unit of the values, for the scale and on hover.
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Sets the values of the lightest and of the darkest shade; without it, the least value (or
    /// zero, if none is negative) and the greatest.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Sets the decimals of the values in the cells (2).
    pub fn decimals(mut self, decimals: usize) -> Self {
        self.decimals = decimals;
        self
    }

    /// Draws the heat map.
    pub fn draw(&self) -> Svg {
        let layout = Layout::of(self);
        let (low, high) = self.shades();
        let mut canvas = Canvas::new();
        for (line, text) in layout.title.iter().enumerate() {
            canvas.text(14.0, 22.0 + 18.0 * line as f64, "plot-title", Anchor::Start, text);
        }
        self.draw_labels(&mut canvas, &layout);
        self.draw_cells(&mut canvas, &layout, low, high);
        if !self.values.is_empty() {
            self.draw_scale(&mut canvas, &layout, low, high);
        }
        let description = if self.description.is_empty() {
            format!("A heat map of {} rows and {} columns.", self.rows.len(), self.columns.len())
        } else {
            self.description.clone()
        };
        canvas.finish(layout.width, layout.height, &self.title, &description)
    }

    /// Values of the lightest and the darkest shade; apart, and finite.
    fn shades(&self) -> (f64, f64) {
        let finite = self.values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = self.range.filter(|(l, h)| (h - l).is_finite()).unwrap_or_else(|| {
            finite.fold((0.0, f64::NEG_INFINITY), |(l, h), v| (f64::min(l, v), f64::max(h, v)))
        });
        if low < high { (low, high) } else { (low, low + low.abs().max(1.0)) }
    }

    fn draw_labels(&self, canvas: &mut Canvas, layout: &Layout) {
        for (row, label) in self.rows.iter().enumerate() {
            let y = layout.top + (row as f64 + 0.5) * layout.cell_height + 4.0;
            canvas.text(layout.left - 8.0, y, "plot-muted", Anchor::End, label);
        }
        for (column, label) in self.columns.iter().enumerate() {
            let x = layout.left + (column as f64 + 0.5) * layout.cell_width;
            let y = layout.top - 8.0;
            if layout.upright {
                canvas.text(x, y, "plot-muted", Anchor::Middle, label);
            } else {
                let (x, y) = (coordinate(x + 4.0), coordinate(y));
                canvas.open("g", &[("transform", &format!("translate({x} {y}) rotate(-45)"))]);
                canvas.text(0.0, 0.0, "plot-muted", Anchor::Start, label);
                canvas.close();
            }
        }
    }

    fn draw_cells(&self, canvas: &mut Canvas, layout: &Layout, low: f64, high: f64) {
        let labelled = self.columns.len() <= MOST_LABELLED_COLUMNS;
        for (index, &value) in self.values.iter().enumerate() {
            let (row, column) = (index / self.columns.len(), index % self.columns.len());
            let x = layout.left + column as f64 * layout.cell_width;
            let y = layout.top + row as f64 * layout.cell_height;
            // NaN stays unshaded.
            let shade = ((value - low) / (high - low)).clamp(0.0, 1.0);
            let shade = if shade.is_nan() { 0.0 } else { shade };
            let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
            let hover = format!(
                "{}, {}: {}{unit}",
                self.rows[row],
                self.columns[column],
                text::number(value)
            );
            canvas.titled(
                "rect",
                &[
                    ("class", "plot-cell"),
                    ("x", &coordinate(x)),
                    ("y", &coordinate(y)),
                    ("width", &coordinate(layout.cell_width - 1.0)),
                    ("height", &coordinate(layout.cell_height - 1.0)),
                    ("fill-opacity", &coordinate(shade)),
                    ("data-value", &value.to_string()),
                ],
                &hover,
            );
            if labelled {
                let inverse = shade > theme::INVERSE_FROM;
                let class = if inverse { "plot-value plot-inverse" } else { "plot-value" };
                let text = self.cell_text(value);
                let x = x + (layout.cell_width - 1.0) / 2.0;
                canvas.text(x, y + layout.cell_height / 2.0 + 4.0, class, Anchor::Middle, &text);
            }
        }
        if !self.values.is_empty() {
            canvas.element(
                "rect",
                &[
                    ("class", "plot-frame"),
                    ("x", &coordinate(layout.left - 0.5)),
                    ("y", &coordinate(layout.top - 0.5)),
                    ("width", &coordinate(self.columns.len() as f64 * layout.cell_width)),
                    ("height", &coordinate(self.rows.len() as f64 * layout.cell_height)),
                ],
            );
        }
    }

    /// A bar from the lightest to the darkest shade with their values.
    fn draw_scale(&self, canvas: &mut Canvas, layout: &Layout, low: f64, high: f64) {
        const STEPS: usize = 20;
        let y = layout.height - 34.0;
        let step = layout.scale_width / STEPS as f64;
        for index in 0..STEPS {
            let shade = (index as f64 + 0.5) / STEPS as f64;
            canvas.element(
                "rect",
                &[
                    ("class", "plot-cell"),
                    ("x", &coordinate(layout.left + index as f64 * step)),
                    ("y", &coordinate(y)),
                    ("width", &coordinate(step)),
                    ("height", "8"),
                    ("fill-opacity", &coordinate(shade)),
                ],
            );
        }
        let end = layout.left + layout.scale_width;
        let (y, unit) = (y + 22.0, &self.unit);
        canvas.text(layout.left, y, "plot-small", Anchor::Start, &text::number(low));
        let high = format!("{} {unit}", text::number(high));
        canvas.text(end, y, "plot-small", Anchor::End, high.trim_end());
    }

    fn cell_text(&self, value: f64) -> String {
        if value.is_nan() {
            "–".to_owned()
        } else if value.is_infinite() {
            text::number(value)
        } else {
            let text = format!("{value:.*}", self.decimals);
            // A small negative number must not read as "−0.00".
            let zero = text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.');
            if zero { text.replace('-', "") } else { text.replace('-', "−") }
        }
    }
}

/// Where the parts of a heat map stand.
struct Layout {
    width: f64,
    height: f64,
    left: f64,
    top: f64,
    cell_width: f64,
    cell_height: f64,
    scale_width: f64,
    title: Vec<String>,
    /// Whether column labels fit above their cells without turning.
    upright: bool,
}

impl Layout {
    fn of(map: &HeatMap) -> Self {
        let widest =
            |labels: &[String]| labels.iter().map(|l| text::width(l, 12.0)).fold(0.0f64, f64::max);
        let labelled = map.columns.len() <= MOST_LABELLED_COLUMNS;
        let value_width =
            map.values.iter().map(|&v| text::width(&map.cell_text(v), 12.0)).fold(0.0, f64::max);
        let cell_width = if labelled {
            (value_width + 14.0).max(52.0)
        } else {
            (640.0 / map.columns.len() as f64).clamp(6.0, 40.0)
        };
        let cell_height =
            if labelled { 32.0 } else { (640.0 / map.rows.len() as f64).clamp(6.0, cell_width) };
        let column_label = widest(&map.columns);
        let upright = column_label <= cell_width - 6.0;
        let left = widest(&map.rows) + 24.0;
        // A turned label reaches to the right of the last column.
        let overhang = if upright { 0.0 } else { column_label * 0.71 };
        let cells = map.columns.len() as f64 * cell_width;
        let scale_width = cells.clamp(120.0, 240.0);
        let width = (left + cells.max(scale_width) + overhang + 16.0).max(260.0);
        let title = text::wrap(&map.title, 15.0, width - 28.0);
        let label_height = if upright { 24.0 } else { column_label * 0.71 + 18.0 };
        let top = 14.0 + 18.0 * title.len() as f64 + label_height;
        let height = top + map.rows.len() as f64 * cell_height + 56.0;
        Self { width, height, left, top, cell_width, cell_height, scale_width, title, upright }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsed::Parsed;

    #[test]
    fn every_cell_is_shaded_by_its_value_and_says_it() {
        let values = [[0.0, 2.0], [1.0, f64::NAN], [-1e-9, f64::INFINITY]];
        let rows = ["r0", "r<1>", "r2"];
        let map = HeatMap::new("MI", &rows, &["c0", "c&1", ""][..2], |r, c| values[r][c]);
        let drawing = Parsed::new(&map.range(0.0, 2.0).unit("nats").draw());
        let cells = drawing.with_attribute("data-value");
        let shades: Vec<&str> = cells.iter().map(|c| c["fill-opacity"].as_str()).collect();
        assert_eq!(shades, ["0", "1", "0.5", "0", "0", "1"]);
        assert_eq!(cells[2]["title"], "r<1>, c0: 1 nats");
        assert_eq!(drawing.texts("plot-value"), ["0.00", "2.00", "1.00", "–", "0.00", "∞"]);
    }

    #[test]
    fn odd_matrices_are_drawn() {
        let none: [&str; 0] = [];
        for (rows, columns) in [(0, 0), (1, 0), (0, 3), (1, 1), (40, 40)] {
            let label: Vec<String> = (0..40).map(|i| format!("a long label {i}")).collect();
            let map = HeatMap::new("t", &label[..rows], &label[..columns], |_, _| 3.0);
            let drawing = Parsed::new(&map.draw());
            assert_eq!(drawing.with_attribute("data-value").len(), rows * columns);
            drawing.assert_inside("data-value");
        }
        let map = HeatMap::new("t", &none, &none, |_, _| 0.0).range(f64::NAN, 1.0);
        Parsed::new(&map.draw());
    }
}
