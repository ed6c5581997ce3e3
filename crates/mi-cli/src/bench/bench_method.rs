use mi_estimators::bounds::BoundSpec;
use mi_samples::{EstimatorSettings, Method, NeuralSettings, Settings};

use crate::estimator::{AUTO, bounds};

/// An estimator to be measured: a method, and for the neural one a bound.
///
/// In text: `ksg1`, `auto`, `neural` or `neural:nwj`; plain `neural` has the bound of
/// [`NeuralSettings::default`].
#[derive(Clone, Debug, PartialEq)]
pub struct BenchMethod {
    method: Option<Method>,
    bound: BoundSpec,
}

impl BenchMethod {
    /// Every estimator, in the order of the tables.
    pub fn all() -> Vec<Self> {
        let own = NeuralSettings::default().bound;
        let methods = std::iter::once(None).chain(Method::ALL.iter().copied().map(Some));
        let plain = methods.map(|method| Self { method, bound: own.clone() });
        let others = bounds().into_iter().map(|(bound, _)| bound).filter(|bound| *bound != own);
        plain.chain(others.map(|bound| Self { method: Some(Method::Neural), bound })).collect()
    }

    /// Reads a name.
    ///
    /// # Errors
    /// A list of the names, if this is not one.
    pub fn parse(name: &str) -> Result<Self, String> {
        let all = Self::all();
        let own = format!("neural:{}", NeuralSettings::default().bound.name());
        let name = if name == own { "neural" } else { name };
        let found = all.iter().find(|asked| asked.name() == name).cloned();
        found.ok_or_else(|| {
            let names: Vec<String> = all.iter().map(Self::name).collect();
            format!("the methods are {}", names.join(", "))
        })
    }

    /// The name.
    pub fn name(&self) -> String {
        if self.method == Some(Method::Neural) && self.bound != NeuralSettings::default().bound {
            format!("neural:{}", self.bound.name())
        } else {
            self.method.map_or(AUTO, Method::name).to_owned()
        }
    }

    /// The settings of the estimators.
    pub(super) fn settings(&self, neighbours: Option<usize>, seed: u64) -> Settings {
        let neural = NeuralSettings { bound: self.bound.clone(), ..NeuralSettings::default() };
        Settings {
            method: self.method,
            neighbours,
            neural,
            interval: false,
            seed,
            ..Settings::default()
        }
    }
}

/// A resolved estimator in a record: `ksg1 k=3`, `neural:infonce`, `gaussian`. Within a record,
/// where only method, neighbours and bound vary, equal names mean equal estimators.
pub(super) fn made_by(estimator: &EstimatorSettings) -> String {
    match (estimator.method, &estimator.neural, estimator.neighbours) {
        (Method::Neural, Some(neural), _) => format!("neural:{}", neural.bound.name()),
        (method, _, Some(k)) => format!("{method} k={k}"),
        (method, ..) => method.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_the_default_bound_has_one() {
        let all = BenchMethod::all();
        for (n, asked) in all.iter().enumerate() {
            assert_eq!(BenchMethod::parse(&asked.name()).as_ref(), Ok(asked));
            assert!(all[..n].iter().all(|other| other.name() != asked.name()));
        }
        assert_eq!(BenchMethod::parse("neural:infonce").unwrap().name(), "neural");
        assert_eq!(
            BenchMethod::parse("neural:flo").unwrap().settings(None, 0).neural.bound.name(),
            "flo"
        );
        let error = BenchMethod::parse("neural:magic").unwrap_err();
        assert!(error.starts_with("the methods are auto, ksg1") && error.contains("neural:nwj"));
    }
}
