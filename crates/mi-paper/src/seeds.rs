//! Seeds as a user writes them: a number of runs, a list, or a range, for all experiments or for
//! one.

use std::str::FromStr;

/// More seeds than anyone needs, but few enough to plan.
const MOST_SEEDS: u64 = 10_000;

/// Seeds of all experiments, or of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The experiment; `None` for all that have no entry of their own.
    pub experiment: Option<String>,
    /// The seeds, each once.
    pub seeds: Vec<u64>,
}

impl FromStr for Seeds {
    type Err = String;

    /// Parses `SEEDS` or `EXPERIMENT=SEEDS`, with `SEEDS` as for [`parse_seeds`].
    fn from_str(text: &str) -> Result<Self, String> {
        let (experiment, seeds) = match text.split_once('=') {
            Some((name, seeds)) => (Some(name.trim().to_owned()), seeds),
            None => (None, text),
        };
        Ok(Self { experiment, seeds: parse_seeds(seeds)? })
    }
}

/// Parses `3` (seeds 0, 1, 2), `0,4,7` (these) or `3..6` (3, 4, 5).
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_seeds(text: &str) -> Result<Vec<u64>, String> {
    let number = |part: &str| {
        part.trim().parse::<u64>().map_err(|_| {
            format!("`{text}` is neither a number of runs (3), a list (0,4,7) nor a range (3..6)")
        })
    };
    let range = |seeds: std::ops::Range<u64>| {
        let count = seeds.end.saturating_sub(seeds.start);
        if count > MOST_SEEDS {
            return Err(format!("`{text}` means {count} seeds; at most {MOST_SEEDS} are allowed"));
        }
        Ok(seeds.collect::<Vec<u64>>())
    };
    let seeds: Vec<u64> = if let Some((from, to)) = text.split_once("..") {
        range(number(from)?..number(to)?)?
    } else if text.contains(',') {
        text.split(',').map(number).collect::<Result<_, _>>()?
    } else {
        range(0..number(text)?)?
    };
    let distinct: std::collections::BTreeSet<_> = seeds.iter().collect();
    if seeds.is_empty() {
        Err(format!("`{text}` names no seed"))
    } else if distinct.len() < seeds.len() {
        Err(format!("`{text}` names a seed twice"))
    } else {
        Ok(seeds)
    }
}

#[cfg(test)]
mod tests {
    use super::{Seeds, parse_seeds};

    #[test]
    fn three_ways_to_write_seeds() {
        assert_eq!(parse_seeds("3").unwrap(), [0, 1, 2]);
        assert_eq!(parse_seeds("0, 4,7").unwrap(), [0, 4, 7]);
        assert_eq!(parse_seeds("3..6").unwrap(), [3, 4, 5]);
        for wrong in ["", "0", "x", "3..3", "1,1", "-1", "1,,2", "10001", "0..18446744073709551615"]
        {
            assert!(parse_seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seeds_may_be_those_of_one_experiment() {
        let of = |text: &str| text.parse::<Seeds>();
        assert_eq!(of("2"), Ok(Seeds { experiment: None, seeds: vec![0, 1] }));
        let encoders = Seeds { experiment: Some("encoders".into()), seeds: vec![1, 2] };
        assert_eq!(of("encoders=1..3"), Ok(encoders));
        assert!(of("encoders=").is_err());
    }
}
