//! Options and steps that the estimating commands share.

use clap::{Args, ValueEnum};
use mi_samples::{ColumnType, Marginals, RowStructure, Settings, Surrogate};

use super::p_value::Permutations;
use super::rows::RowOptions;
use crate::error::CliError;
use crate::estimator::{Methods, Plan};
use crate::input::{Frame, Input};
use crate::messages::{Messages, Note, Warning};
use crate::select::listed;
use crate::table::{Column, Origin};
use crate::words::{count, cut};

/// How to estimate.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Estimating")]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line, each on its own")]
pub(super) struct MeasureOptions {
    #[command(flatten)]
    basic: BasicOptions,

    /// Rearranged data sets for a p-value, (1 + as large or larger) / (1 + N); 0 for none [default:
    /// mi estimate up to 199, if that takes a few seconds at most; mi rank as many as needed; none
    /// for methods that train]
    ///
    /// No arrangement is used twice, and the original order is never used; if fewer exist than
    /// requested, all are used. By default the test stops once 20 are as large or larger, and p is
    /// 20 divided by their number (Besag and Clifford, 1991). Both kinds of p are below 0.05 in at
    /// most 5 % of independent data.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=10_000_000))]
    permutations: Option<u32>,

    /// How rows are rearranged [default: permute; with --ordered shift, with --group groups; in mi
    /// estimate with --given local]
    #[arg(long, value_enum)]
    surrogate: Option<SurrogateKind>,

    /// Rows per block, or the smallest shift [default: the square root of the rows]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    block_length: Option<u32>,

    /// Leave out the 95 % intervals, which take most of the time
    #[arg(long)]
    no_interval: bool,

    /// Also extrapolate to infinitely many rows, with a line in 1/N through parts of the rows
    #[arg(long)]
    extrapolate: bool,

    /// Neighbours must be more than this many rows apart; implies --ordered
    #[arg(long, value_name = "ROWS", default_value_t = 0, conflicts_with = "group")]
    theiler: usize,

    /// Clamp values between 0 and a discrete side's entropy (which biases averages upwards)
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

    /// How nearest-neighbour methods transform continuous columns
    #[arg(long, value_enum, default_value_t = MarginalKind::Scores)]
    marginals: MarginalKind,

    /// Seed of all random numbers; the same seed gives the same result
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,

    #[command(flatten)]
    pub(super) rows: RowOptions,
}

/// How nearest-neighbour methods transform continuous columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MarginalKind {
    /// Normal scores of ranks, ties broken at random: no monotone map of a column changes the
    /// estimate
    Scores,
    /// Values minus their mean, divided by their standard deviation; ties spread within half a gap
    Standardised,
    /// Values as they are, including ties
    Raw,
}

/// How rows are rearranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SurrogateKind {
    /// The rows of x in any order: for independent rows
    Permute,
    /// All rows of x shifted by the same random number of rows: for time series; for slow ones, p
    /// is slightly too small below a thousand rows (mi bench --calibration 1000 --rows 300)
    Shift,
    /// Blocks of rows of x in any order: for time series
    Block,
    /// Rows of x among rows whose --given columns are close: tests independence given those
    Local,
    /// The x of whole --group subjects, swapped with others that have as many rows: tests
    /// independence, with subjects as the sampling unit
    Groups,
    /// Rows of x within each --group subject: tests independence within subjects, whatever the
    /// relation between them
    Within,
}

impl SurrogateKind {
    fn name(self) -> &'static str {
        match self {
            SurrogateKind::Permute => "permute",
            SurrogateKind::Shift => "shift",
            SurrogateKind::Block => "block",
            SurrogateKind::Local => "local",
            SurrogateKind::Groups => "groups",
            SurrogateKind::Within => "within",
        }
    }
}

/// Number of neighbours among which local surrogates choose.
pub(super) const LOCAL_NEIGHBOURS: usize = 10;

impl BasicOptions {
    /// One value without interval or test, for rows of this structure.
    pub(super) fn plan(&self, rows: RowStructure) -> Plan {
        let settings = Settings {
            neighbours: self.k.map(|k| k as usize),
            marginals: match self.marginals {
                MarginalKind::Scores => Marginals::NormalScores,
                MarginalKind::Standardised => Marginals::Standardised,
                MarginalKind::Raw => Marginals::Raw,
            },
            rows,
            interval: false,
            seed: self.seed,
            ..Settings::default()
        };
        Plan { methods: self.method, settings, clamp: false, is_cautious: false }
    }

    /// The same plan with only one method.
    pub(super) fn plan_of_one(&self, rows: RowStructure) -> Plan {
        let plan = self.plan(rows);
        let methods = if plan.methods == Methods::Fitting { Methods::First } else { plan.methods };
        Plan { methods, ..plan }
    }
}

impl MeasureOptions {
    /// The plan for `n` rows of this structure, with or without given columns, and a p-value from
    /// this many permutations.
    ///
    /// # Errors
    /// If the requested surrogates do not fit the structure or the given columns.
    pub(super) fn plan(
        &self,
        n: usize,
        rows: RowStructure,
        given: bool,
        permutations: Permutations,
    ) -> Result<Plan, CliError> {
        let kind = self.kind(given, &rows);
        let length = self.block_length.map_or((n as f64).sqrt() as usize, |length| length as usize);
        let length = length.max(1);
        let grouped = matches!(rows, RowStructure::Grouped(_));
        let usage = |text: &str| Err(CliError::Usage(text.into()));
        let surrogate = match kind {
            SurrogateKind::Permute => Surrogate::Permutation,
            SurrogateKind::Shift | SurrogateKind::Block if grouped => {
                return usage(
                    "--surrogate shift and block treat all rows as one series, but --group means \
                     several subjects: use --surrogate groups or within",
                );
            }
            SurrogateKind::Shift => Surrogate::Shift { least: length },
            SurrogateKind::Block => Surrogate::Blocks { length },
            SurrogateKind::Local if !given => {
                return usage("--surrogate local needs --given columns");
            }
            SurrogateKind::Local if grouped && permutations.most > 0 => {
                return usage(
                    "no surrogate preserves both --group and the given columns: put the group among the \
                     --given columns instead, or use --permutations 0",
                );
            }
            SurrogateKind::Local => {
                Surrogate::Local { neighbours: LOCAL_NEIGHBOURS.min(n.saturating_sub(1)).max(1) }
            }
            SurrogateKind::Groups | SurrogateKind::Within if !grouped => {
                return usage("--surrogate groups and within need --group");
            }
            SurrogateKind::Groups => Surrogate::WholeGroups,
            SurrogateKind::Within => Surrogate::WithinGroups,
        };
        let ordered = rows.is_exchangeable()
            && (self.theiler > 0 || matches!(kind, SurrogateKind::Shift | SurrogateKind::Block));
        let plan = self.basic.plan(if ordered { RowStructure::Ordered } else { rows });
        let settings = Settings {
            theiler: self.theiler,
            interval: !self.no_interval,
            extrapolate: self.extrapolate,
            test: permutations.test(surrogate),
            ..plan.settings
        };
        let is_cautious = permutations.is_cautious;
        Ok(Plan { settings, clamp: self.clamp, is_cautious, ..plan })
    }

    /// The same plan with only one method.
    ///
    /// # Errors
    /// As [`MeasureOptions::plan`].
    pub(super) fn plan_of_one(
        &self,
        n: usize,
        rows: RowStructure,
        permutations: Permutations,
    ) -> Result<Plan, CliError> {
        let methods = self.basic.plan_of_one(rows.clone()).methods;
        Ok(Plan { methods, ..self.plan(n, rows, false, permutations)? })
    }

    fn kind(&self, given: bool, rows: &RowStructure) -> SurrogateKind {
        let default = match rows {
            _ if given => SurrogateKind::Local,
            RowStructure::Grouped(_) => SurrogateKind::Groups,
            RowStructure::Ordered => SurrogateKind::Shift,
            RowStructure::Exchangeable if self.theiler > 0 => SurrogateKind::Shift,
            RowStructure::Exchangeable => SurrogateKind::Permute,
        };
        self.surrogate.unwrap_or(default)
    }

    pub(super) fn seed(&self) -> u64 {
        self.basic.seed
    }

    /// How rows depend on one another.
    pub(super) fn rows(&self) -> &RowOptions {
        &self.basic.rows
    }

    /// The requested estimators.
    pub(super) fn methods(&self) -> Methods {
        self.basic.method
    }

    /// The requested number of permutations.
    pub(super) fn permutations(&self) -> Option<usize> {
        self.permutations.map(|permutations| permutations as usize)
    }

    /// Whether a kind of surrogates was requested.
    pub(super) fn names_surrogate(&self) -> bool {
        self.surrogate.is_some()
    }

    /// The name of the surrogates.
    pub(super) fn surrogate_name(&self, given: bool, rows: &RowStructure) -> &'static str {
        self.kind(given, rows).name()
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

/// The columns of the sides, as positions among those that are read.
pub(super) struct Chosen {
    /// Indices in the input, each once.
    pub(super) wanted: Vec<usize>,
    sides: [Vec<usize>; 3],
    group: Option<usize>,
    defaults: Defaults,
}

/// How the sides were chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Defaults {
    /// They were named.
    No,
    /// The columns of two files, or two columns.
    Yes,
    /// Two columns after one that is expected to number the rows; if it does not, this is an error.
    BehindRowNumbers(String),
}

impl Chosen {
    /// The columns that `--x`, `--y` and `--given` choose.
    pub(super) fn sides(
        input: &Input,
        sides: &SideOptions,
        given: &[String],
        group: Option<usize>,
    ) -> Result<Self, CliError> {
        let SideOptions { x, y } = sides;
        let mut defaults = Defaults::No;
        let mut first_column = None;
        let [x, y] = match (x.is_empty(), y.is_empty()) {
            (false, false) => [input.select("--x", x)?, input.select("--y", y)?],
            (true, true) => {
                defaults = Defaults::Yes;
                let columns = input.names().len();
                let unclear = format!(
                    "choose the sides with --x and --y: there are {columns} columns, {}",
                    listed(input.names())
                );
                match (&input.by_file()[..], columns) {
                    ([first, second], _) => [first.clone(), second.clone()],
                    (_, 2) => [vec![0], vec![1]],
                    (_, 3) => {
                        defaults = Defaults::BehindRowNumbers(unclear);
                        first_column = Some(0);
                        [vec![1], vec![2]]
                    }
                    _ => return Err(CliError::Usage(unclear)),
                }
            }
            (one, _) => {
                let option = if one { "--x" } else { "--y" };
                return Err(CliError::Usage(format!("{option} is missing")));
            }
        };
        let given = input.select("--given", given)?;
        let mut wanted: Vec<usize> =
            x.iter().chain(&y).chain(&given).chain(&group).copied().chain(first_column).collect();
        wanted.sort_unstable();
        wanted.dedup();
        Ok(Self { wanted, sides: [x, y, given], group, defaults })
    }

    /// Removes columns that number the rows from sides that were not named, and reports it; a side
    /// keeps its last column.
    ///
    /// # Errors
    /// If the sides are then ambiguous.
    pub(super) fn leave_out_row_numbers(
        &mut self,
        frame: &Frame,
        messages: &mut Messages,
    ) -> Result<(), CliError> {
        let numbers: Vec<usize> =
            frame.row_numbers.iter().map(|numbers| self.wanted[numbers.place]).collect();
        match &self.defaults {
            Defaults::No => return Ok(()),
            Defaults::BehindRowNumbers(unclear) if numbers != [0] => {
                return Err(CliError::Usage(unclear.clone()));
            }
            _ => {}
        }
        for numbers in &frame.row_numbers {
            let column = self.wanted[numbers.place];
            let side = self.sides.iter_mut().find(|side| side.contains(&column));
            match side {
                Some(side) if side.len() == 1 => {
                    let name = &frame.columns[numbers.place].name;
                    let text = format!(
                        "`{}` {}; it is used because there is no other column",
                        cut(name),
                        numbers.why
                    );
                    messages.note(Note::about(name, text));
                }
                Some(side) => {
                    side.retain(|&kept| kept != column);
                    numbers.say(&frame.columns[numbers.place], messages);
                }
                None => numbers.say(&frame.columns[numbers.place], messages),
            }
        }
        Ok(())
    }

    /// The columns of x, y and given among those that were read.
    pub(super) fn of<'a>(&self, frame: &'a Frame) -> [Vec<&'a Column>; 3] {
        let column = |index: &usize| {
            self.wanted.binary_search(index).ok().and_then(|place| frame.columns.get(place))
        };
        [0, 1, 2].map(|side| self.sides[side].iter().filter_map(column).collect())
    }

    /// The column of the groups.
    pub(super) fn group<'a>(&self, frame: &'a Frame) -> Option<&'a Column> {
        frame.columns.get(self.group_place()?)
    }

    /// Its position among the columns that were read.
    pub(super) fn group_place(&self) -> Option<usize> {
        self.wanted.binary_search(&self.group?).ok()
    }

    /// Reports how the columns are treated, and warns of a column on two sides; rows may be
    /// `in_time`.
    pub(super) fn say_kinds(&self, frame: &Frame, in_time: bool, messages: &mut Messages) {
        for (place, column) in frame.columns.iter().enumerate() {
            let sides = self.sides.iter().filter(|side| side.contains(&self.wanted[place])).count();
            // The groups' column need not be on a side.
            if sides > 0 {
                say_kind(column, messages);
            }
            if sides > 1 {
                let [_, y, given] = &self.sides;
                let both = [y, given].iter().all(|side| side.contains(&self.wanted[place]));
                let why = match (both, in_time) {
                    (true, true) => {
                        ": given columns are taken at the time of y, so they leave it no information; \
                         to condition on y's own past use `--history 1` instead"
                    }
                    (true, false) => ": the given columns leave it no information",
                    (false, _) => "",
                };
                let name = cut(&column.name);
                let text = format!("column `{name}` is on more than one side{why}");
                messages.warn(Warning::new("column_on_two_sides", text).about([&column.name]));
            }
        }
    }
}

/// The columns that `--columns` chooses (by default all), except those that `--exclude` chooses.
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

/// Reports that a column is treated as discrete. The estimators themselves warn of repeated values
/// in continuous columns.
pub(super) fn say_kind(column: &Column, messages: &mut Messages) {
    let found = column.column_type().filter(ColumnType::is_discrete);
    match (&column.labels, found) {
        (Some(labels), _) => {
            let labels = count(labels.len(), "label");
            let what = match column.origin {
                Origin::Asked => "is discrete, as --discrete says",
                Origin::Groups => "names the groups (--group)",
                Origin::Spelling => "is treated as labels",
                Origin::Text | Origin::Numbers => "holds text",
            };
            let text = format!("`{}` {what}: {labels}", cut(&column.name));
            messages.note(Note::about(&column.name, text));
        }
        (None, Some(found)) => {
            let text = format!("`{}` is treated as {found}", cut(&column.name));
            messages.note(Note::about(&column.name, text));
        }
        (None, None) => {}
    }
}
