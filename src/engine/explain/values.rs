//! How two recorded values differ: path by path, with both sides in short.
//!
//! Pure. Bounded by [`MOST`] differences; text is not sanitised here.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde::Serialize;

use crate::value::view::preview;
use crate::value::{Object, Text, Value};

/// Differences that are listed.
pub const MOST: usize = 20;
/// Characters of a side.
const SIDE: usize = 60;
/// Characters that are shown before the place where two texts part.
const BEFORE: usize = 16;
/// Sets up to this size are compared element by element.
const SET: usize = 512;
/// Texts up to this size get a diff by lines.
const DIFF: usize = 64 << 10;
/// Levels that are looked into; pickles nest no deeper than the value floor allows.
const LEVELS: usize = 200;

/// What happened at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    /// It is another value.
    Changed,
    /// It is there now.
    Added,
    /// It is not there any more.
    Removed,
    /// The same entries in another order.
    Reordered,
}

/// One difference.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ValueChange {
    /// Where: `messages[3].content`; empty for the whole value.
    pub path: String,
    /// What.
    pub change: Happened,
    /// The old side in short.
    pub old: Option<String>,
    /// The new side in short.
    pub new: Option<String>,
    /// Both sides line by line, when they are texts of several lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// How `new` differs from `old`: at most [`MOST`] differences, in the order of the new value.
pub fn differences(old: &Value, new: &Value) -> Vec<ValueChange> {
    let mut walk = Walk { found: Vec::new(), most: MOST };
    walk.value("", old, new, 0);
    walk.found
}

/// How many places differ, at most [`MOST`]: the smaller, the more alike.
pub fn distance(old: &Value, new: &Value) -> usize {
    differences(old, new).len()
}

struct Walk {
    found: Vec<ValueChange>,
    most: usize,
}

fn same(old: &Value, new: &Value, level: usize) -> bool {
    let mut walk = Walk { found: Vec::new(), most: 1 };
    walk.value("", old, new, level);
    walk.found.is_empty()
}

impl Walk {
    fn full(&self) -> bool {
        self.found.len() >= self.most
    }

    fn note(&mut self, path: &str, change: Happened, old: Option<&Value>, new: Option<&Value>) {
        if self.full() {
            return;
        }
        let (old_side, new_side, diff) = match (old, new) {
            (Some(Value::Str(a)), Some(Value::Str(b))) => texts(a, b),
            _ => (old.map(|v| preview(v, SIDE)), new.map(|v| preview(v, SIDE)), None),
        };
        self.found.push(ValueChange { path: path.to_owned(), change, old: old_side, new: new_side, diff });
    }

    fn value(&mut self, path: &str, old: &Value, new: &Value, level: usize) {
        if self.full() || level > LEVELS {
            return;
        }
        match (old, new) {
            (Value::Dict(a), Value::Dict(b)) => self.pairs(path, a, b, &key, level),
            (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
                self.items(path, a, b, level);
            }
            (Value::Set(a), Value::Set(b)) | (Value::FrozenSet(a), Value::FrozenSet(b)) => {
                self.set(path, a, b, level);
            }
            (Value::Object(a), Value::Object(b)) => self.object(path, (old, a), (new, b), level),
            // Zeros have signs, and what is no number is equal to itself here.
            (Value::Float(a), Value::Float(b)) => {
                if a.to_bits() != b.to_bits() {
                    self.note(path, Happened::Changed, Some(old), Some(new));
                }
            }
            _ if old == new => {}
            _ => self.note(path, Happened::Changed, Some(old), Some(new)),
        }
    }

    fn pairs(
        &mut self,
        path: &str,
        old: &[(Value, Value)],
        new: &[(Value, Value)],
        name: &dyn Fn(&str, &Value) -> String,
        level: usize,
    ) {
        let before = self.found.len();
        let (then_at, now_at) = (Places::of(old), Places::of(new));
        for (i, (key, now)) in new.iter().enumerate() {
            let inner = name(path, key);
            match then_at.find(key, i) {
                Some((_, then)) => self.value(&inner, then, now, level + 1),
                None => self.note(&inner, Happened::Added, None, Some(now)),
            }
            if self.full() {
                return;
            }
        }
        for (i, (key, then)) in old.iter().enumerate() {
            if now_at.find(key, i).is_none() {
                self.note(&name(path, key), Happened::Removed, Some(then), None);
            }
        }
        let moved = old.iter().zip(new).any(|(a, b)| a.0 != b.0);
        if self.found.len() == before && moved {
            self.note(path, Happened::Reordered, None, None);
        }
    }

    fn items(&mut self, path: &str, old: &[Value], new: &[Value], level: usize) {
        let (mut head, mut tail) = (0, 0);
        if old.len() != new.len() {
            // What was put in or taken out moves the rest: equal ends are no differences.
            let most = old.len().min(new.len());
            while head < most && same(&old[head], &new[head], level + 1) {
                head += 1;
            }
            while tail < most - head
                && same(&old[old.len() - 1 - tail], &new[new.len() - 1 - tail], level + 1)
            {
                tail += 1;
            }
        }
        let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
        for i in 0..a.len().max(b.len()) {
            let inner = format!("{path}[{}]", head + i);
            match (a.get(i), b.get(i)) {
                (Some(then), Some(now)) => self.value(&inner, then, now, level + 1),
                (None, Some(now)) => self.note(&inner, Happened::Added, None, Some(now)),
                (Some(then), None) => self.note(&inner, Happened::Removed, Some(then), None),
                (None, None) => {}
            }
            if self.full() {
                return;
            }
        }
    }

    fn set(&mut self, path: &str, old: &[Value], new: &[Value], level: usize) {
        if old.len().max(new.len()) > SET {
            if old != new {
                let (a, b) = (Value::list(old.to_vec()), Value::list(new.to_vec()));
                self.note(path, Happened::Changed, Some(&a), Some(&b));
            }
            return;
        }
        let holds = |set: &[Value], one: &Value| set.iter().any(|other| same(other, one, level + 1));
        for one in new.iter().filter(|one| !holds(old, one)) {
            self.note(path, Happened::Added, None, Some(one));
        }
        for one in old.iter().filter(|one| !holds(new, one)) {
            self.note(path, Happened::Removed, Some(one), None);
        }
    }

    fn object(&mut self, path: &str, old: (&Value, &Object), new: (&Value, &Object), level: usize) {
        let ((old_value, a), (new_value, b)) = (old, new);
        let before = self.found.len();
        if a.make.callable() == b.make.callable() {
            if let (Some(x), Some(y)) = (old_value.fields(), new_value.fields()) {
                self.pairs(path, x, y, &field, level);
            }
            self.items(&format!("{path}(args)"), a.make.args(), b.make.args(), level);
            self.items(path, &a.items, &b.items, level);
            self.set(path, &a.added, &b.added, level);
        }
        // What is not looked into, too, must not pass for equal.
        if self.found.len() == before && a != b {
            self.note(path, Happened::Changed, Some(old_value), Some(new_value));
        }
    }
}

/// Where the keys of a dict stand. Mostly the same key stands at the same place; else an index is made.
struct Places<'v> {
    pairs: &'v [(Value, Value)],
    index: OnceCell<HashMap<String, Vec<usize>>>,
}

impl<'v> Places<'v> {
    fn of(pairs: &'v [(Value, Value)]) -> Self {
        Places { pairs, index: OnceCell::new() }
    }

    fn find(&self, key: &Value, guess: usize) -> Option<&'v (Value, Value)> {
        if let Some(pair) = self.pairs.get(guess).filter(|(other, _)| other == key) {
            return Some(pair);
        }
        let index = self.index.get_or_init(|| {
            let mut index: HashMap<String, Vec<usize>> = HashMap::new();
            for (i, (key, _)) in self.pairs.iter().enumerate() {
                index.entry(preview(key, SIDE)).or_default().push(i);
            }
            index
        });
        let near = index.get(&preview(key, SIDE))?;
        near.iter().filter_map(|i| self.pairs.get(*i)).find(|(other, _)| other == key)
    }
}

/// The path of a dict's entry: `messages`, `options.depth`, `counts[3]`, `by["odd key"]`.
fn key(path: &str, key: &Value) -> String {
    match key.as_str() {
        Some(name) if is_name(name) && path.is_empty() => name.to_owned(),
        Some(name) if is_name(name) => format!("{path}.{name}"),
        _ => format!("{path}[{}]", preview(key, SIDE)),
    }
}

fn field(path: &str, key: &Value) -> String {
    match key.as_str() {
        Some(name) => format!("{path}.{name}"),
        None => format!("{path}[{}]", preview(key, SIDE)),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Two texts around the place where they part, and line by line when they have several.
fn texts(old: &Text, new: &Text) -> (Option<String>, Option<String>, Option<String>) {
    let (a, b) = (old.to_str(), new.to_str());
    let common = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    let side = |text: &str| {
        let from = if text.chars().count() > SIDE { common.saturating_sub(BEFORE) } else { 0 };
        let shown: String = text.chars().skip(from).take(SIDE).collect();
        let (left, right) = (if from > 0 { "…" } else { "" }, text.chars().count() > from + SIDE);
        format!("\"{left}{shown}{}\"", if right { "…" } else { "" })
    };
    let lines = (a.trim_end().contains('\n') || b.trim_end().contains('\n')) && a.len() + b.len() <= DIFF;
    let diff = lines.then(|| super::code::unified(&a, &b, 1, 1));
    (Some(side(&a)), Some(side(&b)), diff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn diff(old: serde_json::Value, new: serde_json::Value) -> Vec<String> {
        let value = |json| crate::value::from_plain_json(&json);
        differences(&value(old), &value(new)).iter().map(text).collect()
    }

    fn text(one: &ValueChange) -> String {
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "·".to_owned());
        format!("{} {:?} {} -> {}", one.path, one.change, side(&one.old), side(&one.new))
    }

    #[test]
    fn differences_have_paths() {
        let old = json!({"messages": [{"content": "a"}, {"content": "b"}], "n": 1});
        let new = json!({"messages": [{"content": "a"}, {"content": "c"}], "n": 1.0, "odd key": {"3": null}});
        assert_eq!(
            diff(old.clone(), new),
            [
                r#"messages[1].content Changed "b" -> "c""#,
                "n Changed 1 -> 1.0",
                r#"["odd key"] Added · -> {3: None}"#,
            ]
        );
        assert!(diff(old.clone(), old).is_empty());
    }

    #[test]
    fn what_was_put_into_a_list_is_one_difference() {
        assert_eq!(diff(json!([1, 2, 3]), json!([1, 9, 2, 3])), ["[1] Added · -> 9"]);
        assert_eq!(diff(json!([1, 2, 3]), json!([1, 2])), ["[2] Removed 3 -> ·"]);
        assert_eq!(diff(json!([1, 1]), json!([1, 1, 1])), ["[2] Added · -> 1"]);
        assert_eq!(diff(json!([1, 2, 3]), json!([9, 3])), ["[0] Changed 1 -> 9", "[1] Removed 2 -> ·"]);
    }

    #[test]
    fn order_of_entries_counts_and_order_of_sets_does_not() {
        let dict = |keys: &[&str]| Value::dict(keys.iter().map(|k| (Value::str(k), Value::Int(1))).collect());
        let found = differences(&dict(&["a", "b"]), &dict(&["b", "a"]));
        assert_eq!((found.len(), found[0].change), (1, Happened::Reordered));
        let set = |items: &[i64]| Value::Set(items.iter().map(|n| Value::Int(*n)).collect::<Vec<_>>().into());
        assert!(differences(&set(&[1, 2]), &set(&[2, 1])).is_empty());
        assert_eq!(differences(&set(&[1, 2]), &set(&[2, 3])).len(), 2);
    }

    #[test]
    fn types_tell_values_apart_and_nan_is_itself() {
        assert_eq!(differences(&Value::Bool(true), &Value::Int(1)).len(), 1);
        assert_eq!(differences(&Value::list(vec![]), &Value::tuple(vec![])).len(), 1);
        assert!(differences(&Value::Float(f64::NAN), &Value::Float(f64::NAN)).is_empty());
        assert_eq!(differences(&Value::Float(0.0), &Value::Float(-0.0)).len(), 1);
    }

    #[test]
    fn long_texts_are_shown_where_they_part() {
        let long = |tail: &str| Value::str(&format!("{}{tail}", "x".repeat(200)));
        let found = differences(&long(" in spring"), &long(" in autumn"));
        assert_eq!(found[0].old.as_deref(), Some("\"…xxxxxxxxxxxx in spring\""));
        assert_eq!(found[0].new.as_deref(), Some("\"…xxxxxxxxxxxx in autumn\""));
        assert_eq!(found[0].diff, None);
        let found = differences(&Value::str("a\nb\n"), &Value::str("a\nc\n"));
        assert_eq!(found[0].diff.as_deref(), Some("@@ -1,2 +1,2 @@\n a\n-b\n+c\n"));
    }

    #[test]
    fn instances_differ_by_field_and_never_pass_for_equal() {
        let point = |class: &str, x: i64| {
            Value::Object(std::sync::Arc::new(Object {
                make: crate::value::Make::New {
                    cls: Value::global("app", class),
                    args: Value::tuple(vec![]),
                    kwargs: None,
                },
                items: vec![],
                pairs: vec![],
                added: vec![],
                state: Some(Value::dict(vec![(Value::str("x"), Value::Int(x))])),
            }))
        };
        let whole = |v: Value| Value::dict(vec![(Value::str("p"), v)]);
        let found = differences(&whole(point("P", 1)), &whole(point("P", 2)));
        assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["p.x Changed 1 -> 2"]);
        assert_eq!(differences(&point("P", 1), &point("Q", 1)).len(), 1);
    }

    #[test]
    fn the_list_of_differences_ends() {
        let many: Vec<i64> = (0..1000).collect();
        let other: Vec<i64> = (1..1001).collect();
        assert_eq!(diff(json!(many), json!(other)).len(), MOST);
    }
}
