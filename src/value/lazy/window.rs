//! Windows of long strings and bytes.

use bytes::Bytes;

use super::super::store::UnpackError;
use super::super::store::format::*;
use super::super::tree::{Text, Value};
use super::reader::{Read, Reader};
use super::{At, Place};
use crate::base::digest::Digest;

/// A piece of a string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextWindow {
    /// The text, unsanitised; lone surrogates are replaced.
    pub text: String,
    /// Byte offset of its first character.
    pub from: u64,
    /// Byte offset after its last character.
    pub to: u64,
    /// Bytes of the whole string.
    pub total: u64,
}

/// A piece of bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ByteWindow {
    /// The bytes.
    pub data: Bytes,
    /// Offset of the first.
    pub from: u64,
    /// How many there are in all.
    pub total: u64,
}

/// A character takes at most this many bytes.
const WIDEST: u64 = 4;

impl Reader<'_> {
    /// At most `len` bytes of a string from byte `from` on, with whole characters only: the window begins at the
    /// first character that begins at or before `from`. Empty for what is no string.
    pub fn text(&self, place: &Place, from: u64, len: usize) -> Result<TextWindow, UnpackError> {
        let start = from.saturating_sub(WIDEST - 1);
        let window = self.bytes(place, start, len.saturating_add(2 * WIDEST as usize))?;
        let data = &window.data[..];
        let begins = |at: usize| data.get(at).is_none_or(|byte| byte & 0xc0 != 0x80);
        let mut first = usize::try_from(from.min(window.total) - window.from).unwrap_or(0).min(data.len());
        while first > 0 && !begins(first) {
            first -= 1;
        }
        let mut end = first.saturating_add(len).min(data.len());
        while end > first && !begins(end) {
            end -= 1;
        }
        let text = Text::from_bytes(window.data.slice(first..end));
        let text = match &text {
            Some(text) => text.to_str().into_owned(),
            None => String::from_utf8_lossy(&data[first..end]).into_owned(),
        };
        let at = |offset: usize| window.from + offset as u64;
        Ok(TextWindow { text, from: at(first), to: at(end), total: window.total })
    }

    /// At most `len` bytes of a string, bytes or a bytearray from `from` on. Empty for anything else.
    pub fn bytes(&self, place: &Place, from: u64, len: usize) -> Result<ByteWindow, UnpackError> {
        let place = self.resolve(place)?;
        match &place.0 {
            At::Loaded(value) => Ok(match value {
                Value::Str(text) => cut(text.bytes(), from, len),
                Value::Bytes(bytes) | Value::ByteArray(bytes) => cut(bytes, from, len),
                _ => cut(&Bytes::new(), 0, 0),
            }),
            At::Node { digest, data, pos } => {
                let mut cursor = Cursor { data, pos: pos + 1 };
                match data.get(*pos) {
                    Some(&(STR | BYTES | BYTE_ARRAY)) => {
                        let all = cursor.len().map(|len| data.slice(cursor.pos..cursor.pos + len));
                        Ok(cut(&all.ok_or(UnpackError::Damaged(*digest))?, from, len))
                    }
                    Some(&SPLIT) => self.split(digest, &mut cursor, from, len),
                    _ => Ok(cut(&Bytes::new(), 0, 0)),
                }
            }
            At::Later(digest) => Err(UnpackError::Damaged(*digest)),
        }
    }

    /// A window of a leaf that lies in several nodes; only those that it touches are fetched.
    fn split(&self, digest: &Digest, cursor: &mut Cursor<'_>, from: u64, len: usize) -> Read<ByteWindow> {
        let head = (|| {
            cursor.byte()?;
            let total = cursor.number()?;
            let count = cursor.number()?;
            (count == total.div_ceil(BLOB_SIZE as u64)).then_some((total, count))
        })();
        let (total, count) = head.ok_or(UnpackError::Damaged(*digest))?;
        let from = from.min(total);
        let to = from.saturating_add(len as u64).min(total);
        let mut out = Vec::with_capacity(usize::try_from(to - from).unwrap_or(0).min(BLOB_SIZE));
        for i in 0..count {
            let blob = cursor.digest().ok_or(UnpackError::Damaged(*digest))?;
            let begin = i * BLOB_SIZE as u64;
            let end = (begin + BLOB_SIZE as u64).min(total);
            if end <= from || begin >= to {
                continue;
            }
            let data = self.fetch(&blob)?;
            if data.len() as u64 != 2 + end - begin || data[..2] != [VERSION, BLOB] {
                return Err(UnpackError::Damaged(blob));
            }
            let piece = |at: u64| usize::try_from(at.clamp(begin, end) - begin).unwrap_or(0) + 2;
            out.extend_from_slice(&data[piece(from)..piece(to)]);
        }
        Ok(ByteWindow { data: Bytes::from(out), from, total })
    }
}

fn cut(all: &Bytes, from: u64, len: usize) -> ByteWindow {
    let total = all.len() as u64;
    let from = from.min(total);
    let begin = usize::try_from(from).unwrap_or(usize::MAX).min(all.len());
    let end = begin.saturating_add(len).min(all.len());
    ByteWindow { data: all.slice(begin..end), from, total }
}
