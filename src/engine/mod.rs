//! Runs: scheduler, replay plan, worker pool. Knows no terminal.
//!
//! [`core::Core`] decides (no I/O), [`replay`] says what may be served, [`local`] makes it happen: worker processes,
//! sockets, the store's writer. Callers start a run with [`run::start`] and follow its events.

pub mod changed;
pub mod checkpoints;
pub mod closures;
pub mod code;
pub mod coder;
pub mod core;
mod early;
pub mod exec;
pub mod explain;
pub mod files;
pub mod folder;
pub mod frames;
pub mod golden;
pub mod local;
mod peer;
mod prefetch;
pub mod packages;
pub mod project;
pub mod recorder;
pub mod replay;
pub mod rules;
pub mod run;
mod samples;
pub mod secrets;
pub mod step;
pub mod suggest;
pub mod today;
pub mod track;
pub mod values;
pub mod verdict;
mod watched;
mod worker;

pub use self::core::{Effects, Ending, InDoubt};
pub use early::Early;
pub use run::{RunHandle, RunSpec, StartError, start, start_early, start_stepping};
