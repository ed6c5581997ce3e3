use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use ndarray::{ArrayView1, ArrayView2, NdFloat};

/// The number of rows that equal an earlier row: rows minus distinct rows.
///
/// In a batch of contrastive pairs a repeated row is a false negative: with 4 distinct pairs, each
/// twice, a perfect critic reaches ln 4, not ln 8. Rows are compared by value (0 = −0); a row with
/// a NaN equals none.
///
/// ```
/// use ndarray::array;
///
/// let rows = array![[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [1.0, 2.0]];
/// assert_eq!(mi_data::duplicate_rows(rows.view()), 2);
/// ```
pub fn duplicate_rows<T: NdFloat>(rows: ArrayView2<'_, T>) -> usize {
    // Only look-ups, no iteration: the map's order cannot affect the result.
    let mut distinct: HashMap<u64, Vec<usize>> = HashMap::with_capacity(rows.nrows());
    let mut duplicates = 0;
    for (i, row) in rows.rows().into_iter().enumerate() {
        let alike = distinct.entry(hash(row)).or_default();
        if alike.iter().any(|&j| rows.row(j) == row) {
            duplicates += 1;
        } else {
            alike.push(i);
        }
    }
    duplicates
}

fn hash<T: NdFloat>(row: ArrayView1<'_, T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for &value in row {
        // + 0 turns −0 into 0.
        (value + T::zero()).to_f64().unwrap_or(f64::NAN).to_bits().hash(&mut hasher);
    }
    hasher.finish()
}
