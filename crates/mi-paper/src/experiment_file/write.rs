//! Writes variants as the text of an experiment file.

use std::fmt::Write as _;

use mi_data::View;
use mi_nets::{OptimiserConfig, Rule};
use serde::Serialize;

use super::ExperimentFile;
use super::schema::{Measure, Net};
use crate::config::{Evaluation, Noise, Task};
use crate::experiments::Variant;
use crate::multi_view::{
    Candidates, Context, MultiView, NamedView, ObjectiveSpec, Probed, ViewTerm,
};

const HEADER: &str = "\
# Run it with `cargo xtask reproduce --experiment FILE.toml`. The experiment has the name of the file,
# unless `name` gives another. A list where one value is expected is a grid: every combination is a
# variant. [[variants]] are several grids; each has its own keys in place of those above it.
";

/// The axes of a grid; the first varies slowest, as in `read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Axis {
    Bound,
    Net,
    SecondNet,
    Critic,
    Target,
    Noise,
    Latent,
    BatchSize,
    LearningRate,
    Steps,
}

/// A key with its value as TOML. If the value may be a list, it belongs to an axis.
#[derive(Clone, Debug, PartialEq)]
struct Slot {
    key: &'static str,
    value: String,
    axis: Option<Axis>,
}

/// The keys and tables of a variant, or of a grid of variants.
#[derive(Clone, Debug, PartialEq)]
struct Page {
    keys: Vec<Slot>,
    tables: Vec<(&'static str, Vec<Slot>)>,
}

pub(super) fn write(file: &ExperimentFile) -> String {
    let pages: Vec<Page> = file.variants.iter().map(Page::of).collect();
    let mut grids = Vec::new();
    let mut rest = pages.as_slice();
    while !rest.is_empty() {
        // The longest prefix that forms a grid; a single variant always does.
        let longest = (1..=rest.len()).rev().find_map(|n| Some((n, Page::merged(&rest[..n])?)));
        let Some((count, grid)) = longest else { break };
        grids.push(grid);
        rest = &rest[count..];
    }
    let mut text = HEADER.to_owned();
    line(&mut text, format_args!("question = {}", toml(&file.question)));
    line(&mut text, format_args!("data = {}", toml(&file.data)));
    let Some(first) = grids.first() else { return text };
    let is_shared = |has: &dyn Fn(&Page) -> bool| grids.iter().all(has);
    let mut shared = first.clone();
    shared.keys.retain(|slot| is_shared(&|grid| grid.keys.contains(slot)));
    shared.tables.retain(|(name, _)| is_shared(&|grid| grid.named(name) == first.named(name)));
    shared.print("", &mut text);
    if grids.len() > 1 {
        for mut grid in grids {
            grid.keys.retain(|slot| !shared.keys.contains(slot));
            grid.tables.retain(|(name, _)| shared.named(name).is_empty());
            text.push_str("\n[[variants]]\n");
            grid.print("variants.", &mut text);
        }
    }
    text
}

/// A value as TOML on one line.
fn toml<T: Serialize>(value: &T) -> String {
    // Values of a configuration are numbers, strings, lists and tables, all of which exist in TOML.
    match toml::Value::try_from(value) {
        Ok(value) => value.to_string(),
        Err(error) => unreachable!("{error}"),
    }
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{words}");
}

fn slot<T: Serialize>(key: &'static str, value: &T) -> Slot {
    Slot { key, value: toml(value), axis: None }
}

fn on<T: Serialize>(axis: Axis, key: &'static str, value: &T) -> Slot {
    Slot { key, value: toml(value), axis: Some(axis) }
}

impl Page {
    fn of(variant: &Variant) -> Self {
        let mut page = Self { keys: Vec::new(), tables: Vec::new() };
        page.keys.push(on(Axis::Steps, "steps", &variant.steps));
        page.keys.push(slot("evaluate_every", &variant.evaluate_every));
        if let Some(setting) = &variant.setting {
            page.keys.push(slot("setting", setting));
        }
        page.task(&variant.task);
        page
    }

    fn task(&mut self, task: &Task) {
        if let Some(k) = task.batch_size() {
            self.keys.push(on(Axis::BatchSize, "batch_size", &k));
        }
        match task {
            Task::Contrastive(task) => {
                self.optimiser(task.learning_rate, task.optimiser.as_deref());
                self.noise(task.noise);
                let halves = [View::top_half(), View::bottom_half()];
                let [x, y] = task.views.as_deref().unwrap_or(&halves);
                self.view("x", x);
                self.view("y", y);
                self.encoder("g1", "x", on(Axis::Net, "net", &Net::from(&task.encoder)));
                let second = match &task.encoder_y {
                    Some(encoder) => on(Axis::SecondNet, "net", &Net::from(encoder)),
                    None => slot("net", &Net::Like("g1".to_owned())),
                };
                self.encoder("g2", "y", second);
                let mut term = vec![slot("x", &"g1"), slot("y", &"g2")];
                term.push(on(Axis::Critic, "critic", &task.critic));
                term.push(on(Axis::Bound, "bound", &task.bound));
                term.extend(task.target.map(|target| on(Axis::Target, "target", &target)));
                self.tables.push(("terms", term));
                self.measures(&task.evaluations);
            }
            Task::MultiView(task) => {
                self.optimiser(task.learning_rate, task.optimiser.as_deref());
                self.multi_view(task);
            }
            Task::Adversarial(task) => {
                self.optimiser(task.encoder_learning_rate, task.optimiser.as_deref());
                self.keys.extend([
                    slot("adversary.learning_rate", &task.classifier_learning_rate),
                    slot("adversary.warm_up_steps", &task.warm_up_steps),
                    slot("adversary.steps", &task.classifier_steps),
                ]);
                self.labelled(task.view.as_ref(), &Net::from(&task.encoder), "uniform");
                self.measures(&task.evaluations);
            }
            Task::Supervised(task) => {
                self.optimiser(task.learning_rate, task.optimiser.as_deref());
                self.labelled(task.view.as_ref(), &Net::from(&task.encoder), "cross-entropy");
                self.measures(&task.evaluations);
            }
            Task::Dependent(task) => {
                self.optimiser(task.learning_rate, task.optimiser.as_deref());
                self.keys.push(on(Axis::Latent, "samples.shared_latent", &task.dependent));
                let term = vec![
                    slot("x", &"x"),
                    slot("y", &"y"),
                    on(Axis::Critic, "critic", &task.critic),
                    on(Axis::Bound, "bound", &task.bound),
                ];
                self.tables.push(("terms", term));
            }
            Task::Pixels(task) => {
                self.noise(Noise { sd: task.noise_sd, shared: false });
                self.view("x", task.view.as_ref().unwrap_or(&View::top_half()));
                let probes = [Evaluation::Probe, Evaluation::ConvergedProbe];
                self.measures(&[&probes, &task.evaluations[..]].concat());
            }
        }
    }

    /// A multi-view task, whose parts have the same form in a file.
    fn multi_view(&mut self, task: &MultiView) {
        self.measures(&task.evaluations);
        self.keys.extend(task.sequences.as_ref().map(|sequences| slot("sequences", sequences)));
        self.keys.extend(task.prior.as_ref().map(|prior| slot("prior", prior)));
        for NamedView { name, piece } in &task.views {
            self.view(name, piece);
        }
        for encoder in &task.encoders {
            self.encoder(&encoder.name, &encoder.view, slot("net", &Net::from(&encoder.net)));
        }
        for Context { name, of, order, net } in &task.contexts {
            let table =
                vec![slot("name", name), slot("of", of), slot("order", order), slot("net", net)];
            self.tables.push(("contexts", table));
        }
        for term in &task.terms {
            let objective = match &term.objective {
                ObjectiveSpec::Bound(bound) => slot("bound", bound),
                other => slot("objective", other),
            };
            let is_usual = term.candidates == Candidates::default();
            let table = [
                (term.name != ViewTerm::NAME).then(|| slot("name", &term.name)),
                Some(slot("x", &term.x)),
                Some(slot("y", &term.y)),
                Some(slot("critic", &term.critic)),
                Some(objective),
                (!is_usual).then(|| slot("candidates", &term.candidates)),
                term.queue.as_ref().map(|queue| slot("queue", queue)),
                (term.weight != 1.0).then(|| slot("weight", &term.weight)),
                (term.l2 > 0.0).then(|| slot("l2", &term.l2)),
            ];
            self.tables.push(("terms", table.into_iter().flatten().collect()));
        }
        for Probed { name, of, places, unit } in &task.probes {
            let mut table = vec![slot("name", name), slot("of", of), slot("places", places)];
            table.extend(unit.then(|| slot("unit", unit)));
            self.tables.push(("probes", table));
        }
    }

    /// The optimiser; `None` for the paper's Adam.
    fn optimiser(&mut self, rate: f64, own: Option<&OptimiserConfig>) {
        let key = match own.map(|own| &own.rule) {
            Some(Rule::Sgd(_)) => "optimiser.sgd.learning_rate",
            _ => "optimiser.adam.learning_rate",
        };
        self.keys.push(on(Axis::LearningRate, key, &rate));
        let Some(OptimiserConfig { rule, weight_decay, schedule, .. }) = own else { return };
        match rule {
            Rule::Sgd(sgd) => self.keys.extend([
                slot("optimiser.sgd.momentum", &sgd.momentum),
                slot("optimiser.sgd.nesterov", &sgd.nesterov),
            ]),
            Rule::Adam(adam) => self.keys.extend([
                slot("optimiser.adam.beta1", &adam.beta1),
                slot("optimiser.adam.beta2", &adam.beta2),
                slot("optimiser.adam.eps", &adam.eps),
                slot("optimiser.adam.eps_placement", &adam.eps_placement),
            ]),
            other => unreachable!("no file can have the optimiser {other:?}"),
        }
        self.keys.push(slot("optimiser.weight_decay", weight_decay));
        self.keys.push(slot("optimiser.schedule", schedule));
    }

    fn noise(&mut self, noise: Noise) {
        self.keys.push(on(Axis::Noise, "noise", &noise));
    }

    fn view(&mut self, name: &str, view: &View) {
        self.tables.push(("views", vec![slot("name", &name), slot("piece", view)]));
    }

    fn encoder(&mut self, name: &str, view: &str, net: Slot) {
        self.tables.push(("encoders", vec![slot("name", &name), slot("view", &view), net]));
    }

    /// An encoder that is trained on labels.
    fn labelled(&mut self, view: Option<&View>, net: &Net, objective: &str) {
        self.view("x", view.unwrap_or(&View::top_half()));
        self.encoder("g1", "x", on(Axis::Net, "net", net));
        let term = vec![slot("x", &"g1"), slot("y", &"labels"), slot("objective", &objective)];
        self.tables.push(("terms", term));
    }

    fn measures(&mut self, evaluations: &[Evaluation]) {
        let measures: Vec<Measure> = evaluations.iter().copied().map(Measure::from).collect();
        self.keys.extend((!measures.is_empty()).then(|| slot("measures", &measures)));
    }

    /// The tables of this name.
    fn named(&self, name: &str) -> Vec<&Vec<Slot>> {
        self.tables.iter().filter(|(own, _)| *own == name).map(|(_, slots)| slots).collect()
    }

    fn slots(&self) -> Vec<&Slot> {
        self.keys.iter().chain(self.tables.iter().flat_map(|(_, slots)| slots)).collect()
    }

    fn slots_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.keys.iter_mut().chain(self.tables.iter_mut().flat_map(|(_, slots)| slots))
    }

    /// Several pages as one grid, if the grid yields them in this order.
    fn merged(pages: &[Self]) -> Option<Self> {
        let mut grid = pages.first()?.clone();
        let flat: Vec<Vec<&Slot>> = pages.iter().map(Self::slots).collect();
        let shape = |page: &Self| -> Vec<(&str, usize)> {
            page.tables.iter().map(|(name, slots)| (*name, slots.len())).collect()
        };
        let mut axes: Vec<(Axis, usize, Vec<&str>)> = Vec::new();
        for (place, slot) in flat[0].iter().enumerate() {
            let mut values: Vec<&str> = Vec::new();
            for (page, slots) in pages.iter().zip(&flat) {
                let other = slots.get(place).filter(|other| other.key == slot.key)?;
                if shape(page) != shape(&pages[0]) || slots.len() != flat[0].len() {
                    return None;
                }
                if !values.contains(&other.value.as_str()) {
                    values.push(&other.value);
                }
            }
            if values.len() > 1 {
                axes.push((slot.axis?, place, values));
            }
        }
        axes.sort_by_key(|(axis, ..)| *axis);
        if axes.iter().map(|(.., values)| values.len()).product::<usize>() != pages.len() {
            return None;
        }
        for (index, slots) in flat.iter().enumerate() {
            let mut rest = index;
            for (_, place, values) in axes.iter().rev() {
                if slots[*place].value != values[rest % values.len()] {
                    return None;
                }
                rest /= values.len();
            }
        }
        let lists: Vec<(usize, String)> =
            axes.iter().map(|(_, place, v)| (*place, format!("[{}]", v.join(", ")))).collect();
        for (place, slot) in grid.slots_mut().enumerate() {
            if let Some((_, list)) = lists.iter().find(|(own, _)| *own == place) {
                slot.value.clone_from(list);
            }
        }
        Some(grid)
    }

    /// Keys, then tables whose names begin with `prefix`.
    fn print(&self, prefix: &str, text: &mut String) {
        for Slot { key, value, .. } in &self.keys {
            line(text, format_args!("{key} = {value}"));
        }
        for (name, slots) in &self.tables {
            line(text, format_args!("\n[[{prefix}{name}]]"));
            for Slot { key, value, .. } in slots {
                line(text, format_args!("{key} = {value}"));
            }
        }
    }
}
