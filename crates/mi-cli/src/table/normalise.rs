//! Normalises the bytes of a text table before they are split into fields.

use std::io::{self, BufRead, Read};

use super::MOST_COLUMNS;

/// Turns every line ending (CR, LF, CR LF; also inside quotes) into LF, ends the last line, and
/// tracks quotes, so that line numbers match those of an editor and a quote that is never closed is
/// reported with the line on which it opened. Spaces before a field may be dropped: the parser
/// would treat a quote after them as part of the text, and fields are trimmed later.
#[derive(Debug)]
pub(crate) struct Normaliser<R> {
    inner: R,
    delimiter: u8,
    state: State,
    /// The line being read, from 1.
    line: u64,
    /// The line on which the last quoted field opened.
    quote_line: u64,
    after_cr: bool,
    /// The input has ended and its last line was ended too.
    finished: bool,
    last: Option<u8>,
    /// Bytes and delimiters of the row being read.
    row: RowSize,
}

/// The size of a row so far. There is a limit because a small packed file can unpack to any size,
/// and a complete row is held in memory.
#[derive(Clone, Copy, Debug, Default)]
struct RowSize {
    bytes: usize,
    fields: usize,
}

/// The largest number of bytes of a row.
const MOST_BYTES: usize = 64 << 20;

impl RowSize {
    /// Adds bytes outside quotes.
    fn add_plain(&mut self, bytes: &[u8], delimiter: u8) {
        let tail = match bytes.iter().rposition(|&b| b == b'\n') {
            Some(end) => {
                *self = Self::default();
                &bytes[end + 1..]
            }
            None => bytes,
        };
        self.bytes += tail.len();
        self.fields += tail.split(|&b| b == delimiter).count() - 1;
    }

    fn check(self, line: u64) -> io::Result<()> {
        if self.bytes <= MOST_BYTES && self.fields < MOST_COLUMNS {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, HugeRow { line }))
    }
}

/// The message about an impossibly large row.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "has a row of more than {} MiB or {MOST_COLUMNS} fields in line {line}; is it a table? See \
     `--delimiter`, and write one observation per line",
    MOST_BYTES >> 20
)]
pub(crate) struct HugeRow {
    line: u64,
}

/// The position of the next byte within a record. The same rules as the parser's: a quote opens a
/// field only as its first byte, and two quotes inside are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

impl State {
    /// Whether a space that comes next only precedes a field.
    fn before_field(self, delimiter: u8) -> bool {
        self == Self::FieldStart && delimiter != b' '
    }
}

impl<R: BufRead> Normaliser<R> {
    /// Starts on line `line` of the file.
    pub(crate) fn new(inner: R, delimiter: u8, line: u64) -> Self {
        Self {
            inner,
            delimiter,
            state: State::FieldStart,
            line,
            quote_line: line,
            after_cr: false,
            finished: false,
            last: None,
            row: RowSize::default(),
        }
    }

    /// The line on which a quote opened that was still open when the input ended.
    pub(crate) fn unclosed_quote(&self) -> Option<u64> {
        (self.finished && self.state == State::Quoted).then_some(self.quote_line)
    }

    fn step(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) => State::Quoted,
            (_, b'\n') => State::FieldStart,
            (_, b) if b == self.delimiter => State::FieldStart,
            (State::FieldStart, b'"') => {
                self.quote_line = self.line;
                State::Quoted
            }
            (State::QuoteInQuoted, b'"') => State::Quoted,
            _ => State::Plain,
        };
        self.line += u64::from(byte == b'\n');
        self.last = Some(byte);
    }
}

impl<R: BufRead> Read for Normaliser<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = self.inner.fill_buf()?;
            if out.is_empty() {
                return Ok(0);
            }
            if input.is_empty() {
                if self.finished {
                    return Ok(0);
                }
                self.finished = true;
                if self.last.is_none_or(|last| last == b'\n') {
                    return Ok(0);
                }
                out[0] = b'\n';
                self.last = Some(b'\n');
                return Ok(1);
            }
            let n = input.len().min(out.len());
            let input = &input[..n];
            let simple = !self.after_cr
                && !matches!(self.state, State::Quoted | State::QuoteInQuoted)
                && !input.iter().any(|&b| b == b'"' || b == b'\r');
            let mut written = 0;
            if simple {
                let spaces = input.iter().rev().take_while(|&&b| b == b' ').count();
                let text = if self.delimiter == b' ' { n } else { n - spaces };
                self.line += input.split(|&b| b == b'\n').count() as u64 - 1;
                self.row.add_plain(&input[..text], self.delimiter);
                if let Some(&last) = input[..text].last() {
                    self.state = if last == b'\n' || last == self.delimiter {
                        State::FieldStart
                    } else {
                        State::Plain
                    };
                    self.last = Some(last);
                }
                // A quote may follow the spaces at the end.
                written = if self.state.before_field(self.delimiter) { text } else { n };
                out[..written].copy_from_slice(&input[..written]);
            } else {
                // Copied because tracking quotes borrows all of `self`.
                let chunk = input.to_vec();
                for byte in chunk {
                    let byte = match byte {
                        b'\r' => {
                            self.after_cr = true;
                            b'\n'
                        }
                        b'\n' if self.after_cr => {
                            self.after_cr = false;
                            continue;
                        }
                        other => {
                            self.after_cr = false;
                            other
                        }
                    };
                    if byte == b' ' && self.state.before_field(self.delimiter) {
                        continue;
                    }
                    self.step(byte);
                    match self.state {
                        State::Quoted => self.row.bytes += 1,
                        _ => self.row.add_plain(&[byte], self.delimiter),
                    }
                    out[written] = byte;
                    written += 1;
                }
            }
            self.row.check(self.line)?;
            self.inner.consume(n);
            // Nothing is written if the chunk was only the LF of a CR LF, or spaces.
            if written > 0 {
                return Ok(written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// Reads through buffers of `size` bytes, so that every boundary is crossed once.
    fn normalised(text: &str, size: usize) -> (String, Option<u64>) {
        let mut reader = Normaliser::new(BufReader::with_capacity(size, text.as_bytes()), b',', 1);
        let mut out = String::new();
        reader.read_to_string(&mut out).unwrap();
        (out, reader.unclosed_quote())
    }

    #[test]
    fn line_endings_become_one_and_the_last_line_is_ended() {
        for size in 1..9 {
            for text in ["a,b\r\n1,2\r\n", "a,b\r1,2\r", "a,b\n1,2", "a,b\n1,2\n", "a,b\r1,2"] {
                assert_eq!(normalised(text, size), ("a,b\n1,2\n".into(), None), "{text:?} {size}");
            }
            assert_eq!(normalised("\r\r\n\n", size).0, "\n\n\n");
            assert_eq!(normalised("", size).0, "");
        }
    }

    #[test]
    fn a_quote_may_follow_spaces() {
        let text = "a, \"b,c\"\n  \"d\" ,e f , g\n \n1,  ";
        for size in 1..30 {
            let (found, open) = normalised(text, size);
            assert_eq!(open, None);
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .trim(csv::Trim::All)
                .from_reader(found.as_bytes());
            let rows: Vec<Vec<String>> = reader
                .records()
                .map(|row| row.unwrap().iter().map(str::to_owned).collect())
                .filter(|row: &Vec<String>| row.concat() != "")
                .collect();
            assert_eq!(rows, [vec!["a", "b,c"], vec!["d", "e f", "g"], vec!["1", ""]], "{size}");
        }
        let mut tabbed = Normaliser::new("a  \"b c\"\n".as_bytes(), b' ', 1);
        let mut out = String::new();
        tabbed.read_to_string(&mut out).unwrap();
        assert_eq!(out, "a  \"b c\"\n");
    }

    #[test]
    fn quotes_are_followed_as_the_parser_does() {
        for size in 1..9 {
            assert_eq!(normalised("a\n\"1,2\n3,4\n", size).1, Some(2));
            assert_eq!(normalised("a\r\n\r\n1,\"x\"\"\r\n3,4\r\n", size).1, Some(3));
            for closed in
                ["\"a,b\"\n", "\"a\"\"b\",c\n", "5\" pipe,1\n", "\"a\"b\",c\n", "\"\",\"\""]
            {
                assert_eq!(normalised(closed, size).1, None, "{closed:?} {size}");
            }
        }
    }
}
