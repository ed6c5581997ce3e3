//! Drawing a batch and gathering two views of it allocates nothing within an epoch.

// The counting allocator below has to be `unsafe`: that is the trait's signature.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use mi_data::{Batch, BatchSampler, Geometry, Shuffle, Split, View, add_noise};
use mi_random::Stream;
use ndarray::Array2;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps this trait's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps this trait's promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_batch_of_two_noisy_views_allocates_nothing() {
    let geometry = Geometry::new(8, 8, 3);
    let images = Array2::<f32>::ones((100, geometry.len()));
    let pieces = [View::top_half(), View::channels([1])].map(|view| view.of(geometry).unwrap());
    let mut buffers = pieces.each_ref().map(|piece| Array2::zeros((10, piece.columns().len())));
    let split = Split::new(images.clone(), vec![0; 100]).unwrap();
    let views = ["lab+channels:0+patches:4x4/2", "odd_rows+noise:0.1"];
    let mut batch = Batch::new(&views.map(|view| view.parse().unwrap()), geometry).unwrap();
    let mut noise = Stream::new(1, "noise");
    let mut sampler =
        BatchSampler::new(100, 10, Shuffle::Full, &Stream::new(1, "batches")).unwrap();
    batch.draw(&split, sampler.next_batch(), &mut noise).unwrap();

    let before = ALLOCATIONS.with(Cell::get);
    for _ in 1..sampler.batches_per_epoch() {
        let rows = sampler.next_batch();
        for (piece, buffer) in pieces.iter().zip(&mut buffers) {
            piece.gather(images.view(), rows, buffer.view_mut()).unwrap();
            add_noise(buffer.view_mut(), 0.05, &mut noise).unwrap();
        }
        batch.draw(&split, rows, &mut noise).unwrap();
    }
    assert_eq!(ALLOCATIONS.with(Cell::get), before);
    // The counter does count.
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.with(Cell::get), before + 1);
}
