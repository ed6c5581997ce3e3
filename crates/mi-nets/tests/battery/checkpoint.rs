//! Checkpoints: round trips, continued training, refusals.

use mi_nets::{
    AdamConfig, Checkpoint, CouplingKind, Gradients, Graph, Init, Mlp, Module, Optimiser, Params,
    RealNvp, RealNvpConfig, Tape, Unary,
};
use mi_random::Stream;

use crate::support::normal;

fn network(seed: u64) -> (Params<f32>, RealNvp) {
    let mut params = Params::new();
    let kind = CouplingKind::Affine;
    let config = RealNvpConfig { dim: 6, couplings: 2, hidden: vec![5], kind };
    let mut stream = Stream::new(seed, "init");
    let net = RealNvp::new(&mut params, "g1", &config, Init::GlorotUniform, &mut stream).unwrap();
    (params, net)
}

fn train(
    net: &RealNvp,
    params: &mut Params<f32>,
    adam: &mut Optimiser<f32>,
    steps: std::ops::Range<u64>,
) {
    let mut gradients = Gradients::zeros_like(params);
    let mut tape = Tape::new();
    for step in steps {
        let x = normal(step, (8, 6)).mapv(|x| x as f32);
        let mut graph: Graph<'_, f32> = tape.begin(params);
        let x = graph.input(x.view());
        let y = net.forward(&mut graph, x);
        let bent = graph.unary(y, Unary::Tanh);
        let seed = graph.value(bent).to_owned();
        gradients.clear();
        graph.backward(&[(bent, seed.view())], &mut gradients).unwrap();
        adam.descend(params, &gradients).unwrap();
    }
}

fn checkpoint(params: &Params<f32>, adam: &Optimiser<f32>) -> Checkpoint {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_params("net", params).unwrap();
    checkpoint.put_optimiser("net", params, adam).unwrap();
    checkpoint.put_metadata("experiment", "fig1");
    checkpoint
}

#[test]
fn training_goes_on_with_the_same_bits() {
    let (mut params, net) = network(1);
    let mut adam = Optimiser::new(AdamConfig::default(), &params);
    train(&net, &mut params, &mut adam, 0..5);
    let bytes = checkpoint(&params, &adam).to_bytes().unwrap();
    train(&net, &mut params, &mut adam, 5..10);

    // Another seed: other weights and other permutations until they are restored.
    let (mut restored, net) = network(2);
    let mut restored_adam = Optimiser::new(AdamConfig::default(), &restored);
    let read = Checkpoint::from_bytes(&bytes).unwrap();
    read.restore_params("net", &mut restored).unwrap();
    read.restore_optimiser("net", &restored, &mut restored_adam).unwrap();
    assert_eq!(restored_adam.step(), 5);
    train(&net, &mut restored, &mut restored_adam, 5..10);
    assert_eq!(restored, params);
    assert_eq!(restored_adam, adam);
}

#[test]
fn equal_checkpoints_have_equal_bytes() {
    let (params, _) = network(1);
    let adam = Optimiser::new(AdamConfig::default(), &params);
    let mut first = checkpoint(&params, &adam);
    for (key, value) in [("b", "2"), ("a", "1"), ("c", "3")] {
        first.put_metadata(key, value);
    }
    let bytes = first.to_bytes().unwrap();
    let read = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(read, first);
    assert_eq!(read.to_bytes().unwrap(), bytes);
    assert_eq!((read.metadata("a"), read.metadata("d")), (Some("1"), None));
}

#[test]
fn other_programs_can_read_it() {
    let (params, _) = network(1);
    let bytes =
        checkpoint(&params, &Optimiser::new(AdamConfig::default(), &params)).to_bytes().unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let name = "g1.couplings.0.layers.0.weight";
    let tensor = tensors.tensor(&format!("net/params/{name}")).unwrap();
    assert_eq!((tensor.dtype(), tensor.shape()), (safetensors::Dtype::F32, &[3, 5][..]));
    let first = params.view(params.id(name).unwrap())[[0, 1]];
    assert_eq!(tensor.data()[4..8], first.to_le_bytes());
    let order = tensors.tensor("net/permutations/g1.couplings.1.permutation").unwrap();
    assert_eq!((order.dtype(), order.shape()), (safetensors::Dtype::U64, &[6][..]));
}

#[test]
fn damaged_files_are_refused() {
    let (params, _) = network(1);
    let bytes =
        checkpoint(&params, &Optimiser::new(AdamConfig::default(), &params)).to_bytes().unwrap();
    let message = |bytes: &[u8]| Checkpoint::from_bytes(bytes).unwrap_err().to_string();
    for length in [0, 7, 100, bytes.len() - 1] {
        assert!(message(&bytes[..length]).contains("not a complete safetensors file"));
    }
    let mut flipped = bytes.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    assert!(message(&flipped).contains("checksum"));
    // Two signs, at the highest bits of two words.
    let mut negated = bytes.clone();
    for at in [last, last - 8] {
        negated[at] ^= 0x80;
    }
    assert!(message(&negated).contains("checksum"));
    // A file whose tail was never written has the right length.
    let mut hollow = bytes;
    hollow[last - 40..].fill(0);
    assert!(message(&hollow).contains("checksum"));
    let foreign =
        safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView<'_>)>::new(), None);
    assert!(message(&foreign.unwrap()).contains("not a checkpoint of mi-nets"));
}

#[test]
fn another_network_is_refused_and_nothing_changes() {
    let (params, _) = network(1);
    let adam = Optimiser::new(AdamConfig::default(), &params);
    let saved = checkpoint(&params, &adam);
    let refused = |params: &mut Params<f32>, expected: &str| {
        let before = params.clone();
        let error = saved.restore_params("net", params).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(*params, before);
    };
    let mut stream = Stream::new(1, "init");
    let (mut more, _) = network(2);
    Mlp::new(&mut more, "extra", &[2, 2], Init::GlorotUniform, &mut stream).unwrap();
    refused(&mut more, "missing [\"extra.layers.0.bias\", \"extra.layers.0.weight\"]");
    refused(&mut Params::new(), "unknown [\"g1.couplings.0.layers.0.bias\"");
    let mut wider = Params::new();
    let kind = CouplingKind::Affine;
    let config = RealNvpConfig { dim: 6, couplings: 2, hidden: vec![7], kind };
    RealNvp::new(&mut wider, "g1", &config, Init::GlorotUniform, &mut stream).unwrap();
    refused(&mut wider, "is [3, 5] of F32, the network has [3, 7] of F32");
    let error = saved.restore_params("net", &mut params.cast::<f64>()).unwrap_err();
    assert!(error.to_string().contains("of F64"), "{error}");
    let error = saved.restore_params("other", &mut params.clone()).unwrap_err();
    assert!(error.to_string().contains("`other/params/` belongs to another network"), "{error}");
}

#[test]
fn double_precision_and_several_groups_share_a_file() {
    let (params, _) = network(1);
    let double = params.cast::<f64>();
    let mut both = Checkpoint::new();
    both.put_params("single", &params).unwrap();
    both.put_params("double", &double).unwrap();
    assert!(both.put_params("single", &params).is_err());
    let read = Checkpoint::from_bytes(&both.to_bytes().unwrap()).unwrap();
    let (mut fresh, _) = network(2);
    read.restore_params("single", &mut fresh).unwrap();
    assert_eq!(fresh, params);
    let mut fresh = fresh.cast::<f64>();
    read.restore_params("double", &mut fresh).unwrap();
    assert_eq!(fresh, double);
    let mut adam = Optimiser::new(AdamConfig::default(), &params);
    let error = read.restore_optimiser("single", &params, &mut adam).unwrap_err();
    assert!(error.to_string().contains("`single/adam/step` is missing"), "{error}");
}
