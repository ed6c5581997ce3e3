//! Reads tables of a TOML file key by key, with errors that name file, line and key.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::error::PaperError;

/// The text of a file, from which line numbers are found.
#[derive(Clone, Copy)]
pub(super) struct Source<'i> {
    pub(super) path: &'i Path,
    pub(super) text: &'i str,
}

impl Source<'_> {
    /// An error at this byte of the text.
    pub(super) fn error(&self, offset: usize, reason: impl Into<String>) -> PaperError {
        let before = self.text.get(..offset).unwrap_or(self.text);
        PaperError::ExperimentFile {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            reason: reason.into(),
        }
    }
}

/// A table from which each key is taken once. A key that is left at the end is an error.
#[derive(Clone)]
pub(super) struct Section<'i> {
    source: Source<'i>,
    /// The byte at which the table begins.
    offset: usize,
    entries: Vec<Entry<'i>>,
    asked: Vec<&'static str>,
}

/// A key with its value.
#[derive(Clone)]
pub(super) struct Entry<'i> {
    source: Source<'i>,
    key: String,
    key_offset: usize,
    value: Spanned<DeValue<'i>>,
}

impl<'i> Section<'i> {
    /// The top-level table of a file.
    pub(super) fn parse(source: Source<'i>) -> Result<Self, PaperError> {
        let table = DeTable::parse(source.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            source.error(offset, error.message())
        })?;
        let table = table.into_inner();
        for value in table.values() {
            check_numbers(source, value)?;
        }
        Ok(Self::new(source, 0, table))
    }

    fn new(source: Source<'i>, offset: usize, table: DeTable<'i>) -> Self {
        let entries = table
            .into_iter()
            .map(|(key, value)| Entry {
                source,
                key_offset: key.span().start,
                key: key.into_inner().into_owned(),
                value,
            })
            .collect();
        Self { source, offset, entries, asked: Vec::new() }
    }

    /// This table, in which the keys of another replace its own.
    pub(super) fn overridden_by(&self, other: Self) -> Self {
        let mut merged = self.clone();
        merged.offset = other.offset;
        merged.entries.retain(|own| other.entries.iter().all(|entry| entry.key != own.key));
        merged.entries.extend(other.entries);
        merged
    }

    /// Whether the table has a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Takes a key's entry, if the table has it.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Entry<'i>> {
        self.asked.push(key);
        let place = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.swap_remove(place))
    }

    /// Takes the entry of a required key.
    pub(super) fn need(&mut self, key: &'static str) -> Result<Entry<'i>, PaperError> {
        if let Some(entry) = self.take(key) {
            return Ok(entry);
        }
        // A misspelt key is more likely than a missing one.
        self.nearest_is(key)?;
        Err(self.error(format!("`{key}` is missing")))
    }

    /// Takes a key's value, or the default.
    pub(super) fn one_or<T: Deserialize<'i>>(
        &mut self,
        key: &'static str,
        default: T,
    ) -> Result<T, PaperError> {
        self.take(key).map_or(Ok(default), Entry::one)
    }

    /// Takes the tables of a key that may occur several times; none if it does not occur.
    pub(super) fn tables(&mut self, key: &'static str) -> Result<Vec<Self>, PaperError> {
        self.take(key).map_or(Ok(Vec::new()), Entry::tables)
    }

    /// An error about the table as a whole.
    pub(super) fn error(&self, reason: impl Into<String>) -> PaperError {
        self.source.error(self.offset, reason)
    }

    /// Refuses keys that have not been taken.
    pub(super) fn finish(self) -> Result<(), PaperError> {
        let Some(entry) = self.entries.iter().min_by_key(|entry| entry.key_offset) else {
            return Ok(());
        };
        let hint = match nearest(&entry.key, self.asked.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys here are {}", self.asked.join(", ")),
        };
        Err(self.source.error(entry.key_offset, format!("unknown key `{}`: {hint}", entry.key)))
    }

    /// Refuses a key that is probably a misspelling of this one.
    fn nearest_is(&self, key: &'static str) -> Result<(), PaperError> {
        let near = self.entries.iter().find(|entry| nearest(&entry.key, [key]).is_some());
        near.map_or(Ok(()), |entry| {
            let reason = format!("unknown key `{}`: did you mean `{key}`?", entry.key);
            Err(self.source.error(entry.key_offset, reason))
        })
    }
}

impl<'i> Entry<'i> {
    /// The value.
    pub(super) fn one<T: Deserialize<'i>>(self) -> Result<T, PaperError> {
        let Self { source, key, value, .. } = self;
        let start = value.span().start;
        T::deserialize(ValueDeserializer::from(value)).map_err(|error| {
            let offset = error.span().map_or(start, |span| span.start);
            source.error(offset, format!("`{key}`: {}", with_nearest(error.message())))
        })
    }

    /// One value, or a list of values for a grid.
    pub(super) fn many<T: Deserialize<'i>>(self) -> Result<Vec<T>, PaperError> {
        let Self { source, key, key_offset, value } = self;
        let is_list = value.get_ref().is_array();
        let entry = |value| Self { source, key: key.clone(), key_offset, value };
        if !is_list {
            return Ok(vec![entry(value).one()?]);
        }
        let start = value.span().start;
        let DeValue::Array(items) = value.into_inner() else { return Ok(Vec::new()) };
        let values: Vec<T> =
            items.into_iter().map(|item| entry(item).one()).collect::<Result<_, _>>()?;
        if values.is_empty() {
            return Err(source.error(start, format!("`{key}` is an empty list")));
        }
        Ok(values)
    }

    /// One value or a list, in which every value has to be `allowed`; `expected` describes those.
    pub(super) fn many_that<T: Deserialize<'i>>(
        self,
        allowed: impl Fn(&T) -> bool,
        expected: &str,
    ) -> Result<Vec<T>, PaperError> {
        let (source, key, offset) = (self.source, self.key.clone(), self.value.span().start);
        let values = self.many()?;
        if values.iter().all(allowed) {
            return Ok(values);
        }
        Err(source.error(offset, format!("`{key}` has to be {expected}")))
    }

    /// A value that has to be `allowed`; `expected` describes those that are.
    pub(super) fn one_that<T: Deserialize<'i>>(
        self,
        allowed: impl Fn(&T) -> bool,
        expected: &str,
    ) -> Result<T, PaperError> {
        let (source, key, offset) = (self.source, self.key.clone(), self.value.span().start);
        let value = self.one()?;
        if allowed(&value) {
            return Ok(value);
        }
        Err(source.error(offset, format!("`{key}` has to be {expected}")))
    }

    /// An error about the value.
    pub(super) fn error(&self, reason: impl std::fmt::Display) -> PaperError {
        self.source.error(self.value.span().start, format!("`{}`: {reason}", self.key))
    }

    /// A single table.
    pub(super) fn table(self) -> Result<Section<'i>, PaperError> {
        let reason = self.error("a table is expected");
        match self.value.into_inner() {
            DeValue::Table(table) => Ok(Section::new(self.source, self.key_offset, table)),
            _ => Err(reason),
        }
    }

    /// A list of tables.
    pub(super) fn tables(self) -> Result<Vec<Section<'i>>, PaperError> {
        let reason = self.error(format!("write it as [[{}]]", self.key));
        let (source, value) = (self.source, self.value.into_inner());
        let DeValue::Array(items) = value else { return Err(reason) };
        items
            .into_iter()
            .map(|item| {
                let offset = item.span().start;
                match item.into_inner() {
                    DeValue::Table(table) => Ok(Section::new(source, offset, table)),
                    _ => Err(source.error(offset, "a table is expected")),
                }
            })
            .collect()
    }
}

/// Refuses infinite numbers and NaN, which a plan cannot store, and integers that are too large to
/// be meant, at any depth.
fn check_numbers(source: Source<'_>, value: &Spanned<DeValue<'_>>) -> Result<(), PaperError> {
    const GREATEST: i64 = 1_000_000_000;
    let error = |reason: String| Err(source.error(value.span().start, reason));
    match value.get_ref() {
        DeValue::Float(number) if !number.as_str().parse().is_ok_and(f64::is_finite) => {
            error(format!("`{}` is not a finite number", number.as_str()))
        }
        DeValue::Integer(number)
            if !i64::from_str_radix(number.as_str(), number.radix())
                .is_ok_and(|number| number <= GREATEST) =>
        {
            error(format!(
                "`{}` is above the greatest integer here, 1,000,000,000",
                number.as_str()
            ))
        }
        DeValue::Array(items) => items.iter().try_for_each(|item| check_numbers(source, item)),
        DeValue::Table(table) => table.values().try_for_each(|item| check_numbers(source, item)),
        _ => Ok(()),
    }
}

/// The nearest of the known names, if it is near enough to be meant.
fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distance = |other: &str| strsim::damerau_levenshtein(name, other);
    let near = known.into_iter().min_by_key(|other| distance(other))?;
    (distance(near) <= name.chars().count().max(3) / 3).then_some(near)
}

/// A message from serde or toml that refuses a name, with the nearest valid one added. Serde quotes
/// the refused name first, then those that it expects.
fn with_nearest(message: &str) -> String {
    let near = if let Some(keys) = message.strip_prefix("unexpected keys in table: ") {
        keys.split_once(", available keys: ").and_then(|(found, known)| {
            let found = found.split(", ").next().unwrap_or(found);
            nearest(found, known.split(", "))
        })
    } else {
        let mut names = message.split('`').skip(1).step_by(2);
        let found = names.next().filter(|_| message.starts_with("unknown "));
        found.and_then(|name| nearest(name, names))
    };
    near.map_or(message.to_owned(), |near| format!("{message}; did you mean `{near}`?"))
}
