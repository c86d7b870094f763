//! The reader: shapes and windows of children.

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;

use super::super::pickle;
use super::super::store::format::*;
use super::super::store::{NodeError, NodeSource, UnpackError, decode_at};
use super::super::tree::Value;
use super::scan;
use super::{At, Child, Key, Kind, Place, Run, Shape};
use crate::base::digest::Digest;

/// Bytes of nodes that a reader keeps.
pub const KEPT: usize = 32 << 20;

pub(super) type Read<T> = Result<T, UnpackError>;

/// Reads parts of stored values. Keeps what it read lately, and where the elements of long sequences lie.
pub struct Reader<'s> {
    pub(super) source: &'s dyn NodeSource,
    kept: RefCell<Kept>,
    indexes: RefCell<HashMap<(Digest, usize), Index>>,
    /// Values in chunks that were counted: other sequences may share them.
    counts: RefCell<HashMap<Digest, u64>>,
}

#[derive(Default)]
struct Kept {
    nodes: HashMap<Digest, Bytes>,
    bytes: usize,
}

/// Where the entries of a tree of chunks lie, as far as somebody looked.
struct Index {
    /// Chunks, and how many values stand before each.
    chunks: Vec<(Digest, u64)>,
    /// Values in these chunks.
    known: u64,
    /// Nodes that follow, the next one last.
    rest: Vec<Digest>,
}

/// A sequence: where its values are.
enum Seq {
    /// One after the other from this place on, this many.
    Here { digest: Digest, data: Bytes, pos: usize, values: u64 },
    /// In chunks; the key of its index.
    Tree { key: (Digest, usize), values: u64 },
    /// In memory.
    Loaded(Value),
}

impl<'s> Reader<'s> {
    /// A reader of values whose nodes are in `source`.
    pub fn new(source: &'s dyn NodeSource) -> Self {
        Reader { source, kept: RefCell::default(), indexes: RefCell::default(), counts: RefCell::default() }
    }

    /// The place of a value: the digest and the inline bytes of its reference.
    pub fn open(&self, digest: &Digest, inline: Option<&[u8]>) -> Result<Place, UnpackError> {
        self.resolve(&self.root(digest, inline)?)
    }

    /// The same; a pickle that was kept is not read.
    pub(super) fn root(&self, digest: &Digest, inline: Option<&[u8]>) -> Read<Place> {
        let data = match inline {
            Some(data) if Digest::of(data) == *digest => Bytes::copy_from_slice(data),
            Some(_) => return Err(UnpackError::Damaged(*digest)),
            None => self.fetch(digest)?,
        };
        node(*digest, data).map(Place)
    }

    /// The bytes of a node, verified.
    pub(super) fn fetch(&self, digest: &Digest) -> Read<Bytes> {
        if let Some(data) = self.kept.borrow().nodes.get(digest) {
            return Ok(data.clone());
        }
        let stored = self.source.get(digest).map_err(|error| match error {
            NodeError::Missing => UnpackError::Missing(*digest),
            NodeError::Damaged => UnpackError::Damaged(*digest),
        })?;
        if !stored.verified && Digest::of(&stored.data) != *digest {
            return Err(UnpackError::Damaged(*digest));
        }
        let mut kept = self.kept.borrow_mut();
        if kept.bytes + stored.data.len() > KEPT {
            *kept = Kept::default();
        }
        kept.bytes += stored.data.len();
        kept.nodes.insert(*digest, stored.data.clone());
        Ok(stored.data)
    }

    /// Follows references to where the value itself stands. A pickle that was kept is read.
    pub(super) fn resolve(&self, place: &Place) -> Read<Place> {
        let mut place = place.clone();
        // A reference leads to a value, never to another reference; damage must not make a circle.
        for _ in 0..4 {
            place = match &place.0 {
                At::Loaded(Value::Raw(bytes)) => return Ok(Place(At::Loaded(pickle::read_lossy(bytes)))),
                At::Loaded(_) => return Ok(place),
                At::Later(digest) => Place(node(*digest, self.fetch(digest)?)?),
                At::Node { digest, data, pos } => match data.get(*pos) {
                    Some(&REF) => {
                        let mut cursor = Cursor { data, pos: pos + 1 };
                        Place(At::Later(cursor.digest().ok_or(UnpackError::Damaged(*digest))?))
                    }
                    Some(&RAW) => return self.load(&place).map(Place::from),
                    Some(&SPLIT) if data.get(pos + 1) == Some(&RAW) => {
                        return self.load(&place).map(Place::from);
                    }
                    Some(&OBJECT) => return self.object_or_dict(&place),
                    Some(_) => return Ok(place),
                    None => return Err(UnpackError::Damaged(*digest)),
                },
            };
        }
        Err(self.damaged(&place))
    }

    /// Everything that a place holds. As large as it is: for what is known to be small.
    pub fn load(&self, place: &Place) -> Result<Value, UnpackError> {
        match &place.0 {
            At::Loaded(value) => Ok(value.clone()),
            At::Later(digest) => self.load(&Place(node(*digest, self.fetch(digest)?)?)),
            At::Node { digest, data, pos } => decode_at(self.source, digest, data.clone(), *pos),
        }
    }

    /// Arguments that hold an aliased dict are stored as `dict(base)` with more entries: a dict for eyes.
    fn object_or_dict(&self, place: &Place) -> Read<Place> {
        let At::Node { data, pos, .. } = &place.0 else { return Ok(place.clone()) };
        let dict = [&[GLOBAL, 8][..], b"builtins", &[4], b"dict"].concat();
        let callable = data.get(pos + 2..pos + 2 + dict.len());
        if callable == Some(&dict[..]) { self.load(place).map(Place::from) } else { Ok(place.clone()) }
    }

    pub(super) fn damaged(&self, place: &Place) -> UnpackError {
        match &place.0 {
            At::Node { digest, .. } | At::Later(digest) => UnpackError::Damaged(*digest),
            At::Loaded(_) => UnpackError::Damaged(Digest::default()),
        }
    }

    /// What a place holds.
    pub fn shape(&self, place: &Place) -> Result<Shape, UnpackError> {
        let place = self.resolve(place)?;
        let simple = |kind, count| Shape { kind, count, class: None, scalar: None };
        match &place.0 {
            At::Loaded(value) => self.loaded_shape(value),
            At::Node { digest, data, pos } => {
                let mut cursor = Cursor { data, pos: pos + 1 };
                let shape = (|| {
                    let tag = *data.get(*pos)?;
                    Some(match tag {
                        NONE => simple(Kind::None, 0),
                        FALSE | TRUE => simple(Kind::Bool, 0),
                        INT | BIG_INT => simple(Kind::Int, 0),
                        FLOAT => simple(Kind::Float, 0),
                        GLOBAL => simple(Kind::Global, 0),
                        TREE | SPLIT => {
                            let tag = cursor.byte()?;
                            let count = cursor.number()?;
                            let kind = kind_of(tag)?;
                            simple(kind, if kind == Kind::Int { 0 } else { count })
                        }
                        OBJECT => return None,
                        tag => simple(kind_of(tag)?, cursor.number()?),
                    })
                })();
                match shape {
                    Some(shape) => Ok(shape),
                    None if data.get(*pos) == Some(&OBJECT) => self.object_shape(&place),
                    None => Err(UnpackError::Damaged(*digest)),
                }
            }
            At::Later(digest) => Err(UnpackError::Damaged(*digest)),
        }
    }

    fn loaded_shape(&self, value: &Value) -> Read<Shape> {
        let (kind, count) = match value {
            Value::None => (Kind::None, 0),
            Value::Bool(_) => (Kind::Bool, 0),
            Value::Int(_) | Value::BigInt(_) => (Kind::Int, 0),
            Value::Float(_) => (Kind::Float, 0),
            Value::Str(text) => (Kind::Str, text.bytes().len()),
            Value::Bytes(bytes) => (Kind::Bytes, bytes.len()),
            Value::ByteArray(bytes) => (Kind::ByteArray, bytes.len()),
            Value::List(items) => (Kind::List, items.len()),
            Value::Tuple(items) => (Kind::Tuple, items.len()),
            Value::Set(items) => (Kind::Set, items.len()),
            Value::FrozenSet(items) => (Kind::FrozenSet, items.len()),
            Value::Dict(pairs) => (Kind::Dict, pairs.len()),
            Value::Global(_) => (Kind::Global, 0),
            Value::Object(_) => return self.object_shape(&Place::from(value.clone())),
            Value::Raw(_) | Value::Opaque(_) => (Kind::Opaque, 0),
        };
        Ok(Shape { kind, count: count as u64, class: None, scalar: None })
    }

    /// Children of a place: at most `limit` after the first `skip`. Empty for what has none.
    ///
    /// To find a far element of a long list, the chunks before it are read once.
    pub fn children(&self, place: &Place, skip: u64, limit: usize) -> Result<Vec<Child>, UnpackError> {
        let place = self.resolve(place)?;
        let shape = self.shape(&place)?;
        if !shape.kind.has_children() || shape.scalar.is_some() {
            return Ok(Vec::new());
        }
        if shape.kind == Kind::Object {
            return self.object_children(&place, skip, limit);
        }
        let pairs = shape.kind == Kind::Dict;
        let limit = (limit as u64).min(shape.count.saturating_sub(skip));
        let width = if pairs { 2 } else { 1 };
        let seq = self.seq(&place)?;
        let places = self.values(&seq, skip.saturating_mul(width), limit.saturating_mul(width))?;
        if places.len() as u64 != limit * width {
            return Err(self.damaged(&place));
        }
        if !pairs {
            let child = |(i, place)| Child { key: Key::Index(skip + i as u64), place };
            return Ok(places.into_iter().enumerate().map(child).collect());
        }
        let child = |(key, place)| Ok(Child { key: self.key(&key)?, place });
        in_pairs(places).into_iter().map(child).collect()
    }

    /// Entries of a dict: keys and values.
    pub(super) fn entries(&self, place: &Place, skip: u64, limit: usize) -> Read<Vec<(Place, Place)>> {
        let limit = limit as u64;
        let places = self.values(&self.seq(place)?, skip.saturating_mul(2), limit.saturating_mul(2))?;
        if places.is_empty() && limit > 0 {
            return Err(self.damaged(place));
        }
        Ok(in_pairs(places))
    }

    fn key(&self, place: &Place) -> Read<Key> {
        if self.shape(place)?.kind == Kind::Str {
            let head = self.text(place, 0, 800)?;
            return Ok(Key::Name(head.text.chars().take(200).collect()));
        }
        self.glance(place, 60).map(Key::Other)
    }

    fn seq(&self, place: &Place) -> Read<Seq> {
        match &place.0 {
            At::Loaded(value) => Ok(Seq::Loaded(value.clone())),
            At::Node { digest, data, pos } => (|| {
                let mut cursor = Cursor { data, pos: pos + 1 };
                match *data.get(*pos)? {
                    TREE => {
                        let width = if cursor.byte()? == DICT { 2 } else { 1 };
                        let values = cursor.number()?.checked_mul(width)?;
                        let count = usize::try_from(cursor.number()?).ok()?;
                        let mut rest = Vec::with_capacity(count.min(cursor.left() / 32 + 1));
                        for _ in 0..count {
                            rest.push(cursor.digest()?);
                        }
                        rest.reverse();
                        let key = (*digest, *pos);
                        let index = Index { chunks: Vec::new(), known: 0, rest };
                        self.indexes.borrow_mut().entry(key).or_insert(index);
                        Some(Seq::Tree { key, values })
                    }
                    tag => {
                        let width = if tag == DICT { 2 } else { 1 };
                        let values = cursor.number()?.checked_mul(width)?;
                        Some(Seq::Here { digest: *digest, data: data.clone(), pos: cursor.pos, values })
                    }
                }
            })()
            .ok_or(UnpackError::Damaged(*digest)),
            At::Later(digest) => Err(UnpackError::Damaged(*digest)),
        }
    }

    /// Values of a sequence; keys and values of a dict in turn.
    fn values(&self, seq: &Seq, skip: u64, limit: u64) -> Read<Vec<Place>> {
        let mut out = Vec::new();
        match seq {
            Seq::Loaded(value) => {
                let from = usize::try_from(skip).unwrap_or(usize::MAX);
                let most = usize::try_from(limit).unwrap_or(usize::MAX);
                let flat: Box<dyn Iterator<Item = &Value>> = match value {
                    Value::Dict(pairs) => Box::new(
                        pairs[(from / 2).min(pairs.len())..].iter().flat_map(|(key, value)| [key, value]),
                    ),
                    other => {
                        let items = other.as_items().unwrap_or_default();
                        Box::new(items[from.min(items.len())..].iter())
                    }
                };
                out.extend(flat.take(most).cloned().map(Place::from));
            }
            Seq::Here { digest, data, pos, values } => {
                let limit = limit.min(values.saturating_sub(skip));
                take(digest, data, *pos, skip, limit, &mut out)?;
            }
            Seq::Tree { key, values } => {
                let (mut skip, mut limit) = (skip, limit.min(values.saturating_sub(skip)));
                while limit > 0 {
                    let Some((chunk, before, here)) = self.chunk(key, skip)? else { break };
                    let data = self.fetch(&chunk)?;
                    let take_here = limit.min(before + here - skip);
                    take(&chunk, &data, 2, skip - before, take_here, &mut out)?;
                    skip += take_here;
                    limit -= take_here;
                }
            }
        }
        Ok(out)
    }

    /// See [`Reader::runs`].
    pub(super) fn stored_runs(&self, place: &Place) -> Read<Vec<Run>> {
        let Ok(Seq::Tree { key, values }) = self.seq(place) else { return Ok(Vec::new()) };
        let pairs = if self.shape(place)?.kind == Kind::Dict { 2 } else { 1 };
        let Some(last) = values.checked_sub(1) else { return Ok(Vec::new()) };
        self.chunk(&key, last)?;
        let indexes = self.indexes.borrow();
        let chunks = indexes.get(&key).map(|index| index.chunks.as_slice()).unwrap_or_default();
        Ok(chunks.iter().map(|(digest, before)| Run { digest: *digest, before: before / pairs }).collect())
    }

    /// The chunk that holds this value, how many values stand before it, and how many in it.
    fn chunk(&self, key: &(Digest, usize), value: u64) -> Read<Option<(Digest, u64, u64)>> {
        let mut indexes = self.indexes.borrow_mut();
        let Some(index) = indexes.get_mut(key) else { return Ok(None) };
        while index.known <= value {
            let Some(digest) = index.rest.pop() else { return Ok(None) };
            let known = self.counts.borrow().get(&digest).copied();
            if let Some(known) = known {
                index.chunks.push((digest, index.known));
                index.known += known;
                continue;
            }
            let data = self.fetch(&digest)?;
            let mut cursor = Cursor { data: &data, pos: 2 };
            let more = match data.get(..2) {
                Some(&[VERSION, INDEX]) if index.rest.len() < 1 << 20 => {
                    let mut below = Vec::new();
                    while cursor.left() > 0 {
                        below.push(cursor.digest().ok_or(UnpackError::Damaged(digest))?);
                    }
                    index.rest.extend(below.into_iter().rev());
                    continue;
                }
                Some(&[VERSION, CHUNK]) => scan::count_rest(&mut cursor),
                _ => None,
            };
            let more = more.ok_or(UnpackError::Damaged(digest))?;
            self.counts.borrow_mut().insert(digest, more);
            index.chunks.push((digest, index.known));
            index.known += more;
        }
        let at = index.chunks.partition_point(|(_, before)| *before <= value) - 1;
        let (digest, before) = index.chunks[at];
        let end = index.chunks.get(at + 1).map_or(index.known, |(_, before)| *before);
        Ok(Some((digest, before, end - before)))
    }
}

fn in_pairs(places: Vec<Place>) -> Vec<(Place, Place)> {
    let mut places = places.into_iter();
    std::iter::from_fn(|| Some((places.next()?, places.next()?))).collect()
}

fn kind_of(tag: u8) -> Option<Kind> {
    Some(match tag {
        STR => Kind::Str,
        BYTES => Kind::Bytes,
        BYTE_ARRAY => Kind::ByteArray,
        BIG_INT => Kind::Int,
        LIST => Kind::List,
        TUPLE => Kind::Tuple,
        DICT => Kind::Dict,
        SET => Kind::Set,
        FROZEN_SET => Kind::FrozenSet,
        _ => return None,
    })
}

/// The value of a whole node.
fn node(digest: Digest, data: Bytes) -> Read<At> {
    if data.first() != Some(&VERSION) || data.len() < 2 {
        return Err(UnpackError::Damaged(digest));
    }
    Ok(At::Node { digest, data, pos: 1 })
}

/// Places of values that stand one after the other.
fn take(digest: &Digest, data: &Bytes, pos: usize, skip: u64, limit: u64, out: &mut Vec<Place>) -> Read<()> {
    let mut cursor = Cursor { data, pos };
    for i in 0..skip.saturating_add(limit) {
        let at = cursor.pos;
        scan::skip(&mut cursor).ok_or(UnpackError::Damaged(*digest))?;
        if i >= skip {
            out.push(Place(At::Node { digest: *digest, data: data.clone(), pos: at }));
        }
    }
    Ok(())
}
