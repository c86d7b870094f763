//! Stored values of any size, read where somebody looks.
//!
//! A [`Reader`] walks the nodes of a value: [`Reader::shape`] tells what a place holds and how many children it
//! has, [`Reader::children`] a window of them, [`Reader::text`] and [`Reader::bytes`] a window of a long string,
//! [`Reader::glance`] one line about it, [`Reader::find`] the next place that holds a text. A [`Document`] is JSON of it. A value of 100 MB opens
//! with one node, and scrolling reads what comes into view.
//!
//! ```
//! # use tl_bench::value::{self, lazy::{Kind, Reader}, NodeError, NodeSource, StoredNode};
//! # struct Nowhere;
//! # impl NodeSource for Nowhere {
//! #     fn get(&self, _: &tl_bench::base::digest::Digest) -> Result<StoredNode, NodeError> { Err(NodeError::Missing) }
//! # }
//! // Of a `ValueRef`: its digest and its inline bytes; `find::StoreNodes(&store)` is a source.
//! # struct Sink;
//! # impl value::NodeSink for Sink {
//! #     fn put(&mut self, _: tl_bench::base::digest::Digest, _: bytes::Bytes, _: Vec<tl_bench::base::digest::Digest>) {}
//! # }
//! let packed = value::pack_json(&serde_json::json!({"city": "Rome", "days": [1, 2]}), &mut Sink);
//! let source = Nowhere;
//! let reader = Reader::new(&source);
//! let root = reader.open(&packed.digest, packed.inline.as_deref()).unwrap();
//! let shape = reader.shape(&root).unwrap();
//! assert_eq!((shape.kind, shape.count), (Kind::Dict, 2));
//! let children = reader.children(&root, 0, 50).unwrap();
//! assert_eq!(children[1].key.words(), "days");
//! assert_eq!(reader.glance(&children[1].place, 40).unwrap(), "[1, 2]");
//! let found = reader.find(&root, "rome", None, 1 << 20).unwrap();
//! assert_eq!(found.path(), Some(&[0][..]));
//! ```
//!
//! Invariants: nothing is decoded that is not asked for, except: a value that was kept as a pickle is read as a
//! whole, and a string is read in pieces of 8 MiB. A reader keeps at most about [`KEPT`] bytes of nodes. What is
//! damaged is an error of the place where it is met; the rest can still be read. Texts are not sanitised.
//!
//! Reading goes through a [`NodeSource`](super::NodeSource), which blocks on the disk: use a reader on a thread of
//! its own, hand over windows.

mod compare;
mod find;
mod glance;
mod json;
mod objects;
mod reader;
mod scan;
mod window;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::tree::Value;
use crate::base::digest::Digest;

pub use compare::Run;
pub use find::Found;
pub use json::Document;
pub use reader::{KEPT, Reader};
pub use window::{ByteWindow, TextWindow};

/// Where a value lies. Clones are cheap; it stays good as long as the value is stored.
#[derive(Clone, Debug)]
pub struct Place(At);

#[derive(Clone, Debug)]
enum At {
    /// In a node, from this byte on.
    Node { digest: Digest, data: Bytes, pos: usize },
    /// In a node that was not fetched yet.
    Later(Digest),
    /// In memory: it was read from a pickle that is kept as it is.
    Loaded(Value),
}

impl From<Value> for Place {
    fn from(value: Value) -> Self {
        Place(At::Loaded(value))
    }
}

/// What a place holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `None`
    None,
    /// `True`, `False`
    Bool,
    /// An integer of any size.
    Int,
    /// A float.
    Float,
    /// A string.
    Str,
    /// Bytes.
    Bytes,
    /// A bytearray.
    ByteArray,
    /// A list.
    List,
    /// A tuple.
    Tuple,
    /// A dict.
    Dict,
    /// A set.
    Set,
    /// A frozenset.
    FrozenSet,
    /// A class or function by name.
    Global,
    /// An instance; its children are its fields.
    Object,
    /// What nobody can read.
    Opaque,
}

impl Kind {
    /// How Python calls it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::None => "None",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Str => "str",
            Kind::Bytes => "bytes",
            Kind::ByteArray => "bytearray",
            Kind::List => "list",
            Kind::Tuple => "tuple",
            Kind::Dict => "dict",
            Kind::Set => "set",
            Kind::FrozenSet => "frozenset",
            Kind::Global => "type",
            Kind::Object => "object",
            Kind::Opaque => "opaque",
        }
    }

    /// Whether it can be unfolded.
    pub fn has_children(self) -> bool {
        matches!(self, Kind::List | Kind::Tuple | Kind::Dict | Kind::Set | Kind::FrozenSet | Kind::Object)
    }
}

/// What is known of a place without reading what is inside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// What it is.
    pub kind: Kind,
    /// Children; of a string or bytes, its bytes.
    pub count: u64,
    /// The class of an instance: `app.Plan`, `datetime.date`.
    pub class: Option<String>,
    /// What a known class means, as text: a date, a path. Then it has no children.
    pub scalar: Option<String>,
}

/// What a child is called in its parent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Key {
    /// An element, from 0.
    Index(u64),
    /// An entry whose key is a string (at most its first 200 characters), or a field.
    Name(String),
    /// An entry with another key, in one line.
    Other(String),
}

impl Key {
    /// For people, unsanitised: `17`, `city`, `(1, 2)`.
    pub fn words(&self) -> String {
        match self {
            Key::Index(index) => index.to_string(),
            Key::Name(name) | Key::Other(name) => name.clone(),
        }
    }
}

/// A child of a place.
#[derive(Clone, Debug)]
pub struct Child {
    /// What it is called.
    pub key: Key,
    /// Where it lies.
    pub place: Place,
}
