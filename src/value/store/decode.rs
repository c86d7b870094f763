//! From nodes back to values and pickles; every node is checked against its digest.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap as HashMap;

use crate::base::digest::Digest;

use super::super::pickle::{self, MAX_DEPTH};
use super::super::tree::{Global, Make, Object, Text, Value};
use super::format::*;
use super::own::Below;
use super::{NodeError, NodeSource, UnpackError};

/// The most that is reserved for a leaf because its node says that it is that long.
const CLAIMED: usize = 256 << 20;

/// The pickle of a stored value. `inline` is the root node when it is small enough not to be stored.
pub fn unpack(digest: &Digest, inline: Option<&[u8]>, source: &dyn NodeSource) -> Result<Bytes, UnpackError> {
    let value = Decoder::new(source, false).root(digest, inline)?;
    pickle::to_pickle(&value).map_err(|_| UnpackError::Damaged(*digest))
}

/// A stored value as a tree, for eyes: pickles that were kept as they are are read as well as possible.
pub fn load_value(
    digest: &Digest,
    inline: Option<&[u8]>,
    source: &dyn NodeSource,
) -> Result<Value, UnpackError> {
    Decoder::new(source, true).root(digest, inline)
}

/// The value that stands in a node from a byte on, for eyes.
pub(in crate::value) fn decode_at(
    source: &dyn NodeSource,
    digest: &Digest,
    data: Bytes,
    pos: usize,
) -> Result<Value, UnpackError> {
    let mut decoder = Decoder::new(source, true);
    decoder.current = *digest;
    decoder.value(&mut At { data, pos }, 0)
}

/// The digests that a node (or an inline root) refers to. Empty for what is no node.
pub fn children(data: &[u8]) -> Vec<Digest> {
    let mut found = Vec::new();
    // Damage shows when the node is used; marking keeps what could be found.
    let _ = scan(data, &mut found);
    found
}

/// Entries follow each other without closing marks, so no nesting needs to be tracked.
fn scan(data: &[u8], found: &mut Vec<Digest>) -> Option<()> {
    let mut cursor = Cursor { data, pos: 0 };
    if cursor.byte()? != VERSION {
        return None;
    }
    while cursor.left() > 0 {
        match cursor.byte()? {
            INT | LIST | TUPLE | DICT | SET | FROZEN_SET => {
                cursor.number()?;
            }
            FLOAT => {
                cursor.take(8)?;
            }
            STR | BYTES | BYTE_ARRAY | BIG_INT | RAW => {
                let len = cursor.len()?;
                cursor.take(len)?;
            }
            GLOBAL => {
                for _ in 0..2 {
                    let len = cursor.len()?;
                    cursor.take(len)?;
                }
            }
            OBJECT => {
                cursor.byte()?;
            }
            REF => found.push(cursor.digest()?),
            TREE | SPLIT => {
                cursor.byte()?;
                cursor.number()?;
                for _ in 0..cursor.number()? {
                    found.push(cursor.digest()?);
                }
            }
            INDEX => {
                while cursor.left() > 0 {
                    found.push(cursor.digest()?);
                }
            }
            BLOB => return Some(()),
            NONE | FALSE | TRUE | CHUNK => {}
            _ => return None,
        }
    }
    Some(())
}

pub(super) struct Decoder<'s> {
    source: &'s dyn NodeSource,
    /// Whether raw pickles are read.
    expand: bool,
    /// Values of nodes met before: equal elements are one value in memory.
    known: HashMap<Digest, Value>,
    /// The node being decoded, to name it when it is damaged.
    current: Digest,
    /// Only the node itself is read; what it refers to is noted here.
    below: Option<Vec<Below>>,
}

/// A node and the position in it.
pub(super) struct At {
    pub data: Bytes,
    pub pos: usize,
}

impl At {
    fn with<T>(&mut self, step: impl FnOnce(&mut Cursor<'_>) -> Option<T>) -> Option<T> {
        let mut cursor = Cursor { data: &self.data, pos: self.pos };
        let result = step(&mut cursor);
        self.pos = cursor.pos;
        result
    }

    fn byte(&mut self) -> Option<u8> {
        self.with(|cursor| cursor.byte())
    }

    fn number(&mut self) -> Option<u64> {
        self.with(|cursor| cursor.number())
    }

    fn digest(&mut self) -> Option<Digest> {
        self.with(|cursor| cursor.digest())
    }

    fn sized(&mut self) -> Option<Bytes> {
        let len = self.with(|cursor| cursor.len())?;
        let bytes =
            self.data.get(self.pos..self.pos + len).map(|_| self.data.slice(self.pos..self.pos + len));
        self.pos += len;
        bytes
    }
}

impl<'s> Decoder<'s> {
    /// One that reads a node itself and nothing below.
    pub(super) fn shallow(source: &'s dyn NodeSource, node: Digest) -> Self {
        Decoder { current: node, below: Some(Vec::new()), ..Decoder::new(source, true) }
    }

    /// What the nodes that were read refer to.
    pub(super) fn taken(self) -> Vec<Below> {
        self.below.unwrap_or_default()
    }

    fn new(source: &'s dyn NodeSource, expand: bool) -> Self {
        Decoder { source, expand, known: HashMap::default(), current: Digest::default(), below: None }
    }

    fn damaged<T>(&self) -> Result<T, UnpackError> {
        Err(UnpackError::Damaged(self.current))
    }

    fn some<T>(&self, found: Option<T>) -> Result<T, UnpackError> {
        found.ok_or(UnpackError::Damaged(self.current))
    }

    fn root(&mut self, digest: &Digest, inline: Option<&[u8]>) -> Result<Value, UnpackError> {
        match inline {
            Some(data) if Digest::of(data) == *digest => {
                self.current = *digest;
                self.whole(Bytes::copy_from_slice(data), 0)
            }
            Some(_) => Err(UnpackError::Damaged(*digest)),
            None => self.node(digest, 0),
        }
    }

    fn fetch(&self, digest: &Digest) -> Result<Bytes, UnpackError> {
        let node = self.source.get(digest).map_err(|error| match error {
            NodeError::Missing => UnpackError::Missing(*digest),
            NodeError::Damaged => UnpackError::Damaged(*digest),
        })?;
        if !node.verified && Digest::of(&node.data) != *digest {
            return Err(UnpackError::Damaged(*digest));
        }
        Ok(node.data)
    }

    fn node(&mut self, digest: &Digest, depth: usize) -> Result<Value, UnpackError> {
        if let Some(value) = self.known.get(digest) {
            return Ok(value.clone());
        }
        let data = self.fetch(digest)?;
        let outer = std::mem::replace(&mut self.current, *digest);
        let value = self.whole(data, depth)?;
        self.current = outer;
        self.known.insert(*digest, value.clone());
        Ok(value)
    }

    /// A node that is exactly one value.
    fn whole(&mut self, data: Bytes, depth: usize) -> Result<Value, UnpackError> {
        let mut at = At { data, pos: 0 };
        if at.byte() != Some(VERSION) {
            return self.damaged();
        }
        let value = self.value(&mut at, depth)?;
        if at.pos != at.data.len() {
            return self.damaged();
        }
        Ok(value)
    }

    /// Only dispatches: what recurses has small frames of its own.
    pub(super) fn value(&mut self, at: &mut At, depth: usize) -> Result<Value, UnpackError> {
        // The dict that arguments are gathered in, and the object around a raw one, come on top.
        if depth > MAX_DEPTH + 8 {
            return self.damaged();
        }
        match self.some(at.byte())? {
            tag @ (LIST | TUPLE | SET | FROZEN_SET | DICT) => self.entries(tag, at, depth),
            OBJECT => self.object(at, depth + 1),
            tag @ (REF | TREE | SPLIT) if self.below.is_some() => self.note(tag, at),
            REF => {
                let digest = self.some(at.digest())?;
                self.node(&digest, depth)
            }
            TREE => self.tree(at, depth),
            SPLIT => self.split(at),
            tag => self.scalar(tag, at),
        }
    }

    /// Notes what is referred to instead of following it.
    fn note(&mut self, tag: u8, at: &mut At) -> Result<Value, UnpackError> {
        let mut found = Vec::new();
        if tag == REF {
            found.push(Below::Node(self.some(at.digest())?));
        } else {
            let text = self.some(at.byte())? == STR;
            self.some(at.number())?;
            for _ in 0..self.some(at.number())? {
                let digest = self.some(at.digest())?;
                match tag {
                    TREE => found.push(Below::Node(digest)),
                    _ if text => found.push(Below::Text(digest)),
                    // Data, or a pickle that only makes sense as a whole.
                    _ => found.push(Below::Data(digest)),
                }
            }
        }
        self.below.get_or_insert_default().extend(found);
        Ok(Value::Opaque("elsewhere"))
    }

    fn scalar(&self, tag: u8, at: &mut At) -> Result<Value, UnpackError> {
        Ok(match tag {
            NONE => Value::None,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(unzigzag(self.some(at.number())?)),
            FLOAT => {
                let bits = self.some(at.with(|cursor| cursor.take(8)?.first_chunk::<8>().copied()))?;
                Value::Float(f64::from_bits(u64::from_le_bytes(bits)))
            }
            GLOBAL => {
                let (module, name) = (self.some(at.sized())?, self.some(at.sized())?);
                let (module, name) =
                    (self.some(Text::from_bytes(module))?, self.some(Text::from_bytes(name))?);
                Value::Global(Arc::new(Global { module, name }))
            }
            STR | BYTES | BYTE_ARRAY | BIG_INT | RAW => {
                let bytes = self.some(at.sized())?;
                self.leaf(tag, bytes)?
            }
            _ => return self.damaged(),
        })
    }

    fn entries(&mut self, tag: u8, at: &mut At, depth: usize) -> Result<Value, UnpackError> {
        let count = self.some(at.number())?;
        let count = if tag == DICT { count.saturating_mul(2) } else { count };
        // An entry takes a byte at least.
        if count > at.data.len() as u64 {
            return self.damaged();
        }
        let mut entries = Vec::with_capacity(count as usize);
        for _ in 0..count {
            entries.push(self.value(at, depth + 1)?);
        }
        self.seq(tag, entries)
    }

    fn tree(&mut self, at: &mut At, depth: usize) -> Result<Value, UnpackError> {
        let tag = self.some(at.byte())?;
        let count = self.some(at.number())?;
        let mut entries = Vec::new();
        for _ in 0..self.some(at.number())? {
            let digest = self.some(at.digest())?;
            self.chunk(&digest, depth + 1, 0, &mut entries)?;
        }
        let found = if tag == DICT { entries.len() / 2 } else { entries.len() };
        if found as u64 != count {
            return self.damaged();
        }
        self.seq(tag, entries)
    }

    fn split(&self, at: &mut At) -> Result<Value, UnpackError> {
        let tag = self.some(at.byte())?;
        let len = self.some(at.number())?;
        let count = self.some(at.number())?;
        if count != len.div_ceil(BLOB_SIZE as u64) || count.saturating_mul(32) > at.data.len() as u64 {
            return self.damaged();
        }
        // The length is only claimed until the blobs are there. Room takes no memory before it is written to, and a vector
        // that grows takes twice as much while it does.
        let mut bytes = Vec::new();
        let _ = bytes.try_reserve_exact((len as usize).min(CLAIMED));
        for _ in 0..count {
            let digest = self.some(at.digest())?;
            match &*self.fetch(&digest)? {
                [VERSION, BLOB, blob @ ..] => bytes.extend_from_slice(blob),
                _ => return Err(UnpackError::Damaged(digest)),
            }
        }
        if bytes.len() as u64 != len {
            return self.damaged();
        }
        self.leaf(tag, Bytes::from(bytes))
    }

    fn chunk(
        &mut self,
        digest: &Digest,
        depth: usize,
        level: u8,
        out: &mut Vec<Value>,
    ) -> Result<(), UnpackError> {
        let data = self.fetch(digest)?;
        let outer = std::mem::replace(&mut self.current, *digest);
        match &*data {
            [VERSION, CHUNK, ..] => {
                let mut at = At { data, pos: 2 };
                while at.pos < at.data.len() {
                    out.push(self.value(&mut at, depth)?);
                }
            }
            // 32 to the 12th entries are more than any memory holds.
            [VERSION, INDEX, ..] if level < 12 => {
                let mut at = At { data, pos: 2 };
                while at.pos < at.data.len() {
                    let below = self.some(at.digest())?;
                    self.chunk(&below, depth, level + 1, out)?;
                }
            }
            _ => return self.damaged(),
        }
        self.current = outer;
        Ok(())
    }

    fn leaf(&self, tag: u8, bytes: Bytes) -> Result<Value, UnpackError> {
        Ok(match tag {
            STR => Value::Str(self.some(Text::from_bytes(bytes))?),
            BYTES => Value::Bytes(bytes),
            BYTE_ARRAY => Value::ByteArray(bytes),
            BIG_INT => Value::BigInt(bytes),
            RAW if self.expand => pickle::read_lossy(&bytes),
            RAW => Value::Raw(bytes),
            _ => return self.damaged(),
        })
    }

    fn seq(&self, tag: u8, entries: Vec<Value>) -> Result<Value, UnpackError> {
        if tag == DICT {
            return Ok(Value::Dict(Arc::new(paired(entries))));
        }
        let entries = Arc::new(entries);
        Ok(match tag {
            LIST => Value::List(entries),
            TUPLE => Value::Tuple(entries),
            SET => Value::Set(entries),
            FROZEN_SET => Value::FrozenSet(entries),
            _ => return self.damaged(),
        })
    }

    fn list(&mut self, at: &mut At, depth: usize) -> Result<Vec<Value>, UnpackError> {
        match self.value(at, depth)? {
            Value::List(list) => Ok(Arc::unwrap_or_clone(list)),
            Value::Opaque(_) if self.below.is_some() => Ok(Vec::new()),
            _ => self.damaged(),
        }
    }

    fn dict(&mut self, at: &mut At, depth: usize) -> Result<Vec<(Value, Value)>, UnpackError> {
        match self.value(at, depth)? {
            Value::Dict(dict) => Ok(Arc::unwrap_or_clone(dict)),
            Value::Opaque(_) if self.below.is_some() => Ok(Vec::new()),
            _ => self.damaged(),
        }
    }

    fn object(&mut self, at: &mut At, depth: usize) -> Result<Value, UnpackError> {
        let flags = self.some(at.byte())?;
        let callable = self.value(at, depth)?;
        let args = self.value(at, depth)?;
        let make = if flags & IS_NEW == 0 {
            Make::Reduce { callable, args }
        } else {
            let kwargs = if flags & HAS_KWARGS == 0 { None } else { Some(self.value(at, depth)?) };
            Make::New { cls: callable, args, kwargs }
        };
        let items = if flags & HAS_ITEMS == 0 { Vec::new() } else { self.list(at, depth)? };
        let pairs = if flags & HAS_PAIRS == 0 { Vec::new() } else { self.dict(at, depth)? };
        let added = if flags & HAS_ADDED == 0 { Vec::new() } else { self.list(at, depth)? };
        let state = if flags & HAS_STATE == 0 { None } else { Some(self.value(at, depth)?) };
        let object = Object { make, items, pairs, added, state };
        if self.expand
            && let Some(merged) = merged(&object)
        {
            return Ok(merged);
        }
        Ok(Value::Object(Arc::new(object)))
    }
}

fn paired(entries: Vec<Value>) -> Vec<(Value, Value)> {
    let mut pairs = Vec::with_capacity(entries.len() / 2);
    let mut entries = entries.into_iter();
    while let (Some(key), Some(value)) = (entries.next(), entries.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// `dict(base)` with more entries is how [`super::pack_dict`] stores a base that holds aliases.
fn merged(object: &Object) -> Option<Value> {
    let (("builtins", "dict"), [Value::Dict(base)]) = (object.global()?, object.make.args()) else {
        return None;
    };
    let mut pairs = base.as_ref().clone();
    for (key, value) in &object.pairs {
        super::pack::set_entry(&mut pairs, key.clone(), value.clone());
    }
    Some(Value::dict(pairs))
}
