//! Two halves of the embedded digits, with noise, and pairs whose mutual information is known:
//! `cargo run -p mi-data --example digits`

use mi_data::{
    BatchSampler, CorrelatedGaussian, PairSource, Shuffle, View, add_noise, duplicate_rows,
    embedded,
};
use mi_random::Stream;
use ndarray::Array2;

fn main() -> Result<(), mi_data::DataError> {
    let digits = embedded()?;
    println!("{}: {} train, {} test", digits.name, digits.train.len(), digits.test.len());
    println!("content {}", digits.provenance.digest());

    let root = Stream::new(7, "example");
    let mut sampler =
        BatchSampler::new(digits.train.len(), 128, Shuffle::Full, &root.child("batches"))?;
    let rows = sampler.next_batch().to_vec();
    let mut noise = root.child("noise");
    for view in [View::top_half(), View::bottom_half()] {
        let piece = view.of(digits.geometry)?;
        let mut batch = Array2::zeros((rows.len(), piece.columns().len()));
        piece.gather(digits.train.images.view(), &rows, batch.view_mut())?;
        let repeated = duplicate_rows(batch.view());
        add_noise(batch.view_mut(), 0.05, &mut noise)?;
        println!("{view} {}: {:?}, {repeated} repeated", piece.geometry(), batch.dim());
    }

    let source = CorrelatedGaussian::with_mi(20, 4.0)?.cubic();
    let (x, y) = source.sample::<f64>(128, &mut root.child("pairs"))?;
    println!("pairs {:?}, {:?} sharing {:.3} nats", x.dim(), y.dim(), source.true_mi());
    Ok(())
}
