//! Numbers in other spellings: percentages, amounts of money, Fortran's exponents, dates, times.

use super::dates::{self, DateOrder};

/// The spellings to read as numbers; all others are text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spellings {
    /// `12.5%` is 0.125.
    pub percent: bool,
    /// `$12`, `12 €` and `(USD 12)` are 12, 12 and -12.
    pub currency: bool,
    /// `3.0D-6` is 3.0e-6.
    pub fortran: bool,
    /// Dates and times of day are seconds; the order of day and month in `1/2/2024`.
    pub dates: Option<DateOrder>,
}

/// The spelling of a text that is not a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    Percent,
    Currency,
    Fortran,
    /// A date, optionally with a time, and the orders in which it can be read.
    Date([bool; 3]),
    Time,
}

/// What a number in another spelling measures. Numbers of one column measure the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measure<'a> {
    /// A name for such numbers.
    pub(crate) name: &'static str,
    /// The currency of an amount of money.
    pub(crate) currency: &'a str,
}

impl Spellings {
    /// Whether any spelling is read.
    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }

    /// The number that a text means; `plain` reads numbers in digits.
    pub(crate) fn read(self, text: &str, plain: impl Fn(&str) -> Option<f64>) -> Option<f64> {
        let of = |wanted: bool, split: fn(&str) -> Option<(f64, &str)>| {
            let (factor, digits) = split(text).filter(|_| wanted)?;
            plain(digits).map(|value| if factor == 0.01 { value / 100.0 } else { factor * value })
        };
        of(self.percent, percent)
            .or_else(|| {
                of(self.currency, |text| currency(text).map(|(sign, _, rest)| (sign, rest)))
            })
            .or_else(|| plain(&fortran(text).filter(|_| self.fortran)?))
            .or_else(|| dates::date(text, self.dates?).or_else(|| dates::time(text)))
    }

    /// What a text measures that was read as a number and is not in plain digits.
    pub(crate) fn measure(self, text: &str) -> Option<Measure<'_>> {
        let of = |spelling: Spelling| Measure { name: spelling.name(), currency: "" };
        if self.percent && percent(text).is_some() {
            Some(of(Spelling::Percent))
        } else if let Some((_, currency, _)) = currency(text).filter(|_| self.currency) {
            Some(Measure { currency, ..of(Spelling::Currency) })
        } else if self.fortran && fortran(text).is_some() {
            Some(of(Spelling::Fortran))
        } else if self.dates.is_some() && dates::time(text).is_some() {
            Some(of(Spelling::Time))
        } else {
            // No time is also a date, which is slower to read.
            self.dates.map(|_| of(Spelling::Date([true; 3])))
        }
    }
}

impl Spelling {
    /// The spelling of a text, whichever spellings are read.
    pub(crate) fn of(text: &str) -> Option<Self> {
        // Digits, and separators that may need another option.
        let digits = |text: &str| {
            text.bytes().any(|b| b.is_ascii_digit())
                && text.chars().all(|c| {
                    c.is_ascii_digit()
                        || matches!(c, '.' | ',' | '\'' | ' ' | '-' | '+' | '\u{a0}' | '\u{202f}')
                })
        };
        if percent(text).is_some_and(|(_, rest)| digits(rest)) {
            return Some(Self::Percent);
        }
        if currency(text).is_some_and(|(_, _, rest)| digits(rest)) {
            return Some(Self::Currency);
        }
        if text.contains(['.', '-', '+'])
            && fortran(text).is_some_and(|text| text.parse::<f64>().is_ok())
        {
            return Some(Self::Fortran);
        }
        let orders = DateOrder::ALL.map(|order| dates::date(text, order).is_some());
        if orders.contains(&true) {
            return Some(Self::Date(orders));
        }
        dates::time(text).map(|_| Self::Time)
    }

    /// The spelling that most of some texts share, if there is one.
    pub(crate) fn of_most(texts: &[String]) -> Option<(Self, &String)> {
        let mut found: Vec<(Self, usize, &String)> = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            // Ordinary labels are recognised after a few.
            if at == 100 && found.iter().map(|(_, count, _)| count).sum::<usize>() < 20 {
                return None;
            }
            let Some(new) = Self::of(text) else { continue };
            match found
                .iter_mut()
                .find_map(|(known, count, _)| Some((known.with(new)?, known, count)))
            {
                Some((both, known, count)) => {
                    *known = both;
                    *count += 1;
                }
                None => found.push((new, 1, text)),
            }
        }
        let (spelling, _, example) =
            found.into_iter().find(|(_, count, _)| 2 * count > texts.len())?;
        Some((spelling, example))
    }

    /// The spelling that two texts share.
    fn with(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Date(a), Self::Date(b)) => {
                let both = [0, 1, 2].map(|i| a[i] && b[i]);
                both.contains(&true).then_some(Self::Date(both))
            }
            (a, b) => (a == b).then_some(a),
        }
    }

    /// A name for such texts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Percent => "percentages",
            Self::Currency => "amounts of money",
            Self::Fortran => "numbers with Fortran's exponent",
            Self::Date(_) => "dates",
            Self::Time => "times",
        }
    }

    /// The options that read such a text as a number; `thousands` is the separator that it
    /// contains.
    pub(crate) fn options(self, thousands: Option<char>) -> String {
        let option = match self {
            Self::Percent => "`--percent`",
            Self::Currency => "`--currency`",
            Self::Fortran => "`--fortran`",
            Self::Date([true, ..]) | Self::Time => "`--dates`",
            Self::Date([_, true, true]) => {
                "`--dates=dmy` (the day comes first) or `--dates=mdy` (the month does)"
            }
            Self::Date([_, true, _]) => "`--dates=dmy`",
            Self::Date(_) => "`--dates=mdy`",
        };
        match thousands {
            Some(separator) => format!("{option} and `--thousands '{separator}'`"),
            None => option.into(),
        }
    }
}

/// The digits of `12.5 %`, and their factor.
fn percent(text: &str) -> Option<(f64, &str)> {
    Some((0.01, text.strip_suffix('%')?.trim_end()))
}

/// Currencies with three-letter codes.
const CODES: [&str; 20] = [
    "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK",
    "PLN", "CZK", "HUF", "BRL", "MXN", "ZAR", "KRW",
];

/// The sign of an amount of money, its currency and its digits: `-$12`, `$-12`, `12 €`, `(12 EUR)`.
fn currency(text: &str) -> Option<(f64, &str, &str)> {
    if let Some(inside) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return currency(inside.trim()).map(|(sign, currency, rest)| (-sign, currency, rest));
    }
    let (sign, unsigned) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (-1.0, rest.trim_start()),
        None => (1.0, text),
    };
    let symbol = |c: char| matches!(c, '$' | '¢' | '£' | '¥' | '฿' | '\u{20a0}'..='\u{20cf}');
    let first = unsigned.chars().next().filter(|&c| symbol(c)).map(char::len_utf8);
    let last = unsigned.chars().next_back().filter(|&c| symbol(c)).map(char::len_utf8);
    let code = |text: Option<&str>| text.is_some_and(|text| CODES.contains(&text)).then_some(3);
    let (currency, rest) = if let Some(n) = first.or_else(|| code(unsigned.get(..3))) {
        unsigned.split_at(n)
    } else {
        let at = unsigned.len().checked_sub(3);
        let n = last.or_else(|| code(unsigned.get(at?..)))?;
        let (rest, currency) = unsigned.split_at(unsigned.len() - n);
        (currency, rest)
    };
    Some((sign, currency, rest.trim()))
}

/// A number in Fortran's double-precision form, with `e` instead of `D`.
fn fortran(text: &str) -> Option<String> {
    let (digits, exponent) = text.split_once(['D', 'd'])?;
    let decimal = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | ',');
    let fits = digits.bytes().any(|b| b.is_ascii_digit())
        && digits.chars().all(decimal)
        && exponent
            .strip_prefix(['+', '-'])
            .unwrap_or(exponent)
            .bytes()
            .all(|b| b.is_ascii_digit());
    (fits && !exponent.is_empty()).then(|| format!("{digits}e{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Spellings = Spellings {
        percent: true,
        currency: true,
        fortran: true,
        dates: Some(DateOrder::YearFirst),
    };

    fn read(text: &str) -> Option<f64> {
        ALL.read(text, |text| text.parse().ok())
    }

    #[test]
    fn other_spellings_are_read_when_asked_for() {
        for (text, value) in [
            ("12.5%", 0.125),
            ("-7 %", -0.07),
            ("$12", 12.0),
            ("-$12.5", -12.5),
            ("$-12.5", -12.5),
            ("12 €", 12.0),
            ("EUR 3", 3.0),
            ("3 USD", 3.0),
            ("($4.50)", -4.5),
            ("3.0D-6", 3e-6),
            ("-1.5d+02", -150.0),
            ("2D3", 2000.0),
            ("1970-01-02", 86_400.0),
            ("0:01:30", 90.0),
        ] {
            assert_eq!(read(text), Some(value), "{text}");
            assert_eq!(Spellings::default().read(text, |t| t.parse().ok()), None, "{text}");
        }
        for text in ["%", "$", "abc", "12x", "D3", "3D", "1.5Dx", "USD", "", "é€", "$1,2"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_number_measures_is_told_apart() {
        let groups = [
            &["5%", "-7 %"][..],
            &["$5", "-$1.5", "($4)"],
            &["5 €", "€5"],
            &["3.0D-6"],
            &["2024-01-01", "2024-01-01 00:10", "2024Q1"],
            &["12:30", "-1:00", "9:15 pm"],
        ];
        for (at, group) in groups.iter().enumerate() {
            for text in *group {
                assert!(read(text).is_some(), "{text}");
                for (other, texts) in groups.iter().enumerate() {
                    let same = ALL.measure(text) == ALL.measure(texts[0]);
                    assert_eq!(same, other == at, "{text} {}", texts[0]);
                }
            }
        }
    }

    #[test]
    fn the_options_that_would_help_are_named() {
        let options = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|&text| text.into()).collect();
            Spelling::of_most(&texts).map(|(spelling, _)| spelling.options(None))
        };
        let named = |texts: &[&str]| options(texts).unwrap();
        assert_eq!(named(&["12.5%", "7%"]), "`--percent`");
        assert_eq!(named(&["$1,234", "$5"]), "`--currency`");
        assert_eq!(named(&["3.0D-6", "1.0D+0", "x"]), "`--fortran`");
        assert_eq!(named(&["2024-01-01", "2024-01-02"]), "`--dates`");
        assert_eq!(named(&["12:30", "9:15"]), "`--dates`");
        assert_eq!(named(&["1/2/2024", "13/2/2024"]), "`--dates=dmy`");
        assert_eq!(named(&["2/13/2024", "1/2/2024"]), "`--dates=mdy`");
        assert!(named(&["1/2/2024", "2/3/2024"]).contains("or `--dates=mdy`"));
        for texts in [&["a", "b"][..], &["18-24", "25-34"], &["7%", "noon"], &["3D6"], &["$a"], &[]]
        {
            assert_eq!(options(texts), None, "{texts:?}");
        }
    }
}
