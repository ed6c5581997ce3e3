//! The terms that a step maximises, built from representations.

use mi_critics::{Critic, Pairing};
use mi_estimators::bounds::Pairs;
use mi_estimators::{EstimatorError, LearnedNumber};
use mi_nets::{Graph, Params, Var};
use mi_random::Stream;
use ndarray::ArrayView2;

use super::networks::{Networks, Represented};
use super::objective::Maximised;
use crate::error::PaperError;
use crate::multi_view::{Candidates, MultiView, Negatives, ObjectiveSpec, ViewTerm};

/// A term of a task with its critic.
pub(super) struct BuiltTerm {
    pub(super) spec: ViewTerm,
    pub(super) x: usize,
    pub(super) y: usize,
    critic: Critic,
    learned: Option<LearnedNumber>,
    /// The number of images in a batch.
    k: usize,
    /// The number of places of y.
    places: usize,
    parts: Vec<Part>,
    /// The number of images in the queue for which the parts are prepared.
    queued: usize,
}

/// A part of a term: a pair of places, or a whole batch, that is scored together.
struct Part {
    /// The place of x and that of y, if they are sequences.
    places: (usize, usize),
    /// The positives and negatives; `None` for a square with positives on the diagonal.
    pairs: Option<Pairs>,
    /// The same with the columns of the queue.
    queued: Option<Pairs>,
    /// The part's share in the term.
    share: f64,
}

/// The two embedded sides of a part, which an engine scores.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) embedded: (Var, Var),
    pub(super) learned: Option<Var>,
    pub(super) pairs: Option<&'a Pairs>,
    pub(super) pairing: &'a Pairing,
    pub(super) share: f64,
}

/// What a term remembers of earlier batches.
#[derive(Clone, Copy)]
pub(super) enum Remembered<'a> {
    /// A memory bank's rows for a batch: first those of the batch's images, then the negatives.
    Bank {
        /// Rows from the bank of y, scored against x.
        of_y: ArrayView2<'a, f32>,
        /// Rows from the bank of x, scored against y.
        of_x: ArrayView2<'a, f32>,
    },
    /// The keys of the batch, which take the place of y, and those of earlier images.
    Keys([ArrayView2<'a, f32>; 2]),
}

impl BuiltTerm {
    /// Builds a term and adds the parameters of its critic. If there is only one term, they are
    /// named `critic` and `baseline` (the learned number's).
    pub(super) fn build(
        task: &MultiView,
        index: usize,
        networks: &Networks,
        params: &mut Params<f32>,
        streams: &Stream,
    ) -> Result<Self, PaperError> {
        let spec = &task.terms[index];
        let layout = &networks.layout;
        let find = |name: &str| layout.find(name).unwrap_or_else(|reason| unreachable!("{reason}"));
        let (x, y) = (find(&spec.x), find(&spec.y));
        let (of_x, of_y) = (layout.shape(x), layout.shape(y));
        let named = |what: &str| match task.terms.len() {
            1 => what.to_owned(),
            _ => format!("{what}.{}", spec.name),
        };
        // With other images as candidates, a map is one long vector.
        let dims = match spec.candidates {
            Candidates::OtherImages | Candidates::Bank { .. } | Candidates::BothViews => {
                (of_x.len(), of_y.len())
            }
            Candidates::AllPlaces | Candidates::Ahead { .. } => (of_x.width, of_y.width),
        };
        let name = named("critic");
        let mut init = streams.child(&format!("init {name}"));
        let critic = Critic::new(params, &name, &spec.critic, dims.0, dims.1, &mut init)?;
        // Its stream and its parameters keep the name that they had in earlier versions, since
        // another name would change the draws.
        let name = named("baseline");
        let mut init = streams.child(&format!("init {name}"));
        let learned = match &spec.objective {
            ObjectiveSpec::Bound(bound) => {
                LearnedNumber::new(params, &name, bound, dims, &mut init)?
            }
            _ => None,
        };
        let places = of_y.places();
        let ahead = match spec.candidates {
            Candidates::Ahead { places: ahead, .. } => task.ahead(x, ahead, layout),
            _ => Vec::new(),
        };
        let parts = Part::all(spec.candidates, (task.batch_size, places), &ahead)?;
        let k = task.batch_size;
        Ok(Self { spec: spec.clone(), x, y, critic, learned, k, places, parts, queued: 0 })
    }

    /// The sides that training encodes: x, and y if it has no keys.
    pub(super) fn trained_sides(&self) -> impl Iterator<Item = usize> + use<> {
        let y = self.spec.queue.is_none().then_some(self.y);
        [self.x].into_iter().chain(y)
    }

    /// Prepares the pairs for a queue of this many images. It changes while the queue fills, and
    /// when an image comes again.
    pub(super) fn expect_queued(&mut self, images: usize) {
        if self.queued == images {
            return;
        }
        self.queued = images;
        let columns = images * self.spec.candidates.places_of_others(self.places);
        for Part { pairs, queued, .. } in &mut self.parts {
            let pairs = pairs.clone().unwrap_or_else(|| Pairs::square(self.k));
            *queued = (images > 0).then(|| pairs.followed_by(columns));
        }
    }

    /// One objective for each part.
    pub(super) fn objectives(
        &self,
        target: Option<f64>,
        seed: (u64, usize),
    ) -> Result<Vec<Maximised>, EstimatorError> {
        let one = || Maximised::new(&self.spec.objective, target, seed);
        self.parts.iter().map(|_| one()).collect()
    }

    /// The number of parts.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The share of each part in the term.
    pub(super) fn shares(&self) -> impl Iterator<Item = f64> + '_ {
        self.parts.iter().map(|part| part.share)
    }

    /// Appends the critic's towers to a graph, and both sides of every part to `sides`. Evaluations
    /// pass no bank and no queue, which have no rows for test images; the images of a batch are
    /// then compared with one another.
    pub(super) fn sides<'a>(
        &'a self,
        graph: &mut Graph<'_, f32>,
        represented: &Represented,
        remembered: Option<Remembered<'_>>,
        sides: &mut Vec<Sides<'a>>,
    ) {
        let x = represented.of(self.x);
        let first = sides.len();
        let y = match remembered {
            Some(Remembered::Keys([own, earlier])) if earlier.is_empty() => graph.input(own),
            Some(Remembered::Keys(both)) => {
                let both = both.map(|keys| graph.input(keys));
                graph.concat_rows(&both)
            }
            _ => represented.of(self.y),
        };
        match (self.spec.candidates, remembered) {
            (Candidates::OtherImages, _) => {
                let learned = self.learned.as_ref().map(|learned| learned.forward(graph, x, y));
                let embedded = self.critic.towers(graph, x, y);
                sides.push(Sides { learned, ..self.side(0, embedded) });
            }
            (Candidates::BothViews, _) => {
                let both = graph.concat_rows(&[x, y]);
                let embedded = self.critic.towers(graph, both, both);
                sides.push(self.side(0, embedded));
            }
            (Candidates::AllPlaces, _) => {
                let embedded = self.with_places(graph, x, y);
                sides.push(self.side(0, embedded));
            }
            (Candidates::Bank { .. }, Some(Remembered::Bank { of_y, of_x })) => {
                let (of_y, of_x) = (graph.input(of_y), graph.input(of_x));
                for (part, (own, bank)) in [(x, of_y), (y, of_x)].into_iter().enumerate() {
                    let embedded = self.critic.towers(graph, own, bank);
                    sides.push(self.side(part, embedded));
                }
            }
            (Candidates::Bank { .. }, _) => {
                let embedded = self.critic.towers(graph, x, y);
                sides.push(Sides { pairs: None, share: 1.0, ..self.side(0, embedded) });
            }
            (Candidates::Ahead { negatives, .. }, _) => {
                self.places_ahead(graph, (x, y), negatives, sides);
            }
        }
        if self.queued > 0 && matches!(remembered, Some(Remembered::Keys(_))) {
            for (side, part) in sides[first..].iter_mut().zip(&self.parts) {
                side.pairs = part.queued.as_ref();
            }
        }
    }

    /// Embeds a summary, and all places of all images as rows, image after image.
    fn with_places(&self, graph: &mut Graph<'_, f32>, x: Var, y: Var) -> (Var, Var) {
        let width = graph.shape(y).1 / self.places;
        let places = graph.reshape(y, width);
        self.critic.towers(graph, x, places)
    }

    fn places_ahead<'a>(
        &'a self,
        graph: &mut Graph<'_, f32>,
        (x, y): (Var, Var),
        negatives: Negatives,
        sides: &mut Vec<Sides<'a>>,
    ) {
        let places = self.places;
        let [x, y] = [x, y].map(|side| {
            let width = graph.shape(side).1 / places;
            graph.reshape(side, width)
        });
        let (x, y) = self.critic.towers(graph, x, y);
        // Back to one row per image, from which places are sliced.
        let width = graph.shape(x).1;
        let [x, y] = [x, y].map(|side| graph.reshape(side, places * width));
        let place = |graph: &mut Graph<'_, f32>, side, place: usize| {
            graph.slice_columns(side, place * width..(place + 1) * width)
        };
        let all_of = |graph: &mut Graph<'_, f32>, side| {
            let of_side: Vec<Var> = (0..places).map(|p| place(graph, side, p)).collect();
            graph.concat_rows(&of_side)
        };
        // At the same place, the batch and the queue are consecutive rows of one slice.
        let all = (negatives != Negatives::OtherImages).then(|| {
            let (k, rows) = (self.k, graph.shape(y).0);
            if rows == k {
                return (all_of(graph, y), None);
            }
            let (own, queue) = (graph.slice_rows(y, 0..k), graph.slice_rows(y, k..rows));
            let own = all_of(graph, own);
            if negatives.places_of_others(places) == 1 {
                return (own, Some(queue));
            }
            let queue = all_of(graph, queue);
            (graph.concat_rows(&[own, queue]), None)
        });
        for (index, part) in self.parts.iter().enumerate() {
            let (p, q) = part.places;
            let columns = match all {
                None => place(graph, y, q),
                Some((all, None)) => all,
                Some((own, Some(queue))) => {
                    let of_queue = place(graph, queue, q);
                    graph.concat_rows(&[own, of_queue])
                }
            };
            let embedded = (place(graph, x, p), columns);
            sides.push(self.side(index, embedded));
        }
    }

    /// Appends both sides for single places of a map, the first and the middle one, to `sides`. The
    /// critic is that of all places.
    pub(super) fn single_places<'a>(
        &'a self,
        graph: &mut Graph<'_, f32>,
        represented: &Represented,
        sides: &mut Vec<Sides<'a>>,
    ) {
        let (x, places) = self.with_places(graph, represented.of(self.x), represented.of(self.y));
        let width = graph.shape(places).1;
        let all = graph.reshape(places, self.places * width);
        for place in [0, self.places / 2] {
            let y = graph.slice_columns(all, place * width..(place + 1) * width);
            sides.push(Sides { pairs: None, share: 1.0, ..self.side(0, (x, y)) });
        }
    }

    fn side(&self, part: usize, embedded: (Var, Var)) -> Sides<'_> {
        let Part { pairs, share, .. } = &self.parts[part];
        let pairing = self.critic.pairing();
        Sides { embedded, learned: None, pairs: pairs.as_ref(), pairing, share: *share }
    }

    /// The critic.
    pub(super) fn critic(&self) -> &Critic {
        &self.critic
    }

    /// The pairs of places that are scored together, if both sides are sequences.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.parts.iter().map(|part| part.places)
    }
}

impl Part {
    fn all(
        candidates: Candidates,
        (k, places): (usize, usize),
        ahead: &[(usize, usize)],
    ) -> Result<Vec<Self>, EstimatorError> {
        let one = |pairs| Self { places: (0, 0), pairs, queued: None, share: 1.0 };
        Ok(match candidates {
            Candidates::OtherImages => vec![one(None)],
            Candidates::BothViews => vec![one(Some(Pairs::both_views(k)))],
            Candidates::AllPlaces => vec![one(Some(Pairs::locations(k, places)))],
            Candidates::Bank { negatives, .. } => {
                let part = || Self { share: 0.5, ..one(Some(Pairs::with_queue(k, negatives))) };
                vec![part(), part()]
            }
            Candidates::Ahead { negatives, .. } => {
                let share = 1.0 / ahead.len() as f64;
                let part = |&places_of: &(usize, usize)| {
                    let pairs = (negatives != Negatives::OtherImages)
                        .then(|| Pairs::sequence_step((k, places), places_of.1, negatives.parts()))
                        .transpose()?;
                    Ok(Self { places: places_of, pairs, queued: None, share })
                };
                ahead.iter().map(part).collect::<Result<_, EstimatorError>>()?
            }
        })
    }
}
