//! Charts read back.

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
        Axis::new("y").scale(Scale::Log),
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
    // The line enters from the edge, coming from the point that is not shown.
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
fn a_point_far_to_the_left_is_told_and_squeezes_no_others() {
    let near = (0..20).map(|i| Point::new(f64::from(i), f64::from(i % 5)));
    let points: Vec<Point> = [Point::new(-2_469.0, 1.0)].into_iter().chain(near).collect();
    let trimmed = Axis::new("x").limits(Limits::Trimmed);
    let chart = LineChart::new("t", trimmed, Axis::new("y"))
        .series(Series::new("a", points).dash(Dash::None));
    let drawing = Parsed::new(&chart.draw());
    assert_eq!(drawing.texts("plot-small"), ["◀ 1 value left of the axis: −2,469."]);
    let xs: Vec<f64> = drawing.positions("plot-point").into_iter().map(|(x, _)| x).collect();
    let area = area(&drawing);
    assert_eq!(xs.len(), 20);
    assert!(xs[19] - xs[0] > 0.8 * (area.right - area.left), "{xs:?}");
}

#[test]
fn labels_of_unconnected_points_stand_above_the_plot() {
    let markers = |dash| {
        let points = (0..5).map(|i| Point::new(f64::from(i), f64::from(i))).collect();
        let chart = LineChart::new("t", Axis::new("x"), Axis::new("y"))
            .series(Series::new("a", points).dash(dash));
        let drawing = Parsed::new(&chart.draw());
        let grid = drawing.of_class("plot-grid").into_iter().map(|line| line["y1"].parse());
        let highest = grid.fold(f64::INFINITY, |top, y| top.min(y.expect("a number")));
        (drawing.positions("plot-key")[0], area(&drawing).right, highest)
    };
    let ((x, y), right, highest) = markers(Dash::Solid);
    assert!(x > right && y >= highest, "{x} {y} {right} {highest}");
    let ((x, y), right, highest) = markers(Dash::None);
    assert!(x < right && y < highest, "{x} {y} {right} {highest}");
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
        for scale in [Scale::Linear, Scale::Log] {
            for limits in [Limits::Auto, Limits::Trimmed] {
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
    let axis = Axis::new("y").limits(Limits::Trimmed);
    let near = [(0.2, 0.6); 20];
    let band = points(&[&[(-50.0, 0.5)][..], &near, &[(0.3, 90.0)]].concat());
    let chart = LineChart::new("t", Axis::new("x"), axis).series(Series::new("a", band));
    let drawing = Parsed::new(&chart.draw());
    let area = area(&drawing);
    let d = &drawing.of_class("plot-band")[0]["d"];
    let heights =
        d[1..d.len() - 1].split('L').map(|p| p.split_once(' ').unwrap().1.parse::<f64>().unwrap());
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
    assert!(y >= area(&drawing).top, "the axis includes the mark");
}

#[test]
fn drawing_is_deterministic_and_long_series_stay_small() {
    let values: Vec<f64> = (0..5000).map(|i| f64::from(i).sin()).collect();
    let draw = || chart(Axis::new("y"), &values).draw().standalone();
    let svg = draw();
    assert_eq!(svg, draw());
    assert!(Parsed::new(&chart(Axis::new("y"), &values).draw()).of_class("plot-point").len() <= 60);
}

#[test]
fn an_overlay_is_drawn_inside_the_range_of_the_series_and_widens_the_y_axis() {
    let points = vec![Point::new(0.0, 1.0), Point::new(1_000.0, 2.0)];
    let marks = [(0.0, 1.1), (500.0, 5.0), (20_000.0, 9.0)]
        .map(|(x, value)| (x, Mark::new("a", value, 1)))
        .to_vec();
    let chart = LineChart::new("t", Axis::new("x"), Axis::new("y"))
        .series(Series::new("a", points.clone()))
        .series(Series::new("a, seed 0", points).thin());
    let lines = |svg: &str| svg.matches("class=\"plot-line").count();
    let bare = chart.draw().standalone();
    let svg = chart.overlay("paper", marks).draw().standalone();
    assert!(svg.contains("data-mark=\"5\"") && svg.contains("data-mark=\"1.1\""));
    assert!(!svg.contains("data-mark=\"9\""), "beyond the x axis");
    assert_eq!(lines(&svg), lines(&bare), "no line joins published values");
    // The thin line has no markers, no legend entry and no sentence in the description.
    assert_eq!(svg.matches("class=\"plot-point\"").count(), 2);
    assert_eq!(svg.matches("seed 0").count(), 1, "only the name of its group");
}

#[test]
fn an_overlay_below_the_axis_is_counted_and_not_drawn_at_its_edge() {
    let points = (0..6).map(|i| Point::new(f64::from(i), 4.0 + 0.1 * f64::from(i))).collect();
    let svg = LineChart::new("t", Axis::new("x"), Axis::new("y").floor(0.0))
        .series(Series::new("a", points))
        .overlay("paper", vec![(0.0, Mark::new("a", -1.4, 0)), (5.0, Mark::new("a", 4.4, 0))])
        .draw()
        .standalone();
    assert_eq!(svg.matches("data-mark").count(), 1);
    assert!(svg.contains("1 value below the axis"), "{svg}");
}

#[test]
fn the_runs_behind_a_mean_change_neither_its_marker_nor_what_is_counted() {
    let mean = |label: &str| Series::new(label, curve(&[1.0, 2.0]));
    let draw = |runs: usize| {
        let mut chart = LineChart::new("t", Axis::new("step"), Axis::new("y").floor(1.5));
        for label in ["a", "b"] {
            for _ in 0..runs {
                chart = chart.series(mean("seed").colour(0).thin());
            }
            chart = chart.series(mean(label));
        }
        Parsed::new(&chart.draw())
    };
    let shapes = |drawing: &Parsed| -> Vec<String> {
        drawing.of_class("plot-point").iter().map(|point| point["d"].clone()).collect()
    };
    let (without, with) = (draw(0), draw(3));
    assert_eq!(shapes(&with), shapes(&without));
    assert_ne!(shapes(&with)[1], shapes(&with)[3]);
    assert_eq!(with.texts("plot-small"), ["▼ 2 values below the axis: least 1."]);
}

#[test]
fn hollow_points_have_the_marker_before_them_and_no_entry() {
    let points = |value: f64| vec![Point::new(0.0, value), Point::new(1.0, value)];
    let chart = LineChart::new("t", Axis::new("x"), Axis::new("y"))
        .series(Series::new("a", points(1.0)).dash(Dash::None))
        .series(Series::new("a, start", points(2.0)).colour(0).dash(Dash::None).hollow())
        .series(Series::new("b", points(3.0)).dash(Dash::None));
    let drawing = Parsed::new(&chart.draw());
    let hollow = drawing.of_class("plot-hollow");
    let all = drawing.of_class("plot-point");
    assert_eq!((hollow.len(), all.len()), (2, 6));
    assert_eq!(hollow[0]["d"], all[0]["d"]);
    assert_ne!(all[4]["d"], all[0]["d"]);
    assert!(!drawing.texts("plot-label").contains(&"a, start"));
}

#[test]
fn no_values_and_no_sizes_make_drawing_fail() {
    let values =
        [f64::MAX, -f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e300, -1e300, 0.0, 1.0, f64::NAN];
    let axes = [
        Axis::new("y"),
        Axis::new("y").limits(Limits::Trimmed),
        Axis::new("y").scale(Scale::Log),
        Axis::new("y").scale(Scale::Log).limits(Limits::Trimmed),
        Axis::new("y").floor(f64::INFINITY),
        Axis::new("y").ticks([f64::NAN, f64::INFINITY, f64::MAX, 1.0]),
    ];
    for axis in axes {
        for (a, b) in values.iter().flat_map(|a| values.iter().map(move |b| (*a, *b))) {
            let points = vec![Point::new(a, b).between(-a, b), Point::new(b, a).between(a, b)];
            let drawing = LineChart::new("t", axis.clone(), axis.clone())
                .series(Series::new("a", points))
                .series(Series::new("b", curve(&[a, b, 1.0])))
                .reference(a, "line")
                .overlay("over", vec![(b, Mark::new("m", a, 0))])
                .column("paper", vec![Mark::new("m", b, 0)])
                .draw();
            Parsed::new(&drawing);
        }
    }
    for size in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX] {
        let drawing = chart(Axis::new("y"), &[1.0, 2.0]).size(size, size).draw();
        Parsed::new(&drawing);
        assert!(drawing.size().0 >= 240.0 && drawing.size().1 < 101_000.0);
    }
}
