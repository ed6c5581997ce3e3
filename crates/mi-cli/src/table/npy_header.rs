//! The header of an NPY array: `NumPy`'s format, versions 1 to 3.

use std::io::{self, Read};

/// How the numbers of an array are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dtype {
    pub(crate) number: Number,
    pub(crate) big_endian: bool,
}

/// The kinds of number that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Bool,
    Int(u8),
    Uint(u8),
    Float(u8),
}

impl Dtype {
    /// Bytes of one number.
    pub(crate) fn size(self) -> usize {
        match self.number {
            Number::Bool => 1,
            Number::Int(size) | Number::Uint(size) | Number::Float(size) => size.into(),
        }
    }

    /// `NumPy`'s name of the type.
    pub(crate) fn name(self) -> String {
        match self.number {
            Number::Bool => "bool".into(),
            Number::Int(size) => format!("int{}", u32::from(size) * 8),
            Number::Uint(size) => format!("uint{}", u32::from(size) * 8),
            Number::Float(size) => format!("float{}", u32::from(size) * 8),
        }
    }

    /// An integer of 8 bytes, which a double may not represent.
    pub(crate) fn whole(self, bytes: &[u8]) -> Option<i128> {
        let mut low_first: [u8; 8] = bytes.try_into().ok()?;
        if self.big_endian {
            low_first.reverse();
        }
        match self.number {
            Number::Int(8) => Some(i64::from_le_bytes(low_first).into()),
            Number::Uint(8) => Some(u64::from_le_bytes(low_first).into()),
            _ => None,
        }
    }

    /// One number as a double, from exactly [`Dtype::size`] bytes.
    pub(crate) fn decode(self, bytes: &[u8]) -> f64 {
        let mut low_first = [0; 8];
        let used = &mut low_first[..bytes.len().min(8)];
        used.copy_from_slice(&bytes[..used.len()]);
        if self.big_endian {
            used.reverse();
        }
        let bits = u64::from_le_bytes(low_first);
        match self.number {
            Number::Bool => f64::from(u8::from(bits != 0)),
            Number::Uint(_) => bits as f64,
            Number::Int(size) => {
                let unused = 64 - 8 * u32::from(size);
                ((bits << unused).cast_signed() >> unused) as f64
            }
            Number::Float(2) => half(bits as u16),
            Number::Float(4) => f32::from_bits(bits as u32).into(),
            Number::Float(_) => f64::from_bits(bits),
        }
    }
}

/// IEEE 754 binary16 as a double.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        exponent => sign * (1.0 + fraction) * 2_f64.powi(i32::from(exponent) - 15),
    }
}

/// The header of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) dtype: Dtype,
    pub(crate) fortran_order: bool,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) one_dimensional: bool,
    /// Bytes before the numbers.
    pub(crate) length: u64,
}

impl Header {
    /// Bytes of the numbers, unless that overflows.
    pub(crate) fn data_length(&self) -> Option<u64> {
        let count = (self.rows as u64).checked_mul(self.columns as u64)?;
        count.checked_mul(self.dtype.size() as u64)
    }

    /// Reads a header up to the first byte of the numbers.
    ///
    /// # Errors
    /// A sentence that says what is wrong and how to fix it.
    pub(crate) fn read(input: &mut dyn Read) -> Result<Self, String> {
        let mut start = [0; 8];
        exactly(input, &mut start)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err("not an NPY array".into());
        }
        let length_bytes = match start[6] {
            1 => 2,
            2 | 3 => 4,
            other => return Err(format!("NPY version {other} is not supported (1 to 3 are)")),
        };
        let mut length = [0; 4];
        exactly(input, &mut length[..length_bytes])?;
        let length = u32::from_le_bytes(length);
        // A dictionary of three entries; structured types may make it long, but not this long.
        if length > 1 << 20 {
            return Err(format!("a header of {length} bytes is not credible{RESAVE}"));
        }
        let mut text = vec![0; length as usize];
        exactly(input, &mut text)?;
        let mut header = Self::parse(&String::from_utf8_lossy(&text))?;
        header.length = 8 + length_bytes as u64 + u64::from(length);
        Ok(header)
    }

    /// Parses the dictionary.
    fn parse(text: &str) -> Result<Self, String> {
        let unreadable = || format!("its header is not readable{RESAVE}");
        let descr = entry(text, "descr").ok_or_else(unreadable)?;
        let order = entry(text, "fortran_order").ok_or_else(unreadable)?;
        let shape = entry(text, "shape").ok_or_else(unreadable)?;
        let dtype = dtype(descr)?;
        let fortran_order = if order.starts_with("True") {
            true
        } else if order.starts_with("False") {
            false
        } else {
            return Err(unreadable());
        };
        let inside =
            shape.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or_else(unreadable)?.0;
        let mut dims = Vec::new();
        for part in inside.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            dims.push(part.parse::<usize>().map_err(|_| unreadable())?);
        }
        let (rows, columns) = match dims[..] {
            [rows] => (rows, 1),
            [rows, columns] => (rows, columns),
            _ => {
                return Err(format!(
                    "an array of shape ({}) is not a table; one dimension (a column) or two (rows \
                     and columns) are read",
                    inside.trim()
                ));
            }
        };
        let one_dimensional = dims.len() == 1;
        Ok(Self { dtype, fortran_order, rows, columns, one_dimensional, length: 0 })
    }
}

const RESAVE: &str = "; save the array again with a current numpy.save";

fn exactly(input: &mut dyn Read, bytes: &mut [u8]) -> Result<(), String> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "the file ends inside its header; copy or save it again".into()
        }
        _ => format!("cannot be read: {error}"),
    })
}

/// The text that follows a key of the dictionary.
fn entry<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let quoted = ['\'', '"'].map(|quote| format!("{quote}{key}{quote}"));
    let at = quoted.iter().find_map(|q| text.find(q).map(|at| at + q.len()))?;
    Some(text[at..].trim_start().strip_prefix(':')?.trim_start())
}

/// The type that a `descr` names.
fn dtype(descr: &str) -> Result<Dtype, String> {
    if let Some(list) = descr.strip_prefix('[') {
        return Err(format!(
            "structured arrays are not supported (this one has the fields {}); save the fields as \
             the columns of a plain array",
            field_names(list).join(", ")
        ));
    }
    let quote = descr.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let name = quote.and_then(|quote| descr[1..].split_once(quote)).map(|(name, _)| name);
    let name = name.ok_or_else(|| format!("its header is not readable{RESAVE}"))?;
    let (order, kind) = match name.as_bytes().first() {
        Some(order @ (b'<' | b'>' | b'=' | b'|')) => (*order, &name[1..]),
        _ => (b'=', name),
    };
    let big_endian = order == b'>' || (order == b'=' && cfg!(target_endian = "big"));
    let number = match kind {
        "b1" => Number::Bool,
        "i1" => Number::Int(1),
        "i2" => Number::Int(2),
        "i4" => Number::Int(4),
        "i8" => Number::Int(8),
        "u1" => Number::Uint(1),
        "u2" => Number::Uint(2),
        "u4" => Number::Uint(4),
        "u8" => Number::Uint(8),
        "f2" => Number::Float(2),
        "f4" => Number::Float(4),
        "f8" => Number::Float(8),
        _ => {
            return Err(match kind.as_bytes().first() {
                Some(b'O') => {
                    "object arrays are not supported (they are Python pickles); save a numeric \
                     array"
                        .into()
                }
                Some(b'c') => {
                    "complex numbers are not supported; save the real and imaginary parts as columns"
                        .into()
                }
                Some(b'f') => "long doubles are not supported; save the array as float64".into(),
                Some(b'M' | b'm') => {
                    "dates and durations are not supported; save them as numbers".into()
                }
                Some(b'U' | b'S' | b'a') => {
                    "arrays of text are not supported; save the table as CSV".into()
                }
                _ => format!("numbers of type `{name}` are not supported"),
            });
        }
    };
    Ok(Dtype { number, big_endian })
}

/// The field names of a structured type, from the list of its tuples.
fn field_names(list: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut rest = list;
    while let Some(at) = rest.find(['(', ')', ']']) {
        let found = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match found {
            b'(' => {
                depth += 1;
                let named = rest.trim_start();
                let quote = named.chars().next().filter(|c| matches!(c, '\'' | '"'));
                if let (1, Some(quote)) = (depth, quote) {
                    names.extend(named[1..].split_once(quote).map(|(name, _)| name));
                }
            }
            b')' => depth -= 1,
            _ if depth == 0 => break,
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(descr: &str, shape: &str) -> Result<Header, String> {
        let order = "'fortran_order': False";
        Header::parse(&format!("{{'descr': {descr}, {order}, 'shape': {shape}, }}  \n"))
    }

    fn decode(name: &str, bytes: &[u8]) -> f64 {
        dtype(&format!("'{name}'")).unwrap().decode(bytes)
    }

    #[test]
    fn every_number_type_decodes_in_both_byte_orders() {
        assert_eq!(decode("|b1", &[1]), 1.0);
        assert_eq!(decode("|u1", &[200]), 200.0);
        assert_eq!(decode("|i1", &[0xff]), -1.0);
        for (kind, value) in [("2", -300_i64), ("4", -70_000), ("8", -5_000_000_000)] {
            let size: usize = kind.parse().unwrap();
            let mut bytes = value.to_le_bytes()[..size].to_vec();
            assert_eq!(decode(&format!("<i{kind}"), &bytes), value as f64);
            bytes.reverse();
            assert_eq!(decode(&format!(">i{kind}"), &bytes), value as f64);
        }
        assert_eq!(decode("<u8", &u64::MAX.to_le_bytes()), u64::MAX as f64);
        assert_eq!(decode(">u2", &[1, 2]), 258.0);
        assert_eq!(decode("<f4", &1.5_f32.to_le_bytes()), 1.5);
        assert_eq!(decode(">f8", &1.0_f64.to_be_bytes()), 1.0);
        assert_eq!(decode("<f8", &5e-324_f64.to_le_bytes()), 5e-324);
    }

    #[test]
    fn half_precision_follows_ieee_754() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2_f64.powi(-24)),
            (0x0400, 2_f64.powi(-14)),
            (0x3555, 0.333_251_953_125),
            (0x7c00, f64::INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits), value, "{bits:04x}");
        }
        assert!(half(0x7e00).is_nan());
        assert!(half(0x8000).is_sign_negative());
        assert_eq!(decode(">f2", &[0x3c, 0x00]), 1.0);
    }

    #[test]
    fn shapes_of_tables_are_read_and_others_named() {
        let header = parse("'<f8'", "(3, 4)").unwrap();
        assert_eq!((header.rows, header.columns, header.data_length()), (3, 4, Some(96)));
        assert_eq!(parse("'<f8'", "(5,)").unwrap().columns, 1);
        assert!(parse("'<f8'", "()").unwrap_err().contains("shape ()"));
        assert!(parse("'<f8'", "(2, 3, 4)").unwrap_err().contains("shape (2, 3, 4)"));
        assert!(parse("'<f8'", "(2L, 3L)").unwrap_err().contains("save the array again"));
        assert!(parse("'<f8'", "(np.int64(3),)").is_err());
        let absurd = parse("'<f8'", "(18446744073709551615, 3)").unwrap();
        assert_eq!(absurd.data_length(), None);
    }

    #[test]
    fn types_that_are_not_numbers_are_named() {
        let error = |descr| parse(descr, "(2,)").unwrap_err();
        assert!(error("'|O'").contains("object arrays are not supported"));
        assert!(error("[('a', '<f8'), ('b', '<f8', (2,))]").contains("the fields a, b)"));
        assert!(error("[('p', [('q', '<f8')]), (\"r's\", '<i4')]").contains("the fields p, r's)"));
        assert!(error("'<c16'").contains("complex"));
        assert!(error("'<f16'").contains("long doubles"));
        assert!(error("'<U3'").contains("text"));
        assert!(error("'<M8[ns]'").contains("dates"));
    }
}
