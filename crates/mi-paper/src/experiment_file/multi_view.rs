//! Multi-view tasks in experiment files.

use mi_data::Geometry;

use super::optimiser;
use super::read::{batch_sizes, grid, images, objectives};
use super::schema::{Measure, Net, ViewEncoder};
use super::section::{Entry, Section};
use crate::config::{Evaluation, Task};
use crate::error::PaperError;
use crate::experiments::DataKind;
use crate::multi_view::{self, Candidates, MultiView, NamedEncoder, Sequences, ViewTerm};

/// The keys that only multi-view tasks have.
pub(super) const KEYS: [&str; 4] = ["probes", "sequences", "contexts", "prior"];

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
    let mut encoders: Vec<NamedEncoder> = Vec::new();
    for ViewEncoder { name, view, net } in entry.one_that(are_valid, expected)? {
        let net = match net {
            Net::Same(of) => multi_view::Net::Same(of),
            Net::Like(of) => match encoders.iter().find(|other| other.name == of) {
                Some(NamedEncoder { net: multi_view::Net::Own(spec), .. }) => {
                    multi_view::Net::Own(spec.clone())
                }
                _ => {
                    return Err(place.error(format!(
                        "`like = \"{of}\"`: there is no encoder `{of}` above whose net is written \
                         in full"
                    )));
                }
            },
            own => match own.encoder() {
                Some(spec) => multi_view::Net::Own(spec),
                None => return Err(place.error("the net has to be written in full")),
            },
        };
        encoders.push(NamedEncoder { name, view, net });
    }
    let terms = section.need("terms")?.tables()?.into_iter().map(term);
    let measures: Vec<Measure> = section.one_or("measures", Vec::new())?;
    let task = MultiView {
        sequences,
        views: section.need("views")?.one()?,
        encoders,
        contexts: section.one_or("contexts", Vec::new())?,
        terms: terms.collect::<Result<_, _>>()?,
        prior: section.take("prior").map(Entry::one).transpose()?,
        probes: section.one_or("probes", Vec::new())?,
        batch_size: 0,
        learning_rate: 0.0,
        optimiser: None,
        evaluations: measures.into_iter().map(Evaluation::from).collect(),
    };
    task.layout(image).map_err(|reason| section.error(reason))?;
    let (sizes, rates) = (batch_sizes(section)?, optimiser::rates(section)?);
    let of = |[size, rate]: [usize; 2]| {
        let (batch_size, rate) = (sizes[size], rates[rate].clone());
        let (learning_rate, optimiser) = (rate.learning_rate, rate.optimiser);
        Task::MultiView(MultiView { batch_size, learning_rate, optimiser, ..task.clone() })
    };
    Ok(grid([sizes.len(), rates.len()]).into_iter().map(of).collect())
}

fn term(mut table: Section<'_>) -> Result<ViewTerm, PaperError> {
    let objective = match &objectives(&mut table)?[..] {
        [only] => only.clone(),
        _ => return Err(table.error("a term has one bound or objective here, not a list")),
    };
    let term = ViewTerm {
        name: table.one_or("name", ViewTerm::NAME.to_owned())?,
        x: table.need("x")?.one()?,
        y: table.need("y")?.one()?,
        critic: table.need("critic")?.one()?,
        objective,
        candidates: table.one_or("candidates", Candidates::default())?,
        queue: table.take("queue").map(Entry::one).transpose()?,
        weight: table.one_or("weight", 1.0)?,
        l2: match table.take("l2") {
            Some(entry) => {
                entry.one_that(|&l2: &f64| l2 >= 0.0, "a factor that is not negative")?
            }
            None => 0.0,
        },
    };
    table.finish()?;
    Ok(term)
}
