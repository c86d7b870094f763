//! The ground floor: digests, ids, the clock, paths, text that is safe to show, JSON as people type it, and
//! TOML with its lines.
//!
//! Invariants: no module here knows what a run or a call is; nothing here does I/O except
//! `paths` (which looks for folders), `whole` (which writes files), the key of `secrets` and `SystemClock`. Everybody may use this floor.

pub mod clock;
pub mod digest;
pub mod ids;
pub mod json;
pub mod located;
pub mod paths;
pub mod secrets;
pub mod text;
pub mod whole;
