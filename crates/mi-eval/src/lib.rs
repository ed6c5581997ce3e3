//! Representation probes: scalers, multinomial logistic regression, Jacobian conditioning.
