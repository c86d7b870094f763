//! Python values as data: read from pickles without loading them, hashed, stored in shared pieces, shown as JSON.
//!
//! - [`pickle`] reads an opcode stream symbolically into a [`Value`] and writes one back. Nothing is imported,
//!   resolved or called.
//! - [`pack`](fn@pack) turns a pickle into content-addressed nodes and one canonical digest; [`unpack`] goes back.
//! - [`lens`] reads values as questions to models and their answers, [`stream`] puts streamed ones together.
//! - [`view`] makes JSON and one-line previews for eyes, [`usage`] finds token counts, [`from_json`] reads JSON.
//!
//! Everything here is total: hostile bytes give an error or an opaque value, never a panic, an overflow of the
//! stack, or work out of proportion to the input. Any higher floor may call it; it does no I/O of its own.

pub mod exact_json;
pub mod fits;
pub mod from_json;
pub mod lazy;
pub mod lens;
pub mod look;
pub mod pickle;
pub mod secrets;
pub mod store;
pub mod stream;
pub mod tree;
pub mod usage;
pub mod view;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod python_tests;

pub use exact_json::read_plain_json;
pub use fits::{fits, fits_hint, fits_value};
pub use from_json::{from_json, from_plain_json, to_plain_json};
pub use store::{
    Below, NodeError, NodeSink, NodeSource, Packed, StoredNode, UnpackError, children, digest_of_tagged_json,
    load_value, own_texts, pack, pack_arguments, pack_dict, pack_item, pack_json, pack_keep,
    pack_tagged_json, pack_value, piece_text, unpack,
};
pub use tree::{Global, Make, Object, Text, Value};
