//! Matches a representation to a prior with an adversarial discriminator (Hjelm et al., 2019).

use mi_estimators::losses::prior_matching;
use mi_nets::{Init, Learner, Mlp, Module, Params};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, Axis};

use super::super::StepError;
use super::super::optimise::{adam, finite};
use crate::error::PaperError;
use crate::multi_view::Prior;

/// The discriminator, which learns to distinguish σ(codes) from draws of the uniform distribution.
pub(super) struct Discriminator {
    network: Mlp,
    pub(super) learner: Learner<f32>,
    draws: Stream,
    weight: f64,
    /// The loss of the last step; NaN before the first.
    pub(super) loss: f64,
}

impl Discriminator {
    pub(super) fn new(
        prior: &Prior,
        width: usize,
        learning_rate: f64,
        streams: &Stream,
    ) -> Result<Self, PaperError> {
        let sizes = [&[width], prior.hidden.as_slice(), &[1]].concat();
        let mut params = Params::new();
        let mut init = streams.child("init discriminator");
        let network =
            Mlp::new(&mut params, "discriminator", &sizes, Init::GlorotUniform, &mut init)?;
        Ok(Self {
            network,
            learner: Learner::new(adam(learning_rate), params),
            draws: streams.child("prior"),
            weight: prior.weight,
            loss: f64::NAN,
        })
    }

    /// Takes one step of the discriminator on a batch of codes. Returns the gradient of −γ times
    /// the encoder's loss with respect to the codes, for the discriminator as it was before the
    /// step.
    pub(super) fn step(&mut self, codes: ArrayView2<'_, f32>) -> Result<Array2<f32>, StepError> {
        let logistic = codes.mapv(|code| 1.0 / (1.0 + (-code).exp()));
        let drawn = Array2::from_shape_simple_fn(codes.dim(), || self.draws.uniform() as f32);
        let mut graph = self.learner.begin();
        let (prior, own) = (graph.input(drawn.view()), graph.input_with_gradient(logistic.view()));
        let (of_prior, of_codes) =
            (self.network.forward(&mut graph, prior), self.network.forward(&mut graph, own));
        graph.check()?;
        let column = |var| graph.value(var).index_axis_move(Axis(1), 0);
        let found = prior_matching(column(of_prior), column(of_codes))?;
        self.loss = finite("the discriminator's loss", found.discriminator.nats())?;
        let of_encoder = found.encoder_gradient.insert_axis(Axis(1));
        graph.backward_to_inputs(&[(of_codes, of_encoder.view())])?;
        let mut gradient = graph
            .gradient(own)
            .map_or_else(|| Array2::zeros(codes.dim()), |gradient| gradient.to_owned());
        gradient.zip_mut_with(&logistic, |g, &s| *g *= self.weight as f32 * s * (1.0 - s));
        let (first, second) = found.discriminator_gradients;
        let (first, second) = (first.insert_axis(Axis(1)), second.insert_axis(Axis(1)));
        let seeds = [(of_prior, first.view()), (of_codes, second.view())];
        self.learner.ascend(&seeds)?;
        Ok(gradient)
    }

    /// The stream of draws from the prior.
    pub(super) fn draws(&self) -> &Stream {
        &self.draws
    }

    /// Restores the stream of draws and the last loss.
    pub(super) fn restore(&mut self, draws: Stream, loss: f64) {
        (self.draws, self.loss) = (draws, loss);
    }
}

#[cfg(test)]
mod tests {
    use mi_nets::Tape;

    use super::super::tests::assert_gradient;
    use super::*;

    /// The gradient of γ mean log D(σ(code)) passes through the discriminator and the logistic
    /// function.
    #[test]
    fn the_gradient_of_codes_equals_central_differences() {
        const WEIGHT: f64 = 0.3;
        let prior = Prior { of: "g".to_owned(), weight: WEIGHT, hidden: vec![6, 4] };
        let mut discriminator =
            Discriminator::new(&prior, 3, 1e-3, &Stream::new(2, "prior")).unwrap();
        let network = discriminator.network.clone();
        let params = discriminator.learner.params.cast::<f64>();
        let codes = Stream::new(3, "codes").normal_matrix((4, 3)).mapv(|c| f64::from(c as f32));
        let objective = |codes: &Array2<f64>| {
            let mut tape = Tape::new();
            let mut graph = tape.begin_inference(&params);
            let input = graph.input(codes.mapv(|code| 1.0 / (1.0 + (-code).exp())).view());
            let logits = network.forward(&mut graph, input);
            let log_d = graph.value(logits).mapv(|u| -(-u).exp().ln_1p());
            WEIGHT * log_d.mean().unwrap()
        };
        let found = discriminator.step(codes.mapv(|c| c as f32).view()).unwrap();
        assert_gradient(&found, &codes, objective, |expected| 1e-7 + 1e-4 * expected.abs());
        assert!(found.iter().any(|gradient| gradient.abs() > 1e-3), "{found}");
    }

    /// The logistic function of codes that are moved along the gradients becomes uniform.
    #[test]
    fn codes_are_driven_towards_the_prior() {
        let prior = Prior { of: "g".to_owned(), weight: 1.0, hidden: vec![32] };
        let mut discriminator =
            Discriminator::new(&prior, 1, 3e-3, &Stream::new(2, "prior")).unwrap();
        let mut codes =
            Stream::new(3, "codes").normal_matrix((256, 1)).mapv(|c| 3.0 + 0.2 * c as f32);
        for _ in 0..1500 {
            let gradient = discriminator.step(codes.view()).unwrap();
            codes.scaled_add(20.0, &gradient);
        }
        let uniform = codes.mapv(|code| f64::from(1.0 / (1.0 + (-code).exp())));
        let mean = uniform.mean().unwrap();
        let deviation = uniform.std(0.0);
        // The uniform distribution has 0.5 and 0.289; at the start they are 0.95 and 0.01.
        assert!((mean - 0.5).abs() < 0.1 && (deviation - 0.289).abs() < 0.1, "{mean} {deviation}");
        assert!(discriminator.loss > 1.2, "it still distinguishes them: {}", discriminator.loss);
    }
}
