//! Digests, sharing, raw values and round trips of stored values.

use std::collections::HashMap;

use bytes::Bytes;
use proptest::prelude::*;

use crate::base::digest::Digest;

use super::super::fixtures::{Memory, any_value, hex, message, normal};
use super::super::pickle::{self, to_pickle};
use super::super::tree::{Text, Value};
use super::*;

fn packed(value: &Value, sink: &mut Memory) -> Packed {
    pack(&to_pickle(value).unwrap(), sink)
}

fn digest(value: &Value) -> Digest {
    packed(value, &mut Memory::default()).canonical
}

fn back(packed: &Packed, sink: &Memory) -> Bytes {
    unpack(&packed.digest, packed.inline.as_deref(), sink).unwrap()
}

#[test]
fn types_and_order_tell_values_apart() {
    let pair = |a, b| Value::dict(vec![(Value::str(a), Value::Int(1)), (Value::str(b), Value::Int(1))]);
    let values = [
        Value::None,
        Value::Bool(true),
        Value::Int(1),
        Value::Float(1.0),
        Value::Float(0.0),
        Value::Float(-0.0),
        Value::str("1"),
        Value::Bytes(Bytes::from_static(b"1")),
        Value::ByteArray(Bytes::from_static(b"1")),
        Value::list(vec![]),
        Value::tuple(vec![]),
        Value::dict(vec![]),
        pair("a", "b"),
        pair("b", "a"),
    ];
    let digests: std::collections::HashSet<_> = values.iter().map(digest).collect();
    assert_eq!(digests.len(), values.len());
    assert_eq!(digest(&Value::Float(f64::NAN)), digest(&Value::Float(f64::NAN)));
}

#[test]
fn sets_have_no_order() {
    let set =
        |items: &[&str]| Value::Set(std::sync::Arc::new(items.iter().map(|item| Value::str(item)).collect()));
    assert_eq!(digest(&set(&["a", "b", "c"])), digest(&set(&["c", "a", "b"])));
    assert_ne!(digest(&set(&["a", "b"])), digest(&set(&["a", "c"])));
}

#[test]
fn memo_and_framing_do_not_matter() {
    // ["ab", "ab"]: with a frame, MEMOIZE and BINGET; with BINPUT, written out twice; in batches.
    let spellings = [
        hex("80059511000000000000005d94288c026162948c02616294652e"),
        hex("80059511000000000000005d94288c02616294680165 2e"),
        hex("80025d71002858020000006162710158020000006162652e"),
        hex("80025d580200000061627100615802000000616261 2e"),
    ];
    let canonical: Vec<Digest> =
        spellings.iter().map(|pickle| pack(pickle, &mut Memory::default()).canonical).collect();
    assert!(canonical.iter().all(|digest| *digest == canonical[0]));
}

#[test]
fn a_part_has_the_same_digest_alone_and_in_a_list() {
    let mut sink = Memory::default();
    let element = message("user", &"x".repeat(300));
    let alone = packed(&element, &mut sink);
    let list = packed(&Value::list(vec![element.clone(), element]), &mut sink);
    let node = list.inline.clone().unwrap_or_else(|| sink.nodes[&list.digest].0.to_vec());
    assert_eq!(children(&node), vec![alone.digest, alone.digest]);
}

#[test]
fn a_growing_message_list_costs_what_is_new() {
    let mut sink = Memory::default();
    let mut messages = Vec::new();
    let mut distinct = 0;
    for turn in 0..200 {
        for role in ["user", "assistant"] {
            let text: String =
                (0..1000).map(|i| char::from(b'a' + ((turn * 7 + i * 3) % 26) as u8)).collect();
            let new = message(role, &format!("{turn} {role} {text}"));
            if role == "user" {
                packed(&new, &mut sink);
            }
            distinct += to_pickle(&new).unwrap().len();
            messages.push(new);
        }
        packed(&Value::dict(vec![(Value::str("messages"), Value::list(messages.clone()))]), &mut sink);
    }
    let stored: usize = sink.nodes.values().map(|(data, _)| data.len()).sum();
    assert!(stored <= 2 * distinct, "{stored} bytes for {distinct}");
}

#[test]
fn long_sequences_are_trees_and_come_back() {
    let mut sink = Memory::default();
    for count in [31, 32, 33, 64, 1025, 5000] {
        let long = Value::list((0..count).map(|i| message("user", &format!("{i:0100}"))).collect());
        let pickle = to_pickle(&long).unwrap();
        let packed = pack(&pickle, &mut sink);
        assert_eq!(back(&packed, &sink), pickle, "{count}");
    }
    let ints = Value::tuple((0..100_000).map(Value::Int).collect());
    let dict = Value::dict((0..20_000).map(|i| (Value::Int(i), Value::Float(i as f64))).collect());
    for value in [ints, dict] {
        let pickle = to_pickle(&value).unwrap();
        let packed = pack(&pickle, &mut sink);
        assert_eq!(back(&packed, &sink), pickle);
    }
    assert!(sink.nodes.values().all(|(data, _)| data.len() < 10_000));
}

#[test]
fn large_leaves_are_nodes_and_huge_ones_are_split() {
    let mut sink = Memory::default();
    let bytes = Value::Bytes(Bytes::from(vec![7u8; (8 << 20) * 2 + 5]));
    let pickle = to_pickle(&bytes).unwrap();
    let packed = pack(&pickle, &mut sink);
    assert_eq!(back(&packed, &sink), pickle);
    // Both full blobs are equal, so they are one node.
    assert_eq!(sink.nodes.len(), 3);
    let shared = Value::str(&"s".repeat(10_000));
    let tuple = Value::tuple(vec![shared.clone(), shared]);
    let packed = super::pack(&to_pickle(&tuple).unwrap(), &mut sink);
    assert_eq!(back(&packed, &sink), to_pickle(&tuple).unwrap());
}

#[test]
fn aliases_are_kept_raw_with_the_key_of_the_plain_tree() {
    let mut sink = Memory::default();
    // a = [1]; [a, a]
    let aliased = hex("80055d94285d944b0161680165 2e");
    let packed = pack(&aliased, &mut sink);
    assert_eq!(back(&packed, &sink), aliased);
    let inner = Value::list(vec![Value::Int(1)]);
    let plain = Value::list(vec![inner.clone(), inner]);
    assert_eq!(packed.canonical, digest(&plain));
    assert_ne!(packed.digest, packed.canonical);
    assert_eq!(load_value(&packed.digest, packed.inline.as_deref(), &sink).unwrap(), plain);
    // a = []; a.append(a)
    let recursive = hex("80055d946800612e");
    let packed = pack(&recursive, &mut sink);
    assert_eq!(back(&packed, &sink), recursive);
    let eyes = load_value(&packed.digest, packed.inline.as_deref(), &sink).unwrap();
    assert_eq!(eyes, Value::list(vec![Value::Opaque("contains itself")]));
}

#[test]
fn arguments_from_parts_equal_a_direct_call() {
    let mut sink = Memory::default();
    let item = message("user", &"hello ".repeat(100));
    let direct = packed(&Value::dict(vec![(Value::str("item"), item.clone())]), &mut sink);
    let parts = pack_item("item", &to_pickle(&item).unwrap(), &mut sink);
    assert_eq!((parts.digest, parts.canonical), (direct.digest, direct.canonical));

    let base = Value::dict(vec![(Value::str("a"), Value::Int(1)), (Value::str("b"), Value::None)]);
    let extra =
        [("b".to_owned(), to_pickle(&Value::Int(2)).unwrap()), ("c".to_owned(), to_pickle(&item).unwrap())];
    let parts = pack_dict(&to_pickle(&base).unwrap(), &extra, &mut sink).unwrap();
    let whole = Value::dict(vec![
        (Value::str("a"), Value::Int(1)),
        (Value::str("b"), Value::Int(2)),
        (Value::str("c"), item),
    ]);
    assert_eq!(parts.digest, packed(&whole, &mut sink).digest);
    assert_eq!(back(&parts, &sink), to_pickle(&whole).unwrap());
    assert!(pack_dict(&to_pickle(&Value::Int(1)).unwrap(), &[], &mut sink).is_err());
}

#[test]
fn aliased_parts_of_arguments_keep_their_keys() {
    let mut sink = Memory::default();
    let aliased = hex("80055d94285d944b0161680165 2e");
    let plain = pickle::read(&aliased).unwrap().value;
    let key = digest(&Value::dict(vec![(Value::str("x"), plain.clone())]));
    let packed = pack_item("x", &aliased, &mut sink);
    assert_eq!(packed.canonical, key);
    let eyes = load_value(&packed.digest, packed.inline.as_deref(), &sink).unwrap();
    assert_eq!(eyes, Value::dict(vec![(Value::str("x"), plain.clone())]));
    // {'x': a, 'y': a} as the base.
    let base = hex("80057d9428 8c0178945d944b0161 8c01799468 0275 2e");
    let whole = pack_dict(&base, &[("z".to_owned(), to_pickle(&Value::Int(3)).unwrap())], &mut sink).unwrap();
    let eyes = load_value(&whole.digest, whole.inline.as_deref(), &sink).unwrap();
    assert_eq!(digest(&eyes), whole.canonical);
    assert_eq!(eyes.get("z"), Some(&Value::Int(3)));
    // A base that no tree expresses: {'me': itself}.
    let cyclic = hex("80057d94 8c026d65 6800 732e");
    let whole = pack_dict(&cyclic, &[("z".to_owned(), aliased.clone())], &mut sink).unwrap();
    let eyes = load_value(&whole.digest, whole.inline.as_deref(), &sink).unwrap();
    assert_eq!(eyes.get("z"), Some(&plain));
    assert_eq!(eyes.get("me"), Some(&Value::Opaque("contains itself")));
}

#[test]
fn damage_and_gaps_are_told() {
    let mut sink = Memory::default();
    let list = Value::list((0..100).map(|i| message("user", &format!("{i:0200}"))).collect());
    let packed = packed(&list, &mut sink);
    let all: Vec<Digest> = sink.nodes.keys().copied().collect();
    for digest in all {
        let (data, children) = sink.nodes.remove(&digest).unwrap();
        assert_eq!(unpack(&packed.digest, None, &sink), Err(UnpackError::Missing(digest)));
        let mut broken = data.to_vec();
        broken[data.len() / 2] ^= 1;
        sink.nodes.insert(digest, (Bytes::from(broken), Vec::new()));
        assert_eq!(unpack(&packed.digest, None, &sink), Err(UnpackError::Damaged(digest)));
        sink.nodes.insert(digest, (data, children));
    }
    assert!(unpack(&Digest::of(b"x"), Some(b"y"), &sink).is_err());
}

#[test]
fn repeated_content_is_linear_work() {
    // Sixty levels of (t, t): a tree of 2^60 leaves.
    let mut bomb = vec![0x80, 5, b')', 0x94];
    for level in 0..60 {
        bomb.extend_from_slice(&[b'h', level, b'h', level, 0x86, 0x94]);
    }
    bomb.push(b'.');
    let bomb = Bytes::from(bomb);
    assert_eq!(pickle::read(&bomb).unwrap_err(), pickle::PickleError::TooShared);
    let mut sink = Memory::default();
    let packed = pack(&bomb, &mut sink);
    assert_eq!(back(&packed, &sink), bomb);
}

fn check(value: &Value) -> Result<(), TestCaseError> {
    let mut sink = Memory::default();
    let pickle = to_pickle(value).unwrap();
    let packed = pack(&pickle, &mut sink);
    prop_assert_eq!(packed.digest, packed.canonical);
    prop_assert!(packed.preview.chars().count() <= 120);
    let again = back(&packed, &sink);
    let read = pickle::read(&again).unwrap().value;
    prop_assert_eq!(normal(&read), normal(value));
    prop_assert_eq!(pack(&again, &mut Memory::default()).digest, packed.digest);
    // The children that were announced are those that marking finds.
    for (data, announced) in sink.nodes.values() {
        prop_assert_eq!(&children(data), announced);
        for child in announced {
            prop_assert!(sink.nodes.contains_key(child));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn values_come_back(value in any_value()) {
        check(&value)?;
    }

    #[test]
    fn garbage_nodes_do_no_harm(data in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut data = data;
        data.insert(0, 1);
        children(&data);
        let digest = Digest::of(&data);
        let sink = Memory { nodes: HashMap::new() };
        let _ = unpack(&digest, Some(&data), &sink);
        let _ = load_value(&digest, Some(&data), &sink);
    }
}

#[test]
fn text_with_lone_surrogates_survives() {
    let text = Text::from_bytes(Bytes::from_static(b"x\xed\xb2\x80")).unwrap();
    check(&Value::Str(text)).unwrap();
}
