//! Experiments of 'On Mutual Information Maximization for Representation Learning' (Tschannen et al., 2020).
