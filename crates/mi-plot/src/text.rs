//! Numbers as text, and the width of a text.

/// The largest number of decimals that are written: with as many, numbers of size 1 are exact.
pub(crate) const MOST_DECIMALS: usize = 17;

/// A number for people, with a true minus sign, `∞` and `not a number`.
///
/// | magnitude | written |
/// | --- | --- |
/// | below 0.0001, or 10 million and more | `1.23e-5`: three significant digits |
/// | below 0.1 | five decimals |
/// | below 10 | three decimals |
/// | below 100, below 1000 | two decimals, one decimal |
/// | from 1000 | whole numbers with commas |
///
/// Whole numbers have no decimals, and zero has no sign.
pub fn number(value: f64) -> String {
    // -0 + 0 is 0.
    let value = value + 0.0;
    if value.is_nan() {
        return "not a number".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let magnitude = value.abs();
    let text = if magnitude != 0.0 && !(1e-4..1e7).contains(&magnitude) {
        format!("{value:.2e}")
    } else if magnitude >= 1000.0 {
        let sign = if value < 0.0 { "-" } else { "" };
        format!("{sign}{}", grouped(magnitude.round() as u64))
    } else {
        let decimals = if magnitude >= 100.0 {
            1
        } else if magnitude >= 10.0 {
            2
        } else if magnitude >= 0.1 || magnitude == 0.0 {
            3
        } else {
            5
        };
        let text = format!("{value:.decimals$}");
        if value.fract() == 0.0 {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    text.replace('-', "−")
}

/// A number with this many decimals (at most 17) and a true minus sign; zero has no sign.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return number(value);
    }
    let decimals = decimals.min(MOST_DECIMALS);
    let text = format!("{value:.decimals$}");
    let zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if zero { text.replace('-', "") } else { text.replace('-', "−") }
}

/// A time in seconds in words: `45 s`, `3 min 20 s`, `2 h 05 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3_600, whole / 60 % 60),
    }
}

/// An interval in parentheses; empty if there is none.
pub(crate) fn between(low: f64, high: f64) -> String {
    if low.is_nan() || high.is_nan() {
        return String::new();
    }
    format!(" ({} to {})", number(low), number(high))
}

/// An integer with its digits in groups of three.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A text of at most `most` characters; a longer one is cut in the middle, since similar names
/// differ at their ends.
pub fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let end = kept / 2;
    let start: String = text.chars().take(kept - end).collect();
    let end: String = text.chars().skip(length - end).collect();
    format!("{start}…{end}")
}

/// Width of a text in a common sans-serif typeface, in user units; rather too wide, since the
/// reader's typeface is not known.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!'
            | '(' | ')' | '[' | ']' | ' ' | '/' => 0.36,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
            'A'..='Z' => 0.70,
            c if c.is_ascii() => 0.59,
            '−' | '±' | '–' | '≤' | '≥' | '×' | '·' => 0.62,
            _ => 1.0,
        })
        .sum();
    ems * size
}

/// Breaks a text at spaces into lines no wider than `width`, except for longer words.
pub(crate) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Only at breaking spaces: a no-break space keeps its words together.
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(word, size) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(-0.0), "0");
        assert_eq!(number(-53.12), "−53.12");
        assert_eq!(number(0.8803), "0.880");
        assert_eq!(number(0.02041), "0.02041");
        assert_eq!(number(21000.0), "21,000");
        assert_eq!(number(-1_234_567.0), "−1,234,567");
        assert_eq!(number(1e-12), "1.00e−12");
        assert_eq!(number(f64::NEG_INFINITY), "−∞");
        assert_eq!(number(f64::NAN), "not a number");
    }

    #[test]
    fn a_shortened_name_keeps_its_ends() {
        assert_eq!(shortened("größe", 5), "größe");
        assert_eq!(shortened("temperature_inside_1", 9), "temp…de_1");
        assert_eq!(shortened("abc", 1), "…");
    }

    #[test]
    fn decimals_are_kept_and_zero_has_no_sign() {
        assert_eq!(fixed(-0.000_01, 3), "0.000");
        assert_eq!(fixed(-1.5, 2), "−1.50");
        assert_eq!(fixed(f64::NEG_INFINITY, 2), "−∞");
        assert_eq!(fixed(0.5, 70_000), fixed(0.5, MOST_DECIMALS));
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(44.6), "45 s");
        assert_eq!(duration(59.6), "1 min 00 s");
        assert_eq!(duration(200.0), "3 min 20 s");
        assert_eq!(duration(7_500.0), "2 h 05 min");
        assert_eq!(duration(f64::NAN), "0 s");
    }

    #[test]
    fn wrapping_keeps_every_word() {
        let text = "one two three four five";
        let lines = wrap(text, 12.0, width("one two", 12.0));
        assert!(lines.len() > 1);
        assert_eq!(lines.join(" "), text);
    }
}
