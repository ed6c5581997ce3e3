//! Times nearest-neighbour estimators on Gaussian pairs with correlation ¾, one thread:
//!
//!     cargo run --release -p mi-estimators --example neighbours_speed
//!
//! A number of rows as argument leaves out the other sizes. Prints one CSV row a case: the best of several runs, wall clock and, where the system tells,
//! processor time, which other programs on the machine disturb less. `bench-results/peers/
//! estimators.py` prints the same cases for other tools.

use std::time::Instant;

use mi_estimators::{
    KsgVariant, Method, Sample, Settings, conditional_ksg, conditional_mutual_information, ksg,
    mutual_information,
};
use mi_random::Stream;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global()?;
    let only: Option<usize> = std::env::args().nth(1).map(|n| n.parse()).transpose()?;
    println!("case,n,dims,seconds,cpu_seconds,value,truth");
    for (n, d) in [
        (1_000, 1),
        (10_000, 1),
        (100_000, 1),
        (1_000_000, 1),
        (10_000, 2),
        (10_000, 5),
        (10_000, 10),
    ] {
        if only.is_some_and(|only| only != n) {
            continue;
        }
        let mut stream = Stream::new(0, "speed");
        let x = stream.normal_matrix((n, d));
        let y = 0.75 * &x + 0.4375_f64.sqrt() * stream.normal_matrix((n, d));
        let truth = -0.5 * d as f64 * 0.4375_f64.ln();
        for (case, variant) in [("ksg1", KsgVariant::First), ("ksg2", KsgVariant::Second)] {
            report(case, n, d, truth, || Ok(ksg(x.view(), y.view(), variant, &[3], 0)?[0]))?;
        }
        let settings = Settings { interval: false, ..Settings::default() };
        report("default", n, d, truth, || {
            let (x, y) = (Sample::new(x.view(), &[], 0)?, Sample::new(y.view(), &[], 0)?);
            Ok(mutual_information(&x, &y, &settings)?.value)
        })?;
    }
    let n = 10_000;
    if only.is_some_and(|only| only != n) {
        return Ok(());
    }
    let mut stream = Stream::new(1, "speed");
    let z = stream.normal_matrix((n, 1));
    let [x, y] = [0, 1].map(|_| &z + &stream.normal_matrix((n, 1)));
    report("conditional", n, 1, 0.0, || {
        Ok(conditional_ksg(x.view(), y.view(), z.view(), &[3], 0)?[0])
    })?;
    let settings =
        Settings { interval: false, method: Method::MesnerShalizi, ..Settings::default() };
    report("mesner-shalizi", n, 1, 0.0, || {
        let side = |values: &ndarray::Array2<f64>| Sample::new(values.view(), &[], 0);
        let (x, y, z) = (side(&x)?, side(&y)?, side(&z)?);
        Ok(conditional_mutual_information(&x, &y, &z, &settings)?.value)
    })?;
    Ok(())
}

fn report(
    case: &str,
    n: usize,
    d: usize,
    truth: f64,
    run: impl Fn() -> Result<f64, mi_estimators::EstimatorError>,
) -> Result<(), mi_estimators::EstimatorError> {
    let (mut best, mut best_cpu, mut value) = (f64::INFINITY, f64::INFINITY, 0.0);
    let begin = Instant::now();
    let mut runs = 0;
    while runs < 3 || (begin.elapsed().as_secs_f64() < 1.0 && runs < 50) {
        // Several runs at once where one is too short for the system's clock of processor time.
        let repeats = (200_000 / n).max(1);
        let (start, cpu) = (Instant::now(), processor_seconds());
        for _ in 0..repeats {
            value = run()?;
        }
        best = best.min(start.elapsed().as_secs_f64() / repeats as f64);
        best_cpu = best_cpu.min((processor_seconds() - cpu) / repeats as f64);
        runs += 1;
    }
    println!("{case},{n},{d}+{d},{best:.6},{best_cpu:.6},{value:.4},{truth:.4}");
    Ok(())
}

/// Seconds that this thread has run, on Linux; NaN elsewhere.
fn processor_seconds() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |nanoseconds| nanoseconds * 1e-9)
}
