//! Which scores are positives, which are negatives, and which are neither.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::EstimatorError;

/// The roles of all pairs of N rows with M columns: a *positive* comes from the joint distribution,
/// a *negative* from the product of the marginals, and an excluded pair counts as neither. Every
/// other pair is a negative.
///
/// A row may have several positives. Each of them is a separate sample of the joint distribution,
/// and all share the row's negatives: positives of one row do not compete with one another. Rows
/// and columns without positives are allowed (queues, memory banks); a row without positives is
/// ignored.
///
/// | system | pairs |
/// | --- | --- |
/// | two views in a batch (paper, N-pair, CMC, CPC within a step) | [`Pairs::square`] |
/// | a queue of further negatives (`MoCo`) | [`Pairs::with_queue`], [`Pairs::followed_by`] |
/// | a memory bank in which every sample has its place (CMC) | [`Pairs::memory_bank`] |
/// | both views as candidates, 2K − 1 of them (NT-Xent) | [`Pairs::both_views`] |
/// | an image and its M locations (DIM's local objective) | [`Pairs::locations`] |
/// | a step of a sequence, with other steps as negatives (CPC) | [`Pairs::sequence_step`] |
/// | anything else | [`Pairs::new`] |
///
/// Memory is of the order of rows, columns, positives and excluded pairs.
///
/// ```
/// use mi_estimators::bounds::Pairs;
///
/// // Two rows, four columns: row 0 has two positives, and one pair of row 1 is left out.
/// let pairs = Pairs::new((2, 4), &[(0, 0), (0, 1), (1, 2)], &[(1, 3)])?;
/// assert_eq!(pairs.counts().positives, 3);
/// assert_eq!((pairs.negatives_of(0), pairs.negatives_of(1)), (2, 2));
/// # Ok::<(), mi_estimators::EstimatorError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    columns: usize,
    /// Row after row, columns ascending.
    positives: Vec<(usize, usize)>,
    /// Where the positives of each row start, and the end.
    first_positive: Vec<usize>,
    /// Stretches of columns that are negatives, row after row, ascending.
    stretches: Vec<Range<usize>>,
    /// Where the stretches of each row start, and the end.
    first_stretch: Vec<usize>,
    row_negatives: Vec<usize>,
    column_negatives: Vec<usize>,
    counts: Counts,
    most_positives: usize,
    /// The first row with a positive and no negative.
    bare: Option<usize>,
}

/// How many positives and negatives there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// All positives.
    pub positives: usize,
    /// Negatives of the row that has most of them, among rows with a positive.
    pub negatives: usize,
    /// Negatives of the row that has fewest, among rows with a positive.
    pub fewest: usize,
    /// Negatives of the column that has most of them, among columns with a positive. Only rows
    /// with a positive are counted.
    pub column_negatives: usize,
    /// Negatives of the column that has fewest, among columns with a positive.
    pub column_fewest: usize,
}

/// Which places of other sequences are negatives; see [`Pairs::sequence_step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherSequences {
    /// None.
    Excluded,
    /// The place that is predicted.
    SamePlace,
    /// All places.
    AnyPlace,
}

impl Pairs {
    /// Pairs of N×M scores, given positives and excluded pairs as (row, column), counted from 0, in
    /// any order. Excluding a pair twice is the same as excluding it once.
    ///
    /// # Errors
    /// No positive; a pair outside the scores; a positive that is given twice or also excluded.
    pub fn new(
        (rows, columns): (usize, usize),
        positives: &[(usize, usize)],
        excluded: &[(usize, usize)],
    ) -> Result<Self, EstimatorError> {
        let fail = |problem: String| Err(EstimatorError::Pairs { rows, columns, problem });
        let outside = |&&(i, j): &&(usize, usize)| i >= rows || j >= columns;
        if let Some((i, j)) = positives.iter().chain(excluded).find(outside) {
            return fail(format!("the pair ({i}, {j}), counted from 0, is outside"));
        }
        let own: BTreeSet<_> = positives.iter().copied().collect();
        if own.len() < positives.len() {
            return fail("a positive is given twice".to_owned());
        }
        let left_out: BTreeSet<_> = excluded.iter().copied().collect();
        if let Some((i, j)) = own.intersection(&left_out).next() {
            return fail(format!("the pair ({i}, {j}) is both positive and excluded"));
        }
        if own.is_empty() {
            return fail("there is no positive".to_owned());
        }
        let holes: BTreeSet<_> = own.union(&left_out).copied().collect();
        let mut holes = holes.into_iter().peekable();
        let negatives = |row: usize, stretches: &mut Vec<Range<usize>>| {
            let mut start = 0;
            while let Some((_, hole)) = holes.next_if(|&(i, _)| i == row) {
                push(stretches, start..hole);
                start = hole + 1;
            }
            push(stretches, start..columns);
        };
        Ok(Self::from_stretches((rows, columns), own.into_iter().collect(), negatives))
    }

    /// K×K scores with positives on the diagonal and all other pairs negatives.
    pub fn square(k: usize) -> Self {
        Self::with_queue(k, 0)
    }

    /// K×(K + `queue`) scores: K pairs with the positives on the diagonal, and further columns that
    /// are negatives for every row, such as the keys of earlier batches (He et al., 2020,
    /// "`MoCo`").
    pub fn with_queue(k: usize, queue: usize) -> Self {
        let columns = k + queue;
        let negatives = |row: usize, stretches: &mut Vec<Range<usize>>| {
            push(stretches, 0..row);
            push(stretches, row + 1..columns);
        };
        Self::from_stretches((k, columns), (0..k).map(|i| (i, i)).collect(), negatives)
    }

    /// The same pairs with further columns on the right, which are negatives of every row: a queue
    /// for any of these systems.
    ///
    /// ```
    /// use mi_estimators::bounds::Pairs;
    ///
    /// assert_eq!(Pairs::square(3).followed_by(5), Pairs::with_queue(3, 5));
    /// ```
    #[must_use]
    pub fn followed_by(self, columns: usize) -> Self {
        let all = self.columns + columns;
        let negatives = |row: usize, stretches: &mut Vec<Range<usize>>| {
            stretches.extend_from_slice(self.stretches(row));
            push(stretches, self.columns..all);
        };
        Self::from_stretches((self.dim().0, all), self.positives.clone(), negatives)
    }

    /// Scores of K rows against a memory bank in which every sample has a place. Row i belongs to
    /// the sample `own[i]`: its positive is at that place, and all other places are negatives (Tian
    /// et al., 2020, "CMC": the own index rejected).
    ///
    /// ```
    /// use mi_estimators::bounds::Pairs;
    ///
    /// // Two samples of a set of five.
    /// let pairs = Pairs::memory_bank(&[3, 0], 5)?;
    /// assert_eq!(pairs.positives(), [(0, 3), (1, 0)]);
    /// # Ok::<(), mi_estimators::EstimatorError>(())
    /// ```
    ///
    /// # Errors
    /// No row; a place outside the bank.
    pub fn memory_bank(own: &[usize], bank: usize) -> Result<Self, EstimatorError> {
        let positives: Vec<_> = own.iter().copied().enumerate().collect();
        Self::new((own.len(), bank), &positives, &[])
    }

    /// 2K×2K scores of the rows of two stacked views: the first K rows are one view, the last K the
    /// other. A row's positive is its partner in the other view, the row itself is excluded, and
    /// the other 2K − 2 rows of both views are negatives. `InfoNCE` on these pairs is log(2K − 1)
    /// minus NT-Xent's loss (Chen et al., 2020, "`SimCLR`", eq. 1).
    pub fn both_views(k: usize) -> Self {
        let partner = |i: usize| if i < k { i + k } else { i - k };
        let negatives = |row: usize, stretches: &mut Vec<Range<usize>>| {
            let (first, second) = (row.min(partner(row)), row.max(partner(row)));
            push(stretches, 0..first);
            push(stretches, first + 1..second);
            push(stretches, second + 1..2 * k);
        };
        let positives = (0..2 * k).map(|i| (i, partner(i))).collect();
        Self::from_stretches((2 * k, 2 * k), positives, negatives)
    }

    /// K×(K·L) scores of K images with the L locations of each: column `n·L + l` is location l of
    /// image n. All locations of a row's own image are positives, and those of other images are
    /// negatives (Hjelm et al., 2019, "Deep `InfoMax`", local objective).
    pub fn locations(images: usize, locations: usize) -> Self {
        let columns = images * locations;
        let negatives = |row: usize, stretches: &mut Vec<Range<usize>>| {
            push(stretches, 0..row * locations);
            push(stretches, (row + 1) * locations..columns);
        };
        let positives = (0..columns).map(|column| (column / locations, column)).collect();
        Self::from_stretches((images, columns), positives, negatives)
    }

    /// K×(K·L) scores of one context per sequence with all L places of all K sequences: column
    /// `l·K + n` is place l of sequence n. A row's positive is place `target` of its own sequence.
    /// Negatives are places of other sequences, and other places of the same sequence if
    /// `same_sequence` (van den Oord et al., 2018, "CPC"). Everything else is excluded.
    ///
    /// With only [`OtherSequences::SamePlace`], [`Pairs::square`] on the K×K scores of that one
    /// place gives the same at a lower cost.
    ///
    /// # Errors
    /// A target that is not below the number of places; no sequence.
    pub fn sequence_step(
        (sequences, places): (usize, usize),
        target: usize,
        (other_sequences, same_sequence): (OtherSequences, bool),
    ) -> Result<Self, EstimatorError> {
        let (rows, columns) = (sequences, sequences * places);
        if target >= places || sequences == 0 {
            let problem = format!(
                "the target is place {target}, counted from 0, in {sequences} sequences of {places} places"
            );
            return Err(EstimatorError::Pairs { rows, columns, problem });
        }
        let negatives = |row: usize, stretches: &mut Vec<Range<usize>>| {
            for place in 0..places {
                let first = place * sequences;
                let own = first + row;
                let others = match other_sequences {
                    OtherSequences::Excluded => false,
                    OtherSequences::SamePlace => place == target,
                    OtherSequences::AnyPlace => true,
                };
                if others {
                    push(stretches, first..own);
                }
                if place != target && same_sequence {
                    push(stretches, own..own + 1);
                }
                if others {
                    push(stretches, own + 1..first + sequences);
                }
            }
        };
        let positives = (0..sequences).map(|n| (n, target * sequences + n)).collect();
        Ok(Self::from_stretches((rows, columns), positives, negatives))
    }

    /// Builds the pairs from positives in order, and from a function that appends the negatives of
    /// each row. The function is called in the order of the rows.
    fn from_stretches(
        (rows, columns): (usize, usize),
        positives: Vec<(usize, usize)>,
        mut negatives: impl FnMut(usize, &mut Vec<Range<usize>>),
    ) -> Self {
        let (mut stretches, mut first_stretch) = (Vec::new(), vec![0]);
        let mut of_row = Vec::new();
        let mut first_positive = vec![0];
        let mut row_negatives = Vec::with_capacity(rows);
        // By how much the number of negatives changes from one column to the next.
        let mut steps = vec![0_isize; columns + 1];
        for row in 0..rows {
            let (start, own) = (stretches.len(), first_positive[row]);
            negatives(row, &mut of_row);
            stretches.append(&mut of_row);
            let count = positives[own..].iter().take_while(|&&(i, _)| i == row).count();
            first_positive.push(own + count);
            first_stretch.push(stretches.len());
            row_negatives.push(stretches[start..].iter().map(Range::len).sum());
            if count > 0 {
                for stretch in &stretches[start..] {
                    steps[stretch.start] += 1;
                    steps[stretch.end] -= 1;
                }
            }
        }
        let column_negatives: Vec<_> = steps[..columns]
            .iter()
            .scan(0, |sum: &mut isize, step| {
                *sum += step;
                Some(usize::try_from(*sum).unwrap_or_default())
            })
            .collect();
        let of_rows = || positives.iter().map(|&(i, _)| row_negatives[i]);
        let of_columns = || positives.iter().map(|&(_, j)| column_negatives[j]);
        let counts = Counts {
            positives: positives.len(),
            negatives: of_rows().max().unwrap_or_default(),
            fewest: of_rows().min().unwrap_or_default(),
            column_negatives: of_columns().max().unwrap_or_default(),
            column_fewest: of_columns().min().unwrap_or_default(),
        };
        let widths = first_positive.windows(2).map(|ends| ends[1] - ends[0]);
        let most_positives = widths.max().unwrap_or_default();
        let bare = positives.iter().map(|&(i, _)| i).find(|&i| row_negatives[i] == 0);
        Self {
            columns,
            positives,
            first_positive,
            stretches,
            first_stretch,
            row_negatives,
            column_negatives,
            counts,
            most_positives,
            bare,
        }
    }

    /// N and M, the rows and columns of the scores.
    pub fn dim(&self) -> (usize, usize) {
        (self.row_negatives.len(), self.columns)
    }

    /// Row and column of every positive: row after row, columns ascending. Numbers that a bound
    /// learns for each positive ([`LearnedOf::Pair`](super::LearnedOf)) come in this order.
    pub fn positives(&self) -> &[(usize, usize)] {
        &self.positives
    }

    /// How many positives and negatives there are.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The number of a row's negatives.
    pub fn negatives_of(&self, row: usize) -> usize {
        self.row_negatives[row]
    }

    /// The number of a column's negatives, in rows with a positive.
    pub fn column_negatives_of(&self, column: usize) -> usize {
        self.column_negatives[column]
    }

    /// The indices of a row's positives in the list of all positives.
    pub(crate) fn span(&self, row: usize) -> Range<usize> {
        self.first_positive[row]..self.first_positive[row + 1]
    }

    /// The stretches of columns that are a row's negatives.
    pub(crate) fn stretches(&self, row: usize) -> &[Range<usize>] {
        &self.stretches[self.first_stretch[row]..self.first_stretch[row + 1]]
    }

    /// Number of positives in the row that has the most.
    pub(crate) fn most_positives(&self) -> usize {
        self.most_positives
    }

    /// The first row with a positive and no negative.
    pub(crate) fn bare(&self) -> Option<usize> {
        self.bare
    }

    /// The mean over positives of a function of the number of negatives of their rows.
    pub(crate) fn mean_of_rows(&self, f: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let Counts { negatives, fewest, .. } = self.counts;
        if negatives == fewest {
            return f(negatives);
        }
        let sum: Option<f64> = self.positives.iter().map(|&(i, _)| f(self.row_negatives[i])).sum();
        sum.map(|sum| sum / self.positives.len() as f64)
    }

    /// The mean over positives of a function of the number of negatives of their columns.
    pub(crate) fn mean_of_columns(&self, f: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let Counts { column_negatives, column_fewest, .. } = self.counts;
        if column_negatives == column_fewest {
            return f(column_negatives);
        }
        let of = |&(_, j): &(usize, usize)| f(self.column_negatives[j]);
        let sum: Option<f64> = self.positives.iter().map(of).sum();
        sum.map(|sum| sum / self.positives.len() as f64)
    }
}

/// Appends a stretch to those of a row, joined with the last one if they are adjacent.
fn push(stretches: &mut Vec<Range<usize>>, stretch: Range<usize>) {
    match stretches.last_mut() {
        _ if stretch.is_empty() => {}
        Some(last) if last.end == stretch.start => last.end = stretch.end,
        _ => stretches.push(stretch),
    }
}
