//! From batches of views to representations.

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

/// An encoder and the view that it sees.
struct ViewEncoder {
    view: usize,
    /// The encoder of this index has the weights.
    owner: usize,
    /// Built where it has weights of its own.
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
    /// A vector a place, one row of all of them.
    Place(ParamId),
}

/// What a batch's representations are on a graph; those that nobody asked for are missing.
pub(super) struct Represented(Vec<Option<Var>>);

impl Represented {
    /// One that was asked for: n × (places · width).
    pub(super) fn of(&self, representation: usize) -> Var {
        self.0[representation].unwrap_or_else(|| unreachable!("it was asked for"))
    }
}

impl Networks {
    /// Builds all networks of a task and adds their parameters, those of each under its name.
    pub(super) fn build(
        task: &MultiView,
        layout: Layout,
        params: &mut Params<f32>,
        streams: &Stream,
    ) -> Result<Self, NetsError> {
        let mut encoders: Vec<ViewEncoder> = Vec::new();
        for (index, encoder) in task.encoders.iter().enumerate() {
            // The layout was made of these names.
            let view = task.views.iter().position(|view| view.name == encoder.view);
            let (view, Ok((owner, spec))) = (view.unwrap_or_default(), task.network(index)) else {
                unreachable!("the task was checked")
            };
            let network = (owner == index)
                .then(|| {
                    let mut stream = streams.child(&format!("init {}", encoder.name));
                    let image = layout.pieces[view].geometry();
                    Encoder::build(spec, params, &encoder.name, image, &mut stream)
                })
                .transpose()?;
            encoders.push(ViewEncoder { view, owner, network });
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

    /// What is needed for some representations: these and what they are made of.
    pub(super) fn needed(&self, asked: &[usize]) -> Vec<bool> {
        let mut needed = vec![false; self.layout.representations.len()];
        for &index in asked {
            needed[index] = true;
        }
        // Contexts come after what they read.
        for index in (0..needed.len()).rev().filter(|&index| needed[index]).collect::<Vec<_>>() {
            let mut index = index;
            while let Origin::Context(context) = self.layout.representations[index].origin {
                index = self.contexts[context].of;
                needed[index] = true;
            }
        }
        needed
    }

    /// The views that are seen for these representations.
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

    /// Appends the networks to a graph: one batch a view in, the representations that are needed out.
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
        if let (Encoder::Conv(network), true) = (network, maps.iter().any(Option::is_some)) {
            let all = network.forward_with_map(graph, input);
            for (place, value) in
                [summary, maps[0], maps[1]].into_iter().zip([all.summary, all.map, all.local_map])
            {
                if let Some(place) = place {
                    found[place] = Some(value);
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

    /// Rows and columns of pixels that the first place of an encoder's map has seen.
    pub(super) fn first_field(&self, encoder: usize) -> Option<(usize, usize)> {
        let Encoder::Conv(network) = self.network(encoder) else { return None };
        let convolutions: Vec<ConvGeometry> = network.config().geometries().collect();
        Some(first_field(&convolutions))
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

    /// From n × (places · width) of a sequence to that of its contexts.
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

/// Places of one sequence.
fn length(of: Shape, order: Order) -> usize {
    match order {
        Order::Raster => of.places(),
        Order::Down => of.grid.0,
    }
}

/// Places in the order in which a context reads them, or back in that of rows.
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
