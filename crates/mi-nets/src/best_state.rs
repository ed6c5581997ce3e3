/// The state with the highest score so far, such as the parameters that did best on validation
/// rows. For a loss, the score is its negative.
///
/// ```
/// use mi_nets::BestState;
///
/// let mut best = BestState::new();
/// let scores = [0.2, 0.7, 0.7, f64::NAN, 0.5];
/// let kept = scores.into_iter().zip("abcde".chars()).map(|(score, state)| best.offer(score, || state));
/// assert_eq!(kept.collect::<Vec<_>>(), [true, true, false, false, false]);
/// assert_eq!(best.into_inner(), Some((0.7, 'b')));
/// ```
#[derive(Clone, Debug)]
pub struct BestState<S> {
    best: Option<(f64, S)>,
}

impl<S> Default for BestState<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> BestState<S> {
    /// No state yet.
    pub fn new() -> Self {
        Self { best: None }
    }

    /// Keeps a state if its score is higher than all earlier ones, and returns whether it did. The
    /// first state is kept whatever its score; NaN is lower than any number. `state` is called only
    /// if its result is kept.
    pub fn offer(&mut self, score: f64, state: impl FnOnce() -> S) -> bool {
        let kept = self
            .best
            .as_ref()
            .is_none_or(|&(best, _)| score > best || (best.is_nan() && !score.is_nan()));
        if kept {
            self.best = Some((score, state()));
        }
        kept
    }

    /// The best state.
    pub fn state(&self) -> Option<&S> {
        self.best.as_ref().map(|(_, state)| state)
    }

    /// The best state with its score; `None` if no state was offered.
    pub fn into_inner(self) -> Option<(f64, S)> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::BestState;

    #[test]
    fn the_first_state_counts_even_without_a_number() {
        let mut best = BestState::new();
        assert!(best.offer(f64::NAN, || 'a'));
        assert!(!best.offer(f64::NAN, || 'b'));
        assert_eq!(best.state(), Some(&'a'));
        assert!(best.offer(f64::NEG_INFINITY, || 'c'));
        assert!(!best.offer(f64::NEG_INFINITY, || 'd'));
        assert_eq!(best.into_inner(), Some((f64::NEG_INFINITY, 'c')));
    }
}
