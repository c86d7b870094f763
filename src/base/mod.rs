//! The ground floor: digests, ids, the clock, paths, and text that is safe to show.
//!
//! Invariants: no module here knows what a run or a call is; nothing here does I/O except
//! `paths` (which looks for folders) and `SystemClock`. Everybody may use this floor.

pub mod clock;
pub mod digest;
pub mod ids;
pub mod paths;
pub mod text;
