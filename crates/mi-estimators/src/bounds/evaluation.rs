use serde::{Deserialize, Serialize};

/// A value to be minimised, in nats. A separate type prevents confusion with a bound, which is
/// maximised.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Loss(f64);

impl Loss {
    pub(crate) fn new(nats: f64) -> Self {
        Self(nats)
    }

    /// The number.
    pub fn nats(self) -> f64 {
        self.0
    }
}

/// The result of a bound on one batch.
///
/// For most bounds, the estimate and the objective are the same number. They differ for bounds that
/// train one quantity and report another (JS, SMILE, MINE), and if there is a target.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The estimate of the mutual information in nats, which can be negative. For a loss
    /// ([`crate::losses`]), minus the loss.
    pub estimate: f64,
    /// The value that training maximises; its gradient is returned.
    pub objective: f64,
    /// The largest estimate that a batch of this size can yield, whatever the scores.
    pub cap: Option<f64>,
    /// K, the number of positives. Bounds of different K are not comparable where there is a cap.
    pub batch_size: usize,
    /// Whether the batch has no negative, for example because it has only one pair. The estimate is
    /// then 0 and says nothing.
    pub no_negatives: bool,
    /// Whether exponentials overflowed. If they did, the estimate, the objective or a gradient is
    /// infinite or was clipped to the largest number.
    pub overflow: bool,
    pub(crate) form: Form,
}

/// Which further readings an [`Evaluation`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// None.
    Plain,
    /// The cap minus the estimate is a cross-entropy.
    CrossEntropy,
    /// The objective is that of Jensen and Shannon.
    JensenShannon,
}

/// An estimate closer to its cap than this, in nats, says little about the true value.
const NEAR: f64 = 0.1;

impl Evaluation {
    /// Whether the estimate is within 0.1 nats of its cap: the mutual information may be any
    /// larger number.
    pub fn near_cap(&self) -> bool {
        self.cap.is_some_and(|cap| self.estimate > cap - NEAR)
    }

    /// The objective as a value to be minimised.
    pub fn loss(&self) -> Loss {
        Loss(-self.objective)
    }

    /// `2 log 2` + the objective of a Jensen–Shannon or SMILE evaluation: twice the estimated
    /// Jensen–Shannon divergence between the joint distribution and the product of marginals, as
    /// Deep `InfoMax` reports it (Hjelm et al., 2019). 0 if nothing is learned, at most 2 log 2.
    /// `None` for other bounds, and with a target, which replaces the objective.
    pub fn twice_jensen_shannon(&self) -> Option<f64> {
        let twice = 2.0 * std::f64::consts::LN_2 + self.objective;
        (self.form == Form::JensenShannon).then_some(twice)
    }

    /// The N-pair loss (Sohn, 2016, eq. 6) or NT-Xent's cross-entropy (Chen et al., 2020, eq. 1),
    /// `mean_i log(1 + Σ_j exp(S_ij − S_ii))` over the negatives j. It is computed from an
    /// `InfoNCE` estimate I as the cap minus I, which is log K − I for K candidates; from the
    /// symmetric bound it is the mean of the losses of rows and columns. `None` for other bounds.
    ///
    /// ```
    /// use mi_estimators::bounds::{BoundSpec, Objective, Scores, evaluate};
    /// use ndarray::array;
    ///
    /// let scores = array![[2.0, 0.0], [0.0, 2.0]];
    /// let objective = Objective::new(&BoundSpec::InfoNce, None)?;
    /// let loss = evaluate(&Scores::new(scores.view()), &objective)?.n_pair_loss();
    /// assert!(loss.is_some_and(|loss| (loss.nats() - (-2.0_f64).exp().ln_1p()).abs() < 1e-12));
    /// # Ok::<(), mi_estimators::EstimatorError>(())
    /// ```
    pub fn n_pair_loss(&self) -> Option<Loss> {
        let cap = self.cap.filter(|_| self.form == Form::CrossEntropy);
        cap.map(|cap| Loss(cap - self.estimate))
    }
}
