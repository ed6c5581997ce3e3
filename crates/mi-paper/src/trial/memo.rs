use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::Array2;
use sha2::{Digest, Sha256};

use super::representation::Sides;
use crate::record::Metric;

type Values = Vec<(Metric, f64)>;

/// Remembers what was measured of features, so that trials that share it compute nothing twice.
///
/// Encoders of one architecture and seed have the same weights before the first step, whatever they
/// are trained with, and measuring them can take longer than training. Values are stored under a
/// digest of everything that they depend on, so remembering them changes no record. Clones share
/// what is stored.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    known: Arc<Mutex<BTreeMap<[u8; 32], Values>>>,
}

impl Memo {
    /// The values of a key, computed if they are not stored. Two threads that need the same values
    /// at the same time both compute them.
    pub(super) fn recall<E>(
        &self,
        key: Key,
        compute: impl FnOnce() -> Result<Values, E>,
    ) -> Result<Values, E> {
        let digest: [u8; 32] = key.0.finalize().into();
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().get(&digest).cloned();
        if let Some(values) = found {
            return Ok(values);
        }
        let values = compute()?;
        known().insert(digest, values.clone());
        Ok(values)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.lock().unwrap().len()
    }
}

/// Everything that some values depend on.
pub(super) struct Key(Sha256);

impl Key {
    /// Starts with what is measured, its settings and the seed.
    pub(super) fn new(what: &str, settings: &impl Debug, seed: u64) -> Self {
        Self(Sha256::new()).bytes(what.as_bytes()).bytes(format!("{settings:?} {seed}").as_bytes())
    }

    /// Adds features.
    pub(super) fn features(mut self, features: &Array2<f32>) -> Self {
        let (rows, columns) = features.dim();
        self = self.bytes(format!("{rows} {columns}").as_bytes());
        let mut of_row = Vec::with_capacity(4 * columns);
        for row in features.rows() {
            of_row.clear();
            of_row.extend(row.iter().flat_map(|value| value.to_le_bytes()));
            self.0.update(&of_row);
        }
        self
    }

    /// Adds the features of both splits.
    pub(super) fn sides(self, sides: &Sides) -> Self {
        self.features(&sides.train).features(&sides.test)
    }

    /// Adds features, or the fact that there are none.
    pub(super) fn optional(self, sides: Option<&Sides>) -> Self {
        match sides {
            Some(sides) => self.bytes(b"some").sides(sides),
            None => self.bytes(b"none"),
        }
    }

    /// Adds labels, or anything else in bytes.
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        // The length keeps these bytes apart from those that follow.
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mi_critics::CriticSpec;
    use ndarray::array;

    use super::super::{Images, build, evaluation};
    use super::*;
    use crate::config::{Evaluation, Task};
    use crate::plan::{Plan, Request};
    use crate::preset::Preset;

    #[test]
    fn trials_with_the_same_encoders_measure_them_once() {
        let plan = Plan::resolve(&Request::new(&["critics"], Preset::Smoke)).unwrap();
        let mut first = plan.trials[0].clone();
        let Task::Contrastive(task) = &mut first.task else { panic!("critics are contrastive") };
        task.evaluations = vec![
            Evaluation::Bounds,
            Evaluation::Probe,
            Evaluation::ConvergedProbe,
            Evaluation::Transfer,
            Evaluation::Measure { of: mi_eval::Measure::RankMe },
            Evaluation::FrozenBounds,
        ];
        task.critic = CriticSpec::Bilinear;
        first.dataset = "mnist".to_owned();
        let mut second = first.clone();
        let Task::Contrastive(task) = &mut second.task else { unreachable!("it is a clone") };
        task.critic = CriticSpec::Separable { hidden: vec![20], embed: 10 };
        let mut digits = mi_data::embedded().unwrap();
        digits.train = evaluation::first(&digits.train, 1_000);
        digits.test = evaluation::first(&digits.test, 300);
        let digits = Arc::new(digits);
        let images = |memo: &Memo| Images {
            own: Some(digits.clone()),
            transfer: Some(digits.clone()),
            memo: memo.clone(),
        };
        let measure = |config, memo| build(config, &images(memo)).unwrap().evaluate(0).unwrap();
        let memo = Memo::default();
        let of_first = measure(&first, &memo);
        // Probes, the transfer, the representation, and estimates between both.
        assert_eq!(memo.len(), 4);
        let of_second = measure(&second, &memo);
        assert_eq!(memo.len(), 4);
        assert_eq!(of_second, measure(&second, &Memo::default()));
        assert_ne!(of_first, of_second, "critics differ");
    }

    #[test]
    fn what_is_known_is_not_computed_again() {
        let memo = Memo::default();
        let features = array![[1.0_f32, 2.0], [3.0, 4.0]];
        let key = || Key::new("probes", &"settings", 1).features(&features).bytes(&[0, 1]);
        let compute = || Ok::<_, ()>(vec![(Metric::Accuracy, 0.5)]);
        let first = memo.recall(key(), compute);
        let second = memo.clone().recall(key(), || Err(()));
        assert_eq!((first.as_ref(), memo.len()), (second.as_ref(), 1));
        // An error is not remembered.
        let other = || Key::new("probes", &"settings", 2);
        assert_eq!(memo.recall(other(), || Err(())), Err(()));
        assert_eq!(memo.recall(other(), compute), first);
    }

    #[test]
    fn whatever_differs_makes_another_key() {
        let features = array![[1.0_f32, 2.0], [3.0, 4.0]];
        let side = |train: &Array2<f32>| Sides { train: train.clone(), test: features.clone() };
        let key = |what, settings: &str, seed| Key::new(what, &settings, seed);
        let negative_zero = (array![[0.0_f32]], array![[-0.0_f32]]);
        let keys = [
            key("a", "b", 1),
            key("ab", "", 1),
            key("a", "b", 12),
            key("a", "b", 1).bytes(&[]),
            key("a", "b", 1).bytes(&[1, 2]),
            key("a", "b", 1).bytes(&[1]).bytes(&[2]),
            key("a", "b", 1).features(&features),
            key("a", "b", 1).features(&features.t().to_owned()),
            key("a", "b", 1).features(&array![[1.0, 2.0, 3.0, 4.0]]),
            key("a", "b", 1).features(&negative_zero.0),
            key("a", "b", 1).features(&negative_zero.1),
            key("a", "b", 1).sides(&side(&features)),
            key("a", "b", 1).optional(Some(&side(&features))),
            key("a", "b", 1).optional(None),
        ];
        let count = keys.len();
        let digests: std::collections::BTreeSet<[u8; 32]> =
            keys.into_iter().map(|key| key.0.finalize().into()).collect();
        assert_eq!(digests.len(), count);
    }

    #[test]
    fn the_layout_of_features_does_not_matter() {
        let features = array![[1.0_f32, 2.0, 5.0], [3.0, 4.0, 6.0]];
        let column_major = features.t().as_standard_layout().into_owned().reversed_axes();
        let digest = |rows: &Array2<f32>| Key::new("a", &(), 1).features(rows).0.finalize();
        assert_eq!(digest(&features), digest(&column_major));
    }
}
