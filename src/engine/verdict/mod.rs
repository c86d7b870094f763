//! What an edit will cost, before anything runs: a recorded run judged against the code and files of now.
//!
//! - `walk`: a replay that executes nothing, by the rules of [`super::replay`]
//! - `cost`: what the calls that would execute cost when they were recorded
//! - `effects`: which functions may act on the world in the replay that follows
//! - `parts`: which definitions made a function's code another one
//! - `judge`: keeps what it read between two saves
//!
//! Invariant: what stands as `holds` here is served by the replay that follows, when the code that executes does what
//! it did; what stands as executing is not served. `tests/verdict.rs` compares.

mod cost;
mod effects;
mod judge;
mod parts;
mod walk;

pub use judge::{Attended, Judge, JudgeError, Search};

#[cfg(test)]
mod tests;
