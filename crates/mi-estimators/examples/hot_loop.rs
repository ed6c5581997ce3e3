//! Critic scores, bound and gradients in a loop: something to profile or to count.
//!
//! `hot_loop --list` prints the cases, `hot_loop CASE N` evaluates one N times. Everything that
//! does not depend on N is outside the loop, so the difference between two runs is the cost of the
//! loop: `cargo xtask bench --instructions` measures it with callgrind.

use std::error::Error;
use std::hint::black_box;

use mi_critics::{Critic, CriticSpec};
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::engine::{Batch, Engine};
use mi_nets::{Gradients, Params, Tape};
use mi_random::Stream;

const DIM: usize = 100;
const SIZES: [usize; 2] = [128, 512];

fn critics() -> [(&'static str, CriticSpec); 2] {
    [("dot", CriticSpec::InnerProduct), ("concat", CriticSpec::Concat { hidden: vec![200] })]
}

fn bounds() -> [(&'static str, BoundSpec); 4] {
    [
        ("infonce", BoundSpec::InfoNce),
        ("infonce-symmetric", BoundSpec::InfoNceSymmetric),
        ("nwj", BoundSpec::Nwj),
        ("smile", BoundSpec::Smile { clip: 5.0 }),
    ]
}

fn cases() -> Vec<(String, CriticSpec, BoundSpec, usize)> {
    let mut cases = Vec::new();
    for (critic_name, critic) in critics() {
        for (bound_name, bound) in bounds() {
            for k in SIZES {
                let name = format!("{critic_name}/{bound_name}/{k}");
                cases.push((name, critic.clone(), bound.clone(), k));
            }
        }
    }
    cases
}

fn evaluate(
    critic: &CriticSpec,
    bound: &BoundSpec,
    k: usize,
    times: u64,
) -> Result<f64, Box<dyn Error>> {
    let mut params = Params::<f32>::new();
    let mut stream = Stream::new(1, "hot loop");
    let critic = Critic::new(&mut params, "critic", critic, DIM, DIM, &mut stream)?;
    let x = stream.normal_matrix((k, DIM)).mapv(|value| 0.1 * value as f32);
    let y = stream.normal_matrix((k, DIM)).mapv(|value| 0.1 * value as f32);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let (x, y) = (graph.input(x.view()), graph.input(y.view()));
    let (x, y) = critic.towers(&mut graph, x, y);

    let mut engine = Engine::new();
    let mut objective = Objective::new(bound, None)?;
    let mut gradients = Gradients::zeros_like(&params);
    let mut sum = 0.0;
    for _ in 0..times {
        gradients.clear();
        let batch = Batch::new(graph.value(x), graph.value(y)).scored_by(critic.pairing(), &params);
        let found = engine.differentiate(&batch, &mut objective, Some(&mut gradients))?;
        sum += found.evaluation.estimate;
        black_box(found.x);
    }
    Ok(sum)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let cases = cases();
    match words[..] {
        ["--list"] => {
            for (name, ..) in cases {
                println!("{name}");
            }
        }
        [wanted, times] => {
            let Some((_, critic, bound, k)) = cases.iter().find(|(name, ..)| name == wanted) else {
                return Err(format!("no case `{wanted}`; --list prints them").into());
            };
            println!("{}", evaluate(critic, bound, *k, times.parse()?)?);
        }
        _ => return Err("usage: hot_loop --list | hot_loop CASE N".into()),
    }
    Ok(())
}
