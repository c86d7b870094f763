//! The embedded Python runtime and how it gets to the user's interpreter.
//!
//! The runtime is a folder of ordinary Python files (`src/python/runtime`), embedded in the binary and installed
//! once per content into the user's cache folder. Invariant: a folder that exists under its hash is complete.

pub mod install;
pub mod interpreter;
mod pyenv;

pub use install::install;
pub use interpreter::{Interpreter, find};
