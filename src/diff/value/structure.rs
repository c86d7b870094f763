//! The differences of two JSON trees.
//!
//! Objects are compared by key, lists as `lists` says. What is gone at one place and new at another, and equal, is one
//! renamed or moved thing and not two differences. [`compare`] also reads conversations by turn (`turns`), images and
//! bytes by what they are (`media`), and texts that are JSON by what they say.
//!
//! Invariant: what does not count is counted: a place that a pattern takes is no difference, and is told by how many
//! differences the pattern hid.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::media::{self, ImageChange, Stretch};
use super::path::{Path, Pattern};
use super::turns::TurnChange;
use crate::value::look::put_together;
use serde_json::{Map, Value};

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
    /// Rows with a name and texts that are JSON, in which it is, from the outermost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Within>,
}

/// Something that a difference is in, and that says more than its path.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Within {
    /// Its place.
    #[serde(serialize_with = "as_text")]
    pub path: Path,
    /// What it is.
    pub what: Inside,
}

/// What something is that a difference is in.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inside {
    /// A row that its list knows by this key.
    Row {
        /// The key: `sku`.
        key: String,
        /// Its value in this row.
        name: Value,
    },
    /// A text that was read as JSON.
    JsonText,
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
    /// A column of a table, in all its rows.
    Column {
        /// Its name; of one that is gone what it was.
        name: String,
        /// How many rows.
        rows: usize,
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
    pub(super) fn taken(&self, path: &Path) -> Option<usize> {
        self.ignore.iter().position(|pattern| pattern.takes(path))
    }
}

/// Longer texts are not read as JSON.
const JSON_TEXT: usize = 1 << 20;
/// Characters of a text that is found again at another place.
const TELLING: usize = 8;

/// All differences by structure alone, in the order of the second value.
pub fn diff(old: &Value, new: &Value, options: &Options) -> Vec<Change> {
    let mut differ = Differ::new(options, false);
    differ.value(&Path::default(), old, new);
    differ.found_elsewhere();
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
    differ.found_elsewhere();
    let hidden = differ.hidden.iter().map(|(at, differences)| Hidden {
        pattern: options.ignore[*at].to_string(),
        differences: *differences,
    });
    Differences { hidden: hidden.collect(), changes: differ.found, ..Differences::default() }
}

pub(super) struct Differ<'a> {
    pub(super) options: &'a Options,
    /// Whether meanings count: conversations, images.
    meaning: bool,
    pub(super) found: Vec<Change>,
    /// Differences that a pattern hid, by its number.
    pub(super) hidden: BTreeMap<usize, usize>,
    /// What is being compared right now.
    pub(super) within: Vec<Within>,
}

impl<'a> Differ<'a> {
    pub(super) fn new(options: &'a Options, meaning: bool) -> Self {
        Differ { options, meaning, found: Vec::new(), hidden: BTreeMap::new(), within: Vec::new() }
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
            self.detailed(path, ChangeKind::Changed, detail);
            return true;
        }
        match (old, new) {
            (Value::Object(_), Value::Object(_)) => self.message(path, old, new),
            (Value::Array(old), Value::Array(new)) => {
                self.stream(path, old, new) || self.conversation(path, old, new)
            }
            (Value::String(old), Value::String(new)) => self.json_text(path, old, new),
            _ => false,
        }
    }

    /// Two streams by the responses that their pieces make.
    fn stream(&mut self, path: &Path, old: &[Value], new: &[Value]) -> bool {
        let (Some(was), Some(now)) = (put_together(old), put_together(new)) else { return false };
        let (found, hidden) = (self.found.len(), self.hidden.clone());
        self.value(path, &was, &now);
        if self.found.len() == found && self.hidden == hidden {
            let detail = Detail::Pieces { old: old.len(), new: new.len() };
            self.detailed(path, ChangeKind::Changed, detail);
        }
        true
    }

    /// Two texts by the JSON that they are; `false` when they are none, or say the same in other words.
    fn json_text(&mut self, path: &Path, old: &str, new: &str) -> bool {
        let (Some(was), Some(now)) = (json_of(old), json_of(new)) else { return false };
        let before = (self.found.len(), self.hidden.clone());
        self.within.push(Within { path: path.clone(), what: Inside::JsonText });
        self.value(path, &was, &now);
        self.within.pop();
        (self.found.len(), &self.hidden) != (before.0, &before.1)
    }

    /// Notes a difference whose detail says all.
    pub(super) fn detailed(&mut self, path: &Path, kind: ChangeKind, detail: Detail) {
        let (path, detail, within) = (path.clone(), Some(detail), self.within.clone());
        self.found.push(Change { path, kind, from: None, old: None, new: None, detail, within });
    }

    pub(super) fn note(
        &mut self,
        path: Path,
        kind: ChangeKind,
        from: Option<Path>,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let (old, new) = (old.cloned(), new.cloned());
        self.push(Change { path, kind, from, old, new, detail: None, within: Vec::new() });
    }

    /// Notes a difference, unless its place does not count.
    pub(super) fn push(&mut self, mut change: Change) {
        change.within.clone_from(&self.within);
        match self.options.taken(&change.path) {
            Some(pattern) => *self.hidden.entry(pattern).or_default() += 1,
            None => self.found.push(change),
        }
    }

    /// What is gone at one place and new at another, far from it, was moved.
    fn found_elsewhere(&mut self) {
        let gone = self.whole(ChangeKind::Removed, |change| change.old.as_ref());
        let come = self.whole(ChangeKind::Added, |change| change.new.as_ref());
        let mut left_out = Vec::new();
        for (mark, from) in gone {
            let ([from], Some([to])) = (from.as_slice(), come.get(&mark).map(Vec::as_slice)) else {
                continue;
            };
            let [was, place] = [&self.found[*from], &self.found[*to]];
            if was.old != place.new {
                continue;
            }
            let (old, place) = (was.old.clone(), was.path.clone());
            let moved = &mut self.found[*to];
            (moved.kind, moved.from, moved.old) = (ChangeKind::Moved, Some(place), old);
            left_out.push(*from);
        }
        left_out.sort_unstable();
        for at in left_out.into_iter().rev() {
            self.found.remove(at);
        }
    }

    /// What is new or gone as a whole, and large enough that finding it again says something.
    fn whole(&self, kind: ChangeKind, of: impl Fn(&Change) -> Option<&Value>) -> BTreeMap<u64, Vec<usize>> {
        let mut out: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (at, change) in self.found.iter().enumerate() {
            let value = of(change).filter(|_| change.kind == kind && change.detail.is_none());
            if let Some(value) = value.filter(|value| is_telling(value)) {
                out.entry(digest(value)).or_default().push(at);
            }
        }
        out
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
}

/// Values that stand in many places: finding one elsewhere says nothing.
pub(super) fn is_common(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() < 10.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// Values that hardly stand in two places by chance.
fn is_telling(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() >= TELLING,
        Value::Array(list) => list.len() > 1,
        Value::Object(map) => map.values().any(|value| !is_common(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The object or list that a text is in JSON.
fn json_of(text: &str) -> Option<Value> {
    if text.len() > JSON_TEXT || !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// `==` of objects does not look at the order of keys.
fn same_order(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => same_keys(a, b),
        (Value::Array(a), Value::Array(b)) => a.iter().zip(b).all(|(a, b)| same_order(a, b)),
        _ => true,
    }
}

/// The same of equal objects.
pub(super) fn same_keys(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    old.keys().eq(new.keys()) && old.values().zip(new.values()).all(|(a, b)| same_order(a, b))
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
