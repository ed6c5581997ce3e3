//! Texts of files, folders and flags, made safe to show.

use std::borrow::Cow;

/// A text on one line, without characters that could control a terminal or reorder a page: control
/// characters (colours, cursor movements, line breaks) and those that change the direction of
/// writing. Each becomes a space.
///
/// ```
/// assert_eq!(mi_plot::plain("a\u{1b}[31mb\r\nc"), "a [31mb  c");
/// ```
pub fn plain(text: &str) -> Cow<'_, str> {
    without(text, steers)
}

/// Like [`plain`], for a text of several lines, whose line breaks stay.
///
/// ```
/// assert_eq!(mi_plot::plain_lines("a\u{1b}[2J\nb"), "a [2J\nb");
/// ```
pub fn plain_lines(text: &str) -> Cow<'_, str> {
    without(text, |c| c != '\n' && steers(c))
}

fn without(text: &str, unwanted: fn(char) -> bool) -> Cow<'_, str> {
    if text.contains(unwanted) {
        Cow::Owned(text.replace(unwanted, " "))
    } else {
        Cow::Borrowed(text)
    }
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_and_other_texts_stay() {
        let odd = "a\u{1b}[31mb\r\n\tc\u{9b}2J\u{202e}d\u{0}\u{7f}";
        assert_eq!(plain(odd), "a [31mb   c 2J d  ");
        assert_eq!(plain_lines(odd), "a [31mb \n c 2J d  ");
        for text in ["Zürich 1,5 \u{2212}3", "", "日本 👩\u{200d}🔬"] {
            assert!(matches!(plain(text), Cow::Borrowed(_)), "{text}");
        }
        assert!(matches!(plain_lines("a\nb"), Cow::Borrowed(_)));
    }
}
