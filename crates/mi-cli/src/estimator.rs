//! From observations to estimates: which estimators are used, and how their warnings are worded.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use mi_estimators::bounds::{BOUNDS, BoundSpec};
use mi_samples::{
    ColumnType, Estimate, INFINITE, Marginals, Method, NeuralCritic, Sample, SamplesError,
    Settings, Side as Where, Surrogate, Warning as SampleWarning, WayOut, all_digits,
    conditional_mutual_information, mutual_information, mutual_information_and_critic, six_digits,
    small_nats,
};

use crate::error::CliError;
use crate::flags::in_terms_of_flags;
use crate::messages::Warning;
use crate::observations::{Observations, Side};
use crate::words::{count, cut};

/// The name that stands for the methods that fit the columns.
pub const AUTO: &str = "auto";

/// The estimators requested on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// All that fit the columns ([`Method::fitting`]).
    Fitting,
    /// The first of [`Method::fitting_untrained`], for estimates that are repeated many times.
    First,
    /// One.
    One(Method),
}

impl Methods {
    /// Reads the names of `--method`, each with its summary for the help.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        let auto = PossibleValue::new(AUTO).help("those that fit the columns");
        let named = |method: &Method| PossibleValue::new(method.name()).help(method.summary());
        let values = std::iter::once(auto).chain(Method::ALL.iter().map(named));
        PossibleValuesParser::new(values).map(|name| {
            let method = Method::ALL.iter().find(|method| method.name() == name);
            method.map_or(Methods::Fitting, |&method| Methods::One(method))
        })
    }
}

/// Bounds with their usual settings and references, except those that need log densities.
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
    /// The settings of each.
    pub settings: Settings,
    /// Whether values are clamped between 0 and the entropy of a discrete side.
    pub clamp: bool,
    /// Whether to omit a test if successive rows are similar and no option says whether they are a
    /// series.
    pub is_cautious: bool,
}

/// The results of the estimators.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The estimates, the most trusted first.
    pub estimates: Vec<Estimate>,
    /// Warnings about them.
    pub warnings: Vec<Warning>,
    /// The critic of the neural estimate, if there is one.
    pub critic: Option<NeuralCritic>,
}

impl Plan {
    /// Estimates the information between the sides of some observations.
    ///
    /// # Errors
    /// If an estimator cannot take the columns, or there are too few rows.
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

    /// Estimates the information between sides that are already typed and ranked; `names` are those
    /// of the columns of x, y and given.
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
            other => match in_terms_of_flags(&other, &self.settings, x.n()) {
                Some(text) => CliError::Setting(text),
                None => named(other, names),
            },
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
            let text = "no p-value: successive rows are similar, and shuffled rows would make chance \
                        significant; use --ordered if the rows are a time series, or \
                        --permutations 199 if their order means nothing";
            warnings.push(Warning::new("no_p_value", text).mild());
        }
        let methods = match self.methods {
            Methods::One(method) => vec![method],
            Methods::First => Method::fitting_untrained(x, y, given).into_iter().take(1).collect(),
            Methods::Fitting if self.settings.theiler > 0 => Method::fitting_untrained(x, y, given),
            Methods::Fitting => Method::fitting(x, y, given),
        };
        let settings = |place: usize, method: Method| {
            let mut settings = Settings { method: Some(method), ..asked.clone() };
            if place > 0 && !method.uses_neighbours() {
                settings.theiler = 0; // The window applies to the other method.
            }
            if methods.len() > 1 && method.trains() {
                // A critic for every rearrangement would take hours; neighbours are tested instead.
                settings = Settings { test: None, extrapolate: false, ..settings };
            }
            settings
        };
        let mut critic = None;
        let mut estimates = Vec::new();
        for (place, &method) in methods.iter().enumerate() {
            let settings = settings(place, method);
            let is_constant = x.is_constant() || y.is_constant();
            let found = match given {
                Some(given) => conditional_mutual_information(x, y, given, &settings),
                None if method == Method::Neural && !is_constant => {
                    mutual_information_and_critic(x, y, &settings).map(|(found, trained)| {
                        critic = Some(trained);
                        found
                    })
                }
                None => mutual_information(x, y, &settings),
            };
            match found {
                Ok(found) => estimates.push(found),
                Err(error) if place == 0 => return Err(error),
                Err(error) => warnings.push(Warning::new(
                    if method == Method::GaussianCopula {
                        "no_gaussian_copula"
                    } else {
                        "no_second_method"
                    },
                    format!("no {} in addition: {}", method.title(), named(error, names)),
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
        // A method of ranks used together with one of raw values breaks ties; the other one does
        // not.
        let is_raw = |estimate: &Estimate| estimate.estimator.marginals == Some(Marginals::Raw);
        let raw_first = estimates.first().is_some_and(is_raw);
        for (estimate, found) in found {
            match found {
                // The first method has already reported atoms.
                SampleWarning::TieDeviation { .. } | SampleWarning::Atoms { .. }
                    if raw_first && !is_raw(estimate) => {}
                SampleWarning::TiesBroken { .. } if raw_first && !is_raw(estimate) => {
                    let text = format!(
                        "the {} ranks the columns, raw or not, and breaks ties at random (--seed)",
                        estimate.estimator.method.title()
                    );
                    let about = columns(found, names);
                    warnings.push(Warning::new(code(found), text).about(about).mild());
                }
                _ => warnings.push(warning(found, estimate, names)),
            }
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
                SampleWarning::UniqueLabels { rows } => Some(*rows),
                _ => None,
            })
            .unwrap_or(0)
    }
}

/// A message on labels that occur once.
fn say_unique(rows: usize, estimate: &Estimate, names: [&[String]; 3]) -> String {
    let columns = discrete_names(estimate, names);
    let what = if columns.len() > 1 { "labels" } else { "label" };
    format!(
        "{} left out: {} {what} of {} occur{} in no other row{}",
        if rows == 1 { "1 row was".into() } else { format!("{rows} rows were") },
        if rows == 1 { "its" } else { "their" },
        quoted(&columns),
        if columns.len() > 1 { "" } else { "s" },
        if columns.len() > 1 { " together" } else { "" }
    )
}

/// The names of the discrete columns of an estimate.
fn discrete_names(estimate: &Estimate, names: [&[String]; 3]) -> Vec<String> {
    let kinds = estimate.columns.iter().flatten().zip(names.into_iter().flatten());
    kinds.filter(|(kind, _)| kind.is_discrete()).map(|(_, name)| name.clone()).collect()
}

/// The names of discrete columns.
fn labelled<'a>(columns: impl Iterator<Item = (&'a ColumnType, &'a String)>) -> String {
    let discrete = columns.filter(|(kind, _)| kind.is_discrete());
    discrete.map(|(_, name)| format!("`{}`", cut(name))).collect::<Vec<_>>().join(", ")
}

/// An error in the terms of the command, with the names of columns and options.
fn named(error: SamplesError, names: [&[String]; 3]) -> CliError {
    let among_all = |column: usize| {
        names.into_iter().flatten().nth(column).map_or("a column".into(), |n| cut(n))
    };
    CliError::Data(match error {
        SamplesError::SingularCovariance { column, .. } => format!(
            "`{}` is constant or a linear function of other columns, which leaves their \
             covariance without an inverse: leave it out",
            among_all(column)
        ),
        SamplesError::Infinite { method, column } => format!(
            "`{}` is{} a linear function of columns of the other side: the mutual information of \
             continuous columns is then infinite, and {method} has no value",
            among_all(column),
            if method == Method::Gaussian.name() { "" } else { ", in normal scores of ranks," }
        ),
        SamplesError::NothingGiven { method } => format!(
            "{method} estimates information given other columns: name them in --given, or use \
             `--method ksg1`"
        ),
        SamplesError::Worthless { method, value } => format!(
            "{method} gives {value} nats, but information cannot be negative: the held-out rows are where \
             the models of y were not fitted, as in a series that drifts or has a trend; use \
             differences of such a series, or do not use --method"
        ),
        SamplesError::ColumnKind { method, side, column, kind, way } => {
            let name = column_name(names, side, column);
            let way = match way {
                WayOut::DeclareContinuous => format!("use `--continuous {name}`, or "),
                WayOut::DeclareDiscrete => format!("use `--discrete {name}`, or "),
                WayOut::SwapOrDeclareContinuous => {
                    format!("swap --x and --y, use `--continuous {name}`, or ")
                }
                _ => String::new(),
            };
            format!("{method} cannot take `{name}`, treated as {kind}: {way}do not use --method")
        }
        SamplesError::ZeroDistance { estimator, rows, n, k } => format!(
            "{rows} of {n} rows have {} at distance zero (ties), for which {estimator} has no \
             value: use `--marginals scores`, whose ties are broken at random",
            count(k, "neighbour")
        ),
        SamplesError::UniqueCombinations { method, rows, n } => format!(
            "{rows} of {n} rows have labels that no other row has together, so that {method} finds no \
             neighbours for them; merge rare labels, leave a column out, or name columns with \
             numbers on a scale in `--continuous`"
        ),
        SamplesError::UniqueLabels { method, side, columns, rows, n } => {
            let columns = columns.into_iter().map(|column| column_name(names, side, column));
            let columns = quoted(&columns.collect::<Vec<_>>());
            let (all, are) = if rows == n { ("each", "is unique") } else { ("most", "are unique") };
            let which = if rows == n { String::new() } else { format!(" ({rows} of {n})") };
            format!(
                "{all} of the {n} labels of {columns} {are}{which}: a label that occurs once fits \
                 any value of the other side, and {method} is meaningless; merge rare labels, leave \
                 the column out, or, if it has numbers on a scale, name it in `--continuous`"
            )
        }
        SamplesError::OneLabelLeft { method, side, rows, n } => format!(
            "{rows} of {n} rows have a label of {} that no other row has, and all other rows have the \
             same label: without the unique ones, which {method} leaves out, it is constant; merge rare labels, \
             or leave the column out",
            quoted(of_side(names, side))
        ),
        SamplesError::NearlySingular { method, column } => format!(
            "`{}` is nearly a linear function of other columns of y: {method} cannot distinguish the \
             rest of it from noise; leave it out of --y, or do not use --method",
            column_name(names, Where::Y, column)
        ),
        other => return other.into(),
    })
}

/// The name of a column of a side.
fn column_name(names: [&[String]; 3], side: Where, column: usize) -> String {
    let names = of_side(names, side);
    names.get(column).map_or_else(|| format!("number {}", column + 1), |name| cut(name))
}

/// The names of the columns of a side.
fn of_side(names: [&[String]; 3], side: Where) -> &[String] {
    match side {
        Where::X => names[0],
        Where::Y => names[1],
        Where::Given => names[2],
    }
}

/// Names in a sentence.
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{}`", cut(name))).collect::<Vec<_>>().join(", ")
}

/// The name of a method for people, with its number of neighbours.
pub fn title(estimate: &Estimate) -> String {
    let name = short_title(estimate);
    match estimate.estimator.neighbours {
        Some(k) => format!("{name}, k = {k}"),
        None => name,
    }
}

/// The name of a method for people.
pub fn short_title(estimate: &Estimate) -> String {
    let scores = estimate.estimator.marginals == Some(Marginals::NormalScores);
    match estimate.estimator.method {
        Method::Ksg1 if scores => "copula KSG-1".into(),
        Method::Ksg2 if scores => "copula KSG-2".into(),
        Method::Neural => {
            let bound = estimate.estimator.neural.as_ref().map_or("", |neural| neural.bound.name());
            format!("neural {bound}, held out")
        }
        method => method.title().into(),
    }
}

/// The name of the warning on how much a value depends on how ties are broken.
pub const TIE_DEVIATION: &str = "tie_deviation";

/// A warning in the form of the command.
fn warning(found: &SampleWarning, estimate: &Estimate, names: [&[String]; 3]) -> Warning {
    let text = match found {
        SampleWarning::UniqueLabels { rows } => say_unique(*rows, estimate, names),
        other => say(other, names, estimate.estimator.marginals == Some(Marginals::Raw)),
    };
    let about = match found {
        SampleWarning::UniqueLabels { .. } => discrete_names(estimate, names),
        other => columns(other, names),
    };
    let warning = Warning::new(code(found), text).about(about);
    match found {
        // Nearly every measured column is rounded.
        SampleWarning::TiesBroken { .. }
        | SampleWarning::Atoms { .. }
        | SampleWarning::TieDeviation { .. }
        | SampleWarning::Redundant { .. } => warning.mild(),
        _ => warning,
    }
}

/// The stable name of a warning.
fn code(warning: &SampleWarning) -> &'static str {
    match warning {
        SampleWarning::Constant { .. } => "constant",
        SampleWarning::TiesBroken { .. } => "ties_broken",
        SampleWarning::TieDeviation { .. } => TIE_DEVIATION,
        SampleWarning::TiesLeft { .. } => "ties_left",
        SampleWarning::Atoms { .. } => "atoms",
        SampleWarning::Redundant { .. } => "redundant_column",
        SampleWarning::DuplicateRows { .. } => "duplicate_rows",
        SampleWarning::FewObservations { .. } => "few_observations",
        SampleWarning::ManyColumns { .. } => "many_columns",
        SampleWarning::Autocorrelated { .. } => "autocorrelated",
        SampleWarning::Deterministic { .. } | SampleWarning::LinearFunction { .. } => {
            "deterministic"
        }
        SampleWarning::NearCap { .. } => "near_cap",
        SampleWarning::AboveEntropy { .. } => "above_entropy",
        SampleWarning::BelowZero { .. } => "below_zero",
        SampleWarning::UniqueLabels { .. } => "unique_labels",
        SampleWarning::SparseTable { .. } => "sparse_table",
        SampleWarning::Overfitted { .. } => "overfitted",
        SampleWarning::BeyondConfidence { .. } => "beyond_confidence",
        SampleWarning::NoInterval => "no_interval",
        SampleWarning::LongMemory { .. } => "long_memory",
        SampleWarning::FewSurrogates { .. } => "few_surrogates",
        SampleWarning::GroupsInPlace { .. } => "groups_in_place",
        SampleWarning::OffWhenPermuted { .. } => "off_when_permuted",
        _ => "other",
    }
}

/// A side: its only column, or otherwise its letter.
fn whole(names: &[String], letter: &str) -> String {
    if let [name] = names { format!("`{}`", cut(name)) } else { letter.to_owned() }
}

/// The names of the columns that a warning concerns.
fn columns(warning: &SampleWarning, names: [&[String]; 3]) -> Vec<String> {
    let side = |side: &Where| of_side(names, *side);
    let one = |names: &[String], column: usize| names.get(column).cloned();
    match warning {
        SampleWarning::Constant { side: which } => side(which).to_vec(),
        SampleWarning::TiesBroken { side: which, column, .. }
        | SampleWarning::TiesLeft { side: which, column, .. }
        | SampleWarning::Atoms { side: which, column, .. }
        | SampleWarning::Redundant { side: which, column } => {
            one(side(which), *column).into_iter().collect()
        }
        SampleWarning::LinearFunction { column, of } => {
            let others = of.iter().filter_map(|(which, column)| one(side(which), *column));
            others.chain(one(names[1], *column)).collect()
        }
        SampleWarning::Deterministic { x, y } => {
            one(names[0], *x).into_iter().chain(one(names[1], *y)).collect()
        }
        SampleWarning::Autocorrelated { .. } | SampleWarning::SparseTable { .. } => {
            [names[0], names[1]].concat()
        }
        _ => Vec::new(),
    }
}

/// A warning in the terms of the command, with the names of columns and options; `is_raw` for a
/// method that uses raw values.
fn say(warning: &SampleWarning, names: [&[String]; 3], is_raw: bool) -> String {
    let side = |side: &Where| of_side(names, *side);
    let name = |side: &Where, column: &usize| column_name(names, *side, *column);
    match warning {
        SampleWarning::Constant { side: which } => {
            format!("{} is constant: the value is 0", quoted(side(which)))
        }
        SampleWarning::TiesBroken { side, column, rows, step } => {
            let step = step.map(six_digits);
            let step = step.map_or_else(String::new, |step| format!(", in steps of {step}"));
            format!(
                "`{}` is continuous{step}: {rows} values occur more than once, and their ties are \
                 broken at random (--seed)",
                name(side, column)
            )
        }
        SampleWarning::TieDeviation { deviation } => tie_deviation(*deviation),
        SampleWarning::TiesLeft { side, column, rows } => format!(
            "{rows} values of `{}` occur more than once, and raw values keep their ties, which \
             nearest neighbours do not expect: compare with --marginals scores",
            name(side, column)
        ),
        SampleWarning::Atoms { side, column, atoms, share } => {
            let name = name(side, column);
            let hold = match atoms[..] {
                [atom] => format!("the value {} holds", all_digits(atom)),
                _ => format!("{} values hold", atoms.len()),
            };
            let otherwise = if is_raw {
                String::new()
            } else {
                format!(" (`--continuous {name}` breaks these ties too)")
            };
            format!(
                "`{name}` is treated as a mixture: {hold} {:.0} % of the rows{otherwise}",
                100.0 * share
            )
        }
        SampleWarning::Redundant { side, column } => format!(
            "`{}` is constant or a linear function of others that are known with it: it adds \
             nothing and was left out",
            name(side, column)
        ),
        SampleWarning::LinearFunction { column, of } => {
            let of: Vec<String> = of.iter().map(|(side, column)| name(side, column)).collect();
            format!(
                "`{}` is, up to rounding, a linear function of `{}`: {INFINITE}",
                name(&Where::Y, column),
                of.join("`, `")
            )
        }
        SampleWarning::SparseTable { cells, n } => format!(
            "{}: {cells} combinations of values in {n} rows: frequencies say little; merge rare \
             labels, or name columns of numbers in --continuous",
            quoted(&[names[0], names[1]].concat())
        ),
        SampleWarning::LongMemory { rows } => format!(
            "the series remember their past for more than {}, the longest gap that can be left \
             around held-out rows: the value may be too high; compare with --surrogate shift",
            count(*rows, "row")
        ),
        SampleWarning::FewSurrogates { surrogate: Surrogate::WholeGroups, .. } => {
            format!("{warning} (--surrogate within, which tests for a relation within groups)")
        }
        SampleWarning::GroupsInPlace { groups, moved, available } => format!(
            "only {moved} of {groups} groups have as many rows as another one, and can be swapped \
             with it (--surrogate groups); the others stay, which makes the test weaker, and the \
             smallest p-value that can come out is 1/{}; --surrogate within rearranges the rows of \
             every group instead, and tests for a relation within groups",
            available + 1
        ),
        SampleWarning::DuplicateRows { rows } => format!(
            "{rows} rows repeat an earlier one: copies raise the estimate; use --dedup unless \
             they are separate observations"
        ),
        SampleWarning::Autocorrelated { x, y } => format!(
            "successive rows are similar (lag-1 autocorrelation {x:.2} in {}, {y:.2} in {}): for a \
             time series use --ordered, and test with --surrogate shift or block",
            whole(names[0], "x"),
            whole(names[1], "y")
        ),
        SampleWarning::OffWhenPermuted { mean, standard_error } => format!(
            "values repeat, and with y permuted the estimate is {mean:.3} ± {standard_error:.3} \
             nats instead of 0: ties change it by about that much; see mi selftest, or try {}",
            if is_raw { "--marginals scores" } else { "another --method" }
        ),
        SampleWarning::Deterministic { x, y } => format!(
            "`{}` is a monotone function of `{}`: {INFINITE}",
            name(&Where::Y, y),
            name(&Where::X, x)
        ),
        other => other.to_string(),
    }
}

/// How much a value depends on the seed that breaks ties.
pub fn tie_deviation(nats: f64) -> String {
    let by = small_nats(nats);
    format!("another --seed for breaking ties changes the value by {by} (standard deviation)")
}
