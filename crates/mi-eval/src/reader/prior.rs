use ndarray::{Array2, ArrayView2};

/// The frequencies of classes, with one row added to every class so that none has probability 0
/// (Laplace's rule of succession): what is known about labels without features.
///
/// ```
/// let prior = mi_eval::LabelPrior::new(&[0, 0, 1], 3);
/// assert!((prior.log_loss(0) - 2_f64.ln()).abs() < 1e-15); // (2 + 1) of (3 + 3)
/// assert!(!prior.has_seen(2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LabelPrior {
    counts: Vec<f64>,
    total: f64,
}

impl LabelPrior {
    /// From labels that are column numbers, below `classes`.
    ///
    /// # Panics
    /// If a label is not below `classes`.
    pub fn new(labels: &[usize], classes: usize) -> Self {
        Self::counting(labels.iter().copied(), classes)
    }

    pub(crate) fn of(labels: &[u32], classes: usize) -> Self {
        Self::counting(labels.iter().map(|&label| label as usize), classes)
    }

    fn counting(labels: impl Iterator<Item = usize>, classes: usize) -> Self {
        let mut counts = vec![1.0; classes];
        for label in labels {
            counts[label] += 1.0;
        }
        let total = counts.iter().sum();
        Self { counts, total }
    }

    /// −ln of a class's frequency, in nats.
    pub fn log_loss(&self, class: usize) -> f64 {
        (self.total / self.counts[class]).ln()
    }

    /// A class's frequency.
    pub fn probability(&self, class: usize) -> f64 {
        self.counts[class] / self.total
    }

    /// Whether some label had this class.
    pub fn has_seen(&self, class: usize) -> bool {
        self.counts[class] > 1.0
    }

    /// The classes that some label had, ascending.
    pub(crate) fn seen(&self) -> Vec<usize> {
        (0..self.counts.len()).filter(|&class| self.has_seen(class)).collect()
    }

    /// The total frequency of the classes that were not seen.
    fn unseen(&self) -> f64 {
        let unseen = self.counts.len() - self.seen().len();
        unseen as f64 / self.total
    }

    /// Log-probabilities of all classes, from a reader's for the classes seen.
    ///
    /// A reader knows nothing about an unseen class except its frequency, which stays its
    /// probability. The reader's probabilities are those of the other classes, given that the class
    /// is one of them.
    pub(crate) fn extend(&self, of_seen: ArrayView2<'_, f64>) -> Array2<f64> {
        let given_seen = (-self.unseen()).ln_1p();
        let mut all = self.log_probabilities(of_seen.nrows());
        for (place, class) in self.seen().into_iter().enumerate() {
            all.column_mut(class).assign(&(&of_seen.column(place) + given_seen));
        }
        all
    }

    /// The log-frequencies, `rows` times.
    pub(crate) fn log_probabilities(&self, rows: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, self.counts.len()), |(_, class)| -self.log_loss(class))
    }
}
