//! The machine's rates of matrix products and memory traffic, measured in the same run.

use serde::{Deserialize, Serialize};

use super::criterion_files::Measured;
use super::record::{Measurement, Rate, RateUnit};

/// Package and bench target whose ids the constants below name.
pub(crate) const PACKAGE: &str = "mi-kernels";
pub(crate) const TARGET: &str = "yardstick";

/// The best rates of the yardstick benchmarks; `None` if they did not run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Yardstick {
    /// GFLOP/s of single-precision products, one core and all.
    pub(crate) sgemm_one_core: Option<f64>,
    pub(crate) sgemm_all_cores: Option<f64>,
    /// GB/s of the triad `a ← b + s c`, one core and all.
    pub(crate) triad_one_core: Option<f64>,
    pub(crate) triad_all_cores: Option<f64>,
}

impl Yardstick {
    /// The best rate of each kind among results with qualified ids.
    pub(crate) fn of(results: &[(String, Measured)]) -> Self {
        let best = |kind: &str, work: fn(&Measured) -> Option<u64>| {
            let start = format!("{PACKAGE}/{TARGET}/{kind}");
            results
                .iter()
                .filter(|(id, _)| *id == start || id.starts_with(&format!("{start}/")))
                .filter_map(|(_, measured)| Some(giga_per_second(work(measured)?, measured.median)))
                .max_by(f64::total_cmp)
        };
        Self {
            sgemm_one_core: best("sgemm/one_core", |measured| measured.flops),
            sgemm_all_cores: best("sgemm/all_cores", |measured| measured.flops),
            triad_one_core: best("triad/one_core", |measured| measured.bytes),
            triad_all_cores: best("triad/all_cores", |measured| measured.bytes),
        }
    }

    /// A result in the form of a record: with its rates, and their shares of the yardstick.
    pub(crate) fn measurement(&self, id: String, measured: &Measured) -> Measurement {
        let rate = |unit, work: Option<u64>, one_core: Option<f64>, all_cores: Option<f64>| {
            let value = giga_per_second(work?, measured.median);
            Some(Rate {
                unit,
                value,
                share_of_one_core: one_core.map(|best| value / best),
                share_of_machine: all_cores.map(|best| value / best),
            })
        };
        let (flops, bytes) = (measured.flops, measured.bytes);
        let rates = [
            rate(RateUnit::GigaflopPerSecond, flops, self.sgemm_one_core, self.sgemm_all_cores),
            rate(RateUnit::GigabytePerSecond, bytes, self.triad_one_core, self.triad_all_cores),
        ];
        Measurement {
            id,
            value: measured.median,
            low: measured.low,
            high: measured.high,
            rates: rates.into_iter().flatten().collect(),
        }
    }
}

/// One operation per nanosecond is 10⁹ per second.
fn giga_per_second(work: u64, nanoseconds: f64) -> f64 {
    work as f64 / nanoseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(id: &str, median: f64, flops: Option<u64>, bytes: Option<u64>) -> Measured {
        let id = id.to_owned();
        Measured { id, median, low: median, high: median, confidence: 0.95, flops, bytes }
    }

    #[test]
    fn shares_are_of_the_best_yardstick() {
        let mut results = Vec::new();
        for (id, median, flops, bytes) in [
            ("mi-kernels/yardstick/sgemm/one_core/256", 10.0, Some(500), None),
            ("mi-kernels/yardstick/sgemm/one_core/512", 10.0, Some(1000), None),
            ("mi-kernels/yardstick/sgemm/all_cores/512", 10.0, Some(1600), None),
            ("mi-kernels/yardstick/triad/one_core", 10.0, None, Some(80)),
            ("other/yardstick/triad/one_core", 1.0, None, Some(8000)),
        ] {
            results.push((id.to_owned(), measured(id, median, flops, bytes)));
        }
        let yardstick = Yardstick::of(&results);
        assert_eq!(yardstick.sgemm_one_core, Some(100.0));
        assert_eq!(yardstick.sgemm_all_cores, Some(160.0));
        assert_eq!(yardstick.triad_one_core, Some(8.0));
        assert_eq!(yardstick.triad_all_cores, None);

        let both = measured("x", 2.0, Some(160), Some(8));
        let measurement = yardstick.measurement("p/t/x".to_owned(), &both);
        assert_eq!(
            measurement.rates,
            [
                Rate {
                    unit: RateUnit::GigaflopPerSecond,
                    value: 80.0,
                    share_of_one_core: Some(0.8),
                    share_of_machine: Some(0.5),
                },
                Rate {
                    unit: RateUnit::GigabytePerSecond,
                    value: 4.0,
                    share_of_one_core: Some(0.5),
                    share_of_machine: None,
                },
            ]
        );
        assert!(
            yardstick.measurement("y".into(), &measured("y", 2.0, None, None)).rates.is_empty()
        );
    }
}
