//! What a chart shows. Its title and the name of its file follow from this, so that neither can
//! speak of another metric than the one that is drawn.

use mi_estimators::bounds::BoundSpec;

use crate::names;
use crate::record::Metric;
use crate::results::{Configuration, Results};

/// A metric, and the configurations whose values are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) metric: Metric,
    bound: Option<&'a BoundSpec>,
    group: Option<Group>,
}

/// Some of the configurations of an experiment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Part of the names of files.
    pub(crate) name: &'static str,
    /// Part of titles.
    pub(crate) words: &'static str,
    pub(crate) is: fn(&Configuration<'_>) -> bool,
}

/// Which values of a curve a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of them, over the steps, or the only one that was measured.
    All,
    /// The last one.
    End,
    /// The mean over the last fifth of the steps.
    LastFifth,
    /// The last one, over the number of pixels that both views have.
    SharedPixels,
}

impl Extent {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::End => Some("ends"),
            Self::LastFifth => Some("last-fifth"),
            Self::SharedPixels => Some("shared"),
        }
    }

    fn words(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::End => Some("at the end"),
            Self::LastFifth => Some("last fifth"),
            Self::SharedPixels => Some("over what the views share"),
        }
    }
}

impl<'a> Subject<'a> {
    /// A metric of all configurations.
    pub(crate) fn of(metric: Metric) -> Self {
        Self { metric, bound: None, group: None }
    }

    /// Only the configurations with this bound.
    pub(crate) fn with_bound(self, bound: &'a BoundSpec) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// Only the configurations of this group.
    pub(crate) fn in_group(self, group: Group) -> Self {
        Self { group: Some(group), ..self }
    }

    /// The configurations that are shown: those that have the metric.
    pub(crate) fn shown<'r>(&self, results: &Results<'r>) -> Vec<&'r Configuration<'r>> {
        results.with(self.metric, |configuration| {
            self.bound.is_none_or(|bound| configuration.has_bound(bound))
                && self.group.is_none_or(|group| (group.is)(configuration))
        })
    }

    /// The title of a chart: `InfoNCE: bound on held-out data, last fifth`.
    pub(crate) fn title(&self, extent: Extent) -> String {
        self.title_of(&names::subject(self.metric), extent)
    }

    /// The same, if the chart shows more than one metric.
    pub(crate) fn title_of(&self, what: &str, extent: Extent) -> String {
        let bound = self.bound.map(|bound| format!("{}: ", names::bound(bound)));
        let start = bound.unwrap_or_default() + what;
        let details = [self.group.map(|group| group.words), extent.words()];
        let parts = std::iter::once(&*start).chain(details.into_iter().flatten());
        names::capitalised(&parts.collect::<Vec<_>>().join(", "))
    }

    /// A chart's part of the name of its file: `bound-test-last-fifth-infonce`.
    pub(crate) fn name(&self, extent: Extent) -> String {
        self.name_of(&file_name(self.metric), extent)
    }

    /// The same, if the chart shows more than one metric.
    pub(crate) fn name_of(&self, what: &str, extent: Extent) -> String {
        let details =
            [self.group.map(|group| group.name), extent.name(), self.bound.map(BoundSpec::name)];
        let parts = std::iter::once(what).chain(details.into_iter().flatten());
        parts.collect::<Vec<_>>().join("-")
    }
}

/// A metric's name as part of a file name.
pub(crate) fn file_name(metric: Metric) -> String {
    let name = metric.name();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const GROUP: Group = Group { name: "dependent", words: "dependent negatives", is: |_| true };

    /// The words of a metric's name in tables, without its unit and symbols.
    fn words(name: &str) -> BTreeSet<&str> {
        let name = name.strip_suffix(" (nats)").unwrap_or(name);
        let name = name.split_once(", |").map_or(name, |(words, _)| words);
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
    }

    #[test]
    fn titles_have_the_words_of_their_metric_and_of_no_other() {
        let mut titles = BTreeSet::new();
        for &metric in Metric::ALL {
            let (name, title) = (names::metric(metric), names::subject(metric));
            assert!(words(&name).is_subset(&words(&title)), "{title:?} for {name:?}");
            assert!(titles.insert(title.clone()), "two metrics have the title {title:?}");
            assert!(!title.contains("(nats)"), "{title}");
        }
    }

    #[test]
    fn titles_and_names_of_files_tell_what_is_shown() {
        let subject = Subject::of(Metric::BoundTest);
        assert_eq!(subject.title(Extent::All), "Bound on held-out data");
        assert_eq!(subject.name(Extent::All), "bound-test");
        let subject = subject.with_bound(&BoundSpec::InfoNce).in_group(GROUP);
        assert_eq!(
            subject.title(Extent::LastFifth),
            "InfoNCE: bound on held-out data, dependent negatives, last fifth"
        );
        assert_eq!(subject.name(Extent::LastFifth), "bound-test-dependent-last-fifth-infonce");
        let subject = Subject::of(Metric::Accuracy.of_part("map mean"));
        assert_eq!(
            subject.title(Extent::End),
            "Accuracy of the paper's probe: map mean, at the end"
        );
        assert_eq!(subject.name(Extent::End), "accuracy-map-mean-ends");
    }
}
