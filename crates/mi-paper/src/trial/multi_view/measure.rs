//! The evaluations of terms and representations.

use std::collections::BTreeMap;

use mi_data::Split;
use mi_eval::TrainTest;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

use super::super::StepError;
use super::super::frozen::{self, components, critics};
use super::super::memo::Key;
use super::super::optimise::mean;
use super::super::probes;
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
        let ends = Evaluation::include_all(&asked, step, self.steps);
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
        let measures = if ends { representation::asked(&asked) } else { Vec::new() };
        let refers = ends && asked.iter().any(Evaluation::needs_reference);
        let frozen = ends && asked.contains(&Evaluation::FrozenBounds);
        let (mut x, mut y) = (None, None);
        if probes::any(&asked, ends) || refers || !measures.is_empty() {
            let train = self.probed("train")?;
            let test = self.probed("test")?;
            let others = probes::of_others(&asked);
            let both = train.iter().zip(&test).zip(&self.setup.task.probes);
            for (index, ((train, test), probed)) in both.enumerate() {
                let own = if index == 0 { &asked } else { &others };
                let (memo, data) = (&self.reference.memo, &self.inputs.data);
                let of_probe = probes::run(memo, own, ends, data, (train, test), self.seed)?;
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
                let main = Sides { train, test };
                if !measures.is_empty() {
                    if frozen && self.is_noiseless() {
                        y = Some(self.side(&self.setup.task.terms[0].y.clone())?);
                    }
                    found.extend(self.of_representation(&measures, &main, y.as_ref())?);
                }
                x = Some(main).filter(|_| self.main_is_x());
            }
        }
        if frozen {
            found.extend(self.frozen_bounds(x, y)?);
        }
        Ok(found)
    }

    /// Whether the features of a view are the same every time, whatever other views are computed
    /// with them.
    pub(super) fn is_noiseless(&self) -> bool {
        let mut pieces = self.networks.layout.pieces.iter();
        self.setup.noise.sd == 0.0 && !pieces.any(|piece| piece.view().has_noise())
    }

    /// Whether the features of the main representation are those of side x of the first term.
    pub(super) fn main_is_x(&self) -> bool {
        let (main, term) = (self.setup.task.probes.first(), &self.terms[0]);
        let is_whole = self.networks.layout.shape(term.x).places() == 1;
        main.is_some_and(|main| main.of == [term.spec.x.as_str()] && !main.unit && is_whole)
    }

    /// A single representation of all images.
    pub(super) fn side(&mut self, name: &str) -> Result<Sides, PaperError> {
        Ok(self.sides_of(&[name.to_owned()])?.swap_remove(0))
    }

    /// Both sides of the first term, given those that were computed before.
    pub(super) fn both_sides(
        &mut self,
        x: Option<Sides>,
        y: Option<Sides>,
    ) -> Result<[Sides; 2], PaperError> {
        let spec = &self.setup.task.terms[0];
        let names = [spec.x.clone(), spec.y.clone()];
        if !self.is_noiseless() {
            let mut both = self.sides_of(&names)?;
            let (y, x) = (both.swap_remove(1), both.swap_remove(0));
            return Ok([x, y]);
        }
        let mut computed = |side: Option<Sides>, name| side.map_or_else(|| self.side(name), Ok);
        Ok([computed(x, &names[0])?, computed(y, &names[1])?])
    }

    /// Measures the main representation. The other view is side y of the first term, which may have
    /// been computed before, and the base is the pixels that the first encoder reads.
    fn of_representation(
        &mut self,
        measures: &[mi_eval::Measure],
        main: &Sides,
        y: Option<&Sides>,
    ) -> Result<Vec<(Metric, f64)>, PaperError> {
        let own;
        let other = if let Some(y) = y {
            y
        } else {
            own = self.side(&self.setup.task.terms[0].y.clone())?;
            &own
        };
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
        let of = (main, Some(other), Some(&base));
        representation::measure(&self.reference.memo, measures, of, labels, self.seed)
    }

    /// Bounds between both representations of the first term, if its candidates are other images.
    /// x and y are its representations, if they have been computed.
    fn frozen_bounds(
        &mut self,
        x: Option<Sides>,
        y: Option<Sides>,
    ) -> Result<Vec<(Metric, f64)>, StepError> {
        if self.terms[0].spec.candidates != Candidates::OtherImages {
            return Ok(Vec::new());
        }
        let [x, y] = &self.both_sides(x, y)?;
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
        let key = Key::new("without the critic of training", &order, self.seed).sides(x).sides(y);
        found.extend(self.reference.memo.recall(key, || self.without_its_critic(x, y, &order))?);
        Ok(found)
    }

    /// Estimates between both representations that do not depend on the critic of training.
    fn without_its_critic(
        &self,
        x: &Sides,
        y: &Sides,
        order: &[usize],
    ) -> Result<Vec<(Metric, f64)>, StepError> {
        let mut found = Vec::new();
        let (x_scaled, y_scaled) = (critics::standardised(x)?, critics::standardised(y)?);
        for bound in frozen::newly_trained() {
            let stream = self.streams.child(&format!("critic anew {}", bound.name()));
            let value = critics::trained_anew(&bound, (&x_scaled, &y_scaled), &stream)?;
            found.extend(value.map(|value| (Metric::BoundAnew.of_part(bound.name()), value)));
        }
        let stream = self.streams.child("components");
        let of_components = components::estimate(x, y, order, &stream);
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
    /// [`GALLERY`] test images.
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
        let (mut right, mut count) = (0.0, 0);
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
            right += recalled(scores.view());
            count += scores.nrows();
        }
        Ok(Some((Metric::Retrieval, right / count as f64)))
    }
}

/// The number of rows whose diagonal score is the highest. The highest of n equal scores counts as
/// 1/n, its probability if one of them is drawn; otherwise a collapsed encoder, which scores all
/// pairs alike, would find everything.
fn recalled(scores: ArrayView2<'_, f32>) -> f64 {
    let of_row = |(own, row): (usize, ArrayView1<'_, f32>)| {
        let highest = row.iter().all(|&score| score <= row[own]);
        let ties = row.iter().filter(|&&score| score == row[own]).count();
        if highest { 1.0 / ties as f64 } else { 0.0 }
    };
    scores.rows().into_iter().enumerate().map(of_row).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn equal_scores_share_a_hit() {
        // Rows 0 and 2 are found, row 1 is not.
        let scores = array![[3.0_f32, 1.0, 2.0], [5.0, 4.0, 1.0], [0.0, -1.0, 0.5]];
        assert_eq!(recalled(scores.view()), 2.0);
        let tied = array![[3.0_f32, 3.0, 2.0], [5.0, 4.0, 4.0], [0.0, -1.0, 0.5]];
        assert_eq!(recalled(tied.view()), 1.5);
        let collapsed = Array2::<f32>::zeros((8, 8));
        assert_eq!(recalled(collapsed.view()), 1.0);
    }
}
