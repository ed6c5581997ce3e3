//! The text form of views.

use std::fmt;
use std::str::FromStr;

use crate::span::{COLUMNS, ROWS, Span};
use crate::view::{Noise, Patches};
use crate::{Colour, DataError, View};

const KNOWN: &str = "whole, top_half, bottom_half, left_half, right_half (each with :+N for N lines \
                     more), even_rows, odd_rows, even_columns, odd_columns, rows:A..B, columns:A..B, \
                     lab, lab_scaled, channels:A,B,…, pool:N, patches:HxW, patches:HxW/STRIDE, noise:SD; \
                     joined by +, at most one of a kind";

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every field by name, so that none is forgotten.
        let Self { rows, columns, colour, channels, pool, patches, noise } = self;
        let channels = channels.as_ref().map(|channels| {
            let list: Vec<String> = channels.iter().map(usize::to_string).collect();
            format!("channels:{}", list.join(","))
        });
        let patches = patches.map(|Patches { height, width, strides }| {
            let size = format!("patches:{height}x{width}");
            match strides {
                strides if strides == (height, width) => size,
                (down, right) if down == right => format!("{size}/{down}"),
                (down, right) => format!("{size}/{down}x{right}"),
            }
        });
        let terms = [
            rows.text(&ROWS),
            columns.text(&COLUMNS),
            colour.map(|colour| colour.name().to_owned()),
            channels,
            pool.map(|side| format!("pool:{side}")),
            patches,
            noise.map(|Noise(sd)| format!("noise:{sd}")),
        ];
        let terms: Vec<String> = terms.into_iter().flatten().collect();
        f.write_str(if terms.is_empty() { "whole".into() } else { terms.join("+") }.as_str())
    }
}

impl FromStr for View {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unknown =
            || DataError::UnknownName { what: "view", found: text.into(), known: KNOWN.into() };
        if text == "whole" {
            return Ok(Self::whole());
        }
        let mut view = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            // The + of a half's lines follows a colon; any other one ends a term.
            let end =
                rest.match_indices('+').map(|(at, _)| at).find(|&at| !rest[..at].ends_with(':'));
            let (term, next) = end.map_or((rest, None), |at| (&rest[..at], Some(&rest[at + 1..])));
            view.add(term).ok_or_else(unknown)?;
            rest = match next {
                Some("") => return Err(unknown()),
                Some(next) => next,
                None => "",
            };
        }
        if view == Self::default() { Err(unknown()) } else { Ok(view) }
    }
}

impl View {
    /// Adds one term of a view's text; `None` if there is no such term, or one of its kind is
    /// already present.
    fn add(&mut self, term: &str) -> Option<()> {
        let (name, argument) = term.split_once(':').unwrap_or((term, ""));
        let colour = Colour::ALL.into_iter().find(|colour| colour.name() == term);
        if let Some(span) = Span::parse(name, argument, &ROWS) {
            (std::mem::replace(&mut self.rows, span) == Span::All).then_some(())
        } else if let Some(span) = Span::parse(name, argument, &COLUMNS) {
            (std::mem::replace(&mut self.columns, span) == Span::All).then_some(())
        } else if colour.is_some() {
            set(&mut self.colour, colour)
        } else {
            match name {
                "channels" => {
                    let items = argument.split(',').map(|item| item.parse().ok());
                    set(&mut self.channels, items.collect())
                }
                "pool" => set(&mut self.pool, argument.parse().ok()),
                "patches" => set(&mut self.patches, patches(argument)),
                "noise" => set(&mut self.noise, argument.parse().ok().map(Noise)),
                _ => None,
            }
        }
    }
}

/// Fills an empty slot with a parsed value.
fn set<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
    let value = value?;
    slot.replace(value).is_none().then_some(())
}

fn patches(text: &str) -> Option<Patches> {
    let pair = |text: &str| -> Option<(usize, usize)> {
        let (down, right) = text.split_once('x')?;
        Some((down.parse().ok()?, right.parse().ok()?))
    };
    let (size, stride) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let (height, width) = pair(size)?;
    let strides = match stride {
        None => (height, width),
        Some(text) => pair(text).or_else(|| text.parse().ok().map(|stride| (stride, stride)))?,
    };
    Some(Patches { height, width, strides })
}

impl TryFrom<String> for View {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<View> for String {
    fn from(view: View) -> Self {
        view.to_string()
    }
}
