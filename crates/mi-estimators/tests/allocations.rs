//! An evaluation allocates nothing once its engine has seen a batch of the same size.

// The counting allocator below has to be `unsafe`: that is the trait's signature.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use mi_critics::{Critic, CriticSpec, Pairing};
use mi_estimators::bounds::{BOUNDS, BoundSpec, Objective, Pairs};
use mi_estimators::engine::{Batch, Driver, Engine};
use mi_estimators::{Term, TrainingStep};
use mi_nets::{AdamConfig, Gradients, Optimiser, Params};
use mi_random::Stream;

thread_local! {
    // Per thread, so that the test harness's own threads do not count.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size()));
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

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn a_steady_evaluation_allocates_nothing() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1, "the counter counts");
    // Elsewhere the product of another library allocates.
    let own_product = mi_kernels::simd_level().starts_with("avx");
    let mut stream = Stream::new(1, "allocations");
    for hidden in [vec![], vec![24], vec![16, 8]] {
        let mut params = Params::<f32>::new();
        let (pairing, dim) = if let Some(&dim) = hidden.first() {
            let spec = CriticSpec::Concat { hidden };
            let critic = Critic::new(&mut params, "f", &spec, 3, 3, &mut stream).unwrap();
            (critic.pairing().clone(), dim)
        } else {
            (Pairing::Dot, 24)
        };
        let (x, y) = (stream.normal_matrix((128, dim)), stream.normal_matrix((128, dim)));
        let (x, y) = (x.mapv(|x| x as f32), y.mapv(|y| y as f32));
        for driver in [Driver::BySize, Driver::Panels { rows: 50 }] {
            for bound in BOUNDS.iter().filter_map(|entry| entry.default.as_ref()) {
                let mut engine = Engine::with_driver(driver);
                let mut objective = Objective::new(bound, None).unwrap();
                let mut gradients = Gradients::zeros_like(&params);
                let mut step = || {
                    gradients.clear();
                    let batch = Batch::new(x.view(), y.view()).scored_by(&pairing, &params);
                    engine.differentiate(&batch, &mut objective, Some(&mut gradients)).unwrap();
                    engine.estimate(&batch, &objective).unwrap();
                };
                step();
                let steady = allocations(step);
                if own_product {
                    assert_eq!(steady, 0, "{bound:?} {driver:?} {pairing:?}");
                }
            }
        }
    }
}

#[test]
fn a_steady_training_step_allocates_nothing() {
    if !mi_kernels::simd_level().starts_with("avx") {
        return;
    }
    let mut stream = Stream::new(1, "allocations");
    for spec in [CriticSpec::Bilinear, CriticSpec::Concat { hidden: vec![24] }] {
        let mut params = Params::<f32>::new();
        let critic = Critic::new(&mut params, "f", &spec, 16, 16, &mut stream).unwrap();
        let (x, y) = (stream.normal_matrix((64, 16)), stream.normal_matrix((64, 16)));
        let (x, y) = (x.mapv(|x| x as f32), y.mapv(|y| y as f32));
        let mut objective = Objective::new(&BoundSpec::InfoNce, None).unwrap();
        let mut optimiser = Optimiser::new(AdamConfig::default(), &params);
        let mut step = TrainingStep::new(&params);
        let mut run = || {
            step.forward(&params, |graph| {
                let (x, y) = (graph.input(x.view()), graph.input(y.view()));
                let embedded = critic.towers(graph, x, y);
                [Term::new(embedded, critic.pairing(), &mut objective)]
            })
            .unwrap();
            step.ascend(&mut params, &mut optimiser).unwrap();
        };
        run();
        run();
        assert_eq!(allocations(run), 0, "{spec:?}");
    }
}

/// Everything that a step ever allocates, for K images with 64 locations of 16 numbers each.
fn bytes_of_locations(k: usize) -> usize {
    const PLACES: usize = 64;
    let mut stream = Stream::new(1, "locations");
    let params = Params::<f32>::new();
    let mut side = |rows| stream.normal_matrix((rows, 16)).mapv(|x| x as f32);
    let (x, y) = (side(k), side(k * PLACES));
    let pairs = Pairs::locations(k, PLACES);
    let before = BYTES.with(Cell::get);
    let mut engine = Engine::new();
    let mut objective = Objective::new(&BoundSpec::InfoNce, None).unwrap();
    let mut gradients = Gradients::zeros_like(&params);
    let batch = Batch::new(x.view(), y.view()).scored_by(&Pairing::Dot, &params).paired_by(&pairs);
    engine.differentiate(&batch, &mut objective, Some(&mut gradients)).unwrap();
    BYTES.with(Cell::get) - before
}

#[test]
fn memory_grows_with_the_images_and_not_with_the_pairs() {
    // The scores would be 4 · 64 · K² bytes: 268 MB for the larger batch, 16 times those of the
    // smaller. A panel of 192 rows of them is 50 MB.
    let (small, large) = (bytes_of_locations(256), bytes_of_locations(1024));
    assert!(large < 67_000_000, "{large}");
    assert!(large < 6 * small, "{small} {large}");
}
