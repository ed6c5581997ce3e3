//! A steady training step allocates nothing itself: the only heap allocations are the packing
//! buffers inside the matrix products, as many as one product of that size makes.

#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use mi_nets::{
    AdamConfig, CausalConv, ConvGeometry, ConvNet, ConvNetConfig, CouplingKind, Gradients, Graph,
    Gru, Init, Mlp, Module, NetworkSize, Optimiser, Padding, ParamId, Params, RealNvp,
    RealNvpConfig, Tape, Targets, Unary, Var, softmax_cross_entropy_into,
};
use mi_random::Stream;
use ndarray::Array2;

struct Counting;

thread_local! {
    // Per thread, so that the test harness's own threads do not count.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every method passes its arguments on to the system's allocator unchanged, so that
// allocator's guarantees hold; counting touches no memory except an integer of the thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises about `layout` are those that `System` requires.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that `System` requires, and `pointer` came from
        // `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

/// Allocations of one matrix product: matrixmultiply packs both operands into one buffer,
/// which it allocates and frees in every call.
fn allocations_of_a_product() -> usize {
    let (a, b) = (Array2::<f32>::ones((16, 40)), Array2::ones((40, 24)));
    let mut c = Array2::zeros((16, 24));
    let mut product = || mi_kernels::matrix_product(1.0, a.view(), b.view(), 0.0, c.view_mut());
    product();
    allocations(product)
}

/// Trains on random inputs and counts the allocations of the fifth step, which must not depend on
/// whether the optimiser waits for all gradients.
fn steady_step(params: &mut Params<f32>, net: &dyn Module<f32>) -> usize {
    let [waiting, at_once] = [false, true].map(|at_once| count_step(params, net, at_once));
    assert_eq!(waiting, at_once);
    waiting
}

fn count_step(params: &mut Params<f32>, net: &dyn Module<f32>, at_once: bool) -> usize {
    let x = Stream::new(1, "x").normal_matrix((16, net.input_dim())).mapv(|x| x as f32);
    let labels: Vec<usize> = (0..16).map(|i| i % net.output_dim()).collect();
    let mut seed = Array2::zeros((16, net.output_dim()));
    let mut adam = Optimiser::new(AdamConfig::default(), params);
    let mut gradients = Gradients::zeros_like(params);
    let mut tape = Tape::new();
    let mut noise = Stream::new(1, "dropout");
    let mut step = || {
        let mut graph = tape.begin(params);
        graph.draw_from(&mut noise);
        let input = graph.input(x.view());
        let y = net.forward(&mut graph, input);
        let targets = Targets::Labels(&labels);
        softmax_cross_entropy_into(graph.value(y), targets, seed.view_mut()).unwrap();
        gradients.clear();
        if at_once {
            let seeds = [(y, seed.view())];
            adam.backward_and_descend(&mut tape, &seeds, params, &mut gradients).unwrap();
        } else {
            graph.backward(&[(y, seed.view())], &mut gradients).unwrap();
            adam.descend(params, &gradients).unwrap();
        }
    };
    for _ in 0..4 {
        step();
    }
    allocations(step)
}

/// The operations that have no layer.
#[derive(Debug)]
struct Regularised {
    scale: ParamId,
    shift: ParamId,
    running: ParamId,
}

impl Regularised {
    fn new(params: &mut Params<f32>) -> Self {
        Self {
            scale: params.add("scale", Array2::ones((1, 2))).unwrap(),
            shift: params.add("shift", Array2::zeros((1, 2))).unwrap(),
            running: params.add_running_statistics("running", 2, 0.1).unwrap(),
        }
    }
}

impl Module<f32> for Regularised {
    fn forward(&self, graph: &mut Graph<'_, f32>, x: Var) -> Var {
        let (padding, channels) = (Padding::Same, 2);
        let (kernel, stride) = (3, 2);
        let geometry = ConvGeometry { height: 4, width: 4, channels, kernel, stride, padding };
        let h = graph.max_pool(x, &geometry);
        let h = graph.batch_norm(h, self.scale, self.shift, self.running);
        let h = graph.unary(h, Unary::Gelu);
        graph.dropout(h, 0.5)
    }

    fn input_dim(&self) -> usize {
        32
    }

    fn output_dim(&self) -> usize {
        8
    }

    fn size(&self) -> NetworkSize {
        NetworkSize::default()
    }
}

#[test]
fn a_steady_training_step_allocates_only_inside_matrix_products() {
    let mut stream = Stream::new(1, "init");
    let init = Init::GlorotUniform;
    let one = allocations_of_a_product();
    assert!(one <= 1, "{one} allocations per product");

    // Three layers: forward 3, weights 3, and the inputs of all layers except the first 2.
    let mut params = Params::new();
    let net = Mlp::new(&mut params, "net", &[30, 20, 20, 10], init, &mut stream).unwrap();
    assert_eq!(steady_step(&mut params, &net), 8 * one);

    // Two convolutions of 17 × 4 and 7 × 2 runs (kernel rows of all positions of a row, times
    // positions in it), forward and weights, plus the second's inputs; and a dense layer.
    let mut params = Params::new();
    let config = ConvNetConfig { output: 10, ..ConvNetConfig::paper(8, 8, 1) };
    let net = ConvNet::new(&mut params, "net", &config, init, &mut stream).unwrap();
    assert_eq!(steady_step(&mut params, &net), (2 * 68 + 3 * 14 + 3) * one);

    // Four steps of width 5: inputs at once forward and for weights; three steps' states forward,
    // backward and for weights.
    let mut params = Params::new();
    let net = Gru::new(&mut params, "net", (4, 6, 5), &mut stream).unwrap();
    assert_eq!(steady_step(&mut params, &net), (2 + 3 * 3) * one);

    // Two layers: forward 2 and weights 2, plus the second's inputs.
    let mut params = Params::new();
    let net = CausalConv::new(&mut params, "net", (4, 2), &[6, 5, 3], init, &mut stream).unwrap();
    assert_eq!(steady_step(&mut params, &net), 5 * one);

    // Pooling, batch normalisation, dropout and GELU multiply no matrices.
    let mut params = Params::new();
    let net = Regularised::new(&mut params);
    assert_eq!(steady_step(&mut params, &net), 0);

    // Four couplings of a two-layer MLP: forward 2 and weights 2 each, the hidden layer's gradient
    // 1 each, and the gradient of the MLP's input in all couplings except the first.
    for kind in [CouplingKind::Additive, CouplingKind::Affine] {
        let mut params = Params::new();
        let config = RealNvpConfig { dim: 12, couplings: 4, hidden: vec![8], kind };
        let net = RealNvp::new(&mut params, "net", &config, init, &mut stream).unwrap();
        assert_eq!(steady_step(&mut params, &net), (4 * 5 + 3) * one);
    }
}

#[test]
fn going_back_to_inputs_only_multiplies_no_matrix_for_parameters() {
    let mut params = Params::<f32>::new();
    let mut stream = Stream::new(1, "init");
    let net =
        Mlp::new(&mut params, "net", &[30, 20, 20, 10], Init::GlorotUniform, &mut stream).unwrap();
    let (x, seed) = (Array2::ones((16, 30)), Array2::ones((16, 10)));
    let mut tape = Tape::new();
    let mut back = || {
        let mut graph = tape.begin(&params);
        let x = graph.input_with_gradient(x.view());
        let y = net.forward(&mut graph, x);
        graph.backward_to_inputs(&[(y, seed.view())]).unwrap();
    };
    back();
    back();
    assert_eq!(allocations(back), (3 + 3) * allocations_of_a_product());
}

#[test]
fn a_steady_inference_allocates_only_inside_matrix_products() {
    let mut params = Params::<f32>::new();
    let mut stream = Stream::new(1, "init");
    let kind = CouplingKind::Affine;
    let config = RealNvpConfig { dim: 12, couplings: 4, hidden: vec![8], kind };
    let net = RealNvp::new(&mut params, "net", &config, Init::GlorotUniform, &mut stream).unwrap();
    let x = Array2::ones((16, 12));
    let mut tape = Tape::new();
    let mut infer = || {
        let mut graph = tape.begin_inference(&params);
        let x = graph.input(x.view());
        net.forward(&mut graph, x);
    };
    infer();
    infer();
    assert_eq!(allocations(infer), 8 * allocations_of_a_product());
}
