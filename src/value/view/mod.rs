//! Values for eyes: JSON with type tags, and one-line previews.
//!
//! Both are bounded by their limits, not by the value, and total. Nothing is sanitised here: whoever draws text
//! on a terminal does that.

mod arrays;
pub(super) mod encoding;
mod instances;
mod json;
mod known;
mod preview;
mod texts;
mod times;

#[cfg(test)]
mod tests;

pub use encoding::{base64, from_base64};
pub use json::to_json;
pub(in crate::value) use json::{Viewer, tagged};
pub(in crate::value) use known::{short_name, type_name};
pub use preview::{preview, preview_arguments};
pub use texts::any_text;

/// How much of a value a view shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ViewLimits {
    /// Bytes of JSON in all, roughly.
    pub max_bytes: usize,
    /// Elements of one container.
    pub max_items: usize,
    /// Levels.
    pub max_depth: usize,
    /// Characters of one string; bytes of one byte string.
    pub max_string: usize,
}

impl Default for ViewLimits {
    fn default() -> Self {
        ViewLimits { max_bytes: 256 << 10, max_items: 1000, max_depth: 40, max_string: 20_000 }
    }
}

impl ViewLimits {
    /// Everything, as far as JSON readers follow (they stop at 128 levels).
    pub fn full() -> Self {
        ViewLimits { max_bytes: usize::MAX, max_items: usize::MAX, max_depth: 120, max_string: usize::MAX }
    }
}

/// What an instance of a known class means, as text: a date, a path, a decimal.
pub(in crate::value) fn scalar_text(object: &super::tree::Object) -> Option<String> {
    known::scalar(object).map(|(_, text)| text)
}

/// A value as JSON.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    /// The JSON.
    pub json: serde_json::Value,
    /// What is not shown, in words; `None` when everything is.
    pub cut: Option<String>,
}
