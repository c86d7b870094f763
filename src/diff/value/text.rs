//! The differences of two texts: by line, and by word within lines that changed.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// How long a comparison may take before it becomes coarser.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// In both.
    Same,
    /// In the first only.
    Removed,
    /// In the second only.
    Added,
}

/// A piece of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// The text, unsanitised.
    pub text: String,
    /// Whether it is what differs from the line that it replaces, or replaced it.
    pub differs: bool,
}

/// A line, without its line break.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// Its number in the first text, from 1.
    pub old: Option<usize>,
    /// Its number in the second text, from 1.
    pub new: Option<usize>,
    /// Its pieces.
    pub spans: Vec<Span>,
}

/// The changed lines with `context` lines around them; groups are separated by where numbers jump.
pub fn lines(old: &str, new: &str, context: usize) -> Vec<Line> {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    let mut out = Vec::new();
    for group in diff.grouped_ops(context) {
        for op in &group {
            for change in diff.iter_inline_changes(op) {
                let kind = match change.tag() {
                    ChangeTag::Equal => LineKind::Same,
                    ChangeTag::Delete => LineKind::Removed,
                    ChangeTag::Insert => LineKind::Added,
                };
                let mut spans: Vec<Span> = Vec::new();
                for (differs, text) in change.iter_strings_lossy() {
                    let text = text.trim_end_matches(['\n', '\r']);
                    if !text.is_empty() {
                        spans
                            .push(Span { text: text.to_owned(), differs: differs && kind != LineKind::Same });
                    }
                }
                out.push(Line {
                    kind,
                    old: change.old_index().map(|at| at + 1),
                    new: change.new_index().map(|at| at + 1),
                    spans,
                });
            }
        }
    }
    out
}

/// A unified diff, empty when the texts are equal.
pub fn patch(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    if old == new {
        return String::new();
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    diff.unified_diff().context_radius(3).header(old_name, new_name).to_string()
}
