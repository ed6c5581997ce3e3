//! From observations to estimates: which estimators are asked, and how their warnings are said.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use mi_estimators::bounds::{BOUNDS, BoundSpec};
use mi_samples::{
    ColumnType, Estimate, Marginals, Method, NeuralCritic, Sample, SamplesError, Settings,
    Side as Where, Surrogate, Warning as Found, conditional_mutual_information, mutual_information,
    mutual_information_and_critic,
};

use crate::error::CliError;
use crate::messages::Warning;
use crate::observations::{Observations, Side};

/// The estimators asked for on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Those that fit the columns, side by side.
    Fitting,
    /// The first of those that fit the columns.
    First,
    /// One.
    One(Method),
}

impl Methods {
    /// Reads the names of `--method`, each with its summary for the help.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        let values = Method::ALL.iter().map(|method| {
            let help = match method {
                Method::Auto => "by the columns; in mi estimate those that fit, side by side",
                method => method.summary(),
            };
            PossibleValue::new(method.name()).help(help)
        });
        PossibleValuesParser::new(values).map(|name| {
            match Method::ALL.iter().find(|method| method.name() == name) {
                None | Some(Method::Auto) => Methods::Fitting,
                Some(&method) => Methods::One(method),
            }
        })
    }
}

/// Bounds with their usual settings, and where they come from; those that need log densities are
/// left out.
pub fn bounds() -> Vec<(BoundSpec, &'static str)> {
    let usable = BOUNDS.iter();
    let usable = usable.filter_map(|entry| Some((entry.usual()?.clone(), entry.reference)));
    usable.collect()
}

/// Estimators and their settings.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The estimators.
    pub methods: Methods,
    /// What is asked of each.
    pub settings: Settings,
    /// Whether values are brought between 0 and the entropy of a discrete side.
    pub clamp: bool,
    /// Whether pairs of columns leave out copies of rows.
    pub dedup: bool,
    /// Whether a test is left out where successive rows are alike and nothing says that they are
    /// a series, or that they are not.
    pub is_cautious: bool,
}

/// What the estimators found.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The estimates, the most trusted first.
    pub estimates: Vec<Estimate>,
    /// What makes them doubtful.
    pub warnings: Vec<Warning>,
    /// The critic of the neural estimate, if there is one.
    pub critic: Option<NeuralCritic>,
}

impl Plan {
    /// Estimates the information between the sides of some observations.
    ///
    /// # Errors
    /// When an estimator cannot take the columns, or there are too few rows.
    pub fn measure(&self, observations: &Observations) -> Result<Measured, CliError> {
        let sample = |side: &Side| side.sample(self.settings.seed);
        let (x, y) = (sample(&observations.x)?, sample(&observations.y)?);
        let given = observations.given.as_ref().map(sample).transpose()?;
        let names = [
            &observations.x.names[..],
            &observations.y.names,
            observations.given.as_ref().map_or(&[][..], |given| &given.names),
        ];
        self.measure_samples(&x, &y, given.as_ref(), names)
    }

    /// Estimates the information between sides that are typed and ranked already; `names` are
    /// those of the columns of x, y and given.
    ///
    /// # Errors
    /// As [`Plan::measure`].
    pub fn measure_samples(
        &self,
        x: &Sample,
        y: &Sample,
        given: Option<&Sample>,
        names: [&[String]; 3],
    ) -> Result<Measured, CliError> {
        self.estimate(x, y, given, names).map_err(|error| match error {
            SamplesError::EveryLabelUnique { n } => {
                let kinds = x.columns().chain(y.columns());
                let columns = labelled(kinds.zip(names[0].iter().chain(names[1])));
                CliError::Data(format!(
                    "each of the {n} labels of {columns} is unique, so that no row has a neighbour of \
                     the same label; is it an identifier? If it holds numbers on a scale, name it in \
                     `--continuous`"
                ))
            }
            other => named(other, names),
        })
    }

    fn estimate(
        &self,
        x: &Sample,
        y: &Sample,
        given: Option<&Sample>,
        names: [&[String]; 3],
    ) -> Result<Measured, SamplesError> {
        let mut warnings = Vec::new();
        let alike = self.is_cautious
            && self.settings.test.is_some_and(|test| test.surrogate == Surrogate::Permutation)
            && x.alike_in_time(y).is_some();
        let asked = &self.settings;
        let asked = Settings { test: asked.test.filter(|_| !alike), ..asked.clone() };
        if alike {
            let text = "no p-value: successive rows are alike, and shuffled rows would make chance \
                        significant; say --ordered if the rows are a time series, or \
                        --permutations 199 if their order means nothing";
            warnings.push(Warning::new("no_p_value", text).mild());
        }
        let first = match self.methods {
            Methods::One(method) => method,
            // A critic has no neighbours to keep apart in time.
            Methods::Fitting if self.settings.theiler == 0 => Method::for_columns(x, y, given),
            Methods::Fitting | Methods::First => Method::by_kinds(x, y, given),
        };
        let estimate = |method: Method| -> Result<Estimate, SamplesError> {
            let theiler = if method == Method::GaussianCopula && method != first {
                0 // It stands beside another method, for which the window was asked.
            } else {
                self.settings.theiler
            };
            let settings = Settings { method, theiler, ..asked.clone() };
            match given {
                Some(given) => conditional_mutual_information(x, y, given, &settings),
                None => mutual_information(x, y, &settings),
            }
        };
        let mut critic = None;
        let mut estimates = Vec::new();
        if first == Method::Neural && given.is_none() && !x.is_constant() && !y.is_constant() {
            let mut settings = asked.clone();
            if self.methods == Methods::Fitting {
                // A critic for every rearrangement would take hours; neighbours are tested.
                settings = Settings { test: None, extrapolate: false, ..settings };
            }
            let (found, trained) = mutual_information_and_critic(x, y, &settings)?;
            estimates.push(found);
            critic = Some(trained);
            if self.methods == Methods::Fitting {
                estimates.push(estimate(Method::by_kinds(x, y, given))?);
            }
        } else {
            estimates.push(estimate(first)?);
        }
        let sides = [Some(x), Some(y), given];
        if self.methods == Methods::Fitting && sides.into_iter().flatten().all(has_scale) {
            match estimate(Method::GaussianCopula) {
                Ok(second) => estimates.push(second),
                Err(error) => warnings.push(Warning::new(
                    "no_gaussian_copula",
                    format!("no Gaussian copula beside it: {}", named(error, names)),
                )),
            }
        }
        if self.clamp {
            for estimate in &mut estimates {
                estimate.value = estimate.clamped();
            }
        }
        let found = estimates
            .iter()
            .flat_map(|estimate| estimate.warnings.iter().map(move |found| (estimate, found)));
        for (estimate, found) in found {
            let text = match found {
                Found::UniqueLabels { rows } => say_unique(*rows, estimate, names),
                other => say(other, names),
            };
            let warning = Warning::new(code(found), text).about(columns(found, names));
            // Nearly every measured column is rounded.
            let rounded = matches!(found, Found::Lattice { .. });
            warnings.push(if rounded { warning.mild() } else { warning });
        }
        Ok(Measured { estimates, warnings, critic })
    }
}

impl Measured {
    /// Rows that the first estimate could not use, because their label occurs once.
    pub fn left_out(&self) -> usize {
        let warnings = self.estimates.first().map_or(&[][..], |estimate| &estimate.warnings);
        warnings
            .iter()
            .find_map(|found| match found {
                Found::UniqueLabels { rows } => Some(*rows),
                _ => None,
            })
            .unwrap_or(0)
    }
}

/// Which labels occur once.
fn say_unique(rows: usize, estimate: &Estimate, names: [&[String]; 3]) -> String {
    let kinds = estimate.columns.iter().flatten().zip(names.into_iter().flatten());
    format!(
        "{} left out: their label of {} occurs in no other row",
        if rows == 1 { "1 row was".into() } else { format!("{rows} rows were") },
        labelled(kinds)
    )
}

/// The names of discrete columns.
fn labelled<'a>(columns: impl Iterator<Item = (&'a ColumnType, &'a String)>) -> String {
    let discrete = columns.filter(|(kind, _)| kind.is_discrete());
    discrete.map(|(_, name)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// An error in the words of the command: with the names of columns.
fn named(error: SamplesError, names: [&[String]; 3]) -> CliError {
    match error {
        SamplesError::SingularCovariance { column, .. } => {
            let name = names.into_iter().flatten().nth(column).map_or("a column", String::as_str);
            CliError::Data(format!(
                "`{name}` is constant or a linear function of other columns, which leaves their \
                 covariance without an inverse: leave it out"
            ))
        }
        other => other.into(),
    }
}

/// Whether no column of a side is discrete or constant.
fn has_scale(side: &Sample) -> bool {
    side.columns().all(|column| !column.is_discrete())
}

/// The name of a method for people.
pub fn title(estimate: &Estimate) -> String {
    let scores = estimate.estimator.marginals == Some(Marginals::NormalScores);
    let name = match estimate.estimator.method {
        Method::Auto => "auto",
        Method::Ksg1 if scores => "copula KSG-1",
        Method::Ksg2 if scores => "copula KSG-2",
        Method::Ksg1 => "KSG-1",
        Method::Ksg2 => "KSG-2",
        Method::Ross => "Ross",
        Method::Mixture => "mixture",
        Method::MesnerShalizi => "Mesner-Shalizi",
        Method::FrenzelPompe => "Frenzel-Pompe",
        Method::Gaussian => "Gaussian",
        Method::GaussianCopula => "Gaussian copula",
        Method::PlugIn => "plug-in",
        Method::EntropyDifference => "difference of entropies, held out",
        Method::Neural => {
            let bound = estimate.estimator.neural.as_ref().map_or("", |neural| neural.bound.name());
            return format!("neural {bound}, held out");
        }
    };
    match estimate.estimator.neighbours {
        Some(k) => format!("{name}, k = {k}"),
        None => name.into(),
    }
}

/// The stable name of a warning.
fn code(warning: &Found) -> &'static str {
    match warning {
        Found::Constant { .. } => "constant",
        Found::Lattice { .. } => "lattice",
        Found::Ties { .. } => "ties",
        Found::DuplicateRows { .. } => "duplicate_rows",
        Found::FewObservations { .. } => "few_observations",
        Found::ManyColumns { .. } => "many_columns",
        Found::Autocorrelated { .. } => "autocorrelated",
        Found::Deterministic { .. } => "deterministic",
        Found::NearCap { .. } => "near_cap",
        Found::AboveEntropy { .. } => "above_entropy",
        Found::UniqueLabels { .. } => "unique_labels",
        Found::SparseTable { .. } => "sparse_table",
        Found::Overfitted { .. } => "overfitted",
        Found::BeyondConfidence { .. } => "beyond_confidence",
        Found::NoInterval => "no_interval",
        Found::LongMemory { .. } => "long_memory",
        Found::FewSurrogates { .. } => "few_surrogates",
        Found::OffWhenPermuted { .. } => "off_when_permuted",
        _ => "other",
    }
}

/// A side: its only column, or else its letter.
fn whole(names: &[String], letter: &str) -> String {
    if let [name] = names { format!("`{name}`") } else { letter.to_owned() }
}

/// The names of the columns that a warning is about.
fn columns(warning: &Found, names: [&[String]; 3]) -> Vec<String> {
    let side = |side: &Where| match side {
        Where::X => names[0],
        Where::Y => names[1],
        Where::Given => names[2],
    };
    let one = |names: &[String], column: usize| names.get(column).cloned();
    match warning {
        Found::Constant { side: which } => side(which).to_vec(),
        Found::Lattice { side: which, column, .. } | Found::Ties { side: which, column, .. } => {
            one(side(which), *column).into_iter().collect()
        }
        Found::Deterministic { x, y } => {
            one(names[0], *x).into_iter().chain(one(names[1], *y)).collect()
        }
        Found::Autocorrelated { .. } => [names[0], names[1]].concat(),
        _ => Vec::new(),
    }
}

/// A warning in the words of the command: with the names of columns, and its options.
fn say(warning: &Found, names: [&[String]; 3]) -> String {
    let side = |side: &Where| match side {
        Where::X => names[0],
        Where::Y => names[1],
        Where::Given => names[2],
    };
    let name = |names: &[String], column: usize| -> String {
        names.get(column).map_or_else(|| format!("number {}", column + 1), Clone::clone)
    };
    match warning {
        Found::Constant { side: which } => {
            format!("`{}` is constant: the value is 0", side(which).join(", "))
        }
        Found::Lattice { side: which, column, step } => format!(
            "`{}` is rounded to steps of {}: its values were spread by a seeded dither of half a \
             step",
            name(side(which), *column),
            short(*step)
        ),
        Found::Ties { side: which, column, rows } => format!(
            "{rows} values of `{}` occur more than once: it is taken for a mixture of atoms and \
             numbers",
            name(side(which), *column)
        ),
        Found::DuplicateRows { rows } => format!(
            "{rows} rows repeat an earlier one: copies raise the estimate; say --dedup unless \
             they are separate observations"
        ),
        Found::Autocorrelated { x, y } => format!(
            "successive rows are alike (lag-1 autocorrelation {x:.2} in {}, {y:.2} in {}): for a \
             time series say --ordered, and test with --surrogate shift or block",
            whole(names[0], "x"),
            whole(names[1], "y")
        ),
        Found::OffWhenPermuted { mean, standard_error } => format!(
            "values repeat, and with y permuted the estimate is {mean:.3} ± {standard_error:.3} \
             nats instead of 0: ties put it off by about as much; see mi selftest, or try another \
             --method"
        ),
        Found::Deterministic { x, y } => format!(
            "`{}` is a monotone function of `{}`: the true value is infinite and the estimate \
             limited by the number of rows",
            name(names[1], *y),
            name(names[0], *x)
        ),
        other => other.to_string(),
    }
}

/// A step found by division, without the digits that rounding left: 0.1 for 0.09999999999999999.
pub fn short(step: f64) -> f64 {
    format!("{step:.9e}").parse().unwrap_or(step)
}
