use std::fmt;

use serde::{Deserialize, Serialize};

use crate::SamplesError;
use crate::sample::{ColumnType, Declared, Sample};

/// How mutual information is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By the columns and rows, see [`Method::for_columns`]; where a test or an extrapolation is
    /// asked for, which would train a critic each time, or a Theiler window, see
    /// [`Method::by_kinds`].
    #[default]
    Auto,
    /// Kraskov, Stögbauer and Grassberger (2004), equation 8.
    Ksg1,
    /// Kraskov, Stögbauer and Grassberger (2004), equation 9.
    Ksg2,
    /// Ross (2014), for a discrete and a continuous side.
    Ross,
    /// Gao, Kannan, Oh and Viswanath (2017), for mixtures.
    Mixture,
    /// Mesner and Shalizi (2021), for any columns, also given others.
    MesnerShalizi,
    /// Frenzel and Pompe (2007), given other columns.
    FrenzelPompe,
    /// Gaussian columns, corrected for bias.
    Gaussian,
    /// Columns with a Gaussian copula, corrected for bias (Ince et al., 2017).
    GaussianCopula,
    /// Frequencies of discrete values, corrected by Miller and Madow.
    PlugIn,
    /// A variational bound with a critic trained on part of the rows, on the others; see
    /// [`neural`](crate::neural).
    Neural,
    /// Two learnt entropies of y, on rows that neither was fitted to; no bound and no cap, see
    /// [`difference_of_entropies`](crate::difference_of_entropies).
    EntropyDifference,
}

impl Method {
    /// Every method, in the order of the help.
    pub const ALL: &[Self] = &[
        Self::Auto,
        Self::Ksg1,
        Self::Ksg2,
        Self::Ross,
        Self::Mixture,
        Self::MesnerShalizi,
        Self::FrenzelPompe,
        Self::Gaussian,
        Self::GaussianCopula,
        Self::PlugIn,
        Self::Neural,
        Self::EntropyDifference,
    ];

    /// The name in settings and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Ksg1 => "ksg1",
            Self::Ksg2 => "ksg2",
            Self::Ross => "ross",
            Self::Mixture => "mixture",
            Self::MesnerShalizi => "mesner-shalizi",
            Self::FrenzelPompe => "frenzel-pompe",
            Self::Gaussian => "gaussian",
            Self::GaussianCopula => "gaussian-copula",
            Self::PlugIn => "plug-in",
            Self::Neural => "neural",
            Self::EntropyDifference => "entropy-difference",
        }
    }

    /// One line for a list of methods.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Auto => "chosen by the columns and rows",
            Self::Ksg1 => "nearest neighbours, Kraskov et al. 2004 eq. 8, continuous columns",
            Self::Ksg2 => "nearest neighbours, Kraskov et al. 2004 eq. 9, continuous columns",
            Self::Ross => "nearest neighbours, Ross 2014, a discrete and a continuous side",
            Self::Mixture => "nearest neighbours, Gao et al. 2017, columns with atoms",
            Self::MesnerShalizi => "nearest neighbours, Mesner and Shalizi 2021, any columns",
            Self::FrenzelPompe => "nearest neighbours, Frenzel and Pompe 2007, given others",
            Self::Gaussian => "from the covariance, bias-corrected",
            Self::GaussianCopula => "from the covariance of normal scores, Ince et al. 2017",
            Self::PlugIn => "from frequencies of discrete values, Miller–Madow corrected",
            Self::Neural => "a trained critic's bound on held-out rows, any columns",
            Self::EntropyDifference => {
                "trained H(y) - H(y|x) on held-out rows, y continuous, no cap"
            }
        }
    }

    /// Whether it searches nearest neighbours, and so has a number of them.
    pub fn uses_neighbours(self) -> bool {
        matches!(
            self,
            Self::Ksg1
                | Self::Ksg2
                | Self::Ross
                | Self::Mixture
                | Self::MesnerShalizi
                | Self::FrenzelPompe
        )
    }

    /// Whether it trains networks on part of the rows.
    pub fn trains(self) -> bool {
        matches!(self, Self::Neural | Self::EntropyDifference)
    }

    /// The number of neighbours when none is asked for: 3, which has the smaller bias where the
    /// methods for continuous columns are biased most (dependence in many dimensions); 5 for the
    /// methods that meet atoms.
    pub fn default_neighbours(self) -> usize {
        if matches!(self, Self::Mixture | Self::MesnerShalizi) { 5 } else { 3 }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// More columns than this leave nearest neighbours far away: measured on the 40 tasks of Czyż et
/// al. (2023) with `mi bench`, a critic is nearer to the truth on every task from 3 + 3 columns
/// on, and neighbours are as near, and much quicker, up to 2 + 2.
const FEW_COLUMNS: usize = 4;

/// Rows from which a critic learns more than it loses to the rows held out.
pub(super) const NEURAL_ROWS: usize = 1000;

impl Method {
    /// The method for these columns by their kinds alone: plug-in if both sides are discrete,
    /// Ross if one is, KSG-1 if both are continuous, the mixture estimator otherwise; given other
    /// columns, Frenzel–Pompe if all are continuous and Mesner–Shalizi otherwise.
    pub fn by_kinds(x: &Sample, y: &Sample, given: Option<&Sample>) -> Self {
        let sides = || [Some(x), Some(y), given].into_iter().flatten();
        let all_continuous = sides().all(Sample::is_continuous);
        match given {
            _ if sides().all(Sample::is_discrete) => Self::PlugIn,
            Some(_) if all_continuous => Self::FrenzelPompe,
            Some(_) => Self::MesnerShalizi,
            None if all_continuous => Self::Ksg1,
            None if one_discrete(x, y) => Self::Ross,
            None => Self::Mixture,
        }
    }

    /// The method for these columns and rows: the neural one for more than four columns from
    /// 1000 rows on, and [`Method::by_kinds`] otherwise, and where columns are given.
    pub fn for_columns(x: &Sample, y: &Sample, given: Option<&Sample>) -> Self {
        let by_kinds = Self::by_kinds(x, y, given);
        let many = x.dims() + y.dims() > FEW_COLUMNS && x.n() >= NEURAL_ROWS;
        if many && given.is_none() && by_kinds != Self::PlugIn { Self::Neural } else { by_kinds }
    }
}

/// Whether one side is discrete and the other continuous.
fn one_discrete(x: &Sample, y: &Sample) -> bool {
    (x.is_discrete() && y.is_continuous()) || (y.is_discrete() && x.is_continuous())
}

pub(super) fn no_given(method: Method) -> SamplesError {
    SamplesError::WrongColumns {
        method: method.name(),
        found: "no columns to condition on".into(),
        advice: "give some, or use ksg1",
    }
}

/// The method to use where one was asked for, or the error that it cannot take these columns.
/// `by_kinds` leaves out the neural one, unless it was asked for.
pub(super) fn resolve(
    asked: Method,
    x: &Sample,
    y: &Sample,
    z: Option<&Sample>,
    by_kinds: bool,
) -> Result<Method, SamplesError> {
    let sides = || [Some(x), Some(y), z].into_iter().flatten();
    let all_discrete = sides().all(Sample::is_discrete);
    let named = |column: &ColumnType| column.declared == Declared::Discrete;
    let wrong = |found: &str, advice| {
        let method = asked.name();
        Err(SamplesError::WrongColumns { method, found: found.into(), advice })
    };
    match asked {
        Method::Auto if by_kinds => Ok(Method::by_kinds(x, y, z)),
        Method::Auto => Ok(Method::for_columns(x, y, z)),
        Method::Ksg1
        | Method::Ksg2
        | Method::Ross
        | Method::Mixture
        | Method::Neural
        | Method::EntropyDifference
            if z.is_some() =>
        {
            wrong("columns to condition on", "use frenzel-pompe, mesner-shalizi or gaussian-copula")
        }
        Method::Ross if !one_discrete(x, y) => {
            wrong("these columns", "it needs one discrete and one continuous side; use auto")
        }
        Method::PlugIn if !all_discrete => {
            wrong("columns that are not discrete", "declare them discrete, or use auto")
        }
        Method::Gaussian | Method::GaussianCopula if sides().any(|s| s.columns().any(named)) => {
            wrong("labels, whose numbers are names", "use auto, or declare nothing discrete")
        }
        Method::FrenzelPompe if z.is_none() => Err(no_given(asked)),
        _ => Ok(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_serde() {
        for &method in Method::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
        }
    }
}
