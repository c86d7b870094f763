//! Conversations, message by message: which one differs, is new, is gone, or stands elsewhere; inside a message what is
//! said, thought, asked of a tool and answered by it.
//!
//! Tool calls are compared by name and arguments, arguments that are a string of JSON by what it says. Messages that were
//! replaced are paired at least cost, by who speaks and by the words that they share.
//!
//! Invariant: nothing is lost by reading values as messages. What differs in a message beside its pieces (an id, a
//! setting) is told as in any other value, and two messages that say the same in other words of their format are
//! compared as plain values.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp};

use super::order::{self, Became, cheapest};
use super::path::{Path, Step};
use super::structure::{Change, ChangeKind, Detail, Differ, digest};
use crate::value::look::{Piece, PieceKind, Said, Spot, are_messages, said};

/// Pairs of replaced messages that are looked at to find the best ones.
const PAIRS: usize = 10_000;
/// Words of a message that are compared to find its pair.
const WORDS: usize = 500;
/// Pieces of one message, and fields, beyond which it is compared as a plain value.
const PIECES: usize = 200;
const FIELDS: usize = 64;

/// What differs in a message.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct TurnChange {
    /// Who speaks.
    pub role: String,
    /// Its place in the conversation, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<usize>,
    /// The pieces that differ; of a message that is new or gone all of them.
    pub parts: Vec<PartChange>,
    /// What differs beside them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rest: Vec<Change>,
}

/// What differs in a piece of a message.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct PartChange {
    /// What it is.
    pub part: PieceKind,
    /// The tool that is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Whether it is new, gone, or says something else.
    pub kind: ChangeKind,
    /// Where it stands.
    #[serde(serialize_with = "super::structure::as_text")]
    pub path: Path,
    /// What differs in it; of one that is new or gone nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What is new or gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
}

impl PartChange {
    /// `text`, `tool call search`.
    pub fn words(&self) -> String {
        match &self.tool {
            Some(tool) => format!("{} {tool}", self.part.word()),
            None => self.part.word().to_owned(),
        }
    }
}

impl Differ<'_> {
    /// Two conversations; `false` when they are none.
    pub(super) fn conversation(&mut self, path: &Path, old: &[Value], new: &[Value]) -> bool {
        if !are_messages(old) || !are_messages(new) {
            return false;
        }
        let (a, b) = (self.digests(path, old), self.digests(path, new));
        for became in order::aligned(&a, &b, |_| true, |before, after| pairs(before, after, old, new)) {
            match became {
                Became::Both(was, at) => self.value(&path.index(at), &old[was], &new[at]),
                Became::Moved(from, at) => {
                    let (path, was, detail) = (path.index(at), Some(path.index(from)), head(&new[at], at));
                    let (old, new) = (Some(old[from].clone()), Some(new[at].clone()));
                    let (kind, within) = (ChangeKind::Moved, Vec::new());
                    self.push(Change { path, kind, from: was, old, new, detail, within });
                }
                Became::Added(at) => self.push(alone(path.index(at), ChangeKind::Added, &new[at], at)),
                Became::Removed(at) => self.push(alone(path.index(at), ChangeKind::Removed, &old[at], at)),
            }
        }
        true
    }

    /// Two messages; `false` when they are none, or differ only in how they say the same.
    pub(super) fn message(&mut self, path: &Path, old: &Value, new: &Value) -> bool {
        let (Some(a), Some(b)) = (whole(old), whole(new)) else { return false };
        let mut inner = Differ::new(self.options, true);
        let mut parts = Vec::new();
        for pair in aligned(&a.pieces, &b.pieces) {
            match pair {
                (Some(was), Some(now)) => inner.piece(path, (old, was), (new, now), &mut parts),
                (None, Some(now)) => inner.only(path, ChangeKind::Added, new, now, &mut parts),
                (Some(was), None) => inner.only(path, ChangeKind::Removed, old, was, &mut parts),
                (None, None) => {}
            }
        }
        // What is left in `found` stands in pieces beside what they say.
        inner.beside(path, (old, &a), (new, &b), &parts);
        let rest = std::mem::take(&mut inner.found);
        if parts.is_empty() && rest.is_empty() && inner.hidden.is_empty() {
            return false;
        }
        for (pattern, differences) in inner.hidden {
            *self.hidden.entry(pattern).or_default() += differences;
        }
        if parts.is_empty() && rest.is_empty() {
            return true;
        }
        let at = match path.0.last() {
            Some(Step::Index(at)) => Some(*at),
            _ => None,
        };
        let detail = Some(Detail::Turn(TurnChange { role: b.role, at, parts, rest }));
        let (old, new) = (Some(old.clone()), Some(new.clone()));
        let (path, kind, within) = (path.clone(), ChangeKind::Changed, Vec::new());
        self.push(Change { path, kind, from: None, old, new, detail, within });
        true
    }

    /// A piece that is in both messages.
    fn piece(
        &mut self,
        path: &Path,
        old: (&Value, &Piece),
        new: (&Value, &Piece),
        parts: &mut Vec<PartChange>,
    ) {
        let place = content_path(path, new.0, new.1);
        let before = std::mem::take(&mut self.found);
        self.value(&place, &old.1.content, &new.1.content);
        let changes = std::mem::replace(&mut self.found, before);
        if !changes.is_empty() {
            let (part, tool) = (new.1.kind, new.1.tool.clone());
            parts.push(PartChange {
                part,
                tool,
                kind: ChangeKind::Changed,
                path: place,
                changes,
                content: None,
            });
        }
        // Blocks have ids and settings of their own.
        let whole = matches!(new.1.kind, PieceKind::Attachment | PieceKind::Other);
        let (was, now) = (block(old.0, &old.1.spot), block(new.0, &new.1.spot));
        if let (false, Some(Value::Object(was)), Some(Value::Object(now))) = (whole, was, now)
            && new.1.spot.field.is_some()
        {
            let (was, now) = (without_content(was), without_content(now));
            self.value(&spot_path(path, &new.1.spot), &was, &now);
        }
    }

    /// A piece that only one message has.
    fn only(
        &mut self,
        path: &Path,
        kind: ChangeKind,
        message: &Value,
        piece: &Piece,
        parts: &mut Vec<PartChange>,
    ) {
        let place = content_path(path, message, piece);
        match self.options.ignore.iter().position(|pattern| pattern.takes(&place)) {
            Some(pattern) => *self.hidden.entry(pattern).or_default() += 1,
            None => parts.push(part(kind, place, piece)),
        }
    }

    /// The fields of messages that no piece stands in.
    fn beside(&mut self, path: &Path, old: (&Value, &Said), new: (&Value, &Said), parts: &[PartChange]) {
        let spots = || old.1.pieces.iter().chain(&new.1.pieces).map(|piece| piece.spot.field);
        if spots().any(|field| field.is_none()) {
            let plain = |message: &Value| message.as_object().map(without_content).unwrap_or_default();
            self.plain(path, &plain(old.0), &plain(new.0));
            return;
        }
        let mut fields: HashSet<&str> = spots().flatten().collect();
        // LangChain says its calls a second time, beside the blocks of its content.
        if parts.iter().any(|part| part.part == PieceKind::ToolCall) {
            fields.insert("tool_calls");
        }
        let rest = |message: &Value| -> Value {
            let fields =
                message.as_object().into_iter().flatten().filter(|(key, _)| !fields.contains(key.as_str()));
            Value::Object(fields.map(|(key, value)| (key.clone(), value.clone())).collect())
        };
        self.plain(path, &rest(old.0), &rest(new.0));
    }

    fn plain(&mut self, path: &Path, old: &Value, new: &Value) {
        if let (Value::Object(old), Value::Object(new)) = (old, new) {
            self.objects(path, old, new);
        }
    }
}

/// A message that is read as a whole.
fn whole(message: &Value) -> Option<Said> {
    let fields = message.as_object().filter(|fields| fields.len() <= FIELDS)?;
    let lists = fields.values().filter_map(Value::as_array);
    if lists.map(Vec::len).max().unwrap_or(0) > PIECES {
        return None;
    }
    said(message)
}

fn part(kind: ChangeKind, path: Path, piece: &Piece) -> PartChange {
    let content = Some(piece.content.clone());
    PartChange { part: piece.kind, tool: piece.tool.clone(), kind, path, changes: Vec::new(), content }
}

/// A message that only one conversation has.
fn alone(path: Path, kind: ChangeKind, message: &Value, at: usize) -> Change {
    let (old, new) = match kind {
        ChangeKind::Removed => (Some(message.clone()), None),
        _ => (None, Some(message.clone())),
    };
    let detail = said(message).map(|said| {
        let parts = said.pieces.iter().map(|piece| part(kind, content_path(&path, message, piece), piece));
        Detail::Turn(TurnChange {
            role: said.role.clone(),
            at: Some(at),
            parts: parts.collect(),
            rest: Vec::new(),
        })
    });
    Change { path, kind, from: None, old, new, detail, within: Vec::new() }
}

/// Who speaks.
fn head(message: &Value, at: usize) -> Option<Detail> {
    let role = said(message)?.role;
    Some(Detail::Turn(TurnChange { role, at: Some(at), parts: Vec::new(), rest: Vec::new() }))
}

/// Which replaced message stands for which: at least cost, in order.
fn pairs(old: &[usize], new: &[usize], a: &[Value], b: &[Value]) -> Vec<(usize, usize)> {
    if old.is_empty() || new.is_empty() {
        return Vec::new();
    }
    if old.len() * new.len() > PAIRS {
        return old.iter().copied().zip(new.iter().copied()).collect();
    }
    let bag = |at: &usize, list: &[Value]| said(&list[*at]).map(|said| (words(&said), said.role));
    let left: Vec<_> = old.iter().map(|at| bag(at, a)).collect();
    let right: Vec<_> = new.iter().map(|at| bag(at, b)).collect();
    let cost = |i: usize, j: usize| match (&left[i], &right[j]) {
        (Some((x, role)), Some((y, other))) => {
            let unlike = 1.0 - alike(x, y);
            // Replaced words of one speaker are still the same message; of two they are not.
            if role == other { 0.95 * unlike } else { 0.5 + unlike }
        }
        _ => 1.0,
    };
    let found = cheapest(old.len(), new.len(), cost);
    found.into_iter().map(|(i, j)| (old[i], new[j])).collect()
}

/// The first words of a message, and how often each stands there.
fn words(said: &Said) -> HashMap<String, usize> {
    let mut out = HashMap::new();
    let mut left = WORDS;
    for piece in &said.pieces {
        if let Some(tool) = &piece.tool {
            *out.entry(format!("call {tool}")).or_default() += 5;
        }
        let text = match &piece.content {
            Value::String(text) => text.clone(),
            Value::Null => continue,
            other => other.to_string(),
        };
        for (word, n) in bag(&text, left) {
            *out.entry(word).or_default() += n;
            left -= n;
        }
    }
    out
}

/// The first words of a text, and how often each stands there.
pub(super) fn bag(text: &str, most: usize) -> HashMap<String, usize> {
    let mut out = HashMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(most) {
        *out.entry(word.to_lowercase()).or_default() += 1;
    }
    out
}

/// What part of their words two messages share, from 0 to 1.
pub(super) fn alike(a: &HashMap<String, usize>, b: &HashMap<String, usize>) -> f64 {
    let count = |bag: &HashMap<String, usize>| bag.values().sum::<usize>();
    let all = count(a) + count(b);
    if all == 0 {
        return 1.0;
    }
    let shared: usize = a.iter().map(|(word, n)| *n.min(b.get(word).unwrap_or(&0))).sum();
    2.0 * shared as f64 / all as f64
}

/// Pieces beside each other: equal ones, then those of one kind and tool in their order.
fn aligned<'p>(old: &'p [Piece], new: &'p [Piece]) -> Vec<(Option<&'p Piece>, Option<&'p Piece>)> {
    let kinds = |pieces: &[Piece]| -> Vec<(PieceKind, Option<String>, u64)> {
        pieces.iter().map(|piece| (piece.kind, piece.tool.clone(), digest(&piece.content))).collect()
    };
    let (a, b) = (kinds(old), kinds(new));
    let mut out = Vec::new();
    for op in similar::capture_diff_slices(Algorithm::Myers, &a, &b) {
        let (_, was, now) = op.as_tag_tuple();
        if let DiffOp::Equal { .. } = op {
            out.extend(was.zip(now).map(|(was, now)| (Some(&old[was]), Some(&new[now]))));
            continue;
        }
        let mut left: Vec<usize> = was.collect();
        for at in now {
            let same = left.iter().position(|was| (a[*was].0, &a[*was].1) == (b[at].0, &b[at].1));
            out.push((same.map(|place| &old[left.remove(place)]), Some(&new[at])));
        }
        out.extend(left.into_iter().map(|was| (Some(&old[was]), None)));
    }
    out
}

/// Names under which a block holds what it says, and those of what may stand around them.
const CONTENT: [&str; 11] = [
    "text",
    "thinking",
    "summary",
    "refusal",
    "arguments",
    "args",
    "input",
    "content",
    "output",
    "response",
    "name",
];
const AROUND: [&str; 5] =
    ["function", "functionCall", "function_call", "functionResponse", "function_response"];

fn block<'m>(message: &'m Value, spot: &Spot) -> Option<&'m Value> {
    let Some(field) = spot.field else { return Some(message) };
    let held = message.get(field)?;
    match spot.index {
        // A tuple of blocks is seen as an object with the list in it.
        Some(index) => held.get(index).or_else(|| held.get("$tuple")?.get(index)),
        None => Some(held),
    }
}

/// A block without what it says.
fn without_content(block: &Map<String, Value>) -> Value {
    let mut out = Map::new();
    for (key, value) in block {
        match value {
            Value::Object(inner) if AROUND.contains(&key.as_str()) => {
                out.insert(key.clone(), without_content(inner));
            }
            _ if CONTENT.contains(&key.as_str()) => {}
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(out)
}

fn spot_path(path: &Path, spot: &Spot) -> Path {
    let mut place = path.clone();
    if let Some(field) = spot.field {
        place = place.key(field);
    }
    match spot.index {
        Some(index) => place.index(index),
        None => place,
    }
}

/// The path of what a piece says.
fn content_path(path: &Path, message: &Value, piece: &Piece) -> Path {
    let mut place = spot_path(path, &piece.spot);
    let names: &[&str] = match piece.kind {
        PieceKind::Text => &["text", "refusal"],
        PieceKind::Thinking => &["thinking", "text", "summary"],
        PieceKind::ToolCall => &["arguments", "args", "input"],
        PieceKind::ToolResult => &["content", "output", "response"],
        PieceKind::Attachment | PieceKind::Other => return place,
    };
    let Some(mut inside) = block(message, &piece.spot).and_then(Value::as_object) else { return place };
    if let Some((name, Value::Object(inner))) =
        inside.iter().find(|(key, value)| AROUND.contains(&key.as_str()) && value.is_object())
    {
        place = place.key(name);
        inside = inner;
    }
    match names.iter().find(|name| inside.contains_key(**name)) {
        Some(name) => place.key(name),
        None => place,
    }
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod turns_tests;
