use mi_kernels::{Scalar, all_finite};
use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use crate::NetsError;
use crate::matrix::{matrix, matrix_mut};

/// A parameter's place in its [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub(crate) usize);

/// A permutation's place in its [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PermutationId(pub(crate) usize);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Param<T> {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Row-major.
    pub(crate) values: Vec<T>,
    pub(crate) role: Role,
    /// No step leaves an element above this.
    pub(crate) most: Option<T>,
}

/// What a step does with a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    /// It moves along its gradient.
    Trained,
    /// It does not change, and no gradient is computed for it.
    Frozen,
    /// It is not a parameter but running statistics, which follow those of the latest batch.
    Running { momentum: f64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Permutation {
    name: String,
    order: Vec<usize>,
}

/// The trained parameters of one or more networks, named by path (`g1.layers.0.weight`), and the
/// untrained permutations of columns and running statistics that belong to them.
///
/// Parameters live outside the tape and outside the layers, which hold only [`ParamId`]s. Every
/// parameter is a matrix; ids count up from 0 in the order of [`Params::add`].
#[derive(Clone, Debug, PartialEq)]
pub struct Params<T> {
    params: Vec<Param<T>>,
    permutations: Vec<Permutation>,
}

impl<T> Default for Params<T> {
    fn default() -> Self {
        Self { params: Vec::new(), permutations: Vec::new() }
    }
}

impl<T: Scalar> Params<T> {
    /// No parameter yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter. The values are kept row-major, whatever the layout of the array.
    ///
    /// # Errors
    /// If the name is taken, or the matrix has no element.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        values: Array2<T>,
    ) -> Result<ParamId, NetsError> {
        let name = name.into();
        let (rows, columns) = values.dim();
        if self.params.iter().any(|param| param.name == name) {
            return Err(NetsError::DuplicateName { name });
        }
        if values.is_empty() {
            let problem = format!("parameter `{name}` is {rows}×{columns}: it has no element");
            return Err(NetsError::Shape { operation: "Params::add", problem });
        }
        // `iter` is in logical order; the raw buffer of a transposed array is not.
        let values = values.iter().copied().collect();
        self.params.push(Param { name, rows, columns, values, role: Role::Trained, most: None });
        Ok(ParamId(self.params.len() - 1))
    }

    /// Adds the running statistics of a batch normalisation over `channels` channels: a 3×channels
    /// matrix of means (0 at first), variances (1) and the number of steps seen (0).
    ///
    /// They are saved and restored with the parameters but not trained: a step moves means and
    /// variances by the fraction `momentum` towards those of its batch.
    ///
    /// # Errors
    /// If the name is taken, there is no channel, or `momentum` is not in (0, 1].
    pub fn add_running_statistics(
        &mut self,
        name: impl Into<String>,
        channels: usize,
        momentum: f64,
    ) -> Result<ParamId, NetsError> {
        if !(momentum > 0.0 && momentum <= 1.0) {
            let problem = format!("`momentum` is {momentum}: it must be in (0, 1]");
            return Err(NetsError::Setting { operation: "running statistics", problem });
        }
        let mut values = Array2::zeros((3, channels));
        values.row_mut(1).fill(T::one());
        let id = self.add(name, values)?;
        self.params[id.0].role = Role::Running { momentum };
        Ok(id)
    }

    /// Freezes a parameter: it gets no gradient and no update, and an optimiser does not require
    /// its gradient. Checkpoints do not save which parameters are frozen. Running statistics are
    /// not affected.
    ///
    /// # Panics
    /// Like [`Params::view`].
    pub fn freeze(&mut self, id: ParamId) {
        self.set_role(id, Role::Frozen);
    }

    /// Makes a frozen parameter trainable again.
    ///
    /// # Panics
    /// Like [`Params::view`].
    pub fn thaw(&mut self, id: ParamId) {
        self.set_role(id, Role::Trained);
    }

    /// Freezes a network: every parameter whose path begins with `path` (`g1` for
    /// `g1.layers.0.weight`).
    ///
    /// ```
    /// use mi_nets::{Init, Mlp, NetsError, Params, Stream};
    ///
    /// let mut params = Params::<f32>::new();
    /// let mut stream = Stream::new(1, "init");
    /// Mlp::new(&mut params, "encoder", &[8, 4], Init::GlorotUniform, &mut stream)?;
    /// Mlp::new(&mut params, "head", &[4, 2], Init::GlorotUniform, &mut stream)?;
    /// params.freeze_network("encoder")?;
    /// let trained = params.ids().filter(|&id| params.is_trained(id)).map(|id| params.name(id));
    /// assert_eq!(trained.collect::<Vec<_>>(), ["head.layers.0.weight", "head.layers.0.bias"]);
    /// # Ok::<(), NetsError>(())
    /// ```
    ///
    /// # Errors
    /// If there is none.
    pub fn freeze_network(&mut self, path: &str) -> Result<(), NetsError> {
        self.set_roles(path, Role::Frozen)
    }

    /// Makes a network trainable again.
    ///
    /// # Errors
    /// Those of [`Params::freeze_network`].
    pub fn thaw_network(&mut self, path: &str) -> Result<(), NetsError> {
        self.set_roles(path, Role::Trained)
    }

    /// Limits a parameter: after each step, elements above `most` are set to it. Checkpoints do not
    /// save limits.
    ///
    /// A function that is constant beyond the limit, such as [`crate::Graph::scale_exp`], has no
    /// gradient there: a parameter that a step took beyond it would never come back.
    ///
    /// # Panics
    /// Like [`Params::view`].
    pub fn limit(&mut self, id: ParamId, most: T) {
        self.params[id.0].most = Some(most);
    }

    /// Whether a step moves this parameter along its gradient: it is neither frozen nor running
    /// statistics.
    ///
    /// # Panics
    /// Like [`Params::view`].
    pub fn is_trained(&self, id: ParamId) -> bool {
        self.params[id.0].role == Role::Trained
    }

    /// Adds a permutation of 0..n.
    ///
    /// # Errors
    /// If the name is taken, or `order` is not a permutation.
    pub fn add_permutation(
        &mut self,
        name: impl Into<String>,
        order: Vec<usize>,
    ) -> Result<PermutationId, NetsError> {
        let name = name.into();
        if self.permutations.iter().any(|permutation| permutation.name == name) {
            return Err(NetsError::DuplicateName { name });
        }
        if !is_permutation(&order) {
            let problem = format!("`{name}` does not contain every number from 0 once");
            return Err(NetsError::Mismatch { operation: "Params::add_permutation", problem });
        }
        self.permutations.push(Permutation { name, order });
        Ok(PermutationId(self.permutations.len() - 1))
    }

    /// Rows and columns of a parameter; `None` if `id` belongs to other parameters and is beyond
    /// these.
    pub fn dim(&self, id: ParamId) -> Option<(usize, usize)> {
        self.params.get(id.0).map(|param| (param.rows, param.columns))
    }

    /// A parameter's values.
    ///
    /// # Panics
    /// If `id` belongs to other parameters and is beyond these.
    pub fn view(&self, id: ParamId) -> ArrayView2<'_, T> {
        let param = &self.params[id.0];
        matrix(param.rows, param.columns, &param.values)
    }

    /// A parameter's values, mutable.
    ///
    /// # Panics
    /// Like [`Params::view`].
    pub fn view_mut(&mut self, id: ParamId) -> ArrayViewMut2<'_, T> {
        let param = &mut self.params[id.0];
        matrix_mut(param.rows, param.columns, &mut param.values)
    }

    /// A parameter's name.
    ///
    /// # Panics
    /// Like [`Params::view`].
    pub fn name(&self, id: ParamId) -> &str {
        &self.params[id.0].name
    }

    /// The parameter of this name.
    pub fn id(&self, name: &str) -> Option<ParamId> {
        self.params.iter().position(|param| param.name == name).map(ParamId)
    }

    /// All ids, in the order in which the parameters were added.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ParamId> + use<T> {
        (0..self.params.len()).map(ParamId)
    }

    /// The number of parameters (matrices).
    pub fn len(&self) -> usize {
        self.params.len()
    }

    /// Whether there is no parameter.
    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// The number of parameters in the usual sense: the elements of all matrices, including frozen
    /// ones, but not of running statistics.
    pub fn scalar_count(&self) -> usize {
        let counted = self.params.iter().filter(|p| !matches!(p.role, Role::Running { .. }));
        counted.map(|param| param.values.len()).sum()
    }

    /// A permutation: column j of the result is column `order[j]` of the operand.
    ///
    /// # Panics
    /// If `id` belongs to other parameters and is beyond these.
    pub fn permutation(&self, id: PermutationId) -> &[usize] {
        &self.permutations[id.0].order
    }

    /// Names and values of all permutations, in the order in which they were added.
    pub fn permutations(&self) -> impl ExactSizeIterator<Item = (&str, &[usize])> {
        self.permutations.iter().map(|permutation| (&*permutation.name, &*permutation.order))
    }

    /// The same names, ids and permutations with values rounded to another number type, so that a
    /// network trained in `f32` can be checked in `f64`.
    pub fn cast<U: Scalar>(&self) -> Params<U> {
        let cast = |param: &Param<T>| Param {
            name: param.name.clone(),
            rows: param.rows,
            columns: param.columns,
            values: param.values.iter().map(|&x| U::from_f64(x.to_f64())).collect(),
            role: param.role,
            most: param.most.map(|most| U::from_f64(most.to_f64())),
        };
        Params {
            params: self.params.iter().map(cast).collect(),
            permutations: self.permutations.clone(),
        }
    }

    /// Whether no value is NaN or infinite.
    pub fn all_finite(&self) -> bool {
        self.params.iter().all(|param| all_finite(&param.values))
    }

    fn set_role(&mut self, id: ParamId, role: Role) {
        let param = &mut self.params[id.0];
        if !matches!(param.role, Role::Running { .. }) {
            param.role = role;
        }
    }

    fn set_roles(&mut self, path: &str, role: Role) -> Result<(), NetsError> {
        let below = |name: &str| {
            name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let ids: Vec<ParamId> = self.ids().filter(|&id| below(self.name(id))).collect();
        if ids.is_empty() {
            let problem = format!("no parameter's path begins with `{path}`");
            return Err(NetsError::Mismatch { operation: "Params", problem });
        }
        for id in ids {
            self.set_role(id, role);
        }
        Ok(())
    }

    pub(crate) fn role(&self, id: ParamId) -> Role {
        self.params[id.0].role
    }

    pub(crate) fn entries(&self) -> &[Param<T>] {
        &self.params
    }

    /// A parameter's values, row by row.
    pub(crate) fn slice(&self, id: ParamId) -> &[T] {
        &self.params[id.0].values
    }

    pub(crate) fn entries_mut(&mut self) -> &mut [Param<T>] {
        &mut self.params
    }

    pub(crate) fn permutation_mut(&mut self, index: usize) -> &mut [usize] {
        &mut self.permutations[index].order
    }
}

pub(crate) fn is_permutation(order: &[usize]) -> bool {
    let mut seen = vec![false; order.len()];
    order.iter().all(|&n| n < seen.len() && !std::mem::replace(&mut seen[n], true))
}
