//! Stored values as JSON, piece by piece: the same JSON as [`to_json`](super::super::view::to_json) makes of a value
//! that is in memory.
//!
//! Invariants: what the limits leave out is not read; of what is read, one window of elements and one piece of a long
//! string are in memory at a time. An instance is read as a whole. An error while reading ends the serialising and is
//! found in [`Document::failure`].

use std::cell::RefCell;
use std::fmt;

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::super::store::UnpackError;
use super::super::store::format::*;
use super::super::tree::{Text, Value};
use super::super::view::{View, ViewLimits, Viewer, base64, tagged};
use super::objects::refers;
use super::reader::{Read, Reader};
use super::{At, Kind, Place, Shape, scan};
use crate::base::digest::Digest;

/// Elements whose places are known at once.
const WINDOW: usize = 512;
/// Bytes of a long string that are read at once; whole groups of base64.
const PIECE: usize = 3 << 18;

/// A stored value that serialises as JSON for eyes.
pub struct Document<'a> {
    reader: &'a Reader<'a>,
    root: Place,
    viewer: RefCell<Viewer>,
    failed: RefCell<Option<UnpackError>>,
}

impl<'a> Document<'a> {
    /// Of a value: the digest and the inline bytes of its reference.
    pub fn open(
        reader: &'a Reader<'a>,
        digest: &Digest,
        inline: Option<&[u8]>,
        limits: &ViewLimits,
    ) -> Result<Self, UnpackError> {
        let root = reader.root(digest, inline)?;
        Ok(Document { reader, root, viewer: RefCell::new(Viewer::new(limits)), failed: RefCell::default() })
    }

    /// All of it in memory.
    pub fn view(self) -> Result<View, UnpackError> {
        let json = serde_json::to_value(&self);
        match (json, self.failure()) {
            (Ok(json), None) => Ok(View { json, cut: self.viewer.borrow().cut() }),
            (_, failed) => Err(failed.unwrap_or_else(|| self.reader.damaged(&self.root))),
        }
    }

    /// Why it could not be read to its end.
    pub fn failure(&self) -> Option<UnpackError> {
        *self.failed.borrow()
    }

    fn known<T, E: serde::ser::Error>(&self, read: Read<T>) -> Result<T, E> {
        read.map_err(|error| {
            *self.failed.borrow_mut() = Some(error);
            E::custom(error)
        })
    }

    /// Follows references, but reads no pickle.
    fn follow(&self, place: &Place) -> Read<Place> {
        match &place.0 {
            At::Later(digest) => self.reader.root(digest, None),
            At::Node { digest, data, pos } if data.get(*pos) == Some(&REF) => {
                let mut cursor = Cursor { data, pos: pos + 1 };
                self.reader.root(&cursor.digest().ok_or(UnpackError::Damaged(*digest))?, None)
            }
            _ => Ok(place.clone()),
        }
    }

    /// Whether what is at a place lies in other nodes, and can be read in parts.
    fn is_large(&self, place: &Place) -> Read<bool> {
        let At::Node { digest, data, pos } = &place.0 else { return Ok(false) };
        Ok(match data.get(*pos) {
            Some(&SPLIT) => matches!(data.get(pos + 1), Some(&(STR | BYTES | BYTE_ARRAY))),
            Some(&TREE) => true,
            Some(&(LIST | TUPLE | SET | FROZEN_SET | DICT)) => {
                let mut cursor = Cursor { data, pos: *pos };
                scan::skip(&mut cursor).ok_or(UnpackError::Damaged(*digest))?;
                refers(&data[*pos..cursor.pos])
            }
            _ => false,
        })
    }

    fn small(&self, place: &Place, depth: usize) -> Read<serde_json::Value> {
        Ok(self.viewer.borrow_mut().value(&self.reader.load(place)?, depth))
    }

    /// Whether all keys that are shown can be names in JSON.
    fn has_names(&self, place: &Place, shown: u64) -> Read<bool> {
        let mut at = 0;
        while at < shown {
            let window = self.reader.entries(place, at, WINDOW.min((shown - at) as usize))?;
            for (key, _) in &window {
                if !self.viewer.borrow().is_name(&self.reader.load(key)?) {
                    return Ok(false);
                }
            }
            at += window.len() as u64;
        }
        Ok(true)
    }
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Part { document: self, place: self.root.clone(), depth: 0 }.serialize(to)
    }
}

/// What is at a place.
struct Part<'a> {
    document: &'a Document<'a>,
    place: Place,
    depth: usize,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Part { document, depth, .. } = *self;
        let place = document.known(document.follow(&self.place))?;
        if !document.known(document.is_large(&place))? {
            return document.known(document.small(&place, depth))?.serialize(to);
        }
        let shape = document.known(document.reader.shape(&place))?;
        if document.viewer.borrow_mut().too_deep(depth, shape.kind != Kind::Str) {
            return tagged("$cut", document.known(document.reader.glance(&place, 60))?).serialize(to);
        }
        let inner = Inner { document, place, shape, depth };
        match inner.shape.kind {
            Kind::Str => inner.string(to),
            Kind::Bytes => inner.bytes("$bytes", to),
            Kind::ByteArray => inner.bytes("$bytearray", to),
            Kind::Tuple => inner.tagged("$tuple", to),
            Kind::Set => inner.tagged("$set", to),
            Kind::FrozenSet => inner.tagged("$frozenset", to),
            Kind::Dict => {
                let shown = inner.room();
                match document.known(document.has_names(&inner.place, shown))? {
                    true => inner.names(to),
                    false => inner.tagged("$dict", to),
                }
            }
            _ => inner.serialize(to),
        }
    }
}

/// Something large; serialises as the array of its elements or entries.
struct Inner<'a> {
    document: &'a Document<'a>,
    place: Place,
    shape: Shape,
    depth: usize,
}

impl Inner<'_> {
    /// How many elements may be shown.
    fn room(&self) -> u64 {
        self.shape.count.min(self.document.viewer.borrow().limits.max_items as u64)
    }

    fn part(&self, place: Place) -> Part<'_> {
        Part { document: self.document, place, depth: self.depth + 1 }
    }

    fn more(&self, shown: u64) -> Option<serde_json::Value> {
        let hidden = usize::try_from(self.shape.count - shown).unwrap_or(usize::MAX);
        self.document.viewer.borrow_mut().more(hidden)
    }

    /// Hands over element by element (keys come with their values) while there is room; how many it were.
    fn each<E: serde::ser::Error>(
        &self,
        mut take: impl FnMut(Option<Place>, Place) -> Result<(), E>,
    ) -> Result<u64, E> {
        let (document, room) = (self.document, self.room());
        let mut shown = 0;
        while shown < room {
            let wanted = WINDOW.min((room - shown) as usize);
            let window: Vec<(Option<Place>, Place)> = match self.shape.kind {
                Kind::Dict => document
                    .known(document.reader.entries(&self.place, shown, wanted))?
                    .into_iter()
                    .map(|(key, value)| (Some(key), value))
                    .collect(),
                _ => document
                    .known(document.reader.children(&self.place, shown, wanted))?
                    .into_iter()
                    .map(|child| (None, child.place))
                    .collect(),
            };
            for (key, value) in window {
                if document.viewer.borrow_mut().exhausted() {
                    return Ok(shown);
                }
                take(key, value)?;
                shown += 1;
            }
        }
        Ok(shown)
    }

    fn tagged<S: Serializer>(&self, tag: &str, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry(tag, self)?;
        map.end()
    }

    fn names<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let document = self.document;
        let mut map = to.serialize_map(None)?;
        let shown = self.each(|key, value| {
            let key = key.map(|key| document.reader.load(&key)).transpose();
            let Some(Value::Str(key)) = document.known::<_, S::Error>(key)? else {
                return Err(S::Error::custom("a key is no text"));
            };
            let key = key.to_str();
            document.viewer.borrow_mut().spend(key.len() + 4);
            map.serialize_entry(&key, &self.part(value))
        })?;
        if let Some(more) = self.more(shown) {
            map.serialize_entry("$more", &more)?;
        }
        map.end()
    }

    fn string<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let document = self.document;
        let most = document.viewer.borrow().room_for_text();
        if most as u64 >= self.shape.count {
            document.viewer.borrow_mut().spend(usize::try_from(self.shape.count).unwrap_or(usize::MAX));
            return self.pieces(false, self.shape.count, to);
        }
        // No character takes more than four bytes; those after them tell that it goes on.
        let window = document.known(document.reader.bytes(&self.place, 0, most.saturating_mul(4) + 8))?;
        let is_start = |byte: &u8| byte & 0xc0 != 0x80;
        let last = window.data.iter().rposition(is_start).unwrap_or(0);
        let end = if window.data.len() as u64 == window.total { window.data.len() } else { last };
        let text = Text::from_bytes(window.data.slice(..end));
        let text = document.known(text.ok_or_else(|| document.reader.damaged(&self.place)))?;
        document.viewer.borrow_mut().beginning(&text, window.data.len() as u64 == window.total).serialize(to)
    }

    fn bytes<S: Serializer>(&self, tag: &str, to: S) -> Result<S::Ok, S::Error> {
        let count = usize::try_from(self.shape.count).unwrap_or(usize::MAX);
        let shown = self.document.viewer.borrow_mut().room_for_bytes(count);
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry(tag, &Encoded { inner: self, shown: shown as u64 })?;
        map.serialize_entry("size", &count)?;
        map.end()
    }

    fn pieces<S: Serializer>(&self, encode: bool, to_byte: u64, to: S) -> Result<S::Ok, S::Error> {
        let done = to.collect_str(&Pieces { inner: self, encode, to: to_byte })?;
        match self.document.failure() {
            Some(error) => Err(S::Error::custom(error)),
            None => Ok(done),
        }
    }
}

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut seq = to.serialize_seq(None)?;
        let shown = self.each(|key, value| match key {
            Some(key) => seq.serialize_element(&(self.part(key), self.part(value))),
            None => seq.serialize_element(&self.part(value)),
        })?;
        if let Some(more) = self.more(shown) {
            seq.serialize_element(&tagged("$more", more))?;
        }
        seq.end()
    }
}

/// The first bytes in base64.
struct Encoded<'a> {
    inner: &'a Inner<'a>,
    shown: u64,
}

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.inner.pieces(true, self.shown, to)
    }
}

/// A long string, or long bytes in base64, up to a byte.
struct Pieces<'a> {
    inner: &'a Inner<'a>,
    encode: bool,
    to: u64,
}

impl fmt::Display for Pieces<'_> {
    /// What cannot be read is noted in the document: serialisers take an error from here for one of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { document, place, .. } = self.inner;
        let mut at = 0;
        while at < self.to {
            let piece = if self.encode {
                let len = PIECE.min((self.to - at) as usize);
                document
                    .reader
                    .bytes(place, at, len)
                    .map(|window| (base64(&window.data), at + window.data.len() as u64))
            } else {
                document.reader.text(place, at, PIECE).map(|window| (window.text, window.to))
            };
            let (text, next) = match piece {
                Ok((text, next)) if next > at => (text, next),
                Ok(_) => {
                    *document.failed.borrow_mut() = Some(document.reader.damaged(place));
                    return Ok(());
                }
                Err(error) => {
                    *document.failed.borrow_mut() = Some(error);
                    return Ok(());
                }
            };
            f.write_str(&text)?;
            at = next;
        }
        Ok(())
    }
}
