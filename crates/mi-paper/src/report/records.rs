//! The records as a download.

use std::fmt::Write as _;

use crate::outcome::Outcome;

/// Larger records are not included in the page, which then only links to their file.
const MAX_BYTES: usize = 256 * 1024;

/// The records as CSV, if they are small enough to be part of a page.
pub(crate) fn embedded(outcome: &Outcome) -> Option<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in &outcome.records {
        writer.serialize(record).ok()?;
        if writer.get_ref().len() > MAX_BYTES {
            return None;
        }
    }
    let bytes = writer.into_inner().ok()?;
    let csv = String::from_utf8(bytes).ok()?;
    (!csv.is_empty() && csv.len() <= MAX_BYTES).then_some(csv)
}

/// A text as a `data:` URI.
pub(crate) fn data_uri(media_type: &str, text: &str) -> String {
    let mut uri = format!("data:{media_type};charset=utf-8,");
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b',' | b'=' => {
                uri.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_no_character_that_ends_them() {
        assert_eq!(
            data_uri("text/csv", "a,b\n\"−1\"#"),
            "data:text/csv;charset=utf-8,a,b%0A%22%E2%88%921%22%23"
        );
    }
}
