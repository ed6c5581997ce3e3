//! The readers, on files as they occur: packed, renamed, truncated, swapped, or of another kind.

#[cfg(test)]
mod cifar;
#[cfg(test)]
mod files;
#[cfg(test)]
mod folder;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod idx;
