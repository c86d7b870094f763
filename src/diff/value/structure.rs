//! The differences of two JSON trees.
//!
//! Objects are compared by key, lists of objects that have a key of their own (`id`, `name` …) by that, other lists by
//! their longest common part. What is gone at one place and new at another of the same object or list, and equal, is
//! one renamed or moved thing and not two differences.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp};

use super::path::{Path, Pattern};

/// What happened to a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// A key has another name.
    Renamed,
    /// An element of a list, or a key of an object, stands elsewhere.
    Moved,
}

/// One difference.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Change {
    /// Where, in the second value (in the first one for what was removed).
    #[serde(serialize_with = "as_text")]
    pub path: Path,
    /// What.
    pub kind: ChangeKind,
    /// Where it was, for renamed and moved things.
    #[serde(serialize_with = "as_text_opt", skip_serializing_if = "Option::is_none")]
    pub from: Option<Path>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}

fn as_text_opt<S: serde::Serializer>(path: &Option<Path>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.collect_str(path),
        None => serializer.serialize_none(),
    }
}

/// What does not count as a difference.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Options {
    /// Places that are not compared.
    pub ignore: Vec<Pattern>,
    /// Numbers that differ by at most this much, absolutely or as a part of the greater one, are equal.
    pub tolerance: f64,
}

impl Options {
    fn ignores(&self, path: &Path) -> bool {
        self.ignore.iter().any(|pattern| pattern.takes(path))
    }
}

/// All differences, in the order of the second value.
pub fn diff(old: &Value, new: &Value, options: &Options) -> Vec<Change> {
    let mut differ = Differ { options, found: Vec::new() };
    differ.value(&Path::default(), old, new);
    differ.found
}

/// Keys that name an element of a list.
const IDENTITIES: [&str; 6] = ["id", "key", "name", "uuid", "path", "title"];

struct Differ<'a> {
    options: &'a Options,
    found: Vec<Change>,
}

impl Differ<'_> {
    fn value(&mut self, path: &Path, old: &Value, new: &Value) {
        if old == new && same_order(old, new) || self.options.ignores(path) {
            return;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => self.objects(path, old, new),
            (Value::Array(old), Value::Array(new)) => self.lists(path, old, new),
            (Value::Number(a), Value::Number(b)) if self.near(a, b) => {}
            _ => self.note(path.clone(), ChangeKind::Changed, None, Some(old), Some(new)),
        }
    }

    fn note(
        &mut self,
        path: Path,
        kind: ChangeKind,
        from: Option<Path>,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        if !self.options.ignores(&path) {
            self.found.push(Change { path, kind, from, old: old.cloned(), new: new.cloned() });
        }
    }

    fn near(&self, a: &serde_json::Number, b: &serde_json::Number) -> bool {
        let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else { return false };
        let bound = self.options.tolerance * a.abs().max(b.abs()).max(1.0);
        self.options.tolerance > 0.0 && (a - b).abs() <= bound
    }

    fn objects(&mut self, path: &Path, old: &Map<String, Value>, new: &Map<String, Value>) {
        let mut gone: Vec<(&String, &Value)> =
            old.iter().filter(|(key, _)| !new.contains_key(*key)).collect();
        let before = self.found.len();
        for (key, value) in new {
            let here = path.key(key);
            if let Some(was) = old.get(key) {
                self.value(&here, was, value);
            } else if let Some(at) = gone.iter().position(|(_, was)| *was == value && !is_common(value)) {
                let (name, was) = gone.remove(at);
                self.note(here, ChangeKind::Renamed, Some(path.key(name)), Some(was), Some(value));
            } else {
                self.note(here, ChangeKind::Added, None, None, Some(value));
            }
        }
        for (key, was) in gone {
            self.note(path.key(key), ChangeKind::Removed, None, Some(was), None);
        }
        // Python's dicts have an order, and code can read it.
        if self.found.len() == before && old.len() == new.len() {
            let moved = new.keys().zip(old.keys()).find(|(now, was)| now != was);
            if let Some((key, _)) = moved.filter(|(key, _)| !self.options.ignores(&path.key(key))) {
                let place = path.key(key);
                self.note(place.clone(), ChangeKind::Moved, Some(place), None, None);
            }
        }
    }

    fn lists(&mut self, path: &Path, old: &[Value], new: &[Value]) {
        let named = |key: &str| !self.options.ignores(&path.index(0).key(key));
        if let Some(key) = identity(old, new).filter(|key| named(key)) {
            self.rows(path, old, new, key);
            return;
        }
        let hashes = |list: &[Value]| list.iter().map(digest).collect::<Vec<u64>>();
        let (a, b) = (hashes(old), hashes(new));
        let ops = similar::capture_diff_slices(Algorithm::Myers, &a, &b);
        let mut gone: HashMap<u64, Vec<usize>> = HashMap::new();
        for op in &ops {
            if let DiffOp::Delete { old_index, old_len, .. } = op {
                for (at, hash) in a.iter().enumerate().skip(*old_index).take(*old_len) {
                    gone.entry(*hash).or_default().push(at);
                }
            }
        }
        let mut taken = HashSet::new();
        for op in &ops {
            if let DiffOp::Insert { new_index, new_len, .. } = op {
                for at in *new_index..new_index + new_len {
                    let from = gone.get_mut(&b[at]).filter(|_| !is_common(&new[at])).and_then(Vec::pop);
                    match from {
                        Some(from) => {
                            taken.insert(from);
                            let was = Some(path.index(from));
                            self.note(
                                path.index(at),
                                ChangeKind::Moved,
                                was,
                                Some(&old[from]),
                                Some(&new[at]),
                            );
                        }
                        None => self.note(path.index(at), ChangeKind::Added, None, None, Some(&new[at])),
                    }
                }
            }
            if let DiffOp::Replace { old_index, old_len, new_index, new_len } = op {
                self.replaced(
                    path,
                    (&old[*old_index..old_index + old_len], *old_index),
                    (&new[*new_index..new_index + new_len], *new_index),
                );
            }
        }
        for op in &ops {
            if let DiffOp::Delete { old_index, old_len, .. } = op {
                for at in (*old_index..old_index + old_len).filter(|at| !taken.contains(at)) {
                    self.note(path.index(at), ChangeKind::Removed, None, Some(&old[at]), None);
                }
            }
        }
    }

    /// A stretch that was replaced: element by element, the rest is new or gone.
    fn replaced(&mut self, path: &Path, old: (&[Value], usize), new: (&[Value], usize)) {
        for (place, (was, now)) in old.0.iter().zip(new.0).enumerate() {
            self.value(&path.index(new.1 + place), was, now);
        }
        for (place, now) in new.0.iter().enumerate().skip(old.0.len()) {
            self.note(path.index(new.1 + place), ChangeKind::Added, None, None, Some(now));
        }
        for (place, was) in old.0.iter().enumerate().skip(new.0.len()) {
            self.note(path.index(old.1 + place), ChangeKind::Removed, None, Some(was), None);
        }
    }

    /// Lists of rows that have a key.
    fn rows(&mut self, path: &Path, old: &[Value], new: &[Value], key: &str) {
        let places: HashMap<String, usize> =
            old.iter().enumerate().filter_map(|(at, row)| Some((row.get(key)?.to_string(), at))).collect();
        let mut met = HashSet::new();
        let mut last = 0;
        for (at, row) in new.iter().enumerate() {
            let from = row.get(key).and_then(|name| places.get(&name.to_string()));
            match from {
                Some(from) => {
                    met.insert(*from);
                    if *from < last {
                        let was = Some(path.index(*from));
                        self.note(path.index(at), ChangeKind::Moved, was, Some(&old[*from]), Some(row));
                    }
                    last = last.max(*from);
                    self.value(&path.index(at), &old[*from], row);
                }
                None => self.note(path.index(at), ChangeKind::Added, None, None, Some(row)),
            }
        }
        for (at, row) in old.iter().enumerate().filter(|(at, _)| !met.contains(at)) {
            self.note(path.index(at), ChangeKind::Removed, None, Some(row), None);
        }
    }
}

/// The key whose values tell the rows of both lists apart and that some rows of both share.
fn identity<'k>(old: &[Value], new: &[Value]) -> Option<&'k str> {
    IDENTITIES.into_iter().find(|key| match (names(old, key), names(new, key)) {
        (Some(old), Some(new)) => !old.is_disjoint(&new),
        _ => false,
    })
}

/// The values of a key, when every row is an object that has it and no two have the same.
fn names(rows: &[Value], key: &str) -> Option<HashSet<String>> {
    let mut seen = HashSet::new();
    for row in rows {
        let name = row.as_object()?.get(key).filter(|name| name.is_string() || name.is_number())?;
        if !seen.insert(name.to_string()) {
            return None;
        }
    }
    Some(seen)
}

/// Values that stand in many places: finding one elsewhere says nothing.
fn is_common(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() < 10.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// `==` of objects does not look at the order of keys.
fn same_order(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| same_order(a, b))
        }
        (Value::Array(a), Value::Array(b)) => a.iter().zip(b).all(|(a, b)| same_order(a, b)),
        _ => true,
    }
}

fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish()
}

fn feed(value: &Value, hasher: &mut DefaultHasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Null => {}
        Value::Bool(yes) => yes.hash(hasher),
        Value::Number(number) => number.to_string().hash(hasher),
        Value::String(text) => text.hash(hasher),
        Value::Array(list) => {
            list.len().hash(hasher);
            list.iter().for_each(|element| feed(element, hasher));
        }
        Value::Object(map) => {
            map.len().hash(hasher);
            for (key, value) in map {
                key.hash(hasher);
                feed(value, hasher);
            }
        }
    }
}
