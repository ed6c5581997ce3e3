//! Seeds as a person writes them: a number of runs, a list, or a range.

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
    let seeds: Vec<u64> = if let Some((from, to)) = text.split_once("..") {
        (number(from)?..number(to)?).collect()
    } else if text.contains(',') {
        text.split(',').map(number).collect::<Result<_, _>>()?
    } else {
        (0..number(text)?).collect()
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
    use super::parse_seeds;

    #[test]
    fn three_ways_to_write_seeds() {
        assert_eq!(parse_seeds("3").unwrap(), [0, 1, 2]);
        assert_eq!(parse_seeds("0, 4,7").unwrap(), [0, 4, 7]);
        assert_eq!(parse_seeds("3..6").unwrap(), [3, 4, 5]);
        for wrong in ["", "0", "x", "3..3", "1,1", "-1", "1,,2"] {
            assert!(parse_seeds(wrong).is_err(), "{wrong}");
        }
    }
}
