//! Small things about sentences.

/// `1 row`, `2 rows`.
pub(crate) fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// Names that a sentence lists one by one; of more it names the ends.
const LISTED: usize = 6;

/// `a, b, c`, or `x1, x2, …, x20 (20 columns)`.
pub(crate) fn list(names: &[impl AsRef<str>]) -> String {
    match names {
        [first, second, .., last] if names.len() > LISTED => {
            let [first, second, last] = [first, second, last].map(AsRef::as_ref);
            format!("{first}, {second}, …, {last} ({} columns)", names.len())
        }
        _ => names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let names: Vec<String> = (1..=20).map(|n| format!("x{n}")).collect();
        assert_eq!(list(&names[..6]), "x1, x2, x3, x4, x5, x6");
        assert_eq!(list(&names), "x1, x2, …, x20 (20 columns)");
        assert_eq!((count(1, "row"), count(0, "row")), ("1 row".into(), "0 rows".into()));
    }
}
