//! One side of an estimate: columns, their kinds, and their ranks.

mod column;
mod column_type;
mod copies;
mod lattice;
mod order;
mod side;

pub use column_type::{ColumnKind, ColumnType, Declared};
pub(crate) use order::{ascending, normal_cdf, normal_quantile, normal_scores};
pub(crate) use side::{Coordinates, columns_of, joint_labels};
pub use side::{LARGEST, Marginals, Sample};
