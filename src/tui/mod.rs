//! The terminal: guard, input, the loop, the effect interpreter.
//!
//! [`run::run`] is the way in; it is given a [`backend::Backend`] (the engine and the store as the workbench
//! needs them). Only this floor names crossterm and tokio. Invariants: the terminal is restored on every way out
//! (return, error, panic, SIGTERM, SIGHUP); nothing blocks the loop; when nothing happens the loop sleeps without
//! a timer; at most one frame is drawn in 16 ms.

pub mod backend;
mod child;
mod clipboard;
mod effects;
#[cfg(test)]
pub mod fake;
pub mod guard;
pub mod graphics;
mod input;
pub mod plain;
#[cfg(test)]
mod pty_tests;
pub mod run;
mod screen;

pub use backend::Backend;
pub use run::{Options, Outcome, run};
