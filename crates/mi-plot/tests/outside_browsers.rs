//! Drawings as shown by SVG readers that do not know custom properties, here resvg.

#![allow(clippy::unwrap_used, reason = "a helper fails by panicking")]

use mi_plot::{
    Axis, Dash, HeatMap, IntervalChart, IntervalRow, LineChart, Mark, Point, Series, Svg,
};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

type Colour = [u8; 3];

const SURFACE: Colour = [0xff, 0xff, 0xff];
const BLUE: Colour = [0x00, 0x72, 0xb2];
const VERMILION: Colour = [0xd5, 0x5e, 0x00];
const GRID: Colour = [0xe4, 0xe7, 0xeb];
const HEAT: Colour = [0x08, 0x30, 0x6b];

struct Picture(Pixmap);

impl Picture {
    fn of(svg: &Svg) -> Self {
        let tree = Tree::from_str(&svg.standalone(), &Options::default()).unwrap();
        let (width, height) = svg.size();
        let mut pixels = Pixmap::new(2 * width as u32, 2 * height as u32).unwrap();
        resvg::render(&tree, Transform::from_scale(2.0, 2.0), &mut pixels.as_mut());
        Self(pixels)
    }

    fn at(&self, x: f64, y: f64) -> Colour {
        let pixel = self.0.pixel((2.0 * x) as u32, (2.0 * y) as u32).unwrap().demultiply();
        [pixel.red(), pixel.green(), pixel.blue()]
    }

    /// How many pixels have exactly this colour.
    fn count(&self, colour: Colour) -> usize {
        let same = |pixel: &&resvg::tiny_skia::PremultipliedColorU8| {
            let pixel = pixel.demultiply();
            [pixel.red(), pixel.green(), pixel.blue()] == colour && pixel.alpha() == 255
        };
        self.0.pixels().iter().filter(same).count()
    }

    fn share(&self, colour: Colour) -> f64 {
        self.count(colour) as f64 / self.0.pixels().len() as f64
    }
}

#[test]
fn line_charts_have_a_light_ground_and_coloured_lines() {
    let curve = |start: f64| {
        (0..20).map(move |i| {
            Point::new(f64::from(i), start + 0.1 * f64::from(i))
                .between(start + 0.1 * f64::from(i) - 0.3, start + 0.1 * f64::from(i) + 0.3)
        })
    };
    let chart = LineChart::new("t", Axis::new("x"), Axis::new("y"))
        .series(Series::new("a", curve(1.0).collect()))
        .series(Series::new("b", curve(3.0).collect()).dash(Dash::Dashed))
        .reference(2.5, "r")
        .column("paper", vec![Mark::new("a", 4.0, 0).between(3.5, 4.5)]);
    let picture = Picture::of(&chart.draw());
    assert_eq!(picture.at(1.0, 1.0), SURFACE);
    assert!(picture.share(SURFACE) > 0.6, "{}", picture.share(SURFACE));
    assert_eq!(picture.count([0, 0, 0]), 0, "nothing falls back to black");
    for colour in [BLUE, VERMILION, GRID] {
        assert!(picture.count(colour) > 300, "{colour:02x?}: {}", picture.count(colour));
    }
}

#[test]
fn interval_charts_have_their_colours() {
    let chart = IntervalChart::new("t", Axis::new("x"))
        .row(IntervalRow::new("a", 0.4).between(0.1, 0.7).mark(0.3))
        .row(IntervalRow::new("b", 0.5).between(0.2, 0.8).colour(1))
        .reference(0.0, "none");
    let picture = Picture::of(&chart.draw());
    assert!(picture.share(SURFACE) > 0.8);
    assert_eq!(picture.count([0, 0, 0]), 0);
    for colour in [BLUE, VERMILION] {
        assert!(picture.count(colour) > 100, "{colour:02x?}: {}", picture.count(colour));
    }
}

#[test]
fn heat_maps_are_shaded_whether_small_or_large() {
    for n in [8, 60] {
        let labels: Vec<String> = (0..n).map(|i| format!("v{i}")).collect();
        // Dark above the diagonal, light below, nothing on it.
        let value = |r: usize, c: usize| match r.cmp(&c) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => f64::NAN,
            std::cmp::Ordering::Greater => 0.5,
        };
        let map = HeatMap::new("t", &labels, &labels, value).draw();
        let picture = Picture::of(&map);
        assert_eq!(picture.at(1.0, 1.0), SURFACE);
        assert_eq!(picture.count([0, 0, 0]), 0);
        let half = HEAT.map(|channel| u8::midpoint(channel, 255));
        let (dark, light) = (picture.count(HEAT), {
            // Rounding of the opacity moves a channel by one at most.
            let near = |a: u8, b: u8| a.abs_diff(b) <= 2;
            picture
                .0
                .pixels()
                .iter()
                .filter(|pixel| {
                    let pixel = pixel.demultiply();
                    near(pixel.red(), half[0])
                        && near(pixel.green(), half[1])
                        && near(pixel.blue(), half[2])
                })
                .count()
        });
        let cells = picture.0.pixels().len() / 6;
        assert!(dark > cells && light > cells, "{n}: {dark} and {light} of {cells}");
    }
}
