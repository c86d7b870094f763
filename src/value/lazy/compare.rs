//! What two places have in common, found by digests: equal parts are never decoded.
//!
//! Invariant: places that are said to be the same hold equal values. Places that are not may still hold equal ones, when
//! one of them was kept as a pickle.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::pickle;
use super::super::store::format::*;
use super::super::store::{self, UnpackError};
use super::super::tree::Value;
use super::reader::{Read, Reader};
use super::scan;
use super::{At, Place};
use crate::base::digest::Digest;

/// A run of elements that are stored together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// What they are.
    pub digest: Digest,
    /// How many elements stand before it.
    pub before: u64,
}

impl Reader<'_> {
    /// A mark that equal places have, and others almost never.
    pub fn mark(&self, place: &Place) -> Result<u64, UnpackError> {
        let of_digest = |digest: &Digest| digest.0.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        match &place.0 {
            At::Later(digest) => Ok(of_digest(digest)),
            At::Node { digest, pos: 1, .. } => Ok(of_digest(digest)),
            At::Node { digest, data, pos } => {
                let mut cursor = Cursor { data, pos: *pos };
                scan::skip(&mut cursor).ok_or(UnpackError::Damaged(*digest))?;
                let encoded = &data[*pos..cursor.pos];
                if encoded.first() == Some(&REF)
                    && let Some(digest) = Digest::from_slice(&encoded[1..])
                {
                    return Ok(of_digest(&digest));
                }
                let mut hasher = DefaultHasher::new();
                encoded.hash(&mut hasher);
                Ok(hasher.finish())
            }
            At::Loaded(value) => {
                let mut hasher = DefaultHasher::new();
                pickle::to_pickle(value).unwrap_or_default().hash(&mut hasher);
                Ok(hasher.finish())
            }
        }
    }

    /// Bytes of everything that a place holds; `None` when they are more than `most`.
    pub fn weigh(&self, place: &Place, most: usize) -> Result<Option<usize>, UnpackError> {
        let (mut sum, mut due) = (0usize, Vec::new());
        match &place.0 {
            At::Loaded(value) => {
                let mut left = most;
                return Ok(fits_into(value, &mut left).then(|| most - left));
            }
            At::Later(digest) => due.push(*digest),
            At::Node { digest, data, pos } => {
                let mut cursor = Cursor { data, pos: *pos };
                scan::skip(&mut cursor).ok_or(UnpackError::Damaged(*digest))?;
                sum += cursor.pos - pos;
                if sum <= most {
                    due.extend(store::children(&[&[VERSION], &data[*pos..cursor.pos]].concat()));
                }
            }
        }
        while let Some(digest) = due.pop() {
            if sum > most {
                break;
            }
            let data = self.fetch(&digest)?;
            sum += data.len();
            due.extend(store::children(&data));
            // Each is at least a byte: what is to come counts before it is read.
            if sum + due.len() > most {
                return Ok(None);
            }
        }
        Ok((sum <= most).then_some(sum))
    }

    /// How the elements of a long sequence are stored: runs of them in order; empty for one that is stored in one piece.
    pub fn runs(&self, place: &Place) -> Result<Vec<Run>, UnpackError> {
        let place = self.resolve(place)?;
        self.stored_runs(&place)
    }

    /// The pieces of 8 MiB of a long string or of long bytes; empty for others.
    pub fn pieces(&self, place: &Place) -> Result<Vec<Digest>, UnpackError> {
        let place = self.resolve(place)?;
        let At::Node { digest, data, pos } = &place.0 else { return Ok(Vec::new()) };
        if data.get(*pos) != Some(&SPLIT) {
            return Ok(Vec::new());
        }
        let mut cursor = Cursor { data, pos: pos + 2 };
        let read = |cursor: &mut Cursor<'_>| -> Option<Vec<Digest>> {
            cursor.number()?;
            let count = cursor.number()?;
            (0..count).map(|_| cursor.digest()).collect()
        };
        read(&mut cursor).ok_or(UnpackError::Damaged(*digest))
    }

    /// Bytes of one of [`Reader::pieces`], of all but the last.
    pub const PIECE: u64 = BLOB_SIZE as u64;
}

/// Whether a value in memory is smaller than what is left.
fn fits_into(value: &Value, left: &mut usize) -> bool {
    let own = match value {
        Value::Str(text) => text.bytes().len(),
        Value::Bytes(bytes) | Value::ByteArray(bytes) | Value::BigInt(bytes) | Value::Raw(bytes) => {
            bytes.len()
        }
        _ => 8,
    };
    let Some(rest) = left.checked_sub(own.max(1)) else { return false };
    *left = rest;
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
            items.iter().all(|item| fits_into(item, left))
        }
        Value::Dict(pairs) => pairs.iter().all(|(key, value)| fits_into(key, left) && fits_into(value, left)),
        Value::Object(object) => {
            object
                .make
                .args()
                .iter()
                .chain(&object.items)
                .chain(&object.added)
                .all(|one| fits_into(one, left))
                && object.pairs.iter().all(|(key, value)| fits_into(key, left) && fits_into(value, left))
                && object.state.as_ref().is_none_or(|state| fits_into(state, left))
        }
        _ => true,
    }
}

impl Reader<'_> {
    /// The elements of a sequence from one to before another, each by its mark.
    pub fn marks(&self, place: &Place, from: u64, to: u64) -> Read<Vec<u64>> {
        let mut out = Vec::new();
        let mut at = from;
        while at < to {
            let window =
                self.children(place, at, usize::try_from(to - at).unwrap_or(usize::MAX).min(WINDOW))?;
            if window.is_empty() {
                return Err(self.damaged(place));
            }
            at += window.len() as u64;
            for child in window {
                out.push(self.mark(&child.place)?);
            }
        }
        Ok(out)
    }
}

/// Elements that are looked at together.
const WINDOW: usize = 4_096;
