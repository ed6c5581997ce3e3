//! The readers, on files as they are met: packed, renamed, cut off, swapped, or something else.

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
