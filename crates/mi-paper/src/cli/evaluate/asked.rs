//! The measures of the command: those of `mi-eval`, and bounds by critics.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use mi_eval::{MEASURES, Measure, Needs};
use mi_paper::trial::frozen::{FEWEST_TEST_ROWS, FEWEST_TRAINING_ROWS};

/// A measure that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// One of `mi-eval`.
    Of(Measure),
    /// Bounds by critics that are newly trained on the features.
    BoundAnew,
    /// Nearest neighbours on principal components.
    ComponentsMi,
}

/// The measures that are not in `mi-eval`, which knows no critics: names and summaries.
const BETWEEN_VIEWS: [(Asked, &str, &str); 2] = [
    (
        Asked::BoundAnew,
        "bound-anew",
        "bounds on the information that both views share, by newly trained critics",
    ),
    (
        Asked::ComponentsMi,
        "components-mi",
        "nearest neighbours on the first principal components of both views",
    ),
];

impl Asked {
    /// Parses a name of the lists.
    pub(super) fn parser() -> impl TypedValueParser<Value = Self> {
        let own = MEASURES.iter().map(|info| (info.name, info.summary));
        let all = own.chain(BETWEEN_VIEWS.map(|(_, name, summary)| (name, summary)));
        let names = all.map(|(name, summary)| PossibleValue::new(name).help(summary));
        PossibleValuesParser::new(names).try_map(|name| {
            let between = BETWEEN_VIEWS.into_iter().find(|(_, own, _)| *own == name);
            between
                .map(|(asked, ..)| asked)
                .or_else(|| Measure::from_name(&name).map(Self::Of))
                .ok_or_else(|| format!("there is no measure {name}"))
        })
    }

    /// Its name in lists, files and messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Of(measure) => measure.name(),
            _ => BETWEEN_VIEWS
                .iter()
                .find(|(asked, ..)| *asked == self)
                .map_or_else(|| unreachable!("the list has it"), |(_, name, _)| name),
        }
    }

    /// The option that gives what it needs, if it needs more than features and labels.
    pub(super) fn option(self) -> Option<&'static str> {
        match self {
            Self::Of(measure) => match measure.info().needs {
                Needs::Nothing => None,
                Needs::View | Needs::AlignedView => Some("--view"),
                Needs::Base => Some("--base"),
            },
            Self::BoundAnew | Self::ComponentsMi => Some("--view"),
        }
    }

    /// Why numbers of training and test samples are too small for it.
    pub(super) fn lacks_rows(self, (train, test): (usize, usize)) -> Option<String> {
        let enough = train >= FEWEST_TRAINING_ROWS && test >= FEWEST_TEST_ROWS;
        (self == Self::BoundAnew && !enough).then(|| {
            format!(
                "{} needs {FEWEST_TRAINING_ROWS} samples to train and {FEWEST_TEST_ROWS} to test, \
                 but there are {train} and {test}",
                self.name()
            )
        })
    }

    /// The measures between two views, in the order of the list.
    pub(super) fn between_views() -> impl Iterator<Item = Self> {
        BETWEEN_VIEWS.into_iter().map(|(asked, ..)| asked)
    }
}
