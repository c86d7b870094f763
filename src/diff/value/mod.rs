//! Value against value: what differs between two JSON views, by structure and with paths.
//!
//! Views keep Python's types (`1` and `1.0` differ, tuples and objects are tagged), so equal views mean equal
//! values as far as they are shown. The parts:
//!
//! - `path`: `messages[3].content`, and patterns over such paths
//! - `structure`: the differences of two trees
//! - `lists`: the differences of two lists: rows by their keys, other elements by what is common
//! - `order`: which elements of two lists stand for each other, moved, are new or gone
//! - `turns`: the differences of two conversations, message by message
//! - `media`: the differences of two images, or of bytes
//! - `text`: the differences of two texts, by line and by word within changed lines
//! - `hunks`: the same in pieces, each under what it is in: a heading, a class, a function
//! - `told`: differences in words, the same for every reader
//! - `spread`: how far several answers to one question are apart

mod hunks;
mod lists;
mod media;
mod order;
mod path;
mod spread;
mod structure;
mod text;
mod told;
mod turns;

pub use hunks::{Hunk, hunks, last_break};
pub use media::{ImageChange, ImageSide, Pixels, Stretch, Unit};
pub(in crate::diff) use media::{hexadecimal, images, stays_in_place};
pub use path::{Path, Pattern, PatternError, Step};
pub use spread::{Spread, distance};
pub(in crate::diff) use structure::compare_at;
pub use structure::{
    Change, ChangeKind, Detail, Differences, Hidden, Inside, Options, Within, compare, diff,
};
pub use text::{Fate, Line, LineKind, Span, as_file, lines, patch_of, sentences};
pub use told::{Sides, Told, hidden_words, told_all};
pub use turns::{PartChange, TurnChange};

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
