//! Which methods fit which columns: the one place where a method is chosen, or refused.

use super::{Method, Settings, Side};
use crate::sample::{ColumnKind, ColumnType, Declared, Sample};
use crate::{SamplesError, WayOut};

/// With more columns than this, nearest neighbours are far away. This was measured on the 40 tasks
/// of Czyż et al. (2023) with `mi bench`. A critic is closer to the truth on every task with 3 + 3
/// columns or more; up to 2 + 2, neighbours are as close and much faster.
const FEW_COLUMNS: usize = 4;

/// From this number of rows on, a critic gains more than it loses by holding out rows.
pub(super) const NEURAL_ROWS: usize = 1000;

impl Method {
    /// The methods that fit these sides, the most trusted first. By default an estimate uses the
    /// first of them, or of [`Method::fitting_untrained`].
    ///
    #[doc = include_str!("fitting.md")]
    ///
    /// Columns with ties are continuous: see [`ColumnKind`].
    pub fn fitting(x: &Sample, y: &Sample, given: Option<&Sample>) -> Vec<Self> {
        let sides = || [Some(x), Some(y), given].into_iter().flatten();
        let by_kinds = if sides().all(Sample::is_discrete) {
            Self::PlugIn
        } else {
            match (given, sides().all(Sample::is_continuous)) {
                (Some(_), true) => Self::FrenzelPompe,
                (Some(_), false) => Self::MesnerShalizi,
                (None, true) => Self::Ksg1,
                (None, false) if one_is_discrete(x, y) => Self::Ross,
                (None, false) => Self::Mixture,
            }
        };
        let many = x.dims() + y.dims() > FEW_COLUMNS && x.n() >= NEURAL_ROWS;
        let learns = many && given.is_none() && by_kinds != Self::PlugIn;
        let mut methods = Vec::new();
        methods.extend(learns.then_some(Self::Neural));
        methods.push(by_kinds);
        methods.extend(sides().all(Sample::has_scale).then_some(Self::GaussianCopula));
        methods
    }

    /// The methods that fit these sides and train no critic, the most trusted first. Use them for
    /// an estimate that is repeated many times (a test, an extrapolation, many pairs), or that must
    /// exclude neighbours in time (a Theiler window), since a critic has no neighbours.
    pub fn fitting_untrained(x: &Sample, y: &Sample, given: Option<&Sample>) -> Vec<Self> {
        let mut methods = Self::fitting(x, y, given);
        methods.retain(|method| !method.trains());
        methods
    }

    /// The method in the settings, or the one that fits.
    ///
    /// # Errors
    /// If the requested method cannot take these columns.
    pub(super) fn resolve(
        settings: &Settings,
        x: &Sample,
        y: &Sample,
        given: Option<&Sample>,
    ) -> Result<Self, SamplesError> {
        if let Some(method) = settings.method {
            return method.check(x, y, given).map(|()| method);
        }
        let repeats = settings.test.is_some() || settings.extrapolate || settings.theiler > 0;
        let fitting = if repeats { Self::fitting_untrained } else { Self::fitting };
        // Never reached: one of the methods that fit does not train.
        Ok(fitting(x, y, given).first().copied().unwrap_or(Self::MesnerShalizi))
    }

    /// Refuses columns for which the method is not defined.
    fn check(self, x: &Sample, y: &Sample, given: Option<&Sample>) -> Result<(), SamplesError> {
        let takes_given = matches!(
            self,
            Self::MesnerShalizi
                | Self::FrenzelPompe
                | Self::Gaussian
                | Self::GaussianCopula
                | Self::PlugIn
        );
        if given.is_some() && !takes_given {
            return Err(SamplesError::WrongColumns {
                method: self.name(),
                found: "columns to condition on".into(),
                advice: "use frenzel-pompe, mesner-shalizi or gaussian-copula",
            });
        }
        if given.is_none() && self == Self::FrenzelPompe {
            return Err(SamplesError::NothingGiven { method: self.name() });
        }
        // No method can find anything about a constant.
        if x.is_constant() || y.is_constant() {
            return Ok(());
        }
        let sides = [(Side::X, Some(x)), (Side::Y, Some(y)), (Side::Given, given)];
        let find = |unfit: &dyn Fn(Side, &ColumnType) -> bool| {
            sides.iter().find_map(|&(side, sample)| {
                let mut columns = sample?.columns().enumerate();
                columns.find(|(_, kind)| unfit(side, kind)).map(|(i, kind)| (side, i, kind.clone()))
            })
        };
        let is_label = |kind: &ColumnType| kind.kind == ColumnKind::Discrete;
        let unfit = match self {
            Self::Ksg1 | Self::Ksg2 | Self::FrenzelPompe => find(&|_, kind| is_label(kind)),
            Self::Ross => return self.check_one_discrete(x, y),
            Self::PlugIn => find(&|_, kind| !kind.is_discrete()),
            Self::Gaussian | Self::GaussianCopula => {
                find(&|_, kind| is_label(kind) && kind.declared == Declared::Discrete)
            }
            Self::EntropyDifference => {
                find(&|side, kind| side == Side::Y && (is_label(kind) || kind.is_mixture()))
            }
            Self::Mixture | Self::MesnerShalizi | Self::Neural => None,
        };
        match unfit {
            Some((side, column, kind)) => Err(self.refusal(side, column, &kind)),
            None => Ok(()),
        }
    }

    fn refusal(self, side: Side, column: usize, kind: &ColumnType) -> SamplesError {
        let way = match self {
            Self::PlugIn => WayOut::DeclareDiscrete,
            _ if kind.declared == Declared::Discrete => WayOut::AnotherMethod,
            Self::EntropyDifference => WayOut::SwapOrDeclareContinuous,
            _ => WayOut::DeclareContinuous,
        };
        let (method, kind) = (self.name(), kind.to_string());
        SamplesError::ColumnKind { method, side, column, kind, way }
    }

    /// One side must be discrete, and the other must not.
    fn check_one_discrete(self, x: &Sample, y: &Sample) -> Result<(), SamplesError> {
        if one_is_discrete(x, y) {
            return Ok(());
        }
        let wrong = |found: &str, advice| {
            Err(SamplesError::WrongColumns { method: self.name(), found: found.into(), advice })
        };
        match (x.is_discrete(), y.is_discrete()) {
            (true, true) => {
                wrong("two discrete sides", "declare the columns of one continuous, or use plug-in")
            }
            (false, false) if x.has_scale() && y.has_scale() => {
                wrong("two continuous sides", "declare the columns of one discrete, or use ksg1")
            }
            _ => wrong("a side of discrete and continuous columns", "use mixture or neural"),
        }
    }
}

/// Whether one side is discrete and the other has no discrete column.
fn one_is_discrete(x: &Sample, y: &Sample) -> bool {
    (x.is_discrete() && y.has_scale()) || (y.is_discrete() && x.has_scale())
}
