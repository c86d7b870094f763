//! How content-addressed data is packed, verified, and remembered as already stored. No I/O.
//!
//! Data is compressed (zstd, a low level) when it is at least 256 bytes and at least a tenth is saved; large
//! data is judged by a sample first, so that 200 MiB of noise costs next to nothing. References to other nodes are
//! taken out before, and become numbers of rows when it is written (`refs.rs`).

use std::borrow::Cow;
use std::cell::RefCell;

use bytes::Bytes;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::refs::{self, Cut};
use crate::base::digest::Digest;

/// A piece of content-addressed data to store.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name; [`NodeRules::matches`] must accept it for `data`.
    pub digest: Digest,
    /// The bytes.
    pub data: Bytes,
}

/// Finds the digests that a node's data refers to.
pub type ChildrenOf = fn(&[u8]) -> Vec<Digest>;

/// What the floor that makes nodes knows about them.
#[derive(Clone, Copy, Debug)]
pub struct NodeRules {
    /// The digests of the nodes that this node's data refers to. Without it gc deletes no nodes.
    pub children: Option<ChildrenOf>,
    /// Whether these bytes are what the digest names.
    pub matches: fn(&Digest, &[u8]) -> bool,
}

impl Default for NodeRules {
    fn default() -> Self {
        NodeRules { children: None, matches: |digest, data| Digest::of(data) == *digest }
    }
}

const PLAIN: i64 = 0;
const ZSTD: i64 = 1;
/// References are numbers of rows.
const REFS: i64 = 2;
/// ... and the rest is compressed.
const REFS_ZSTD: i64 = 3;
const LEVEL: i32 = 1;
const COMPRESS_FROM: usize = 256;
const SAMPLE: usize = 16 << 10;

thread_local! {
    // A compression context is 100s of KB: one a thread, not one a node.
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The compressed bytes, when that saves at least a tenth.
pub(super) fn squeeze(data: &[u8]) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Compressor::new(LEVEL).ok();
        }
        let packer = slot.as_mut()?;
        if data.len() > 8 * SAMPLE {
            let middle = data.len() / 2;
            let sample = packer.compress(data.get(middle..middle + SAMPLE)?).ok()?;
            if sample.len() * 10 > SAMPLE * 9 {
                return None;
            }
        }
        let packed = packer.compress(data).ok()?;
        (packed.len() * 10 <= data.len() * 9).then_some(packed)
    })
}

/// The original of [`squeeze`]d bytes, refused when larger than `limit`.
pub(super) fn unsqueeze(data: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    UNPACKER.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Decompressor::new().ok();
        }
        let unpacker = slot.as_mut().ok_or("no decompressor")?;
        let size = zstd::bulk::Decompressor::upper_bound(data).unwrap_or(limit);
        if size > limit {
            return Err(format!("it claims to unpack to {size} bytes"));
        }
        unpacker.decompress(data, size).map_err(|e| e.to_string())
    })
}

/// A node as it goes into its row.
#[derive(Debug)]
pub(super) struct PackedNode {
    pub digest: Digest,
    pub size: i64,
    codec: i64,
    data: Bytes,
    /// The references that were taken out of `data`.
    cut: Option<Cut>,
}

impl PackedNode {
    /// Packs a node; one that is `known` to be stored already is not worth compressing.
    pub fn new(node: Node, known: bool, children: Option<ChildrenOf>) -> Self {
        let Node { digest, data } = node;
        let size = i64::try_from(data.len()).unwrap_or(i64::MAX);
        if known {
            return PackedNode { digest, size, codec: PLAIN, data, cut: None };
        }
        let cut = children.and_then(|children| Cut::new(&data, &children(&data)));
        let (cut, data, plain, packed) = match cut {
            Some((cut, rest)) => (Some(cut), rest.into(), REFS, REFS_ZSTD),
            None => (None, data, PLAIN, ZSTD),
        };
        match Some(&data).filter(|data| data.len() >= COMPRESS_FROM).and_then(|data| squeeze(data)) {
            Some(small) => PackedNode { digest, size, codec: packed, data: small.into(), cut },
            None => PackedNode { digest, size, codec: plain, data, cut },
        }
    }

    /// The codec and the bytes of its row. `row_of` knows the rows of what it refers to; when one has none the node is
    /// stored as it is.
    pub fn stored<E>(
        &self,
        mut row_of: impl FnMut(&Digest) -> Result<Option<i64>, E>,
    ) -> Result<(i64, Cow<'_, [u8]>), E> {
        let Some(cut) = &self.cut else { return Ok((self.codec, Cow::Borrowed(&self.data))) };
        let rows: Result<Option<Vec<i64>>, E> = cut.children().map(&mut row_of).collect();
        match rows?.and_then(|rows| cut.front(&rows).ok()) {
            Some(mut front) => {
                front.extend_from_slice(&self.data);
                Ok((self.codec, Cow::Owned(front)))
            }
            None => Ok((PLAIN, Cow::Borrowed(&cut.whole))),
        }
    }
}

/// The digest in the columns `key` and `rest`; one that matches nothing when these are damaged.
pub(super) fn digest_of(key: i64, rest: &[u8]) -> Digest {
    let mut digest = [0u8; 32];
    digest[..8].copy_from_slice(&key.to_le_bytes());
    if rest.len() == 24 {
        digest[8..].copy_from_slice(rest);
    }
    Digest(digest)
}

/// The bytes of a stored node, verified against its digest. `digest_at` knows the digests of rows.
pub(super) fn unpack(
    rules: &NodeRules,
    digest: &Digest,
    codec: i64,
    size: i64,
    data: &[u8],
    digest_at: impl FnMut(i64) -> Result<Digest, String>,
) -> Result<Bytes, String> {
    let size = usize::try_from(size).map_err(|_| "a negative size".to_owned())?;
    let plain = match codec {
        PLAIN => data.to_vec(),
        ZSTD => unsqueeze(data, size)?,
        REFS | REFS_ZSTD => {
            let (runs, rest) = refs::split(data)?;
            let rest = if codec == REFS { Cow::Borrowed(rest) } else { Cow::Owned(unsqueeze(rest, size)?) };
            refs::join(&runs, &rest, size, digest_at)?
        }
        other => return Err(format!("codec {other} is not known")),
    };
    if plain.len() != size {
        return Err(format!("{} bytes where {size} were announced", plain.len()));
    }
    if !(rules.matches)(digest, &plain) {
        return Err("its bytes do not match its digest".to_owned());
    }
    Ok(plain.into())
}

/// Digests that are known to be stored, with their rows (bounded, forgetting the older half when full), and those
/// whose stored copy was found damaged: the next submission of such a value writes a second copy.
#[derive(Debug, Default)]
pub(super) struct Known {
    young: HashMap<Digest, Row>,
    old: HashMap<Digest, Row>,
    damaged: HashSet<Digest>,
}

/// The number of a row; 0 for one that is too high for it. There may be many.
type Row = u32;

impl Known {
    const HALF: usize = 32 << 10;

    pub fn contains(&self, digest: &Digest) -> bool {
        self.young.contains_key(digest) || self.old.contains_key(digest)
    }

    /// Its row, when that is known.
    pub fn row(&self, digest: &Digest) -> Option<i64> {
        let row = self.young.get(digest).or_else(|| self.old.get(digest));
        row.filter(|row| **row > 0).map(|row| i64::from(*row))
    }

    pub fn is_damaged(&self, digest: &Digest) -> bool {
        !self.damaged.is_empty() && self.damaged.contains(digest)
    }

    pub fn insert(&mut self, digest: Digest, row: i64) {
        if !self.damaged.is_empty() {
            self.damaged.remove(&digest);
        }
        if self.young.len() >= Self::HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, Row::try_from(row).unwrap_or(0));
    }

    pub fn set_damaged(&mut self, digest: Digest) {
        self.young.remove(&digest);
        self.old.remove(&digest);
        self.damaged.insert(digest);
    }

    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest_at(row: i64) -> Result<Digest, String> {
        Ok(Digest::of(&row.to_le_bytes()))
    }

    fn row_of(digest: &Digest) -> Result<Option<i64>, ()> {
        Ok((1..99).find(|row| digest_at(*row).as_ref() == Ok(digest)))
    }

    fn refer(rows: &[i64], gap: usize) -> Vec<u8> {
        rows.iter().flat_map(|row| [&b"...."[..gap], digest_at(*row).unwrap().as_bytes()].concat()).collect()
    }

    /// The references of [`refer`] after one byte.
    fn children(data: &[u8]) -> Vec<Digest> {
        let all: Vec<Digest> = (1..99).map(|row| digest_at(row).unwrap()).collect();
        (0..data.len())
            .filter_map(|at| Digest::from_slice(data.get(at..at + 32)?))
            .filter(|found| all.contains(found))
            .collect()
    }

    proptest! {
        #[test]
        fn nodes_round_trip(data in proptest::collection::vec(any::<u8>(), 0..2000), repeat in 1usize..200) {
            let data: Bytes = data.repeat(repeat).into();
            let digest = Digest::of(&data);
            let packed = PackedNode::new(Node { digest, data: data.clone() }, false, None);
            let (codec, stored) = packed.stored(row_of).unwrap();
            let back = unpack(&NodeRules::default(), &digest, codec, packed.size, &stored, digest_at);
            prop_assert_eq!(back, Ok(data));
        }

        #[test]
        fn nodes_with_references_round_trip(text in ".{0,600}", rows in proptest::collection::vec(1i64..99, 1..40), gap in 0usize..3) {
            let data: Bytes = [vec![b'T'], refer(&rows, gap), text.into_bytes()].concat().into();
            let digest = Digest::of(&data);
            let packed = PackedNode::new(Node { digest, data: data.clone() }, false, Some(children));
            let (codec, stored) = packed.stored(row_of).unwrap();
            prop_assert!(codec == REFS || codec == REFS_ZSTD);
            prop_assert!(stored.len() <= data.len() - 24 * rows.len());
            let unpack = |at: &dyn Fn(i64) -> Result<Digest, String>| {
                unpack(&NodeRules::default(), &digest, codec, packed.size, &stored, at)
            };
            prop_assert_eq!(unpack(&digest_at), Ok(data.clone()));
            // A row that names something else, or is gone, is damage and no other value.
            prop_assert!(unpack(&|row| digest_at(row + 1)).is_err());
            prop_assert!(unpack(&|_| Err("gone".to_owned())).is_err());
            // What it refers to has no row: it is stored as it is.
            let (codec, stored) = packed.stored(|_| Ok::<_, ()>(None)).unwrap();
            prop_assert_eq!((codec, stored.as_ref()), (PLAIN, &data[..]));
        }

        #[test]
        fn rubbish_is_refused(data in proptest::collection::vec(any::<u8>(), 0..200), codec in 0i64..6, size in -1i64..999) {
            let digest = Digest::of(b"something else");
            prop_assert!(unpack(&NodeRules::default(), &digest, codec, size, &data, digest_at).is_err());
        }
    }

    #[test]
    fn noise_is_stored_plain_and_text_is_not() {
        let mut seed = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 56) as u8
        })
        .take(1 << 20)
        .collect();
        let noise = Node { digest: Digest::of(&noise), data: noise.into() };
        assert_eq!(PackedNode::new(noise, false, None).codec, PLAIN);
        let text = Bytes::from("the quick brown fox ".repeat(100));
        let text = Node { digest: Digest::of(&text), data: text };
        assert_eq!(PackedNode::new(text, false, None).codec, ZSTD);
    }
}
