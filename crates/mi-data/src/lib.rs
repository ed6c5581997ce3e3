//! Image readers, views, batch sampling and synthetic pairs with known mutual information.
//!
//! Everything works offline and from files: a [`Dataset`] comes from [`load`] (MNIST,
//! Fashion-MNIST, CIFAR-10), from [`load_idx`] (any set in the IDX format, EMNIST for one) or
//! from `embedded` (10,000 digits inside this crate, default feature `embedded`). A [`View`]
//! names a piece of an image, a [`BatchSampler`] draws the rows, and [`Piece::gather`] brings the
//! two together without allocating. Images are flattened row-major, H×W×C with the channel
//! innermost, scaled to [0, 1].
//!
//! ```
//! # #[cfg(feature = "embedded")]
//! # fn main() -> Result<(), mi_data::DataError> {
//! use mi_data::{BatchSampler, Shuffle, View, embedded};
//! use mi_random::Stream;
//! use ndarray::Array2;
//!
//! let digits = embedded()?;
//! let top = View::top_half().of(digits.geometry)?;
//! let mut sampler =
//!     BatchSampler::new(digits.train.len(), 128, Shuffle::Full, &Stream::new(7, "batches"))?;
//! let mut x = Array2::zeros((128, top.columns().len()));
//! top.gather(digits.train.images.view(), sampler.next_batch(), x.view_mut())?;
//! assert_eq!(x.dim(), (128, 392));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "embedded"))]
//! # fn main() {}
//! ```

mod batches;
mod cifar;
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
mod synthetic;
mod view;

pub use batches::{BatchSampler, Shuffle};
pub use cifar::read_cifar10;
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
pub use synthetic::{CorrelatedGaussian, Covariance, LatentPair, PairSource, Sampling, rho_for_mi};
pub use view::View;
