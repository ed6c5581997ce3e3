//! One line for many messages that say the same about different columns.

/// This many similar messages or more become one line.
const ALIKE: usize = 3;

/// Names that a line lists; with more, it gives the first ones and the last.
const LISTED: usize = 5;

use crate::words::{cut, with_short_names};

/// A message as shown, and the columns that it concerns; long names are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    text: String,
    columns: Vec<String>,
}

impl Said {
    pub(super) fn new(text: &str, columns: &[String]) -> Self {
        let text = with_short_names(text, columns);
        Self { text, columns: columns.iter().map(|name| cut(name)).collect() }
    }
}

/// The lines for these messages, each at the position of its first message.
pub(super) fn lines(messages: &[Said]) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&Said>)> = Vec::new();
    for message in messages {
        let pattern = pattern(message);
        let is_alike = |other: &&mut (String, Vec<&Said>)| {
            other.0 == pattern && other.1[0].columns.len() == message.columns.len()
        };
        match groups.iter_mut().find(is_alike) {
            Some((_, alike)) => alike.push(message),
            None => groups.push((pattern, vec![message])),
        }
    }
    groups.into_iter().flat_map(|(_, alike)| of_group(&alike)).collect()
}

fn of_group(alike: &[&Said]) -> Vec<String> {
    let (first, others) = match alike {
        [first, others @ ..] if alike.len() >= ALIKE => (first, others),
        _ => return alike.iter().map(|message| message.text.clone()).collect(),
    };
    // A column that they share, such as the target of a ranking, is not listed.
    let vary: Vec<usize> = (0..first.columns.len())
        .filter(|&place| others.iter().any(|other| other.columns[place] != first.columns[place]))
        .collect();
    let what = match vary.len() {
        0 => {
            let more = others.len();
            return vec![format!("{} ({more} more of this kind, with other values)", first.text)];
        }
        1 => "columns",
        2 => "pairs",
        _ => "sets of columns",
    };
    let named: Vec<String> = others
        .iter()
        .map(|other| {
            let own = vary.iter().map(|&place| format!("`{}`", other.columns[place]));
            own.collect::<Vec<_>>().join(" and ")
        })
        .collect();
    let list = match named.as_slice() {
        [start @ .., last] if named.len() > LISTED => {
            format!("{}, …, {last}", start[..LISTED - 2].join(", "))
        }
        all => all.join(", "),
    };
    let differ = if others.iter().all(|other| without_names(other) == without_names(first)) {
        ""
    } else {
        ", with other values,"
    };
    vec![format!("{}; likewise{differ} for {} more {what}: {list}", first.text, named.len())]
}

/// A message with `#` for its numbers, and without its columns and quoted parts.
fn pattern(message: &Said) -> String {
    let text = without_names(message);
    let unquoted = text.split('`').step_by(2);
    let mut pattern = String::new();
    let mut in_number = false;
    for c in unquoted.collect::<Vec<_>>().join("`").chars() {
        let more = matches!(c, '.' | ',' | 'e' | '-' | '+') && in_number;
        if c.is_ascii_digit() || more {
            if !in_number {
                pattern.push('#');
            }
            in_number = true;
        } else {
            pattern.push(c);
            in_number = false;
        }
    }
    // `1 row` and `2 rows` count as equal, and so do `is` and `are`.
    let words = pattern.split(' ').map(|word| match word.trim_end_matches([',', ';', ':', '.']) {
        "is" | "are" => "is",
        "has" | "have" => "has",
        word => word.trim_end_matches('s'),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A message without the names of its columns, quoted by themselves or after an option.
fn without_names(message: &Said) -> String {
    let mut text = message.text.clone();
    for name in &message.columns {
        text = text.replace(&format!("`{name}`"), "``").replace(&format!(" {name}`"), " `");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(messages: impl IntoIterator<Item = (String, Vec<String>)>) -> Vec<String> {
        let said = messages.into_iter().map(|(text, columns)| Said::new(&text, &columns));
        lines(&said.collect::<Vec<_>>())
    }

    fn plain(text: impl Into<String>) -> (String, Vec<String>) {
        (text.into(), Vec::new())
    }

    #[test]
    fn forty_two_columns_are_one_line() {
        let message = |n: usize| {
            let text = format!("`x{n}` is rounded to steps of {}; see `--seed`", 0.5 * n as f64);
            (text, vec![format!("x{n}")])
        };
        let grouped = of((1..=42).map(message));
        assert_eq!(
            grouped,
            ["`x1` is rounded to steps of 0.5; see `--seed`; likewise, with other values, for \
              41 more columns: `x2`, `x3`, `x4`, …, `x42`"]
        );
        assert_eq!(of((1..=2).map(message)).len(), 2);
    }

    #[test]
    fn columns_are_those_of_the_message_whatever_else_it_quotes() {
        // A column named twice, in an option, next to a label, and with odd names.
        let message = |name: &str, label: &str| {
            let text = format!(
                "t.csv, line 3, column `{name}`: `{name}` holds text such as `{label}`; see \
                 `--discrete {name}`"
            );
            (text, vec![name.to_owned()])
        };
        let grouped = of([message("a", "p"), message("b`c", "b"), message("c 3", "c 3")]);
        assert_eq!(
            grouped,
            [message("a", "p").0
                + "; likewise, with other values, for 2 more columns: `b`c`, `c 3`"]
        );
    }

    #[test]
    fn pairs_and_other_kinds_stay_apart_and_in_order() {
        let pair = |a: &str, b: &str| {
            let text = format!("`{a}` and `{b}`: no row has a value in every column");
            (text, vec![a.to_owned(), b.to_owned()])
        };
        let grouped = of([
            pair("a", "b"),
            plain("another matter"),
            pair("a", "c"),
            pair("b", "c"),
            plain("another matter 2"),
        ]);
        assert_eq!(
            grouped,
            [
                "`a` and `b`: no row has a value in every column; likewise for 2 more pairs: \
                 `a` and `c`, `b` and `c`",
                "another matter",
                "another matter 2"
            ]
        );
        // The column that all share is not listed.
        let target = of(["a", "b", "c"].map(|name| pair(name, "y")));
        assert!(target[0].ends_with("likewise for 2 more columns: `b`, `c`"), "{target:?}");
    }

    #[test]
    fn odd_quotes_and_equal_names_are_no_trouble() {
        assert_eq!(of(["`a", "b` `", ""].map(plain)).len(), 3);
        let same = of((1..=4).map(|n| plain(format!("{n} rows repeat"))));
        assert_eq!(same, ["1 rows repeat (3 more of this kind, with other values)"]);
        let labels = of([1, 2, 3].map(|n| {
            let (verb, plural) = if n == 1 { ("is", "") } else { ("are", "s") };
            (format!("`c{n}`: {n} label{plural} {verb} rare"), vec![format!("c{n}")])
        }));
        assert_eq!(labels.len(), 1, "{labels:?}");
    }
}
