use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Interval, Mean, Warning};

/// A measure of a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Measure {
    /// Test accuracy of [`Probe::paper`](crate::Probe::paper).
    EarlyStoppedAccuracy,
    /// Test accuracy of readers of labels.
    Accuracy,
    /// What readers can use about labels: [`v_information`](crate::v_information).
    VInformation,
    /// What readers can use about another view:
    /// [`v_information_about_values`](crate::v_information_about_values).
    VInformationOfView,
    /// What readers can use beyond a base:
    /// [`conditional_v_information`](crate::conditional_v_information).
    ConditionalVInformation,
    /// Accuracy with few labels: [`few_labels`](crate::few_labels).
    FewLabelAccuracy,
    /// Length of an online code:
    /// [`description_length`](crate::LossDataCurve::description_length).
    DescriptionLength,
    /// Rows until a loss is reached:
    /// [`sample_complexity`](crate::LossDataCurve::sample_complexity).
    SampleComplexity,
    /// [`surplus`](crate::LossDataCurve::surplus) description length.
    Surplus,
    /// [`alignment`](crate::alignment) with another view.
    Alignment,
    /// [`uniformity`](crate::uniformity).
    Uniformity,
    /// [`rank_me`](crate::rank_me).
    RankMe,
    /// [`effective_rank`](crate::effective_rank).
    EffectiveRank,
    /// [`exponent`](crate::Spectrum::exponent) of the covariance's spectrum.
    SpectrumExponent,
    /// [`linear_cka`](crate::linear_cka) to another view, plain and debiased.
    CkaToView,
    /// [`linear_cka`](crate::linear_cka) to the base, plain and debiased.
    CkaToBase,
    /// [`class_separation`](crate::class_separation).
    ClassSeparation,
    /// [`neighbour_purity`](crate::neighbour_purity).
    NeighbourPurity,
    /// The number of [`dead_units`](crate::dead_units).
    DeadUnits,
}

impl Measure {
    /// Its entry in [`MEASURES`].
    pub fn info(self) -> &'static MeasureInfo {
        MEASURES
            .iter()
            .find(|info| info.measure == self)
            .unwrap_or_else(|| unreachable!("a test checks that every measure has an entry"))
    }

    /// Its name in lists, files and messages.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The measure of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        MEASURES.iter().find(|info| info.name == name).map(|info| info.measure)
    }
}

/// What a measure needs in addition to features and labels. The enum is exhaustive, so that code
/// that offers measures has to handle a new need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Another view.
    View,
    /// Another view with as many features, from the same encoder.
    AlignedView,
    /// A base.
    Base,
}

/// The unit of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unit {
    /// A fraction of rows, from 0 to 1.
    Share,
    /// Nats per row.
    Nats,
    /// Nats for all rows together.
    TotalNats,
    /// A number of rows.
    Rows,
    /// A number of features.
    Features,
    /// A pure number.
    One,
}

/// An entry of [`MEASURES`].
#[derive(Clone, Copy, Debug)]
pub struct MeasureInfo {
    /// The measure.
    pub measure: Measure,
    /// Its name in lists, files and messages.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What it needs.
    pub needs: Needs,
    /// A summary in one line.
    pub summary: &'static str,
}

const fn entry(
    measure: Measure,
    name: &'static str,
    unit: Unit,
    needs: Needs,
    summary: &'static str,
) -> MeasureInfo {
    MeasureInfo { measure, name, unit, needs, summary }
}

/// All measures, in the order in which they are listed.
pub const MEASURES: &[MeasureInfo] = &[
    entry(
        Measure::EarlyStoppedAccuracy,
        "early-stopped-accuracy",
        Unit::Share,
        Needs::Nothing,
        "test accuracy of the paper's linear probe, stopped early",
    ),
    entry(
        Measure::Accuracy,
        "accuracy",
        Unit::Share,
        Needs::Nothing,
        "test accuracy of a family of readers",
    ),
    entry(
        Measure::VInformation,
        "v-information",
        Unit::Nats,
        Needs::Nothing,
        "what a family of readers finds about labels",
    ),
    entry(
        Measure::VInformationOfView,
        "view-v-information",
        Unit::Nats,
        Needs::View,
        "what a family of readers finds about the other view",
    ),
    entry(
        Measure::ConditionalVInformation,
        "conditional-v-information",
        Unit::Nats,
        Needs::Base,
        "what a family of readers finds about labels beyond the base",
    ),
    entry(
        Measure::FewLabelAccuracy,
        "few-label-accuracy",
        Unit::Share,
        Needs::Nothing,
        "test accuracy with a few training rows of each class",
    ),
    entry(
        Measure::DescriptionLength,
        "description-length",
        Unit::TotalNats,
        Needs::Nothing,
        "length of an online code of the training labels",
    ),
    entry(
        Measure::SampleComplexity,
        "sample-complexity",
        Unit::Rows,
        Needs::Nothing,
        "training rows until the test loss is at most ε nats",
    ),
    entry(
        Measure::Surplus,
        "surplus-description-length",
        Unit::TotalNats,
        Needs::Nothing,
        "cost of an online code above ε nats per row",
    ),
    entry(
        Measure::Alignment,
        "alignment",
        Unit::One,
        Needs::AlignedView,
        "mean squared distance of the two views' unit vectors",
    ),
    entry(
        Measure::Uniformity,
        "uniformity",
        Unit::One,
        Needs::Nothing,
        "how evenly unit vectors cover the sphere",
    ),
    entry(
        Measure::RankMe,
        "rank-me",
        Unit::One,
        Needs::Nothing,
        "exponential entropy of the singular values, with 1e-7",
    ),
    entry(
        Measure::EffectiveRank,
        "effective-rank",
        Unit::One,
        Needs::Nothing,
        "exponential entropy of the singular values",
    ),
    entry(
        Measure::SpectrumExponent,
        "spectrum-exponent",
        Unit::One,
        Needs::Nothing,
        "exponent of the decay of the covariance's eigenvalues",
    ),
    entry(
        Measure::CkaToView,
        "cka-to-view",
        Unit::One,
        Needs::View,
        "linear centred kernel alignment with the other view",
    ),
    entry(
        Measure::CkaToBase,
        "cka-to-base",
        Unit::One,
        Needs::Base,
        "linear centred kernel alignment with the base",
    ),
    entry(
        Measure::ClassSeparation,
        "class-separation",
        Unit::One,
        Needs::Nothing,
        "how far apart classes are, compared with their members",
    ),
    entry(
        Measure::NeighbourPurity,
        "neighbour-purity",
        Unit::Share,
        Needs::Nothing,
        "fraction of the nearest training rows that have a test row's label",
    ),
    entry(
        Measure::DeadUnits,
        "dead-units",
        Unit::Features,
        Needs::Nothing,
        "features that are the same in all test rows",
    ),
];

impl Unit {
    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Nats | Self::TotalNats => "nats",
            Self::Rows => "rows",
            Self::Features => "features",
            Self::One => "1",
        }
    }
}

/// A measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was measured.
    pub measure: Measure,
    /// The family, size or tolerance that it belongs to; empty if there is only one number.
    pub of: String,
    /// The number; `None` if there is none, for the reason in `note`.
    pub value: Option<f64>,
    /// Its 95 % interval over test rows, or over draws for few labels; `None` for a measure without
    /// an interval.
    pub interval: Option<Interval>,
    /// A remark for the reader.
    pub note: Option<String>,
    /// Warnings of the fits behind the number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

impl Measured {
    pub(super) fn new(measure: Measure, of: impl Into<String>, value: f64) -> Self {
        let (of, value) = (of.into(), Some(value));
        Self { measure, of, value, interval: None, note: None, warnings: Vec::new() }
    }

    pub(super) fn without(measure: Measure, of: String, why: String) -> Self {
        let note = Some(why);
        Self { measure, of, value: None, interval: None, note, warnings: Vec::new() }
    }

    pub(super) fn within(self, interval: Interval) -> Self {
        Self { interval: Some(interval), ..self }
    }

    /// Adds the interval of a mean of two or more numbers.
    pub(super) fn within_if(self, mean: Mean) -> Self {
        if mean.n > 1 { self.within(mean.interval()) } else { self }
    }

    pub(super) fn noted(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    pub(super) fn warned(self, warnings: &[Warning]) -> Self {
        Self { warnings: warnings.to_vec(), ..self }
    }

    /// The unit of the value and its interval.
    pub fn unit(&self) -> Unit {
        self.measure.info().unit
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.measure.name())?;
        if !self.of.is_empty() {
            write!(f, ", {}", self.of)?;
        }
        match self.value {
            Some(value) => write!(f, ": {value:.4}")?,
            None => write!(f, ": none")?,
        }
        if self.unit() != Unit::One && self.value.is_some() {
            write!(f, " {}", self.unit().name())?;
        }
        if let Some(Interval { low, high }) = self.interval {
            write!(f, " [{low:.4}, {high:.4}]")?;
        }
        if let Some(note) = &self.note {
            write!(f, " ({note})")?;
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "; warning: {warning}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_has_one_entry_and_its_name_leads_back() {
        for (index, info) in MEASURES.iter().enumerate() {
            assert_eq!(info.measure as usize, index, "the list is in the order of the type");
            assert_eq!(Measure::from_name(info.name), Some(info.measure));
            assert_eq!(info.measure.name(), info.name);
        }
        assert_eq!(MEASURES.len(), Measure::DeadUnits as usize + 1);
        assert_eq!(Measure::from_name("accuracies"), None);
    }

    #[test]
    fn a_line_holds_value_unit_interval_note_and_warnings() {
        let interval = Interval { low: 0.5, high: 0.75 };
        let measured = Measured::new(Measure::Accuracy, "linear", 0.625);
        let measured = measured.within(interval).noted("C = 1");
        let line = "accuracy, linear: 0.6250 share [0.5000, 0.7500] (C = 1)";
        assert_eq!(measured.to_string(), line);
        let warned = measured.warned(&[Warning::ValidationEdge { c: 1.0 }]);
        let warning = "; warning: the best C tried, 1, is at the end of the list";
        assert_eq!(warned.to_string(), format!("{line}{warning}"));
        let none = Measured::without(Measure::SampleComplexity, "ε = 1".into(), "no".into());
        assert_eq!(none.to_string(), "sample-complexity, ε = 1: none (no)");
    }
}
