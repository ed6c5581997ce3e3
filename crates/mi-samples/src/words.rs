//! Numbers in messages.

/// `1 row`, `2 rows`.
pub(crate) fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// A number with all its digits, as short as they allow: `0.25`, `1e-13`, `1700000000`.
///
/// ```
/// assert_eq!(mi_samples::all_digits(0.25), "0.25");
/// assert_eq!(mi_samples::all_digits(1e-13), "1e-13");
/// assert_eq!(mi_samples::all_digits(25.0), "25");
/// ```
pub fn all_digits(value: f64) -> String {
    if value == 0.0 || (1e-4..1e15).contains(&value.abs()) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

/// A number with at most six significant digits, for numbers that are not known more precisely.
pub fn six_digits(value: f64) -> String {
    all_digits(format!("{value:.5e}").parse().unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_one_is_not_many() {
        for (value, text) in [
            (0.0, "0"),
            (0.01, "0.01"),
            (-0.00004, "-4e-5"),
            (3e20, "3e20"),
            (1e14, "100000000000000"),
        ] {
            assert_eq!(all_digits(value), text);
        }
        assert_eq!(six_digits(0.003_632_538_451_019), "0.00363254");
        assert_eq!([0.01, 25.0, 1e-13].map(six_digits), ["0.01", "25", "1e-13"]);
        assert_eq!([count(1, "row"), count(2, "row")], ["1 row", "2 rows"]);
    }
}
