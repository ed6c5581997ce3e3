//! All measures of one representation, with every intermediate result computed once.

mod intermediate;
mod measure;
mod settings;

pub use measure::{MEASURES, Measure, MeasureInfo, Measured, Needs, Unit};
pub use settings::EvaluatorSettings;

use ndarray::ArrayView2;

use self::intermediate::Intermediate;
use crate::classes::Label;
use crate::kernel::Feature;
use crate::v_information::{about_labels, check_counts};
use crate::{
    EvalError, Interval, Probe, Stream, TrainTest, VInformation, alignment, class_separation,
    conditional_v_information, dead_units, features, few_labels, linear_cka, linear_cka_debiased,
    neighbour_purity, symmetric_label_noise, uniformity,
};

/// Features of one encoder, and data to compare them with.
#[derive(Clone, Copy, Debug)]
pub struct Representation<'a, T, L> {
    /// Features of training and test rows, n × d and m × d.
    pub features: TrainTest<ArrayView2<'a, T>>,
    /// Their labels, n and m.
    pub labels: TrainTest<&'a [L]>,
    /// The representation of another view of the same rows, n × e and m × e.
    pub view: Option<TrainTest<ArrayView2<'a, T>>>,
    /// The input of the encoder, such as the pixels, n × c and m × c.
    pub base: Option<TrainTest<ArrayView2<'a, T>>>,
}

/// Measures a representation. Results that several measures share (fitted readers, neighbours, a
/// learning curve, singular values) are computed once, when the first of them is requested.
///
/// Readers are fitted to training rows and judged on test rows; geometry is measured on the test
/// rows. The same seed gives the same bits on any number of threads.
///
/// ```
/// use mi_eval::{
///     Evaluator, EvaluatorSettings, Family, Measure, Representation, Stream, TrainTest,
///     ndarray::Axis,
/// };
///
/// let features = Stream::new(1, "example").normal_matrix((1500, 4));
/// let labels: Vec<bool> = features.column(0).iter().map(|&x| x > 0.0).collect();
/// let (train, test) = features.view().split_at(Axis(0), 1000);
/// let representation = Representation {
///     features: TrainTest::new(train, test),
///     labels: TrainTest::new(&labels[..1000], &labels[1000..]),
///     view: None,
///     base: None,
/// };
/// let settings = EvaluatorSettings { families: vec![Family::linear()], ..Default::default() };
/// let mut evaluator = Evaluator::new(representation, settings)?;
/// for measure in [Measure::Accuracy, Measure::VInformation, Measure::RankMe] {
///     for found in evaluator.measure(measure)? {
///         println!("{found}"); // accuracy, linear: 0.994 [0.983, 0.998]
///     }
/// }
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
#[derive(Debug)]
pub struct Evaluator<'a, T, L> {
    representation: Representation<'a, T, L>,
    /// With the label noise of the settings.
    train_labels: Vec<L>,
    settings: EvaluatorSettings,
    intermediate: Intermediate<L>,
}

impl<'a, T: Feature, L: Label> Evaluator<'a, T, L> {
    /// Checks that everything fits together.
    ///
    /// # Errors
    /// An empty matrix; a NaN or infinite feature; numbers of rows, columns or labels that do not
    /// match; label noise outside \[0, 1\].
    pub fn new(
        representation: Representation<'a, T, L>,
        settings: EvaluatorSettings,
    ) -> Result<Self, EvalError> {
        const OPERATION: &str = "evaluation";
        let Representation { features, labels, view, base } = representation;
        check_counts(OPERATION, features, labels)?;
        for sides in [Some(features), view, base].into_iter().flatten() {
            features::check(OPERATION, &sides.train)?;
            features::check(OPERATION, &sides.test)?;
            features::check_columns(OPERATION, sides.train.ncols(), sides.test.ncols())?;
            features::check_rows(OPERATION, features.train.nrows(), sides.train.nrows())?;
            features::check_rows(OPERATION, features.test.nrows(), sides.test.nrows())?;
        }
        let train_labels = if settings.label_noise == 0.0 {
            labels.train.to_vec()
        } else {
            let mut stream = Stream::new(settings.seed, "label noise");
            symmetric_label_noise(labels.train, settings.label_noise, &mut stream)?
        };
        Ok(Self { representation, train_labels, settings, intermediate: Intermediate::default() })
    }

    /// The measures for which this representation has the data, in the order of [`MEASURES`].
    pub fn available(&self) -> Vec<Measure> {
        let Representation { features, view, base, .. } = &self.representation;
        let has = |measure: &Measure| match measure.info().needs {
            Needs::Nothing => true,
            Needs::View => view.is_some(),
            Needs::Base => base.is_some(),
            Needs::AlignedView => {
                view.is_some_and(|view| view.test.ncols() == features.test.ncols())
            }
        };
        MEASURES.iter().map(|info| info.measure).filter(has).collect()
    }

    /// One measure: a number, or one for each family of readers, size or tolerance.
    ///
    /// # Errors
    /// [`EvalError::Missing`] where the representation lacks what the measure needs, and the errors
    /// of the function behind the measure.
    pub fn measure(&mut self, measure: Measure) -> Result<Vec<Measured>, EvalError> {
        let TrainTest { test, .. } = self.representation.features;
        let number = |value: f64| Measured::new(measure, "", value);
        Ok(match measure {
            Measure::EarlyStoppedAccuracy => vec![self.early_stopped()?],
            Measure::Accuracy => self.accuracies()?,
            Measure::VInformation => self.of_labels()?,
            Measure::VInformationOfView => self.of_view()?,
            Measure::ConditionalVInformation => self.beyond_base()?,
            Measure::FewLabelAccuracy => self.few_labels()?,
            Measure::DescriptionLength => {
                let code = self.curve()?.description_length();
                let note = format!("{:.4} times as short as a uniform code", code.compression);
                vec![number(code.nats).noted(note)]
            }
            Measure::SampleComplexity => self.complexities()?,
            Measure::Surplus => self.surpluses()?,
            Measure::Alignment => {
                let view = self.view(measure)?;
                let mean = alignment(test, view.test)?;
                vec![number(mean.value).within(mean.interval())]
            }
            Measure::Uniformity => vec![number(uniformity(test, self.settings.uniformity_t)?)],
            Measure::RankMe => vec![number(self.intermediate.raw_spectrum(test)?.rank_me())],
            Measure::EffectiveRank => {
                vec![number(self.intermediate.raw_spectrum(test)?.effective_rank())]
            }
            Measure::SpectrumExponent => vec![self.exponent()?],
            Measure::CkaToView => {
                let view = self.view(measure)?;
                cka(measure, test, view.test)?
            }
            Measure::CkaToBase => {
                let base = self.base(measure)?;
                cka(measure, test, base.test)?
            }
            Measure::ClassSeparation => {
                vec![number(class_separation(test, self.representation.labels.test)?)]
            }
            Measure::NeighbourPurity => vec![self.purity()?],
            Measure::DeadUnits => vec![number(dead_units(test)?.len() as f64)],
        })
    }

    /// All measures that are [`available`](Self::available).
    ///
    /// # Errors
    /// Those of [`measure`](Self::measure).
    pub fn all(&mut self) -> Result<Vec<Measured>, EvalError> {
        let mut found = Vec::new();
        for measure in self.available() {
            found.extend(self.measure(measure)?);
        }
        Ok(found)
    }

    fn view(&self, measure: Measure) -> Result<TrainTest<ArrayView2<'a, T>>, EvalError> {
        let lacks = EvalError::Missing { measure: measure.name(), what: "another view" };
        self.representation.view.ok_or(lacks)
    }

    fn base(&self, measure: Measure) -> Result<TrainTest<ArrayView2<'a, T>>, EvalError> {
        let lacks = EvalError::Missing { measure: measure.name(), what: "a base" };
        self.representation.base.ok_or(lacks)
    }

    fn labels(&self) -> TrainTest<&[L]> {
        TrainTest::new(&self.train_labels, self.representation.labels.test)
    }

    fn early_stopped(&self) -> Result<Measured, EvalError> {
        let TrainTest { train, test } = self.representation.features;
        let TrainTest { train: train_labels, test: test_labels } = self.labels();
        let seed = self.settings.seed;
        let found = Probe::paper().evaluate(train, train_labels, test, test_labels, seed)?;
        let count = (found.accuracy * test_labels.len() as f64).round() as usize;
        let interval = Interval::of_share(count, test_labels.len());
        let measured = Measured::new(Measure::EarlyStoppedAccuracy, "linear", found.accuracy);
        let note = format!("{} epochs", found.epochs);
        Ok(measured.within(interval).noted(note).warned(&found.warnings))
    }

    fn accuracies(&mut self) -> Result<Vec<Measured>, EvalError> {
        let mut found = Vec::new();
        for index in 0..self.settings.families.len() {
            let name = self.settings.families[index].name();
            let labels = self.representation.labels.test;
            let reading = self.reading(index)?;
            found.push(
                Measured::new(Measure::Accuracy, name, reading.accuracy(labels)?)
                    .within(reading.accuracy_interval(labels)?)
                    .noted(reading.chosen().to_string())
                    .warned(reading.warnings()),
            );
        }
        Ok(found)
    }

    fn of_labels(&mut self) -> Result<Vec<Measured>, EvalError> {
        let mut found = Vec::new();
        for index in 0..self.settings.families.len() {
            let name = self.settings.families[index].name();
            let usable = self.usable_information(index)?;
            found.push(information(Measure::VInformation, name, &usable));
        }
        Ok(found)
    }

    /// V-information about labels of one of the settings' families, with its pointwise values.
    ///
    /// # Errors
    /// Those of [`v_information`](crate::v_information).
    ///
    /// # Panics
    /// If there are not that many families.
    pub fn usable_information(&mut self, family: usize) -> Result<VInformation, EvalError> {
        self.reading(family)?;
        let labels = TrainTest::new(&self.train_labels[..], self.representation.labels.test);
        match self.intermediate.reading(family) {
            Some(reading) => about_labels(reading, labels),
            None => unreachable!("the reading was just made"),
        }
    }

    fn of_view(&mut self) -> Result<Vec<Measured>, EvalError> {
        const MEASURE: Measure = Measure::VInformationOfView;
        let view = self.view(MEASURE)?;
        let mut found = Vec::new();
        for family in self.settings.view_families.clone() {
            let features = self.representation.features;
            let reading =
                self.intermediate.value_reading(&family, features, view, &self.settings)?;
            let (with, without) = reading.log_losses(view.test)?;
            let usable = VInformation::new(&without, &with, reading.chosen());
            found.push(information(MEASURE, family.name(), &usable));
        }
        Ok(found)
    }

    fn beyond_base(&self) -> Result<Vec<Measured>, EvalError> {
        const MEASURE: Measure = Measure::ConditionalVInformation;
        let base = self.base(MEASURE)?;
        let (features, seed) = (self.representation.features, self.settings.seed);
        let of = |family| {
            let usable = conditional_v_information(family, base, features, self.labels(), seed)?;
            Ok(information(MEASURE, family.name(), &usable))
        };
        self.settings.conditional_families.iter().map(of).collect()
    }

    fn few_labels(&self) -> Result<Vec<Measured>, EvalError> {
        let EvaluatorSettings { curve_family, per_class, draws, seed, .. } = &self.settings;
        let features = self.representation.features;
        let few = few_labels(curve_family, features, self.labels(), per_class, *draws, *seed)?;
        let measured = few.into_iter().map(|few| {
            let of = format!("{} {} a class", curve_family.name(), few.per_class);
            Measured::new(Measure::FewLabelAccuracy, of, few.accuracy.value)
                .within_if(few.accuracy)
                .noted(format!("{draws} draws"))
        });
        Ok(measured.collect())
    }

    fn complexities(&mut self) -> Result<Vec<Measured>, EvalError> {
        let epsilons = self.settings.epsilons.clone();
        let curve = self.curve()?;
        let largest = curve.points().last().map_or(0, |point| point.n);
        let of = |&epsilon: &f64| {
            let of = format!("ε = {epsilon}");
            match curve.sample_complexity(epsilon) {
                Some(n) => Measured::new(Measure::SampleComplexity, of, n as f64),
                None => Measured::without(
                    Measure::SampleComplexity,
                    of,
                    format!("not reached with {largest} rows"),
                ),
            }
        };
        Ok(epsilons.iter().map(of).collect())
    }

    fn surpluses(&mut self) -> Result<Vec<Measured>, EvalError> {
        let epsilons = self.settings.epsilons.clone();
        let curve = self.curve()?;
        let of = |&epsilon: &f64| {
            let surplus = curve.surplus(epsilon);
            let measured = Measured::new(Measure::Surplus, format!("ε = {epsilon}"), surplus.nats);
            if surplus.is_bound { measured.noted("at least: ε is not reached") } else { measured }
        };
        Ok(epsilons.iter().map(of).collect())
    }

    fn exponent(&mut self) -> Result<Measured, EvalError> {
        const MEASURE: Measure = Measure::SpectrumExponent;
        let (first, last) = self.settings.exponent_range;
        let of = format!("eigenvalues {first} to {last}");
        let spectrum = self.intermediate.centred_spectrum(self.representation.features.test)?;
        match spectrum.exponent(first..=last) {
            Ok(exponent) => Ok(Measured::new(MEASURE, of, exponent)),
            // Not an error of the evaluation: many representations are too narrow for this.
            Err(error @ EvalError::SpectrumRange { .. }) => {
                Ok(Measured::without(MEASURE, of, error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    fn purity(&mut self) -> Result<Measured, EvalError> {
        let search = self.intermediate.search(self.representation.features, &self.settings)?;
        let purity = neighbour_purity(
            search.found(),
            self.representation.labels.test,
            self.representation.labels.train,
        )?;
        let of = format!("{} nearest training rows", self.settings.nearest().k);
        let measured = Measured::new(Measure::NeighbourPurity, of, purity.value);
        Ok(measured.within(purity.interval()))
    }

    fn reading(&mut self, index: usize) -> Result<&crate::LabelReading<L>, EvalError> {
        let labels = TrainTest::new(&self.train_labels[..], self.representation.labels.test);
        let features = self.representation.features;
        self.intermediate.label_reading(index, features, labels, &self.settings)
    }

    fn curve(&mut self) -> Result<&crate::LossDataCurve, EvalError> {
        let labels = TrainTest::new(&self.train_labels[..], self.representation.labels.test);
        self.intermediate.curve(self.representation.features, labels, &self.settings)
    }
}

fn information(measure: Measure, of: String, usable: &VInformation) -> Measured {
    let measured = Measured::new(measure, of, usable.value).within(usable.interval());
    let note =
        format!("{:.4} nats without, {:.4} with; {}", usable.without, usable.with, usable.chosen);
    measured.noted(note).warned(&usable.warnings)
}

fn cka<T: Feature>(
    measure: Measure,
    features: ArrayView2<'_, T>,
    other: ArrayView2<'_, T>,
) -> Result<Vec<Measured>, EvalError> {
    Ok(vec![
        Measured::new(measure, "plain", linear_cka(features, other)?),
        Measured::new(measure, "debiased", linear_cka_debiased(features, other)?),
    ])
}
