//! Pickles, parts of arguments and JSON into packed values.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::digest::Digest;

use super::super::pickle::{self, PickleError};
use super::super::tree::{Make, Object, Value};
use super::super::{from_json, view};
use super::NodeSink;
use super::encode::{Nowhere, encode};

/// How long a preview may be.
const PREVIEW: usize = 120;

/// A value whose nodes were put into a sink.
#[derive(Clone, PartialEq, Debug)]
pub struct Packed {
    /// The root node.
    pub digest: Digest,
    /// The digest of the value as a plain tree: what keys are made of. It is `digest`, unless the value is kept
    /// as a raw pickle because it holds aliases.
    pub canonical: Digest,
    /// Bytes of the pickles it was made from.
    pub size: u64,
    /// One line about it, unsanitised, at most 120 characters.
    pub preview: String,
    /// The root node when it is small; then it is not in the sink. It may still refer to nodes that are.
    pub inline: Option<Vec<u8>>,
}

/// What is known of one pickle: the tree for keys and eyes, and what is stored.
struct Part {
    plain: Value,
    stored: Value,
}

fn part(pickle: &Bytes) -> Part {
    match pickle::read(pickle) {
        Ok(read) if !read.shared => Part { stored: read.value.clone(), plain: read.value },
        Ok(read) => Part { plain: read.value, stored: Value::Raw(pickle.clone()) },
        // No tree: the bytes themselves are all there is to compare.
        Err(_) => Part { plain: Value::Raw(pickle.clone()), stored: Value::Raw(pickle.clone()) },
    }
}

/// What eyes get of a part.
fn visible(plain: &Value) -> Value {
    match plain {
        Value::Raw(pickle) => pickle::read_lossy(pickle),
        other => other.clone(),
    }
}

fn store(part: &Part, size: usize, preview: String, sink: &mut dyn NodeSink) -> Packed {
    let root = encode(&part.stored, sink);
    // Only a raw part makes the two trees differ.
    let canonical =
        if same(&part.stored, &part.plain) { root.digest } else { encode(&part.plain, &mut Nowhere).digest };
    Packed { digest: root.digest, canonical, size: size as u64, preview, inline: root.inline }
}

/// Whether both are one tree in memory; for the composed dicts, whether no entry is raw.
fn same(stored: &Value, plain: &Value) -> bool {
    match (stored, plain) {
        (Value::Raw(a), Value::Raw(b)) => a == b,
        (Value::Raw(_), _) | (_, Value::Raw(_)) => false,
        (Value::Dict(a), Value::Dict(b)) if !Arc::ptr_eq(a, b) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(&a.1, &b.1))
        }
        (Value::Object(_), Value::Dict(_)) => false,
        _ => true,
    }
}

/// Packs the value of a pickle.
pub fn pack(pickle: &Bytes, sink: &mut dyn NodeSink) -> Packed {
    pack_keep(pickle, sink).0
}

/// Packs the value of a pickle, and returns it too (as well as it could be read), for [`super::super::usage`].
pub fn pack_keep(pickle: &Bytes, sink: &mut dyn NodeSink) -> (Packed, Value) {
    let part = part(pickle);
    let value = visible(&part.plain);
    let preview = view::preview(&value, PREVIEW);
    (store(&part, pickle.len(), preview, sink), value)
}

/// Packs the pickle of a dict of arguments by parameter name; only the preview differs from [`pack`].
pub fn pack_arguments(pickle: &Bytes, sink: &mut dyn NodeSink) -> Packed {
    let part = part(pickle);
    let preview = view::preview_arguments(&visible(&part.plain), PREVIEW);
    store(&part, pickle.len(), preview, sink)
}

/// Packs the dict of a pickle with more entries, each a pickle of its own. An entry whose key is there already
/// takes its place, others follow in the given order. Fails when `base` is no dict.
pub fn pack_dict(
    base: &Bytes,
    extra: &[(String, Bytes)],
    sink: &mut dyn NodeSink,
) -> Result<Packed, PickleError> {
    const NO_DICT: PickleError = PickleError::Malformed("the arguments are no dict");
    let read = pickle::read(base)?;
    let Value::Dict(entries) = &read.value else { return Err(NO_DICT) };
    let mut plain = entries.as_ref().clone();
    let mut stored = plain.clone();
    let mut added = Vec::with_capacity(extra.len());
    let mut size = base.len();
    for (name, pickle) in extra {
        size += pickle.len();
        let part = part(pickle);
        added.push((Value::str(name), part.stored.clone()));
        set(&mut plain, name, part.plain);
        set(&mut stored, name, part.stored);
    }
    let stored = if read.shared {
        // The aliases of the base live in its pickle; the rest is set in a copy of what that loads to.
        Value::Object(Arc::new(Object {
            make: Make::Reduce {
                callable: Value::global("builtins", "dict"),
                args: Value::tuple(vec![Value::Raw(base.clone())]),
            },
            items: Vec::new(),
            pairs: added,
            added: Vec::new(),
            state: None,
        }))
    } else {
        Value::dict(stored)
    };
    Ok(finish_arguments(Part { plain: Value::dict(plain), stored }, size, sink))
}

/// Packs `{param: item}`.
pub fn pack_item(param: &str, item: &Bytes, sink: &mut dyn NodeSink) -> Packed {
    let part = part(item);
    let wrap = |value: Value| Value::dict(vec![(Value::str(param), value)]);
    finish_arguments(Part { plain: wrap(part.plain), stored: wrap(part.stored) }, item.len(), sink)
}

fn set(pairs: &mut Vec<(Value, Value)>, name: &str, value: Value) {
    let place = pairs.iter_mut().find(|(key, _)| matches!(key, Value::Str(text) if text == name));
    match place {
        Some(place) => place.1 = value,
        None => pairs.push((Value::str(name), value)),
    }
}

fn finish_arguments(part: Part, size: usize, sink: &mut dyn NodeSink) -> Packed {
    let mut eyes = part.plain.clone();
    if let Value::Dict(pairs) = &mut eyes
        && pairs.iter().any(|(_, value)| matches!(value, Value::Raw(_)))
    {
        eyes = Value::dict(pairs.iter().map(|(key, value)| (key.clone(), visible(value))).collect());
    }
    let preview = view::preview_arguments(&eyes, PREVIEW);
    store(&part, size, preview, sink)
}

/// Packs what a JSON text means (see [`from_json()`]). The size is that of the pickle it makes.
pub fn pack_json(json: &serde_json::Value, sink: &mut dyn NodeSink) -> Packed {
    let value = from_json(json);
    let size = pickle::to_pickle(&value).map_or(0, |pickle| pickle.len());
    let preview = view::preview(&value, PREVIEW);
    store(&Part { stored: value.clone(), plain: value }, size, preview, sink)
}
