//! The networks that turn batches of views into representations.

use mi_nets::{
    Activation, CausalConv, ConvGeometry, Graph, Gru, Init, Module, NetsError, ParamId, Params, Var,
};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2};

use super::super::network::Encoder;
use super::ceiling::first_field;
use crate::multi_view::{ContextNet, Layout, MultiView, Order, Origin, Shape};

/// The encoders and contexts of a task.
pub(super) struct Networks {
    pub(super) layout: Layout,
    encoders: Vec<ViewEncoder>,
    contexts: Vec<SequenceReader>,
}

/// An encoder and the view that it reads.
struct ViewEncoder {
    view: usize,
    /// The index of the encoder that has the weights.
    owner: usize,
    /// The convolutions up to the map; none for an encoder without one.
    of_map: Vec<ConvGeometry>,
    /// `None` if the weights are those of another encoder.
    network: Option<Encoder>,
}

/// A context and the representation that it reads.
struct SequenceReader {
    of: usize,
    order: Order,
    network: Reader,
}

enum Reader {
    Mean,
    Gru(Gru),
    Conv(CausalConv),
    /// A learned vector for each place, all in one row.
    Place(ParamId),
}

/// The representations of a batch on a graph; those that were not asked for are missing.
pub(super) struct Represented(Vec<Option<Var>>);

impl Represented {
    /// A representation that was asked for: n × (places · width).
    pub(super) fn of(&self, representation: usize) -> Var {
        self.0[representation].unwrap_or_else(|| unreachable!("it was asked for"))
    }
}

impl Networks {
    /// Builds all networks of a task and adds their parameters, each network's under its name.
    pub(super) fn build(
        task: &MultiView,
        layout: Layout,
        params: &mut Params<f32>,
        streams: &Stream,
    ) -> Result<Self, NetsError> {
        let mut encoders: Vec<ViewEncoder> = Vec::new();
        for (index, encoder) in task.encoders.iter().enumerate() {
            // The layout was made from the same names.
            let view = task.views.iter().position(|view| view.name == encoder.view);
            let (view, Ok((owner, spec))) = (view.unwrap_or_default(), task.network(index)) else {
                unreachable!("the task was checked")
            };
            let image = layout.pieces[view].geometry();
            let of_map = spec.map(image).map(|(convolutions, _)| convolutions).unwrap_or_default();
            let network = (owner == index)
                .then(|| {
                    let mut stream = streams.child(&format!("init {}", encoder.name));
                    Encoder::build(spec, params, &encoder.name, image, &mut stream)
                })
                .transpose()?;
            encoders.push(ViewEncoder { view, owner, of_map, network });
        }
        let mut contexts = Vec::new();
        for context in &task.contexts {
            let of = layout.find(&context.of).unwrap_or_else(|reason| unreachable!("{reason}"));
            let mut stream = streams.child(&format!("init {}", context.name));
            let network = Reader::build(
                &context.net,
                params,
                (&context.name, context.order),
                layout.shape(of),
                &mut stream,
            )?;
            contexts.push(SequenceReader { of, order: context.order, network });
        }
        Ok(Self { layout, encoders, contexts })
    }

    /// The network of the first encoder.
    pub(super) fn first(&self) -> &Encoder {
        self.network(0)
    }

    fn network(&self, encoder: usize) -> &Encoder {
        let owner = &self.encoders[self.encoders[encoder].owner];
        owner.network.as_ref().unwrap_or_else(|| unreachable!("owners are built"))
    }

    /// The view of the encoder of this index.
    pub(super) fn view_of(&self, encoder: usize) -> usize {
        self.encoders[encoder].view
    }

    /// By representation, whether it is needed to compute those in `asked`.
    pub(super) fn needed(&self, asked: &[usize]) -> Vec<bool> {
        let mut needed = vec![false; self.layout.representations.len()];
        for &index in asked {
            needed[index] = true;
        }
        // Contexts come after the representations that they read.
        for index in (0..needed.len()).rev().filter(|&index| needed[index]).collect::<Vec<_>>() {
            let mut index = index;
            while let Origin::Context(context) = self.layout.representations[index].origin {
                index = self.contexts[context].of;
                needed[index] = true;
            }
        }
        needed
    }

    /// By view, whether the needed representations read it.
    pub(super) fn views(&self, needed: &[bool]) -> Vec<bool> {
        let mut seen = vec![false; self.layout.pieces.len()];
        for (representation, _) in
            self.layout.representations.iter().zip(needed).filter(|(_, n)| **n)
        {
            if let Origin::Summary(e) | Origin::Map(e) | Origin::LocalMap(e) = representation.origin
            {
                seen[self.encoders[e].view] = true;
            }
        }
        seen
    }

    /// Appends the networks to a graph. Takes one batch of each view, and returns the needed
    /// representations.
    pub(super) fn forward(
        &self,
        graph: &mut Graph<'_, f32>,
        batches: &[ArrayView2<'_, f32>],
        needed: &[bool],
    ) -> Represented {
        let seen = self.views(needed);
        let inputs: Vec<Option<Var>> = batches
            .iter()
            .zip(seen)
            .map(|(batch, seen)| seen.then(|| graph.input(*batch)))
            .collect();
        let mut found = vec![None; needed.len()];
        for (index, ViewEncoder { view, .. }) in self.encoders.iter().enumerate() {
            if let Some(input) = inputs[*view] {
                self.encode(graph, index, input, needed, &mut found);
            }
        }
        for (index, representation) in self.layout.representations.iter().enumerate() {
            if let (Origin::Context(context), true) = (representation.origin, needed[index]) {
                let SequenceReader { of, order, network } = &self.contexts[context];
                if let Some(sequence) = found[*of] {
                    let of = self.layout.shape(*of);
                    found[index] =
                        Some(network.forward(graph, sequence, (of, representation.shape), *order));
                }
            }
        }
        Represented(found)
    }

    fn encode(
        &self,
        graph: &mut Graph<'_, f32>,
        encoder: usize,
        input: Var,
        needed: &[bool],
        found: &mut [Option<Var>],
    ) {
        let places = |origin: Origin| {
            let place = self.layout.representations.iter().position(|r| r.origin == origin);
            place.filter(|&place| needed[place])
        };
        let summary = places(Origin::Summary(encoder));
        let maps = [places(Origin::Map(encoder)), places(Origin::LocalMap(encoder))];
        let network = self.network(encoder);
        if maps.iter().any(Option::is_some) {
            let all = network.forward_with_maps(graph, input);
            let values = [Some(all.summary), all.map, all.local_map];
            for (place, value) in [summary, maps[0], maps[1]].into_iter().zip(values) {
                if let Some(place) = place {
                    found[place] = value;
                }
            }
        } else if let Some(place) = summary {
            let shape = self.layout.shape(place);
            found[place] = Some(if shape.places() == 1 {
                network.module().forward(graph, input)
            } else {
                let patches = graph.reshape(input, network.module().input_dim());
                let codes = network.module().forward(graph, patches);
                graph.reshape(codes, shape.len())
            });
        }
    }

    /// The receptive field of the first place of an encoder's map, in rows and columns of pixels;
    /// `None` if it has no map.
    pub(super) fn first_field(&self, encoder: usize) -> Option<(usize, usize)> {
        let convolutions = &self.encoders[encoder].of_map;
        (!convolutions.is_empty()).then(|| first_field(convolutions))
    }
}

impl Reader {
    fn build(
        spec: &ContextNet,
        params: &mut Params<f32>,
        (name, order): (&str, Order),
        of: Shape,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        let steps = length(of, order);
        Ok(match spec {
            ContextNet::Mean => Self::Mean,
            ContextNet::Gru { width } => {
                Self::Gru(Gru::new(params, name, (steps, of.width, *width), stream)?)
            }
            ContextNet::Conv { kernel, channels } => {
                let sizes = [&[of.width], channels.as_slice()].concat();
                let init = Init::GlorotUniform;
                Self::Conv(CausalConv::new(params, name, (steps, *kernel), &sizes, init, stream)?)
            }
            ContextNet::Place { width } => {
                let shape = (1, of.places() * width);
                let vectors = Init::GlorotUniform.draw(shape, (of.places(), *width), stream);
                Self::Place(params.add(format!("{name}.places"), vectors)?)
            }
        })
    }

    /// Maps a sequence, n × (places · width), to its contexts, also n × (places · width).
    fn forward(
        &self,
        graph: &mut Graph<'_, f32>,
        sequence: Var,
        (of, to): (Shape, Shape),
        order: Order,
    ) -> Var {
        let steps = length(of, order);
        if let Self::Place(vectors) = self {
            let n = graph.shape(sequence).0;
            let ones = graph.input(Array2::ones((n, 1)).view());
            return graph.dense(ones, *vectors, None, Activation::Linear);
        }
        let sequence = reordered(graph, sequence, of, order, true);
        let lines = graph.reshape(sequence, steps * of.width);
        let read = match self {
            Self::Mean => graph.running_mean(lines, steps),
            Self::Gru(network) => network.forward(graph, lines),
            Self::Conv(network) => network.forward(graph, lines),
            Self::Place(_) => lines,
        };
        let read = graph.reshape(read, to.len());
        reordered(graph, read, to, order, false)
    }
}

/// The number of places in one sequence.
fn length(of: Shape, order: Order) -> usize {
    match order {
        Order::Raster => of.places(),
        Order::Down => of.grid.0,
    }
}

/// Puts places into the order in which a context reads them, or back into row order if `there` is
/// false.
fn reordered(graph: &mut Graph<'_, f32>, x: Var, of: Shape, order: Order, there: bool) -> Var {
    let (rows, columns) = of.grid;
    if order == Order::Raster || rows == 1 || columns == 1 {
        return x;
    }
    // Transposes a grid of `a` × `b` places.
    let (a, b) = if there { (rows, columns) } else { (columns, rows) };
    let places = (0..b).flat_map(|j| (0..a).map(move |i| i * b + j));
    let width = of.width;
    let from: Vec<usize> = places.flat_map(|place| place * width..(place + 1) * width).collect();
    graph.gather_columns(x, &from)
}
