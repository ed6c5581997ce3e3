//! Correction of the p-values of many tests.

use clap::ValueEnum;

/// How p-values are corrected for their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Correction {
    /// Benjamini and Hochberg (1995): controls the fraction of false discoveries among the columns
    /// kept
    Bh,
    /// Holm (1979): controls the probability of even one false discovery
    Holm,
    /// As they are
    None,
}

impl Correction {
    /// Its name in options and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Correction::Bh => "bh",
            Correction::Holm => "holm",
            Correction::None => "none",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Correction::Bh => "Benjamini-Hochberg",
            Correction::Holm => "Holm",
            Correction::None => "uncorrected",
        }
    }

    /// The smallest number of surrogates with which `reached_by_none` of `tests` columns, which no
    /// surrogate reached, have corrected p-values of at most `level`.
    ///
    /// Their p-values are 1/(1 + N). Benjamini–Hochberg corrects r such values to m/(r (1 + N)),
    /// Holm to m/(1 + N).
    pub fn enough(self, tests: usize, reached_by_none: usize, level: f64) -> usize {
        let factor = match self {
            Correction::Bh => tests as f64 / reached_by_none.max(1) as f64,
            Correction::Holm => tests as f64,
            Correction::None => 1.0,
        };
        // Rounding must not ask for one more.
        ((factor / level - 1e-9).ceil() as usize).saturating_sub(1)
    }

    /// The corrected p-values, in the order given.
    ///
    /// With p₍₁₎ ≤ … ≤ p₍ₘ₎: Holm max over j ≤ i of (m − j + 1) p₍ⱼ₎, Benjamini–Hochberg min over
    /// j ≥ i of m p₍ⱼ₎ / j, both at most 1.
    pub fn adjust(self, p_values: &[f64]) -> Vec<f64> {
        let m = p_values.len();
        let mut order: Vec<usize> = (0..m).collect();
        order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
        let mut adjusted = p_values.to_vec();
        match self {
            Correction::None => {}
            Correction::Holm => {
                let mut largest: f64 = 0.0;
                for (place, &index) in order.iter().enumerate() {
                    largest = largest.max((m - place) as f64 * p_values[index]).min(1.0);
                    adjusted[index] = largest;
                }
            }
            Correction::Bh => {
                let mut smallest: f64 = 1.0;
                for (place, &index) in order.iter().enumerate().rev() {
                    smallest = smallest.min(m as f64 * p_values[index] / (place + 1) as f64);
                    adjusted[index] = smallest;
                }
            }
        }
        adjusted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    /// The example of R's `p.adjust`: p = 0.01, 0.02, 0.03, 0.04, 0.05.
    #[test]
    fn known_corrections() {
        let p = [0.04, 0.01, 0.03, 0.02, 0.05];
        assert!(close(&Correction::Holm.adjust(&p), &[0.09, 0.05, 0.09, 0.08, 0.09]));
        assert!(close(&Correction::Bh.adjust(&p), &[0.05; 5]));
        assert!(close(&Correction::Bh.adjust(&[0.001, 0.5, 0.9]), &[0.003, 0.75, 0.9]));
        assert_eq!(Correction::None.adjust(&p), p);
    }

    #[test]
    fn enough_surrogates_are_just_enough() {
        for correction in [Correction::Bh, Correction::Holm, Correction::None] {
            for (tests, none) in [(1, 1), (30, 1), (30, 4), (7, 7)] {
                let smallest = |surrogates: usize| {
                    let mut p = vec![1.0; tests];
                    p[..none].fill(1.0 / (1.0 + surrogates as f64));
                    correction.adjust(&p)[0]
                };
                let enough = correction.enough(tests, none, 0.05);
                assert!(smallest(enough) <= 0.05 + 1e-12, "{correction:?} {tests} {none}");
                assert!(smallest(enough - 1) > 0.05, "{correction:?} {tests} {none}");
            }
        }
    }

    #[test]
    fn corrected_values_are_at_least_the_old_and_at_most_one() {
        let p = [0.2, 0.9, 0.5, 0.001];
        for correction in [Correction::Holm, Correction::Bh] {
            let adjusted = correction.adjust(&p);
            assert!(adjusted.iter().zip(&p).all(|(new, old)| new >= old && *new <= 1.0));
        }
        assert!(Correction::Holm.adjust(&[]).is_empty());
    }
}
