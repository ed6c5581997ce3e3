//! The cost of each measure, in processor time of all threads: all measures of a representation
//! with 60,000 training and 10,000 test rows of 100 features, with another view and a base of the
//! same size. Work that several measures share is counted for the first of them.
//!
//! Run with `cargo run --release -p mi-eval --example measure_everything`; for other numbers of
//! rows and features, add them after `--`, as in `-- 6000 1000 50`.

use cpu_time::ProcessTime;
use mi_eval::{EvalError, Evaluator, EvaluatorSettings, Representation, Stream, TrainTest};
use ndarray::{Array2, ArrayView2, Axis};

/// Two views of ten overlapping classes, and the base from which both are computed: correlated
/// features that a hidden layer reads better than a linear reader.
fn data(rows: usize, features: usize) -> (Array2<f32>, Array2<f32>, Array2<f32>, Vec<u8>) {
    let mut stream = Stream::new(1, "measure everything");
    let centres = stream.normal_matrix((10, features)) * (4.0 / (features as f64).sqrt());
    let labels: Vec<u8> = (0..rows).map(|_| stream.below(10) as u8).collect();
    let mut base = stream.normal_matrix((rows, features));
    for (mut row, &label) in base.rows_mut().into_iter().zip(&labels) {
        row += &centres.row(usize::from(label));
    }
    let view = |stream: &mut Stream| {
        let mixing = stream.normal_matrix((features, features)) / (features as f64).sqrt();
        let noise = stream.normal_matrix((rows, features));
        let mixed = (&base + &(0.5 * noise)).dot(&mixing);
        mixed.mapv(|v| (v + 0.3 * v * v) as f32)
    };
    let (first, second) = (view(&mut stream), view(&mut stream));
    (first, second, base.mapv(|v| v as f32), labels)
}

fn split(rows: &Array2<f32>, train: usize) -> TrainTest<ArrayView2<'_, f32>> {
    let (train, test) = rows.view().split_at(Axis(0), train);
    TrainTest::new(train, test)
}

fn main() -> Result<(), EvalError> {
    let mut sizes = std::env::args().skip(1).map(|size| size.parse::<usize>());
    let mut size = |default| sizes.next().and_then(Result::ok).unwrap_or(default);
    let (train, test, features) = (size(60_000), size(10_000), size(100));
    let (first, second, base, labels) = data(train + test, features);
    let representation = Representation {
        features: split(&first, train),
        labels: TrainTest::new(&labels[..train], &labels[train..]),
        view: Some(split(&second, train)),
        base: Some(split(&base, train)),
    };
    let settings = EvaluatorSettings::default();
    let families = settings.families.clone();
    let mut evaluator = Evaluator::new(representation, settings)?;
    let start = ProcessTime::now();
    // Families one by one; accuracies and V-information then add no cost.
    for (index, family) in families.iter().enumerate() {
        let start = ProcessTime::now();
        evaluator.usable_information(index)?;
        println!("{:7.2} s  readers of labels, {}", start.elapsed().as_secs_f64(), family.name());
    }
    for measure in evaluator.available() {
        let start = ProcessTime::now();
        let found = evaluator.measure(measure)?;
        println!("{:7.2} s  {}", start.elapsed().as_secs_f64(), measure.name());
        for measured in found {
            println!("           {measured}");
        }
    }
    println!("{:7.2} s  everything", start.elapsed().as_secs_f64());
    Ok(())
}
