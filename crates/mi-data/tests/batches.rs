//! Batches: full size, every row once per epoch, and the same after a restart.

use mi_data::{Batch, BatchSampler, DataError, Geometry, Shuffle, Split, Stream, View};
use ndarray::Array2;

fn sampler(rows: usize, batch: usize, shuffle: Shuffle, seed: u64) -> BatchSampler {
    BatchSampler::new(rows, batch, shuffle, &Stream::new(seed, "batches")).expect("valid settings")
}

#[test]
fn an_epoch_holds_each_row_at_most_once_and_drops_the_rest() {
    let mut sampler = sampler(103, 10, Shuffle::Full, 1);
    assert_eq!(sampler.batches_per_epoch(), 10);
    let mut orders = Vec::new();
    for epoch in 0..3 {
        let mut seen = Vec::new();
        for _ in 0..10 {
            let batch = sampler.next_batch();
            assert_eq!(batch.len(), 10);
            seen.extend_from_slice(batch);
            assert_eq!(sampler.epoch(), epoch);
        }
        orders.push(seen.clone());
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() == 100 && seen[99] < 103);
    }
    assert!(orders[0] != orders[1] && orders[1] != orders[2]);
}

#[test]
fn the_short_last_batch_can_be_kept() {
    let stream = Stream::new(1, "batches");
    let mut keeping = BatchSampler::keeping_last(103, 10, &stream).unwrap();
    let mut dropping = sampler(103, 10, Shuffle::Full, 1);
    assert_eq!(keeping.batches_per_epoch(), 11);
    for epoch in 0..3 {
        let mut seen = Vec::new();
        for batch in 0..11 {
            let saved = serde_json::to_string(&keeping).unwrap();
            let rows = keeping.next_batch().to_vec();
            assert_eq!(rows.len(), if batch < 10 { 10 } else { 3 });
            if batch < 10 {
                assert_eq!(rows, dropping.next_batch(), "full batches are the same");
            }
            let mut restored: BatchSampler = serde_json::from_str(&saved).unwrap();
            assert_eq!(restored.next_batch(), rows);
            seen.extend(rows);
            assert_eq!(keeping.epoch(), epoch);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..103).collect::<Vec<_>>());
    }
    // Without remaining rows there is no short batch, and few rows give one batch.
    let mut even = BatchSampler::keeping_last(20, 10, &stream).unwrap();
    assert_eq!(even.batches_per_epoch(), 2);
    assert!((0..6).all(|_| even.next_batch().len() == 10));
    let mut few = BatchSampler::keeping_last(3, 10, &stream).unwrap();
    assert!((0..4).all(|epoch| few.next_batch().len() == 3 && few.epoch() == epoch));
    assert!(BatchSampler::keeping_last(0, 10, &stream).is_err());
    // A state saved before this option existed is read as before.
    let saved = serde_json::to_string(&dropping).unwrap();
    assert!(!saved.contains("last"), "{saved}");
}

#[test]
fn batches_carry_views_and_labels_of_any_number_of_rows() {
    let geometry = Geometry::new(4, 4, 1);
    let images = Array2::from_shape_fn((30, 16), |(i, j)| (100 * i + j) as f32);
    let split = Split::new(images, (0..30).collect()).unwrap();
    let views = [View::bottom_half(), View::patches(2, 2), View::top_half().with_noise(0.1)];
    let mut batch = Batch::new(&views, geometry).unwrap();
    assert!(batch.is_empty());
    let mut noise = Stream::new(1, "noise");
    for rows in [&[3, 1, 29][..], &[7], &[0, 0, 5, 6, 2]] {
        batch.draw(&split, rows, &mut noise).unwrap();
        let labels: Vec<u8> = rows.iter().map(|&row| row as u8).collect();
        assert_eq!((batch.labels(), batch.len()), (&*labels, rows.len()));
        for (index, piece) in batch.pieces().iter().take(2).enumerate() {
            let mut expected = Array2::zeros((rows.len(), piece.len()));
            piece.gather(split.images.view(), rows, expected.view_mut()).unwrap();
            assert_eq!(batch.view(index), expected);
        }
        let noisy = batch.view(2);
        assert!((noisy[[0, 0]] - 100.0 * rows[0] as f32).abs() < 1.0);
        assert!(noisy[[0, 0]].fract() != 0.0);
    }
    for (index, mut view) in batch.views_mut().enumerate() {
        view.fill(index as f32);
    }
    assert!(
        (0..3).all(
            |index| batch.view(index) == Array2::from_elem((5, 8 << (index % 2)), index as f32)
        )
    );
    let error = batch.draw(&split, &[1, 30], &mut noise).unwrap_err();
    assert!(error.to_string().contains("row 30"), "{error}");
    assert!(batch.is_empty() && batch.view(0).nrows() == 0);
    let mut labels_only = Batch::new(&[], geometry).unwrap();
    labels_only.draw(&split, &[4], &mut noise).unwrap();
    assert_eq!(labels_only.labels(), [4]);
    assert!(labels_only.draw(&split, &[30], &mut noise).is_err());
    assert!(Batch::new(&[View::channels([1])], geometry).is_err());
}

#[test]
fn a_batch_may_be_the_whole_set() {
    let mut sampler = sampler(4, 4, Shuffle::Full, 1);
    for _ in 0..5 {
        let mut batch = sampler.next_batch().to_vec();
        batch.sort_unstable();
        assert_eq!(batch, [0, 1, 2, 3]);
    }
    assert_eq!(sampler.epoch(), 4);
}

#[test]
fn every_row_is_as_likely_in_every_place() {
    // 3 of 4 rows are kept per epoch, so over 4,000 epochs each row is first about 1,000 times.
    let mut sampler = sampler(4, 3, Shuffle::Full, 9);
    let mut first = [0_i32; 4];
    for _ in 0..4000 {
        first[sampler.next_batch()[0]] += 1;
    }
    // The standard deviation is √(4000 · ¼ · ¾) = 27.
    assert!(first.iter().all(|count| (count - 1000).abs() < 140), "{first:?}");
}

#[test]
fn a_restored_sampler_gives_the_same_batches() {
    for shuffle in [Shuffle::Full, Shuffle::Buffer { size: 7 }, Shuffle::NOTEBOOK] {
        let mut whole = sampler(50, 8, shuffle, 3);
        let expected: Vec<Vec<usize>> = (0..40).map(|_| whole.next_batch().to_vec()).collect();
        // Stop before the first batch, in the middle of an epoch, and at its very end.
        for stop in [0, 4, 6, 25] {
            let mut first = sampler(50, 8, shuffle, 3);
            for _ in 0..stop {
                first.next_batch();
            }
            let saved = serde_json::to_string(&first).unwrap();
            let mut second: BatchSampler = serde_json::from_str(&saved).unwrap();
            assert_eq!(
                (second.epoch(), second.rows(), second.batch_size()),
                (first.epoch(), 50, 8)
            );
            for expected in &expected[stop..] {
                assert_eq!(second.next_batch(), expected);
            }
        }
    }
}

#[test]
fn the_order_depends_on_the_stream_alone() {
    let first = sampler(100, 100, Shuffle::Full, 5).next_batch().to_vec();
    assert_eq!(sampler(100, 100, Shuffle::Full, 5).next_batch(), first);
    assert_ne!(sampler(100, 100, Shuffle::Full, 6).next_batch(), first);
    let mut used = Stream::new(5, "batches");
    used.uniform();
    let mut other = BatchSampler::new(100, 100, Shuffle::Full, &used).unwrap();
    assert_eq!(other.next_batch(), first);
}

#[test]
fn the_buffer_keeps_rows_near_their_place_and_spans_epochs() {
    let (rows, size) = (100, 10);
    let mut sampler = sampler(rows, 8, Shuffle::Buffer { size }, 2);
    let drawn: Vec<usize> = (0..25).flat_map(|_| sampler.next_batch().to_vec()).collect();
    for epoch in drawn.chunks(rows) {
        let mut sorted = epoch.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..rows).collect::<Vec<_>>());
        // The draw at place p comes from the first p + size rows.
        assert!(epoch.iter().enumerate().all(|(place, &row)| row < place + size));
        assert_ne!(epoch, sorted);
    }
    // 200 rows in 25 batches of 8: nothing was dropped, so one batch spanned two epochs.
    assert_eq!(sampler.epoch(), 1);
    // A buffer of one row is the stored order.
    let mut stored = self::sampler(20, 6, Shuffle::Buffer { size: 1 }, 2);
    assert_eq!(stored.next_batch(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn settings_that_cannot_work_are_errors() {
    let stream = Stream::new(0, "batches");
    for (rows, batch, shuffle, reason) in [
        (9, 10, Shuffle::Full, "not enough rows"),
        (9, 10, Shuffle::NOTEBOOK, "not enough rows"),
        (9, 0, Shuffle::Full, "at least one row"),
        (0, 0, Shuffle::Full, "at least one row"),
        (9, 3, Shuffle::Buffer { size: 0 }, "buffer"),
    ] {
        let error = BatchSampler::new(rows, batch, shuffle, &stream).unwrap_err();
        assert!(matches!(error, DataError::Batch { .. }));
        assert!(error.to_string().contains(reason), "{error}");
    }
    let saved = serde_json::to_string(&sampler(10, 5, Shuffle::Full, 1)).unwrap();
    for (from, to) in [
        (r#""position":0"#, r#""position":11"#),
        (r#""rows":10"#, r#""rows":4"#),
        (r#""rows":10"#, r#""rows":9000000000000000000"#),
    ] {
        let damaged = saved.replace(from, to);
        assert_ne!(damaged, saved);
        assert!(serde_json::from_str::<BatchSampler>(&damaged).is_err(), "{damaged}");
    }
}
