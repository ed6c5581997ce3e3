use std::collections::HashMap;

use mi_samples::Declared;

use super::cell::{Cell, CellRules};
use super::column::{Column, Odd, Origin};
use super::error::{Place, TableError};
use super::labels::Labels;
use super::spelling::Spelling;
use crate::messages::Note;
use crate::words::{count, cut};

/// Collects one column of a text table, cell by cell.
pub(crate) struct Builder {
    declared: Declared,
    values: Vec<f64>,
    /// The labels, in a column that is declared discrete or whose first cell is text.
    labels: Option<Box<Labels>>,
    /// How the numbers are written, in a column that may turn out to have labels.
    written: Option<Box<Written>>,
    /// The line and text of the first text.
    first_text: Option<(u64, String)>,
    /// Number of cells that are not missing.
    present: usize,
    /// Number of those that are numbers.
    numbers: usize,
    /// The number of cells not written in plain digits, and the first of them.
    spelled: usize,
    first_spelled: Option<String>,
    /// The number of integers too large to be exact.
    large: usize,
    /// The first number with leading zeros.
    padded: Option<String>,
    odd: Vec<OddCell>,
    /// Whether the column has labels although its first cell is a number. Only if odd cells are
    /// reported.
    numbers_first: bool,
}

/// A cell that does not fit.
#[derive(Debug)]
pub(crate) struct OddCell {
    row: usize,
    line: u64,
    text: String,
    why: Refused,
}

impl OddCell {
    /// Whether the cell would be a label among labels.
    fn is_text(&self) -> bool {
        self.why == Refused::NotANumber(LABELS.into())
    }
}

/// Why a cell is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NotFinite,
    /// A hint.
    NotANumber(String),
}

impl Refused {
    /// The error at a place.
    pub(crate) fn at(self, at: Place, cell: &str) -> TableError {
        let cell = cut(cell);
        match self {
            Self::NotFinite => TableError::NotFinite { at, cell },
            Self::NotANumber(hint) => TableError::NotANumber { at, cell, hint },
        }
    }
}

/// 2^53: above this, not every integer is a double.
pub(crate) const TOO_LARGE: f64 = 9_007_199_254_740_992.0;

/// What to do if the cell is right and the guess is wrong.
const LABELS: &str = "; if the column has labels, name it in `--discrete`";

impl Builder {
    pub(crate) fn new(declared: Declared) -> Self {
        let labels = declared == Declared::Discrete;
        Self {
            declared,
            values: Vec::new(),
            labels: labels.then(Box::default),
            written: (declared == Declared::Auto).then(Box::default),
            first_text: None,
            present: 0,
            numbers: 0,
            spelled: 0,
            first_spelled: None,
            large: 0,
            padded: None,
            odd: Vec::new(),
            numbers_first: false,
        }
    }

    /// Makes room for one more cell; `false` if there is no memory.
    pub(crate) fn reserve(&mut self) -> bool {
        self.values.try_reserve(1).is_ok()
    }

    /// Adds one cell; `line` is its line. The first present cell decides whether the column has
    /// numbers or text, unless the user did.
    ///
    /// # Errors
    /// If the cell does not fit; it is then not added.
    pub(crate) fn push(
        &mut self,
        rules: &CellRules,
        text: &str,
        line: impl FnOnce() -> u64,
    ) -> Result<(), Refused> {
        let cell = rules.read(text);
        if cell == Cell::Missing {
            self.values.push(f64::NAN);
            return Ok(());
        }
        let value = match (&mut self.labels, cell) {
            (Some(labels), _) => {
                self.numbers += usize::from(matches!(cell, Cell::Number(_)));
                if self.declared != Declared::Discrete
                    && matches!(cell, Cell::Text | Cell::NotFinite)
                    && !labels.knows(text)
                {
                    let hint = rules.hint(text);
                    if !hint.is_empty() {
                        return Err(Refused::NotANumber(hint + LABELS));
                    }
                }
                labels.code(text)
            }
            (None, Cell::Number(value)) => {
                self.spelling(rules, text, value)?;
                self.numbers += 1;
                value
            }
            (None, Cell::NotFinite) => return Err(Refused::NotFinite),
            (None, _) => {
                let hint = rules.hint(text);
                if self.declared == Declared::Continuous || self.present > 0 || !hint.is_empty() {
                    let spelling = if hint.is_empty() { rules.other_spelling(text) } else { hint };
                    let labels = if self.declared == Declared::Continuous { "" } else { LABELS };
                    return Err(Refused::NotANumber(spelling + labels));
                }
                self.first_text = Some((line(), text.to_owned()));
                self.written = None;
                self.labels.insert(Box::default()).code(text)
            }
        };
        self.present += 1;
        self.values.push(value);
        Ok(())
    }

    /// Records how a number is written.
    fn spelling(&mut self, rules: &CellRules, text: &str, value: f64) -> Result<(), Refused> {
        let spelled = rules.spellings.any() && rules.plain(text).is_none();
        if spelled {
            let measure = |text| rules.spellings.measure(text);
            if let Some(first) = &self.first_spelled
                && let (Some(before), Some(now)) = (measure(first), measure(text))
                && before != now
            {
                return Err(Refused::NotANumber(if before.name == now.name {
                    let currency = before.currency;
                    format!(
                        " in `{currency}`, as the amounts above it: convert the column to one currency"
                    )
                } else {
                    let (name, first) = (before.name, cut(first));
                    format!(
                        ", as the {name} above it, such as `{first}`: write the whole column as \
                         {name}, or leave out the option that reads the others"
                    )
                }));
            }
            self.spelled += 1;
            self.first_spelled.get_or_insert_with(|| text.to_owned());
        }
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let whole = digits.bytes().all(|b| b.is_ascii_digit());
        self.large += usize::from(whole && value.abs() >= TOO_LARGE);
        if whole && text.len() > 1 && text.starts_with('0') && self.padded.is_none() {
            self.padded = Some(text.to_owned());
        }
        if let Some(written) = &mut self.written
            && !written.push(self.values.len(), text, value)
        {
            self.written = None;
        }
        Ok(())
    }

    /// Adds a refused cell as a missing one.
    pub(crate) fn push_odd(&mut self, text: &str, line: u64, why: Refused) {
        self.odd.push(OddCell { row: self.values.len(), line, text: text.to_owned(), why });
        self.values.push(f64::NAN);
    }

    /// The column, and notes about it.
    ///
    /// # Errors
    /// If most of a text column's cells are numbers, unless odd cells are reported.
    pub(crate) fn finish(
        mut self,
        file: &str,
        name: String,
        rules: &CellRules,
        report_odd: bool,
    ) -> Result<(Column, Vec<Note>), TableError> {
        let place = |line: u64| Place {
            file: file.into(),
            line: format!("line {line}"),
            column: name.clone(),
        };
        if self.declared == Declared::Auto {
            if self.labels.is_some() && 2 * self.numbers > self.present {
                let (line, cell) = self.first_text.clone().unwrap_or_default();
                let hint = format!(
                    "{}; {} of the column's other {} cells are. If it means a missing value, use \
                     `--na '{}'`{LABELS}",
                    rules.other_spelling(&cell),
                    self.numbers,
                    self.present - 1,
                    cut(&cell),
                );
                if !report_odd {
                    return Err(Refused::NotANumber(hint).at(place(line), &cell));
                }
                self.texts_are_odd(rules, line, Refused::NotANumber(hint));
            } else if self.labels.is_none()
                && self.odd.iter().filter(|odd| odd.is_text()).count() > self.numbers
            {
                self.odd_are_texts();
            }
        }
        let odd = self.odd.first().map(|first| Odd {
            count: self.odd.len(),
            first: first.why.clone().at(place(first.line), &first.text).to_string(),
        });
        let (column, notes) = self.column(name, rules);
        Ok((Column { odd, ..column }, notes))
    }

    /// Turns a column of labels that are mostly numbers into one of numbers.
    fn texts_are_odd(&mut self, rules: &CellRules, first_line: u64, why: Refused) {
        let Some(labels) = self.labels.take() else { return };
        let numbers: Vec<Option<f64>> = labels
            .in_order()
            .iter()
            .map(
                |label| {
                    if let Cell::Number(value) = rules.read(label) { Some(value) } else { None }
                },
            )
            .collect();
        for row in 0..self.values.len() {
            let code = self.values[row];
            let Some(&number) = numbers.get(code as usize).filter(|_| !code.is_nan()) else {
                continue;
            };
            self.values[row] = number.unwrap_or_else(|| {
                let text = labels.in_order()[code as usize].clone();
                self.odd.push(OddCell { row, line: first_line, text, why: why.clone() });
                f64::NAN
            });
        }
        self.odd.sort_by_key(|odd| odd.row);
    }

    /// Turns a column of numbers whose cells mostly do not fit into one of labels.
    fn odd_are_texts(&mut self) {
        let mut labels = Labels::default();
        let written = self.written.take();
        for (row, value) in self.values.iter_mut().enumerate().filter(|(_, v)| !v.is_nan()) {
            let text = written.as_ref().and_then(|written| written.text(row));
            *value = match text {
                Some(text) => labels.code(text),
                None => labels.code(&value.to_string()),
            };
        }
        // Cells that another option would read as numbers stay odd: they are not labels.
        for odd in self.odd.extract_if(.., |odd| odd.is_text()) {
            self.first_text.get_or_insert_with(|| (odd.line, odd.text.clone()));
            self.values[odd.row] = labels.code(&odd.text);
        }
        self.labels = Some(Box::new(labels));
        self.numbers_first = true;
    }

    fn column(self, name: String, rules: &CellRules) -> (Column, Vec<Note>) {
        let mut notes = Vec::new();
        let shown = cut(&name);
        let about = |text: String| Note { text, columns: vec![name.clone()] };
        if let Some(labels) = self.labels {
            let asked = self.declared == Declared::Discrete;
            if let Some((line, text)) = self.first_text.filter(|_| self.numbers_first) {
                notes.push(about(format!(
                    "`{shown}` holds numbers and text (`{}` in line {line}); for the other commands \
                     name it in `--discrete`",
                    cut(&text)
                )));
            }
            if !asked && let Some((spelling, example)) = Spelling::of_most(labels.in_order()) {
                notes.push(about(format!(
                    "`{shown}` holds {}, such as `{}`, which are read as labels without an order; to \
                     read them as numbers use {}",
                    spelling.name(),
                    cut(example),
                    options_for_all(rules, spelling, labels.in_order()),
                )));
            }
            if !rules.usual_tokens && labels.knows("none") {
                notes.push(about(format!(
                    "`{shown}` has the label `none`; if it means a missing value, use `--na \
                     '\"none\"'`"
                )));
            }
            let origin = if asked { Origin::Asked } else { Origin::Text };
            return (labels.into_column(name.clone(), self.values, origin), notes);
        }
        if let Some(first) = &self.first_spelled
            && self.spelled < self.numbers
        {
            notes.push(about(format!(
                "`{shown}` holds {} such as `{}` and {} in plain digits: do they mean the same?",
                count(self.spelled, "number"),
                cut(first),
                self.numbers - self.spelled
            )));
        }
        let column = Column::from_numbers(name.clone(), self.values, self.declared);
        let written =
            self.written.filter(|_| column.column_type().is_some_and(|found| found.is_discrete()));
        if written.as_ref().is_some_and(|written| written.zeros == [true; 2]) {
            notes.push(about(format!(
                "`{shown}`: `-0` and `0` are treated as one number; if they are different labels, use \
                 `--discrete '{shown}'`"
            )));
        }
        if let Some(written) = written
            && let Some([a, b]) = written.same()
        {
            notes.push(about(format!(
                "`{shown}`: `{a}` and `{b}` are different labels, as they are written differently; if \
                 they are one number, use `--continuous '{shown}'`"
            )));
            return (written.into_column(column), notes);
        }
        if self.large > 0 {
            notes.push(about(format!(
                "`{shown}`: {} of 2^53 or more may have been rounded; name it in `--discrete` if \
                 these are identifiers",
                count(self.large, "whole number")
            )));
        }
        if let Some(padded) = self.padded {
            notes.push(about(format!(
                "`{shown}` holds numbers with leading zeros, such as `{}`; name it in `--discrete` \
                 if they are codes",
                cut(&padded)
            )));
        }
        (column, notes)
    }
}

/// The options that read all texts: texts written with separators need one more.
fn options_for_all(rules: &CellRules, spelling: Spelling, texts: &[String]) -> String {
    let plain = spelling.options(None);
    texts
        .iter()
        .filter(|text| Spelling::of(text) == Some(spelling))
        .map(|text| rules.options_for(spelling, text))
        .find(|options| *options != plain)
        .unwrap_or(plain)
}

/// How the numbers of a column are written, as long as there are few of them: the column may then
/// have labels, which are compared as written.
#[derive(Debug, Default)]
struct Written {
    labels: Labels,
    /// One code per row, NaN where missing.
    codes: Vec<f64>,
    /// The first code of every number, by its bits.
    numbers: HashMap<u64, f64>,
    /// The codes of two spellings of the same number.
    same: Option<[f64; 2]>,
    /// Whether 0 is written without a sign, and with one.
    zeros: [bool; 2],
}

/// Columns with more different numbers are not treated as labels unless they are declared.
const MOST_NUMBERS: usize = 256;

impl Written {
    /// Adds the number of a row; `false` if there are too many.
    fn push(&mut self, row: usize, text: &str, value: f64) -> bool {
        // The sign of 0 comes from rounding (`-0.0`) more often than from an intended label.
        let (text, value) = if value == 0.0 {
            self.zeros[usize::from(text.starts_with('-'))] = true;
            (text.trim_start_matches('-'), 0.0)
        } else {
            (text, value)
        };
        self.codes.resize(row, f64::NAN);
        let code = self.labels.code(text);
        self.codes.push(code);
        let first = *self.numbers.entry(value.to_bits()).or_insert(code);
        if first != code && self.same.is_none() {
            self.same = Some([first, code]);
        }
        self.numbers.len() <= MOST_NUMBERS
    }

    /// Two spellings of one number, if there is such a number.
    fn same(&self) -> Option<[String; 2]> {
        Some(self.same?.map(|code| cut(&self.labels.in_order()[code as usize])))
    }

    fn text(&self, row: usize) -> Option<&str> {
        let code = self.codes.get(row).filter(|code| !code.is_nan())?;
        Some(&self.labels.in_order()[*code as usize])
    }

    fn into_column(mut self, column: Column) -> Column {
        self.codes.resize(column.values.len(), f64::NAN);
        self.labels.into_column(column.name, self.codes, Origin::Spelling)
    }
}
