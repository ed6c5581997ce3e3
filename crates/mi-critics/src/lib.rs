//! Critics for variational mutual-information bounds: towers and pairings.
