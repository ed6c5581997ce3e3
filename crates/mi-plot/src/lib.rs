//! Numbers for people, without dependencies: charts as accessible, theme-aware SVG, and text.
//!
//! - [`LineChart`]: means with bands over a common axis, reference lines, values for comparison.
//! - [`IntervalChart`]: estimates with intervals, one below the other.
//! - [`HeatMap`]: a matrix as shaded cells.
//! - [`TextTable`], [`number`], [`fixed`], [`duration`]: the same for a terminal.
//! - [`plain`], [`plain_lines`]: names of files and users' texts, made safe to show.
//!
//! Charts are drawn as an [`Svg`]: as a separate file or as a part of a page. Colours are CSS
//! custom properties that follow the reader's light or dark scheme; they can be distinguished with
//! any of the common colour-vision deficiencies, and series also differ in marker or stroke.
//! Readers of SVG without custom properties (Inkscape, CairoSVG, resvg) show the light scheme.
//! Drawings have a title, a description, `role="img"`, and each value as a native tooltip and as
//! `data-` attributes. The same input gives the same bytes, and no input makes drawing fail.
//!
//! ```
//! use mi_plot::{Axis, LineChart, Mark, Point, Series};
//!
//! let curve = |end: f64| {
//!     (0..=20).map(move |k| {
//!         let y = end - 4.0 * (-f64::from(k) / 3.0).exp();
//!         Point::new(f64::from(k) * 1000.0, y).between(y - 0.1, y + 0.1).note("3 seeds")
//!     })
//! };
//! let chart = LineChart::new("Bound", Axis::new("training step"), Axis::new("nats"))
//!     .series(Series::new("InfoNCE", curve(4.77).collect()))
//!     .series(Series::new("NWJ", curve(5.69).collect()))
//!     .reference(128f64.ln(), "ln 128")
//!     .column("paper", vec![Mark::new("InfoNCE", 4.771, 0), Mark::new("NWJ", 5.69, 1)]);
//! let file: String = chart.draw().standalone();
//! assert!(file.starts_with("<svg") && file.contains("prefers-color-scheme:dark"));
//! ```

mod axis;
mod clip;
mod frame;
mod heat;
mod interval;
mod legend;
mod line;
mod outside;
#[cfg(test)]
mod parsed;
mod plain;
mod series;
mod shading;
mod svg;
mod table;
mod text;
mod theme;
mod ticks;

pub use axis::{Axis, Limits, Scale};
pub use heat::HeatMap;
pub use interval::{IntervalChart, IntervalRow};
pub use line::LineChart;
pub use plain::{plain, plain_lines};
pub use series::{Dash, Mark, Point, Series};
pub use shading::Shading;
pub use svg::Svg;
pub use table::{Align, TextTable};
pub use text::{duration, fixed, grouped, number, shortened};
pub use theme::{COLOURS, stylesheet};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
