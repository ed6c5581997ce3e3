use std::fmt::Write as _;
use std::time::Instant;

use mi_paper::cost;
use mi_paper::plan::Plan;
use mi_paper::schedule::DataSets;
use ndarray::Array2;

use super::data;
use super::status::duration;

/// The fraction of the machine's matrix-product rate that complete trials reach. The paper's
/// configurations reached 0.6 (residual networks, the adversary) to 0.8 (`ConvNet`) while other
/// work was running.
const EFFICIENCY: f64 = 0.65;

/// The plan with an estimate of time and memory on these data sets.
pub(super) fn text(plan: &Plan, jobs: usize, sets: &DataSets) -> String {
    let rate = product_rate() * EFFICIENCY;
    let mut text = String::new();
    let width = plan.trials.iter().map(|trial| trial.id().len()).max().unwrap_or(0);
    let mut seconds = 0.0;
    let mut largest: Vec<f64> = Vec::new();
    for trial in &plan.trials {
        let cost = cost::estimate(trial, data::size(sets, &trial.dataset));
        let own = cost.flops / rate;
        seconds += own;
        largest.push(cost.bytes);
        let _ = writeln!(
            text,
            "{:<width$}  {:>6} steps  {:>12}  {:>5.0} MB",
            trial.id(),
            trial.steps,
            duration(own),
            cost.bytes / 1e6
        );
    }
    largest.sort_by(|a, b| b.total_cmp(a));
    let side_by_side = jobs.min(plan.trials.len()).max(1);
    let images: f64 = plan
        .datasets()
        .iter()
        .map(|name| {
            let size = data::size(sets, name);
            4.0 * (size.count * size.height * size.width * size.channels) as f64 * 1.2
        })
        .sum();
    let bytes = images + largest.iter().take(side_by_side).sum::<f64>();
    let _ = write!(
        text,
        "{} trials, {side_by_side} at a time: about {} and {:.1} GB (estimates, at a measured {:.0} \
         GFLOP/s a core)",
        plan.trials.len(),
        duration(seconds / side_by_side as f64),
        bytes / 1e9,
        rate / EFFICIENCY / 1e9
    );
    for deviation in &plan.deviations {
        let _ = write!(text, "\nDiffers from the preset “paper”: {deviation}");
    }
    text
}

/// Floating-point operations per second of one core in a single-precision matrix product.
fn product_rate() -> f64 {
    const N: usize = 512;
    let a = Array2::<f32>::from_elem((N, N), 0.5);
    let mut c = Array2::<f32>::zeros((N, N));
    let mut best = f64::INFINITY;
    for _ in 0..8 {
        let clock = Instant::now();
        mi_kernels::matrix_product(1.0, a.view(), a.view(), 0.0, c.view_mut());
        best = best.min(clock.elapsed().as_secs_f64());
    }
    2.0 * (N * N * N) as f64 / best.max(1e-9)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mi_data::{Dataset, Geometry, Provenance, Split};
    use mi_paper::plan::Request;
    use mi_paper::preset::Preset;

    use super::*;

    #[test]
    fn the_images_in_the_data_folder_count() {
        let plan = Plan::resolve(&Request {
            seeds: vec!["1".parse().unwrap()],
            data: Some("anywhere".into()),
            ..Request::new(&["cifar-critics"], Preset::Paper)
        })
        .unwrap();
        let split =
            |count: usize| Split::new(Array2::zeros((count, 3_072)), vec![0; count]).unwrap();
        let part = Dataset {
            name: "cifar-10".to_owned(),
            train: split(20),
            test: split(10),
            geometry: Geometry::new(32, 32, 3),
            classes: 10,
            provenance: Provenance::default(),
        };
        let memory = |sets: &DataSets| {
            let text = text(&plan, 1, sets);
            let (before, _) = text.split_once(" GB (estimates").unwrap();
            before.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        let part = DataSets::from([("cifar-10".to_owned(), Arc::new(part))]);
        assert!(memory(&part) < 0.2 && memory(&DataSets::new()) > 1.0);
    }
}
