//! What one node holds by itself: its own texts, and what it refers to. For an index that reads each node once.

use bytes::Bytes;

use crate::base::digest::Digest;

use super::super::view;
use super::decode::{At, Decoder};
use super::format::*;
use super::{NodeError, NodeSource, StoredNode, UnpackError};

/// What a node refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Below {
    /// Another node, with a value or a piece of a sequence.
    Node(Digest),
    /// A piece of a long string: its bytes from the third on.
    Text(Digest),
    /// A piece of other data.
    Data(Digest),
}

/// Nothing is followed.
struct Nowhere;

impl NodeSource for Nowhere {
    fn get(&self, _: &Digest) -> Result<StoredNode, NodeError> {
        Err(NodeError::Missing)
    }
}

/// Hands each text that stands in a node itself to `each`, and returns what the node refers to.
pub fn own_texts(
    digest: &Digest,
    data: &Bytes,
    each: &mut dyn FnMut(&str),
) -> Result<Vec<Below>, UnpackError> {
    let mut decoder = Decoder::shallow(&Nowhere, *digest);
    let damaged = UnpackError::Damaged(*digest);
    match data.get(..2) {
        Some(&[VERSION, BLOB]) => Ok(Vec::new()),
        Some(&[VERSION, INDEX]) => {
            let digests = data[2..].chunks(32).map(|bytes| Digest::from_slice(bytes).map(Below::Node));
            digests.collect::<Option<Vec<_>>>().ok_or(damaged)
        }
        Some(&[VERSION, tag]) => {
            let mut at = At { data: data.clone(), pos: if tag == CHUNK { 2 } else { 1 } };
            while at.pos < data.len() {
                let value = decoder.value(&mut at, 0)?;
                view::any_text(&value, &mut |text| {
                    each(text);
                    false
                });
            }
            Ok(decoder.taken())
        }
        _ => Err(damaged),
    }
}

/// The text of a piece of a long string; characters that the cut tore are replaced.
pub fn piece_text(data: &[u8]) -> Option<String> {
    match data {
        [VERSION, BLOB, text @ ..] => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::{Memory, any_value, hex};
    use super::super::super::pickle::to_pickle;
    use super::super::{load_value, pack};
    use super::*;
    use crate::value::Value;
    use proptest::prelude::*;

    /// The texts of a value, node by node.
    fn gathered(digest: &Digest, inline: Option<&[u8]>, memory: &Memory) -> Vec<String> {
        let mut texts = Vec::new();
        let mut queue = vec![(Below::Node(*digest), inline.map(Bytes::copy_from_slice))];
        while let Some((below, inline)) = queue.pop() {
            let (Below::Node(digest) | Below::Text(digest) | Below::Data(digest)) = below;
            let data = inline.unwrap_or_else(|| memory.nodes[&digest].0.clone());
            match below {
                Below::Node(_) => {
                    let found = own_texts(&digest, &data, &mut |text| texts.push(text.to_owned())).unwrap();
                    queue.extend(found.into_iter().map(|below| (below, None)));
                }
                Below::Text(_) => texts.push(piece_text(&data).unwrap()),
                Below::Data(_) => {}
            }
        }
        texts.sort();
        texts
    }

    proptest! {
        #[test]
        fn nodes_hold_all_texts_together(value in any_value()) {
            let mut memory = Memory::default();
            let packed = pack(&to_pickle(&value).unwrap(), &mut memory);
            let mut whole = Vec::new();
            let loaded = load_value(&packed.digest, packed.inline.as_deref(), &memory).unwrap();
            view::any_text(&loaded, &mut |text| {
                whole.push(text.to_owned());
                false
            });
            whole.sort();
            prop_assert_eq!(gathered(&packed.digest, packed.inline.as_deref(), &memory), whole);
        }

        #[test]
        fn damaged_nodes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let data = Bytes::from([&[VERSION][..], &bytes].concat());
            let _ = own_texts(&Digest::of(&data), &data, &mut |_| {});
        }
    }

    #[test]
    fn pieces_of_long_strings_are_texts_and_pickles_are_read() {
        let mut memory = Memory::default();
        let text = "long ".repeat(2_000_000);
        let packed = pack(&to_pickle(&Value::list(vec![Value::str(&text)])).unwrap(), &mut memory);
        let texts = gathered(&packed.digest, packed.inline.as_deref(), &memory);
        assert_eq!((texts.len(), texts.concat().len()), (2, text.len()));
        // One list twice in a list: kept as a pickle.
        let packed = pack(&hex("80045d94285d945805000000 68656c6c6f 616801652e"), &mut memory);
        assert_eq!(gathered(&packed.digest, packed.inline.as_deref(), &memory), ["hello", "hello"]);
    }
}
