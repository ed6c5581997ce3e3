//! Dates and times as seconds.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

/// The order of the parts of a numeric date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum DateOrder {
    /// 2024-12-31, as in ISO 8601; the default
    #[default]
    #[value(name = "ymd")]
    YearFirst,
    /// 31/12/2024
    #[value(name = "dmy")]
    DayFirst,
    /// 12/31/2024
    #[value(name = "mdy")]
    MonthFirst,
}

impl DateOrder {
    pub(crate) const ALL: [Self; 3] = [Self::YearFirst, Self::DayFirst, Self::MonthFirst];

    fn formats(self) -> &'static [&'static str] {
        match self {
            Self::YearFirst => &["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"],
            Self::DayFirst => {
                &["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y"]
            }
            Self::MonthFirst => &["%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%m-%d-%y"],
        }
    }
}

/// The first year of a date: earlier ones are other numbers with separators.
const FIRST_YEAR: i16 = 1000;

/// Dates with the month in letters need no order.
const NAMED_MONTHS: [&str; 6] =
    ["%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%b %d %Y", "%d-%b-%y", "%d %b %y"];

/// A date, optionally with a time of day and an offset from UTC, in seconds since
/// 1970-01-01T00:00:00; without an offset the time is read as UTC. A month (`2024-03`) or a quarter
/// (`2024Q1`) is its first day.
pub(crate) fn date(text: &str, order: DateOrder) -> Option<f64> {
    let plausible = (6..=40).contains(&text.len())
        && text.bytes().filter(u8::is_ascii_digit).count() >= 3
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" -/.:,+".contains(&b));
    if !plausible {
        return None;
    }
    if let Some(month) = month(text) {
        return seconds(month.to_datetime(Time::midnight()));
    }
    let named = text.bytes().any(|b| b.is_ascii_alphabetic() && !b"TZ".contains(&b));
    let formats = order.formats().iter().chain(NAMED_MONTHS.iter().filter(|_| named));
    let (date, rest) = formats.into_iter().find_map(|format| {
        let (parsed, length) = BrokenDownTime::parse_prefix(format, text).ok()?;
        let rest = &text[length..];
        // `%Y` takes `24` for the year 24, and `%y` the first half of 2024.
        let whole = !rest.starts_with(|c: char| c.is_ascii_alphanumeric() && c != 'T');
        let date = parsed.to_date().ok().filter(|date| whole && date.year() >= FIRST_YEAR)?;
        Some((date, rest))
    })?;
    let (clock, offset) = offset(rest.trim_start_matches(['T', ' ', ',']));
    let of_day = if clock.is_empty() { 0.0 } else { time(clock).filter(|&t| t < 86_401.0)? };
    // An offset without a time, or a separator with nothing after it, is not a date.
    if clock.is_empty() && !rest.is_empty() {
        return None;
    }
    Some(seconds(date.to_datetime(Time::midnight()))? + of_day - offset?)
}

/// A time of day or a duration, `12:30`, `1:02:03.5` or `9:15 pm`, in seconds.
pub(crate) fn time(text: &str) -> Option<f64> {
    let (text, noon) = match text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) {
        Some((clock, half)) if half.eq_ignore_ascii_case("am") => (clock.trim_end(), Some(0.0)),
        Some((clock, half)) if half.eq_ignore_ascii_case("pm") => (clock.trim_end(), Some(12.0)),
        _ => (text, None),
    };
    let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |text| (-1.0, text));
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("00"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let fits = parts.next().is_none()
        && hours.len() <= 6
        && digits(hours)
        && [minutes, whole].iter().all(|part| part.len() == 2 && digits(part))
        && digits(fraction);
    if !fits {
        return None;
    }
    let mut hours: f64 = hours.parse().ok()?;
    if let Some(noon) = noon {
        if !(1.0..=12.0).contains(&hours) || sign < 0.0 {
            return None;
        }
        hours = hours % 12.0 + noon;
    }
    let (minutes, seconds): (f64, f64) = (minutes.parse().ok()?, seconds.parse().ok()?);
    (minutes < 60.0 && seconds < 61.0).then_some(sign * (3600.0 * hours + 60.0 * minutes + seconds))
}

/// A clock without its offset from UTC, and the offset in seconds.
fn offset(clock: &str) -> (&str, Option<f64>) {
    if let Some(clock) = clock.strip_suffix('Z') {
        return (clock, Some(0.0));
    }
    let Some(at) = clock.rfind(['+', '-']).filter(|&at| at > 0) else {
        return (clock, Some(0.0));
    };
    let (clock, offset) = clock.split_at(at);
    let (sign, digits) = offset.split_at(1);
    let digits = match digits.len() {
        2 => format!("{digits}:00"),
        4 => format!("{}:{}", &digits[..2], &digits[2..]),
        _ => digits.to_owned(),
    };
    let sign = if sign == "-" { -1.0 } else { 1.0 };
    let seconds = time(&digits).filter(|&seconds| seconds < 86_400.0);
    (clock.trim_end(), seconds.map(|seconds| sign * seconds))
}

/// The first day of a month or of a quarter.
fn month(text: &str) -> Option<Date> {
    let (year, rest) = text.split_at_checked(4)?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let month: i8 = match rest.strip_prefix(['Q', 'q']) {
        Some(quarter @ ("1" | "2" | "3" | "4")) => 3 * quarter.parse::<i8>().ok()? - 2,
        None if text.len() == 7 && rest.len() == 2 => rest.parse().ok()?,
        _ => return None,
    };
    let year = year.bytes().all(|b| b.is_ascii_digit()).then(|| year.parse().ok())??;
    Date::new(year, month, 1).ok().filter(|date| date.year() >= FIRST_YEAR)
}

fn seconds(at: DateTime) -> Option<f64> {
    let at: Timestamp = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(at.as_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_seconds() {
        let read = |text| date(text, DateOrder::YearFirst);
        // `date -u -d 2024-03-05T06:07:08 +%s`
        let at = 1_709_618_828.0;
        for (text, value) in [
            ("1970-01-01", 0.0),
            ("1969-12-31", -86_400.0),
            ("2024-03-05T06:07:08", at),
            ("2024-03-05 06:07:08.25", at + 0.25),
            ("2024-03-05T06:07:08Z", at),
            ("2024-03-05T06:07:08+01:00", at - 3600.0),
            ("2024-03-05 06:07:08-0230", at + 9000.0),
            ("2024/03/05 06:07", at - 8.0),
            ("2024.3.5", at - 22_028.0),
            ("5-Mar-2024", at - 22_028.0),
            ("05 Mar 24", at - 22_028.0),
            ("Mar 5, 2024 6:07 AM", at - 8.0),
            ("2024-03", at - 22_028.0 - 4.0 * 86_400.0),
            ("1970Q2", 90.0 * 86_400.0),
            ("1970-Q2", 90.0 * 86_400.0),
        ] {
            assert_eq!(read(text), Some(value), "{text}");
        }
        for text in [
            "2024-02-30",
            "2024-13",
            "18-24",
            "2019-20",
            "1/2/2024",
            "2024-01-01x",
            "2024-01-01T",
            "2024-01-01 25:00",
            "192.168.1.1",
            "1.2.3",
            "555-1234",
            "2024-01-01+01:00",
            "2024-01-01T00:00+99:59",
            "2024-01-01T00:00-24:00",
            "0024-03",
            "0024Q1",
            "20240Q1",
            "12-34-5678",
            "A2024-01-01",
            "é2024-01-01",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_asked_for() {
        let second_january = Some(86_400.0);
        for (text, order) in [
            ("2/1/1970", DateOrder::DayFirst),
            ("02.01.70", DateOrder::DayFirst),
            ("1/2/1970", DateOrder::MonthFirst),
            ("01-02-70", DateOrder::MonthFirst),
        ] {
            assert_eq!(date(text, order), second_january, "{text}");
        }
        assert_eq!(date("31/12/2024", DateOrder::MonthFirst), None);
        assert_eq!(date("12/31/2024", DateOrder::DayFirst), None);
    }

    #[test]
    fn times_of_day_and_durations() {
        for (text, value) in [
            ("0:00", 0.0),
            ("12:30", 45_000.0),
            ("36:00:01.5", 129_601.5),
            ("-1:00", -3600.0),
            ("12:05 AM", 300.0),
            ("1:00pm", 46_800.0),
        ] {
            assert_eq!(time(text), Some(value), "{text}");
        }
        for text in
            ["16:9", "1:60", "1:2:3:4", "a:00", ":30", "13:00 PM", "1:00:5", "é", "1:00:00."]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
