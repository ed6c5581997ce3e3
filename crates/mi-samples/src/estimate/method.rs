use std::fmt;

use serde::{Deserialize, Serialize};

/// How mutual information is estimated.
///
/// The default is chosen by [`Method::fitting`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Kraskov, Stögbauer and Grassberger (2004), equation 8.
    Ksg1,
    /// Kraskov, Stögbauer and Grassberger (2004), equation 9.
    Ksg2,
    /// Ross (2014), for a discrete and a continuous side.
    Ross,
    /// Gao, Kannan, Oh and Viswanath (2017), for mixtures; labels are infinitely far apart.
    Mixture,
    /// Mesner and Shalizi (2021), for any columns, with or without given ones; see
    /// [`mesner_shalizi`](crate::mesner_shalizi) for labels.
    MesnerShalizi,
    /// Frenzel and Pompe (2007), given other columns.
    FrenzelPompe,
    /// Gaussian columns, corrected for bias.
    Gaussian,
    /// Columns with a Gaussian copula, corrected for bias (Ince et al., 2017).
    GaussianCopula,
    /// Frequencies of discrete values, corrected by Miller and Madow; in tables too sparse for
    /// that, also corrected for the value of independent labels with the same frequencies (Vinh,
    /// Epps and Bailey, 2010).
    PlugIn,
    /// A variational bound on held-out rows, with a critic trained on the others; see
    /// [`neural`](crate::neural).
    Neural,
    /// A difference of two learnt entropies of y, on rows that neither was fitted to; neither a
    /// bound nor capped, see [`difference_of_entropies`](crate::difference_of_entropies).
    EntropyDifference,
}

impl Method {
    /// Every method, in the order of the help.
    pub const ALL: &[Self] = &[
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

    /// The name in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ksg1 => "KSG-1",
            Self::Ksg2 => "KSG-2",
            Self::Ross => "Ross",
            Self::Mixture => "mixture",
            Self::MesnerShalizi => "Mesner-Shalizi",
            Self::FrenzelPompe => "Frenzel-Pompe",
            Self::Gaussian => "Gaussian",
            Self::GaussianCopula => "Gaussian copula",
            Self::PlugIn => "plug-in",
            Self::Neural => "neural bound",
            Self::EntropyDifference => "difference of entropies, held out",
        }
    }

    /// One line for a list of methods.
    pub fn summary(self) -> &'static str {
        match self {
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

    /// Whether it searches nearest neighbours, and so has a number of neighbours.
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

    /// Whether atoms are broken like other ties: in methods for continuous columns, and also in
    /// other neighbour methods if there are labels. Among the few rows of a label, the k-th
    /// neighbour is often in an atom with other rows at the same distance: k is then too small, and
    /// the estimate too high.
    pub(crate) fn breaks_atoms(self, has_labels: bool) -> bool {
        match self {
            Self::Ksg1 | Self::Ksg2 | Self::Ross | Self::FrenzelPompe => true,
            Self::Mixture | Self::MesnerShalizi => has_labels,
            _ => false,
        }
    }

    /// Whether rows are left out if no other row has the same labels on all sides.
    pub(crate) fn leaves_out_unique(self) -> bool {
        matches!(self, Self::Ross | Self::Mixture | Self::MesnerShalizi)
    }

    /// Whether it trains networks on part of the rows.
    pub fn trains(self) -> bool {
        matches!(self, Self::Neural | Self::EntropyDifference)
    }

    /// The default number of neighbours: 3, which has the smaller bias where the methods for
    /// continuous columns are biased most (dependence in many dimensions); 5 for the methods that
    /// handle atoms.
    pub fn default_neighbours(self) -> usize {
        if matches!(self, Self::Mixture | Self::MesnerShalizi) { 5 } else { 3 }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variants are those that serde names in the message about an unknown one.
    #[test]
    fn all_has_every_method() {
        let message = serde_json::from_str::<Method>("\"?\"").unwrap_err().to_string();
        let (_, variants) = message.split_once("expected one of").unwrap();
        let variants: Vec<&str> = variants.split('`').skip(1).step_by(2).collect();
        let all: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
        assert_eq!(all, variants);
    }

    #[test]
    fn names_are_those_of_serde() {
        for &method in Method::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
        }
    }
}
