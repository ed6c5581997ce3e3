//! Colours and type, as one stylesheet for both colour schemes.

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

/// Blue, vermilion, green and purple come first: neighbours differ in hue for people with any of
/// the common colour-vision deficiencies, and all differ from the surface by 3:1 or more.
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

/// Past this shade the surface's colour reads better on a cell than ink does, in both schemes.
pub(crate) const INVERSE_FROM: f64 = 0.57;

/// The rules that do not depend on the colour scheme.
///
/// Each `var()` stands after a literal for readers of SVG that do not know custom properties:
/// they drop the second declaration and keep the first.
const RULES: &str = "\
.plot{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Helvetica,Arial,sans-serif;\
font-size:12px;font-variant-numeric:tabular-nums}\
.plot text{fill:#1b1f24;fill:var(--plot-ink)}\
.plot-surface{fill:#ffffff;fill:var(--plot-surface)}\
.plot .plot-title{font-size:14px;font-weight:600}\
.plot .plot-muted{fill:#59636e;fill:var(--plot-muted)}\
.plot .plot-small{font-size:11px;fill:#59636e;fill:var(--plot-muted)}\
.plot .plot-inverse{fill:#ffffff;fill:var(--plot-surface)}\
.plot .plot-halo{paint-order:stroke;stroke:#ffffff;stroke:var(--plot-surface);stroke-width:3px;\
stroke-linejoin:round}\
.plot-grid{stroke:#e4e7eb;stroke:var(--plot-grid);stroke-width:1}\
.plot-axis{stroke:#59636e;stroke:var(--plot-muted);stroke-width:1}\
.plot-reference{stroke:#59636e;stroke:var(--plot-muted);stroke-width:1.25;stroke-dasharray:2 3}\
.plot-line{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round;\
stroke-linecap:round}\
.plot-dashed{stroke-dasharray:6 4}\
.plot-dotted{stroke-dasharray:1.5 4}\
.plot-band{fill:currentColor;fill-opacity:.16;stroke:none}\
.plot-bar{stroke:currentColor;stroke-width:1.6;fill:none}\
.plot-leader{stroke:currentColor;stroke-width:1;fill:none;stroke-opacity:.55}\
.plot-key{fill:currentColor}\
.plot-neutral{color:#59636e;color:var(--plot-muted)}\
.plot-point{fill:currentColor;stroke:transparent;stroke-width:9;pointer-events:all}\
.plot-mark{fill:#ffffff;fill:var(--plot-surface);stroke:currentColor;stroke-width:1.8;\
pointer-events:all}\
.plot-cell{fill:#08306b;fill:var(--plot-heat)}\
.plot-frame{fill:none;stroke:#e4e7eb;stroke:var(--plot-grid)}";

/// The style of all drawings: once in a page, or inside each stand-alone file.
///
/// Colours are custom properties on `:root` (`--plot-surface`, `--plot-ink`, `--plot-muted`,
/// `--plot-grid`, `--plot-heat`, `--plot-1` to `--plot-8`), so a page can use them too or set its
/// own. The dark scheme applies on screens that ask for it, never in print.
pub fn stylesheet() -> String {
    let mut css = format!(":root{{{}}}", properties(&LIGHT));
    let _ = write!(
        css,
        "@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}{RULES}",
        properties(&DARK)
    );
    for (index, colour) in LIGHT.series.iter().enumerate() {
        let n = index + 1;
        let _ = write!(css, ".plot-c{n}{{color:{colour};color:var(--plot-{n})}}");
    }
    css
}

/// The class that sets the current colour to that of a series.
pub(crate) fn colour_class(index: usize) -> String {
    format!("plot-c{}", index % COLOURS + 1)
}

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
