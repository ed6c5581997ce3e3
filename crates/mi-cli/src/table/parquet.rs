//! Reads Parquet files (feature `parquet`): flat columns of numbers, booleans and text.

use std::cell::Cell;
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use bytes::Bytes;
use mi_samples::Declared;
use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::column::{Column, Origin};
use super::error::TableError;
use super::labels::Labels;
use super::numbers::{Numbers, rounded_note};
use super::source::{Source, Table};
use crate::copies::Fingerprints;
use crate::messages::Note;
use crate::words::count;

/// Values read at a time.
const BATCH: usize = 1 << 14;

/// A Parquet file whose schema has been read.
pub(crate) struct ParquetTable {
    file: String,
    reader: Box<dyn FileReader>,
    names: Vec<String>,
    report_odd: bool,
}

impl ParquetTable {
    pub(crate) fn open_file(
        file: String,
        handle: File,
        report_odd: bool,
    ) -> Result<Self, TableError> {
        let reader = guarded(|| SerializedFileReader::new(handle));
        Self::new(file, reader.map(|r| Box::new(r) as Box<dyn FileReader>), report_odd)
    }

    pub(crate) fn open_bytes(
        file: String,
        bytes: Vec<u8>,
        report_odd: bool,
    ) -> Result<Self, TableError> {
        let reader = guarded(|| SerializedFileReader::new(Bytes::from(bytes)));
        Self::new(file, reader.map(|r| Box::new(r) as Box<dyn FileReader>), report_odd)
    }

    fn new(
        file: String,
        reader: Result<Box<dyn FileReader>, ParquetError>,
        report_odd: bool,
    ) -> Result<Self, TableError> {
        let reader = reader.map_err(|error| fail(&file, &error))?;
        let metadata = reader.metadata().file_metadata();
        if metadata.num_rows() <= 0 {
            return Err(TableError::Array { file, problem: "the table has no rows".into() });
        }
        let columns = metadata.schema_descr().columns();
        let names = columns.iter().map(|column| column.path().string()).collect();
        Ok(Self { file, reader, names, report_odd })
    }

    fn refuse(&self, index: usize, what: &str) -> TableError {
        let problem = format!("column `{}`: {what}", self.names[index]);
        TableError::Array { file: self.file.clone(), problem }
    }

    /// Reads one column through all row groups.
    fn cells(&self, index: usize) -> Result<(Numbers, Option<Labels>), TableError> {
        let descr = self.reader.metadata().file_metadata().schema_descr().column(index);
        if descr.max_rep_level() > 0 {
            return Err(self.refuse(index, "lists are not supported; write one value per row"));
        }
        let mut values = Numbers::default();
        let mut labels = None;
        for group in 0..self.reader.num_row_groups() {
            let read = || {
                let column = self.reader.get_row_group(group)?.get_column_reader(index)?;
                read_group(column, &descr, &mut values, &mut labels)
            };
            guarded(read)
                .map_err(|error| fail(&self.file, &error))?
                .map_err(|what| self.refuse(index, what))?;
        }
        // The number of rows is in the file's footer, the values in its pages.
        let rows = self.reader.metadata().file_metadata().num_rows();
        if usize::try_from(rows) != Ok(values.len()) {
            let found = values.len();
            let what = format!(
                "it has {found} values, and the file {rows} rows; the file is damaged, copy or \
                 save it again"
            );
            return Err(self.refuse(index, &what));
        }
        Ok((values, labels))
    }

    /// The column of the cells, and how many of its integers may be rounded.
    fn column(
        &self,
        index: usize,
        (mut values, labels): (Numbers, Option<Labels>),
        declared: Declared,
    ) -> Result<(Column, usize), TableError> {
        let name = self.names[index].clone();
        let odd = values.check_finite(&self.file, &name, self.report_odd)?;
        match (labels, declared) {
            (Some(_), Declared::Continuous) => Err(self.refuse(index, "text is not continuous")),
            (Some(labels), _) => {
                Ok((labels.into_column(name, values.into_values(), Origin::Text), 0))
            }
            (None, _) => {
                let (column, large) = values.into_column(name, declared);
                Ok((Column { odd, ..column }, large))
            }
        }
    }
}

impl Source for ParquetTable {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn is_unnamed(&self, index: usize) -> bool {
        self.names[index].starts_with(super::PANDAS_INDEX)
    }

    fn load(self: Box<Self>, wanted: &[usize], declared: &[Declared]) -> Result<Table, TableError> {
        let mut large = 0;
        let mut found: Vec<Option<Column>> = vec![None; wanted.len()];
        let mut fingerprints = Fingerprints::default();
        for index in 0..self.names.len() {
            let place = wanted.iter().position(|&column| column == index);
            // Errors in a column that is not wanted do not matter.
            let cells = match (self.cells(index), place) {
                (Err(error), Some(_)) => return Err(error),
                (Err(_), None) => continue,
                (Ok(cells), _) => cells,
            };
            if !self.is_unnamed(index) {
                for row in 0..cells.0.len() {
                    fingerprints.add(row, index, cells.0.cell(row), || cells.0.count(row));
                }
            }
            if let Some(place) = place {
                let declared = declared.get(index).copied().unwrap_or_default();
                let (column, rounded) = self.column(index, cells, declared)?;
                large += rounded;
                found[place] = Some(column);
            }
        }
        let columns = found.into_iter().flatten().collect();
        let rows = self.reader.metadata().file_metadata().num_rows() as usize;
        let shape = [count(rows, "row"), count(self.names.len(), "column")];
        let mut notes = vec![format!("{}: Parquet, {}, {}", self.file, shape[0], shape[1]).into()];
        notes.extend(rounded_note(&self.file, large).map(Note::from));
        Ok(Table { file: self.file, columns, rows, notes, fingerprints })
    }
}

/// Runs a read of the library. It panics on some damaged files, which becomes an ordinary error.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    thread_local! {
        static GUARDED: Cell<bool> = const { Cell::new(false) };
    }
    static QUIET: Once = Once::new();
    // The caller says what is wrong; the library's line number would not help a user.
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if !GUARDED.get() {
                usual(what);
            }
        }));
    });
    GUARDED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(false);
    result.unwrap_or_else(|_| {
        Err(ParquetError::General("its pages contradict each other; the file is damaged".into()))
    })
}

fn fail(file: &str, error: &ParquetError) -> TableError {
    TableError::Array { file: file.to_owned(), problem: format!("not readable: {error}") }
}

/// Adds the values of one row group; the inner error names the unsupported kind of column.
fn read_group(
    column: ColumnReader,
    descr: &ColumnDescriptor,
    values: &mut Numbers,
    labels: &mut Option<Labels>,
) -> Result<Result<(), &'static str>, ParquetError> {
    let nullable = descr.max_def_level();
    let scale = match descr.converted_type() {
        ConvertedType::DECIMAL => 10_f64.powi(descr.type_scale()),
        _ => 1.0,
    };
    let unsigned = matches!(
        descr.converted_type(),
        ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64
    );
    match column {
        ColumnReader::BoolColumnReader(mut reader) => {
            pull(&mut reader, nullable, values, |v| Value::Double(f64::from(u8::from(*v))))?;
        }
        ColumnReader::Int32ColumnReader(mut reader) => pull(&mut reader, nullable, values, |v| {
            let double =
                if unsigned { f64::from(v.cast_unsigned()) } else { f64::from(*v) / scale };
            Value::Double(double)
        })?,
        ColumnReader::Int64ColumnReader(mut reader) => pull(&mut reader, nullable, values, |v| {
            if unsigned {
                Value::Whole(v.cast_unsigned().into())
            } else if scale == 1.0 {
                Value::Whole((*v).into())
            } else {
                Value::Double(*v as f64 / scale)
            }
        })?,
        ColumnReader::FloatColumnReader(mut reader) => {
            pull(&mut reader, nullable, values, |v| Value::Double(f64::from(*v)))?;
        }
        ColumnReader::DoubleColumnReader(mut reader) => {
            pull(&mut reader, nullable, values, |v| Value::Double(*v))?;
        }
        ColumnReader::ByteArrayColumnReader(mut reader) if scale == 1.0 => {
            let labels = labels.get_or_insert_with(Labels::default);
            pull(&mut reader, nullable, values, |v| {
                Value::Double(labels.code(&String::from_utf8_lossy(v.data())))
            })?;
        }
        _ if descr.physical_type() == Type::INT96 => {
            return Ok(Err("96-bit timestamps are not supported; write them as numbers"));
        }
        _ => return Ok(Err("fixed-length bytes are not supported; write numbers or text")),
    }
    Ok(Ok(()))
}

/// A value of a column.
enum Value {
    Double(f64),
    Whole(i128),
}

/// Reads a column chunk to its end, NaN for null.
fn pull<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    nullable: i16,
    values: &mut Numbers,
    mut convert: impl FnMut(&T::T) -> Value,
) -> Result<(), ParquetError> {
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    loop {
        present.clear();
        levels.clear();
        let (rows, ..) = reader.read_records(
            BATCH,
            (nullable > 0).then_some(&mut levels),
            None,
            &mut present,
        )?;
        if rows == 0 {
            return Ok(());
        }
        let mut push = |value| match value {
            Value::Double(value) => values.push(value),
            Value::Whole(whole) => values.push_whole(whole),
        };
        let mut present = present.iter();
        if nullable == 0 {
            present.for_each(|value| push(convert(value)));
            continue;
        }
        for &level in &levels {
            let value = if level == nullable { present.next() } else { None };
            push(value.map_or(Value::Double(f64::NAN), &mut convert));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_library_is_an_error() {
        let found: Result<(), ParquetError> = guarded(|| panic!("no dictionary"));
        assert!(found.unwrap_err().to_string().contains("the file is damaged"));
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
    }
}
