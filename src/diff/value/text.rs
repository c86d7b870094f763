//! The differences of two texts: by line, and by word within lines that changed.

use std::borrow::Cow;
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
    groups(old, new, context).into_iter().flatten().collect()
}

/// The same, group by group. Whether the last line ends with a line break makes no other line of it.
pub(super) fn groups(old: &str, new: &str, context: usize) -> Vec<Vec<Line>> {
    let [old, new] = [old, new].map(|text| match !text.is_empty() && !text.ends_with('\n') {
        true => Cow::Owned(format!("{text}\n")),
        false => Cow::Borrowed(text),
    });
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&*old, &*new);
    let mut groups = Vec::new();
    for group in diff.grouped_ops(context) {
        let mut out = Vec::new();
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
        groups.push(out);
    }
    groups
}

/// A value as a file holds it, so that patches fit such files: a text as it is, anything else as JSON.
pub fn as_file(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        json => format!("{}\n", serde_json::to_string_pretty(json).unwrap_or_default()),
    }
}

/// The patch of one place of two runs, between values as [`as_file`] writes them. Values above `most` bytes have none:
/// `Err` says so. The texts are asked for only when both are small enough.
pub fn patch_of<E>(
    name: &str,
    sizes: [u64; 2],
    most: u64,
    texts: impl FnOnce() -> Result<[String; 2], E>,
) -> Result<Result<String, String>, E> {
    if sizes.iter().any(|size| *size > most) {
        return Ok(Err(format!("no patch for values of more than {}", crate::base::text::bytes(most))));
    }
    let [old, new] = texts()?;
    Ok(Ok(patch(&old, &new, &format!("a/{name}"), &format!("b/{name}"))))
}

/// A unified diff, empty when the texts are equal.
pub fn patch(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    if old == new {
        return String::new();
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    diff.unified_diff().context_radius(3).header(old_name, new_name).to_string()
}

/// What became of a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is in both, in its place.
    Same,
    /// It is in both, elsewhere.
    Moved,
    /// It is in the first only.
    Removed,
    /// It is in the second only.
    Added,
}

/// The sentences of two texts, in the order of the second; those that are gone stand where they stood.
pub fn sentences<'t>(old: &'t str, new: &'t str) -> Vec<(Fate, &'t str)> {
    let (a, b) = (split(old), split(new));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_slices(&a, &b);
    let mut out: Vec<(Fate, &str)> = Vec::new();
    for op in diff.ops() {
        let (tag, from, to) = op.as_tag_tuple();
        if tag != similar::DiffTag::Equal {
            out.extend(a[from].iter().map(|one| (Fate::Removed, *one)));
        }
        let fate = if tag == similar::DiffTag::Equal { Fate::Same } else { Fate::Added };
        out.extend(b[to].iter().map(|one| (fate, *one)));
    }
    // What is gone here and new there is one sentence that moved.
    for at in 0..out.len() {
        let (Fate::Added, text) = out[at] else { continue };
        if let Some(from) = out.iter().position(|(fate, other)| *fate == Fate::Removed && *other == text) {
            out[at].0 = Fate::Moved;
            // Its old place is kept as a mark that is taken out below.
            out[from].1 = "";
        }
    }
    out.retain(|(_, text)| !text.is_empty());
    out
}

/// A text in sentences: they end with a line, or with a mark that is followed by a blank.
fn split(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut from = 0;
        let mut ended = false;
        for (at, c) in line.char_indices() {
            if ended && c.is_whitespace() {
                out.push(line[from..at].trim());
                from = at;
            }
            ended = matches!(c, '.' | '!' | '?' | '…' | '。');
        }
        out.push(line[from..].trim());
    }
    out.retain(|one| !one.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_stay_move_come_and_go() {
        let old = "It is warm. Bring water.\nThe road is long. Rest often.";
        let new = "The road is long. It is warm. Take a hat.\nRest often.";
        let found = sentences(old, new);
        let of =
            |fate: Fate| -> Vec<&str> { found.iter().filter(|one| one.0 == fate).map(|one| one.1).collect() };
        assert_eq!(of(Fate::Added), ["Take a hat."]);
        assert_eq!(of(Fate::Removed), ["Bring water."]);
        assert_eq!((of(Fate::Moved).len(), of(Fate::Same).len()), (1, 2), "{found:?}");
        assert_eq!(split("v1.2 is out! Is it?  Yes"), ["v1.2 is out!", "Is it?", "Yes"]);
        assert!(sentences("", "").is_empty());
    }
}
