//! tl-bench: durable, replayable runs of Tensorlake-style Python applications.
//!
//! The floors, lowest first; each uses only lower ones (`tests/floors.rs` checks it).
//! See ARCHITECTURE.md for the map.

pub mod base;
pub mod value;
pub mod model;
pub mod diff;
pub mod source;
pub mod proto;
pub mod store;
pub mod find;
pub mod python;
pub mod engine;
pub mod watch;
pub mod app;
pub mod ui;
pub mod tui;
pub mod cli;
