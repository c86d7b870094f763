//! The encoder: one value into nodes, children first.

use bytes::Bytes;
use rustc_hash::FxHashMap as HashMap;

use crate::base::digest::Digest;

use super::super::tree::{Make, Object, Value};
use super::NodeSink;
use super::format::*;

/// A sink that takes nothing: for digests alone.
pub(super) struct Nowhere;

impl NodeSink for Nowhere {
    fn wants(&mut self, _: &Digest) -> bool {
        false
    }

    fn put(&mut self, _: Digest, _: Bytes, _: Vec<Digest>) {}
}

pub(super) struct Encoder<'s> {
    out: Vec<u8>,
    /// Digests referenced from `out`, in order.
    refs: Vec<Digest>,
    sink: &'s mut dyn NodeSink,
    /// Large leaves by where they lie: a repeated one is hashed once.
    leaves: HashMap<(usize, usize), Digest>,
}

/// An encoded root.
pub(super) struct Root {
    pub digest: Digest,
    /// The node itself, when it is small and therefore was not put.
    pub inline: Option<Vec<u8>>,
}

/// Puts all nodes of a value, except a small root.
pub(super) fn encode(value: &Value, sink: &mut dyn NodeSink) -> Root {
    let mut encoder =
        Encoder { out: Vec::with_capacity(1024), refs: Vec::new(), sink, leaves: HashMap::default() };
    if let Some((tag, bytes)) = leaf(value)
        && bytes.len() > LARGE
    {
        return Root { digest: encoder.large_leaf(tag, bytes), inline: None };
    }
    encoder.value(value);
    if encoder.out.len() <= SMALL {
        let mut data = Vec::with_capacity(encoder.out.len() + 1);
        data.push(VERSION);
        data.append(&mut encoder.out);
        return Root { digest: Digest::of(&data), inline: Some(data) };
    }
    Root { digest: encoder.extract(0, 0, &[VERSION]), inline: None }
}

fn leaf(value: &Value) -> Option<(u8, &Bytes)> {
    match value {
        Value::Str(text) => Some((STR, text.bytes())),
        Value::Bytes(bytes) => Some((BYTES, bytes)),
        Value::ByteArray(bytes) => Some((BYTE_ARRAY, bytes)),
        Value::BigInt(bytes) => Some((BIG_INT, bytes)),
        Value::Raw(bytes) => Some((RAW, bytes)),
        _ => None,
    }
}

impl Encoder<'_> {
    fn number(&mut self, number: usize) {
        push_number(&mut self.out, number as u64);
    }

    fn reference(&mut self, digest: Digest) {
        self.out.push(REF);
        self.out.extend_from_slice(&digest.0);
        self.refs.push(digest);
    }

    fn put(&mut self, data: Vec<u8>, children: Vec<Digest>) -> Digest {
        let digest = Digest::of(&data);
        if self.sink.wants(&digest) {
            self.sink.put(digest, Bytes::from(data), children);
        }
        digest
    }

    /// Moves what was encoded since `start` into a node that begins with `head`.
    fn extract(&mut self, start: usize, refs: usize, head: &[u8]) -> Digest {
        // Copied even when nobody wants it: hashed as a whole it takes half of the time.
        let mut data = Vec::with_capacity(head.len() + self.out.len() - start);
        data.extend_from_slice(head);
        data.extend_from_slice(&self.out[start..]);
        self.out.truncate(start);
        let children = self.refs.split_off(refs);
        self.put(data, children)
    }

    /// A leaf as a node of its own, copied once.
    fn large_leaf(&mut self, tag: u8, bytes: &Bytes) -> Digest {
        let place = (bytes.as_ptr() as usize, bytes.len());
        if let Some(digest) = self.leaves.get(&place) {
            return *digest;
        }
        let mut data = Vec::with_capacity(bytes.len().min(BLOB_SIZE) + 16);
        data.extend_from_slice(&[VERSION, if bytes.len() > BLOB_SIZE { SPLIT } else { tag }]);
        let mut children = Vec::new();
        if bytes.len() > BLOB_SIZE {
            for blob in bytes.chunks(BLOB_SIZE) {
                let mut node = Vec::with_capacity(blob.len() + 2);
                node.extend_from_slice(&[VERSION, BLOB]);
                node.extend_from_slice(blob);
                children.push(self.put(node, Vec::new()));
            }
            data.push(tag);
            push_number(&mut data, bytes.len() as u64);
            push_number(&mut data, children.len() as u64);
            for child in &children {
                data.extend_from_slice(&child.0);
            }
        } else {
            push_number(&mut data, bytes.len() as u64);
            data.extend_from_slice(bytes);
        }
        let digest = self.put(data, children);
        // The tag is part of the node, so a str and bytes at one place must not be mixed up; they never are,
        // because a place is one leaf of one pickle.
        self.leaves.insert(place, digest);
        digest
    }

    /// One part of a value: in place, or as a reference.
    fn part(&mut self, value: &Value, in_list: bool) {
        if let Some((tag, bytes)) = leaf(value)
            && bytes.len() > LARGE
        {
            let digest = self.large_leaf(tag, bytes);
            self.reference(digest);
            return;
        }
        let (start, refs) = (self.out.len(), self.refs.len());
        self.value(value);
        self.settle(start, refs, in_list || matches!(value, Value::List(_)));
    }

    /// Decides where a part that was just encoded belongs.
    fn settle(&mut self, start: usize, refs: usize, small: bool) {
        if self.out.len() - start >= if small { SMALL } else { LARGE } {
            let digest = self.extract(start, refs, &[VERSION]);
            self.reference(digest);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::None => self.out.push(NONE),
            Value::Bool(flag) => self.out.push(if *flag { TRUE } else { FALSE }),
            Value::Int(number) => {
                self.out.push(INT);
                push_number(&mut self.out, zigzag(*number));
            }
            Value::Float(number) => {
                self.out.push(FLOAT);
                self.out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Value::BigInt(bytes) | Value::Bytes(bytes) | Value::ByteArray(bytes) | Value::Raw(bytes) => {
                let tag = leaf(value).map_or(BYTES, |(tag, _)| tag);
                self.out.push(tag);
                self.number(bytes.len());
                self.out.extend_from_slice(bytes);
            }
            Value::Str(text) => {
                self.out.push(STR);
                self.number(text.bytes().len());
                self.out.extend_from_slice(text.bytes());
            }
            Value::List(items) => self.list(items),
            Value::Tuple(items) => {
                self.seq(TUPLE, items.len(), &mut |encoder, i| encoder.part(&items[i], false));
            }
            Value::Dict(pairs) => self.dict(pairs),
            Value::Set(items) => self.set(SET, items),
            Value::FrozenSet(items) => self.set(FROZEN_SET, items),
            Value::Global(global) => {
                self.out.push(GLOBAL);
                for text in [&global.module, &global.name] {
                    self.number(text.bytes().len());
                    self.out.extend_from_slice(text.bytes());
                }
            }
            Value::Object(object) => self.object(object),
            // Only lossy readings hold it, and those are never stored; a digest of the reason does no harm.
            Value::Opaque(reason) => {
                self.out.push(RAW);
                self.number(reason.len());
                self.out.extend_from_slice(reason.as_bytes());
            }
        }
    }

    fn list(&mut self, items: &[Value]) {
        self.seq(LIST, items.len(), &mut |encoder, i| encoder.part(&items[i], true));
    }

    fn dict(&mut self, pairs: &[(Value, Value)]) {
        self.seq(DICT, pairs.len(), &mut |encoder, i| {
            encoder.part(&pairs[i].0, false);
            encoder.part(&pairs[i].1, false);
        });
    }

    fn set(&mut self, tag: u8, items: &[Value]) {
        let mut entries: Vec<(Vec<u8>, Vec<Digest>)> = Vec::with_capacity(items.len());
        for item in items {
            let (start, refs) = (self.out.len(), self.refs.len());
            self.part(item, false);
            entries.push((self.out.split_off(start), self.refs.split_off(refs)));
        }
        entries.sort_unstable();
        self.seq(tag, entries.len(), &mut |encoder, i| {
            encoder.out.extend_from_slice(&entries[i].0);
            encoder.refs.extend_from_slice(&entries[i].1);
        });
    }

    /// A sequence: in place, or as a tree of chunks that depends only on the entries before each cut.
    fn seq(&mut self, tag: u8, count: usize, entry: &mut dyn FnMut(&mut Self, usize)) {
        let start = self.out.len();
        self.out.push(tag);
        self.number(count);
        let (body, refs) = (self.out.len(), self.refs.len());
        let mut chunks = Vec::new();
        for i in 0..count {
            entry(self, i);
            let full = self.refs.len() - refs >= CHUNK_REFS || self.out.len() - body >= LARGE;
            let last = i + 1 == count;
            // A sequence that at most fills its first chunk stays in place.
            if (full && !last) || (last && !chunks.is_empty()) {
                chunks.push(self.extract(body, refs, &[VERSION, CHUNK]));
            }
        }
        if chunks.is_empty() {
            return;
        }
        self.out.truncate(start);
        while chunks.len() > FANOUT {
            chunks = chunks.chunks(FANOUT).map(|group| self.index(group)).collect();
        }
        self.out.extend_from_slice(&[TREE, tag]);
        self.number(count);
        self.number(chunks.len());
        for chunk in chunks {
            self.out.extend_from_slice(&chunk.0);
            self.refs.push(chunk);
        }
    }

    fn index(&mut self, group: &[Digest]) -> Digest {
        let mut data = Vec::with_capacity(2 + 32 * group.len());
        data.extend_from_slice(&[VERSION, INDEX]);
        for digest in group {
            data.extend_from_slice(&digest.0);
        }
        self.put(data, group.to_vec())
    }

    fn object(&mut self, object: &Object) {
        let (callable, args, kwargs, new) = match &object.make {
            Make::Reduce { callable, args } => (callable, args, None, 0),
            Make::New { cls, args, kwargs } => (cls, args, kwargs.as_ref(), IS_NEW),
        };
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        self.out.push(OBJECT);
        self.out.push(
            new | flag(kwargs.is_some(), HAS_KWARGS)
                | flag(!object.items.is_empty(), HAS_ITEMS)
                | flag(!object.pairs.is_empty(), HAS_PAIRS)
                | flag(!object.added.is_empty(), HAS_ADDED)
                | flag(object.state.is_some(), HAS_STATE),
        );
        self.part(callable, false);
        self.part(args, false);
        if let Some(kwargs) = kwargs {
            self.part(kwargs, false);
        }
        for (tag, items) in [(HAS_ITEMS, &object.items), (HAS_ADDED, &object.added)] {
            if tag == HAS_ADDED && !object.pairs.is_empty() {
                let (start, refs) = (self.out.len(), self.refs.len());
                self.dict(&object.pairs);
                self.settle(start, refs, false);
            }
            if !items.is_empty() {
                let (start, refs) = (self.out.len(), self.refs.len());
                self.list(items);
                self.settle(start, refs, true);
            }
        }
        if let Some(state) = &object.state {
            self.part(state, false);
        }
    }
}
