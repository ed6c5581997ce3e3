use crate::ConvGeometry;
use crate::layers::{ConvNetConfig, CouplingKind, InfoMaxNetConfig, RealNvpConfig};

/// The cost of a network, computed from its shape. Times, rates and memory are estimated from it.
///
/// Products count the multiply–adds of dense layers and convolutions; everything else is small.
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
        let products = places * inputs * outputs;
        let parameters = (inputs + 1) * outputs;
        Self { products, of_input: products, parameters, activations: places * outputs }
    }

    /// One convolution, including biases.
    pub(crate) fn convolution(geometry: &ConvGeometry, filters: usize) -> Self {
        let layer = Self::layer(geometry.patch_dim(), filters, geometry.positions_count());
        // Zeros around the image are never multiplied.
        let products = geometry.covered() * filters;
        Self { products, of_input: products, ..layer }
    }

    /// A [`crate::ConvNet`].
    pub fn convnet(config: &ConvNetConfig) -> Self {
        let convolutions = config.geometries().zip(&config.filters);
        let layers = convolutions.map(|(geometry, &filters)| Self::convolution(&geometry, filters));
        let channels = config.filters.last().copied().unwrap_or_default();
        // The scale and the shift of the normalisation.
        let norm = Self { parameters: 2 * channels, ..Self::default() };
        let dense = Self::layer(channels, config.output, 1);
        layers.chain([norm, dense]).reduce(Self::then).unwrap_or_default()
    }

    /// An [`crate::InfoMaxNet`].
    pub fn info_max_net(config: &InfoMaxNetConfig) -> Self {
        // Instead of a bias, scale and shift of a normalisation; its output and that of ReLU are
        // kept too.
        let normalised = |of: Self, channels| Self {
            parameters: of.parameters + channels,
            activations: 3 * of.activations,
            ..of
        };
        let convolutions: Vec<_> = config.geometries().zip(&config.filters).collect();
        let width = convolutions
            .last()
            .map(|(of, filters)| of.positions_count() * **filters)
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
        let outputs = if kind == CouplingKind::Affine { 2 * changed } else { changed };
        let net = Self::dense(&[&[dim / 2], hidden.as_slice(), &[outputs]].concat());
        Self::couplings(net, dim, couplings)
    }

    /// Couplings of rows of this width, each with a network.
    pub(crate) fn couplings(net: Self, dim: usize, count: usize) -> Self {
        // A coupling also keeps what it permuted and what it returns.
        let coupling = Self { activations: net.activations + 2 * dim, ..net };
        (1..count).fold(coupling, |all, _| all.then(coupling))
    }

    /// This network followed by another on its output.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            products: self.products + next.products,
            of_input: self.of_input,
            parameters: self.parameters + next.parameters,
            activations: self.activations + next.activations,
        }
    }

    /// Multiply–adds of a training step per row: forward, and backward to the parameters and to the
    /// inputs of all layers except the network's own input.
    pub fn step_products(&self) -> usize {
        3 * self.products - self.of_input
    }
}
