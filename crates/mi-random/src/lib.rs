//! Named, portable random streams.
//!
//! One root seed feeds any number of independent streams, each with a name (`init`, `batches`,
//! `noise`, …). A new consumer therefore never shifts the numbers of another, and the numbers
//! depend neither on the machine nor on the number of threads. A stream's state can be saved and
//! restored, so an interrupted computation continues with the same bits.
//!
//! ```
//! use mi_random::Stream;
//!
//! let mut batches = Stream::new(7, "batches");
//! let first = batches.permutation(5);
//! let saved = batches.state();
//! let next = batches.uniform();
//! assert_eq!(Stream::from_state(&saved).uniform(), next);
//! assert_eq!(Stream::new(7, "batches").permutation(5), first);
//! ```

mod stream;

pub use ndarray;
pub use ndarray_rand::rand;
pub use ndarray_rand::rand_distr;
pub use stream::{Stream, StreamState};

/// The README's example, tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
