//! Random programs, random edits, and real execution as the judge of what they invalidate.
//!
//! A program is made of definitions of all kinds that use each other across modules (`model`, `make`), written as
//! Python (`render`, `items`), run by Python (`truth`), edited at one place or written with noise, and run again.
//! When a function did something else with equal inputs and its code digest stayed equal, a replay would have
//! served a wrong result: the test fails and prints the smallest program that it finds. When noise changed a digest,
//! a comment would have cost money: the test fails, too. Digests that changed though no output did are counted.
//!
//! `ORACLE_SEEDS=1000..3000 cargo test --release --test oracle -- --nocapture` for the long form.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod digests;
mod items;
mod make;
mod model;
mod render;
mod replays;
mod saves;
#[path = "../support/mod.rs"]
mod support;
mod truth;
