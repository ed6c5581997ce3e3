/// Columns of a line on a terminal.
pub const LINE: usize = 80;

/// Prose in lines of at most 80 columns (longer where a word is).
pub fn wrap(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > LINE {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let text = "word ".repeat(40);
        let wrapped = wrap(&text);
        assert!(wrapped.lines().all(|line| line.len() <= 80 && !line.ends_with(' ')));
        assert_eq!(wrapped.split_whitespace().count(), 40);
        assert_eq!(wrap("  a\n b "), "a b");
        assert_eq!(wrap(""), "");
    }
}
