//! The mi command: mutual information of a person's own data.
