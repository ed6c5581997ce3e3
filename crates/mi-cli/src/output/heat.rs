use std::fmt::Write as _;

use mi_plot::{Shading, number, plain, shortened};

use super::LINE;

/// Stops of a ramp from dark to light, with even lightness, readable with colour blindness.
const RAMP: [[u8; 3]; 5] =
    [[45, 11, 89], [117, 28, 109], [190, 55, 82], [240, 117, 52], [252, 217, 125]];
/// The same for terminals without colour.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// A matrix as coloured (or shaded) cells for a terminal, one row per line, with columns headed by
/// their numbers. Values that are not finite are shown as `·`. Names are shortened if lines would
/// be longer than 80 characters.
pub fn heat_map(names: &[String], values: &[Vec<f64>], unit: &str, colour: bool) -> String {
    // Information below zero is noise around zero: the ramp starts there.
    let shading = Shading::from_zero(values.iter().flatten().copied());
    let level = |value: f64| shading.level(value.max(0.0)).unwrap_or(0.0);
    let digits = names.len().to_string().len();
    // Two characters per cell: one is too narrow to compare colours.
    let cell = digits.max(2);
    let width = cell + 1;
    let room = LINE.saturating_sub(digits + 1 + width * names.len()).max(NARROWEST_NAME);
    let names: Vec<String> = names.iter().map(|name| shortened(&plain(name), room)).collect();
    let label = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut out = format!("{:digits$} {:label$}", "", "");
    for number in 1..=names.len() {
        let _ = write!(out, "{number:>width$}");
    }
    out.push('\n');
    for (i, (name, row)) in names.iter().zip(values).enumerate() {
        let _ = write!(out, "{:>digits$} {name:<label$}", i + 1);
        for &value in row {
            let _ = match (value.is_finite(), colour) {
                (false, _) => write!(out, "{:>width$}", '·'),
                (true, true) => {
                    let [r, g, b] = ramp(level(value));
                    write!(out, " \x1b[48;2;{r};{g};{b}m{:cell$}\x1b[0m", "")
                }
                (true, false) => write!(out, " {}", shade(level(value)).to_string().repeat(cell)),
            };
        }
        out.push('\n');
    }
    let _ = writeln!(out, "\n{}", legend(&shading, unit, colour));
    out
}

/// The smallest width of a name.
const NARROWEST_NAME: usize = 8;

/// The colour at a level from 0 to 1, between the two nearest stops.
fn ramp(level: f64) -> [u8; 3] {
    let position = level * (RAMP.len() - 1) as f64;
    let below = (position as usize).min(RAMP.len() - 2);
    let share = position - below as f64;
    std::array::from_fn(|c| {
        let (from, to) = (f64::from(RAMP[below][c]), f64::from(RAMP[below + 1][c]));
        (from + share * (to - from)).round() as u8
    })
}

fn shade(level: f64) -> char {
    SHADES[((level * SHADES.len() as f64) as usize).min(SHADES.len() - 1)]
}

fn legend(shading: &Shading, unit: &str, colour: bool) -> String {
    let steps = 10;
    let cell = |level: f64| {
        if colour {
            let [r, g, b] = ramp(level);
            format!("\x1b[48;2;{r};{g};{b}m \x1b[0m")
        } else {
            shade(level).to_string()
        }
    };
    let cells: String = (0..steps)
        .map(|step| cell((f64::from(step) + 0.5) / f64::from(steps) * shading.end()))
        .collect();
    let top = number(shading.range().1);
    let beyond = shading
        .beyond()
        .map_or_else(String::new, |beyond| format!(", {} up to {}", cell(1.0), number(beyond)));
    format!("0 {cells} {top} {unit}{beyond}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["a", "long"].map(String::from).to_vec()
    }

    #[test]
    fn shades_follow_the_values() {
        let map = heat_map(&names(), &[vec![f64::NAN, 2.0], vec![-0.1, 1.0]], "nats", false);
        let lines: Vec<&str> = map.lines().collect();
        assert_eq!(lines[0], "        1  2");
        assert_eq!(lines[1], "1 a     · ██");
        assert_eq!(lines[2], "2 long    ▒▒");
        assert_eq!(lines[4], "0   ░░▒▒▓▓██ 2 nats");
        assert!(!map.contains('\x1b'));
    }

    #[test]
    fn colours_run_over_the_ramp_and_stay_in_it() {
        assert_eq!((ramp(0.0), ramp(1.0)), (RAMP[0], RAMP[4]));
        assert_eq!(ramp(0.25), RAMP[1]);
        let map = heat_map(&names(), &[vec![0.0, 1.0], vec![1.0, 0.0]], "nats", true);
        assert!(map.contains("\x1b[48;2;45;11;89m") && map.contains("\x1b[48;2;252;217;125m"));
    }

    #[test]
    fn a_matrix_of_nothing_is_no_panic() {
        let map = heat_map(&names(), &vec![vec![f64::NAN; 2]; 2], "nats", false);
        assert!(map.contains("0   ░░▒▒▓▓██ 1 nats"));
        assert!(heat_map(&[], &[], "nats", false).contains("nats"));
    }
}
