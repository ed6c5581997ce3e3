//! The shapes of a task's representations, and whether its parts fit together.

use std::collections::BTreeSet;

use mi_critics::CriticSpec;
use mi_data::{Geometry, Piece};
use mi_nets::{ConvGeometry, NetworkSize};

use super::{
    Candidates, Context, ContextNet, MultiView, Net, ObjectiveSpec, Order, Places, Probed, Queue,
    ViewTerm,
};
use crate::config::{EncoderKind, EncoderSpec, Evaluation, check_parameters};
use crate::record::Part;

/// The shape of a representation: n × places × width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Rows and columns of places; (1, 1) for a summary.
    pub(crate) grid: (usize, usize),
    /// Values at each place.
    pub(crate) width: usize,
}

impl Shape {
    /// The number of places.
    pub(crate) fn places(self) -> usize {
        self.grid.0 * self.grid.1
    }

    /// The number of values for an image.
    pub(crate) fn len(self) -> usize {
        self.places() * self.width
    }
}

/// Checks the name of a term or probe. Records have it in brackets after the metric's name, some
/// followed by a place.
fn check_name(name: &str) -> Result<(), String> {
    const LONGEST: usize = Part::LONGEST - " centre".len();
    let fits = |c: char| !c.is_control() && !"[],\"".contains(c);
    if (1..=LONGEST).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(format!(
        "`{name}`: the name of a term or probe has at most {LONGEST} bytes and no brackets, \
         commas or quotes"
    ))
}

/// What yields a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The encoder of this index.
    Summary(usize),
    /// The map of the encoder of this index, after any normalisation.
    Map(usize),
    /// The map of the encoder of this index, before layer normalisation.
    LocalMap(usize),
    /// The context of this index.
    Context(usize),
}

/// A representation of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Representation {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) shape: Shape,
}

/// Everything that follows from a task and the size of its images.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// One for each view.
    pub(crate) pieces: Vec<Piece>,
    /// Encoders first, then contexts.
    pub(crate) representations: Vec<Representation>,
}

impl Layout {
    /// The index of a representation.
    pub(crate) fn find(&self, name: &str) -> Result<usize, String> {
        let place = self.representations.iter().position(|r| r.name == name);
        place.ok_or_else(|| {
            let names: Vec<&str> = self.representations.iter().map(|r| r.name.as_str()).collect();
            format!("there is no representation `{name}`; there are {}", names.join(", "))
        })
    }

    /// The shape of the representation with this index.
    pub(crate) fn shape(&self, index: usize) -> Shape {
        self.representations[index].shape
    }

    /// The number of values that a probe sees for an image.
    pub(crate) fn probed_width(&self, probed: &Probed) -> Result<usize, String> {
        let widths = probed.of.iter().map(|name| {
            let shape = self.shape(self.find(name)?);
            Ok(if probed.places == Places::All { shape.len() } else { shape.width })
        });
        widths.sum()
    }
}

impl MultiView {
    /// The network of an encoder, and the index of the encoder that owns it.
    pub(crate) fn network(&self, encoder: usize) -> Result<(usize, &EncoderSpec), String> {
        let own = &self.encoders[encoder];
        match &own.net {
            Net::Own(spec) => Ok((encoder, spec)),
            Net::Same(name) => {
                let place = self.encoders[..encoder].iter().position(|other| other.name == *name);
                match place.map(|place| (place, &self.encoders[place].net)) {
                    Some((place, Net::Own(spec))) => Ok((place, spec)),
                    _ => Err(format!(
                        "encoder `{}` has the network of `{name}`, which is not an earlier encoder \
                         with a network of its own",
                        own.name
                    )),
                }
            }
        }
    }

    /// The pieces and representations for images of this size, if all parts fit together.
    ///
    /// # Errors
    /// A sentence that names what does not fit.
    pub(crate) fn layout(&self, image: Geometry) -> Result<Layout, String> {
        let mut names = BTreeSet::new();
        let views = self.views.iter().map(|view| &view.name);
        let encoders = self.encoders.iter().map(|encoder| &encoder.name);
        let contexts = self.contexts.iter().map(|context| &context.name);
        for name in views.chain(encoders).chain(contexts) {
            if name.is_empty() || name.contains('.') || !names.insert(name) {
                return Err(format!(
                    "the name `{name}` is empty, is given twice, or has a dot, which only names \
                     of maps have"
                ));
            }
        }
        let pieces: Vec<Piece> = self
            .views
            .iter()
            .map(|view| view.piece.of(image).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        let mut layout = Layout { pieces, representations: Vec::new() };
        for index in 0..self.encoders.len() {
            self.encode(index, &mut layout)?;
        }
        for index in 0..self.contexts.len() {
            self.read(index, &mut layout)?;
        }
        self.check_terms(&layout)?;
        self.check_probes(&layout)?;
        self.check_evaluations(&layout, image)?;
        Ok(layout)
    }

    fn encode(&self, index: usize, layout: &mut Layout) -> Result<(), String> {
        let encoder = &self.encoders[index];
        let view =
            self.views.iter().position(|view| view.name == encoder.view).ok_or_else(|| {
                let names: Vec<&str> = self.views.iter().map(|view| view.name.as_str()).collect();
                format!("there is no view `{}`; there are {}", encoder.view, names.join(", "))
            })?;
        let (owner, spec) = self.network(index)?;
        let piece = &layout.pieces[view];
        let (grid, geometry) = (piece.grid(), piece.geometry());
        let owners = self.views.iter().position(|v| v.name == self.encoders[owner].view);
        if let Some(owners) = owners
            && layout.pieces[owners].geometry() != geometry
        {
            return Err(format!(
                "encoder `{}` has the network of `{}`, but their views differ in size: \
                 {geometry} and {}",
                encoder.name,
                self.encoders[owner].name,
                layout.pieces[owners].geometry()
            ));
        }
        spec.check(geometry).map_err(|reason| format!("encoder `{}`: {reason}", encoder.name))?;
        let mut push = |suffix: &str, origin, shape| {
            let name = format!("{}{suffix}", encoder.name);
            layout.representations.push(Representation { name, origin, shape });
        };
        push("", Origin::Summary(index), Shape { grid, width: spec.output(geometry) });
        if grid != (1, 1) {
            return Ok(());
        }
        if let Some((convolutions, width)) = spec.map(geometry) {
            let last = convolutions.last().map(ConvGeometry::output_size);
            let shape = Shape { grid: last.unwrap_or_default(), width };
            push(".map", Origin::Map(index), shape);
            if spec.kind() == EncoderKind::ConvNet {
                push(".local", Origin::LocalMap(index), shape);
            }
        }
        Ok(())
    }

    fn read(&self, index: usize, layout: &mut Layout) -> Result<(), String> {
        let context = &self.contexts[index];
        let of = layout.shape(layout.find(&context.of)?);
        if of.places() < 2 {
            return Err(format!(
                "context `{}` reads `{}`, which is not a sequence: cut its view into patches",
                context.name, context.of
            ));
        }
        let width = match &context.net {
            ContextNet::Mean => of.width,
            ContextNet::Gru { width } | ContextNet::Place { width } => *width,
            ContextNet::Conv { channels, .. } => channels.last().copied().unwrap_or_default(),
        };
        if width == 0 {
            return Err(format!("context `{}` needs a width above 0", context.name));
        }
        check_parameters(NetworkSize::dense(&[of.width, 3 * width, width]).parameters)
            .map_err(|reason| format!("context `{}`: {reason}", context.name))?;
        layout.representations.push(Representation {
            name: context.name.clone(),
            origin: Origin::Context(index),
            shape: Shape { width, ..of },
        });
        Ok(())
    }

    fn check_terms(&self, layout: &Layout) -> Result<(), String> {
        if self.terms.is_empty() {
            return Err("there is no term to maximise".to_owned());
        }
        for (index, term) in self.terms.iter().enumerate() {
            if self.terms[..index].iter().any(|other| other.name == term.name) {
                return Err(format!("two terms are named `{}`", term.name));
            }
            check_name(&term.name)?;
            self.check_term(term, layout).map_err(|reason| format!("`{}`: {reason}", term.name))?;
        }
        if let Some(prior) = &self.prior {
            let shape = layout.shape(layout.find(&prior.of)?);
            if shape.places() > 1 {
                return Err(format!("`{}` is a map; only a summary can have a prior", prior.of));
            }
            let widths = [&[shape.width], prior.hidden.as_slice(), &[1]].concat();
            check_parameters(NetworkSize::dense(&widths).parameters)
                .map_err(|reason| format!("prior: {reason}"))?;
        }
        Ok(())
    }

    fn check_term(&self, term: &ViewTerm, layout: &Layout) -> Result<(), String> {
        let (x, y) = (layout.find(&term.x)?, layout.find(&term.y)?);
        let places = (layout.shape(x).places(), layout.shape(y).places());
        let is_cosine = matches!(term.critic, CriticSpec::Cosine { learned: false, .. });
        let fits = match term.candidates {
            Candidates::BothViews if layout.shape(x) == layout.shape(y) => Ok(()),
            Candidates::BothViews => {
                Err("candidates of both views need representations of the same shape")
            }
            Candidates::AllPlaces if places.0 == 1 && places.1 > 1 => Ok(()),
            Candidates::AllPlaces => Err("`all-places` needs a summary x and a map y"),
            Candidates::Ahead { places: ahead, .. } => {
                if places.0 != places.1 || places.0 < 2 {
                    Err("`ahead` needs two sequences with the same places")
                } else if self.ahead(x, ahead, layout).is_empty() {
                    Err("`ahead` is beyond the end of the sequence")
                } else {
                    Ok(())
                }
            }
            Candidates::Bank { .. } if !is_cosine => {
                Err("a memory bank keeps vectors of length 1 and needs a cosine critic")
            }
            Candidates::Bank { negatives: 0, .. } => {
                Err("a memory bank needs at least one negative")
            }
            Candidates::Bank { momentum, .. } if !(0.0..1.0).contains(&momentum) => {
                Err("the momentum of a memory bank has to be in [0, 1)")
            }
            Candidates::OtherImages | Candidates::Bank { .. } => Ok(()),
        };
        fits.map_err(str::to_owned)?;
        let dims = (layout.shape(x).len(), layout.shape(y).len());
        check_parameters(term.critic.parameters(dims))?;
        if let Some(queue) = &term.queue {
            self.check_queue(queue, term, layout)?;
        }
        let learns = term.objective.bound().is_some_and(|bound| bound.learned().is_some());
        if learns && (term.candidates != Candidates::OtherImages || term.queue.is_some()) {
            return Err(
                "a bound that learns a number for each row needs `other-images` without a queue"
                    .to_owned(),
            );
        }
        if matches!(term.objective, ObjectiveSpec::LiftedStructure { generalised: false, .. })
            && term.candidates != Candidates::BothViews
        {
            return Err("lifted structure needs `both-views`".to_owned());
        }
        if matches!(term.objective, ObjectiveSpec::NoiseContrastive { .. })
            && !matches!(term.candidates, Candidates::Bank { .. })
        {
            return Err("noise-contrastive estimation needs a memory bank".to_owned());
        }
        match term.objective {
            ObjectiveSpec::NoiseContrastive { rate } if !(0.0..=1.0).contains(&rate) => {
                return Err("the rate of noise-contrastive estimation has to be in [0, 1]".into());
            }
            ObjectiveSpec::Triplet { margin, .. }
            | ObjectiveSpec::Contrastive { margin }
            | ObjectiveSpec::LiftedStructure { margin, .. }
                if margin < 0.0 =>
            {
                return Err("the margin is negative".into());
            }
            _ => {}
        }
        Ok(())
    }

    /// Checks the queue of a term. Its y gets no gradient, so that another term, or the prior, has
    /// to train what encodes it.
    fn check_queue(&self, queue: &Queue, term: &ViewTerm, layout: &Layout) -> Result<(), String> {
        if term.candidates.places_of_others(1) == 0 {
            return Err("a queue needs candidates that include the y of other images: \
                        `other-images`, `all-places`, or `ahead` with negatives other than \
                        `same-image`"
                .to_owned());
        }
        if queue.images == 0 || !(0.0..1.0).contains(&queue.momentum) {
            return Err("a queue needs at least one image and a momentum in [0, 1)".to_owned());
        }
        let of_y = self.networks_of(layout.find(&term.y)?, layout);
        let with_gradient = self
            .terms
            .iter()
            .flat_map(|other| [Some(&other.x), Some(&other.y).filter(|_| other.queue.is_none())]);
        let mut trained = BTreeSet::new();
        for name in with_gradient.chain([self.prior.as_ref().map(|prior| &prior.of)]).flatten() {
            trained.extend(self.networks_of(layout.find(name)?, layout));
        }
        match of_y.difference(&trained).next() {
            None => Ok(()),
            Some(name) => Err(format!(
                "nothing trains `{name}`, since y gets no gradient with a queue: share the weights of \
                 an encoder of x, or add a term with `{}` as x",
                term.y
            )),
        }
    }

    /// The networks whose weights a representation depends on, and their parts: a map does not
    /// depend on what comes after it.
    fn networks_of(&self, index: usize, layout: &Layout) -> BTreeSet<String> {
        let owner = |encoder: usize| {
            let owner = self.network(encoder).map_or(encoder, |(owner, _)| owner);
            self.encoders[owner].name.clone()
        };
        match layout.representations[index].origin {
            Origin::LocalMap(encoder) => BTreeSet::from([owner(encoder)]),
            Origin::Map(encoder) => {
                BTreeSet::from([owner(encoder), format!("{}.map", owner(encoder))])
            }
            Origin::Summary(encoder) => {
                let owner = owner(encoder);
                let parts = ["", ".map", " after its map"].map(|part| format!("{owner}{part}"));
                BTreeSet::from(parts)
            }
            Origin::Context(context) => {
                let Context { name, of, net, .. } = &self.contexts[context];
                let mut networks = match (net, layout.find(of)) {
                    // It sees only places.
                    (ContextNet::Place { .. }, _) | (_, Err(_)) => BTreeSet::new(),
                    (_, Ok(read)) => self.networks_of(read, layout),
                };
                networks.insert(name.clone());
                networks
            }
        }
    }

    fn check_probes(&self, layout: &Layout) -> Result<(), String> {
        for (index, probed) in self.probes.iter().enumerate() {
            if probed.of.is_empty() || self.probes[..index].iter().any(|p| p.name == probed.name) {
                return Err(format!(
                    "probe `{}` has no representations, or the name of another probe",
                    probed.name
                ));
            }
            check_name(&probed.name)?;
            layout.probed_width(probed)?;
        }
        Ok(())
    }

    /// Checks that the task has what each evaluation needs.
    fn check_evaluations(&self, layout: &Layout, image: Geometry) -> Result<(), String> {
        let has = |is: &dyn Fn(&Candidates) -> bool| self.terms.iter().any(|t| is(&t.candidates));
        let first_is_whole = layout.representations.first().is_some_and(|r| r.shape.grid == (1, 1));
        for evaluation in &self.evaluations {
            let lacks = match evaluation {
                Evaluation::Bounds | Evaluation::AlsoAt { .. } => None,
                Evaluation::LabelNoise { percent: 101.. } => Some("at most 100 percent"),
                Evaluation::Transfer if self.sequences.is_some() || image.channels != 1 => {
                    Some("MNIST or Fashion-MNIST")
                }
                Evaluation::Probe
                | Evaluation::ConvergedProbe
                | Evaluation::Transfer
                | Evaluation::CkaToStart
                | Evaluation::Representation
                | Evaluation::ProbeEpochs
                | Evaluation::ScaledProbe { .. }
                | Evaluation::LabelNoise { .. }
                | Evaluation::ReferenceReaders
                | Evaluation::NearestNeighbours
                | Evaluation::Measure { .. } => self.probes.is_empty().then_some("[[probes]]"),
                // An encoder that is not bijective has no bijectivity to measure, which is no
                // error.
                Evaluation::Conditioning { inputs } | Evaluation::Bijectivity { inputs } => {
                    (!first_is_whole || *inputs == 0)
                        .then_some("a first encoder of a whole view, and at least one input")
                }
                Evaluation::SinglePlaces => (!has(&|c| *c == Candidates::AllPlaces))
                    .then_some("a term with candidates `all-places`"),
                Evaluation::TiesCeiling => {
                    (!has(&|c| matches!(c, Candidates::AllPlaces | Candidates::Ahead { .. })))
                        .then_some("a term over places, `all-places` or `ahead`")
                }
                Evaluation::Retrieval => {
                    (!has(&|c| !matches!(c, Candidates::AllPlaces | Candidates::Ahead { .. })))
                        .then_some("a term that joins two summaries")
                }
                Evaluation::FrozenBounds => {
                    let first = self.terms.first().map(|term| term.candidates);
                    (first != Some(Candidates::OtherImages))
                        .then_some("a first term with candidates `other-images`")
                }
            };
            if let Some(lacks) = lacks {
                return Err(format!("{} needs {lacks}", evaluation.name()));
            }
        }
        Ok(())
    }

    /// All pairs of a place and the one that comes `ahead` places later. The order of places is
    /// that of x's context.
    pub(crate) fn ahead(&self, x: usize, ahead: usize, layout: &Layout) -> Vec<(usize, usize)> {
        let Representation { origin, shape, .. } = layout.representations[x];
        let step = match origin {
            Origin::Context(index) if self.contexts[index].order == Order::Down => shape.grid.1,
            _ => 1,
        };
        let places = shape.places();
        (0..places).map(|p| (p, p + ahead * step)).filter(|&(_, q)| q < places).collect()
    }
}
