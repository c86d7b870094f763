//! How content-addressed data is packed, verified, and remembered as already stored. No I/O.
//!
//! Data is compressed (zstd, a low level) when it is at least 256 bytes and at least a tenth is saved; large
//! data is judged by a sample first, so that 200 MiB of noise costs next to nothing.

use std::cell::RefCell;
use std::collections::HashSet;

use bytes::Bytes;

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
    pub codec: i64,
    pub size: i64,
    pub data: Bytes,
}

impl PackedNode {
    /// Packs a node; one that is `known` to be stored already is not worth compressing.
    pub fn new(node: Node, known: bool) -> Self {
        let size = i64::try_from(node.data.len()).unwrap_or(i64::MAX);
        if !known
            && node.data.len() >= COMPRESS_FROM
            && let Some(small) = squeeze(&node.data)
        {
            return PackedNode { digest: node.digest, codec: ZSTD, size, data: small.into() };
        }
        PackedNode { digest: node.digest, codec: PLAIN, size, data: node.data }
    }
}

/// The bytes of a stored node, verified against its digest.
pub(super) fn unpack(
    rules: &NodeRules,
    digest: &Digest,
    codec: i64,
    size: i64,
    data: &[u8],
) -> Result<Bytes, String> {
    let size = usize::try_from(size).map_err(|_| "a negative size".to_owned())?;
    let plain = match codec {
        PLAIN => data.to_vec(),
        ZSTD => unsqueeze(data, size)?,
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

/// Digests that are known to be stored (bounded, forgetting the older half when full), and those whose stored
/// copy was found damaged: the next submission of such a value writes a second copy.
#[derive(Debug, Default)]
pub(super) struct Known {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
    damaged: HashSet<Digest>,
}

impl Known {
    const HALF: usize = 32 << 10;

    pub fn contains(&self, digest: &Digest) -> bool {
        self.young.contains(digest) || self.old.contains(digest)
    }

    pub fn is_damaged(&self, digest: &Digest) -> bool {
        !self.damaged.is_empty() && self.damaged.contains(digest)
    }

    pub fn insert(&mut self, digest: Digest) {
        if !self.damaged.is_empty() {
            self.damaged.remove(&digest);
        }
        if self.young.len() >= Self::HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest);
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

    proptest! {
        #[test]
        fn nodes_round_trip(data in proptest::collection::vec(any::<u8>(), 0..2000), repeat in 1usize..200) {
            let data: Bytes = data.repeat(repeat).into();
            let digest = Digest::of(&data);
            let packed = PackedNode::new(Node { digest, data: data.clone() }, false);
            let back = unpack(&NodeRules::default(), &digest, packed.codec, packed.size, &packed.data);
            prop_assert_eq!(back, Ok(data));
        }

        #[test]
        fn rubbish_is_refused(data in proptest::collection::vec(any::<u8>(), 0..200), codec in 0i64..4, size in -1i64..999) {
            let digest = Digest::of(b"something else");
            prop_assert!(unpack(&NodeRules::default(), &digest, codec, size, &data).is_err());
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
        assert_eq!(
            PackedNode::new(Node { digest: Digest::of(&noise), data: noise.into() }, false).codec,
            PLAIN
        );
        let text = Bytes::from("the quick brown fox ".repeat(100));
        assert_eq!(PackedNode::new(Node { digest: Digest::of(&text), data: text }, false).codec, ZSTD);
    }
}
