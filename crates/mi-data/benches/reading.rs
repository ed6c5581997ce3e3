//! Reading a file of images, and cutting the views of a batch from it.
//!
//! The file is as large as MNIST's of training images: 60,000 × 28 × 28. Throughput counts bytes:
//! those of the file and of the resulting `f32` values, or those copied into the batch (read and
//! written).

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use flate2::{Compression, write::GzEncoder};
use mi_data::{BatchSampler, Geometry, Shuffle, View, read_idx_images};
use mi_random::Stream;
use ndarray::Array2;

const IMAGES: usize = 60_000;
const GEOMETRY: Geometry = Geometry::new(28, 28, 1);
const BATCH: usize = 128;

/// An IDX file whose bytes are zeros and strokes in the proportion of digits, so that gzip has the
/// same work.
fn idx() -> Vec<u8> {
    let mut stream = Stream::new(1, "images");
    let mut bytes = vec![0, 0, 8, 3];
    for size in [IMAGES, GEOMETRY.height, GEOMETRY.width] {
        bytes.extend((size as u32).to_be_bytes());
    }
    for _ in 0..IMAGES * GEOMETRY.len() / 14 {
        let grey = (stream.below(256) as u8, stream.below(256) as u8);
        bytes.extend([0, 0, 0, 0, 0, grey.0, 255, 255, grey.1, 0, 0, 0, 0, 0]);
    }
    bytes
}

fn files(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = idx();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&plain).expect("memory to pack into");
    let packed = packed.finish().expect("memory to pack into");
    let mut group = criterion.benchmark_group("idx");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Bytes((plain.len() + 4 * IMAGES * GEOMETRY.len()) as u64));
    for (name, bytes) in [("plain", plain), ("gzip", packed)] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("room for a file");
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(read_idx_images(&path, false)).expect("the file is sound"));
        });
    }
    group.finish();
}

/// The data that a training step needs: the indices of a batch, and both views of its images.
fn batches(criterion: &mut Criterion) {
    let images = Array2::from_elem((IMAGES, GEOMETRY.len()), 0.5_f32);
    let views = [View::top_half(), View::bottom_half()];
    let pieces = views.map(|view| view.of(GEOMETRY).expect("halves of an image"));
    let mut batch = pieces.each_ref().map(|piece| Array2::zeros((BATCH, piece.geometry().len())));
    let mut sampler = BatchSampler::new(IMAGES, BATCH, Shuffle::Full, &Stream::new(2, "batches"))
        .expect("more images than a batch");
    let mut group = criterion.benchmark_group("views");
    group.throughput(Throughput::Bytes((2 * 4 * BATCH * GEOMETRY.len()) as u64));
    group.bench_function("batch", |bencher| {
        bencher.iter(|| {
            let rows = sampler.next_batch();
            for (piece, batch) in pieces.iter().zip(&mut batch) {
                piece.gather(images.view(), rows, batch.view_mut()).expect("the shapes fit");
            }
            black_box(&batch);
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    files(&mut criterion);
    batches(&mut criterion);
    criterion.final_summary();
}
