//! The differences of two JSON trees.
//!
//! Objects are compared by key, lists of objects that have a key of their own (`id`, `name` …) by that, other lists by
//! their longest common part. What is gone at one place and new at another of the same object or list, and equal, is
//! one renamed or moved thing and not two differences. [`compare`] also reads conversations by turn (`turns`) and images
//! and bytes by what they are (`media`).
//!
//! Invariant: what does not count is counted: a place that a pattern takes is no difference, and is told by how many
//! differences the pattern hid.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp};

use super::media::{self, ImageChange, Stretch};
use super::path::{Path, Pattern};
use super::turns::TurnChange;
use crate::value::look::put_together;

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
    /// More than both sides say by themselves.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

/// What is known of a difference beside both sides.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// A message of a conversation.
    Turn(TurnChange),
    /// An image.
    Image(ImageChange),
    /// A part of long bytes or of a long text.
    Stretch(Stretch),
    /// Parts that are too large to be told here: what they are.
    Large {
        /// What it was; empty when it is new.
        old: String,
        /// What it is; empty when it is gone.
        new: String,
    },
    /// Pieces of a stream that make the same response.
    Pieces {
        /// How many there were.
        old: usize,
        /// How many there are.
        new: usize,
    },
}

/// Differences that a pattern hid.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Hidden {
    /// The pattern, as it is written.
    pub pattern: String,
    /// How many differences.
    pub differences: usize,
}

/// What differs between two values.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Differences {
    /// In the order of the second value.
    pub changes: Vec<Change>,
    /// What is not among them because it is ignored.
    pub hidden: Vec<Hidden>,
    /// What was not looked at, in words: values of many megabytes are compared within bounds.
    pub left_out: Option<String>,
    /// Whether looking longer would tell more.
    pub rough: bool,
}

pub(super) fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
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
    /// The pattern that takes a place.
    fn taken(&self, path: &Path) -> Option<usize> {
        self.ignore.iter().position(|pattern| pattern.takes(path))
    }
}

/// All differences by structure alone, in the order of the second value.
pub fn diff(old: &Value, new: &Value, options: &Options) -> Vec<Change> {
    let mut differ = Differ::new(options, false);
    differ.value(&Path::default(), old, new);
    differ.found
}

/// All differences, conversations by turn and images by what they are.
pub fn compare(old: &Value, new: &Value, options: &Options) -> Differences {
    compare_at(&Path::default(), old, new, options)
}

/// The same of what stands at a place of larger values.
pub(in crate::diff) fn compare_at(path: &Path, old: &Value, new: &Value, options: &Options) -> Differences {
    let mut differ = Differ::new(options, true);
    differ.value(path, old, new);
    let hidden = differ.hidden.iter().map(|(at, differences)| Hidden {
        pattern: options.ignore[*at].to_string(),
        differences: *differences,
    });
    Differences { hidden: hidden.collect(), changes: differ.found, ..Differences::default() }
}

/// Keys that name an element of a list.
const IDENTITIES: [&str; 6] = ["id", "key", "name", "uuid", "path", "title"];

pub(super) struct Differ<'a> {
    pub(super) options: &'a Options,
    /// Whether meanings count: conversations, images.
    meaning: bool,
    pub(super) found: Vec<Change>,
    /// Differences that a pattern hid, by its number.
    pub(super) hidden: BTreeMap<usize, usize>,
}

impl<'a> Differ<'a> {
    pub(super) fn new(options: &'a Options, meaning: bool) -> Self {
        Differ { options, meaning, found: Vec::new(), hidden: BTreeMap::new() }
    }

    pub(super) fn value(&mut self, path: &Path, old: &Value, new: &Value) {
        if old == new && same_order(old, new) {
            return;
        }
        if let Some(pattern) = self.options.taken(path) {
            let all = diff(old, new, &Options { ignore: Vec::new(), ..self.options.clone() });
            if !all.is_empty() {
                *self.hidden.entry(pattern).or_default() += all.len();
            }
            return;
        }
        if self.meaning && self.by_meaning(path, old, new) {
            return;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => self.objects(path, old, new),
            (Value::Array(old), Value::Array(new)) => self.lists(path, old, new),
            (Value::Number(a), Value::Number(b)) if self.near(a, b) => {}
            _ => self.note(path.clone(), ChangeKind::Changed, None, Some(old), Some(new)),
        }
    }

    /// Compares what both values mean; `false` when they mean nothing in particular.
    fn by_meaning(&mut self, path: &Path, old: &Value, new: &Value) -> bool {
        if let Some(detail) = media::compare(old, new) {
            // What both sides are stands in the detail; they themselves are long.
            let (kind, from) = (ChangeKind::Changed, None);
            self.found.push(Change {
                path: path.clone(),
                kind,
                from,
                old: None,
                new: None,
                detail: Some(detail),
            });
            return true;
        }
        match (old, new) {
            (Value::Object(_), Value::Object(_)) => self.message(path, old, new),
            (Value::Array(old), Value::Array(new)) => {
                self.stream(path, old, new) || self.conversation(path, old, new)
            }
            _ => false,
        }
    }

    /// Two streams by the responses that their pieces make.
    fn stream(&mut self, path: &Path, old: &[Value], new: &[Value]) -> bool {
        let (Some(was), Some(now)) = (put_together(old), put_together(new)) else { return false };
        let (found, hidden) = (self.found.len(), self.hidden.clone());
        self.value(path, &was, &now);
        if self.found.len() == found && self.hidden == hidden {
            let detail = Some(Detail::Pieces { old: old.len(), new: new.len() });
            let (path, kind) = (path.clone(), ChangeKind::Changed);
            self.found.push(Change { path, kind, from: None, old: None, new: None, detail });
        }
        true
    }

    pub(super) fn note(
        &mut self,
        path: Path,
        kind: ChangeKind,
        from: Option<Path>,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        self.push(Change { path, kind, from, old: old.cloned(), new: new.cloned(), detail: None });
    }

    /// Notes a difference, unless its place does not count.
    pub(super) fn push(&mut self, change: Change) {
        match self.options.taken(&change.path) {
            Some(pattern) => *self.hidden.entry(pattern).or_default() += 1,
            None => self.found.push(change),
        }
    }

    fn near(&self, a: &serde_json::Number, b: &serde_json::Number) -> bool {
        let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else { return false };
        let bound = self.options.tolerance * a.abs().max(b.abs()).max(1.0);
        self.options.tolerance > 0.0 && (a - b).abs() <= bound
    }

    pub(super) fn objects(&mut self, path: &Path, old: &Map<String, Value>, new: &Map<String, Value>) {
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
            if let Some((key, _)) = moved {
                let place = path.key(key);
                self.note(place.clone(), ChangeKind::Moved, Some(place), None, None);
            }
        }
    }

    fn lists(&mut self, path: &Path, old: &[Value], new: &[Value]) {
        let named = |key: &str| self.options.taken(&path.index(0).key(key)).is_none();
        if let Some(key) = identity(old, new).filter(|key| named(key)) {
            self.rows(path, old, new, key);
            return;
        }
        let (a, b) = (self.digests(path, old), self.digests(path, new));
        let ops = similar::capture_diff_slices(Algorithm::Myers, &a, &b);
        let mut gone: HashMap<u64, Vec<usize>> = HashMap::new();
        for op in &ops {
            if let DiffOp::Equal { old_index, new_index, len } = op {
                // What does not count may differ in them; that is told.
                for at in 0..*len {
                    self.value(&path.index(new_index + at), &old[old_index + at], &new[new_index + at]);
                }
            }
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

    /// Digests of elements, without the places in them that do not count.
    pub(super) fn digests(&self, path: &Path, list: &[Value]) -> Vec<u64> {
        let counts = |place: &Path| self.options.taken(place).is_none();
        let all = self.options.ignore.is_empty();
        let one = |(at, element)| match all {
            true => digest(element),
            false => digest_of(element, Some((&path.index(at), &counts))),
        };
        list.iter().enumerate().map(one).collect()
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

/// A digest of a whole value.
pub(super) fn digest(value: &Value) -> u64 {
    digest_of(value, None)
}

/// Where a value stands, and which places below count.
type Counted<'a> = Option<(&'a Path, &'a dyn Fn(&Path) -> bool)>;

/// A digest of the places in a value that count.
fn digest_of(value: &Value, counted: Counted<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, counted, &mut hasher);
    hasher.finish()
}

fn feed(value: &Value, counted: Counted<'_>, hasher: &mut DefaultHasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Null => {}
        Value::Bool(yes) => yes.hash(hasher),
        Value::Number(number) => number.to_string().hash(hasher),
        Value::String(text) => text.hash(hasher),
        Value::Array(list) => {
            list.len().hash(hasher);
            for (at, element) in list.iter().enumerate() {
                let place = counted.map(|(path, counts)| (path.index(at), counts));
                feed(element, place.as_ref().map(|(path, counts)| (path, *counts)), hasher);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let place = counted.map(|(path, counts)| (path.key(key), counts));
                if place.as_ref().is_none_or(|(path, counts)| counts(path)) {
                    key.hash(hasher);
                    feed(value, place.as_ref().map(|(path, counts)| (path, *counts)), hasher);
                }
            }
            // An end, so that objects in one another are told apart.
            u8::MAX.hash(hasher);
        }
    }
}
