use serde::{Deserialize, Serialize};

use super::Method;
use crate::SamplesError;
use crate::neural::NeuralSettings;
use crate::rows::RowStructure;
use crate::sample::Marginals;
use crate::uncertainty::TestSettings;

/// The settings of an estimate.
///
/// | field | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `method` | none | the estimator; if absent, the one that fits | see [`Method::fitting`] |
/// | `neighbours` | 3 or 5 by method | number of nearest neighbours | 1…n − 1 |
/// | `marginals` | normal scores | how neighbour methods transform continuous columns | |
/// | `theiler` | 0 | rows this close in time are not neighbours | ksg1, ksg2, frenzel-pompe |
/// | `rows` | exchangeable | how rows depend on one another, which determines what is held out, resampled and rearranged | |
/// | `interval` | true | whether to give an interval | |
/// | `level` | 0.95 | its coverage | 0…1, exclusive |
/// | `extrapolate` | false | whether to fit 1/N over halves, thirds and quarters of the rows | |
/// | `test` | none | a permutation test | |
/// | `check_ties` | false | where values repeat, whether to check that the estimate is 0 with y permuted | |
/// | `neural` | see [`NeuralSettings`] | bound, critic and training of the methods that train | |
/// | `seed` | 0 | of splits, permutations and training | |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The estimator; if absent, the first that fits the columns ([`Method::fitting`]).
    pub method: Option<Method>,
    /// The number of nearest neighbours; the method's own if absent.
    pub neighbours: Option<usize>,
    /// How neighbour methods transform continuous columns.
    pub marginals: Marginals,
    /// Rows at most this far apart are not neighbours of one another.
    pub theiler: usize,
    /// How the rows depend on one another.
    pub rows: RowStructure,
    /// Whether to give an interval.
    pub interval: bool,
    /// The coverage of the interval.
    pub level: f64,
    /// Whether to extrapolate to infinitely many rows.
    pub extrapolate: bool,
    /// A test of independence, if any.
    pub test: Option<TestSettings>,
    /// Whether to check that a neighbour estimate of columns with ties is 0 if y is permuted.
    pub check_ties: bool,
    /// The settings of methods that train, and the bound that the neural method reports.
    pub neural: NeuralSettings,
    /// The seed of splits, permutations and training.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: None,
            neighbours: None,
            marginals: Marginals::default(),
            theiler: 0,
            rows: RowStructure::Exchangeable,
            interval: true,
            level: 0.95,
            extrapolate: false,
            test: None,
            check_ties: false,
            neural: NeuralSettings::default(),
            seed: 0,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), SamplesError> {
        if self.level > 0.0 && self.level < 1.0 {
            return Ok(());
        }
        let (setting, value, range) = ("level", self.level.to_string(), "between 0 and 1");
        Err(SamplesError::Setting { setting, value, range })
    }
}
