use mi_kernels::Scalar;

/// A buffer's place in its [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(usize);

/// Buffers that are kept from step to step: after [`Arena::reset`] the n-th request returns the
/// n-th buffer of the previous step, so a step like the last one allocates nothing.
///
/// A buffer is at least as long as requested, and its content is undefined: callers write all of it
/// before they read any.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T> {
    buffers: Vec<Vec<T>>,
    used: usize,
    free: Vec<usize>,
}

impl<T: Scalar> Arena<T> {
    pub(crate) fn new() -> Self {
        Self { buffers: Vec::new(), used: 0, free: Vec::new() }
    }

    /// Takes back all buffers.
    pub(crate) fn reset(&mut self) {
        self.used = 0;
        self.free.clear();
    }

    /// A buffer of at least `length` elements, moved out so that others can be read while it
    /// is written; [`Arena::put`] moves it back.
    pub(crate) fn take(&mut self, length: usize) -> (Slot, Vec<T>) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.used += 1;
            if self.used > self.buffers.len() {
                self.buffers.push(Vec::new());
            }
            self.used - 1
        });
        let slot = Slot(index);
        let mut buffer = self.borrow(slot);
        // Never shortened: a buffer that alternates between two lengths would be filled with zeros
        // each time it grows again.
        if buffer.len() < length {
            buffer.resize(length, T::zero());
        }
        if cfg!(debug_assertions) {
            // So that an operation that leaves part of its output unwritten fails in every test.
            buffer[..length].fill(T::nan());
        }
        (slot, buffer)
    }

    /// Moves a buffer back to where [`Arena::take`] or [`Arena::borrow`] took it.
    pub(crate) fn put(&mut self, slot: Slot, buffer: Vec<T>) {
        self.buffers[slot.0] = buffer;
    }

    /// Moves out a buffer that holds values; [`Arena::put`] moves it back.
    pub(crate) fn borrow(&mut self, slot: Slot) -> Vec<T> {
        std::mem::take(&mut self.buffers[slot.0])
    }

    /// Declares that a buffer's values are not needed any more.
    pub(crate) fn release(&mut self, slot: Slot) {
        self.free.push(slot.0);
    }

    /// The first `length` values of a buffer.
    pub(crate) fn slice(&self, slot: Slot, length: usize) -> &[T] {
        &self.buffers[slot.0][..length]
    }

    /// Like [`Arena::slice`], but mutable.
    pub(crate) fn slice_mut(&mut self, slot: Slot, length: usize) -> &mut [T] {
        &mut self.buffers[slot.0][..length]
    }
}
