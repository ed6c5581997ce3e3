//! The evaluations of terms and representations.

use std::collections::BTreeMap;

use mi_data::Split;
use mi_eval::TrainTest;
use ndarray::{Array2, Axis, s};

use super::super::StepError;
use super::super::evaluation::probes;
use super::super::frozen::{self, components, critics};
use super::super::optimise::mean;
use super::super::representation::{self, Sides};
use super::{MultiViewTraining, ceiling};
use crate::config::{Evaluation, Noise};
use crate::error::PaperError;
use crate::multi_view::Candidates;
use crate::record::Metric;

/// The number of test images among which the critic must find an image's own y.
const GALLERY: usize = 1_000;

impl MultiViewTraining {
    pub(super) fn measure(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, StepError> {
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
        let refers = ends && asked.iter().any(Evaluation::needs_reference);
        if paper || converged || refers || !measures.is_empty() {
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
            if let Some((train, test)) = main {
                if refers {
                    found.extend(self.against_reference(&test)?);
                }
                if !measures.is_empty() {
                    found.extend(self.of_representation(&measures, &Sides { train, test })?);
                }
            }
        }
        if ends && asked.contains(&Evaluation::FrozenBounds) {
            found.extend(self.frozen_bounds()?);
        }
        Ok(found)
    }

    /// Measures the main representation. The other view is side y of the first term, and the base
    /// is the pixels that the first encoder reads.
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

    /// Bounds between both representations of the first term, if its candidates are other images.
    fn frozen_bounds(&mut self) -> Result<Vec<(Metric, f64)>, StepError> {
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
                critics::info_nce_at(k, critic, &self.trained.params, sides, &mut self.step)?;
            found.push((Metric::BoundTest.of_part(&format!("K = {k}")), value));
        }
        let (x_scaled, y_scaled) = (critics::standardised(x)?, critics::standardised(y)?);
        for bound in frozen::newly_trained() {
            let stream = self.streams.child(&format!("critic anew {}", bound.name()));
            let value = critics::trained_anew(&bound, (&x_scaled, &y_scaled), &stream)?;
            found.extend(value.map(|value| (Metric::BoundAnew.of_part(bound.name()), value)));
        }
        let stream = self.streams.child("components");
        let of_components = components::estimate(x, y, &order, &stream);
        found.extend(of_components.map(|value| (Metric::ComponentsMi, value)));
        Ok(found)
    }

    /// The largest `InfoNCE` that is possible where patches of different images are equal, for
    /// every term for which it is known.
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

    /// The mutual information that the terms bound, if sequences are drawn: the weighted sum, and
    /// that of each term if there are several.
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

    /// Recall@1 of the first term that does not score single places, averaged over galleries of
    /// [`GALLERY`] test images. Ties count as found.
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
