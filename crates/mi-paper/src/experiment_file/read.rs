//! Turns the text of an experiment file into variants.

use std::path::Path;

use mi_critics::CriticSpec;
use mi_data::{Geometry, View};
use mi_estimators::bounds::{BoundSpec, Objective};

use super::ExperimentFile;
use super::schema::{Measure, Net};
use super::section::{Entry, Section, Source};
use super::{multi_view, optimiser};
use crate::config::{
    Adversarial, Contrastive, Dependent, EncoderSpec, Evaluation, Labels, Noise, Pixels,
    Supervised, Task, TrialConfig,
};
use crate::error::PaperError;
use crate::experiments::{DataKind, Variant};
use crate::multi_view::ObjectiveSpec;
use crate::trial;

/// Reads an experiment; without a `name`, it is named after its file.
pub(super) fn read(text: &str, path: &Path) -> Result<ExperimentFile, PaperError> {
    let source = Source { path, text };
    let mut file = Section::parse(source)?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let is_name = |name: &String| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !name.is_empty() && name != "none" && name.chars().all(fits)
    };
    let expected = "letters, digits, - and _, since folders are named after it";
    let name = match file.take("name") {
        Some(entry) => entry.one_that(is_name, expected)?,
        None => stem.filter(is_name).ok_or_else(|| {
            file.error(format!(
                "an experiment cannot be named after this file: give it a `name` of {expected}"
            ))
        })?,
    };
    let question = match file.take("question") {
        Some(entry) => one_line(entry)?,
        None => String::new(),
    };
    let data = file.one_or("data", DataKind::Grey)?;
    let blocks = file.tables("variants")?;
    let variants = if blocks.is_empty() {
        variants(file, data)?
    } else {
        let merged = blocks.into_iter().map(|block| variants(file.overridden_by(block), data));
        merged.collect::<Result<Vec<_>, _>>()?.concat()
    };
    let labels = Variant::labels(&variants);
    let ids: Vec<String> = labels.iter().map(Labels::id).collect();
    if let Some(index) = (1..ids.len()).find(|&index| ids[..index].contains(&ids[index])) {
        let labels = &labels[index];
        let reason = format!(
            "two variants are the same, or have the same `setting` in folder names, in which only \
             English letters and digits count: encoder {}, critic {}, bound {}, setting {:?}",
            labels.encoder, labels.critic, labels.bound, labels.setting
        );
        return Err(source.error(0, reason));
    }
    Ok(ExperimentFile { name, question, data, variants })
}

/// The keys that every kind of task has.
struct Common {
    steps: Vec<u64>,
    evaluate_every: Option<u64>,
    setting: Option<String>,
}

/// An encoder in the file.
struct NamedEncoder {
    name: String,
    view: String,
    nets: Vec<Net>,
}

/// The variants of one grid.
///
/// The order of the axes is fixed: bound, encoders, critic, target, noise, shared latent variable,
/// batch size, learning rate, steps; the first varies slowest.
fn variants(mut section: Section<'_>, data: DataKind) -> Result<Vec<Variant>, PaperError> {
    let common = Common {
        steps: section.take("steps").map_or(Ok(vec![0]), Entry::many)?,
        evaluate_every: match section.take("evaluate_every") {
            Some(entry) => Some(entry.one_that(|&n: &u64| n > 0, "a number of steps above 0")?),
            None => None,
        },
        setting: section.take("setting").map(one_line).transpose()?,
    };
    let is_synthetic = data == DataKind::Synthetic;
    if is_synthetic != (section.has("sequences") || section.has("samples")) {
        return Err(section.error(if is_synthetic {
            "`data = \"synthetic\"` needs `samples` or `sequences`, which say what is drawn"
        } else {
            "`samples` and `sequences` are drawn, which needs `data = \"synthetic\"`"
        }));
    }
    let tasks = if multi_view::KEYS.iter().any(|key| section.has(key)) {
        multi_view::tasks(&mut section, data)?
    } else if data == DataKind::Synthetic {
        dependent(&mut section)?
    } else {
        of_images(&mut section, data)?
    };
    let trains = !matches!(tasks.first(), Some(Task::Pixels(_)));
    if trains && common.steps.contains(&0) {
        return Err(section.error("`steps` is missing or 0: give the number of optimiser steps"));
    }
    let variant = |task: &Task, steps: u64| Variant {
        steps,
        evaluate_every: common.evaluate_every.unwrap_or((steps / 20).max(1)),
        task: task.clone(),
        setting: common.setting.clone(),
    };
    let variants: Vec<Variant> =
        tasks.iter().flat_map(|task| common.steps.iter().map(|&s| variant(task, s))).collect();
    for (index, variant) in variants.iter().enumerate() {
        variant.check_also_at().map_err(|reason| section.error(reason))?;
        let Variant { steps, evaluate_every, task, .. } = variant.clone();
        let config = TrialConfig {
            experiment: String::new(),
            dataset: "mnist".into(),
            seed: 0,
            labels: Labels::new("", "", ""),
            steps,
            evaluate_every,
            task,
        };
        // Variants may differ in their steps alone.
        if variants[..index].iter().all(|other| other.task != variant.task) {
            trial::check(&config, images(data)).map_err(|reason| section.error(reason))?;
        }
    }
    section.finish()?;
    Ok(variants)
}

/// A text for readers, which is shown in terminals, tables and pages.
fn one_line(entry: Entry<'_>) -> Result<String, PaperError> {
    entry.one_that(
        |text: &String| mi_plot::plain(text) == *text,
        "one line without control characters",
    )
}

pub(super) fn batch_sizes(section: &mut Section<'_>) -> Result<Vec<usize>, PaperError> {
    section.need("batch_size")?.many_that(|&k: &usize| k >= 2, "at least 2")
}

/// What a term maximises: a `bound`, or any other `objective`.
pub(super) fn objectives(term: &mut Section<'_>) -> Result<Vec<ObjectiveSpec>, PaperError> {
    let (place, objectives): (_, Vec<ObjectiveSpec>) = match term.take("objective") {
        Some(entry) if term.has("bound") => {
            return Err(entry.error("a term has either a `bound` or an `objective`"));
        }
        Some(entry) => (entry.clone(), entry.many()?),
        None => {
            let entry = term.need("bound")?;
            let bounds: Vec<BoundSpec> = entry.clone().many()?;
            (entry, bounds.into_iter().map(ObjectiveSpec::Bound).collect())
        }
    };
    for bound in objectives.iter().filter_map(ObjectiveSpec::bound) {
        Objective::new(bound, None).map_err(|error| place.error(error))?;
    }
    Ok(objectives)
}

/// The bounds of a term that can have no other objective.
fn bounds(term: &mut Section<'_>) -> Result<Vec<BoundSpec>, PaperError> {
    let objectives = objectives(term)?;
    let bounds = objectives.iter().map(|objective| objective.bound().cloned());
    bounds.collect::<Option<_>>().ok_or_else(|| {
        term.error("an objective that is not a bound needs [[probes]], which say what is probed")
    })
}

/// Tasks of a critic alone on pairs of known mutual information.
fn dependent(section: &mut Section<'_>) -> Result<Vec<Task>, PaperError> {
    let mut samples = section.need("samples")?.table()?;
    let latents: Vec<bool> = samples.need("shared_latent")?.many()?;
    samples.finish()?;
    let mut term = only(section, "terms")?;
    let side = |term: &mut Section<'_>, key: &'static str| {
        let expected = format!("`{key}`, which stands for the samples themselves");
        term.need(key)?.one_that(|found: &String| found == key, &expected)
    };
    side(&mut term, "x")?;
    side(&mut term, "y")?;
    let bounds = bounds(&mut term)?;
    let critics: Vec<CriticSpec> = term.need("critic")?.many()?;
    term.finish()?;
    let (sizes, rates) = (batch_sizes(section)?, optimiser::rates(section)?);
    let axes = [bounds.len(), critics.len(), latents.len(), sizes.len(), rates.len()];
    let task = |at: [usize; 5]| {
        Task::Dependent(Dependent {
            dependent: latents[at[2]],
            critic: critics[at[1]].clone(),
            bound: bounds[at[0]].clone(),
            batch_size: sizes[at[3]],
            learning_rate: rates[at[4]].learning_rate,
            optimiser: rates[at[4]].optimiser.clone(),
        })
    };
    Ok(grid(axes).into_iter().map(task).collect())
}

/// The table of this name, of which there has to be exactly one.
fn only<'i>(section: &mut Section<'i>, key: &'static str) -> Result<Section<'i>, PaperError> {
    let mut tables = section.tables(key)?;
    match (tables.pop(), tables.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(section.error(format!("[[{key}]] is missing"))),
        (Some(second), false) => Err(second.error(format!(
            "there can be only one [[{key}]], unless [[probes]] say what is probed"
        ))),
    }
}

/// Every combination of indices; the first varies slowest.
pub(super) fn grid<const N: usize>(lengths: [usize; N]) -> Vec<[usize; N]> {
    let count: usize = lengths.iter().product();
    let at = |mut place: usize| {
        let mut indices = [0; N];
        for (index, length) in indices.iter_mut().zip(lengths).rev() {
            *index = place % length;
            place /= length;
        }
        indices
    };
    (0..count).map(at).collect()
}

/// Tasks on views of images.
fn of_images(section: &mut Section<'_>, data: DataKind) -> Result<Vec<Task>, PaperError> {
    let views = views(section, data)?;
    let encoders = encoders(section, &views)?;
    if encoders.is_empty() {
        return pixels(section, &views);
    }
    let mut term = only(section, "terms")?;
    let x = encoder_of(&mut term, "x", &encoders)?;
    let entry = term.need("y")?;
    let y: String = entry.clone().one()?;
    if y != "labels" {
        let y = find(&encoders, &y).ok_or_else(|| {
            let names: Vec<&str> = encoders.iter().map(|e| e.name.as_str()).collect();
            entry.error(format!(
                "there is no encoder `{y}`; there are {}, and `labels`",
                names.join(", ")
            ))
        })?;
        return contrastive(section, term, (data, &views), (x, y));
    }
    let adversary = section.take("adversary").map(Entry::table).transpose()?;
    let (objective, expected) = match adversary {
        Some(_) => ("uniform", "\"uniform\", since there is an `adversary`"),
        None => ("cross-entropy", "\"cross-entropy\"; \"uniform\" needs an `adversary`"),
    };
    term.need("objective")?.one_that(|own: &String| own == objective, expected)?;
    term.finish()?;
    let nets = architectures(section, x)?;
    let view = view_of(&views, x).filter(|view| *view != View::top_half());
    let (sizes, rates) = (batch_sizes(section)?, optimiser::rates(section)?);
    let axes = grid([nets.len(), sizes.len(), rates.len()]).into_iter();
    let evaluations = evaluations(section, x, (data, false))?;
    let Some(mut adversary) = adversary else {
        let task = |[net, size, rate]: [usize; 3]| {
            Task::Supervised(Supervised {
                encoder: nets[net].clone(),
                view: view.clone(),
                batch_size: sizes[size],
                learning_rate: rates[rate].learning_rate,
                optimiser: rates[rate].optimiser.clone(),
                evaluations: evaluations.clone(),
            })
        };
        return Ok(axes.map(task).collect());
    };
    let above_zero = |&x: &f64| x.is_finite() && x > 0.0;
    let classifier_learning_rate =
        adversary.need("learning_rate")?.one_that(above_zero, "a number above 0")?;
    let warm_up_steps = adversary.need("warm_up_steps")?.one()?;
    let classifier_steps = adversary.need("steps")?.one()?;
    adversary.finish()?;
    let task = |[net, size, rate]: [usize; 3]| {
        Task::Adversarial(Adversarial {
            encoder: nets[net].clone(),
            view: view.clone(),
            batch_size: sizes[size],
            encoder_learning_rate: rates[rate].learning_rate,
            optimiser: rates[rate].optimiser.clone(),
            classifier_learning_rate,
            warm_up_steps,
            classifier_steps,
            evaluations: evaluations.clone(),
        })
    };
    Ok(axes.map(task).collect())
}

fn contrastive(
    section: &mut Section<'_>,
    mut term: Section<'_>,
    (data, views): (DataKind, &[(String, View)]),
    (x, y): (&NamedEncoder, &NamedEncoder),
) -> Result<Vec<Task>, PaperError> {
    if x.name == y.name {
        return Err(term.error("`x` and `y` have to be two encoders"));
    }
    let bounds = bounds(&mut term)?;
    let critics: Vec<CriticSpec> = term.need("critic")?.many()?;
    let targets: Vec<Option<f64>> = match term.take("target") {
        Some(entry) => {
            let targets = entry.many_that(|t: &f64| t.is_finite(), "a number of nats")?;
            targets.into_iter().map(Some).collect()
        }
        None => vec![None],
    };
    term.finish()?;
    let nets = architectures(section, x)?;
    // A second encoder that is like the first has the same architecture at every point of the grid.
    let others: Vec<Option<EncoderSpec>> = match y.nets.as_slice() {
        [Net::Like(name)] if *name == x.name => vec![None],
        _ => architectures(section, y)?.into_iter().map(Some).collect(),
    };
    let noises = noises(section)?;
    let (sizes, rates) = (batch_sizes(section)?, optimiser::rates(section)?);
    let pair = view_of(views, x).zip(view_of(views, y)).map(|(x, y)| [x, y]);
    let pair = pair.filter(|pair| *pair != [View::top_half(), View::bottom_half()]);
    let evaluations = evaluations(section, x, (data, true))?;
    let axes = [
        bounds.len(),
        nets.len(),
        others.len(),
        critics.len(),
        targets.len(),
        noises.len(),
        sizes.len(),
        rates.len(),
    ];
    let task = |at: [usize; 8]| {
        Task::Contrastive(Contrastive {
            encoder: nets[at[1]].clone(),
            encoder_y: others[at[2]].clone().filter(|other| *other != nets[at[1]]),
            critic: critics[at[3]].clone(),
            bound: bounds[at[0]].clone(),
            target: targets[at[4]],
            batch_size: sizes[at[6]],
            learning_rate: rates[at[7]].learning_rate,
            optimiser: rates[at[7]].optimiser.clone(),
            noise: noises[at[5]],
            views: pair.clone().map(Box::new),
            evaluations: evaluations.clone(),
        })
    };
    Ok(grid(axes).into_iter().map(task).collect())
}

/// The probes on the pixels of a view.
fn pixels(section: &mut Section<'_>, views: &[(String, View)]) -> Result<Vec<Task>, PaperError> {
    if section.take("terms").is_some() {
        return Err(section.error("the terms need [[encoders]], which are missing"));
    }
    let [(_, view)] = views else {
        return Err(section.error("without encoders, one view is measured: give one [[views]]"));
    };
    let fit = |measures: &Vec<Measure>| {
        measures.strip_prefix(&[Measure::Probe, Measure::ConvergedProbe]).is_some_and(|more| {
            more.iter().all(|measure| match measure {
                Measure::LabelNoise { percent } => *percent <= 100,
                other => matches!(
                    other,
                    Measure::Of(_)
                        | Measure::ReferenceReaders
                        | Measure::NearestNeighbours
                        | Measure::ProbeEpochs
                        | Measure::ScaledProbe { .. }
                ),
            })
        })
    };
    let expected =
        "[\"probe\", \"converged-probe\"] for pixels, and then measures of features alone";
    let measures = section.need("measures")?.one_that(fit, expected)?;
    let evaluations: Vec<Evaluation> = measures[2..].iter().map(|&m| m.into()).collect();
    let view = Some(view.clone()).filter(|view| *view != View::top_half());
    let noises = noises(section)?;
    if noises.iter().any(|noise| noise.shared) {
        return Err(section.error("`noise`: noise cannot be shared, since there is only one view"));
    }
    let task = |noise: Noise| {
        let (view, evaluations) = (view.clone(), evaluations.clone());
        Task::Pixels(Pixels { noise_sd: noise.sd, view, evaluations })
    };
    Ok(noises.into_iter().map(task).collect())
}

fn noises(section: &mut Section<'_>) -> Result<Vec<Noise>, PaperError> {
    let expected = "noise whose standard deviation is not negative";
    section.take("noise").map_or(Ok(vec![Noise::NONE]), |entry| {
        entry.many_that(|noise: &Noise| noise.sd.is_finite() && noise.sd >= 0.0, expected)
    })
}

/// The size of the images of this kind of data.
pub(super) fn images(data: DataKind) -> Geometry {
    match data {
        DataKind::Cifar => Geometry::new(32, 32, 3),
        DataKind::Grey | DataKind::Synthetic => Geometry::new(28, 28, 1),
    }
}

fn views(section: &mut Section<'_>, data: DataKind) -> Result<Vec<(String, View)>, PaperError> {
    let images = images(data);
    let mut views: Vec<(String, View)> = Vec::new();
    for mut table in section.tables("views")? {
        let expected = "a name that no other view has";
        let is_new = |name: &String| views.iter().all(|(other, _)| other != name);
        let name = table.need("name")?.one_that(is_new, expected)?;
        let entry = table.need("piece")?;
        let view: View = entry.clone().one()?;
        let piece = view.of(images).map_err(|error| entry.error(error))?;
        // Terms join one representation of each view, and the trial draws the noise of both views.
        if piece.grid() != (1, 1) {
            return Err(entry.error("patches need [[probes]], which say how a sequence is probed"));
        }
        if view.has_noise() {
            let reason = "give noise with the key `noise` of the file, or add [[probes]]";
            return Err(entry.error(reason));
        }
        views.push((name, view));
        table.finish()?;
    }
    Ok(views)
}

fn encoders(
    section: &mut Section<'_>,
    views: &[(String, View)],
) -> Result<Vec<NamedEncoder>, PaperError> {
    let mut encoders: Vec<NamedEncoder> = Vec::new();
    for mut table in section.tables("encoders")? {
        let is_new =
            |name: &String| name != "labels" && encoders.iter().all(|other| other.name != *name);
        let name = table
            .need("name")?
            .one_that(is_new, "a name that no other encoder has, and not `labels`")?;
        let names: Vec<&str> = views.iter().map(|(name, _)| name.as_str()).collect();
        let expected = format!("one of the views: {}", names.join(", "));
        let view = table
            .need("view")?
            .one_that(|view: &String| names.contains(&view.as_str()), &expected)?;
        let expected =
            "a net whose layers have widths above 0 and initial weights of a finite deviation";
        let nets = table.need("net")?.many_that(Net::is_valid, expected)?;
        table.finish()?;
        encoders.push(NamedEncoder { name, view, nets });
    }
    Ok(encoders)
}

fn find<'e>(encoders: &'e [NamedEncoder], name: &str) -> Option<&'e NamedEncoder> {
    encoders.iter().find(|encoder| encoder.name == name)
}

fn encoder_of<'e>(
    term: &mut Section<'_>,
    key: &'static str,
    encoders: &'e [NamedEncoder],
) -> Result<&'e NamedEncoder, PaperError> {
    let entry = term.need(key)?;
    let name: String = entry.clone().one()?;
    let names: Vec<&str> = encoders.iter().map(|encoder| encoder.name.as_str()).collect();
    find(encoders, &name).ok_or_else(|| {
        entry.error(format!("there is no encoder `{name}`; there are {}", names.join(", ")))
    })
}

fn view_of(views: &[(String, View)], encoder: &NamedEncoder) -> Option<View> {
    views.iter().find(|(name, _)| *name == encoder.view).map(|(_, view)| view.clone())
}

/// The architectures of an encoder that is not defined as like another.
fn architectures(
    section: &Section<'_>,
    encoder: &NamedEncoder,
) -> Result<Vec<EncoderSpec>, PaperError> {
    let nets: Option<Vec<EncoderSpec>> = encoder.nets.iter().cloned().map(Net::encoder).collect();
    nets.ok_or_else(|| {
        section.error(format!(
            "write the net of encoder `{}` in full: only the encoder of a term's `y` can be `like` \
             another, which has to be that of its `x`, and not in a list",
            encoder.name
        ))
    })
}

/// The measures of the term's x; bounds and the like only if there is a second encoder.
fn evaluations(
    section: &mut Section<'_>,
    x: &NamedEncoder,
    (data, has_second): (DataKind, bool),
) -> Result<Vec<Evaluation>, PaperError> {
    let Some(entry) = section.take("measures") else { return Ok(Vec::new()) };
    let is_bijective = x.nets.iter().all(|net| matches!(net, Net::Realnvp { .. }));
    let fits = |measures: &Vec<Measure>| {
        measures.iter().all(|measure| match measure {
            Measure::Bijectivity { inputs } => is_bijective && *inputs > 0,
            Measure::Conditioning { inputs } => *inputs > 0,
            Measure::Bounds | Measure::Retrieval | Measure::FrozenBounds => has_second,
            Measure::Transfer => data == DataKind::Grey,
            Measure::Probe
            | Measure::ConvergedProbe
            | Measure::CkaToStart
            | Measure::Representation
            | Measure::ProbeEpochs
            | Measure::ScaledProbe { .. }
            | Measure::ReferenceReaders
            | Measure::NearestNeighbours
            | Measure::AlsoAt { .. }
            | Measure::Of(_) => true,
            Measure::LabelNoise { percent } => *percent <= 100,
            Measure::SinglePlaces | Measure::TiesCeiling => false,
        })
    };
    let expected = "measures that fit: `inputs` above 0, bijectivity only for a `realnvp`, bounds \
                    and the like only for two encoders, transfer only for grey images, at most 100 \
                    percent of noise, and nothing for maps and patches";
    let measures = entry.one_that(fits, expected)?;
    Ok(measures.into_iter().map(Evaluation::from).collect())
}
