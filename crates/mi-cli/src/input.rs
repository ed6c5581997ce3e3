//! From files and selections to columns.

use std::borrow::Cow;
use std::collections::HashSet;

use mi_samples::Declared;

use crate::copies::Fingerprints;
use crate::error::CliError;
use crate::messages::{Messages, Note};
use crate::options::{MissingRule, TableOptions};
use crate::select::select;
use crate::table::{Column, Origin, PANDAS_INDEX, ReadOptions, Source, TableError, open};
use crate::words::{cut, plain};

/// One or several files next to each other, whose column names are known but whose values are not
/// yet read.
pub struct Input {
    sources: Vec<(String, Box<dyn Source>)>,
    names: Vec<String>,
    declared: Vec<Declared>,
    /// The column of the groups, if it is declared discrete for this reason.
    groups: Option<usize>,
    missing: MissingRule,
    keep_row_numbers: bool,
    /// Whether cells that do not fit are reported, not refused.
    report_odd: bool,
}

/// Columns that were read.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The columns, in the requested order.
    pub columns: Vec<Column>,
    /// How many rows each has.
    pub rows: usize,
    /// Rows of the files that the columns lack.
    pub left_out: usize,
    /// A fingerprint of every row of the files, over all columns.
    pub fingerprints: Fingerprints,
    /// Whether it was pasted several times and is now one copy, whose own repeats are kept.
    pub has_own_repeats: bool,
    /// Columns that number the rows of their file and are not features; empty if they are to be
    /// kept.
    pub row_numbers: Vec<RowNumbers>,
}

/// A column that numbers the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowNumbers {
    /// Its position among the columns that were read.
    pub place: usize,
    /// The reason: the end of a sentence that starts with its name.
    pub why: &'static str,
}

impl RowNumbers {
    /// Reports that the column is left out, and how to keep it.
    pub fn say(&self, column: &Column, messages: &mut Messages) {
        let text = format!(
            "`{}` is left out: it {} (`--keep-row-numbers` keeps it)",
            cut(&column.name),
            self.why
        );
        messages.note(Note::about(&column.name, text));
    }
}

impl Frame {
    /// Only these rows.
    pub fn keep(self, rows: &[usize]) -> Self {
        let columns = self.columns.into_iter().map(|column| {
            let values: Vec<f64> = rows.iter().map(|&row| column.values[row]).collect();
            let missing = values.iter().filter(|value| value.is_nan()).count();
            Column { values, missing, ..column }
        });
        Self {
            columns: columns.collect(),
            rows: rows.len(),
            left_out: self.left_out + self.rows - rows.len(),
            fingerprints: Fingerprints::default(),
            has_own_repeats: self.has_own_repeats,
            row_numbers: self.row_numbers,
        }
    }

    /// The columns without those that number the rows (except the one at `spared`); each omission
    /// is reported.
    pub fn features(&self, spared: Option<usize>, messages: &mut Messages) -> Vec<&Column> {
        let left_out = |place: &usize| {
            let found = self.row_numbers.iter().find(|numbers| numbers.place == *place);
            found.filter(|_| spared != Some(*place))
        };
        let mut columns = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            match left_out(&place) {
                Some(numbers) => numbers.say(column, messages),
                None => columns.push(column),
            }
        }
        columns
    }
}

impl Input {
    /// Opens the files.
    ///
    /// # Errors
    /// If a file cannot be opened, or the options contradict one another.
    pub fn open(options: &TableOptions) -> Result<Self, CliError> {
        Self::open_as(options, false)
    }

    /// Opens the files to inspect their columns: cells that do not fit are reported, not refused.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn inspect(options: &TableOptions) -> Result<Self, CliError> {
        Self::open_as(options, true)
    }

    fn open_as(options: &TableOptions, report_odd: bool) -> Result<Self, CliError> {
        if options.thousands.is_some_and(|c| options.decimal.starts_with(c)) {
            return Err(CliError::Usage(
                "--thousands and --decimal name the same character".into(),
            ));
        }
        if options.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
            return Err(CliError::Usage("standard input (`-`) can be read only once".into()));
        }
        let text = options.text_rules();
        let mut sources = Vec::new();
        for file in &options.files {
            let keys = options.keys.iter().map(|key| Some(key.clone()));
            let keys: Vec<_> = if options.keys.is_empty() { vec![None] } else { keys.collect() };
            for key in keys {
                let stem = match &key {
                    Some(key) => key.clone(),
                    None => {
                        file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
                    }
                };
                let read = ReadOptions { text: text.clone(), key, report_odd };
                sources.push((stem, open(file, &read)?));
            }
        }
        let mut names: Vec<String> =
            sources.iter().flat_map(|(_, source)| source.names()).cloned().collect();
        // A name that two files share would be ambiguous, so in that case every name includes its
        // file.
        let mut before: HashSet<&String> = HashSet::new();
        let shared = sources.iter().any(|(_, source)| {
            let is_shared = source.names().iter().any(|name| before.contains(name));
            // A file may itself have a name twice.
            before.extend(source.names());
            is_shared
        });
        if shared {
            names = sources
                .iter()
                .flat_map(|(stem, source)| {
                    source.names().iter().map(move |n| format!("{stem}.{n}"))
                })
                .collect();
        }
        // A name must not control a terminal, wherever it is written.
        for name in &mut names {
            if let Cow::Owned(shown) = plain(name) {
                shown.trim().clone_into(name);
            }
        }
        let mut declared = vec![Declared::Auto; names.len()];
        for (option, lists, wanted) in [
            ("--discrete", &options.discrete, Declared::Discrete),
            ("--continuous", &options.continuous, Declared::Continuous),
        ] {
            for index in select_all(option, lists, &names)? {
                if declared[index] != Declared::Auto && declared[index] != wanted {
                    return Err(CliError::Usage(format!(
                        "column `{}` is named in both --discrete and --continuous",
                        names[index]
                    )));
                }
                declared[index] = wanted;
            }
        }
        let (missing, keep_row_numbers) = (options.missing, options.keep_row_numbers);
        Ok(Self { sources, names, declared, groups: None, missing, keep_row_numbers, report_odd })
    }

    /// Declares the kind of a column.
    pub fn declare(&mut self, index: usize, declared: Declared) {
        self.declared[index] = declared;
    }

    /// Declares that a column names the groups of the rows: its values are labels, whatever they
    /// look like.
    pub fn declare_groups(&mut self, index: usize) {
        if self.declared[index] != Declared::Discrete {
            self.declared[index] = Declared::Discrete;
            self.groups = Some(index);
        }
    }

    /// The names of all columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns that the lists of an option choose, each once.
    ///
    /// # Errors
    /// If a part of a list chooses nothing.
    pub fn select(&self, option: &'static str, lists: &[String]) -> Result<Vec<usize>, CliError> {
        select_all(option, lists, &self.names)
    }

    /// The columns of each file, as indices.
    pub fn by_file(&self) -> Vec<Vec<usize>> {
        let mut start = 0;
        let mut ranges = Vec::new();
        for (_, source) in &self.sources {
            let end = start + source.names().len();
            ranges.push((start..end).collect());
            start = end;
        }
        ranges
    }

    /// How missing values are treated.
    pub fn missing_rule(&self) -> MissingRule {
        self.missing
    }

    /// Reads the columns with the given indices and reports what was found.
    ///
    /// # Errors
    /// If a file is not a table, or the files have different numbers of rows.
    pub fn load(self, wanted: &[usize], messages: &mut Messages) -> Result<Frame, CliError> {
        let mut slots: Vec<Option<Column>> = vec![None; wanted.len()];
        let mut row_numbers = Vec::new();
        let mut first: Option<(String, usize)> = None;
        let mut fingerprints: Option<Fingerprints> = None;
        let mut start = 0;
        for (_, source) in self.sources {
            let count = source.names().len();
            let here: Vec<usize> = (0..wanted.len())
                .filter(|&i| (start..start + count).contains(&wanted[i]))
                .collect();
            let local: Vec<usize> = here.iter().map(|&i| wanted[i] - start).collect();
            let unnamed: Vec<bool> = (0..count).map(|index| is_unnamed(&*source, index)).collect();
            let table = source.load(&local, &self.declared[start..start + count])?;
            for note in table.notes {
                messages.note(note);
            }
            match &first {
                Some((file, rows)) if *rows != table.rows => {
                    return Err(TableError::RowsDiffer {
                        file: table.file,
                        found: table.rows,
                        first: file.clone(),
                        expected: *rows,
                    }
                    .into());
                }
                Some(_) => {}
                None => first = Some((table.file.clone(), table.rows)),
            }
            let own = if self.keep_row_numbers {
                table.fingerprints
            } else {
                table.fingerprints.without_row_numbers(unnamed.first() == Some(&true))
            };
            fingerprints = Some(match fingerprints {
                Some(before) => before.beside(&own),
                None => own,
            });
            for (slot, mut column) in here.into_iter().zip(table.columns) {
                column.name.clone_from(&self.names[wanted[slot]]);
                column.check_size(&table.file, self.report_odd)?;
                if self.groups == Some(wanted[slot]) && column.origin == Origin::Asked {
                    column.origin = Origin::Groups;
                }
                slots[slot] = Some(column);
            }
            // The first columns of a file that number the rows, and the row labels of pandas at any
            // position.
            let mut is_first = true;
            for (index, unnamed) in unnamed.into_iter().enumerate() {
                let read = wanted.iter().position(|&column| column == start + index);
                let column = read.and_then(|place| slots[place].as_ref());
                let why = match column {
                    Some(column) if column.name.starts_with(PANDAS_INDEX) => {
                        "holds the row labels of a pandas table"
                    }
                    _ if unnamed && is_first => {
                        "is a first column without a name, like row numbers"
                    }
                    Some(column) if is_first && column.counts_rows() => "counts the rows",
                    _ => {
                        is_first = false;
                        continue;
                    }
                };
                row_numbers.extend(read.map(|place| RowNumbers { place, why }));
            }
            start += count;
        }
        let rows = first.map_or(0, |(_, rows)| rows);
        if self.keep_row_numbers {
            row_numbers.clear();
        }
        let columns = slots.into_iter().flatten().collect();
        let fingerprints = fingerprints.unwrap_or_default();
        Ok(Frame { columns, rows, left_out: 0, fingerprints, has_own_repeats: false, row_numbers })
    }
}

/// Whether a column has no name in its file, or the one that pandas gives to such a column.
fn is_unnamed(source: &dyn Source, index: usize) -> bool {
    let numbers = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    source.is_unnamed(index) || source.names()[index].strip_prefix("Unnamed: ").is_some_and(numbers)
}

fn select_all(
    option: &'static str,
    lists: &[String],
    names: &[String],
) -> Result<Vec<usize>, CliError> {
    let mut chosen: Vec<usize> = Vec::new();
    for list in lists {
        let more = select(list, names).map_err(|source| CliError::Select { option, source })?;
        for index in more {
            if !chosen.contains(&index) {
                chosen.push(index);
            }
        }
    }
    Ok(chosen)
}
