//! Reads one cell of a text table.

use super::spelling::{Spelling, Spellings};

/// The tokens that mean a missing value, in upper or lower case, in addition to the empty cell.
/// `none` and `-` are not included, since they are often labels.
pub const MISSING_TOKENS: [&str; 7] = ["NA", "N/A", "#N/A", "NaN", "null", "?", "."];

/// How numbers are written, and which tokens mean "missing".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellRules {
    /// `.` or `,`.
    pub decimal: char,
    /// A thousands separator to ignore; `None` refuses numbers that contain one.
    pub thousands: Option<char>,
    /// Whether [`MISSING_TOKENS`] mean "missing"; if not, only the empty cell does.
    pub usual_tokens: bool,
    /// Further tokens that mean "missing".
    pub missing: Vec<String>,
    /// Other spellings of numbers that are read.
    pub spellings: Spellings,
}

impl Default for CellRules {
    fn default() -> Self {
        Self {
            decimal: '.',
            thousands: None,
            usual_tokens: true,
            missing: Vec::new(),
            spellings: Spellings::default(),
        }
    }
}

/// The contents of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    Missing,
    /// A finite number.
    Number(f64),
    /// `inf`, `1e400`, …
    NotFinite,
    Text,
}

impl CellRules {
    /// Reads one cell; `text` is trimmed.
    pub(crate) fn read(&self, text: &str) -> Cell {
        // The user's tokens come before numbers: `-999` is a common one.
        if text.is_empty() || self.missing.iter().any(|token| token == text) {
            return Cell::Missing;
        }
        let parsed = self.plain(text);
        match parsed {
            Some(value) if value.is_finite() => Cell::Number(value),
            _ if self.usual_tokens && is_token(text) => Cell::Missing,
            // Rust reads `-nan`, `inf` and overflowing numbers as floats.
            Some(value) if value.is_nan() => {
                if self.usual_tokens {
                    Cell::Missing
                } else {
                    Cell::Text
                }
            }
            Some(_) => Cell::NotFinite,
            None => match self.spellings.read(text, |text| self.plain(text)) {
                Some(value) if value.is_finite() => Cell::Number(value),
                Some(_) => Cell::NotFinite,
                None => Cell::Text,
            },
        }
    }

    /// A number in digits.
    pub(crate) fn plain(&self, text: &str) -> Option<f64> {
        if self.decimal == '.' && self.thousands.is_none() {
            text.parse().ok()
        } else {
            self.parse(text)
        }
    }

    /// Parses a number with the decimal sign and the thousands separator of the rules.
    fn parse(&self, text: &str) -> Option<f64> {
        let (whole, rest) = text.split_at(text.find(self.decimal).unwrap_or(text.len()));
        let mut plain = match self.thousands.filter(|&separator| whole.contains(separator)) {
            Some(separator) if is_grouped(unsigned(whole), separator) => {
                whole.replace(separator, "")
            }
            Some(_) => return None,
            None => whole.to_owned(),
        };
        if self.decimal != '.' && (plain.contains('.') || rest.contains('.')) {
            return None;
        }
        plain.push_str(&rest.replacen(self.decimal, ".", 1));
        plain.parse().ok()
    }

    /// Why a cell may not be a number, and which option would help.
    pub(crate) fn hint(&self, text: &str) -> String {
        let other_decimal = if self.decimal == '.' { ',' } else { '.' };
        if has_decimal(text, other_decimal) && thousands_separator(text, self.decimal).is_none() {
            let name = if other_decimal == ',' { "comma" } else { "point" };
            return format!("; if the {name} is the decimal sign, use `--decimal {other_decimal}`");
        }
        if let Some(separator) = thousands_separator(text, self.decimal) {
            let or_decimal = if separator == other_decimal && text.matches(separator).count() == 1 {
                format!(", if it is the decimal sign, `--decimal {separator}`")
            } else {
                String::new()
            };
            return format!(
                "; if `{separator}` separates thousands, use `--thousands '{separator}'`{or_decimal}"
            );
        }
        if let Some(separator) = thousands_separator(text, other_decimal) {
            return format!("; use `--decimal {other_decimal} --thousands '{separator}'`");
        }
        if text.starts_with('\u{2212}') {
            return "; its minus sign is the character U+2212: replace it by `-` in the file"
                .into();
        }
        if text.contains(' ') && text.split_whitespace().all(|part| part.parse::<f64>().is_ok()) {
            // Every space separates two fields.
            let first = if text.contains("  ") { "put one space between them and " } else { "" };
            return format!("; if spaces separate columns, {first}use `--delimiter space`");
        }
        String::new()
    }

    /// If another option would read a text as a number: what it looks like, and that option.
    pub(crate) fn other_spelling(&self, text: &str) -> String {
        Spelling::of(text).map_or_else(String::new, |spelling| {
            format!("; {} are read by {}", spelling.name(), self.options_for(spelling, text))
        })
    }

    /// The options that read a text of some spelling.
    pub(crate) fn options_for(&self, spelling: Spelling, text: &str) -> String {
        let digits: String = text
            .chars()
            .filter(|c| c.is_ascii_digit() || ",.' \u{a0}\u{202f}".contains(*c))
            .collect();
        let separator = thousands_separator(digits.trim(), self.decimal);
        let amount = matches!(spelling, Spelling::Percent | Spelling::Currency);
        spelling.options(separator.filter(|_| amount && self.thousands != separator))
    }
}

fn is_token(text: &str) -> bool {
    MISSING_TOKENS.iter().any(|token| token.eq_ignore_ascii_case(text))
}

/// `1,5` or `-10,25`: a number with this decimal sign, once.
fn has_decimal(text: &str, sign: char) -> bool {
    text.matches(sign).count() == 1 && text.replace(sign, ".").parse::<f64>().is_ok()
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

/// Whether groups of three digits follow a first group of one to three.
fn is_grouped(whole: &str, separator: char) -> bool {
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let mut groups = whole.split(separator);
    groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && digits(first))
        && groups.all(|group| group.len() == 3 && digits(group))
}

/// The thousands separator of a number written with one: groups of three digits, optionally
/// followed by the decimal sign and more digits.
fn thousands_separator(text: &str, decimal: char) -> Option<char> {
    let unsigned = unsigned(text);
    let whole = match unsigned.split_once(decimal) {
        Some((whole, fraction)) => {
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            whole
        }
        None => unsigned,
    };
    let separator = whole.chars().find(|c| !c.is_ascii_digit())?;
    let known =
        matches!(separator, ',' | '.' | '\'' | ' ' | '_' | '\u{2019}' | '\u{a0}' | '\u{202f}');
    (known && is_grouped(whole, separator)).then_some(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(decimal: char, thousands: Option<char>) -> CellRules {
        let missing = vec!["-99".into(), "none".into()];
        CellRules { decimal, thousands, missing, ..CellRules::default() }
    }

    #[test]
    fn numbers_missing_values_and_text_are_told_apart() {
        let rules = CellRules::default();
        assert_eq!(rules.read("1.5"), Cell::Number(1.5));
        assert_eq!(rules.read("+.5e-3"), Cell::Number(0.0005));
        assert_eq!(rules.read("5e-324"), Cell::Number(5e-324));
        for token in ["", "na", "NA", "NaN", "nan", "null", "NULL", "?", ".", "n/a", "#N/A", "-nan"]
        {
            assert_eq!(rules.read(token), Cell::Missing, "{token}");
        }
        for token in ["inf", "-Infinity", "+inf", "1e400"] {
            assert_eq!(rules.read(token), Cell::NotFinite, "{token}");
        }
        for token in ["none", "-", "1,5", "1 2", "0x10", "1_000"] {
            assert_eq!(rules.read(token), Cell::Text, "{token}");
        }
    }

    #[test]
    fn own_missing_tokens_come_first() {
        assert_eq!(rules('.', None).read("none"), Cell::Missing);
        assert_eq!(rules('.', None).read("-99"), Cell::Missing);
        assert_eq!(rules('.', None).read("-99.0"), Cell::Number(-99.0));
    }

    #[test]
    fn the_usual_tokens_can_be_labels() {
        let rules = CellRules { usual_tokens: false, ..CellRules::default() };
        for token in MISSING_TOKENS {
            assert_eq!(rules.read(token), Cell::Text, "{token}");
        }
        assert_eq!((rules.read(""), rules.read("-inf")), (Cell::Missing, Cell::NotFinite));
    }

    #[test]
    fn amounts_with_separators_need_both_options() {
        let rules = CellRules::default();
        let said = rules.other_spelling("$1,234");
        assert!(said.contains("`--currency` and `--thousands ','`"), "{said}");
        assert!(rules.other_spelling("12.5%").ends_with("by `--percent`"));
        assert!(rules.other_spelling("2024-01-01").ends_with("by `--dates`"));
        assert_eq!(rules.other_spelling("abc"), "");
        let currency = Spellings { currency: true, ..Spellings::default() };
        let rules = CellRules { thousands: Some(','), spellings: currency, ..rules };
        assert_eq!(rules.read("-$1,234.50"), Cell::Number(-1234.5));
    }

    #[test]
    fn decimal_commas_and_thousands_follow_one_rule() {
        let comma = rules(',', None);
        assert_eq!(comma.read("10,20"), Cell::Number(10.2));
        assert_eq!(comma.read("2,288"), Cell::Number(2.288));
        assert_eq!(comma.read("10.20"), Cell::Text);
        assert_eq!(comma.read("1.299,99"), Cell::Text);
        assert_eq!(rules(',', Some('.')).read("1.299,99"), Cell::Number(1299.99));
        let grouped = rules('.', Some(','));
        assert_eq!(grouped.read("2,288"), Cell::Number(2288.0));
        assert_eq!(grouped.read("-12,345,678.5"), Cell::Number(-12_345_678.5));
        assert_eq!(grouped.read("194"), Cell::Number(194.0));
        for odd in
            ["2,28", "2,2888", "1,23,456", "1.5,000", "12,", "1234,567", ",100", "-,100", "1e2,345"]
        {
            assert_eq!(grouped.read(odd), Cell::Text, "{odd}");
        }
    }

    #[test]
    fn hints_name_the_option_that_would_help() {
        let hint = |text| CellRules::default().hint(text);
        assert!(hint("10,25").contains("`--decimal ,`"), "{}", hint("10,25"));
        assert!(hint("2,288").contains("--thousands ','"), "{}", hint("2,288"));
        assert!(hint("1,299,999").contains("--thousands ','"));
        assert!(hint("1.299,99").contains("--decimal , --thousands '.'"), "{}", hint("1.299,99"));
        assert!(rules(',', None).hint("1.299,99").contains("--thousands '.'"));
        assert!(hint("1 2 3").ends_with("columns, use `--delimiter space`"), "{}", hint("1 2 3"));
        assert!(hint("1  2").contains("one space"), "{}", hint("1  2"));
        assert!(hint("\u{2212}5").contains("U+2212: replace it by `-`"));
        let point = |text| rules(',', None).hint(text);
        assert!(point("10.25").contains("`--decimal .`"), "{}", point("10.25"));
        assert!(point("2.288").contains("--thousands '.'"), "{}", point("2.288"));
        assert_eq!((point("a.b"), point("1.2.3")), (String::new(), String::new()));
        assert_eq!(hint("abc"), "");
    }
}
