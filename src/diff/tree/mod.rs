//! Run against run: the two call trees as one tree with marks.
//!
//! Calls are paired by what they are, not by their numbers, so an inserted call does not shift what follows:
//!
//! - `shape`: a run's calls as a tree of labels, inputs and digests of whole subtrees
//! - `align`: which node of one tree is which node of the other, at the least cost
//! - `sequence`: the same for two lists of siblings
//! - `cost`: what a difference costs, and which calls have moved
//! - `improve`: cheaper alignments than those from the roots down, over `pairs` that can be taken back
//! - `merge`: both trees as one, with what differs in each pair
//! - `causes`: differences that nothing before explains, and what follows from them
//! - `noise`: which of those differences follow from noise alone
//!
//! Invariant: each call of either run stands in the merged tree exactly once.

mod align;
mod causes;
mod cost;
mod improve;
mod merge;
mod noise;
mod pairs;
mod sequence;
mod shape;

pub use causes::{Cause, Role};
pub use merge::{Differs, Merged, Pair, PairKind, merge};

#[cfg(test)]
#[path = "planted_tests.rs"]
mod planted_tests;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
