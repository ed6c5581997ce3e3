use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::error::CliError;
use crate::messages::{Messages, Warning};
use crate::words::steers;

/// The version of the JSON output. It changes when a field is renamed, removed or means
/// something else; new fields do not change it.
pub const SCHEMA: &str = "mi/1";

/// The first and last fields of every JSON result.
#[derive(Serialize)]
struct Envelope<'a, T> {
    schema: &'static str,
    version: &'static str,
    command: &'static str,
    #[serde(flatten)]
    body: T,
    notes: &'a [String],
    warnings: &'a [Warning],
}

/// Writes a result as one JSON object, with its notes and warnings.
///
/// # Errors
/// If standard output cannot be written.
pub fn write_json<T: Serialize>(
    out: &mut dyn Write,
    command: &'static str,
    body: T,
    messages: &Messages,
) -> Result<(), CliError> {
    let envelope = Envelope {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command,
        body,
        notes: messages.notes(),
        warnings: messages.warnings(),
    };
    // serde_json wraps the writer's error; its kind shows a closed pipe.
    pretty(out, &envelope).map_err(|error| CliError::from_stdout(error.into()))?;
    out.write_all(b"\n").map_err(CliError::from_stdout)
}

fn pretty(out: &mut dyn Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Plain(PrettyFormatter::new())))
}

/// Pretty JSON whose texts cannot control a terminal: characters that `serde_json` writes unchanged
/// (DEL, C1 controls, changes of direction) are also escaped, so that no text is lost.
struct Plain<'a>(PrettyFormatter<'a>);

/// Methods of the formatter that are not changed.
macro_rules! as_before {
    ($($method:ident($($name:ident: $kind:ty),*);)*) => {
        $(fn $method<W: ?Sized + Write>(&mut self, writer: &mut W $(, $name: $kind)*) -> io::Result<()> {
            self.0.$method(writer $(, $name)*)
        })*
    };
}

impl Formatter for Plain<'_> {
    as_before! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((place, odd)) = rest.char_indices().find(|(_, c)| steers(*c)) {
            writer.write_all(&rest.as_bytes()[..place])?;
            for unit in odd.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[place + odd.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        pretty(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_the_same_and_steer_nothing() {
        let odd = "a\u{9b}31mb\u{7f}\u{202e}c\u{85}\u{1b}[2J\n\"\\é👩";
        let value = json!({ odd: [odd] });
        let text = written(&value);
        assert!(!text.contains(|c| c != '\n' && steers(c)), "{text}");
        assert!(
            text.contains("a\\u009b31mb\\u007f\\u202ec\\u0085") && text.contains("é👩"),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn all_else_is_as_serde_json_writes_it() {
        let value =
            json!({"a": [], "b": {}, "c": [1, -0.5, null, [true, {"d": "e\tf"}]], "": 1e300});
        assert_eq!(written(&value), serde_json::to_string_pretty(&value).unwrap());
    }
}
