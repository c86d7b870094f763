//! Value against value: what differs between two JSON views, by structure and with paths.
//!
//! Views keep Python's types (`1` and `1.0` differ, tuples and objects are tagged), so equal views mean equal
//! values as far as they are shown. The parts:
//!
//! - `path`: `messages[3].content`, and patterns over such paths
//! - `structure`: the differences of two trees
//! - `text`: the differences of two texts, by line and by word within changed lines
//! - `spread`: how far several answers to one question are apart

mod path;
mod spread;
mod structure;
mod text;

pub use path::{Path, Pattern, PatternError, Step};
pub use spread::{Spread, distance};
pub use structure::{Change, ChangeKind, Options, diff};
pub use text::{Fate, Line, LineKind, Span, lines, patch, sentences};

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
