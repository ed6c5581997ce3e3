//! Options on how the rows of a table depend on one another, and the preparation that follows from
//! them.

use std::collections::HashMap;

use clap::Args;
use mi_samples::{Declared, RowStructure};

use crate::error::CliError;
use crate::input::{Frame, Input};
use crate::messages::{Messages, Warning};
use crate::observations::{Observations, refuse_missing};
use crate::options::MissingRule;
use crate::table::Column;
use crate::words::{count, cut};

/// The code of the warning that a table was pasted several times.
pub(super) const PASTED: &str = "pasted_table";

/// The smallest number of different values of a column that may name subjects: fewer are
/// conditions.
const FEWEST_SUBJECTS: usize = 4;

/// Words for subjects that are measured in several rows.
const SUBJECTS: [&str; 17] = [
    "subject",
    "subj",
    "patient",
    "participant",
    "person",
    "individual",
    "animal",
    "mouse",
    "rat",
    "donor",
    "respondent",
    "student",
    "household",
    "cluster",
    "batch",
    "session",
    "id",
];

/// Whether a column's name has a word for subjects: `Subject`, `patient_id`, `mouseID`.
fn is_of_subjects(name: &str) -> bool {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        let begins = !before.is_alphanumeric() || c.is_uppercase() && before.is_lowercase();
        match words.last_mut().filter(|_| !begins) {
            Some(word) if c.is_alphanumeric() => word.extend(c.to_lowercase()),
            None if c.is_alphanumeric() => words.push(c.to_lowercase().collect()),
            _ => {}
        }
        before = c;
    }
    words.iter().any(|word| SUBJECTS.contains(&word.as_str()))
}

/// How rows depend on one another.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rows")]
pub(super) struct RowOptions {
    /// Rows follow one another in time
    ///
    /// Intervals come from runs of successive rows and p-values from shifts. Held-out rows
    /// (--method neural and entropy-difference, --usable) are also runs of successive rows, with a
    /// gap to the fitted rows as long as both sides remember their past. A lag other than 0,
    /// --history and --theiler imply it.
    #[arg(long, conflicts_with = "group")]
    ordered: bool,

    /// Rows that are equal in this column belong to one subject (or site, batch, day)
    ///
    /// Subjects stay together in every split and in the pieces for an interval. For p-values the x
    /// of a whole subject is swapped with that of another one with as many rows (--surrogate
    /// groups); --surrogate within rearranges the rows of each subject instead, which tests for a
    /// relation within subjects.
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,

    /// Leave out copies: rows that repeat an earlier one in every used column, and not only in
    /// labels, few values and atoms; for a table that was pasted several times, keep one copy
    #[arg(long)]
    dedup: bool,
}

impl RowOptions {
    /// Whether copies are left out.
    pub(super) fn dedup(&self) -> bool {
        self.dedup
    }

    /// Whether rows follow one another in time.
    pub(super) fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Whether rows have groups.
    pub(super) fn is_grouped(&self) -> bool {
        self.group.is_some()
    }

    /// The column of the groups, as an index in the input.
    ///
    /// # Errors
    /// If the option names no column, or several.
    pub(super) fn column(&self, input: &mut Input) -> Result<Option<usize>, CliError> {
        let Some(group) = &self.group else { return Ok(None) };
        let [index] = input.select("--group", std::slice::from_ref(group))?[..] else {
            return Err(CliError::Usage("--group takes one column".into()));
        };
        input.declare_groups(index);
        Ok(Some(index))
    }

    /// Columns that may name subjects, judged by their names, if no option says how rows depend on
    /// one another.
    pub(super) fn subjects(&self, names: &[String]) -> Vec<usize> {
        if self.ordered || self.group.is_some() {
            return Vec::new();
        }
        (0..names.len()).filter(|&index| is_of_subjects(&names[index])).collect()
    }

    /// Reports that the rows seem to belong to subjects, if values of this column repeat in most
    /// rows.
    pub(super) fn hint(column: &Column, messages: &mut Messages) {
        let mut rows: HashMap<u64, usize> = HashMap::new();
        for value in column.values.iter().filter(|value| !value.is_nan()) {
            *rows.entry(value.to_bits()).or_insert(0) += 1;
        }
        let alone = rows.values().filter(|rows| **rows == 1).count();
        let present = column.values.len() - column.missing;
        if rows.len() < FEWEST_SUBJECTS || 2 * rows.len() > present || 2 * alone > rows.len() {
            return;
        }
        let (name, shown) = (&column.name, cut(&column.name));
        let text = format!(
            "`{shown}` has {} values in {present} rows: if the rows of one value belong to one subject, \
             they are not independent; use `--group {shown}`",
            rows.len()
        );
        messages.warn(Warning::new("maybe_grouped", text).about([name]).mild());
    }

    /// The structure of these rows of the table.
    ///
    /// # Errors
    /// If they are all in one group.
    pub(super) fn structure(
        &self,
        group: Option<&Column>,
        rows: &[usize],
    ) -> Result<RowStructure, CliError> {
        let Some(group) = group else {
            let plain = RowStructure::Exchangeable;
            return Ok(if self.ordered { RowStructure::Ordered } else { plain });
        };
        let names: Vec<u64> = rows.iter().map(|&row| group.values[row].to_bits()).collect();
        if names.iter().all(|name| *name == names[0]) {
            return Err(CliError::Data(format!(
                "--group: column `{}` has the same value in all {} that are used; choose a column \
                 with two values or more",
                cut(&group.name),
                count(rows.len(), "row")
            )));
        }
        Ok(RowStructure::grouped_by(names))
    }

    /// Reads columns and prepares their rows; the column of the groups is only used for the
    /// structure.
    ///
    /// # Errors
    /// Those of [`Input::load`], [`RowOptions::prepare`] and [`RowOptions::structure`].
    pub(super) fn load(
        &self,
        input: Input,
        mut wanted: Vec<usize>,
        group: Option<usize>,
        messages: &mut Messages,
    ) -> Result<(Frame, RowStructure), CliError> {
        let place = group.map(|_| wanted.len());
        wanted.extend(group);
        let rule = input.missing_rule();
        let (frame, subjects) = self.read(input, &wanted, messages)?;
        for column in subjects {
            Self::hint(&column, messages);
        }
        let frame = self.prepare(frame, place, rule, messages)?;
        let mut frame = self.without_copies(frame, place, messages)?;
        let group = place.and_then(|_| frame.columns.pop());
        let rows: Vec<usize> = (0..frame.rows).collect();
        let structure = self.structure(group.as_ref(), &rows)?;
        Ok((frame, structure))
    }

    /// Leaves copies out, if requested: rows that repeat an earlier one in all columns except that
    /// of the groups, at `group`. Missing values count as equal.
    fn without_copies(
        &self,
        frame: Frame,
        group: Option<usize>,
        messages: &mut Messages,
    ) -> Result<Frame, CliError> {
        if !self.dedup || frame.has_own_repeats {
            return Ok(frame);
        }
        let places = (0..frame.columns.len()).filter(|place| Some(*place) != group);
        let columns: Vec<Column> = places.map(|place| frame.columns[place].filled()).collect();
        let rows: Vec<usize> = (0..frame.rows).collect();
        let columns: Vec<&Column> = columns.iter().collect();
        let [first, others @ ..] = &columns[..] else { return Ok(frame) };
        let all = Observations::at_lag(&[first], others, &[], &rows, 0);
        let kept = all.no_copies(0)?;
        if kept.len() == frame.rows {
            return Ok(frame);
        }
        messages.note(format!(
            "{} of {} rows used; left out: {} that repeat an earlier row in all {}",
            kept.len(),
            frame.rows,
            frame.rows - kept.len(),
            count(columns.len(), "column")
        ));
        Ok(frame.keep(&kept))
    }

    /// Reads columns, and also those that may name subjects.
    ///
    /// # Errors
    /// Those of [`Input::load`].
    pub(super) fn read(
        &self,
        mut input: Input,
        wanted: &[usize],
        messages: &mut Messages,
    ) -> Result<(Frame, Vec<Column>), CliError> {
        let subjects = self.subjects(input.names());
        let mut all = wanted.to_vec();
        for &index in subjects.iter().filter(|index| !wanted.contains(index)) {
            // A column that was not requested is not refused for its contents.
            input.declare(index, Declared::Discrete);
            all.push(index);
        }
        let mut frame = input.load(&all, messages)?;
        let columns = frame.columns.iter().zip(&all);
        let columns = columns.filter(|(_, index)| subjects.contains(index));
        let found = columns.map(|(column, _)| column.clone()).collect();
        frame.columns.truncate(wanted.len());
        frame.row_numbers.retain(|numbers| numbers.place < wanted.len());
        Ok((frame, found))
    }

    /// The table without copies of a pasted table (if they are to be left out; otherwise there is a
    /// warning), and without rows that have no group. `group` is the position of the groups among
    /// the columns.
    ///
    /// # Errors
    /// If rows have no group, and missing values are not to be dropped.
    pub(super) fn prepare(
        &self,
        mut frame: Frame,
        group: Option<usize>,
        rule: MissingRule,
        messages: &mut Messages,
    ) -> Result<Frame, CliError> {
        let total = frame.rows;
        let mut keep = vec![true; total];
        if let Some(pasted) = frame.fingerprints.pasted() {
            let copies = total - pasted.first.len();
            if self.dedup {
                frame.has_own_repeats = pasted.has_repeats;
                keep = vec![false; total];
                pasted.first.iter().for_each(|&row| keep[row] = true);
                messages.note(format!(
                    "{} of {total} rows used; left out: {copies} that repeat an earlier row of \
                     the table in every column",
                    pasted.first.len()
                ));
            } else {
                let which = match pasted.times {
                    Some(times) if pasted.has_repeats => format!(
                        "nearly every row of the table occurs {times} times, or a multiple of that"
                    ),
                    Some(times) => format!("nearly every row of the table occurs {times} times"),
                    None => format!(
                        "{copies} rows repeat an earlier row of the table in every column, and \
                         far fewer occur three times than would by chance"
                    ),
                };
                messages.warn(Warning::new(
                    PASTED,
                    format!(
                        "{which}: copies raise the estimate; use --dedup to leave them out, \
                         unless they are separate observations"
                    ),
                ));
            }
        }
        let group = group.map(|place| &frame.columns[place]);
        if let Some(group) = group.filter(|group| group.missing > 0) {
            if rule == MissingRule::Error {
                refuse_missing(&[group], total)?;
            }
            keep.iter_mut().zip(&group.values).for_each(|(keep, name)| *keep &= !name.is_nan());
            let rows = count(group.missing, "row");
            messages.note(format!("{rows} without a `{}` left out", cut(&group.name)));
        }
        if keep.contains(&false) {
            let rows: Vec<usize> = (0..total).filter(|&row| keep[row]).collect();
            frame = frame.keep(&rows);
        }
        Ok(frame)
    }
}
