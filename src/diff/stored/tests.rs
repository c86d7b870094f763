//! Large values, made small: what is walked is said to be large.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::base::digest::Digest;
use crate::diff::value::{Pattern, Sides, told_all};
use crate::value::fixtures::{Memory, keep};
use crate::value::{NodeError, StoredNode, Value};

/// A store that counts what is read.
struct Counted {
    memory: Memory,
    reads: Cell<usize>,
}

impl NodeSource for Counted {
    fn get(&self, digest: &Digest) -> Result<StoredNode, NodeError> {
        self.reads.set(self.reads.get() + 1);
        self.memory.get(digest)
    }
}

fn stored(value: &Value, memory: &mut Memory) -> ValueRef {
    let (digest, inline) = keep(value, memory);
    ValueRef { digest, size: WHOLE + 1, preview: String::new(), inline, withheld: None }
}

fn looked(old: &Value, new: &Value, effort: Effort) -> (Differences, usize, usize) {
    let mut memory = Memory::default();
    let (a, b) = (stored(old, &mut memory), stored(new, &mut memory));
    let source = Counted { memory, reads: Cell::new(0) };
    let found = compare_stored(&source, &a, &b, &Options::default(), effort).unwrap();
    (found, source.reads.get(), source.memory.nodes.len())
}

fn rows(found: &Differences) -> Vec<String> {
    let mut out = Vec::new();
    for row in told_all(&found.changes, "") {
        let sides = match row.sides {
            Sides::None => String::new(),
            Sides::Texts(a, b) | Sides::Excerpts(a, b) => format!(" | {a} | {b}"),
            Sides::Values(a, b) => format!(" | {} | {}", json(a), json(b)),
        };
        out.push(format!("{}{sides}", row.words));
    }
    out
}

fn json(side: Option<&serde_json::Value>) -> String {
    side.map(ToString::to_string).unwrap_or_default()
}

fn row(i: usize, note: &str) -> Value {
    let text = format!("{note} {i} {}", "x".repeat(100));
    Value::dict(vec![(Value::str("row"), Value::Int(i as i64)), (Value::str("text"), Value::str(&text))])
}

fn table(n: usize) -> Vec<Value> {
    (0..n).map(|i| row(i, "row")).collect()
}

fn document(rows: Vec<Value>) -> Value {
    Value::dict(vec![
        (Value::str("rows"), Value::list(rows)),
        (Value::str("pad"), Value::str(&"p".repeat(2 << 20))),
    ])
}

#[test]
fn one_changed_element_is_found_without_decoding_the_others() {
    let (old, mut rows_now) = (document(table(20_000)), table(20_000));
    rows_now[13_000] = Value::dict(vec![
        (Value::str("row"), Value::Int(-1)),
        (Value::str("text"), row(13_000, "row").get("text").unwrap().clone()),
    ]);
    let new = document(rows_now);
    for effort in [Effort::First, Effort::All] {
        let (found, reads, nodes) = looked(&old, &new, effort);
        assert_eq!(rows(&found), ["rows[13000].row | 13000 | -1"]);
        assert_eq!((found.left_out, found.rough), (None, effort == Effort::First));
        assert!(reads < nodes / 10, "{reads} reads of {nodes} nodes");
    }
}

#[test]
fn an_element_that_is_new_shifts_nothing() {
    let (old, mut longer) = (table(12_000), table(12_000));
    longer.insert(5_000, row(99, "new"));
    longer.remove(9_000);
    let (found, _, _) = looked(&document(old), &document(longer), Effort::All);
    let words: Vec<String> =
        rows(&found).iter().map(|row| row.split(" | ").next().unwrap().to_owned()).collect();
    assert_eq!(words, ["rows[5000]  added", "rows[8999]  removed"]);
}

#[test]
fn more_than_can_be_told_is_counted() {
    let old = document(table(12_000));
    let new = document((0..12_000).map(|i| row(i, if i % 2 == 0 { "row" } else { "other" })).collect());
    let (found, _, _) = looked(&old, &new, Effort::All);
    assert_eq!(found.changes.len(), FOUND);
    assert_eq!(found.left_out.as_deref(), Some("5800 more differences"));
    let (first, _, _) = looked(&old, &new, Effort::First);
    assert_eq!(first.changes[0].path.to_string(), "rows[1].text");
}

#[test]
fn a_word_in_a_long_text_and_bytes_are_found_where_they_are() {
    let long = |word: &str| {
        Value::str(&format!("{} the {word} fox {}", "a b ".repeat(3 << 20), "c d ".repeat(3 << 20)))
    };
    let (found, _, _) = looked(&long("quick"), &long("slow"), Effort::All);
    let Some(Detail::Stretch(stretch)) = &found.changes[0].detail else { panic!("{found:?}") };
    assert_eq!((stretch.at, stretch.lengths), ((12 << 20) + 5, [5, 4]));
    assert!(stretch.shown[0].contains("the quick fox") && stretch.shown[1].contains("the slow fox"));
    let (first, _, _) = looked(&long("quick"), &long("slow"), Effort::First);
    let Some(Detail::Stretch(stretch)) = &first.changes[0].detail else { panic!("{first:?}") };
    assert_eq!((stretch.at, first.rough), ((12 << 20) + 5, true));

    let bytes = |changed: &[usize]| {
        let mut all = vec![7u8; 20 << 20];
        changed.iter().for_each(|at| all[*at] = 8);
        Value::Bytes(all.into())
    };
    let (found, reads, _) = looked(&bytes(&[]), &bytes(&[9_000_000, 9_000_005]), Effort::All);
    assert_eq!(
        rows(&found),
        [
            "21.0 MB; from byte 9000000 on 2 of 6 B differ | … (07 07 07 07 07 07 07 07) 07 07 07 07 07 07 | … (07 07 07 07 07 07 07 07) 08 07 07 07 07 08"
        ]
    );
    assert!(reads <= 6, "equal pieces are not read: {reads}");
}

#[test]
fn a_long_text_is_compared_line_by_line() {
    let text = |changed: &[usize]| {
        let line = |i: usize| match changed.contains(&i) {
            true => format!("line {i} says something else\n"),
            false => format!("line {i} of a long text that is longer than what is told\n"),
        };
        Value::str(&(0..40_000).map(line).collect::<String>())
    };
    let (found, _, _) = looked(&text(&[]), &text(&[100, 20_000, 39_000]), Effort::All);
    assert_eq!(found.changes.len(), 3, "{:?}", rows(&found));
    assert!(
        rows(&found)[1].ends_with(
            "| line 20000 of a long text that is longer than what is told | line 20000 says something else"
        ),
        "{:?}",
        rows(&found)
    );
}

#[test]
fn ignored_places_are_counted_in_large_values_too() {
    let mut memory = Memory::default();
    let mut rows_now = table(12_000);
    rows_now[4_000] = row(4_000, "other");
    let (a, b) = (stored(&document(table(12_000)), &mut memory), stored(&document(rows_now), &mut memory));
    let options = Options { ignore: vec![Pattern::parse("rows[*].text").unwrap()], tolerance: 0.0 };
    let found = compare_stored(&memory, &a, &b, &options, Effort::All).unwrap();
    assert_eq!((found.changes.len(), found.hidden[0].differences), (0, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_that_differs_is_missed(
        edits in prop::collection::vec((0usize..3, 0usize..400), 0..6),
        pad in 0usize..200,
    ) {
        let before: Vec<Value> = (0..400).map(|i| Value::str(&format!("{i} {}", "y".repeat(pad + i % 7 * 30)))).collect();
        let mut after = before.clone();
        for (kind, at) in edits {
            let at = at % after.len();
            match kind {
                0 => after[at] = Value::str("changed"),
                1 => { after.remove(at); }
                _ => after.insert(at, Value::str("new")),
            }
        }
        let (old, new) = (document(before), document(after));
        for effort in [Effort::First, Effort::All] {
            let (found, _, _) = looked(&old, &new, effort);
            prop_assert_eq!(found.changes.is_empty(), old == new, "{:?}", effort);
        }
    }
}
