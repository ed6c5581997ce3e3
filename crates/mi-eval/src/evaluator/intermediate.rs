use std::sync::Arc;

use ndarray::ArrayView2;

use super::EvaluatorSettings;
use crate::classes::Label;
use crate::geometry::unit_rows;
use crate::kernel::Feature;
use crate::reader::{Search, Whitened};
use crate::v_information::all_classes;
use crate::{
    EvalError, Family, LabelReading, LossDataCurve, Spectrum, TrainTest, ValueReading,
    online_code_sizes,
};

/// Results that several measures share, once they are computed.
#[derive(Debug)]
pub(super) struct Intermediate<L> {
    /// Readings of labels, by the index of their family in the settings.
    readings: Vec<Option<LabelReading<L>>>,
    search: Option<Search>,
    curve: Option<LossDataCurve>,
    raw: Option<Spectrum>,
    centred: Option<Spectrum>,
    view: Option<Arc<Whitened>>,
}

impl<L> Default for Intermediate<L> {
    fn default() -> Self {
        Self {
            readings: Vec::new(),
            search: None,
            curve: None,
            raw: None,
            centred: None,
            view: None,
        }
    }
}

type Sides<'a, T> = TrainTest<ArrayView2<'a, T>>;

impl<L: Label> Intermediate<L> {
    /// A reading that was made before.
    pub(super) fn reading(&self, index: usize) -> Option<&LabelReading<L>> {
        self.readings.get(index)?.as_ref()
    }

    /// The predictions of the test rows' labels by a family of the settings.
    pub(super) fn label_reading<T: Feature>(
        &mut self,
        index: usize,
        features: Sides<'_, T>,
        labels: TrainTest<&[L]>,
        settings: &EvaluatorSettings,
    ) -> Result<&LabelReading<L>, EvalError> {
        self.readings.resize(settings.families.len(), None);
        if self.readings[index].is_none() {
            let (family, classes) = (&settings.families[index], all_classes(labels)?);
            let TrainTest { train, test } = features;
            let reading = match family {
                Family::Nearest(reader) if *reader == settings.nearest() => {
                    let coded = classes.code(labels.train)?;
                    let search = self.search(features, settings)?;
                    let read = reader.labels_of(search, (&coded, classes.len()));
                    LabelReading::new(classes, read)
                }
                _ => {
                    family.read_labels(train, labels.train, test, Some(&classes), settings.seed)?
                }
            };
            self.readings[index] = Some(reading);
        }
        Ok(self.reading(index).unwrap_or_else(|| unreachable!("it was just made")))
    }

    /// The predictions of the other view of the test rows by a family.
    pub(super) fn value_reading<T: Feature>(
        &mut self,
        family: &Family,
        features: Sides<'_, T>,
        view: Sides<'_, T>,
        settings: &EvaluatorSettings,
    ) -> Result<ValueReading, EvalError> {
        let target = match &self.view {
            Some(target) => target.clone(),
            None => Arc::new(Whitened::new("the other view", &view.train)?),
        };
        self.view = Some(target.clone());
        match family {
            Family::Nearest(reader) if *reader == settings.nearest() => {
                let search = self.search(features, settings)?;
                let predicted = reader.values_of(search, &target)?;
                Ok(ValueReading::new(target, predicted))
            }
            _ => family.read_whitened(features.train, &target, features.test, settings.seed),
        }
    }

    /// Neighbours of the test rows.
    pub(super) fn search<T: Feature>(
        &mut self,
        features: Sides<'_, T>,
        settings: &EvaluatorSettings,
    ) -> Result<&Search, EvalError> {
        let reader = settings.nearest();
        once(&mut self.search, || {
            let (train, test) = (unit_rows(&features.train), unit_rows(&features.test));
            let mut stream = Family::stream(settings.seed);
            reader.search(&train, &test, &mut stream)
        })
    }

    /// The loss-data curve.
    pub(super) fn curve<T: Feature>(
        &mut self,
        features: Sides<'_, T>,
        labels: TrainTest<&[L]>,
        settings: &EvaluatorSettings,
    ) -> Result<&LossDataCurve, EvalError> {
        once(&mut self.curve, || {
            let published;
            let sizes = if settings.sizes.is_empty() {
                published = online_code_sizes(features.train.nrows());
                &published
            } else {
                &settings.sizes
            };
            LossDataCurve::fit(&settings.curve_family, features, labels, sizes, settings.seed)
        })
    }

    /// Singular values of the test rows.
    pub(super) fn raw_spectrum<T: Feature>(
        &mut self,
        test: ArrayView2<'_, T>,
    ) -> Result<&Spectrum, EvalError> {
        once(&mut self.raw, || Spectrum::raw(test))
    }

    /// Singular values of the test rows minus their column means.
    pub(super) fn centred_spectrum<T: Feature>(
        &mut self,
        test: ArrayView2<'_, T>,
    ) -> Result<&Spectrum, EvalError> {
        once(&mut self.centred, || Spectrum::centred(test))
    }
}

/// The stored result. If there is none, it is computed, and stored for the next call.
fn once<V>(
    place: &mut Option<V>,
    compute: impl FnOnce() -> Result<V, EvalError>,
) -> Result<&V, EvalError> {
    let value = match place.take() {
        Some(value) => value,
        None => compute()?,
    };
    Ok(place.insert(value))
}
