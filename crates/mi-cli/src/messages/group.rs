//! One line for many messages that say the same of different columns.

/// Messages that are alike, from this number on, become one line.
const ALIKE: usize = 3;

/// Names that a line lists; of more it gives the first ones and the last.
const LISTED: usize = 5;

/// The lines that say these messages, each where its first message stood.
pub(super) fn lines(messages: &[String]) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for message in messages {
        let pattern = pattern(message);
        match groups.iter_mut().find(|(other, _)| *other == pattern) {
            Some((_, alike)) => alike.push(message),
            None => groups.push((pattern, vec![message])),
        }
    }
    groups.into_iter().flat_map(|(_, alike)| of_group(&alike)).collect()
}

fn of_group(alike: &[&str]) -> Vec<String> {
    let (first, others) = match alike {
        [first, others @ ..] if alike.len() >= ALIKE => (first, others),
        _ => return alike.iter().map(|&message| message.to_owned()).collect(),
    };
    // What is quoted the same way everywhere, such as an option, is no column.
    let quoted = |message| quotes(message).map(|(_, name)| name).collect::<Vec<&str>>();
    let here = quoted(*first);
    let vary: Vec<usize> = (0..here.len())
        .filter(|&place| others.iter().any(|other| quoted(*other)[place] != here[place]))
        .collect();
    let named: Vec<String> = others
        .iter()
        .map(|other| {
            let names = quoted(*other);
            let own: Vec<String> =
                vary.iter().map(|&place| format!("`{}`", names[place])).collect();
            own.join(" and ")
        })
        .collect();
    let what = match vary.len() {
        0 => {
            return vec![format!(
                "{first} ({} more of this kind, with other numbers)",
                named.len()
            )];
        }
        1 => "columns",
        _ => "pairs",
    };
    let list = match named.as_slice() {
        [start @ .., last] if named.len() > LISTED => {
            format!("{}, …, {last}", start[..LISTED - 2].join(", "))
        }
        all => all.join(", "),
    };
    let differ = if others.iter().all(|other| without_names(other) == without_names(first)) {
        ""
    } else {
        ", with numbers of their own"
    };
    vec![format!("{first}; likewise{differ}, {} more {what}: {list}", named.len())]
}

/// A message with `#` for its numbers and for what it quotes.
fn pattern(message: &str) -> String {
    let mut pattern = String::new();
    let mut in_number = false;
    for c in without_names(message).chars() {
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
    // `1 row` and `2 rows` are alike.
    let words = pattern.split(' ').map(|word| word.trim_end_matches(['s', ',', ';', ':', '.']));
    words.collect::<Vec<_>>().join(" ")
}

/// A message with empty quotes.
fn without_names(message: &str) -> String {
    let mut text = String::new();
    let mut from = 0;
    for (start, name) in quotes(message) {
        text.push_str(&message[from..start]);
        from = start + name.len();
    }
    text + &message[from..]
}

/// What a message quotes in backticks, each with the place where it starts.
fn quotes(message: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    message.split('`').enumerate().filter_map(move |(index, part)| {
        let here = start;
        start += part.len() + 1;
        (index % 2 == 1).then_some((here, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(messages: impl IntoIterator<Item = String>) -> Vec<String> {
        lines(&messages.into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn forty_two_columns_are_one_line() {
        let message =
            |n: usize| format!("`x{n}` is rounded to steps of {}; see `--seed`", 0.5 * n as f64);
        let grouped = of((1..=42).map(message));
        assert_eq!(
            grouped,
            [
                "`x1` is rounded to steps of 0.5; see `--seed`; likewise, with numbers of their own, \
              41 more columns: `x2`, `x3`, `x4`, …, `x42`"
            ]
        );
        assert_eq!(of((1..=2).map(message)).len(), 2);
    }

    #[test]
    fn pairs_and_other_kinds_stay_apart_and_in_order() {
        let pair =
            |a: &str, b: &str| format!("`{a}` and `{b}`: no row has a value in every column");
        let grouped = of([
            pair("a", "b"),
            "another matter".into(),
            pair("a", "c"),
            pair("b", "c"),
            "another matter 2".into(),
        ]);
        assert_eq!(
            grouped,
            [
                "`a` and `b`: no row has a value in every column; likewise, 2 more pairs: \
                 `a` and `c`, `b` and `c`",
                "another matter",
                "another matter 2"
            ]
        );
    }

    #[test]
    fn odd_quotes_and_equal_names_are_no_trouble() {
        assert_eq!(of(["`a".into(), "b` `".into(), String::new()]).len(), 3);
        let same = of((1..=4).map(|n| format!("{n} rows repeat")));
        assert_eq!(same, ["1 rows repeat (3 more of this kind, with other numbers)"]);
        let labels =
            of([1, 2, 3]
                .map(|n| format!("`c{n}` holds {n} label{}", if n == 1 { "" } else { "s" })));
        assert_eq!(labels.len(), 1, "{labels:?}");
    }
}
