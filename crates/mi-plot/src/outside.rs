//! Counts values that an axis does not show, so that the chart can say so.

use crate::axis::Place;
use crate::text;

/// Values outside an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outside {
    below: (usize, f64),
    above: (usize, f64),
    missing: usize,
}

impl Outside {
    pub(crate) fn add(&mut self, value: f64, place: Place) {
        match place {
            Place::Inside(_) => {}
            Place::Below(_) => {
                let least = if self.below.0 == 0 { value } else { self.below.1.min(value) };
                self.below = (self.below.0 + 1, least);
            }
            Place::Above(_) => {
                let greatest = if self.above.0 == 0 { value } else { self.above.1.max(value) };
                self.above = (self.above.0 + 1, greatest);
            }
            Place::Nowhere => self.missing += 1,
        }
    }

    /// Notes on a vertical axis: one sentence for each kind of value that it does not show.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.sentences([("▼", "below"), ("▲", "above")])
    }

    /// The same for a horizontal axis, beyond which points are not drawn.
    pub(crate) fn notes_of_sides(&self) -> Vec<String> {
        self.sentences([("◀", "left of"), ("▶", "right of")])
    }

    fn sentences(&self, [low, high]: [(&str, &str); 2]) -> Vec<String> {
        let values = |n: usize| if n == 1 { "1 value".to_owned() } else { format!("{n} values") };
        let mut notes = Vec::new();
        for ((sign, word), extreme, (count, value)) in
            [(low, "least", self.below), (high, "greatest", self.above)]
        {
            if count > 0 {
                let value = text::number(value);
                let tail = if count == 1 { value } else { format!("{extreme} {value}") };
                notes.push(format!("{sign} {} {word} the axis: {tail}.", values(count)));
            }
        }
        if self.missing > 0 {
            let verb = if self.missing == 1 { "is" } else { "are" };
            notes.push(format!("{} {verb} not a number and not drawn.", values(self.missing)));
        }
        notes
    }
}
