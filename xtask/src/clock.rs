//! UTC time stamps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_YEAR_0: i64 = 719_468;

/// A moment in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Utc {
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
}

impl Utc {
    pub(crate) fn now() -> Self {
        // A clock before 1970 is broken; the records' unique suffix still distinguishes them.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self::from_unix(since.as_secs().cast_signed())
    }

    /// Seconds since 1970-01-01T00:00:00Z to a date of the Gregorian calendar.
    ///
    /// Years are counted from March, so the leap day ends a year and every month's first day has
    /// the closed form (153 m + 2) / 5.
    pub(crate) fn from_unix(seconds: i64) -> Self {
        const DAYS_IN_400_YEARS: i64 = 146_097;

        let days = seconds.div_euclid(86_400) + DAYS_TO_YEAR_0;
        let cycle = days.div_euclid(DAYS_IN_400_YEARS);
        let day_of_cycle = days.rem_euclid(DAYS_IN_400_YEARS);
        let leap_days = day_of_cycle / 1_460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
        let year_of_cycle = (day_of_cycle - leap_days) / 365;
        let day_of_year =
            day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: 400 * cycle + year_of_cycle + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            second_of_day: seconds.rem_euclid(86_400),
        }
    }

    /// Days since 1970-01-01 of a moment as [`Utc::rfc3339`] writes it; `None` for other text.
    pub(crate) fn days_of(text: &str) -> Option<f64> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let numbers = |text: &str, separator| -> Option<[i64; 3]> {
            let parts = text.split(separator).map(|part| part.parse().ok());
            parts.collect::<Option<Vec<_>>>()?.try_into().ok()
        };
        let ([year, month, day], [hour, minute, second]) =
            (numbers(date, '-')?, numbers(time, ':')?);
        let in_range = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..=60).contains(&second);
        if !in_range {
            return None;
        }
        // By March the previous year has ended, and its leap day is known.
        let (year, month_from_march) =
            if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let days = 365 * year + leap_days + day_of_year - DAYS_TO_YEAR_0;
        Some(days as f64 + (hour * 3_600 + minute * 60 + second) as f64 / 86_400.0)
    }

    /// `2026-02-28T23:59:59Z`
    pub(crate) fn rfc3339(self) -> String {
        let Self { year, month, day, second_of_day } = self;
        let (hour, minute, second) =
            (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        // Checked with `date -u -d @N +%FT%TZ`.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc::from_unix(seconds).rfc3339(), text);
        }
    }

    #[test]
    fn moments_are_read_back() {
        for seconds in (0..2_000).map(|k| k * 2_000_003) {
            let days = Utc::days_of(&Utc::from_unix(seconds).rfc3339());
            assert_eq!(days.map(|days| (days * 86_400.0).round() as i64), Some(seconds));
        }
        for text in ["", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00Z", "xT00:00:00Z"] {
            assert_eq!(Utc::days_of(text), None, "{text}");
        }
    }
}
