//! Compares a representation with its start, transfers it to another data set, and keeps what other
//! trials have measured.

use std::borrow::Cow;
use std::sync::Arc;

use mi_data::{Dataset, Split};
use mi_eval::{Family, linear_cka, linear_cka_debiased};
use mi_nets::Params;
use ndarray::{Array2, Axis};

use super::Images;
use super::memo::{Key, Memo};
use crate::config::{Evaluation, TrialConfig};
use crate::error::PaperError;
use crate::record::Metric;

/// Another data set, and the weights before the first step, each only if an evaluation asks for it;
/// and what other trials have measured.
pub(super) struct Reference {
    pub(super) memo: Memo,
    transfer: Option<Arc<Dataset>>,
    initial: Option<Params<f32>>,
}

impl Reference {
    /// `params` are the weights before the first step.
    pub(super) fn new(
        config: &TrialConfig,
        images: &Images,
        params: &Params<f32>,
    ) -> Result<Self, PaperError> {
        let asked = config.task.evaluations().contains(&Evaluation::CkaToStart);
        Ok(Self {
            memo: images.memo.clone(),
            transfer: images.transfer(config)?,
            initial: asked.then(|| params.clone()),
        })
    }

    /// Measures a representation. `encode` computes it, from given weights, of the images of a
    /// split; its last argument names the stream for noise.
    pub(super) fn measure(
        &self,
        params: &Params<f32>,
        own: (&Dataset, &Array2<f32>),
        seed: u64,
        mut encode: impl FnMut(&Params<f32>, &Split, &str) -> Result<Array2<f32>, PaperError>,
    ) -> Result<Vec<(Metric, f64)>, PaperError> {
        let (data, test) = own;
        let mut found = Vec::new();
        if let Some(initial) = &self.initial {
            let start = encode(initial, &data.test, "test")?;
            let (start, now) = (start.view(), test.view());
            found.extend([
                (Metric::CkaToStart.of_part("plain"), linear_cka(start, now)?),
                (Metric::CkaToStart.of_part("debiased"), linear_cka_debiased(start, now)?),
            ]);
        }
        if let Some(other) = &self.transfer {
            let train = encode(params, &other.train, "transfer train")?;
            let test = encode(params, &other.test, "transfer test")?;
            let (labels, of_test) = (&other.train.labels[..], &other.test.labels[..]);
            let key = Key::new("transfer", &(), seed).features(&train).features(&test);
            found.extend(self.memo.recall(key.bytes(labels).bytes(of_test), || {
                let accuracy = transferred((&train, labels), (&test, of_test), seed)?;
                Ok::<_, PaperError>(vec![(Metric::TransferAccuracy, accuracy)])
            })?);
        }
        Ok(found)
    }
}

/// The accuracy of a linear reader. Encoders can overflow on images unlike those that they were
/// trained on. Images whose features are not finite are left out of the fit, and count as misread
/// in the test.
fn transferred(
    train: (&Array2<f32>, &[u8]),
    test: (&Array2<f32>, &[u8]),
    seed: u64,
) -> Result<f64, PaperError> {
    let all = test.1.len();
    let (train, of_train) = finite(train);
    let (test, of_test) = finite(test);
    let is_one_class = of_train.windows(2).all(|pair| pair[0] == pair[1]);
    if is_one_class || of_test.is_empty() {
        return Ok(0.0);
    }
    let reading = Family::linear().read_labels(train.view(), &of_train, test.view(), None, seed)?;
    let share = reading.accuracy(&of_test)?;
    Ok(if of_test.len() == all { share } else { share * of_test.len() as f64 / all as f64 })
}

/// The rows without NaN or infinities, and their labels.
fn finite<'a>(
    (rows, labels): (&'a Array2<f32>, &'a [u8]),
) -> (Cow<'a, Array2<f32>>, Cow<'a, [u8]>) {
    let is_finite = |&row: &usize| rows.row(row).iter().all(|value| value.is_finite());
    let kept: Vec<usize> = (0..rows.nrows()).filter(is_finite).collect();
    if kept.len() == rows.nrows() {
        return (Cow::Borrowed(rows), Cow::Borrowed(labels));
    }
    let of_kept = kept.iter().map(|&row| labels[row]).collect();
    (Cow::Owned(rows.select(Axis(0), &kept)), Cow::Owned(of_kept))
}

#[cfg(test)]
mod tests {
    use mi_random::Stream;

    use super::*;

    /// Two classes, one of them to either side of 0 in the first of two features.
    fn rows(count: usize, name: &str) -> (Array2<f32>, Vec<u8>) {
        let features = Stream::new(1, name).normal_matrix((count, 2)).mapv(|v| v as f32);
        let labels = features.column(0).iter().map(|&v| u8::from(v > 0.0)).collect();
        (features, labels)
    }

    #[test]
    fn images_whose_features_overflow_are_misread() {
        let ((train, of_train), (test, of_test)) = (rows(400, "train"), rows(200, "test"));
        let accuracy = |train: &Array2<f32>, test: &Array2<f32>| {
            transferred((train, &of_train), (test, &of_test), 1).unwrap()
        };
        let all = accuracy(&train, &test);
        assert!(all > 0.9, "{all}");
        let mut wild = test.clone();
        wild.row_mut(0).fill(f32::NAN);
        for row in 1..50 {
            wild[[row, row % 2]] = f32::INFINITY;
        }
        let (rest, of_rest) =
            (test.select(Axis(0), &(50..200).collect::<Vec<_>>()), &of_test[50..]);
        let of_rest = transferred((&train, &of_train), (&rest, of_rest), 1).unwrap();
        assert_eq!(accuracy(&train, &wild), of_rest * 150.0 / 200.0);
        // The reader is fitted to what is left.
        let mut few = train.clone();
        few.slice_mut(ndarray::s![..100, ..]).fill(f32::NEG_INFINITY);
        let kept = train.slice(ndarray::s![100.., ..]).to_owned();
        let of_kept = transferred((&kept, &of_train[100..]), (&test, &of_test), 1).unwrap();
        assert_eq!(accuracy(&few, &test), of_kept);
        let nothing = train.mapv(|_| f32::NAN);
        assert_eq!(accuracy(&nothing, &test), 0.0);
        assert_eq!(accuracy(&train, &test.mapv(|_| f32::NAN)), 0.0);
    }
}
