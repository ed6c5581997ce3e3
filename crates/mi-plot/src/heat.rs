//! Heat maps: a matrix of numbers as shaded cells.

use std::fmt::Write as _;

use crate::shading::Shading;
use crate::svg::{Anchor, Canvas, Svg, coordinate};
use crate::{text, theme};

/// Largest number of columns for which cells show their value as text.
const MOST_LABELLED_COLUMNS: usize = 12;

/// Largest number of cells that show their value on hover: with more, the file would have tens of
/// megabytes.
const MOST_HOVERING: usize = 2_500;

/// Shades of the cells of a larger matrix.
const SHADES: usize = 32;

/// Longest label in characters; longer ones are cut in the middle.
const LONGEST_LABEL: usize = 28;

/// The magnitude from which the value of a cell is written with an exponent.
const WIDEST: f64 = 1e15;

/// Space from one label to the next.
const LABEL_STEP: f64 = 13.0;

/// A matrix of numbers, one shaded cell each.
///
/// A few values much larger than the others are [beyond the scale](Shading) and darker than its
/// end. Labels that would touch one another are thinned out. Up to 2,500 cells show their value on
/// hover; the cells of a larger matrix have 32 shades, and the file stays small (0.3 MB at 200
/// columns).
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
    unit: String,
    rows: Vec<String>,
    columns: Vec<String>,
    values: Vec<f64>,
    decimals: usize,
    from_zero: bool,
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
            unit: String::new(),
            rows: owned(rows),
            columns: owned(columns),
            values,
            decimals: 2,
            from_zero: false,
        }
    }

    /// Sets the unit of the values, for the scale and on hover.
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Sets the decimals of the values in the cells (2), at most 17.
    pub fn decimals(mut self, decimals: usize) -> Self {
        self.decimals = decimals.min(text::MOST_DECIMALS);
        self
    }

    /// Starts the scale at zero although some values are negative: for quantities that cannot be
    /// negative, but whose estimates scatter around zero.
    pub fn from_zero(mut self) -> Self {
        self.from_zero = true;
        self
    }

    /// Draws the heat map.
    pub fn draw(&self) -> Svg {
        let values = self.values.iter().copied();
        let shading = if self.from_zero { Shading::from_zero(values) } else { Shading::of(values) };
        let layout = Layout::of(self, &shading);
        let mut canvas = Canvas::new();
        for (line, text) in layout.title.iter().enumerate() {
            canvas.text(14.0, 22.0 + 18.0 * line as f64, "plot-title", Anchor::Start, text);
        }
        self.draw_labels(&mut canvas, &layout);
        if self.is_large() {
            self.draw_shades(&mut canvas, &layout, &shading);
        } else {
            self.draw_cells(&mut canvas, &layout, &shading);
        }
        if !self.values.is_empty() {
            self.draw_frame(&mut canvas, &layout);
            self.draw_scale(&mut canvas, &layout, &shading);
        }
        let (rows, columns) = (self.rows.len(), self.columns.len());
        let description = format!("A heat map of {rows} rows and {columns} columns.");
        canvas.finish(layout.width, layout.height, &self.title, &description)
    }

    fn is_large(&self) -> bool {
        self.values.len() > MOST_HOVERING
    }

    fn draw_labels(&self, canvas: &mut Canvas, layout: &Layout) {
        let every = thinned(layout.cell_height);
        for (row, label) in self.rows.iter().enumerate().step_by(every) {
            let y = layout.top + (row as f64 + 0.5) * layout.cell_height + 4.0;
            let label = shortened(label);
            canvas.text(layout.left - 8.0, y, "plot-muted", Anchor::End, &label);
        }
        // Labels turned by 45 degrees are closer together than their columns.
        let every = if layout.upright { 1 } else { thinned(layout.cell_width * TURNED) };
        for (column, label) in self.columns.iter().enumerate().step_by(every) {
            let x = layout.left + (column as f64 + 0.5) * layout.cell_width;
            let y = layout.top - 8.0;
            let label = shortened(label);
            if layout.upright {
                canvas.text(x, y, "plot-muted", Anchor::Middle, &label);
            } else {
                let (x, y) = (coordinate(x + 4.0), coordinate(y));
                canvas.open("g", &[("transform", &format!("translate({x} {y}) rotate(-45)"))]);
                canvas.text(0.0, 0.0, "plot-muted", Anchor::Start, &label);
                canvas.close();
            }
        }
    }

    fn draw_cells(&self, canvas: &mut Canvas, layout: &Layout, shading: &Shading) {
        let labelled = self.columns.len() <= MOST_LABELLED_COLUMNS;
        for (index, &value) in self.values.iter().enumerate() {
            let (row, column) = (index / self.columns.len(), index % self.columns.len());
            let x = layout.left + column as f64 * layout.cell_width;
            let y = layout.top + row as f64 * layout.cell_height;
            // NaN stays unshaded.
            let shade = shading.level(value).unwrap_or(0.0);
            let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
            let number = if value.is_nan() {
                "no value".to_owned()
            } else {
                format!("{}{unit}", text::number(value))
            };
            let hover = format!("{}, {}: {number}", self.rows[row], self.columns[column]);
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
    }

    /// The cells of a large matrix: one path for each shade, in units of cells, whose strokes of
    /// width 1 are runs of cells.
    fn draw_shades(&self, canvas: &mut Canvas, layout: &Layout, shading: &Shading) {
        let columns = self.columns.len();
        let mut paths = vec![String::new(); SHADES + 1];
        for (row, values) in self.values.chunks(columns.max(1)).enumerate() {
            let shade = |value: f64| {
                shading.level(value).map_or(0, |level| (level * SHADES as f64).round() as usize)
            };
            let mut column = 0;
            while column < columns {
                let own = shade(values[column]);
                let run = values[column..].iter().take_while(|&&v| shade(v) == own).count().max(1);
                // Writing to a String cannot fail.
                let _ = write!(paths[own], "M{column} {row}h{run}");
                column += run;
            }
        }
        let (x, y) = (coordinate(layout.left), coordinate(layout.top + layout.cell_height / 2.0));
        let (width, height) = (coordinate(layout.cell_width), coordinate(layout.cell_height));
        let place = format!("translate({x} {y}) scale({width} {height})");
        canvas.open("g", &[("transform", &place), ("shape-rendering", "crispEdges")]);
        for (shade, path) in paths.iter().enumerate().skip(1).filter(|(_, path)| !path.is_empty()) {
            let opacity = coordinate(shade as f64 / SHADES as f64);
            let attributes =
                [("class", "plot-cells"), ("stroke-opacity", opacity.as_str()), ("d", path)];
            canvas.element("path", &attributes);
        }
        canvas.close();
    }

    fn draw_frame(&self, canvas: &mut Canvas, layout: &Layout) {
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

    /// A bar from the lightest to the darkest shade with their values, and next to it the shade of
    /// values beyond the scale.
    fn draw_scale(&self, canvas: &mut Canvas, layout: &Layout, shading: &Shading) {
        const STEPS: usize = 20;
        let y = layout.height - 34.0;
        let step = layout.scale_width / STEPS as f64;
        let mut block = |x: f64, width: f64, shade: f64| {
            let attributes = [
                ("class", "plot-cell"),
                ("x", &coordinate(x)[..]),
                ("y", &coordinate(y)),
                ("width", &coordinate(width)),
                ("height", "8"),
                ("fill-opacity", &coordinate(shade)),
            ];
            canvas.element("rect", &attributes);
        };
        for index in 0..STEPS {
            let shade = (index as f64 + 0.5) / STEPS as f64 * shading.end();
            block(layout.left + index as f64 * step, step, shade);
        }
        let end = layout.left + layout.scale_width;
        if shading.beyond().is_some() {
            block(end + BEYOND_GAP, BEYOND_BLOCK, 1.0);
        }
        let y = y + 22.0;
        let (low, high) = shading.range();
        canvas.text(layout.left, y, "plot-small", Anchor::Start, &text::number(low));
        let high = format!("{} {}", text::number(high), self.unit);
        canvas.text(end, y, "plot-small", Anchor::End, high.trim_end());
        if let Some(beyond) = shading.beyond() {
            let x = end + BEYOND_GAP;
            canvas.text(x, y, "plot-small plot-beyond", Anchor::Start, &up_to(beyond));
        }
    }

    fn cell_text(&self, value: f64) -> String {
        if value.is_nan() {
            "–".to_owned()
        } else if value.abs() < WIDEST {
            text::fixed(value, self.decimals)
        } else {
            text::number(value)
        }
    }
}

/// The positions of the parts of a heat map.
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

/// The distance between labels turned by 45 degrees, as a fraction of that between columns.
const TURNED: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// The gap between the scale and the block for values beyond it, and the block's width.
const BEYOND_GAP: f64 = 8.0;
const BEYOND_BLOCK: f64 = 12.0;

/// The largest value beyond the scale.
fn up_to(beyond: f64) -> String {
    format!("up to {}", text::number(beyond))
}

/// One in this many labels can be shown, if labels are this far apart.
fn thinned(distance: f64) -> usize {
    (LABEL_STEP / distance).ceil().max(1.0) as usize
}

fn shortened(label: &str) -> String {
    text::shortened(label, LONGEST_LABEL)
}

impl Layout {
    fn of(map: &HeatMap, shading: &Shading) -> Self {
        let widest = |labels: &[String]| {
            labels.iter().map(|l| text::width(&shortened(l), 12.0)).fold(0.0f64, f64::max)
        };
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
        let overhang = if upright { 0.0 } else { column_label * TURNED };
        let cells = map.columns.len() as f64 * cell_width;
        let scale_width = cells.clamp(120.0, 240.0);
        let beyond = shading.beyond().map_or(0.0, |v| BEYOND_GAP + text::width(&up_to(v), 11.0));
        let width = (left + cells.max(scale_width + beyond) + overhang + 16.0).max(260.0);
        let title = text::wrap(&map.title, 15.0, width - 28.0);
        let label_height = if upright { 24.0 } else { column_label * TURNED + 18.0 };
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
        let drawing = Parsed::new(&map.unit("nats").draw());
        let cells = drawing.with_attribute("data-value");
        let shades: Vec<&str> = cells.iter().map(|c| c["fill-opacity"].as_str()).collect();
        assert_eq!(shades, ["0", "1", "0.5", "0", "0", "1"]);
        assert_eq!(cells[2]["title"], "r<1>, c0: 1 nats");
        assert_eq!(drawing.texts("plot-value"), ["0.00", "2.00", "1.00", "–", "0.00", "∞"]);
        assert_eq!(cells[3]["title"], "r<1>, c&1: no value");
    }

    #[test]
    fn a_scale_may_start_at_zero_below_which_there_is_noise_only() {
        let values = [[-0.5, 1.0]];
        let low = |map: HeatMap| Parsed::new(&map.draw()).texts("plot-small")[0].to_owned();
        let map = HeatMap::new("t", &["r", "r"][..1], &["a", "b"], |r, c| values[r][c]);
        assert_eq!((low(map.clone()), low(map.from_zero())), ("−0.500".into(), "0".into()));
    }

    #[test]
    fn a_value_beyond_the_scale_is_darker_than_its_end_and_said() {
        let labels: Vec<String> = (0..6).map(|i| format!("v{i}")).collect();
        let value = |r: usize, c: usize| match (r.min(c), r.max(c)) {
            (0, 5) => 4.0,
            (a, b) => 0.01 * (a + b) as f64,
        };
        let drawing = Parsed::new(&HeatMap::new("t", &labels, &labels, value).unit("nats").draw());
        assert_eq!(drawing.texts("plot-beyond"), ["up to 4"]);
        let cells = drawing.with_attribute("data-value");
        let shade = |i: usize| cells[i]["fill-opacity"].parse::<f64>().unwrap();
        assert_eq!((shade(5), shade(35)), (1.0, 0.85));
    }

    #[test]
    fn two_hundred_columns_stay_small_and_their_labels_apart() {
        let labels: Vec<String> =
            (0..200).map(|i| format!("a rather long name of a column, number {i}")).collect();
        let value = |r: usize, c: usize| {
            if r == c {
                f64::NAN
            } else {
                ((r * c * 7919 + (r + c) * 104_729) % 997) as f64 / 997.0
            }
        };
        let svg = HeatMap::new("t", &labels, &labels, value).draw();
        assert!(svg.standalone().len() < 500_000, "{} bytes", svg.standalone().len());
        let (width, height) = svg.size();
        assert!(width < 1_700.0 && height < 1_700.0, "{width} x {height}");
        let drawing = Parsed::new(&svg);
        let labels = drawing.of_class("plot-muted");
        let mut rows: Vec<f64> = labels
            .iter()
            .filter(|label| label.get("text-anchor").is_some_and(|anchor| anchor == "end"))
            .map(|label| label["y"].parse().unwrap())
            .collect();
        rows.sort_by(f64::total_cmp);
        assert!(rows.len() > 40, "{}", rows.len());
        assert!(rows.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_STEP), "{rows:?}");
        assert!(labels.iter().all(|label| label["text"].chars().count() <= LONGEST_LABEL));
        // Every cell except the diagonal and the lightest ones has a stroke.
        let runs: usize = drawing
            .of_class("plot-cells")
            .iter()
            .flat_map(|path| path["d"].split('h').skip(1))
            .map(|run| run.split('M').next().unwrap().parse::<usize>().unwrap())
            .sum();
        let dark = (0..40_000).filter(|i| value(i / 200, i % 200) * 32.0 >= 0.5).count();
        assert!(runs.abs_diff(dark) < 200, "{runs} of {dark}");
    }

    #[test]
    fn extreme_values_and_decimals_are_drawn() {
        let values = [[f64::MAX, -f64::MAX], [1.0, f64::NAN], [5e-324, -0.0]];
        for rows in [1, 2, 3] {
            for count in [0, 2, 70_000] {
                let labels = ["a", "b", "c"];
                let map = HeatMap::new("t", &labels[..rows], &labels[..2], |r, c| values[r][c]);
                let map = map.decimals(count);
                Parsed::new(&map.draw()).assert_inside("data-value");
                Parsed::new(&map.from_zero().draw()).assert_inside("data-value");
            }
        }
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
        Parsed::new(&HeatMap::new("t", &none, &none, |_, _| 0.0).draw());
    }
}
