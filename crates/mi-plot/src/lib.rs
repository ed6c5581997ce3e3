//! Line charts, bands and heat maps as accessible, theme-aware SVG.
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
mod series;
mod svg;
mod text;
mod theme;
pub use axis::{Axis, Limits, Scale};
pub use heat::HeatMap;
pub use interval::{IntervalChart, IntervalRow};
pub use line::LineChart;
pub use series::{Dash, Mark, Marker, Point, Series};
pub use svg::Svg;
pub use text::number;
pub use theme::{COLOURS, stylesheet};
