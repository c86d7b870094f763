//! Tags, numbers and limits of the node encoding. Changing any of them changes every digest: raise [`VERSION`].

/// First byte of every node.
pub(in crate::value) const VERSION: u8 = 1;

pub(in crate::value) const NONE: u8 = 0;
pub(in crate::value) const FALSE: u8 = 1;
pub(in crate::value) const TRUE: u8 = 2;
/// Zigzag varint.
pub(in crate::value) const INT: u8 = 3;
pub(in crate::value) const BIG_INT: u8 = 4;
/// 8 bytes, little endian.
pub(in crate::value) const FLOAT: u8 = 5;
pub(in crate::value) const STR: u8 = 6;
pub(in crate::value) const BYTES: u8 = 7;
pub(in crate::value) const BYTE_ARRAY: u8 = 8;
/// Count, entries.
pub(in crate::value) const LIST: u8 = 9;
pub(in crate::value) const TUPLE: u8 = 10;
/// Count of pairs, keys and values in turn.
pub(in crate::value) const DICT: u8 = 11;
/// Count, entries sorted by their encoding.
pub(in crate::value) const SET: u8 = 12;
pub(in crate::value) const FROZEN_SET: u8 = 13;
/// Two sized strings.
pub(in crate::value) const GLOBAL: u8 = 14;
/// Flags, then the parts they announce.
pub(in crate::value) const OBJECT: u8 = 15;
/// 32 bytes: the digest of a node with the value.
pub(in crate::value) const REF: u8 = 16;
/// Tag of the sequence, its count, number of digests, digests of chunks or indexes.
pub(in crate::value) const TREE: u8 = 17;
/// Only as a node: entries to its end.
pub(in crate::value) const CHUNK: u8 = 18;
/// Only as a node: digests to its end.
pub(in crate::value) const INDEX: u8 = 19;
/// Tag of the leaf, its length, number of digests, digests of blobs.
pub(in crate::value) const SPLIT: u8 = 20;
/// Only as a node: bytes to its end.
pub(in crate::value) const BLOB: u8 = 21;
/// A sized pickle, kept as it is.
pub(in crate::value) const RAW: u8 = 22;

/// Flags of `OBJECT`.
pub(in crate::value) const IS_NEW: u8 = 1;
pub(in crate::value) const HAS_KWARGS: u8 = 2;
pub(in crate::value) const HAS_ITEMS: u8 = 4;
pub(in crate::value) const HAS_PAIRS: u8 = 8;
pub(in crate::value) const HAS_ADDED: u8 = 16;
pub(in crate::value) const HAS_STATE: u8 = 32;

/// Lists and their elements become nodes from this many encoded bytes; smaller roots need no node at all.
pub(in crate::value) const SMALL: usize = 96;
/// Everything else becomes a node from this many.
pub(in crate::value) const LARGE: usize = 4096;
/// A chunk of a sequence ends after the entry that brings it to this many references, or `LARGE` bytes.
pub(in crate::value) const CHUNK_REFS: usize = 32;
/// Digests per index node.
pub(in crate::value) const FANOUT: usize = 32;
/// Longer leaves are split at multiples of this.
pub(in crate::value) const BLOB_SIZE: usize = 8 << 20;

pub(in crate::value) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(in crate::value) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

pub(in crate::value) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// A cursor over the bytes of a node; every step says `None` at the end.
pub(in crate::value) struct Cursor<'a> {
    pub data: &'a [u8],
    pub pos: usize,
}

impl<'a> Cursor<'a> {
    pub(in crate::value) fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.pos)?;
        self.pos += 1;
        Some(byte)
    }

    pub(in crate::value) fn number(&mut self) -> Option<u64> {
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
    pub(in crate::value) fn len(&mut self) -> Option<usize> {
        let len = usize::try_from(self.number()?).ok()?;
        (len <= self.left()).then_some(len)
    }

    pub(in crate::value) fn left(&self) -> usize {
        self.data.len().saturating_sub(self.pos)
    }

    pub(in crate::value) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.data.get(self.pos..self.pos.checked_add(len)?)?;
        self.pos += len;
        Some(bytes)
    }

    pub(in crate::value) fn digest(&mut self) -> Option<crate::base::digest::Digest> {
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
