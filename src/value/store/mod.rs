//! Values as content-addressed nodes: equal values have equal digests, and grown lists share their parts.
//!
//! A node is a version byte and one encoded value, or one piece of a long one ([`format`](self::format) has the tags).
//! A part of a value is put into a node of its own when it is a list, or an element of a list, of 96 encoded
//! bytes or more, or anything of 4 KiB or more; it is then referenced by its digest. These rules look only at
//! content, so a message has the same digest alone and in a list. Long sequences are cut, from their start, into
//! chunks under a tree, so that appending leaves all full chunks as they are.
//!
//! Invariants: the digest of a node is the blake3 of its bytes; children are put before their parents; a node
//! never depends on memo, identity or framing of the pickle it came from.

mod decode;
mod encode;
pub(super) mod format;
mod own;
mod pack;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::base::digest::Digest;
use crate::base::secrets::Redactor;

pub(in crate::value) use decode::decode_at;
pub use decode::{children, load_value, unpack};
pub use own::{Below, own_texts, piece_text};
pub use pack::{
    Packed, digest_of_tagged_json, pack, pack_arguments, pack_dict, pack_item, pack_json, pack_keep,
    pack_tagged_json, pack_value,
};

/// Where nodes go.
pub trait NodeSink {
    /// Whether the node is still unknown; `false` spares the copy and the [`NodeSink::put`].
    fn wants(&mut self, _digest: &Digest) -> bool {
        true
    }

    /// Secrets that must not be in any node.
    fn redactor(&self) -> &Redactor {
        Redactor::off()
    }

    /// Takes a node. Its children were offered before it.
    fn put(&mut self, digest: Digest, data: Bytes, children: Vec<Digest>);
}

/// A node as a source returns it.
#[derive(Clone, Debug)]
pub struct StoredNode {
    /// Its bytes.
    pub data: Bytes,
    /// Whether the source compared them with the digest already.
    pub verified: bool,
}

/// Why a source has no node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeError {
    /// It does not know it.
    Missing,
    /// It had it, and it is damaged.
    Damaged,
}

/// Where nodes come from.
pub trait NodeSource {
    /// The node with this digest.
    fn get(&self, digest: &Digest) -> Result<StoredNode, NodeError>;
}

/// Why a stored value could not be rebuilt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnpackError {
    /// A node is not there.
    #[error("a part of the value is missing: {0}")]
    Missing(Digest),
    /// A node is not what its digest says, or not of this format.
    #[error("a part of the value is damaged: {0}")]
    Damaged(Digest),
}
