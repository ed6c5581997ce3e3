//! Multi-view tasks in experiment files.

use super::read::{batch_sizes, grid, images, learning_rates};
use super::schema::{Measure, Net, ViewEncoder};
use super::section::{Entry, Section};
use crate::config::{Evaluation, Task};
use crate::error::PaperError;
use crate::experiments::DataKind;
use crate::multi_view::{self, MultiView, NamedEncoder, Sequences};
use mi_data::Geometry;

/// The tasks of a grid over batch sizes and learning rates; every other key has one value.
pub(super) fn tasks(section: &mut Section<'_>, data: DataKind) -> Result<Vec<Task>, PaperError> {
    let sequences: Option<Sequences> = section.take("sequences").map(Entry::one).transpose()?;
    let image = match &sequences {
        Some(sequences) => Geometry::new(1, sequences.places, 1),
        None => images(data),
    };
    if let Some(sequences) = &sequences {
        sequences.source().map_err(|error| section.error(error.to_string()))?;
    }
    let expected =
        "encoders whose layers have widths above 0 and initial weights of a finite deviation";
    let are_valid = |encoders: &Vec<ViewEncoder>| encoders.iter().all(|e| e.net.is_valid());
    let entry = section.need("encoders")?;
    let place = entry.clone();
    let encoders: Vec<ViewEncoder> = entry.one_that(are_valid, expected)?;
    let encoders = encoders.into_iter().map(|ViewEncoder { name, view, net }| {
        let net = match net {
            Net::Same(of) => multi_view::Net::Same(of),
            Net::Like(of) => {
                return Err(place.error(format!(
                    "`like = \"{of}\"` cannot be used here; write the net in full, or `same` to \
                     share it"
                )));
            }
            own => match own.encoder() {
                Some(spec) => multi_view::Net::Own(spec),
                None => return Err(place.error("the net has to be written in full")),
            },
        };
        Ok(NamedEncoder { name, view, net })
    });
    let measures: Vec<Measure> = section.need("measures")?.one()?;
    let task = MultiView {
        sequences,
        views: section.need("views")?.one()?,
        encoders: encoders.collect::<Result<_, _>>()?,
        contexts: section.one_or("contexts", Vec::new())?,
        terms: section.need("terms")?.one()?,
        prior: section.take("prior").map(Entry::one).transpose()?,
        probes: section.one_or("probes", Vec::new())?,
        batch_size: 0,
        learning_rate: 0.0,
        evaluations: measures.into_iter().map(Evaluation::from).collect(),
    };
    task.layout(image).map_err(|reason| section.error(reason))?;
    let (sizes, rates) = (batch_sizes(section)?, learning_rates(section)?);
    let of = |[size, rate]: [usize; 2]| {
        let (batch_size, learning_rate) = (sizes[size], rates[rate]);
        Task::MultiView(MultiView { batch_size, learning_rate, ..task.clone() })
    };
    Ok(grid([sizes.len(), rates.len()]).into_iter().map(of).collect())
}
