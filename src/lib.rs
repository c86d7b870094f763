//! tl-bench: durable, replayable runs of Tensorlake-style Python applications.
//!
//! The floors, lowest first; each uses only lower ones (`tests/floors.rs` checks it).
//! See ARCHITECTURE.md for the map.

pub mod base;
