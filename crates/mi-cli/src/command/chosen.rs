//! Options and steps that the estimating commands share.

use clap::{Args, ValueEnum};
use mi_samples::{ColumnType, Marginals, RowStructure, Settings, Surrogate, TestSettings};

use crate::error::CliError;
use crate::estimator::{Methods, Plan};
use crate::input::{Frame, Input};
use crate::messages::{Messages, Warning};
use crate::table::Column;
use crate::words::count;

/// How to estimate.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Estimating")]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line, each on its own")]
pub(super) struct MeasureOptions {
    #[command(flatten)]
    basic: BasicOptions,

    /// Rearranged data sets for a p-value, (1 + as large or larger) / (1 + N); 0 for none
    /// [default: 0; of mi rank 199]
    #[arg(long, value_name = "N")]
    permutations: Option<usize>,

    /// How rows are rearranged [default: permute; of mi estimate with --given, local]
    #[arg(long, value_enum)]
    surrogate: Option<SurrogateKind>,

    /// Rows of a block, or the smallest shift [default: the square root of the rows]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    block_length: Option<u32>,

    /// Rows follow one another in time: intervals come from pieces of successive rows
    #[arg(long)]
    ordered: bool,

    /// Leave out the 95 % intervals, which take most of the time
    #[arg(long)]
    no_interval: bool,

    /// Also extrapolate to infinitely many rows, by a line in 1/N through parts of the rows
    #[arg(long)]
    extrapolate: bool,

    /// Neighbours must be more than this many rows apart; implies --ordered
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    theiler: usize,

    /// Bring values between 0 and a discrete side's entropy (which biases averages upwards)
    #[arg(long)]
    clamp: bool,
}

/// The estimator and its seed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Estimating")]
pub(super) struct BasicOptions {
    /// The estimator
    #[arg(long, value_parser = Methods::parser(), default_value = "auto")]
    method: Methods,

    /// Nearest neighbours; more give less noise and more bias [default: 3; 5 for mixture and
    /// mesner-shalizi]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    k: Option<u32>,

    /// What nearest-neighbour methods see of continuous columns
    #[arg(long, value_enum, default_value_t = MarginalKind::Scores)]
    marginals: MarginalKind,

    /// Leave out copies: rows that repeat an earlier one in every used column, and in more than
    /// labels, few values and atoms
    #[arg(long)]
    pub(super) dedup: bool,

    /// Seed of everything random; the same seed gives the same result
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
}

/// What nearest-neighbour methods see of continuous columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MarginalKind {
    /// Normal scores of ranks: no monotone map of a column changes the estimate
    Scores,
    /// Values less their mean, divided by their standard deviation
    Standardised,
    /// Values as they are
    Raw,
}

/// How rows are rearranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SurrogateKind {
    /// The rows of x in any order: for rows that do not depend on one another
    Permute,
    /// All rows of x moved on by the same random number of rows: for time series; of slow ones p is
    /// a little small below a thousand rows (mi bench --calibration 1000 --rows 300)
    Shift,
    /// Blocks of rows of x in any order: for time series
    Block,
    /// Rows of x among rows whose --given columns are near: independence given those
    Local,
}

impl SurrogateKind {
    fn name(self) -> &'static str {
        match self {
            SurrogateKind::Permute => "permute",
            SurrogateKind::Shift => "shift",
            SurrogateKind::Block => "block",
            SurrogateKind::Local => "local",
        }
    }
}

/// Neighbours among which local surrogates choose.
const LOCAL_NEIGHBOURS: usize = 10;

impl BasicOptions {
    /// One value without interval or test.
    pub(super) fn plan(&self) -> Plan {
        let settings = Settings {
            neighbours: self.k.map(|k| k as usize),
            marginals: match self.marginals {
                MarginalKind::Scores => Marginals::NormalScores,
                MarginalKind::Standardised => Marginals::Standardised,
                MarginalKind::Raw => Marginals::Raw,
            },
            interval: false,
            seed: self.seed,
            ..Settings::default()
        };
        Plan { methods: self.method, settings, clamp: false, dedup: self.dedup }
    }

    /// The same with one method only.
    pub(super) fn plan_of_one(&self) -> Plan {
        let plan = self.plan();
        let methods = if plan.methods == Methods::Fitting { Methods::First } else { plan.methods };
        Plan { methods, ..plan }
    }
}

impl MeasureOptions {
    /// The plan for `n` rows, with columns given or not, and so many permutations.
    ///
    /// # Errors
    /// When local surrogates are asked for and no column is given.
    pub(super) fn plan(
        &self,
        n: usize,
        given: bool,
        permutations: usize,
    ) -> Result<Plan, CliError> {
        let kind = self.kind(given);
        let length = self.block_length.map_or((n as f64).sqrt() as usize, |length| length as usize);
        let length = length.max(1);
        let surrogate = match kind {
            SurrogateKind::Permute => Surrogate::Permutation,
            SurrogateKind::Shift => Surrogate::Shift { least: length },
            SurrogateKind::Block => Surrogate::Blocks { length },
            SurrogateKind::Local if given => Surrogate::Local { neighbours: LOCAL_NEIGHBOURS },
            SurrogateKind::Local => {
                return Err(CliError::Usage("--surrogate local needs --given columns".into()));
            }
        };
        let test = TestSettings::new(permutations, surrogate);
        let plan = self.basic.plan();
        let settings = Settings {
            theiler: self.theiler,
            rows: if self.ordered
                || self.theiler > 0
                || matches!(kind, SurrogateKind::Shift | SurrogateKind::Block)
            {
                RowStructure::Ordered
            } else {
                RowStructure::Exchangeable
            },
            interval: !self.no_interval,
            extrapolate: self.extrapolate,
            test: (permutations > 0).then_some(test),
            ..plan.settings
        };
        Ok(Plan { settings, clamp: self.clamp, ..plan })
    }

    /// The same with one method only.
    ///
    /// # Errors
    /// As [`MeasureOptions::plan`].
    pub(super) fn plan_of_one(&self, n: usize, permutations: usize) -> Result<Plan, CliError> {
        let plan = self.plan(n, false, permutations)?;
        Ok(Plan { methods: self.basic.plan_of_one().methods, ..plan })
    }

    fn kind(&self, given: bool) -> SurrogateKind {
        let default = if given { SurrogateKind::Local } else { SurrogateKind::Permute };
        self.surrogate.unwrap_or(default)
    }

    pub(super) fn seed(&self) -> u64 {
        self.basic.seed
    }

    pub(super) fn dedup(&self) -> bool {
        self.basic.dedup
    }

    /// The permutations asked for, or this many.
    pub(super) fn permutations_or(&self, default: usize) -> usize {
        self.permutations.unwrap_or(default)
    }

    /// The name of the surrogates.
    pub(super) fn surrogate_name(&self, given: bool) -> &'static str {
        self.kind(given).name()
    }
}

/// The columns of the two sides.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Columns")]
pub(super) struct SideOptions {
    /// The columns of the first side [default: the first of two columns, or of two files]
    #[arg(long, value_name = "COLUMNS")]
    x: Vec<String>,

    /// The columns of the second side [default: the second]
    #[arg(long, value_name = "COLUMNS")]
    y: Vec<String>,
}

/// The columns of the sides, as places among those that are read.
pub(super) struct Chosen {
    /// Indices in the input, each once.
    pub(super) wanted: Vec<usize>,
    sides: [Vec<usize>; 3],
}

impl Chosen {
    /// The columns that `--x`, `--y` and `--given` choose.
    pub(super) fn sides(
        input: &Input,
        sides: &SideOptions,
        given: &[String],
    ) -> Result<Self, CliError> {
        let SideOptions { x, y } = sides;
        let [x, y] = match (x.is_empty(), y.is_empty()) {
            (false, false) => [input.select("--x", x)?, input.select("--y", y)?],
            (true, true) => match (&input.by_file()[..], input.names().len()) {
                ([first, second], _) => [first.clone(), second.clone()],
                (_, 2) => [vec![0], vec![1]],
                (_, columns) => {
                    return Err(CliError::Usage(format!(
                        "choose the sides with --x and --y: there are {columns} columns, {}",
                        input.names().iter().take(20).cloned().collect::<Vec<_>>().join(", ")
                    )));
                }
            },
            (one, _) => {
                let option = if one { "--x" } else { "--y" };
                return Err(CliError::Usage(format!("{option} is missing")));
            }
        };
        let given = input.select("--given", given)?;
        let mut wanted: Vec<usize> = x.iter().chain(&y).chain(&given).copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        Ok(Self { wanted, sides: [x, y, given] })
    }

    /// The columns of x, y and given among those that were read.
    pub(super) fn of<'a>(&self, frame: &'a Frame) -> [Vec<&'a Column>; 3] {
        let column = |index: &usize| {
            self.wanted.binary_search(index).ok().and_then(|place| frame.columns.get(place))
        };
        [0, 1, 2].map(|side| self.sides[side].iter().filter_map(column).collect())
    }

    /// Says what the columns are taken for, and warns of a column on two sides.
    pub(super) fn say_kinds(&self, frame: &Frame, messages: &mut Messages) {
        frame.columns.iter().for_each(|column| say_kind(column, messages));
        for (place, column) in frame.columns.iter().enumerate() {
            let sides = self.sides.iter().filter(|side| side.contains(&self.wanted[place])).count();
            if sides > 1 {
                messages.warn(Warning::new(
                    "column_on_two_sides",
                    format!("column `{}` stands on more than one side", column.name),
                ));
            }
        }
    }
}

/// The columns that `--columns` chooses (all of them, if it does not) but for those that
/// `--exclude` does.
pub(super) fn columns_but(
    input: &Input,
    columns: &[String],
    exclude: &[String],
) -> Result<Vec<usize>, CliError> {
    let mut wanted = if columns.is_empty() {
        (0..input.names().len()).collect()
    } else {
        input.select("--columns", columns)?
    };
    let without = input.select("--exclude", exclude)?;
    wanted.retain(|index| !without.contains(index));
    Ok(wanted)
}

/// Says that a column is taken for discrete. Of repeated values in continuous columns the
/// estimators warn themselves.
pub(super) fn say_kind(column: &Column, messages: &mut Messages) {
    let found = column.column_type().filter(ColumnType::is_discrete);
    match (&column.labels, found) {
        (Some(labels), _) => {
            let labels = count(labels.len(), "label");
            messages.note(format!("`{}` holds text: {labels}", column.name));
        }
        (None, Some(found)) => messages.note(format!("`{}` is taken for {found}", column.name)),
        (None, None) => {}
    }
}
