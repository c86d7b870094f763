//! The real binary from outside: applications with real packages, the workbench on a terminal, the examples, scripts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod canary;
mod compare;
mod edits;
mod exec;
mod finding;
mod forking;
mod formatters;
mod huge;
#[cfg(feature = "images")]
mod images;
mod lens;
mod openai;
mod packages;
mod plain;
mod pointing;
mod project;
mod report;
mod server;
mod stepping;
mod stepping_moves;
mod tabs;
mod terminal;
mod values;
mod wait;
mod window;
mod workbench;
mod workspaces;
