//! Computes features of all images, for probes and measures.

use mi_data::Split;
use mi_nets::{Params, Tape};
use ndarray::{Array2, Axis, s};

use super::super::evaluation::{CHUNK, first};
use super::super::representation::Sides;
use super::MultiViewTraining;
use super::inputs::Inputs;
use super::networks::Networks;
use crate::error::PaperError;
use crate::multi_view::{Places, Probed};
use crate::record::Metric;

impl MultiViewTraining {
    /// Features for every probe, of all images of a split.
    pub(super) fn probed(&mut self, name: &str) -> Result<Vec<Array2<f32>>, PaperError> {
        let probes = self.setup.task.probes.clone();
        self.features_of(&probes, name)
    }

    /// Compares the main representation with its start, and transfers it to another data set.
    pub(super) fn against_reference(
        &mut self,
        test: &Array2<f32>,
    ) -> Result<Vec<(Metric, f64)>, PaperError> {
        let Self { inputs, networks, streams, setup, trained, step, reference, seed, .. } = self;
        let (inputs, networks, sd) = (&*inputs, &*networks, setup.noise.sd);
        let main = &setup.task.probes[..1];
        reference.measure(&trained.params, (&inputs.data, test), *seed, |params, split, name| {
            let mut noise = streams.child(&format!("evaluation noise {name}"));
            let from = (inputs, networks, params);
            Ok(features(from, main, split, (sd, &mut noise), step.tape())?.swap_remove(0))
        })
    }

    /// The main representation of the first test images.
    pub(super) fn main_representation(
        &mut self,
        count: usize,
    ) -> Result<Option<Array2<f32>>, PaperError> {
        let Self { inputs, networks, streams, setup, trained, step, .. } = self;
        let Some(main) = setup.task.probes.first() else { return Ok(None) };
        let mut noise = streams.child("evaluation noise test");
        let from = (&*inputs, &*networks, &trained.params);
        let (split, noise) = (first(&inputs.data.test, count), (setup.noise.sd, &mut noise));
        Ok(features(from, std::slice::from_ref(main), &split, noise, step.tape())?.pop())
    }

    fn features_of(
        &mut self,
        probes: &[Probed],
        name: &str,
    ) -> Result<Vec<Array2<f32>>, PaperError> {
        let Self { inputs, networks, streams, setup, trained, step, .. } = self;
        let split = if name == "train" { &inputs.data.train } else { &inputs.data.test };
        // The same draw at every step, so that it does not add noise to the curve.
        let mut noise = streams.child(&format!("evaluation noise {name}"));
        let from = (&*inputs, &*networks, &trained.params);
        features(from, probes, split, (setup.noise.sd, &mut noise), step.tape())
    }

    /// Representations of all images; maps are averaged over their places.
    pub(super) fn sides_of(&mut self, names: &[String]) -> Result<Vec<Sides>, PaperError> {
        let probes: Vec<Probed> =
            names.iter().map(|name| Probed::new(name, &[name]).reduced(Places::Mean)).collect();
        let train = self.features_of(&probes, "train")?;
        let test = self.features_of(&probes, "test")?;
        Ok(train.into_iter().zip(test).map(|(train, test)| Sides { train, test }).collect())
    }
}

/// Features of all images of a split for every probe. Each representation is computed once.
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

/// Reduces a representation to one vector per image, as a probe reads it.
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
