use mi_kernels::Scalar;

use super::Module;
use crate::{Graph, NetsError, NetworkSize, Var};

/// Networks one after the other, each on the output of the one before.
///
/// # Shapes
/// Those of the first network's input and of the last one's output.
#[derive(Debug)]
pub struct Sequential<T> {
    first: Box<dyn Module<T>>,
    rest: Vec<Box<dyn Module<T>>>,
}

impl<T: Scalar> Sequential<T> {
    /// One network, to which others are added.
    pub fn new(first: impl Module<T> + 'static) -> Self {
        Self { first: Box::new(first), rest: Vec::new() }
    }

    /// Adds a network at the end.
    ///
    /// # Errors
    /// If its input has another width than the output so far.
    pub fn then(mut self, next: impl Module<T> + 'static) -> Result<Self, NetsError> {
        let (given, taken) = (self.output_dim(), next.input_dim());
        if given != taken {
            let layer = format!("number {} of a sequence", self.rest.len() + 2);
            let problem = format!("{next:?} takes rows of {taken} values, not of {given}");
            return Err(NetsError::Layer { layer, problem });
        }
        self.rest.push(Box::new(next));
        Ok(self)
    }
}

impl<T: Scalar> Module<T> for Sequential<T> {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        let mut h = self.first.forward(graph, x);
        for module in &self.rest {
            let next = module.forward(graph, h);
            // Dropout returns its operand where it does nothing; `x` is the caller's.
            if h != next && h != x {
                graph.release(h);
            }
            h = next;
        }
        h
    }

    fn input_dim(&self) -> usize {
        self.first.input_dim()
    }

    fn output_dim(&self) -> usize {
        self.rest.last().unwrap_or(&self.first).output_dim()
    }

    fn size(&self) -> NetworkSize {
        self.rest.iter().fold(self.first.size(), |size, next| size.then(next.size()))
    }
}
