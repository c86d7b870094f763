//! Pickles, parts of arguments and JSON into packed values.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::digest::Digest;
use crate::base::secrets::is_secret_name;

use super::super::pickle::{self, PickleError};
use super::super::tree::{Make, Object, Value};
use super::super::{from_json, from_plain_json, secrets, view};
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
    /// What the secrets are called that markers stand for; empty when the value is what it was made from.
    pub secrets: Vec<String>,
}

/// What is known of one pickle: the tree for keys and eyes, and what is stored.
struct Part {
    plain: Value,
    stored: Value,
    /// Whether both are one tree.
    same: bool,
}

fn part(pickle: &Bytes) -> Part {
    match pickle::read(pickle) {
        Ok(read) if !read.shared => Part { stored: read.value.clone(), plain: read.value, same: true },
        Ok(read) => Part { plain: read.value, stored: Value::Raw(pickle.clone()), same: false },
        // No tree: the bytes themselves are all there is to compare.
        Err(_) => Part { plain: Value::Raw(pickle.clone()), stored: Value::Raw(pickle.clone()), same: true },
    }
}

/// What eyes get of a part.
fn visible(plain: &Value) -> Value {
    match plain {
        Value::Raw(pickle) => pickle::read_lossy(pickle),
        other => other.clone(),
    }
}

/// Puts markers in place of secrets: everything that becomes a node, a digest or a preview passes here.
fn guarded(part: Part, suspicious: bool, sink: &dyn NodeSink) -> (Part, Vec<String>) {
    let clean = suspicious.then(|| secrets::redact(&part.plain, sink.redactor())).flatten();
    match clean {
        // Nobody can be given it again, so it need not be what aliases would make of it.
        Some((plain, names)) => (Part { stored: plain.clone(), plain, same: true }, names),
        None => (part, Vec::new()),
    }
}

fn store(part: &Part, secrets: Vec<String>, size: usize, preview: String, sink: &mut dyn NodeSink) -> Packed {
    let root = encode(&part.stored, sink);
    let canonical = if part.same { root.digest } else { encode(&part.plain, &mut Nowhere).digest };
    Packed { digest: root.digest, canonical, size: size as u64, preview, inline: root.inline, secrets }
}

/// Packs the value of a pickle.
pub fn pack(pickle: &Bytes, sink: &mut dyn NodeSink) -> Packed {
    pack_keep(pickle, sink).0
}

/// Packs the value of a pickle, and returns it too (as well as it could be read), for [`super::super::usage`].
pub fn pack_keep(pickle: &Bytes, sink: &mut dyn NodeSink) -> (Packed, Value) {
    let (part, secrets) = guarded(part(pickle), sink.redactor().may_hold(pickle), sink);
    let value = visible(&part.plain);
    let preview = view::preview(&value, PREVIEW);
    (store(&part, secrets, pickle.len(), preview, sink), value)
}

/// Packs the pickle of a dict of arguments by parameter name; only the preview differs from [`pack`].
pub fn pack_arguments(pickle: &Bytes, sink: &mut dyn NodeSink) -> Packed {
    let (part, secrets) = guarded(part(pickle), sink.redactor().may_hold(pickle), sink);
    let preview = view::preview_arguments(&visible(&part.plain), PREVIEW);
    store(&part, secrets, pickle.len(), preview, sink)
}

/// Packs the dict of a pickle with more entries, each a pickle of its own. An entry whose key is there already
/// takes its place, others follow in the given order. Fails when `base` is readable and no dict.
pub fn pack_dict(
    base: &Bytes,
    extra: &[(String, Bytes)],
    sink: &mut dyn NodeSink,
) -> Result<Packed, PickleError> {
    let size = extra.iter().fold(base.len(), |size, (_, pickle)| size + pickle.len());
    let parts: Vec<(&str, Part)> = extra.iter().map(|(name, pickle)| (name.as_str(), part(pickle))).collect();
    let whole = part(base);
    let same = whole.same && parts.iter().all(|(_, part)| part.same);
    let filled = |base: &[(Value, Value)], value: fn(&Part) -> &Value| {
        let mut pairs = base.to_vec();
        for (name, part) in &parts {
            set_entry(&mut pairs, Value::str(name), value(part).clone());
        }
        pairs
    };
    // A base that is kept raw is loaded and copied, and the rest is set in the copy.
    let around_raw = |value: fn(&Part) -> &Value| {
        Value::Object(Arc::new(Object {
            make: Make::Reduce {
                callable: Value::global("builtins", "dict"),
                args: Value::tuple(vec![Value::Raw(base.clone())]),
            },
            items: Vec::new(),
            pairs: filled(&[], value),
            added: Vec::new(),
            state: None,
        }))
    };
    let eyes = match visible(&whole.plain) {
        Value::Dict(pairs) => pairs,
        _ => return Err(PickleError::Malformed("the arguments are no dict")),
    };
    let plain = match &whole.plain {
        Value::Dict(pairs) => Value::dict(filled(pairs, |part| &part.plain)),
        _ => around_raw(|part| &part.plain),
    };
    let stored = match &whole.stored {
        Value::Dict(_) if same => plain.clone(),
        Value::Dict(pairs) => Value::dict(filled(pairs, |part| &part.stored)),
        _ => around_raw(|part| &part.stored),
    };
    let mut shown = eyes.as_ref().clone();
    for (name, part) in &parts {
        set_entry(&mut shown, Value::str(name), visible(&part.plain));
    }
    let redactor = sink.redactor();
    let suspicious = redactor.may_hold(base)
        || extra.iter().any(|(name, value)| is_secret_name(name.as_bytes()) || redactor.may_hold(value));
    let (part, secrets) = guarded(Part { plain, stored, same }, suspicious, sink);
    let shown = if secrets.is_empty() { Value::dict(shown) } else { visible(&part.plain) };
    let preview = view::preview_arguments(&shown, PREVIEW);
    Ok(store(&part, secrets, size, preview, sink))
}

/// Packs `{param: item}`.
pub fn pack_item(param: &str, item: &Bytes, sink: &mut dyn NodeSink) -> Packed {
    let part = part(item);
    let wrap = |value: Value| Value::dict(vec![(Value::str(param), value)]);
    let suspicious = is_secret_name(param.as_bytes()) || sink.redactor().may_hold(item);
    let shown = wrap(visible(&part.plain));
    let whole = Part { plain: wrap(part.plain), stored: wrap(part.stored), same: part.same };
    let (whole, secrets) = guarded(whole, suspicious, sink);
    let preview = view::preview_arguments(if secrets.is_empty() { &shown } else { &whole.plain }, PREVIEW);
    store(&whole, secrets, item.len(), preview, sink)
}

/// Sets an entry like Python does: in its place when the key is there.
pub(super) fn set_entry(pairs: &mut Vec<(Value, Value)>, key: Value, value: Value) {
    match pairs.iter_mut().find(|(known, _)| *known == key) {
        Some(place) => place.1 = value,
        None => pairs.push((key, value)),
    }
}

/// Packs JSON as it is (see [`super::super::from_plain_json`]). The size is that of the pickle it makes.
pub fn pack_json(json: &serde_json::Value, sink: &mut dyn NodeSink) -> Packed {
    pack_value(from_plain_json(json), sink)
}

/// Packs what a JSON text means, tags included (see [`super::super::from_json()`]).
pub fn pack_tagged_json(json: &serde_json::Value, sink: &mut dyn NodeSink) -> Packed {
    pack_value(from_json(json), sink)
}

/// The digest under which what a JSON text means, tags included, would be stored; nothing is.
pub fn digest_of_tagged_json(json: &serde_json::Value) -> Digest {
    encode(&from_json(json), &mut Nowhere).digest
}

/// Packs a value.
pub fn pack_value(value: Value, sink: &mut dyn NodeSink) -> Packed {
    let size = pickle::to_pickle(&value).map_or(0, |pickle| pickle.len());
    let part = Part { stored: value.clone(), plain: value, same: true };
    let (part, secrets) = guarded(part, true, sink);
    let preview = view::preview(&part.plain, PREVIEW);
    store(&part, secrets, size, preview, sink)
}
