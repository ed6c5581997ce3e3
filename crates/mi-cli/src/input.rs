//! From files and selections to columns.

use std::path::Path;

use mi_samples::Declared;

use crate::copies::Fingerprints;
use crate::error::CliError;
use crate::messages::Messages;
use crate::options::{MissingRule, TableOptions};
use crate::select::select;
use crate::table::{Column, ReadOptions, Source, TableError, open};

/// One or several files side by side, their columns known by name and not yet read.
pub struct Input {
    sources: Vec<(String, Box<dyn Source>)>,
    names: Vec<String>,
    declared: Vec<Declared>,
    missing: MissingRule,
}

/// Columns that were read.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The columns, in the order in which they were asked for.
    pub columns: Vec<Column>,
    /// How many rows each has.
    pub rows: usize,
    /// Rows of the files that the columns lack.
    pub left_out: usize,
    /// What every row of the files looks like, in all columns.
    pub fingerprints: Fingerprints,
}

impl Frame {
    /// These rows alone.
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
        }
    }
}

impl Input {
    /// Opens the files.
    ///
    /// # Errors
    /// When a file cannot be opened, or the options contradict one another.
    pub fn open(options: &TableOptions) -> Result<Self, CliError> {
        if options.thousands.is_some_and(|c| options.decimal.starts_with(c)) {
            return Err(CliError::Usage(
                "--thousands and --decimal name the same character".into(),
            ));
        }
        if options.files.iter().filter(|file| *file == "-").count() > 1 {
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
                    None => Path::new(file)
                        .file_stem()
                        .map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned()),
                };
                let read = ReadOptions { text: text.clone(), key };
                sources.push((stem, open(file, &read)?));
            }
        }
        let mut names: Vec<String> =
            sources.iter().flat_map(|(_, source)| source.names()).cloned().collect();
        // A name that two files share would be ambiguous, so then every name says its file.
        let shared = sources.iter().enumerate().any(|(i, (_, a))| {
            sources[..i].iter().any(|(_, b)| a.names().iter().any(|name| b.names().contains(name)))
        });
        if shared {
            names = sources
                .iter()
                .flat_map(|(stem, source)| {
                    source.names().iter().map(move |n| format!("{stem}.{n}"))
                })
                .collect();
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
        Ok(Self { sources, names, declared, missing: options.missing })
    }

    /// The names of all columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns that the lists of an option choose, each once.
    ///
    /// # Errors
    /// When a part of a list chooses nothing.
    pub fn select(&self, option: &'static str, lists: &[String]) -> Result<Vec<usize>, CliError> {
        select_all(option, lists, &self.names)
    }

    /// Says what a column is.
    pub fn declare(&mut self, index: usize, declared: Declared) {
        self.declared[index] = declared;
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

    /// What is to be done about missing values.
    pub fn missing_rule(&self) -> MissingRule {
        self.missing
    }

    /// Reads the columns of the given indices and says what was found.
    ///
    /// # Errors
    /// When a file does not hold a table, or the files have different numbers of rows.
    pub fn load(self, wanted: &[usize], messages: &mut Messages) -> Result<Frame, CliError> {
        let mut slots: Vec<Option<Column>> = vec![None; wanted.len()];
        let mut first: Option<(String, usize)> = None;
        let mut fingerprints: Option<Fingerprints> = None;
        let mut start = 0;
        for (_, source) in self.sources {
            let count = source.names().len();
            let here: Vec<usize> = (0..wanted.len())
                .filter(|&i| (start..start + count).contains(&wanted[i]))
                .collect();
            let local: Vec<usize> = here.iter().map(|&i| wanted[i] - start).collect();
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
                None => first = Some((table.file, table.rows)),
            }
            fingerprints = Some(match fingerprints {
                Some(before) => before.beside(&table.fingerprints),
                None => table.fingerprints,
            });
            for (slot, mut column) in here.into_iter().zip(table.columns) {
                column.name.clone_from(&self.names[wanted[slot]]);
                slots[slot] = Some(column);
            }
            start += count;
        }
        let rows = first.map_or(0, |(_, rows)| rows);
        let columns = slots.into_iter().flatten().collect();
        Ok(Frame { columns, rows, left_out: 0, fingerprints: fingerprints.unwrap_or_default() })
    }
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
