//! Image readers, views, batch sampling and synthetic pairs with known mutual information.
//!
//! Everything works offline and from files: a [`Dataset`] comes from [`load`] (MNIST,
//! Fashion-MNIST, CIFAR-10), from [`load_idx`] (any set in the IDX format, such as EMNIST) or from
//! `embedded` (10,000 digits inside this crate, default feature `embedded`). A [`View`] names a
//! piece of an image, a [`BatchSampler`] draws the rows, and a [`Batch`] combines both, with the
//! labels, without allocating. Images are flattened row-major, H×W×C with the channel innermost,
//! scaled to [0, 1].
//!
//! ```
//! # #[cfg(feature = "embedded")]
//! # fn main() -> Result<(), mi_data::DataError> {
//! use mi_data::{Batch, BatchSampler, Shuffle, Stream, View, embedded};
//!
//! let digits = embedded()?;
//! let views = [View::top_half(), "bottom_half+noise:0.1".parse()?];
//! let mut batch = Batch::new(&views, digits.geometry)?;
//! let mut noise = Stream::new(7, "noise");
//! let mut sampler =
//!     BatchSampler::new(digits.train.len(), 128, Shuffle::Full, &Stream::new(7, "batches"))?;
//! batch.draw(&digits.train, sampler.next_batch(), &mut noise)?;
//! assert_eq!(batch.view(0).dim(), (128, 392));
//! assert_eq!(batch.labels().len(), 128);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "embedded"))]
//! # fn main() {}
//! ```

mod batch;
mod batches;
mod cifar;
mod colour;
mod content;
mod dataset;
mod duplicates;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod folder;
mod geometry;
mod idx;
mod noise;
mod number;
mod piece;
mod provenance;
mod span;
mod synthetic;
mod view;
mod view_text;

pub use batch::Batch;
pub use batches::{BatchSampler, Shuffle};
pub use cifar::read_cifar10;
pub use colour::Colour;
pub use dataset::{Dataset, Split};
pub use duplicates::duplicate_rows;
#[cfg(feature = "embedded")]
pub use embedded::embedded;
pub use error::DataError;
pub use folder::{DatasetName, IdxOptions, load, load_idx};
pub use geometry::Geometry;
pub use idx::{IdxImages, IdxLabels, read_idx_images, read_idx_labels};
pub use noise::{add_noise, add_shared_noise};
pub use piece::Piece;
pub use provenance::{Provenance, SourceFile};
pub use synthetic::{
    CorrelatedGaussian, Covariance, LatentPair, LatentSequences, PairSource, Sampling, rho_for_mi,
};
pub use view::View;

pub use mi_random::Stream;
pub use ndarray;

/// The README's example, tested.
#[cfg(all(doctest, feature = "embedded"))]
#[doc = include_str!("../README.md")]
struct Readme;
