//! How two recorded values differ: path by path, with both sides in short.
//!
//! Pure. The comparison is that of `diff::value`; here it is cut to what a person reads. Not sanitised.

use serde::Serialize;
use serde_json::Value as Json;

use crate::diff::value::{ChangeKind, Options, diff};
use crate::value::Value;
use crate::value::view::{ViewLimits, to_json};

/// Differences that are listed.
pub const MOST: usize = 20;
/// Characters of a side.
const SIDE: usize = 60;
/// Characters that are shown before the place where two texts part.
const BEFORE: usize = 16;
/// Texts up to this size get a diff by lines.
const DIFF: usize = 64 << 10;

/// One difference.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ValueChange {
    /// Where: `messages[3].content`; empty for the whole value.
    pub path: String,
    /// What happened there.
    pub change: ChangeKind,
    /// Where it was, when it was renamed or moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The old side in short.
    pub old: Option<String>,
    /// The new side in short.
    pub new: Option<String>,
    /// Both sides line by line, when they are texts of several lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// How `new` differs from `old`: at most [`MOST`] differences.
pub fn differences(old: &Value, new: &Value) -> Vec<ValueChange> {
    let found = all(old, new);
    found
        .into_iter()
        .take(MOST)
        .map(|one| {
            let (old, new, diff) = match (&one.old, &one.new) {
                (Some(Json::String(a)), Some(Json::String(b))) if one.kind == ChangeKind::Changed => {
                    texts(a, b)
                }
                (old, new) => (old.as_ref().map(side), new.as_ref().map(side), None),
            };
            let from = one.from.map(|from| from.to_string());
            ValueChange { path: one.path.to_string(), change: one.kind, from, old, new, diff }
        })
        .collect()
}

/// How many places differ: the smaller, the more alike.
pub fn distance(old: &Value, new: &Value) -> usize {
    all(old, new).len()
}

fn all(old: &Value, new: &Value) -> Vec<crate::diff::value::Change> {
    let json = |value| to_json(value, &ViewLimits::full()).json;
    diff(&json(old), &json(new), &Options::default())
}

fn side(value: &Json) -> String {
    cut(&value.to_string(), 0)
}

fn cut(text: &str, from: usize) -> String {
    let shown: String = text.chars().skip(from).take(SIDE).collect();
    let left = if from > 0 { "…" } else { "" };
    let right = if text.chars().nth(from + SIDE).is_some() { "…" } else { "" };
    format!("{left}{shown}{right}")
}

/// Two texts around the place where they part, and line by line when they have several.
fn texts(old: &str, new: &str) -> (Option<String>, Option<String>, Option<String>) {
    let common = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).count();
    let quoted = |text: &str| {
        let from = if text.chars().nth(SIDE).is_some() { common.saturating_sub(BEFORE) } else { 0 };
        Some(format!("\"{}\"", cut(text, from)))
    };
    let several = |text: &str| text.trim_end().contains('\n');
    let lines = (several(old) || several(new)) && old.len() + new.len() <= DIFF;
    (quoted(old), quoted(new), lines.then(|| super::code::unified(old, new, 1, 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(old: Json, new: Json) -> Vec<ValueChange> {
        let value = |json| crate::value::from_plain_json(&json);
        differences(&value(old), &value(new))
    }

    #[test]
    fn differences_have_paths_and_both_sides() {
        let old = json!({"messages": [{"content": "a"}, {"content": "b"}], "n": 1});
        let new = json!({"messages": [{"content": "a"}, {"content": "c"}], "n": 1.0, "odd key": [null]});
        let words: Vec<String> = found(old.clone(), new).iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [r#"messages[1].content: "b" → "c""#, "n: 1 → 1.0", r#"["odd key"] was added: [null]"#]
        );
        assert!(found(old.clone(), old).is_empty());
    }

    #[test]
    fn long_texts_are_shown_where_they_part() {
        let long = |tail: &str| json!(format!("{}{tail}", "x".repeat(200)));
        let one = &found(long(" in spring"), long(" in autumn"))[0];
        assert_eq!(one.old.as_deref(), Some("\"…xxxxxxxxxxxx in spring\""));
        assert_eq!(one.new.as_deref(), Some("\"…xxxxxxxxxxxx in autumn\""));
        assert_eq!(one.diff, None);
    }

    #[test]
    fn texts_of_several_lines_have_a_diff() {
        let one = &found(json!("a\nb\n"), json!("a\nc\n"))[0];
        assert_eq!(one.diff.as_deref(), Some("@@ -1,2 +1,2 @@\n a\n-b\n+c\n"));
    }

    #[test]
    fn the_list_of_differences_ends() {
        let of = |by: i64| json!((0..1000).map(|n| n * by).collect::<Vec<i64>>());
        assert_eq!(found(of(3), of(7)).len(), MOST);
    }
}
