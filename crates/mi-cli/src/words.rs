//! Helpers for sentences.

use std::borrow::Cow;

pub(crate) use mi_plot::plain;
use mi_plot::shortened;

/// Whether a character could control a terminal: one that [`plain`] removes.
pub(crate) fn steers(c: char) -> bool {
    matches!(plain(c.encode_utf8(&mut [0; 4])), Cow::Owned(_))
}

/// `1 row`, `2 rows`.
pub(crate) fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// Names that a sentence lists one by one; with more, it gives the first and last.
const LISTED: usize = 6;

/// `a, b, c`, or `x1, x2, …, x20 (20 columns)`; long names are cut.
pub(crate) fn list(names: &[impl AsRef<str>]) -> String {
    match names {
        [first, second, .., last] if names.len() > LISTED => {
            let [first, second, last] = [first, second, last].map(|name| cut(name.as_ref()));
            format!("{first}, {second}, …, {last} ({} columns)", names.len())
        }
        _ => names.iter().map(|name| cut(name.as_ref())).collect::<Vec<_>>().join(", "),
    }
}

/// Characters of a cell, a label or a name that a message shows.
const SHOWN: usize = 40;

/// A text from a file, as a message shows it: without control characters, and cut in the middle if
/// it is long, since similar names differ at their ends.
pub(crate) fn cut(text: &str) -> String {
    shortened(&plain(text), SHOWN)
}

/// The start of a text, such as a list: at most `most` characters, with `…` for what is cut.
pub(crate) fn cut_to(text: &str, most: usize) -> String {
    let text = plain(text);
    match text.char_indices().nth(most) {
        None => text.into_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A sentence with these names cut if they are long.
pub(crate) fn with_short_names(sentence: &str, names: &[String]) -> String {
    names.iter().fold(sentence.to_owned(), |sentence, name| {
        let short = cut(name);
        if short == *name { sentence } else { sentence.replace(name, &short) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_files_are_shown_short_and_plain() {
        assert_eq!(cut("a\u{1b}[31mb\r\nc\u{202e}"), "a [31mb  c ");
        assert_eq!(cut(&"é".repeat(40)), "é".repeat(40));
        assert_eq!(cut(&"é".repeat(41)), "é".repeat(20) + "…" + &"é".repeat(19));
        assert_eq!(cut_to("abc", 2), "a…");
        let (name, other) = ("n".repeat(99), "o".to_owned());
        let said = with_short_names(&format!("`{name}` and `o`"), &[name.clone(), other]);
        assert_eq!(said, format!("`{}` and `o`", cut(&name)));
    }

    #[test]
    fn one_is_not_many() {
        let names: Vec<String> = (1..=20).map(|n| format!("x{n}")).collect();
        assert_eq!(list(&names[..6]), "x1, x2, x3, x4, x5, x6");
        assert_eq!(list(&names), "x1, x2, …, x20 (20 columns)");
        assert_eq!((count(1, "row"), count(0, "row")), ("1 row".into(), "0 rows".into()));
    }
}
