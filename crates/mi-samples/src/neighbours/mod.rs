//! Estimators from the nearest neighbours of every observation, under the maximum norm.
//!
//! These estimators count points in a ball, for any number of columns. Existing crates for k-d
//! trees cannot do this, and fix the number of dimensions at compile time; hence [`tree`].
//!
//! Searches are compiled for vectors of at most 256 bits, two of which hold the distances to the
//! points of a leaf. Distances are differences, absolute values and maxima, which round the same
//! way in vectors of any width. So the choice changes the speed, but never a bit of the result.

#![allow(clippy::inline_always, reason = "a kernel must be compiled as a whole for wider vectors")]

mod classes;
mod conditional;
mod entropy;
mod joint;
mod ksg;
mod marginal;
mod mixture;
mod nearest;
mod ross;
mod search;
mod sorted;
mod tally;
mod tree;

pub use conditional::{conditional_ksg, mesner_shalizi};
pub use entropy::kozachenko_leonenko;
pub use ksg::{KsgVariant, ksg};
pub use mixture::mixture;
pub use ross::{RossEstimates, ross};

pub(crate) use conditional::{conditional_ksg_of, mesner_shalizi_of};
pub(crate) use joint::nearest_rows;
pub(crate) use ksg::ksg_of;
pub(crate) use mixture::mixture_of;
pub(crate) use ross::ross_of;

use ndarray::ArrayView2;

use crate::SamplesError;
use crate::sample::{Coordinates, ascending, columns_of};

/// The values of one side as they are.
fn side(values: ArrayView2<'_, f64>) -> Result<Coordinates, SamplesError> {
    let columns = columns_of(values)?;
    let order = if let [column] = &columns[..] { Some(ascending(column)) } else { None };
    Ok(Coordinates { columns, order, label: None })
}

/// The values of two sides as they are.
fn sides(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
) -> Result<(Coordinates, Coordinates), SamplesError> {
    if x.nrows() != y.nrows() {
        return Err(SamplesError::RowCounts { x: x.nrows(), y: y.nrows() });
    }
    Ok((side(x)?, side(y)?))
}
