//! Errors of the estimators' settings in terms of the flags that set them.

use mi_samples::{FEWEST_ROWS, SamplesError, Settings};

use crate::words::count;

/// The names of settings in errors, and their flags.
const FLAGS: [(&str, &str); 5] = [
    ("the smallest shift", "--block-length"),
    ("the block length", "--block-length"),
    ("theiler", "--theiler"),
    ("folds", "--folds"),
    ("the number of surrogates", "--permutations"),
];

/// The flag whose value does not fit `rows` rows, and the values that do; `None` for errors about
/// anything else.
pub fn in_terms_of_flags(error: &SamplesError, settings: &Settings, rows: usize) -> Option<String> {
    match error {
        SamplesError::NeighbourCount { k, n } => {
            let way = match n.saturating_sub(1) {
                0 => "more rows are needed".to_owned(),
                1 => "use `--k 1`, or more rows".to_owned(),
                most => format!("use `--k {most}` or less, or more rows"),
            };
            Some(if settings.neighbours.is_some() {
                format!("--k {k}: a row has at most {} neighbours among {n} rows; {way}", n - 1)
            } else {
                format!("{n} rows are too few for {k} neighbours of each, the default; {way}")
            })
        }
        SamplesError::Setting { setting, value, range } => {
            let (_, flag) = FLAGS.iter().find(|(name, _)| name == setting)?;
            Some(format!("{flag} {value}: it must be {range} ({})", count(rows, "row")))
        }
        SamplesError::TooFewObservations { operation, needed, n }
            if operation.starts_with("a neural estimate") =>
        {
            let folds = settings.neural.folds;
            // With fewer rows no number of parts helps; each part needs ten.
            (*n >= FEWEST_ROWS).then(|| {
                let fits = n / 10;
                format!(
                    "--folds {folds}: {operation} needs {needed} rows or more for so many parts, and \
                     there are {n}; use `--folds {fits}` or fewer, or more rows"
                )
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mi_samples::NeuralSettings;

    use super::*;

    #[test]
    fn errors_of_settings_name_flags_and_values_that_fit() {
        let settings = Settings::default();
        let said = |error: SamplesError, settings: &Settings| {
            in_terms_of_flags(&error, settings, 200).unwrap()
        };
        let neighbours = |k, n| SamplesError::NeighbourCount { k, n };
        assert_eq!(
            said(neighbours(3, 2), &settings),
            "2 rows are too few for 3 neighbours of each, the default; use `--k 1`, or more rows"
        );
        let asked = Settings { neighbours: Some(200), ..Settings::default() };
        assert_eq!(
            said(neighbours(200, 200), &asked),
            "--k 200: a row has at most 199 neighbours among 200 rows; use `--k 199` or less, or \
             more rows"
        );
        let neural = NeuralSettings { folds: 1000, ..NeuralSettings::default() };
        let folds = Settings { neural, ..Settings::default() };
        let few = |n| SamplesError::TooFewObservations {
            operation: "a neural estimate",
            needed: 10_000,
            n,
        };
        assert!(said(few(200), &folds).ends_with("use `--folds 20` or fewer, or more rows"));
        // Of 40 rows no number of parts makes enough.
        assert_eq!(in_terms_of_flags(&few(40), &folds, 40), None);
        assert!(said(few(60), &folds).ends_with("use `--folds 6` or fewer, or more rows"));
        let theiler = SamplesError::Setting { setting: "theiler", value: "9".into(), range: "0" };
        assert_eq!(said(theiler, &settings), "--theiler 9: it must be 0 (200 rows)");
        let other = SamplesError::Setting { setting: "level", value: "2".into(), range: "" };
        assert_eq!(in_terms_of_flags(&other, &settings, 200), None);
    }
}
