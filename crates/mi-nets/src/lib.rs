//! Small neural networks with hand-written autodiff over ndarray.
