//! Colours and typefaces, as one stylesheet for both colour schemes.

use std::fmt::Write as _;

/// Number of distinct series colours; colour indices wrap around.
pub const COLOURS: usize = 8;

/// Neutral colours of one scheme.
struct Scheme {
    surface: &'static str,
    ink: &'static str,
    muted: &'static str,
    grid: &'static str,
    heat: &'static str,
    series: [&'static str; COLOURS],
}

/// Blue, vermilion, green and purple come first: adjacent colours differ in hue for people with any
/// of the common colour-vision deficiencies, and all differ from the surface by 3:1 or more.
const LIGHT: Scheme = Scheme {
    surface: "#ffffff",
    ink: "#1b1f24",
    muted: "#59636e",
    grid: "#e4e7eb",
    heat: "#08306b",
    series: [
        "#0072b2", "#d55e00", "#008c66", "#b5679a", "#8f7300", "#3a8fc2", "#882255", "#5a6068",
    ],
};

const DARK: Scheme = Scheme {
    surface: "#15181d",
    ink: "#e8eaed",
    muted: "#a3acb8",
    grid: "#2e343c",
    heat: "#8ec5ff",
    series: [
        "#5ab0ec", "#ff8a4c", "#35cba0", "#f5b8dc", "#e0c040", "#a9dcf7", "#ee86ae", "#a9b0ba",
    ],
};

/// Beyond this shade the surface's colour is more readable on a cell than ink, in both schemes.
pub(crate) const INVERSE_FROM: f64 = 0.57;

/// A value of a style.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// The same in every scheme.
    Same(&'static str),
    Surface,
    Muted,
    Grid,
    Heat,
    /// The colour of the series.
    Series,
}
use Value::{Grid, Heat, Muted, Same, Series, Surface};

impl Value {
    fn css(self) -> &'static str {
        match self {
            Same(value) => value,
            Surface => "var(--plot-surface)",
            Muted => "var(--plot-muted)",
            Grid => "var(--plot-grid)",
            Heat => "var(--plot-heat)",
            Series => "currentColor",
        }
    }

    /// The value in the light scheme, within a series of this colour.
    fn literal(self, series: &'static str) -> &'static str {
        match self {
            Same(value) => value,
            Surface => LIGHT.surface,
            Muted => LIGHT.muted,
            Grid => LIGHT.grid,
            Heat => LIGHT.heat,
            Series => series,
        }
    }
}

type Style = &'static [(&'static str, Value)];

/// The style of each class of elements, defined once: browsers read it as CSS, other programs
/// (Inkscape, CairoSVG, resvg, word processors) as presentation attributes in the light scheme.
/// Later classes override earlier ones.
const STYLES: [(&str, Style); 22] = [
    ("plot-surface", &[("fill", Surface)]),
    ("plot-title", &[("font-size", Same("14px")), ("font-weight", Same("600"))]),
    ("plot-muted", &[("fill", Muted)]),
    ("plot-small", &[("font-size", Same("11px")), ("fill", Muted)]),
    ("plot-inverse", &[("fill", Surface)]),
    ("plot-grid", &[("stroke", Grid), ("stroke-width", Same("1"))]),
    ("plot-axis", &[("stroke", Muted), ("stroke-width", Same("1"))]),
    (
        "plot-reference",
        &[("stroke", Muted), ("stroke-width", Same("1.25")), ("stroke-dasharray", Same("2 3"))],
    ),
    (
        "plot-line",
        &[
            ("fill", Same("none")),
            ("stroke", Series),
            ("stroke-width", Same("1.8")),
            ("stroke-linejoin", Same("round")),
            ("stroke-linecap", Same("round")),
        ],
    ),
    ("plot-thin", &[("stroke-width", Same("1")), ("stroke-opacity", Same(".5"))]),
    ("plot-dashed", &[("stroke-dasharray", Same("6 4"))]),
    ("plot-dotted", &[("stroke-dasharray", Same("1.5 4"))]),
    ("plot-band", &[("fill", Series), ("fill-opacity", Same(".16")), ("stroke", Same("none"))]),
    ("plot-bar", &[("stroke", Series), ("stroke-width", Same("1.6")), ("fill", Same("none"))]),
    (
        "plot-leader",
        &[
            ("stroke", Series),
            ("stroke-width", Same("1")),
            ("fill", Same("none")),
            ("stroke-opacity", Same(".55")),
        ],
    ),
    ("plot-key", &[("fill", Series)]),
    ("plot-point", &[("fill", Series)]),
    ("plot-hollow", &[("fill", Surface), ("stroke", Series), ("stroke-width", Same("1.4"))]),
    ("plot-mark", &[("fill", Surface), ("stroke", Series), ("stroke-width", Same("1.8"))]),
    ("plot-cell", &[("fill", Heat)]),
    ("plot-cells", &[("stroke", Heat), ("fill", Same("none"))]),
    ("plot-frame", &[("fill", Same("none")), ("stroke", Grid)]),
];

/// Rules only for browsers: a halo would cover the letters where `paint-order` is not known, and a
/// transparent stroke only makes a point easier to hit with a mouse.
const BROWSERS_ONLY: &str = "\
.plot-halo{paint-order:stroke;stroke:var(--plot-surface);stroke-width:3px;stroke-linejoin:round}\
.plot-neutral{color:var(--plot-muted)}\
.plot-point{stroke:transparent;stroke-width:9;pointer-events:all}\
.plot-hollow{stroke:currentColor;stroke-width:1.4}\
.plot-mark{pointer-events:all}";

/// Typefaces of the reader's system.
const FACES: &str =
    "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Helvetica,Arial,sans-serif";

/// Attributes of the `<svg>` element that set the typeface for readers without CSS.
pub(crate) const TYPE: &str = "font-family=\"Helvetica,Arial,sans-serif\" font-size=\"12px\"";

/// The style of all drawings: once in a page, or inside each stand-alone file.
///
/// Colours are custom properties on `:root` (`--plot-surface`, `--plot-ink`, `--plot-muted`,
/// `--plot-grid`, `--plot-heat`, `--plot-1` to `--plot-8`), so a page can use them or set its own.
/// The dark scheme applies on screens that request it, never in print. Readers that do not know
/// custom properties skip the rules, which are in an `@supports` block, and use the attributes of
/// the elements.
pub fn stylesheet() -> String {
    let mut css = format!(":root{{{}}}", properties(&LIGHT));
    // Writing to a String cannot fail.
    let _ = write!(
        css,
        "@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\
         @supports (color:var(--plot-ink)){{\
         .plot{{font-family:{FACES};font-size:12px;font-variant-numeric:tabular-nums}}\
         .plot text{{fill:var(--plot-ink)}}",
        properties(&DARK)
    );
    for (class, style) in STYLES {
        let _ = write!(css, ".plot .{class}{{");
        for (property, value) in style {
            let _ = write!(css, "{property}:{};", value.css());
        }
        css.push('}');
    }
    css.push_str(BROWSERS_ONLY);
    for n in 1..=COLOURS {
        let _ = write!(css, ".plot-c{n}{{color:var(--plot-{n})}}");
    }
    css.push('}');
    css
}

/// The class that sets the current colour to that of a series.
pub(crate) fn colour_class(index: usize) -> String {
    format!("plot-c{}", index % COLOURS + 1)
}

/// The series colour that classes set, in the light scheme, if they set one.
pub(crate) fn series_colour(classes: &str) -> Option<&'static str> {
    classes.split_whitespace().find_map(|class| {
        if class == "plot-neutral" {
            return Some(LIGHT.muted);
        }
        let number: usize = class.strip_prefix("plot-c")?.parse().ok()?;
        LIGHT.series.get(number.checked_sub(1)?).copied()
    })
}

/// Presentation attributes of an element with these classes inside a series of this colour.
pub(crate) fn presentation(
    tag: &str,
    classes: &str,
    series: &'static str,
) -> Vec<(&'static str, &'static str)> {
    let mut attributes: Vec<(&str, &str)> = Vec::new();
    if tag == "text" {
        attributes.push(("fill", LIGHT.ink));
    }
    let named = |class| STYLES.iter().find(|(name, _)| *name == class);
    for (property, value) in classes.split_whitespace().filter_map(named).flat_map(|(_, s)| *s) {
        attributes.retain(|(other, _)| other != property);
        attributes.push((property, value.literal(series)));
    }
    attributes
}

/// The ink of the light scheme: the default colour outside series.
pub(crate) const INK: &str = LIGHT.ink;

fn properties(scheme: &Scheme) -> String {
    let mut css = format!(
        "--plot-surface:{};--plot-ink:{};--plot-muted:{};--plot-grid:{};--plot-heat:{}",
        scheme.surface, scheme.ink, scheme.muted, scheme.grid, scheme.heat
    );
    for (index, colour) in scheme.series.iter().enumerate() {
        let _ = write!(css, ";--plot-{}:{colour}", index + 1);
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linear sRGB components of `#rrggbb`.
    fn linear(colour: &str) -> [f64; 3] {
        let channel = |at: usize| {
            let c = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        [channel(1), channel(3), channel(5)]
    }

    /// Contrast ratio of WCAG 2.1.
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |c: &str| {
            let [r, g, b] = linear(c);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Colour as a dichromat sees it (Machado, Oliveira and Fernandes 2009, severity 1).
    fn simulate(colour: &str, matrix: &[[f64; 3]; 3]) -> [f64; 3] {
        let rgb = linear(colour);
        matrix.map(|row| row.iter().zip(rgb).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0))
    }

    /// Distance in CIELAB of two linear sRGB colours (CIE 1976).
    fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
        let lab = |[r, g, b]: [f64; 3]| {
            let x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505;
            let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
            let z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089;
            let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
            [116.0 * f(y) - 16.0, 500.0 * (f(x) - f(y)), 200.0 * (f(y) - f(z))]
        };
        lab(a).iter().zip(lab(b)).map(|(p, q)| (p - q).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn every_colour_stands_out_from_its_surface() {
        for scheme in [&LIGHT, &DARK] {
            for colour in scheme.series.iter().chain([&scheme.heat]) {
                let ratio = contrast(colour, scheme.surface);
                assert!(ratio >= 3.0, "{colour} on {}: {ratio:.2}", scheme.surface);
            }
            assert!(contrast(scheme.ink, scheme.surface) >= 7.0);
            assert!(contrast(scheme.muted, scheme.surface) >= 4.5);
        }
    }

    #[test]
    fn values_on_cells_of_every_shade_can_be_read() {
        let channel = |colour: &str, at: usize| {
            f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap())
        };
        for scheme in [&LIGHT, &DARK] {
            for percent in 0..=100 {
                let shade = f64::from(percent) / 100.0;
                let mixed = [1, 3, 5].map(|at| {
                    let (cell, ground) = (channel(scheme.heat, at), channel(scheme.surface, at));
                    (cell * shade + ground * (1.0 - shade)).round() as u8
                });
                let cell = format!("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2]);
                let text = if shade > INVERSE_FROM { scheme.surface } else { scheme.ink };
                assert!(contrast(&cell, text) >= 3.6, "{text} on {cell}, shade {shade}");
            }
        }
    }

    #[test]
    fn the_first_four_colours_differ_for_dichromats() {
        let protanopia = [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ];
        let deuteranopia = [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ];
        for scheme in [&LIGHT, &DARK] {
            for matrix in [&protanopia, &deuteranopia] {
                for i in 0..4 {
                    for j in 0..i {
                        let (a, b) = (scheme.series[i], scheme.series[j]);
                        let d = distance(simulate(a, matrix), simulate(b, matrix));
                        assert!(d >= 15.0, "{a} and {b} are {d:.1} apart");
                    }
                }
            }
        }
    }
}
