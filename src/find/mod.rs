//! Finding things in what was recorded: the texts inside stored values for filters, and full-text search.
//!
//! [`SearchIndex::open`](crate::store::SearchIndex::open), then [`update`], then [`search`]: the index is brought up to
//! date when somebody searches, never while a run records. All of it reads the disk: use a thread that may block.
//!
//! Invariants: nothing here writes what a run recorded; what is shown of a match is read from the store, verified; a
//! value that cannot be read is reported, never taken for an empty one.

mod index;
mod leaks;
mod search;
mod values;
mod words;

#[cfg(test)]
mod tests;

pub use index::{Progress, Updated, forget_gone, update};
pub use leaks::{Leak, Leaks, leaks};
pub use search::{Ended, Hit, Hits, search, search_each};
pub use values::{StoreNodes, StoreValues};
pub use words::{Snippet, Words};
