//! From typed columns to the inputs of a network.

use ndarray::{Array2, ArrayView2, Axis};

use super::saved::Tables;
use crate::SamplesError;
use crate::sample::{Marginals, Sample, normal_cdf, normal_scores};

/// The largest number of values in a column's table of scores.
const MOST_KNOTS: usize = 16_384;

/// The largest number of levels of a discrete column that get an indicator each. If there are more,
/// the most frequent ones do, of equally frequent ones the smaller, and all others look alike.
const MOST_LEVELS: usize = 64;

/// How one column becomes features.
#[derive(Clone, Debug, PartialEq)]
enum Code {
    /// A continuous column: normal scores of ranks, where equal values share a rank; between the
    /// values of the sample they are interpolated.
    Scores { values: Vec<f64>, scores: Vec<f64> },
    /// A discrete column: one indicator per level.
    Levels { values: Vec<f64> },
}

/// The marginal transforms of one side, fitted to a sample and applied to any rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Encoder {
    codes: Vec<Code>,
}

/// One side as input for a network.
#[derive(Clone, Debug)]
pub(super) struct Features {
    /// Normal scores of the continuous columns: n × their number.
    pub(super) scores: Array2<f64>,
    /// The inputs of the towers: n × width.
    pub(super) inputs: Array2<f32>,
}

impl Features {
    /// These rows.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        Self {
            scores: self.scores.select(Axis(0), rows),
            inputs: self.inputs.select(Axis(0), rows),
        }
    }
}

impl Encoder {
    /// Fits the transforms to all rows of a side. They depend only on the side, not on which rows
    /// of the other side belong to its rows.
    pub(super) fn fit(side: &Sample) -> Self {
        let codes = side.contents().map(|(kind, values, order)| {
            let mut distinct: Vec<f64> = order.iter().map(|&row| values[row as usize]).collect();
            if kind.is_discrete() {
                return Code::Levels { values: levels(&distinct) };
            }
            let scores = normal_scores(values, order);
            let mut scores: Vec<f64> = order.iter().map(|&row| scores[row as usize]).collect();
            scores.dedup();
            distinct.dedup();
            let last = distinct.len() - 1;
            if last >= MOST_KNOTS {
                let knots = (0..MOST_KNOTS).map(|knot| knot * last / (MOST_KNOTS - 1));
                (distinct, scores) = knots.map(|knot| (distinct[knot], scores[knot])).unzip();
            }
            Code::Scores { values: distinct, scores }
        });
        Self { codes: codes.collect() }
    }

    /// The columns of the side.
    pub(super) fn columns(&self) -> usize {
        self.codes.len()
    }

    /// The number of features.
    pub(super) fn width(&self) -> usize {
        let width = |code: &Code| match code {
            Code::Scores { .. } => 1,
            Code::Levels { values } => values.len(),
        };
        let continuous = self.codes.iter().any(|code| matches!(code, Code::Scores { .. }));
        self.codes.iter().map(width).sum::<usize>() + usize::from(continuous)
    }

    /// The features of the rows of the side that the transforms were fitted to: uses the side's own
    /// scores, in which ties are broken, so that only the order of the values matters.
    pub(super) fn of_sample(&self, side: &Sample) -> Features {
        let columns: Vec<&[f64]> = side.contents().map(|(_, values, _)| values).collect();
        let scores = side.marginal_columns(Marginals::NormalScores);
        self.features(
            side.n(),
            |row, column| columns[column][row],
            |row, column, _| scores[column][row],
        )
    }

    /// The features of any rows.
    ///
    /// # Errors
    /// A number of columns that differs from the sample's; values that are not finite.
    pub(super) fn of_values(&self, rows: ArrayView2<'_, f64>) -> Result<Features, SamplesError> {
        if rows.ncols() != self.codes.len() {
            let (found, fitted) = (rows.ncols(), self.codes.len());
            return Err(SamplesError::CriticColumns { found, fitted });
        }
        if let Some(((row, column), value)) =
            rows.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            return Err(SamplesError::NotFinite { row, column, value: value.to_string() });
        }
        let value = |row: usize, column: usize| rows[[row, column]];
        Ok(self.features(rows.nrows(), value, |row, column, code| match code {
            Code::Scores { values, scores } => interpolate(values, scores, value(row, column)),
            Code::Levels { .. } => 0.0,
        }))
    }

    /// `value` and `score` of a row and a column; `score` only for columns with scores.
    fn features(
        &self,
        n: usize,
        value: impl Fn(usize, usize) -> f64,
        score: impl Fn(usize, usize, &Code) -> f64,
    ) -> Features {
        let continuous: Vec<(usize, &Code)> = self
            .codes
            .iter()
            .enumerate()
            .filter(|(_, code)| matches!(code, Code::Scores { .. }))
            .collect();
        let scores = Array2::from_shape_fn((n, continuous.len()), |(row, place)| {
            let (column, code) = continuous[place];
            score(row, column, code)
        });
        let even = continuous.len();
        let radii = usize::from(!continuous.is_empty());
        let levels: Vec<(usize, f64)> = self
            .codes
            .iter()
            .enumerate()
            .flat_map(|(column, code)| match code {
                Code::Levels { values } => values.iter().map(|&level| (column, level)).collect(),
                Code::Scores { .. } => Vec::new(),
            })
            .collect();
        let radius = |row: usize| -> f64 {
            let squares = scores.row(row).iter().map(|&z| heavy(z).powi(2)).sum::<f64>();
            (1.0 + squares / even as f64).ln() - 1.0
        };
        let inputs = Array2::from_shape_fn((n, even + radii + levels.len()), |(row, place)| {
            let feature = if place < even {
                scores[[row, place]]
            } else if place < even + radii {
                radius(row)
            } else {
                let (column, level) = levels[place - even - radii];
                f64::from(u8::from(value(row, column) == level))
            };
            feature as f32
        });
        Features { scores, inputs }
    }

    /// The transforms as named tables.
    pub(super) fn tables(&self) -> Tables {
        let row = |values: &[f64]| Array2::from_shape_fn((1, values.len()), |(_, i)| values[i]);
        let mut tables = Tables::default();
        for (column, code) in self.codes.iter().enumerate() {
            match code {
                Code::Scores { values, scores } => {
                    tables.put(format!("{column}.values"), row(values));
                    tables.put(format!("{column}.scores"), row(scores));
                }
                Code::Levels { values } => tables.put(format!("{column}.levels"), row(values)),
            }
        }
        tables
    }

    /// The transforms that [`Encoder::tables`] wrote.
    pub(super) fn from_tables(tables: &Tables) -> Result<Self, SamplesError> {
        let mut codes = Vec::new();
        loop {
            let table = |what: &str| tables.get(&format!("{}.{what}", codes.len()));
            let row = |table: &Array2<f64>| table.iter().copied().collect::<Vec<f64>>();
            match (table("levels"), table("values"), table("scores")) {
                (Some(levels), ..) => codes.push(Code::Levels { values: row(levels) }),
                (_, Some(values), Some(scores)) if values.dim() == scores.dim() => {
                    codes.push(Code::Scores { values: row(values), scores: row(scores) });
                }
                _ => break,
            }
        }
        if codes.is_empty() {
            return Err(SamplesError::SavedCritic { problem: "a side has no column".into() });
        }
        Ok(Self { codes })
    }
}

/// The levels that get an indicator, in ascending order, of values in ascending order.
fn levels(ascending: &[f64]) -> Vec<f64> {
    let mut runs: Vec<&[f64]> = ascending.chunk_by(PartialEq::eq).collect();
    if runs.len() > MOST_LEVELS {
        // Stable, so that of equally frequent levels the smaller come first.
        runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
        runs.truncate(MOST_LEVELS);
        runs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    }
    runs.into_iter().map(|run| run[0]).collect()
}

/// The score at `value`: linear interpolation between the nearest two of the sample; beyond the
/// sample's ends, the score of the end.
fn interpolate(values: &[f64], scores: &[f64], value: f64) -> f64 {
    let above = values.partition_point(|&v| v < value);
    if above == values.len() {
        return scores[above - 1];
    }
    if above == 0 || values[above] == value {
        return scores[above];
    }
    let (low, high) = (values[above - 1], values[above]);
    let share = (value - low) / (high - low);
    scores[above - 1] + share * (scores[above] - scores[above - 1])
}

/// The quantile of Student's t with 2 degrees of freedom at the rank that has normal score z.
fn heavy(z: f64) -> f64 {
    let p = normal_cdf(z);
    (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    #[test]
    fn new_rows_get_the_features_of_the_sample() {
        let mut stream = mi_random::Stream::new(1, "features");
        let mut values = stream.normal_matrix((200, 2));
        values.column_mut(1).iter_mut().enumerate().for_each(|(i, v)| *v = (i % 3) as f64);
        let side = Sample::new(values.view(), &[], 0).unwrap();
        let encoder = Encoder::fit(&side);
        let own = encoder.of_sample(&side);
        assert_eq!(own.inputs.dim(), (200, encoder.width()));
        let again = encoder.of_values(values.view()).unwrap();
        assert_eq!((&own.inputs, &own.scores), (&again.inputs, &again.scores));
        // Score, radius, and one indicator of three.
        let row = own.inputs.slice(s![4, 2..]);
        assert_eq!(row.to_vec(), [0.0, 1.0, 0.0]);
        let outside = encoder.of_values(array![[1e9, 7.0]].view()).unwrap();
        let largest = own.scores.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!(outside.scores[[0, 0]], largest);
        assert_eq!(outside.inputs.slice(s![0, 2..]).to_vec(), [0.0; 3]);
        assert_eq!(Encoder::from_tables(&encoder.tables()).unwrap(), encoder);
        assert!(encoder.of_values(values.slice(s![.., ..1])).is_err());
    }

    #[test]
    fn of_many_levels_the_most_frequent_get_indicators() {
        // The largest ten levels are the most frequent; one of the others occurs twice.
        let mut values: Vec<f64> = (0..90).map(f64::from).collect();
        values.extend((80..90).flat_map(|level| [f64::from(level); 3]));
        values.push(70.0);
        values.sort_by(f64::total_cmp);
        let expected: Vec<f64> = (0..53).chain([70]).chain(80..90).map(f64::from).collect();
        assert_eq!(levels(&values), expected);
        assert_eq!(levels(&[-1.0, -1.0, 0.0, 2.0]), [-1.0, 0.0, 2.0]);
        let few: Vec<f64> = (0..64).map(f64::from).collect();
        assert_eq!(levels(&few), few);
    }

    #[test]
    fn between_two_values_scores_lie_between() {
        let (values, scores) = ([1.0, 2.0, 4.0], [-1.0, 0.0, 3.0]);
        let at = |value| interpolate(&values, &scores, value);
        assert_eq!([at(0.0), at(1.0), at(3.0), at(4.0), at(5.0)], [-1.0, -1.0, 1.5, 3.0, 3.0]);
    }
}
