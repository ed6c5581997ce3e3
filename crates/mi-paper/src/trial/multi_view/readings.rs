//! Measures the bounds and losses of all terms on batches.

use mi_estimators::Term;

use super::super::StepError;
use super::super::optimise::mean;
use super::super::single_view::batches;
use super::MultiViewTraining;
use super::objective::Maximised;
use super::terms::{BuiltTerm, Sides};
use crate::config::{Evaluation, Noise};
use crate::error::PaperError;
use crate::multi_view::Candidates;
use crate::record::Metric;

/// The number of batches over which the paper's notebook averages its bound.
const NOTEBOOK_BATCHES: usize = 20;

/// A number that is measured on a batch.
struct Reading {
    what: Read,
    /// The name of the term or place.
    name: String,
    value: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Read {
    /// A bound, with its weight in the task's sum.
    Bound(f64),
    /// A loss, with its weight in the task's sum.
    Loss(f64),
    /// A bound that is not part of the sum.
    Aside,
}

impl MultiViewTraining {
    pub(super) fn bounds(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, StepError> {
        let stream = self.streams.child(&format!("evaluation {step}"));
        let mut draws = stream.child("noise");
        let data = self.inputs.data.clone();
        let (k, noise) = (self.setup.task.batch_size, self.setup.noise);

        let mut sampler = batches(&data, k, &stream)?;
        let mut batches = Vec::new();
        for _ in 0..NOTEBOOK_BATCHES {
            // With the noise of training, since the notebook evaluates its training graph.
            self.inputs.fill(&data.train, sampler.next_batch(), (noise, &mut draws))?;
            batches.push(self.read()?);
        }
        let mut found = summary(&batches, (Metric::BoundTrain, Metric::LossTrain));
        if let Some(target) = self.setup.target {
            let values = batches.iter().filter_map(|readings| readings.first());
            let distances: Vec<f64> = values.map(|first| (first.value - target).abs()).collect();
            found.push((Metric::TargetLoss, mean(&distances)));
        }

        batches.clear();
        for rows in self.test_batches().chunks_exact(k) {
            let independent = Noise { shared: false, ..noise };
            self.inputs.fill(&data.test, rows, (independent, &mut draws))?;
            batches.push(self.read()?);
        }
        found.extend(summary(&batches, (Metric::BoundTest, Metric::LossTest)));
        Ok(found)
    }

    /// The indices of all test images, in a random order that mixes classes and is the same at
    /// every step.
    pub(super) fn test_batches(&self) -> Vec<usize> {
        self.streams.child("test batches").permutation(self.inputs.data.test.len())
    }

    /// Evaluates every term on the batch in the inputs.
    fn read(&mut self) -> Result<Vec<Reading>, PaperError> {
        let Self { networks, terms, objectives, step, inputs, needed, trained, setup, .. } = self;
        let places = setup.task.evaluations.contains(&Evaluation::SinglePlaces);
        let several = terms.len() > 1;
        // For each value that an engine returns: the reading to which it belongs, its share in it,
        // and (in `judges`) the objective that it is evaluated with.
        let mut plan: Vec<(usize, f64)> = Vec::new();
        let mut readings: Vec<Reading> = Vec::new();
        let mut judges: Vec<Maximised> = Vec::new();
        for (term, own) in terms.iter().zip(own_objectives(terms, objectives)) {
            let weight = term.spec.weight;
            let mut reading = |what, name: &str| {
                readings.push(Reading { what, name: name.to_owned(), value: 0.0 });
                readings.len() - 1
            };
            let bound = reading(Read::Bound(weight), &term.spec.name);
            if term.spec.is_banked() {
                // Without the bank, the images of a batch are compared in both directions.
                plan.push((bound, 1.0));
                judges.push(Maximised::info_nce(true)?);
            } else {
                plan.extend(term.shares().map(|share| (bound, share)));
                if term.spec.reports_loss() {
                    let info_nce = Maximised::info_nce(false)?;
                    judges.extend(own.iter().map(|_| info_nce.clone()));
                    let loss = reading(Read::Loss(weight), &term.spec.name);
                    plan.extend(term.shares().map(|share| (loss, -share)));
                }
                judges.extend(own.iter().cloned());
            }
            if places && term.spec.candidates == Candidates::AllPlaces {
                for place in ["corner", "centre"] {
                    let name = if several {
                        format!("{} {place}", term.spec.name)
                    } else {
                        place.to_owned()
                    };
                    plan.push((reading(Read::Aside, &name), 1.0));
                    judges.push(Maximised::info_nce(false)?);
                }
            }
        }
        let found = step.estimate(&trained.params, |graph| {
            let represented = networks.forward(graph, &inputs.views(), needed);
            let mut sides: Vec<Sides<'_>> = Vec::new();
            for term in terms.iter() {
                let first = sides.len();
                term.sides(graph, &represented, None, &mut sides);
                if term.spec.reports_loss() {
                    sides.extend_from_within(first..);
                }
                if places && term.spec.candidates == Candidates::AllPlaces {
                    term.single_places(graph, &represented, &mut sides);
                }
            }
            let judged = sides.into_iter().zip(&mut judges);
            let terms = judged.map(|(side, judge)| {
                Term::new(side.embedded, side.pairing, judge.as_bound())
                    .paired_by(side.pairs)
                    .with_learned(side.learned)
            });
            terms.collect::<Vec<_>>()
        })?;
        for ((found, (reading, share)), judge) in found.iter().zip(plan).zip(&judges) {
            readings[reading].value += share * judge.reported(found);
        }
        Ok(readings)
    }
}

/// The objectives of each term.
fn own_objectives<'a>(
    terms: &'a [BuiltTerm],
    objectives: &'a [Maximised],
) -> impl Iterator<Item = &'a [Maximised]> {
    let mut rest = objectives;
    terms.iter().map(move |term| {
        let (own, others) = rest.split_at(term.parts());
        rest = others;
        own
    })
}

/// The means over batches: for the task, and for its terms if there are several.
fn summary(batches: &[Vec<Reading>], (bound, loss): (Metric, Metric)) -> Vec<(Metric, f64)> {
    let Some(first) = batches.first() else { return Vec::new() };
    let of = |index: usize| {
        mean(&batches.iter().map(|readings| readings[index].value).collect::<Vec<f64>>())
    };
    let means: Vec<f64> = (0..first.len()).map(of).collect();
    let mut found = Vec::new();
    for (metric, is_loss) in [(bound, false), (loss, true)] {
        let weights = first.iter().map(|reading| match reading.what {
            Read::Bound(weight) if !is_loss => Some(weight),
            Read::Loss(weight) if is_loss => Some(weight),
            _ => None,
        });
        let own: Vec<(usize, f64)> =
            weights.enumerate().filter_map(|(index, weight)| Some((index, weight?))).collect();
        match own.as_slice() {
            [] => {}
            [(only, _)] => found.push((metric, means[*only])),
            several => {
                found.push((metric, several.iter().map(|(i, weight)| weight * means[*i]).sum()));
                found.extend(
                    several.iter().map(|(i, _)| (metric.of_part(&first[*i].name), means[*i])),
                );
            }
        }
    }
    let asides = first.iter().zip(&means).filter(|(reading, _)| reading.what == Read::Aside);
    found.extend(asides.map(|(reading, mean)| (bound.of_part(&reading.name), *mean)));
    found
}
