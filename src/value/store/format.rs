//! Tags, numbers and limits of the node encoding. Changing any of them changes every digest: raise [`VERSION`].

/// First byte of every node.
pub(super) const VERSION: u8 = 1;

pub(super) const NONE: u8 = 0;
pub(super) const FALSE: u8 = 1;
pub(super) const TRUE: u8 = 2;
/// Zigzag varint.
pub(super) const INT: u8 = 3;
pub(super) const BIG_INT: u8 = 4;
/// 8 bytes, little endian.
pub(super) const FLOAT: u8 = 5;
pub(super) const STR: u8 = 6;
pub(super) const BYTES: u8 = 7;
pub(super) const BYTE_ARRAY: u8 = 8;
/// Count, entries.
pub(super) const LIST: u8 = 9;
pub(super) const TUPLE: u8 = 10;
/// Count of pairs, keys and values in turn.
pub(super) const DICT: u8 = 11;
/// Count, entries sorted by their encoding.
pub(super) const SET: u8 = 12;
pub(super) const FROZEN_SET: u8 = 13;
/// Two sized strings.
pub(super) const GLOBAL: u8 = 14;
/// Flags, then the parts they announce.
pub(super) const OBJECT: u8 = 15;
/// 32 bytes: the digest of a node with the value.
pub(super) const REF: u8 = 16;
/// Tag of the sequence, its count, number of digests, digests of chunks or indexes.
pub(super) const TREE: u8 = 17;
/// Only as a node: entries to its end.
pub(super) const CHUNK: u8 = 18;
/// Only as a node: digests to its end.
pub(super) const INDEX: u8 = 19;
/// Tag of the leaf, its length, number of digests, digests of blobs.
pub(super) const SPLIT: u8 = 20;
/// Only as a node: bytes to its end.
pub(super) const BLOB: u8 = 21;
/// A sized pickle, kept as it is.
pub(super) const RAW: u8 = 22;

/// Flags of `OBJECT`.
pub(super) const IS_NEW: u8 = 1;
pub(super) const HAS_KWARGS: u8 = 2;
pub(super) const HAS_ITEMS: u8 = 4;
pub(super) const HAS_PAIRS: u8 = 8;
pub(super) const HAS_ADDED: u8 = 16;
pub(super) const HAS_STATE: u8 = 32;

/// Lists and their elements become nodes from this many encoded bytes; smaller roots need no node at all.
pub(super) const SMALL: usize = 96;
/// Everything else becomes a node from this many.
pub(super) const LARGE: usize = 4096;
/// A chunk of a sequence ends after the entry that brings it to this many references, or `LARGE` bytes.
pub(super) const CHUNK_REFS: usize = 32;
/// Digests per index node.
pub(super) const FANOUT: usize = 32;
/// Longer leaves are split at multiples of this.
pub(super) const BLOB_SIZE: usize = 8 << 20;

pub(super) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// A cursor over the bytes of a node; every step says `None` at the end.
pub(super) struct Cursor<'a> {
    pub data: &'a [u8],
    pub pos: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.pos)?;
        self.pos += 1;
        Some(byte)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A length that fits into what is left.
    pub(super) fn len(&mut self) -> Option<usize> {
        let len = usize::try_from(self.number()?).ok()?;
        (len <= self.left()).then_some(len)
    }

    pub(super) fn left(&self) -> usize {
        self.data.len().saturating_sub(self.pos)
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.data.get(self.pos..self.pos.checked_add(len)?)?;
        self.pos += len;
        Some(bytes)
    }

    pub(super) fn digest(&mut self) -> Option<crate::base::digest::Digest> {
        crate::base::digest::Digest::from_slice(self.take(32)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(number in any::<u64>(), signed in any::<i64>()) {
            let mut out = Vec::new();
            push_number(&mut out, number);
            prop_assert_eq!(Cursor { data: &out, pos: 0 }.number(), Some(number));
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }
}
