use super::error::TableError;
use crate::words::count;

/// Faults that were skipped, to be reported.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) first: Option<TableError>,
    count: usize,
}

impl Passed {
    /// Skips a fault, if allowed.
    pub(super) fn pass(&mut self, error: TableError, allowed: bool) -> Result<(), TableError> {
        if !allowed {
            return Err(error);
        }
        self.first.get_or_insert(error);
        self.count += 1;
        Ok(())
    }

    /// The message about them.
    pub(super) fn note(&self, thing: &str, fate: &str) -> Option<String> {
        let first = self.first.as_ref()?;
        let (count, verb) = (count(self.count, thing), if self.count == 1 { "is" } else { "are" });
        Some(format!("{first}; {count} like this {verb} {fate}"))
    }
}
