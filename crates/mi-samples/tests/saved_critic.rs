//! Files of saved critics under arbitrary edits: reading gives the saved critic or an error.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mi_nets::Checkpoint;
use mi_random::Stream;
use mi_samples::{NeuralCritic, NeuralSettings, Sample, Settings, mutual_information_and_critic};
use ndarray::Array2;
use proptest::prelude::*;
use proptest::sample::Index;

/// A critic from few rows and few steps, trained once.
fn saved() -> &'static (Vec<u8>, Array2<f64>, Vec<f64>) {
    static SAVED: std::sync::OnceLock<(Vec<u8>, Array2<f64>, Vec<f64>)> =
        std::sync::OnceLock::new();
    SAVED.get_or_init(|| {
        let x = Stream::new(1, "rows").normal_matrix((80, 2));
        let y = &x + &Stream::new(2, "rows").normal_matrix((80, 2));
        let neural = NeuralSettings { steps: 10, patience: 1, ..NeuralSettings::default() };
        let settings = Settings { neural, ..Settings::default() };
        let side = |values: &Array2<f64>| Sample::new(values.view(), &[], 0).unwrap();
        let (_, critic) = mutual_information_and_critic(&side(&x), &side(&y), &settings).unwrap();
        let ratios = critic.pointwise(x.view(), x.view()).unwrap();
        (critic.to_bytes().unwrap(), x, ratios)
    })
}

/// Reads a file; a critic that is read judges rows without a panic.
fn read(bytes: &[u8]) -> Option<Vec<f64>> {
    let critic = NeuralCritic::from_bytes(bytes).ok()?;
    critic.pointwise(saved().1.view(), saved().1.view()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// The checksum detects every edit.
    #[test]
    fn edited_bytes_are_refused(
        flips in prop::collection::vec((any::<Index>(), 0..8_u8), 1..3),
        cut in prop::option::weighted(0.3, any::<Index>()),
    ) {
        let mut bytes = saved().0.clone();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if bytes != saved().0 {
            prop_assert!(NeuralCritic::from_bytes(&bytes).is_err());
        }
    }

    /// A file with a valid checksum may still be nonsense: no count in its header is trusted before
    /// the data are there.
    #[test]
    fn numbers_of_the_header_are_not_believed(
        at in any::<Index>(),
        number in prop::sample::select(vec!["0", "1", "3", "1000000000", "18446744073709551615", "-1", "1e300"]),
    ) {
        const KEY: &str = "neural-critic";
        let mut checkpoint = Checkpoint::from_bytes(&saved().0).unwrap();
        let header = checkpoint.metadata(KEY).unwrap().to_owned();
        let starts: Vec<usize> = header
            .match_indices(|c: char| c.is_ascii_digit())
            .map(|(at, _)| at)
            .filter(|&at| matches!(header.as_bytes()[at - 1], b':' | b',' | b'['))
            .collect();
        let start = starts[at.index(starts.len())];
        let end = start + header[start..].find([',', ']', '}']).unwrap();
        checkpoint.put_metadata(KEY, format!("{}{number}{}", &header[..start], &header[end..]));
        let _ = read(&checkpoint.to_bytes().unwrap());
    }
}

#[test]
fn what_was_saved_is_read() {
    let (bytes, _, ratios) = saved();
    assert_eq!(NeuralCritic::from_bytes(bytes).unwrap().to_bytes().unwrap(), *bytes);
    assert_eq!(read(bytes).as_ref(), Some(ratios));
}
