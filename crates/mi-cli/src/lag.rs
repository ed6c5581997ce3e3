//! Lags: pairing a row of y with an earlier or later row of x.

use std::str::FromStr;

use crate::table::Column;
use crate::words::list;

/// A list of lags, in rows. A positive lag pairs y with the x that many rows *before* it:
/// information at lag 2 means that x says something about the y two rows later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lags {
    lags: Vec<isize>,
    /// The number of y's own past rows to condition on.
    history: usize,
}

/// More lags than this are assumed to be a mistake.
const MOST: usize = 100_000;

impl Default for Lags {
    fn default() -> Self {
        Self { lags: vec![0], history: 0 }
    }
}

impl FromStr for Lags {
    type Err = String;

    /// Reads `3`, `0:20`, `-5:5`, `0:100:10` (with a step) and lists of those with commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| {
            let part = part.trim();
            part.parse::<isize>().map_err(|_| format!("`{part}` is not a whole number"))
        };
        let mut lags = Vec::new();
        for part in text.split(',') {
            let ends: Vec<isize> = part.split(':').map(number).collect::<Result<_, _>>()?;
            let (start, end, step) = match ends[..] {
                [lag] => (lag, lag, 1),
                [start, end] => (start, end, 1),
                [start, end, step] => (start, end, step),
                _ => return Err(format!("`{part}` is not a lag, a range a:b or a range a:b:step")),
            };
            if start > end || step < 1 {
                return Err(format!("the range `{part}` contains no lag"));
            }
            if end.abs_diff(start) / step.unsigned_abs() > MOST {
                return Err(format!("the range `{part}` contains more than {MOST} lags"));
            }
            lags.extend((start..=end).step_by(step.unsigned_abs()));
        }
        lags.sort_unstable();
        lags.dedup();
        Ok(Self { lags, history: 0 })
    }
}

impl Lags {
    /// The lags, ascending.
    pub fn values(&self) -> &[isize] {
        &self.lags
    }

    /// One lag.
    pub fn one(lag: isize) -> Self {
        Self { lags: vec![lag], history: 0 }
    }

    /// The same lags, given this many rows of y's own past.
    pub fn with_history(self, history: usize) -> Self {
        Self { history, ..self }
    }

    /// The information to estimate as a formula, with the time of every column.
    pub fn formula(&self, x: &[&Column], y: &[&Column], given: &[&Column]) -> String {
        let at = |columns: &[&Column], time: &str| -> Vec<String> {
            columns.iter().map(|column| format!("{}[{time}]", column.name)).collect()
        };
        let of_x = match self.lags[..] {
            [0] => "t".to_owned(),
            [lag] if lag > 0 => format!("t-{lag}"),
            [lag] => format!("t+{}", -lag),
            _ => "t-lag".to_owned(),
        };
        let past = match self.history {
            0 => Vec::new(),
            1 => at(y, "t-1"),
            rows => at(y, &format!("t-1..t-{rows}")),
        };
        let known = [past, at(given, "t")].concat();
        let bar = if known.is_empty() { "" } else { " | " };
        format!("{}; {}{bar}{}", list(&at(x, &of_x)), list(&at(y, "t")), list(&known))
    }

    /// The number of rows of y's own past that are given.
    pub fn history(&self) -> usize {
        self.history
    }

    /// Whether rows are paired with earlier or later ones.
    pub fn use_time(&self) -> bool {
        self.history > 0 || self.lags != [0]
    }

    /// The rows t of `0..n` for which t − lag is a row for every lag, and so is y's past: the same
    /// for all lags, so that their estimates can be compared.
    pub fn rows(&self, n: usize) -> impl Iterator<Item = usize> + '_ {
        let first = self.lags.last().copied().unwrap_or(0).max(0).unsigned_abs();
        let first = first.max(self.history);
        let beyond = self.lags.first().copied().unwrap_or(0).min(0).unsigned_abs();
        first..n.saturating_sub(beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lags(text: &str) -> Result<Vec<isize>, String> {
        text.parse::<Lags>().map(|lags| lags.lags)
    }

    #[test]
    fn lists_and_ranges() {
        assert_eq!(lags("3"), Ok(vec![3]));
        assert_eq!(lags("-2:2"), Ok(vec![-2, -1, 0, 1, 2]));
        assert_eq!(lags("0:100:50,1, 1"), Ok(vec![0, 1, 50, 100]));
        for wrong in ["", "a", "1:", "3:1", "1:5:0", "1:2:3:4", "0:1000000"] {
            assert!(lags(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_lags_use_the_same_rows() {
        let rows = |text: &str| text.parse::<Lags>().unwrap().rows(10).collect::<Vec<_>>();
        assert_eq!(rows("0"), (0..10).collect::<Vec<_>>());
        assert_eq!(rows("0:3"), (3..10).collect::<Vec<_>>());
        assert_eq!(rows("-2:3"), (3..8).collect::<Vec<_>>());
        assert_eq!(rows("-2:-1"), (0..8).collect::<Vec<_>>());
        assert_eq!(rows("20"), Vec::<usize>::new());
        let past = "0:1".parse::<Lags>().unwrap().with_history(4);
        assert_eq!(past.rows(10).collect::<Vec<_>>(), (4..10).collect::<Vec<_>>());
    }
}
