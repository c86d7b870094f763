use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::fixtures::{Memory, any_value, message};
use super::super::pickle::{self, to_pickle};
use super::super::store::{NodeError, NodeSource, Packed, StoredNode, UnpackError, load_value, pack};
use super::super::tree::{Make, Object};
use super::*;

fn stored(value: &Value) -> (Memory, Packed) {
    let mut memory = Memory::default();
    let packed = pack(&to_pickle(value).unwrap(), &mut memory);
    (memory, packed)
}

fn open<'s>(reader: &Reader<'s>, packed: &Packed) -> Place {
    reader.open(&packed.digest, packed.inline.as_deref()).unwrap()
}

/// Everything that a tree would show, in order: position and depth, name, kind, text of a leaf.
fn walk(reader: &Reader<'_>, place: &Place, window: usize) -> Vec<String> {
    fn level(reader: &Reader<'_>, place: &Place, window: usize, path: &str, out: &mut Vec<String>) {
        let shape = reader.shape(place).unwrap();
        let text = match shape.kind {
            Kind::Str | Kind::Bytes | Kind::ByteArray => {
                let window = reader.bytes(place, 0, usize::MAX).unwrap();
                assert_eq!(window.total, shape.count);
                format!("{:?}", window.data)
            }
            _ => reader.glance(place, 60).unwrap(),
        };
        out.push(format!(
            "{path} {} {} {:?} {:?} {text}",
            shape.kind.word(),
            shape.count,
            shape.class,
            shape.scalar
        ));
        let mut at = 0;
        while at < shape.count && shape.kind.has_children() {
            let children = reader.children(place, at, window).unwrap();
            assert_eq!(children.len() as u64, (window as u64).min(shape.count - at), "{path} {shape:?}");
            for child in children {
                level(reader, &child.place, window, &format!("{path}/{}", child.key.words()), out);
                at += 1;
            }
        }
        assert!(reader.children(place, shape.count, 5).unwrap().is_empty());
    }
    let mut out = Vec::new();
    level(reader, place, window, "", &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn stored_and_loaded_values_show_the_same(value in any_value(), window in 1usize..40) {
        let (memory, packed) = stored(&value);
        let reader = Reader::new(&memory);
        let place = open(&reader, &packed);
        let eager = load_value(&packed.digest, packed.inline.as_deref(), &memory).unwrap();
        let lazily = walk(&reader, &place, window);
        let nothing = Memory::default();
        let loaded = walk(&Reader::new(&nothing), &Place::from(eager), 7);
        prop_assert_eq!(lazily, loaded);
    }

    #[test]
    fn windows_of_text_join_to_the_text(text in "(\\PC|é|日|🦀){0,300}", len in 4usize..50) {
        let value = Value::str(&text);
        let (memory, packed) = stored(&value);
        let reader = Reader::new(&memory);
        let place = open(&reader, &packed);
        let (mut from, mut joined) = (0, String::new());
        while from < text.len() as u64 {
            let window = reader.text(&place, from, len).unwrap();
            prop_assert_eq!(window.from, from);
            prop_assert!(window.to > from);
            joined.push_str(&window.text);
            from = window.to;
        }
        prop_assert_eq!(joined, text.clone());
        for from in 0..=text.len() + 3 {
            let window = reader.text(&place, from as u64, 9).unwrap();
            prop_assert_eq!(&text[window.from as usize..window.to as usize], &window.text);
            prop_assert!(window.from <= from as u64 && window.from + 4 > from.min(text.len()) as u64);
        }
    }

    #[test]
    fn search_finds_what_a_walk_finds(value in any_value(), needle in "[a-c0-9]", budget in 1usize..300) {
        let (memory, packed) = stored(&value);
        let reader = Reader::new(&memory);
        let root = open(&reader, &packed);
        let all = |budget: usize| {
            let (mut after, mut found): (Option<Vec<u64>>, _) = (None, Vec::new());
            loop {
                match reader.find(&root, &needle, after.as_deref(), budget).unwrap() {
                    Found::Here(path) => {
                        assert!(!found.contains(&path));
                        found.push(path.clone());
                        after = Some(path);
                    }
                    Found::Paused(path) => {
                        assert_ne!(after.as_ref(), Some(&path));
                        after = Some(path);
                    }
                    Found::Nowhere => return found,
                }
            }
        };
        let found = all(usize::MAX);
        prop_assert_eq!(&all(budget), &found);
        prop_assert!(found.is_sorted());
        for path in &found {
            prop_assert_eq!(path.is_empty(), reader.at(&root, path).unwrap().is_none());
        }
    }

    #[test]
    fn damaged_nodes_are_errors_not_panics(
        value in any_value(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let (memory, packed) = stored(&value);
        // Nodes are verified by their digests; a source that claims to have done so is the worst case.
        let source = Spoiled { memory: &memory, at: at.index(1 << 16), byte };
        let reader = Reader::new(&source);
        if let Ok(place) = reader.open(&packed.digest, packed.inline.as_deref()) {
            let mut left = 2000;
            visit(&reader, &place, &mut left, 0);
        }
    }
}

struct Spoiled<'m> {
    memory: &'m Memory,
    at: usize,
    byte: u8,
}

impl NodeSource for Spoiled<'_> {
    fn get(&self, digest: &Digest) -> Result<StoredNode, NodeError> {
        let node = self.memory.get(digest)?;
        let mut data = node.data.to_vec();
        let at = self.at % data.len();
        data[at] = self.byte;
        Ok(StoredNode { data: data.into(), verified: true })
    }
}

fn visit(reader: &Reader<'_>, place: &Place, left: &mut usize, depth: usize) {
    if *left == 0 || depth > 40 {
        return;
    }
    *left -= 1;
    let _ = reader.glance(place, 40);
    let _ = reader.text(place, 3, 10);
    let _ = reader.find(place, "x", None, 500);
    for child in reader.children(place, 0, 20).unwrap_or_default() {
        visit(reader, &child.place, left, depth + 1);
    }
}

/// Counts what is read.
struct Counting {
    memory: Memory,
    nodes: Cell<usize>,
    bytes: Cell<usize>,
}

impl Counting {
    fn new(value: &Value) -> (Self, Packed) {
        let (memory, packed) = stored(value);
        (Counting { memory, nodes: Cell::new(0), bytes: Cell::new(0) }, packed)
    }

    fn taken(&self) -> (usize, usize) {
        (self.nodes.replace(0), self.bytes.replace(0))
    }
}

impl NodeSource for Counting {
    fn get(&self, digest: &Digest) -> Result<StoredNode, NodeError> {
        let node = self.memory.get(digest)?;
        self.nodes.set(self.nodes.get() + 1);
        self.bytes.set(self.bytes.get() + node.data.len());
        Ok(node)
    }
}

#[test]
fn a_large_list_opens_with_what_is_visible() {
    let messages = (0..30_000).map(|i| message("user", &format!("{i:01000}"))).collect();
    let (source, packed) = Counting::new(&Value::list(messages));
    let total: usize = source.memory.nodes.values().map(|(data, _)| data.len()).sum();
    assert!(total > 30_000_000, "{total}");
    let reader = Reader::new(&source);
    let root = open(&reader, &packed);
    assert_eq!(reader.shape(&root).unwrap().count, 30_000);
    for child in reader.children(&root, 0, 50).unwrap() {
        assert!(reader.glance(&child.place, 80).unwrap().starts_with("user: \"0000"));
    }
    let (nodes, bytes) = source.taken();
    assert!(nodes < 60 && bytes < 80_000, "{nodes} nodes, {bytes} bytes");
    // The end: chunks before it are counted, messages in them are not read.
    let last = reader.children(&root, 29_999, 50).unwrap();
    assert_eq!((last.len(), &last[0].key), (1, &Key::Index(29_999)));
    assert!(
        reader.load(&last[0].place).unwrap().get("content").unwrap().as_str().unwrap().ends_with("29999")
    );
    let (nodes, bytes) = source.taken();
    assert!(nodes < 1100 && bytes < 1_200_000, "{nodes} nodes, {bytes} bytes");
    assert_eq!(reader.glance(&root, 80).unwrap(), "30000 msgs");
}

#[test]
fn a_split_string_is_read_where_somebody_looks() {
    let text: String = (0..1_200_000).map(|i| format!("{i:07}\n")).collect();
    let (source, packed) = Counting::new(&Value::dict(vec![(Value::str("text"), Value::str(&text))]));
    let reader = Reader::new(&source);
    let root = open(&reader, &packed);
    let place = reader.field(&root, "text").unwrap().unwrap();
    let shape = reader.shape(&place).unwrap();
    assert_eq!((shape.kind, shape.count), (Kind::Str, 9_600_000));
    source.taken();
    let end = reader.text(&place, 9_599_992, 100).unwrap();
    assert_eq!((end.text.as_str(), end.to, end.total), ("1199999\n", 9_600_000, 9_600_000));
    assert_eq!(source.taken().0, 1, "one piece of 8 MiB");
    let border = (8 << 20) - 8;
    let across = reader.text(&place, border, 16).unwrap();
    assert_eq!(across.text, text[border as usize..border as usize + 16]);
    assert_eq!(reader.find(&root, "1199998", None, usize::MAX).unwrap(), Found::Here(vec![0]));
    assert_eq!(reader.find(&root, "nowhere", None, usize::MAX).unwrap(), Found::Nowhere);
    assert!(matches!(reader.find(&root, "zz", None, 10).unwrap(), Found::Nowhere | Found::Paused(_)));
    assert_eq!(reader.glance(&root, 40).unwrap(), "{text: \"0000000\n0000001\n0000002\n0000003…");
}

#[test]
fn what_a_piece_cuts_is_found() {
    let text = format!("{}NEEDLE{}", "é".repeat((1 << 19) - 2), "é".repeat(1 << 19));
    let place = Place::from(Value::str(&text));
    let nothing = Memory::default();
    assert_eq!(Reader::new(&nothing).find(&place, "needle", None, usize::MAX).unwrap(), Found::Here(vec![]));
}

#[test]
fn instances_show_their_fields() {
    let point = |state: Value| {
        Value::Object(Arc::new(Object {
            make: Make::New { cls: Value::global("app", "Plan"), args: Value::tuple(vec![]), kwargs: None },
            items: vec![],
            pairs: vec![],
            added: vec![],
            state: Some(state),
        }))
    };
    let fields = Value::dict(vec![
        (Value::str("city"), Value::str("Rome")),
        (Value::str("content"), Value::Bytes(vec![1; 100_000].into())),
    ]);
    let pydantic = Value::dict(vec![
        (Value::str("__dict__"), fields.clone()),
        (Value::str("__pydantic_extra__"), Value::None),
        (Value::str("__pydantic_fields_set__"), Value::Set(Arc::new(vec![]))),
        (Value::str("__pydantic_private__"), Value::None),
    ]);
    let slots = Value::tuple(vec![Value::None, fields.clone()]);
    for state in [fields, pydantic, slots] {
        let (memory, packed) = stored(&point(state));
        let reader = Reader::new(&memory);
        let root = open(&reader, &packed);
        let shape = reader.shape(&root).unwrap();
        assert_eq!((shape.kind, shape.count, shape.class.as_deref()), (Kind::Object, 2, Some("app.Plan")));
        let names: Vec<String> =
            reader.children(&root, 0, 9).unwrap().iter().map(|child| child.key.words()).collect();
        assert_eq!(names, ["city", "content"]);
        assert_eq!(reader.glance(&root, 80).unwrap(), "Plan(city=\"Rome\", content=bytes 100.0 kB)");
    }
    let path = Value::reduce(Value::global("pathlib", "PosixPath"), vec![Value::str("a"), Value::str("b")]);
    let (memory, packed) = stored(&Value::list(vec![path]));
    let reader = Reader::new(&memory);
    let child = reader.children(&open(&reader, &packed), 0, 1).unwrap().remove(0);
    let shape = reader.shape(&child.place).unwrap();
    assert_eq!((shape.scalar.as_deref(), shape.count), (Some("a/b"), 0));
}

#[test]
fn values_that_are_kept_as_pickles_are_read() {
    // A list that holds one list twice: kept as it is, because the two are one object.
    let pickle = Bytes::from_static(b"\x80\x04]\x94(]\x94K\x01ah\x01e.");
    let mut memory = Memory::default();
    let packed = pack(&pickle, &mut memory);
    assert!(pickle::read(&pickle).unwrap().shared);
    let reader = Reader::new(&memory);
    let root = open(&reader, &packed);
    assert_eq!(reader.shape(&root).unwrap().count, 2);
    assert_eq!(reader.glance(&root, 40).unwrap(), "[[1], [1]]");
    // Arguments around such a value are a dict all the same.
    let mut memory = Memory::default();
    let base = to_pickle(&Value::dict(vec![(Value::str("a"), Value::Int(1))])).unwrap();
    let packed = super::super::pack_dict(&base, &[("b".into(), pickle)], &mut memory).unwrap();
    let reader = Reader::new(&memory);
    let root = open(&reader, &packed);
    let names: Vec<String> =
        reader.children(&root, 0, 9).unwrap().iter().map(|child| child.key.words()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_part_that_is_missing_does_not_hide_the_rest() {
    let value = Value::list(vec![message("user", &"x".repeat(200)), message("user", &"y".repeat(200))]);
    let (mut memory, packed) = stored(&value);
    let reader = Reader::new(&memory);
    let children = reader.children(&open(&reader, &packed), 0, 9).unwrap();
    let At::Node { data, pos, .. } = &children[0].place.0 else { panic!("{:?}", children[0]) };
    let gone = Digest::from_slice(&data[pos + 1..pos + 33]).unwrap();
    memory.nodes.remove(&gone);
    let reader = Reader::new(&memory);
    let children = reader.children(&open(&reader, &packed), 0, 9).unwrap();
    assert_eq!(reader.shape(&children[0].place), Err(UnpackError::Missing(gone)));
    assert!(reader.glance(&children[1].place, 30).unwrap().starts_with("user: \"yyy"));
}

/// Values that lie in many nodes, of each kind.
fn large_values() -> Vec<Value> {
    let item = |i: i64| {
        let pairs =
            vec![(Value::str("id"), Value::Int(i)), (Value::str("score"), Value::Float(i as f64 / 7.0))];
        Value::dict(pairs)
    };
    let items: Vec<Value> = (0..3_000).map(item).collect();
    let keyed = |key: &dyn Fn(i64) -> Value| Value::dict((0..3_000).map(|i| (key(i), item(i))).collect());
    let numbers: Arc<Vec<Value>> = Arc::new((0..3_000).map(Value::Int).collect());
    let text = "ü日a".repeat(1_500_000);
    vec![
        Value::list(items.clone()),
        Value::tuple(vec![Value::list(items.clone()), Value::str(&text[..60_000]), Value::None]),
        Value::Set(numbers.clone()),
        Value::FrozenSet(numbers),
        keyed(&|i| Value::str(&format!("key {i}"))),
        keyed(&|i| Value::str(&format!("${i}"))),
        keyed(&Value::Int),
        Value::dict(vec![(Value::str("all"), keyed(&|i| Value::str(&format!("{i}"))))]),
        Value::list(vec![Value::str(&text), Value::Bytes(text.clone().into_bytes().into())]),
        Value::ByteArray(Bytes::from(text.into_bytes())),
        Value::reduce(Value::global("app", "Plan"), vec![Value::list(items)]),
    ]
}

#[test]
fn json_of_large_values_is_that_of_the_values_in_memory() {
    use crate::value::view::{ViewLimits, to_json};
    let narrow = ViewLimits { max_bytes: 9_000, max_items: 700, max_depth: 2, max_string: 101 };
    for (nth, value) in large_values().into_iter().enumerate() {
        let (memory, packed) = stored(&value);
        let eager = load_value(&packed.digest, packed.inline.as_deref(), &memory).unwrap();
        for limits in [ViewLimits::default(), narrow, ViewLimits::full()] {
            let reader = Reader::new(&memory);
            let document =
                Document::open(&reader, &packed.digest, packed.inline.as_deref(), &limits).unwrap();
            let (lazily, expected) = (document.view().unwrap(), to_json(&eager, &limits));
            assert_eq!(lazily.cut, expected.cut, "{nth} {limits:?}");
            if limits.max_depth > 2 {
                assert!(lazily.json == expected.json, "{nth} {limits:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn json_of_stored_values_is_that_of_the_values_in_memory(value in any_value(), items in 0usize..20) {
        use crate::value::view::{ViewLimits, to_json};
        let (memory, packed) = stored(&value);
        let eager = load_value(&packed.digest, packed.inline.as_deref(), &memory).unwrap();
        let few = ViewLimits { max_bytes: 600, max_items: items, max_depth: 40, max_string: 30 };
        for limits in [few, ViewLimits::full()] {
            let reader = Reader::new(&memory);
            let document = Document::open(&reader, &packed.digest, packed.inline.as_deref(), &limits).unwrap();
            prop_assert_eq!(document.view().unwrap(), to_json(&eager, &limits));
        }
    }
}

/// Sees how much had been read whenever something is written.
struct Watched<'a> {
    source: &'a Counting,
    written: usize,
    ahead: usize,
}

impl std::io::Write for Watched<'_> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.ahead = self.ahead.max(self.source.bytes.get().saturating_sub(self.written));
        self.written += data.len();
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn json_is_read_as_far_as_it_is_shown_and_written_while_it_is_read() {
    use crate::value::view::ViewLimits;
    let messages = (0..20_000).map(|i| message("user", &format!("{i:01000}"))).collect();
    let bytes = Value::Bytes(Bytes::from((0..20_000_000u32).map(|i| (i >> 8) as u8).collect::<Vec<_>>()));
    for (value, most) in [(Value::list(messages), 4 << 20), (bytes, 9 << 20)] {
        let (source, packed) = Counting::new(&value);
        let reader = Reader::new(&source);
        let limits = ViewLimits::default();
        let document = Document::open(&reader, &packed.digest, packed.inline.as_deref(), &limits).unwrap();
        assert!(document.view().unwrap().cut.is_some());
        let (_, read) = source.taken();
        assert!(read < most, "{read} bytes for the beginning");

        let reader = Reader::new(&source);
        let all = ViewLimits::full();
        let document = Document::open(&reader, &packed.digest, packed.inline.as_deref(), &all).unwrap();
        let mut out = Watched { source: &source, written: 0, ahead: 0 };
        serde_json::to_writer(&mut out, &document).unwrap();
        assert!(out.written > 20_000_000 && out.ahead < 10 << 20, "{} of {}", out.ahead, out.written);
    }
}

#[test]
fn json_of_what_is_damaged_is_an_error() {
    let (mut memory, packed) = stored(&Value::list(vec![Value::str(&"x".repeat(20_000_000))]));
    let lost = *memory.nodes.iter().find(|(_, (data, _))| data.len() > 1 << 20).unwrap().0;
    memory.nodes.remove(&lost);
    let reader = Reader::new(&memory);
    let all = crate::value::view::ViewLimits::full();
    let document = Document::open(&reader, &packed.digest, packed.inline.as_deref(), &all).unwrap();
    assert!(serde_json::to_writer(std::io::sink(), &document).is_err());
    assert!(matches!(document.failure(), Some(UnpackError::Missing(digest)) if digest == lost));
}
