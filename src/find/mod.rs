//! Finding things in what was recorded: the texts inside stored values, for filters and for search.
//!
//! Reads the store through the value floor. Invariant: nothing here writes what a run recorded; a value that
//! cannot be read is reported, never taken for an empty one.

mod values;

pub use values::{StoreNodes, StoreValues};
