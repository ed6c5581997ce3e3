//! Work that is timed: by `peer_timings` beside its peers, and by the benchmark `training` from
//! commit to commit.

use anyhow::{Result, bail};
use mi_critics::{Critic, CriticSpec};
use mi_estimators::bounds::{BoundSpec, Objective, Pairs};
use mi_estimators::{Term, TrainingStep};
use mi_nets::{
    AdamConfig, ConvNet, ConvNetConfig, CouplingKind, Graph, Gru, Init, Mlp, Module, Optimiser,
    Params, RealNvp, RealNvpConfig, ResidualMlp,
};
use mi_random::Stream;
use ndarray::Array2;

/// Pairs in a batch of a training step, and pixels of half an image: 14 × 28.
const BATCH: usize = 128;
const PIXELS: usize = 392;

/// One repeat of some work.
pub(crate) struct Work {
    /// GFLOP of its matrix products.
    pub(crate) gflop: f64,
    pub(crate) run: Box<dyn FnMut() -> Result<()>>,
}

fn critic_spec(name: &str) -> Result<CriticSpec> {
    Ok(match name {
        "bilinear" => CriticSpec::Bilinear,
        "separable" => CriticSpec::Separable { hidden: vec![100], embed: 100 },
        "concat" => CriticSpec::Concat { hidden: vec![200] },
        _ => bail!("no critic `{name}`"),
    })
}

pub(crate) fn normal(stream: &mut Stream, shape: (usize, usize)) -> Array2<f32> {
    stream.normal_matrix(shape).mapv(|value| value as f32)
}

/// GFLOP of products of these (m, k, n).
pub(crate) fn products(sizes: &[(usize, usize, usize)]) -> f64 {
    sizes.iter().map(|&(m, k, n)| 2e-9 * (m * k * n) as f64).sum()
}

/// GFLOP of a critic's scores and of the gradients of its inputs: a multiply–add is two
/// operations, and there are three products for each of the scores'.
fn critic_products(spec: &CriticSpec, k: usize, dim: usize) -> f64 {
    2e-9 * 3.0 * spec.multiply_adds((dim, dim), k)
}

/// Critic, `InfoNCE` and the gradients of both inputs and of all parameters.
pub(crate) fn critic_matrix(critic: &str, k: usize) -> Result<Work> {
    const DIM: usize = 100;
    let spec = &critic_spec(critic)?;
    let mut stream = Stream::new(1, "critic");
    let mut params = Params::new();
    let critic = Critic::new(&mut params, "critic", spec, DIM, DIM, &mut stream)?;
    let (x, y) = (normal(&mut stream, (k, DIM)), normal(&mut stream, (k, DIM)));
    let mut step = TrainingStep::new(&params);
    let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
    let gflop = critic_products(spec, k, DIM);
    let run = Box::new(move || {
        step.forward(&params, |graph| {
            let x = graph.input_with_gradient(x.view());
            let y = graph.input_with_gradient(y.view());
            let embedded = critic.towers(graph, x, y);
            [Term::new(embedded, critic.pairing(), &mut objective)]
        })?;
        step.backward(&params)?;
        Ok(())
    });
    Ok(Work { gflop, run })
}

/// A training step by its names: encoder and critic of the paper's, or a system of many views and what
/// it is held against.
pub(crate) fn training_step(first: &str, second: &str) -> Result<Work> {
    match (first, second) {
        ("dim-local", "nce") => local_dim(),
        ("cpc", "other") => cpc(),
        (encoder, critic) => two_views(encoder, critic),
    }
}

/// Adam with steps so small that the bound stays where it starts: repeated steps on one batch would
/// drive gradients to subnormal numbers, which cost what no training costs.
fn adam(params: &Params<f32>) -> Optimiser<f32> {
    Optimiser::new(AdamConfig { lr: 1e-12, ..AdamConfig::default() }, params)
}

/// Numbers as those of pixels: none is negative.
fn pixels(stream: &mut Stream, shape: (usize, usize)) -> Array2<f32> {
    stream.normal_matrix(shape).mapv(|value| value.abs() as f32)
}

/// DIM(L) of whole images: a summary against all 7 × 7 locations of all images.
fn local_dim() -> Result<Work> {
    const PLACES: usize = 49;
    let mut stream = Stream::new(1, "train");
    let mut params = Params::new();
    let config = ConvNetConfig::paper(28, 28, 1);
    let net = ConvNet::new(&mut params, "g", &config, Init::GlorotUniform, &mut stream)?;
    let spec = CriticSpec::Separable { hidden: vec![], embed: 100 };
    let critic = Critic::new(&mut params, "critic", &spec, 100, 128, &mut stream)?;
    let x = pixels(&mut stream, (BATCH, 28 * 28));
    let pairs = Pairs::locations(BATCH, PLACES);
    let mut adam = adam(&params);
    let mut step = TrainingStep::new(&params);
    let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
    let towers = products(&[(BATCH, 100, 100), (BATCH * PLACES, 128, 100)]);
    let scores = products(&[(BATCH, 100, BATCH * PLACES)]);
    let encoder = 2e-9 * (BATCH * Module::<f32>::size(&net).step_products()) as f64;
    let gflop = encoder + 3.0 * (towers + scores);
    let run = Box::new(move || {
        step.forward(&params, |graph| {
            let x = graph.input(x.view());
            let all = net.forward_with_map(graph, x);
            let places = graph.reshape(all.map, 128);
            let embedded = critic.towers(graph, all.summary, places);
            [Term::new(embedded, critic.pairing(), &mut objective).paired_by(&pairs)]
        })?;
        step.ascend(&mut params, &mut adam)?;
        Ok(())
    });
    Ok(Work { gflop, run })
}

/// CPC over the 4 × 4 patches of an image in raster order, one to three steps ahead.
fn cpc() -> Result<Work> {
    const PLACES: usize = 16;
    const WIDTH: usize = 64;
    let mut stream = Stream::new(1, "train");
    let mut params = Params::new();
    let init = Init::GlorotUniform;
    let net = Mlp::new(&mut params, "z", &[49, 128, 128, WIDTH], init, &mut stream)?;
    let gru = Gru::new(&mut params, "c", (PLACES, WIDTH, WIDTH), &mut stream)?;
    let mut critic = |ahead: usize| {
        let name = format!("critic.{ahead}");
        Critic::new(&mut params, &name, &CriticSpec::Bilinear, WIDTH, WIDTH, &mut stream)
    };
    let critics = [critic(1)?, critic(2)?, critic(3)?];
    let x = pixels(&mut stream, (BATCH, PLACES * 49));
    let mut adam = adam(&params);
    let mut step = TrainingStep::new(&params);
    let parts: usize = (1..=3).map(|ahead| PLACES - ahead).sum();
    let mut objectives = vec![Objective::new(&BoundSpec::InfoNce, None)?; parts];
    let encoders = PLACES * Module::<f32>::size(&net).step_products()
        + Module::<f32>::size(&gru).step_products();
    let towers = 3.0 * products(&[(BATCH * PLACES, WIDTH, WIDTH)]);
    let scores = parts as f64 * products(&[(BATCH, WIDTH, BATCH)]);
    let gflop = 2e-9 * (BATCH * encoders) as f64 + 3.0 * (towers + scores);
    let run = Box::new(move || {
        step.forward(&params, |graph| {
            let x = graph.input(x.view());
            let patches = graph.reshape(x, 49);
            let codes = net.forward(graph, patches);
            let sequence = graph.reshape(codes, PLACES * WIDTH);
            let states = gru.forward(graph, sequence);
            let states = graph.reshape(states, WIDTH);
            let mut sides = Vec::with_capacity(parts);
            for (ahead, critic) in (1..).zip(&critics) {
                let (c, z) = critic.towers(graph, states, codes);
                let [c, z] = [c, z].map(|side| graph.reshape(side, PLACES * WIDTH));
                let place = |graph: &mut Graph<'_, f32>, side, p: usize| {
                    graph.slice_columns(side, p * WIDTH..(p + 1) * WIDTH)
                };
                for p in 0..PLACES - ahead {
                    let embedded = (place(graph, c, p), place(graph, z, p + ahead));
                    sides.push((embedded, critic, 1.0 / (3.0 * (PLACES - ahead) as f64)));
                }
            }
            let terms = sides.into_iter().zip(&mut objectives);
            let terms = terms.map(|((embedded, critic, weight), objective)| {
                Term::new(embedded, critic.pairing(), objective).weighted(weight)
            });
            terms.collect::<Vec<_>>()
        })?;
        step.ascend(&mut params, &mut adam)?;
        Ok(())
    });
    Ok(Work { gflop, run })
}

/// A step of the paper's training: both encoders, critic, `InfoNCE`, gradients, Adam.
fn two_views(encoder: &str, critic: &str) -> Result<Work> {
    let spec = &critic_spec(critic)?;
    let mut stream = Stream::new(1, "train");
    let mut params = Params::new();
    let g1 = build_encoder(encoder, &mut params, "g1", &mut stream)?;
    let g2 = build_encoder(encoder, &mut params, "g2", &mut stream)?;
    let dim = g1.output_dim();
    let critic = Critic::new(&mut params, "critic", spec, dim, dim, &mut stream)?;
    let (x, y) = (pixels(&mut stream, (BATCH, PIXELS)), pixels(&mut stream, (BATCH, PIXELS)));
    let mut adam = adam(&params);
    let mut step = TrainingStep::new(&params);
    let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
    let encoders = g1.size().step_products() + g2.size().step_products();
    let gflop = 2e-9 * (BATCH * encoders) as f64 + critic_products(spec, BATCH, dim);
    let run = Box::new(move || {
        step.forward(&params, |graph| {
            let (x, y) = (graph.input(x.view()), graph.input(y.view()));
            let (x, y) = (g1.forward(graph, x), g2.forward(graph, y));
            let embedded = critic.towers(graph, x, y);
            [Term::new(embedded, critic.pairing(), &mut objective)]
        })?;
        step.ascend(&mut params, &mut adam)?;
        Ok(())
    });
    Ok(Work { gflop, run })
}

/// An encoder of half an image.
fn build_encoder(
    kind: &str,
    params: &mut Params<f32>,
    name: &str,
    stream: &mut Stream,
) -> Result<Box<dyn Module<f32>>> {
    let init = Init::GlorotUniform;
    Ok(match kind {
        "mlp" => Box::new(Mlp::new(params, name, &[PIXELS, 300, 300, 100], init, stream)?),
        "residual" => Box::new(ResidualMlp::new(params, name, PIXELS, 5, init, stream)?),
        "convnet" => {
            let config = ConvNetConfig::paper(14, 28, 1);
            Box::new(ConvNet::new(params, name, &config, init, stream)?)
        }
        "realnvp" => {
            let config = RealNvpConfig {
                dim: PIXELS,
                couplings: 30,
                hidden: vec![512, 512],
                kind: CouplingKind::Additive,
            };
            Box::new(RealNvp::new(params, name, &config, init, stream)?)
        }
        _ => bail!("no encoder `{kind}`"),
    })
}
