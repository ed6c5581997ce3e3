//! Mutual-information bounds and estimators: variational, nearest-neighbour and closed-form.
