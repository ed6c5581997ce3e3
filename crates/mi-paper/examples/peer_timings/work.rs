//! Work that is timed: by `peer_timings` beside its peers, and by the benchmark `training` from
//! commit to commit.

use anyhow::{Result, bail};
use mi_critics::{Critic, CriticSpec};
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::{Term, TrainingStep};
use mi_nets::{
    AdamConfig, ConvNet, ConvNetConfig, CouplingKind, Init, Mlp, Module, Optimiser, Params,
    RealNvp, RealNvpConfig, ResidualMlp,
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

/// A step of the paper's training: both encoders, critic, `InfoNCE`, gradients, Adam.
pub(crate) fn training_step(encoder: &str, critic: &str) -> Result<Work> {
    let spec = &critic_spec(critic)?;
    let mut stream = Stream::new(1, "train");
    let mut params = Params::new();
    let g1 = build_encoder(encoder, &mut params, "g1", &mut stream)?;
    let g2 = build_encoder(encoder, &mut params, "g2", &mut stream)?;
    let dim = g1.output_dim();
    let critic = Critic::new(&mut params, "critic", spec, dim, dim, &mut stream)?;
    let x = stream.normal_matrix((BATCH, PIXELS)).mapv(|value| value.abs() as f32);
    let y = stream.normal_matrix((BATCH, PIXELS)).mapv(|value| value.abs() as f32);
    // So small that the bound stays where it starts: repeated steps on one batch would drive
    // gradients to subnormal numbers, which cost what no training costs.
    let config = AdamConfig { lr: 1e-12, ..AdamConfig::default() };
    let mut adam = Optimiser::new(config, &params);
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
