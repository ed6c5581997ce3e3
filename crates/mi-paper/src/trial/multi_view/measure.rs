//! What is measured on terms and representations at an evaluation.

use std::collections::BTreeMap;

use mi_data::Split;
use mi_estimators::Term;
use mi_estimators::bounds::BoundSpec;
use mi_eval::TrainTest;
use mi_nets::{Params, Tape};
use ndarray::{Array2, Axis, s};

use super::super::Halt;
use super::super::evaluation::{CHUNK, probes};
use super::super::optimise::mean;
use super::super::representation::{self, Sides};
use super::super::single_view::batches;
use super::inputs::Inputs;
use super::networks::Networks;
use super::objective::Maximised;
use super::terms;
use super::{MultiViewTraining, ceiling, components, frozen};
use crate::config::{Evaluation, Noise};
use crate::error::PaperError;
use crate::multi_view::{Candidates, Places, Probed};
use crate::record::Metric;

/// Batches over which the notebook averages its bound.
const NOTEBOOK_BATCHES: usize = 20;

/// Test images among which an image's own y is looked for.
const GALLERY: usize = 1_000;

/// A number that is read off a batch.
struct Reading {
    what: Read,
    /// The part of the task.
    name: String,
    value: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Read {
    /// A bound, with its factor in the sum that is the task's.
    Bound(f64),
    /// A loss, likewise.
    Loss(f64),
    /// A bound that is no part of the sum.
    Aside,
}

impl MultiViewTraining {
    pub(super) fn measure(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, Halt> {
        let asked = self.setup.task.evaluations.clone();
        let ends = step == 0 || step == self.steps;
        let mut found = Vec::new();
        if asked.contains(&Evaluation::Bounds) {
            found.extend(self.bounds(step)?);
        }
        if step == 0 {
            found.extend(self.true_information()?);
        }
        if step == 0 && asked.contains(&Evaluation::TiesCeiling) {
            found.extend(self.ceilings()?);
        }
        if asked.contains(&Evaluation::Retrieval) {
            found.extend(self.retrieval()?);
        }
        let paper = asked.contains(&Evaluation::Probe);
        let converged = ends && asked.contains(&Evaluation::ConvergedProbe);
        let measures = if ends { representation::asked(&asked) } else { Vec::new() };
        if paper || converged || !measures.is_empty() {
            let train = self.probed("train")?;
            let test = self.probed("test")?;
            let both = train.iter().zip(&test).zip(&self.setup.task.probes);
            for (index, ((train, test), probed)) in both.enumerate() {
                let mut of_probe = Vec::new();
                let data = &self.inputs.data;
                probes(&mut of_probe, data, (train, test), (paper, converged), self.seed)?;
                found.extend(of_probe.into_iter().map(|(metric, value)| match index {
                    0 => (metric, value),
                    _ => (metric.of_part(&probed.name), value),
                }));
            }
            let main = train.into_iter().next().zip(test.into_iter().next());
            if let (false, Some((train, test))) = (measures.is_empty(), main) {
                found.extend(self.of_representation(&measures, &Sides { train, test })?);
            }
        }
        if ends && asked.contains(&Evaluation::FrozenBounds) {
            found.extend(self.frozen_bounds()?);
        }
        Ok(found)
    }

    /// Measures of the main representation, with that of the other side of the first term as another view
    /// and the first encoder's pixels as the base.
    fn of_representation(
        &mut self,
        measures: &[mi_eval::Measure],
        main: &Sides,
    ) -> Result<Vec<(Metric, f64)>, PaperError> {
        let other = self.sides_of(&[self.setup.task.terms[0].y.clone()])?.swap_remove(0);
        let view = self.networks.view_of(0);
        let mut seen = vec![false; self.networks.layout.pieces.len()];
        seen[view] = true;
        let pixels = |split: &Split, name: &str| -> Result<Array2<f32>, PaperError> {
            let mut noise = self.streams.child(&format!("evaluation noise {name}"));
            let of = (self.setup.noise.sd, &mut noise);
            Ok(self.inputs.all(split, &seen, of)?.swap_remove(view))
        };
        let data = &self.inputs.data;
        let base =
            Sides { train: pixels(&data.train, "train")?, test: pixels(&data.test, "test")? };
        let labels = TrainTest::new(&data.train.labels[..], &data.test.labels[..]);
        representation::measure(measures, (main, Some(&other), Some(&base)), labels, self.seed)
    }

    /// Representations of all images, the means over places of maps.
    fn sides_of(&mut self, names: &[String]) -> Result<Vec<Sides>, PaperError> {
        let probes: Vec<Probed> =
            names.iter().map(|name| Probed::new(name, &[name]).reduced(Places::Mean)).collect();
        let train = self.features_of(&probes, "train")?;
        let test = self.features_of(&probes, "test")?;
        Ok(train.into_iter().zip(test).map(|(train, test)| Sides { train, test }).collect())
    }

    /// Bounds between both representations of the first term, where it joins summaries.
    fn frozen_bounds(&mut self) -> Result<Vec<(Metric, f64)>, Halt> {
        let term = &self.terms[0];
        if term.spec.candidates != Candidates::OtherImages {
            return Ok(Vec::new());
        }
        let both = self.sides_of(&[term.spec.x.clone(), term.spec.y.clone()])?;
        let [x, y] = &both[..] else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let images = self.inputs.data.test.len();
        // In an order that mixes classes.
        let order = self.test_batches();
        let (x_test, y_test) = (x.test.select(Axis(0), &order), y.test.select(Axis(0), &order));
        let critic = self.terms[0].critic();
        for k in frozen::SIZES.into_iter().filter(|&k| k <= images) {
            let sides = (x_test.view(), y_test.view());
            let value =
                frozen::info_nce_at(k, critic, &self.trained.params, sides, &mut self.step)?;
            found.push((Metric::BoundTest.of_part(&format!("K = {k}")), value));
        }
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj, BoundSpec::Flo] {
            let stream = self.streams.child(&format!("critic anew {}", bound.name()));
            let value = frozen::trained_anew(&bound, (x, y), &stream)?;
            found.push((Metric::BoundAnew.of_part(bound.name()), value));
        }
        let stream = self.streams.child("components");
        let of_components = components::estimate(x, y, &order, &stream);
        found.extend(of_components.map(|value| (Metric::ComponentsMi, value)));
        Ok(found)
    }

    fn bounds(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, Halt> {
        let stream = self.streams.child(&format!("evaluation {step}"));
        let mut draws = stream.child("noise");
        let data = self.inputs.data.clone();
        let (k, noise) = (self.setup.task.batch_size, self.setup.noise);

        let mut sampler = batches(&data, k, &stream)?;
        let mut batches = Vec::new();
        for _ in 0..NOTEBOOK_BATCHES {
            // With the noise of training, since the notebook evaluates the graph that it trains.
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

    /// The rows of all test images: the same batches at every step, in an order that mixes classes.
    fn test_batches(&self) -> Vec<usize> {
        self.streams.child("test batches").permutation(self.inputs.data.test.len())
    }

    /// What every term says of the batch that the inputs hold.
    fn read(&mut self) -> Result<Vec<Reading>, PaperError> {
        let Self { networks, terms, objectives, step, inputs, needed, trained, setup, .. } = self;
        let places = setup.task.evaluations.contains(&Evaluation::SinglePlaces);
        let several = terms.len() > 1;
        // What each engine's value is a share of, and what it is evaluated under.
        let mut plan: Vec<(usize, f64)> = Vec::new();
        let mut readings: Vec<Reading> = Vec::new();
        let mut judges: Vec<Maximised> = Vec::new();
        for (term, own) in terms.iter().zip(own_objectives(terms, objectives)) {
            let weight = term.spec.weight;
            let mut reading = |what, name: &str| {
                readings.push(Reading { what, name: name.to_owned(), value: 0.0 });
                readings.len() - 1
            };
            let is_banked = matches!(term.spec.candidates, Candidates::Bank { .. });
            let is_bound = !term.spec.objective.is_loss() && !is_banked;
            let bound = reading(Read::Bound(weight), &term.spec.name);
            if is_bound {
                plan.extend(term.shares().map(|share| (bound, share)));
                judges.extend(own.iter().cloned());
            } else if is_banked {
                plan.push((bound, 1.0));
                judges.push(Maximised::info_nce(true)?);
            } else {
                plan.extend(term.shares().map(|share| (bound, share)));
                for _ in own {
                    judges.push(Maximised::info_nce(false)?);
                }
                let loss = reading(Read::Loss(weight), &term.spec.name);
                plan.extend(term.shares().map(|share| (loss, -share)));
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
            let mut sides: Vec<terms::Sides<'_>> = Vec::new();
            for term in terms.iter() {
                let first = sides.len();
                term.sides(graph, &represented, None, &mut sides);
                let is_banked = matches!(term.spec.candidates, Candidates::Bank { .. });
                if term.spec.objective.is_loss() && !is_banked {
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

    /// Features for every probe, of all images of a split.
    fn probed(&mut self, name: &str) -> Result<Vec<Array2<f32>>, PaperError> {
        let probes = self.setup.task.probes.clone();
        self.features_of(&probes, name)
    }

    fn features_of(
        &mut self,
        probes: &[Probed],
        name: &str,
    ) -> Result<Vec<Array2<f32>>, PaperError> {
        let Self { inputs, networks, streams, setup, trained, step, .. } = self;
        let split = if name == "train" { &inputs.data.train } else { &inputs.data.test };
        // The same draw at every step, so that it does not blur the curve.
        let mut noise = streams.child(&format!("evaluation noise {name}"));
        let from = (&*inputs, &*networks, &trained.params);
        features(from, probes, split, (setup.noise.sd, &mut noise), step.tape())
    }

    /// The largest `InfoNCE` that equal patches leave, for every term whose pieces can be told.
    fn ceilings(&mut self) -> Result<Vec<(Metric, f64)>, PaperError> {
        let data = self.inputs.data.clone();
        let mut draws = self.streams.child("evaluation ceiling");
        let mut sums: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for rows in self.test_batches().chunks_exact(self.setup.task.batch_size) {
            self.inputs.fill(&data.test, rows, (Noise::NONE, &mut draws))?;
            for term in &self.terms {
                if let Some((name, value)) = ceiling::of(term, &self.networks, &self.inputs.views())
                {
                    sums.entry(name).or_default().push(value);
                }
            }
        }
        let several = sums.len() > 1;
        let of = |(name, values): (String, Vec<f64>)| {
            let metric = Metric::TiesCeiling;
            (if several { metric.of_part(&name) } else { metric }, mean(&values))
        };
        Ok(sums.into_iter().map(of).collect())
    }

    /// The mutual information that the terms of drawn sequences bound: the weighted sum, and of each.
    fn true_information(&self) -> Result<Vec<(Metric, f64)>, PaperError> {
        let Some(sequences) = &self.setup.task.sequences else { return Ok(Vec::new()) };
        let source = sequences.source()?;
        let of = |term: &super::BuiltTerm| {
            let values: Vec<f64> =
                term.places().map(|(p, q)| source.mutual_information(p, q - p)).collect();
            mean(&values)
        };
        let weighted = self.terms.iter().map(|term| term.spec.weight * of(term)).sum();
        let whole = [(Metric::TrueMi, weighted)];
        let parts = self.terms.iter().filter(|_| self.terms.len() > 1);
        let parts = parts.map(|term| (Metric::TrueMi.of_part(&term.spec.name), of(term)));
        Ok(whole.into_iter().chain(parts).collect())
    }

    /// Recall@1 of the first term that joins two summaries, over whole galleries of test images.
    fn retrieval(&mut self) -> Result<Option<(Metric, f64)>, PaperError> {
        let joins = |term: &&super::BuiltTerm| {
            !matches!(term.spec.candidates, Candidates::AllPlaces | Candidates::Ahead { .. })
        };
        let Some(term) = self.terms.iter().find(joins) else { return Ok(None) };
        let Self { inputs, networks, streams, setup, trained, step, .. } = self;
        let needed = networks.needed(&[term.x, term.y]);
        let mut noise = streams.child("evaluation noise retrieval");
        let sd = setup.noise.sd;
        let all = inputs.all(&inputs.data.test, &networks.views(&needed), (sd, &mut noise))?;
        let n = inputs.data.test.len();
        let gallery = GALLERY.min(n);
        let (mut right, mut count) = (0, 0);
        for start in (0..=n - gallery).step_by(gallery) {
            let batches: Vec<_> =
                all.iter().map(|view| view.slice(s![start..start + gallery, ..])).collect();
            let mut graph = step.tape().begin_inference(&trained.params);
            let represented = networks.forward(&mut graph, &batches, &needed);
            let (x, y) = (represented.of(term.x), represented.of(term.y));
            let (x, y) = term.critic().towers(&mut graph, x, y);
            graph.check()?;
            let pairing = term.critic().pairing();
            let scores = pairing.scores(&trained.params, graph.value(x), graph.value(y))?;
            for (own, row) in scores.rows().into_iter().enumerate() {
                right += usize::from(row.iter().all(|&score| score <= row[own]));
                count += 1;
            }
        }
        Ok(Some((Metric::Retrieval, f64::from(right as u32) / f64::from(count))))
    }
}

/// The objectives of each term.
fn own_objectives<'a>(
    terms: &'a [super::BuiltTerm],
    objectives: &'a [Maximised],
) -> impl Iterator<Item = &'a [Maximised]> {
    let mut rest = objectives;
    terms.iter().map(move |term| {
        let (own, others) = rest.split_at(term.parts());
        rest = others;
        own
    })
}

/// The means over batches: of the task, and of its parts where there are several.
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

/// Features of all images of a split for every probe: each representation is made once.
fn features(
    (inputs, networks, params): (&Inputs, &Networks, &Params<f32>),
    probes: &[Probed],
    split: &Split,
    noise: (f64, &mut mi_random::Stream),
    tape: &mut Tape<f32>,
) -> Result<Vec<Array2<f32>>, PaperError> {
    let layout = &networks.layout;
    let find = |name: &String| layout.find(name).unwrap_or_else(|reason| unreachable!("{reason}"));
    let mut asked: Vec<usize> =
        probes.iter().flat_map(|probed| probed.of.iter().map(find)).collect();
    asked.sort_unstable();
    asked.dedup();
    let needed = networks.needed(&asked);
    let views = inputs.all(split, &networks.views(&needed), noise)?;
    let width = |probed: &Probed| layout.probed_width(probed).unwrap_or_default();
    let mut features: Vec<Array2<f32>> =
        probes.iter().map(|probed| Array2::zeros((split.len(), width(probed)))).collect();
    for start in (0..split.len()).step_by(CHUNK) {
        let rows = start..split.len().min(start + CHUNK);
        let batches: Vec<_> = views.iter().map(|view| view.slice(s![rows.clone(), ..])).collect();
        let mut graph = tape.begin_inference(params);
        let represented = networks.forward(&mut graph, &batches, &needed);
        graph.check()?;
        for (features, probed) in features.iter_mut().zip(probes) {
            let mut column = 0;
            for representation in probed.of.iter().map(find) {
                let values = graph.value(represented.of(representation));
                let shape = layout.shape(representation);
                let of = reduced(values.to_owned(), shape.places(), probed);
                let to = s![rows.clone(), column..column + of.ncols()];
                features.slice_mut(to).assign(&of);
                column += of.ncols();
            }
        }
    }
    Ok(features)
}

/// One vector an image, as a probe sees it.
fn reduced(values: Array2<f32>, places: usize, probed: &Probed) -> Array2<f32> {
    let width = values.ncols() / places;
    let mut reduced = match probed.places {
        Places::All => values,
        Places::Last => values.slice(s![.., (places - 1) * width..]).to_owned(),
        Places::Mean => {
            let mut sum = Array2::<f32>::zeros((values.nrows(), width));
            for place in 0..places {
                sum += &values.slice(s![.., place * width..(place + 1) * width]);
            }
            sum / places as f32
        }
    };
    if probed.unit {
        for mut row in reduced.axis_iter_mut(Axis(0)) {
            let length = row.dot(&row).sqrt();
            if length > 0.0 {
                row /= length;
            }
        }
    }
    reduced
}
