//! Chooses columns by name, number, range or pattern.
//!
//! A selection is a list separated by commas; each part is one of these, tried in order:
//!
//! | part | chooses |
//! | --- | --- |
//! | `age` | the column with that name, whatever characters it contains |
//! | `3` | the third column (numbers count from 1) |
//! | `a:c`, `2:5`, `3:`, `:b` | from one column to another, both included |
//! | `temp_*`, `x?` | every column whose name matches (`*` any text, `?` one character) |
//!
//! A name that contains a comma is written in double quotes, or given in a separate option.

use crate::words::cut;

/// Why a selection is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// A part matches no column.
    #[error("no {thing} `{part}`{hint}; the {thing}s are {names}")]
    Unknown {
        /// What is chosen, such as `column`.
        thing: &'static str,
        /// The part.
        part: String,
        /// A similar name.
        hint: String,
        /// The existing names.
        names: String,
    },
    /// Several columns have the name.
    #[error("{count} {thing}s are called `{name}`; choose by number: {numbers}")]
    Ambiguous {
        /// What is chosen, such as `column`.
        thing: &'static str,
        /// The name.
        name: String,
        /// How many columns have it.
        count: usize,
        /// Their numbers.
        numbers: String,
    },
    /// A column number is 0 or too large.
    #[error("no {thing} number {number}; {thing}s are numbered from 1 to {count}")]
    Number {
        /// What is chosen, such as `column`.
        thing: &'static str,
        /// The number.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// A range runs backwards.
    #[error("the range `{part}` runs backwards: `{end}` comes before `{start}`")]
    Backwards {
        /// The range.
        part: String,
        /// The name of its first column.
        start: String,
        /// The name of its last column.
        end: String,
    },
    /// A selection with nothing in it.
    #[error("the selection is empty")]
    Empty,
}

/// What is chosen, unless an error is told otherwise by [`SelectError::of`].
const COLUMN: &str = "column";

impl SelectError {
    /// The same error about other things than columns.
    pub fn of(mut self, what: &'static str) -> Self {
        match &mut self {
            Self::Unknown { thing, .. }
            | Self::Ambiguous { thing, .. }
            | Self::Number { thing, .. } => *thing = what,
            Self::Backwards { .. } | Self::Empty => {}
        }
        self
    }
}

/// The indices (from 0) of the columns that `selection` chooses, in the order in which it names
/// them, each once.
///
/// # Errors
/// If a part matches no column, or a name matches several.
pub fn select(selection: &str, names: &[String]) -> Result<Vec<usize>, SelectError> {
    if let Some(index) = by_name(selection.trim(), names)? {
        return Ok(vec![index]);
    }
    let mut chosen: Vec<usize> = Vec::new();
    for part in parts(selection) {
        for index in one_part(&part, names)? {
            if !chosen.contains(&index) {
                chosen.push(index);
            }
        }
    }
    if chosen.is_empty() { Err(SelectError::Empty) } else { Ok(chosen) }
}

/// The parts between commas; a part in double quotes may contain commas.
fn parts(selection: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in selection.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn one_part(part: &str, names: &[String]) -> Result<Vec<usize>, SelectError> {
    if let Some(index) = by_name(part, names)? {
        return Ok(vec![index]);
    }
    if let Some(index) = by_number(part, names)? {
        return Ok(vec![index]);
    }
    // Names may contain colons themselves, so every colon is tried before one is refused.
    let mut refused = None;
    for (at, _) in part.match_indices(':') {
        let end = |text: &str, open: usize| match text.trim() {
            "" => Ok(Some(open)),
            text => match by_name(text, names)? {
                None => by_number(text, names),
                named => Ok(named),
            },
        };
        let last = names.len().saturating_sub(1);
        let ends = end(&part[..at], 0)
            .and_then(|start| Ok(start.zip(end(&part[at + 1..], last)?)))
            .unwrap_or_else(|error| {
                refused.get_or_insert(error);
                None
            });
        if let Some((start, end)) = ends {
            if start > end {
                return Err(SelectError::Backwards {
                    part: part.to_owned(),
                    start: names[start].clone(),
                    end: names[end].clone(),
                });
            }
            return Ok((start..=end).collect());
        }
    }
    if part.contains(['*', '?']) {
        let pattern: Vec<char> = part.chars().collect();
        let matching: Vec<usize> = (0..names.len())
            .filter(|&i| matches(&pattern, &names[i].chars().collect::<Vec<_>>()))
            .collect();
        if !matching.is_empty() {
            return Ok(matching);
        }
    }
    Err(refused.unwrap_or_else(|| SelectError::Unknown {
        thing: COLUMN,
        part: cut(part),
        hint: nearest(part, names)
            .map_or_else(String::new, |name| format!(" (did you mean `{}`?)", cut(name))),
        names: listed(names),
    }))
}

/// The index of the column with this name, if there is one.
pub(crate) fn by_name(name: &str, names: &[String]) -> Result<Option<usize>, SelectError> {
    let found: Vec<usize> = (0..names.len()).filter(|&i| names[i] == name).collect();
    match found[..] {
        [] => Ok(None),
        [index] => Ok(Some(index)),
        _ => Err(SelectError::Ambiguous {
            thing: COLUMN,
            name: cut(name),
            count: found.len(),
            numbers: found.iter().map(|i| (i + 1).to_string()).collect::<Vec<_>>().join(", "),
        }),
    }
}

fn by_number(text: &str, names: &[String]) -> Result<Option<usize>, SelectError> {
    match text.parse::<usize>() {
        Ok(number) if (1..=names.len()).contains(&number) => Ok(Some(number - 1)),
        Ok(number) => Err(SelectError::Number { thing: COLUMN, number, count: names.len() }),
        Err(_) => Ok(None),
    }
}

/// Whether a name matches a pattern. Iterative, with one backtracking point: the usual recursion
/// takes exponential time on patterns like `*a*a*a*b`.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after_star, from)) = back else { return false };
                back = Some((after_star, from + 1));
                p = after_star;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// The names, shortened if there are many.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| cut(name)).collect();
    let more = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}

/// The name closest to a mistyped one, if any is close.
fn nearest<'a>(part: &str, names: &'a [String]) -> Option<&'a str> {
    let part = part.to_lowercase();
    let near = names.iter().map(|name| (distance(&part, &name.to_lowercase()), name));
    let (changes, name) = near.min_by_key(|(changes, _)| *changes)?;
    (3 * changes <= part.chars().count().max(3)).then_some(name)
}

/// The Levenshtein distance of two texts.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replace = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_numbers_ranges_and_patterns() {
        let names = names(&["a", "b", "c", "temp_1", "temp_2", "petal length (cm)"]);
        let chosen = |text| select(text, &names).unwrap();
        assert_eq!(chosen("c,a"), [2, 0]);
        assert_eq!(chosen("1,3"), [0, 2]);
        assert_eq!(chosen("a:c"), [0, 1, 2]);
        assert_eq!(chosen("2:4"), [1, 2, 3]);
        assert_eq!(chosen("5:"), [4, 5]);
        assert_eq!(chosen(":b"), [0, 1]);
        assert_eq!(chosen("temp_*"), [3, 4]);
        assert_eq!(chosen("?"), [0, 1, 2]);
        assert_eq!(chosen("*,a"), [0, 1, 2, 3, 4, 5]);
        assert_eq!(chosen("petal length (cm)"), [5]);
        assert_eq!(chosen(" a , b "), [0, 1]);
    }

    #[test]
    fn any_header_text_can_be_named() {
        let names = names(&["x,y", "t:1", "3", "a*", "p?"]);
        assert_eq!(select("x,y", &names).unwrap(), [0]);
        assert_eq!(select("\"x,y\",t:1", &names).unwrap(), [0, 1]);
        assert_eq!(select("3", &names).unwrap(), [2]);
        assert_eq!(select("a*", &names).unwrap(), [3]);
        assert_eq!(select("t:1:a*", &names).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn the_ends_of_a_range_may_be_names_with_digits_and_colons() {
        let years = names(&["2019", "2020", "2021", "y"]);
        assert_eq!(select("2019:2021", &years).unwrap(), [0, 1, 2]);
        assert_eq!(select("2020:", &years).unwrap(), [1, 2, 3]);
        assert_eq!(select("2:2021", &years).unwrap(), [1, 2]);
        let error = select("2:2022", &years).unwrap_err().to_string();
        assert!(error.starts_with("no column number 2022"), "{error}");
        let times = names(&["08:00", "09:00", "10:00"]);
        assert_eq!(select("08:00:10:00", &times).unwrap(), [0, 1, 2]);
        assert_eq!(select("09:00:3", &times).unwrap(), [1, 2]);
    }

    #[test]
    fn mistakes_are_named_with_a_way_out() {
        let names = names(&["age", "height", "age"]);
        let error = |text| select(text, &names).unwrap_err().to_string();
        assert_eq!(error("age"), "2 columns are called `age`; choose by number: 1, 3");
        assert_eq!(
            error("heigth"),
            "no column `heigth` (did you mean `height`?); the columns are age, height, age"
        );
        assert_eq!(error("4"), "no column number 4; columns are numbered from 1 to 3");
        assert_eq!(error("0"), "no column number 0; columns are numbered from 1 to 3");
        assert!(error("3:1").contains("runs backwards"));
        assert!(error("z*").contains("no column `z*`"));
        assert_eq!(error(" , "), "the selection is empty");
    }

    #[test]
    fn patterns_with_many_stars_end_soon() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert!(!matches(&chars("*a*a*a*a*a*a*a*a*b"), &chars(&"a".repeat(2000))));
        assert!(matches(&chars("a*b*c"), &chars("axxbyyc")));
        assert!(!matches(&chars("a?c"), &chars("ac")));
    }
}
