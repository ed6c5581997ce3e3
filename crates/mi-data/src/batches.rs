use mi_random::{Stream, StreamState};
use serde::{Deserialize, Serialize};

use crate::DataError;

/// How a [`BatchSampler`] orders the rows of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shuffle {
    /// A new random permutation of all rows each epoch; the remaining rows at its end, too few for
    /// a batch, are dropped.
    #[default]
    Full,
    /// TensorFlow's `shuffle(size).repeat().batch(..)`: each row is drawn from a buffer of `size`
    /// rows that is refilled in stored order, and a batch may span two epochs. Rows stay near their
    /// stored place, so this mixes badly; it exists for comparison with code that does so.
    Buffer {
        /// Rows in the buffer.
        size: usize,
    },
}

impl Shuffle {
    /// The buffer of 1,000 that the paper's public notebook uses.
    pub const NOTEBOOK: Self = Self::Buffer { size: 1000 };
}

/// Draws batches of row indices, epoch after epoch. Every batch has the full size, because the size
/// of a batch sets the cap of contrastive bounds; [`BatchSampler::keeping_last`] also keeps the
/// short last batch of an epoch, for probes and classifiers.
///
/// The order of an epoch depends only on the stream's key and the epoch's number. The sampler's
/// state (through serde) is therefore small, and a restored sampler gives the same batches.
///
/// ```
/// use mi_data::{BatchSampler, Shuffle};
/// use mi_random::Stream;
///
/// let mut sampler = BatchSampler::new(10, 4, Shuffle::Full, &Stream::new(7, "batches"))?;
/// let (first, second) = (sampler.next_batch().to_vec(), sampler.next_batch().to_vec());
/// assert!(first.iter().all(|row| !second.contains(row)));
/// assert_eq!(sampler.epoch(), 0);
/// sampler.next_batch(); // 2 rows are left, so a new epoch starts
/// assert_eq!(sampler.epoch(), 1);
/// # Ok::<(), mi_data::DataError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "SamplerState", into = "SamplerState")]
pub struct BatchSampler {
    state: SamplerState,
    /// The order of the current epoch.
    order: Vec<usize>,
    batch: Vec<usize>,
    buffer: Vec<usize>,
}

/// The complete state of a [`BatchSampler`], as serde writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SamplerState {
    rows: usize,
    batch_size: usize,
    shuffle: Shuffle,
    stream: StreamState,
    epoch: u64,
    /// Number of rows of the epoch's order already returned.
    position: usize,
    /// Whether an epoch ends with a batch of the remaining rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    keeps_last: bool,
}

impl BatchSampler {
    /// Batches of `batch_size` from `rows` rows. Uses children of `stream`; its position does
    /// not matter and does not change.
    ///
    /// # Errors
    /// If `batch_size` or a buffer is 0, or there are fewer rows than a batch needs.
    pub fn new(
        rows: usize,
        batch_size: usize,
        shuffle: Shuffle,
        stream: &Stream,
    ) -> Result<Self, DataError> {
        Self::start(rows, batch_size, shuffle, stream, false)
    }

    /// Batches of a new permutation of all rows each epoch ([`Shuffle::Full`]); the last one has
    /// the remaining rows. Full batches equal those of [`BatchSampler::new`].
    ///
    /// # Errors
    /// If `batch_size` or `rows` is 0.
    pub fn keeping_last(
        rows: usize,
        batch_size: usize,
        stream: &Stream,
    ) -> Result<Self, DataError> {
        Self::start(rows, batch_size, Shuffle::Full, stream, true)
    }

    fn start(
        rows: usize,
        batch_size: usize,
        shuffle: Shuffle,
        stream: &Stream,
        keeps_last: bool,
    ) -> Result<Self, DataError> {
        let stream = stream.child("epochs").state();
        let (epoch, position) = (0, 0);
        let state = SamplerState { rows, batch_size, shuffle, stream, epoch, position, keeps_last };
        Self::try_from(state)
    }

    /// The row indices of the next batch.
    pub fn next_batch(&mut self) -> &[usize] {
        let SamplerState { rows, batch_size, shuffle, keeps_last, .. } = self.state;
        self.batch.clear();
        let left = rows - self.state.position;
        if shuffle == Shuffle::Full && left < if keeps_last { 1 } else { batch_size } {
            self.start_next_epoch();
        }
        let left = rows - self.state.position;
        let size = if keeps_last { batch_size.min(left) } else { batch_size };
        while self.batch.len() < size {
            if self.state.position == rows {
                self.start_next_epoch();
            }
            let position = self.state.position;
            let end = rows.min(position + size - self.batch.len());
            self.batch.extend_from_slice(&self.order[position..end]);
            self.state.position = end;
        }
        &self.batch
    }

    /// The epoch, counted from 0, that the last row of the latest batch belongs to.
    pub fn epoch(&self) -> u64 {
        self.state.epoch
    }

    /// Rows that the batches are drawn from.
    pub fn rows(&self) -> usize {
        self.state.rows
    }

    /// Rows in a batch.
    pub fn batch_size(&self) -> usize {
        self.state.batch_size
    }

    /// Number of batches in one epoch: full ones, and the short last one if it is kept.
    pub fn batches_per_epoch(&self) -> usize {
        let SamplerState { rows, batch_size, keeps_last, .. } = self.state;
        if keeps_last { rows.div_ceil(batch_size) } else { rows / batch_size }
    }

    fn start_next_epoch(&mut self) {
        self.state.epoch = self.state.epoch.wrapping_add(1);
        self.state.position = 0;
        self.shuffle();
    }

    /// Makes the order of the current epoch.
    fn shuffle(&mut self) {
        let name = self.state.epoch.to_string();
        let mut stream = Stream::from_state(&self.state.stream).child(&name);
        let rows = self.state.rows;
        self.order.clear();
        match self.state.shuffle {
            Shuffle::Full => {
                self.order.extend(0..rows);
                stream.shuffle(&mut self.order);
            }
            Shuffle::Buffer { size } => {
                let size = size.min(rows);
                self.buffer.clear();
                self.buffer.extend(0..size);
                for next in size..rows {
                    let slot = stream.below(size);
                    self.order.push(self.buffer[slot]);
                    self.buffer[slot] = next;
                }
                stream.shuffle(&mut self.buffer);
                self.order.append(&mut self.buffer);
            }
        }
    }
}

impl TryFrom<SamplerState> for BatchSampler {
    type Error = DataError;

    fn try_from(state: SamplerState) -> Result<Self, DataError> {
        let SamplerState { rows, batch_size, keeps_last, .. } = state;
        let reason = if batch_size == 0 {
            "a batch needs at least one row"
        } else if rows == 0 {
            "there are no rows"
        } else if rows < batch_size && !keeps_last {
            "there are not enough rows for one batch; use more data or a smaller batch"
        } else if state.shuffle == (Shuffle::Buffer { size: 0 }) {
            "a shuffle buffer needs at least one row"
        } else if state.position > rows {
            "the saved position is beyond the rows"
        } else {
            let mut order = Vec::new();
            // A damaged saved state must not abort the process.
            if order.try_reserve_exact(rows).is_ok() {
                let mut sampler = Self { state, order, batch: Vec::new(), buffer: Vec::new() };
                sampler.shuffle();
                return Ok(sampler);
            }
            "there is not enough memory for the order of this many rows"
        };
        Err(DataError::Batch { rows, batch_size, reason })
    }
}

impl From<BatchSampler> for SamplerState {
    fn from(sampler: BatchSampler) -> Self {
        sampler.state
    }
}
