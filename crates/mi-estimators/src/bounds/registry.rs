use super::BoundSpec;

/// What an estimate says about the mutual information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoundKind {
    /// At most the mutual information, in expectation over independent pairs.
    Lower,
    /// At least the mutual information, in expectation over independent pairs.
    Upper,
    /// Neither: close to the mutual information for a good critic.
    Estimate,
}

/// An entry of [`BOUNDS`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BoundInfo {
    /// The name in configurations, tables and messages.
    pub name: &'static str,
    /// The name in prose.
    pub title: &'static str,
    /// The bound with its usual settings, if scores alone define it.
    pub default: Option<BoundSpec>,
    /// The bound with its usual settings, if it needs a learned number per row in addition to the
    /// scores.
    pub with_learned: Option<BoundSpec>,
    /// The estimate for scores S of K pairs.
    pub formula: &'static str,
    /// What training maximises, where that is not the estimate.
    pub objective: Option<&'static str>,
    /// The publication.
    pub reference: &'static str,
    /// Lower bound, upper bound or neither.
    pub kind: BoundKind,
    /// The largest estimate for a batch of K, as a formula.
    pub cap: Option<&'static str>,
    /// The critic that makes it tight.
    pub optimal_critic: &'static str,
}

impl BoundInfo {
    /// The bound with its usual settings, if it is defined by scores and possibly learned numbers;
    /// `None` for bounds on log densities.
    pub fn usual(&self) -> Option<&BoundSpec> {
        self.default.as_ref().or(self.with_learned.as_ref())
    }
}

/// All bounds, in the order in which tables show them.
pub const BOUNDS: &[BoundInfo] = &[
    BoundInfo {
        name: "infonce",
        title: "InfoNCE",
        default: Some(BoundSpec::InfoNce),
        with_learned: None,
        formula: "log K + mean_i (S_ii − log Σ_j exp S_ij)",
        objective: None,
        reference: "van den Oord et al. 2018, eq. 4",
        kind: BoundKind::Lower,
        cap: Some("log K"),
        optimal_critic: "log p(y|x) + c(x)",
    },
    BoundInfo {
        name: "infonce-symmetric",
        title: "InfoNCE, symmetric",
        default: Some(BoundSpec::InfoNceSymmetric),
        with_learned: None,
        formula: "mean of infonce over rows and over columns",
        objective: None,
        reference: "Radford et al. 2021 (CLIP); Tian et al. 2020 (CMC)",
        kind: BoundKind::Lower,
        cap: Some("log K"),
        optimal_critic: "log p(x,y)/(p(x)p(y)) + c",
    },
    BoundInfo {
        name: "nwj",
        title: "NWJ",
        default: Some(BoundSpec::Nwj),
        with_learned: None,
        formula: "mean_i S_ii − e⁻¹ mean_{i≠j} exp S_ij",
        objective: None,
        reference: "Nguyen et al. 2010; Nowozin et al. 2016 (KL)",
        kind: BoundKind::Lower,
        cap: None,
        optimal_critic: "1 + log p(x,y)/(p(x)p(y))",
    },
    BoundInfo {
        name: "dv",
        title: "Donsker–Varadhan",
        default: Some(BoundSpec::DonskerVaradhan),
        with_learned: None,
        formula: "mean_i S_ii − log mean_{i≠j} exp S_ij",
        objective: None,
        reference: "Donsker and Varadhan 1983",
        // The logarithm of a batch's mean is too small on average, so on a batch this is not a
        // bound.
        kind: BoundKind::Estimate,
        cap: None,
        optimal_critic: "log p(x,y)/(p(x)p(y)) + c",
    },
    BoundInfo {
        name: "mine",
        title: "MINE",
        default: Some(BoundSpec::Mine { rate: 0.01 }),
        with_learned: None,
        formula: "mean_i S_ii − log mean_{i≠j} exp S_ij",
        objective: Some("mean_i S_ii − mean_{i≠j} exp S_ij / (moving average of it, held fixed)"),
        reference: "Belghazi et al. 2018, section 3.2",
        kind: BoundKind::Estimate,
        cap: None,
        optimal_critic: "log p(x,y)/(p(x)p(y)) + c",
    },
    BoundInfo {
        name: "tuba",
        title: "TUBA",
        default: Some(BoundSpec::Tuba),
        with_learned: None,
        formula: "1 + mean_i (S_ii − log a_i) − mean_{i≠j} exp(S_ij − log a_i); learned log a_i, or 0",
        objective: None,
        reference: "Poole et al. 2019, eq. 6",
        kind: BoundKind::Lower,
        cap: None,
        optimal_critic: "log p(y|x) + c(x), log a = log E_y exp f",
    },
    BoundInfo {
        name: "js",
        title: "Jensen–Shannon",
        default: Some(BoundSpec::JensenShannon),
        with_learned: None,
        formula: "1 + mean_i S_ii − mean_{i≠j} exp S_ij",
        objective: Some("mean_i −softplus(−S_ii) − mean_{i≠j} softplus(S_ij)"),
        reference: "Hjelm et al. 2019, eq. 4; Poole et al. 2019, section 2.3",
        kind: BoundKind::Lower,
        cap: None,
        optimal_critic: "log p(x,y)/(p(x)p(y))",
    },
    BoundInfo {
        name: "smile",
        title: "SMILE",
        default: Some(BoundSpec::Smile { clip: 5.0 }),
        with_learned: None,
        formula: "mean_i S_ii − log mean_{i≠j} exp clip(S_ij, −τ, τ)",
        objective: Some("mean_i −softplus(−S_ii) − mean_{i≠j} softplus(S_ij)"),
        reference: "Song and Ermon 2020, eq. 12",
        kind: BoundKind::Estimate,
        cap: None,
        optimal_critic: "log p(x,y)/(p(x)p(y))",
    },
    BoundInfo {
        name: "interpolated",
        title: "interpolated α",
        default: Some(BoundSpec::InterpolatedAlpha { alpha: 0.5 }),
        with_learned: None,
        formula: "1 + mean_{i≠j} (S_ii − log D_ij) − mean_{i≠j} exp S_ij / D_ii, \
                  D_ij = α mean_{k≠j} exp S_ik + (1−α) a_i; learned log a_i, or 0",
        objective: None,
        reference: "Poole et al. 2019, eq. 9–10",
        kind: BoundKind::Lower,
        cap: Some("1 + log((K−1)/α); log(K−1) at α = 1; none at α = 0"),
        optimal_critic: "log p(y|x) + c(x)",
    },
    BoundInfo {
        name: "ml-cpc",
        title: "ML-CPC",
        default: Some(BoundSpec::MlCpc { alpha: 1.0 }),
        with_learned: None,
        formula: "mean_i S_ii − log Σ_i [α/K² exp S_ii + (K−α)/(K²(K−1)) Σ_{j≠i} exp S_ij]",
        objective: None,
        reference: "Song and Ermon 2020 (multi-label contrastive predictive coding)",
        kind: BoundKind::Lower,
        cap: Some("log(K/α)"),
        optimal_critic: "log p(x,y)/(p(x)p(y)) + c",
    },
    BoundInfo {
        name: "flo",
        title: "FLO",
        default: None,
        with_learned: Some(BoundSpec::Flo),
        formula: "1 − mean_i u_i − mean_{i≠j} exp(S_ij − S_ii − u_i); learned u_i = u(x_i, y_i)",
        objective: None,
        reference: "Guo et al. 2022 (FLO, Fenchel–Legendre; arXiv 2107.01131)",
        kind: BoundKind::Lower,
        cap: None,
        optimal_critic: "log p(y|x) + c(x), u = −log p(x,y)/(p(x)p(y))",
    },
    BoundInfo {
        name: "ba-lower",
        title: "Barber–Agakov, lower",
        default: None,
        with_learned: None,
        formula: "mean_i log q(y_i|x_i) + H(Y)",
        objective: None,
        reference: "Barber and Agakov 2003",
        kind: BoundKind::Lower,
        cap: None,
        optimal_critic: "q = p(y|x)",
    },
    BoundInfo {
        name: "ba-upper",
        title: "Barber–Agakov, upper",
        default: None,
        with_learned: None,
        formula: "mean_i (log p(y_i|x_i) − log m(y_i))",
        objective: None,
        reference: "Barber and Agakov 2003; Poole et al. 2019, eq. 1",
        kind: BoundKind::Upper,
        cap: None,
        optimal_critic: "needs the true p(y|x); m = p(y)",
    },
    BoundInfo {
        name: "l1out",
        title: "leave one out",
        default: None,
        with_learned: None,
        formula: "mean_i [log p(y_i|x_i) − log mean_{j≠i} p(y_i|x_j)]",
        objective: None,
        reference: "Poole et al. 2019, eq. 11",
        kind: BoundKind::Upper,
        cap: None,
        optimal_critic: "needs the true p(y|x)",
    },
    BoundInfo {
        name: "club",
        title: "CLUB",
        default: None,
        with_learned: None,
        formula: "mean_i log p(y_i|x_i) − mean_{i,j} log p(y_j|x_i)",
        objective: None,
        reference: "Cheng et al. 2020",
        kind: BoundKind::Upper,
        cap: None,
        optimal_critic: "needs the true p(y|x)",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::LearnedOf;

    /// The variants are those that serde names in the message about an unknown one.
    #[test]
    fn every_bound_is_registered() {
        let message = serde_json::from_str::<BoundSpec>("\"?\"").unwrap_err().to_string();
        let (_, variants) = message.split_once("expected one of").unwrap();
        let variants: Vec<&str> = variants.split('`').skip(1).step_by(2).collect();
        let registered = BOUNDS.iter().filter_map(|entry| entry.usual().map(BoundSpec::name));
        assert_eq!(variants, registered.collect::<Vec<_>>());
    }

    #[test]
    fn names_are_unique_and_those_of_the_specs() {
        for (n, entry) in BOUNDS.iter().enumerate() {
            assert!(BOUNDS[..n].iter().all(|other| other.name != entry.name), "{}", entry.name);
            if let Some(bound) = entry.usual() {
                assert_eq!(bound.name(), entry.name);
                assert_eq!(bound.cap(128).is_some(), entry.cap.is_some());
                let needed = bound.learned() == Some(LearnedOf::Pair);
                assert_eq!(needed, entry.with_learned.is_some());
            }
        }
    }
}
