//! What tests of values share: random values, a store in memory, small builders.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use crate::base::digest::Digest;

use super::store::{NodeError, NodeSink, NodeSource, StoredNode};
use super::tree::{Make, Object, Value};

/// Nodes in memory.
#[derive(Default)]
pub struct Memory {
    pub nodes: HashMap<Digest, (Bytes, Vec<Digest>)>,
}

impl NodeSink for Memory {
    fn wants(&mut self, digest: &Digest) -> bool {
        !self.nodes.contains_key(digest)
    }

    fn put(&mut self, digest: Digest, data: Bytes, children: Vec<Digest>) {
        assert_eq!(Digest::of(&data), digest);
        assert!(children.iter().all(|child| self.nodes.contains_key(child)));
        self.nodes.insert(digest, (data, children));
    }
}

/// Keeps a value; its digest, and its bytes when it is small.
pub fn keep(value: &Value, memory: &mut Memory) -> (Digest, Option<Vec<u8>>) {
    let packed = super::pack_value(value.clone(), memory);
    (packed.digest, packed.inline.map(|inline| inline.to_vec()))
}

impl NodeSource for Memory {
    fn get(&self, digest: &Digest) -> Result<StoredNode, NodeError> {
        let (data, _) = self.nodes.get(digest).ok_or(NodeError::Missing)?;
        Ok(StoredNode { data: data.clone(), verified: false })
    }
}

/// Bytes of hex digits; blanks are skipped.
pub fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect::<Vec<u8>>().into()
}

/// A chat message.
pub fn message(role: &str, content: &str) -> Value {
    Value::dict(vec![(Value::str("role"), Value::str(role)), (Value::str("content"), Value::str(content))])
}

/// The value with the elements of sets in one order.
pub fn normal(value: &Value) -> Value {
    let all = |items: &[Value]| items.iter().map(normal).collect::<Vec<_>>();
    let pairs =
        |pairs: &[(Value, Value)]| pairs.iter().map(|(k, v)| (normal(k), normal(v))).collect::<Vec<_>>();
    let sorted = |items: &[Value]| {
        let mut items = all(items);
        items.sort_by_key(|item| format!("{item:?}"));
        Arc::new(items)
    };
    match value {
        // NaN is equal to itself here.
        Value::Float(number) if number.is_nan() => Value::Int(number.to_bits() as i64),
        Value::List(items) => Value::list(all(items)),
        Value::Tuple(items) => Value::tuple(all(items)),
        Value::Dict(entries) => Value::dict(pairs(entries)),
        Value::Set(items) => Value::Set(sorted(items)),
        Value::FrozenSet(items) => Value::FrozenSet(sorted(items)),
        Value::Object(object) => Value::Object(Arc::new(Object {
            make: match &object.make {
                Make::Reduce { callable, args } => {
                    Make::Reduce { callable: normal(callable), args: normal(args) }
                }
                Make::New { cls, args, kwargs } => {
                    Make::New { cls: normal(cls), args: normal(args), kwargs: kwargs.as_ref().map(normal) }
                }
            },
            items: all(&object.items),
            pairs: pairs(&object.pairs),
            added: all(&object.added),
            state: object.state.as_ref().map(normal),
        })),
        other => other.clone(),
    }
}

/// Any value without instances, with keys and elements of sets that Python can hash.
pub fn plain_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 40, 8, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..8);
        let dict = prop::collection::btree_map("[a-c]{0,3}", inner, 0..6)
            .prop_map(|map| Value::dict(map.into_iter().map(|(k, v)| (Value::str(&k), v)).collect()));
        let set = prop::collection::btree_set(any::<i32>(), 0..6)
            .prop_map(|set| set.into_iter().map(|n| Value::Int(n.into())).collect::<Vec<_>>());
        prop_oneof![
            list.clone().prop_map(Value::list),
            list.prop_map(Value::tuple),
            dict,
            set.clone().prop_map(|items| Value::Set(Arc::new(items))),
            set.prop_map(|items| Value::FrozenSet(Arc::new(items))),
        ]
    })
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-300i64..300).prop_map(Value::Int),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Value::int_from_le(&bytes)),
        any::<f64>().prop_map(Value::Float),
        Just(Value::Float(f64::NAN)),
        any::<String>().prop_map(|text| Value::str(&text)),
        (0usize..6000).prop_map(|len| Value::str(&"ab".repeat(len))),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Bytes(bytes.into())),
        prop::collection::vec(any::<u8>(), 0..50).prop_map(|bytes| Value::ByteArray(bytes.into())),
    ]
}

/// Any value, instances too.
pub fn any_value() -> impl Strategy<Value = Value> {
    plain_value().prop_recursive(4, 30, 6, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..4);
        let pairs = prop::collection::vec((inner.clone(), inner.clone()), 0..4);
        let make =
            (any::<bool>(), many.clone(), prop::option::of(pairs.clone())).prop_map(|(new, args, kwargs)| {
                let (callable, args) = (Value::global("app", "Plan"), Value::tuple(args));
                if new {
                    Make::New { cls: callable, args, kwargs: kwargs.map(Value::dict) }
                } else {
                    Make::Reduce { callable, args }
                }
            });
        let object = (make, many.clone(), pairs, many.clone(), prop::option::of(inner)).prop_map(
            |(make, items, pairs, added, state)| {
                Value::Object(Arc::new(Object { make, items, pairs, added, state }))
            },
        );
        prop_oneof![object, many.prop_map(Value::list)]
    })
}

/// The pickle with this name that Python wrote (`testdata/make_pickles.py`).
pub fn real(name: &str) -> Bytes {
    let line = include_str!("testdata/pickles.txt")
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    hex(line.unwrap())
}
