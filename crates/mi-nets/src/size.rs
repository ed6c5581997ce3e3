use crate::ConvGeometry;
use crate::layers::{ConvNetConfig, CouplingKind, InfoMaxNetConfig, RealNvpConfig};

/// The cost of a network, computed from its shape. Times, rates and memory are estimated from it.
///
/// Products count the multiply–adds of dense layers and convolutions; everything else is small. A
/// convolution that does not fit its images ([`ConvGeometry::check`]) has no positions. Numbers too
/// large for their type are its largest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkSize {
    /// Multiply–adds of one row's forward pass.
    pub products: usize,
    /// The part of them that multiplies the network's input, which gets no gradient in training.
    pub of_input: usize,
    /// Number of parameters.
    pub parameters: usize,
    /// Numbers that the network keeps per row for the backward pass, excluding its input.
    pub activations: usize,
}

impl NetworkSize {
    /// Dense layers of these widths, the input's first.
    pub fn dense(widths: &[usize]) -> Self {
        let layers = widths.windows(2).map(|pair| Self::layer(pair[0], pair[1], 1));
        layers.reduce(Self::then).unwrap_or_default()
    }

    /// One layer from `inputs` to `outputs` values at this many places of a row, including biases.
    pub(crate) fn layer(inputs: usize, outputs: usize, places: usize) -> Self {
        let activations = places.saturating_mul(outputs);
        let products = activations.saturating_mul(inputs);
        let parameters = inputs.saturating_add(1).saturating_mul(outputs);
        Self { products, of_input: products, parameters, activations }
    }

    /// One convolution, including biases.
    pub(crate) fn convolution(geometry: &ConvGeometry, filters: usize) -> Self {
        let layer = Self::layer(geometry.patch_dim(), filters, geometry.positions_count());
        // Zeros around the image are never multiplied.
        let products = geometry.covered().saturating_mul(filters);
        Self { products, of_input: products, ..layer }
    }

    /// A [`crate::ConvNet`].
    pub fn convnet(config: &ConvNetConfig) -> Self {
        let convolutions = config.geometries().zip(&config.filters);
        let layers = convolutions.map(|(geometry, &filters)| Self::convolution(&geometry, filters));
        let channels = config.filters.last().copied().unwrap_or_default();
        // The scale and the shift of the normalisation.
        let norm = Self { parameters: channels.saturating_mul(2), ..Self::default() };
        let dense = Self::layer(channels, config.output, 1);
        layers.chain([norm, dense]).reduce(Self::then).unwrap_or_default()
    }

    /// An [`crate::InfoMaxNet`].
    pub fn info_max_net(config: &InfoMaxNetConfig) -> Self {
        // Instead of a bias, scale and shift of a normalisation; its output and that of ReLU are
        // kept too.
        let normalised = |of: Self, channels| Self {
            parameters: of.parameters.saturating_add(channels),
            activations: of.activations.saturating_mul(3),
            ..of
        };
        let convolutions: Vec<_> = config.geometries().zip(&config.filters).collect();
        let width = convolutions
            .last()
            .map(|(of, filters)| of.positions_count().saturating_mul(**filters))
            .unwrap_or_default();
        let hidden = normalised(Self::layer(width, config.hidden, 1), config.hidden);
        let dense = Self::layer(config.hidden, config.output, 1);
        convolutions
            .into_iter()
            .map(|(of, &filters)| normalised(Self::convolution(&of, filters), filters))
            .chain([hidden, dense])
            .reduce(Self::then)
            .unwrap_or_default()
    }

    /// A [`crate::RealNvp`].
    pub fn realnvp(config: &RealNvpConfig) -> Self {
        let RealNvpConfig { dim, couplings, ref hidden, kind } = *config;
        let changed = dim - dim / 2;
        let outputs =
            if kind == CouplingKind::Affine { changed.saturating_mul(2) } else { changed };
        let net = Self::dense(&[&[dim / 2], hidden.as_slice(), &[outputs]].concat());
        Self::couplings(net, dim, couplings)
    }

    /// Couplings of rows of this width, each with a network.
    pub(crate) fn couplings(net: Self, dim: usize, count: usize) -> Self {
        // A coupling also keeps what it permuted and what it returns.
        let kept = dim.saturating_mul(2);
        let coupling = Self { activations: net.activations.saturating_add(kept), ..net };
        (1..count).fold(coupling, |all, _| all.then(coupling))
    }

    /// This network followed by another on its output.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            products: self.products.saturating_add(next.products),
            of_input: self.of_input,
            parameters: self.parameters.saturating_add(next.parameters),
            activations: self.activations.saturating_add(next.activations),
        }
    }

    /// Multiply–adds of a training step per row: forward, and backward to the parameters and to the
    /// inputs of all layers except the network's own input.
    pub fn step_products(&self) -> usize {
        let of_parameters = self.products;
        let of_inputs = self.products.saturating_sub(self.of_input);
        self.products.saturating_add(of_parameters).saturating_add(of_inputs)
    }
}
