//! Differences of values and texts, family by family.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::text::patch;
use super::*;

fn told(old: Value, new: Value) -> Vec<String> {
    with(old, new, &Options::default())
}

fn with(old: Value, new: Value, options: &Options) -> Vec<String> {
    diff(&old, &new, options)
        .iter()
        .map(|change| {
            let from = change.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
            format!("{:?} {}{from}", change.kind, change.path)
        })
        .collect()
}

#[test]
fn differences_have_paths() {
    let old =
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "n": 1});
    let new =
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "c"}], "n": 1.0});
    assert_eq!(told(old, new), ["Changed messages[1].content", "Changed n"]);
}

#[test]
fn one_inserted_element_does_not_shift_the_rest() {
    assert_eq!(told(json!([10, 20, 30]), json!([5, 10, 20, 30])), ["Added [0]"]);
    assert_eq!(told(json!([10, 20, 30]), json!([10, 30])), ["Removed [1]"]);
}

#[test]
fn rows_are_paired_by_their_key() {
    let old = json!([{"id": 1, "x": "a"}, {"id": 2, "x": "b"}]);
    let new = json!([{"id": 3, "x": "c"}, {"id": 2, "x": "B"}, {"id": 1, "x": "a"}]);
    assert_eq!(told(old, new), ["Added [0]", "Changed [1].x", "Moved [2] from [0]"]);
}

#[test]
fn keys_are_renamed_and_moved() {
    assert_eq!(told(json!({"a": "long"}), json!({"b": "long"})), ["Renamed b from a"]);
    assert_eq!(told(json!({"a": null}), json!({"b": null})), ["Added b", "Removed a"]);
    assert_eq!(told(json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1})), ["Moved b from b"]);
    assert_eq!(told(json!(["aa", "bb", "cc"]), json!(["bb", "cc", "aa"])), ["Moved [2] from [0]"]);
}

#[test]
fn ignored_places_and_near_numbers_are_equal() {
    let options = Options {
        ignore: vec![Pattern::parse("*.id").unwrap(), Pattern::parse("usage.*").unwrap()],
        tolerance: 0.01,
    };
    let old = json!({"id": 1, "a": [{"id": 2, "v": 100.0}], "usage": {"in": 1}});
    let new = json!({"id": 9, "a": [{"id": 8, "v": 100.5}], "usage": {"in": 5}});
    assert_eq!(with(old.clone(), new.clone(), &options), Vec::<String>::new());
    assert_eq!(told(old, new).len(), 4);
}

#[test]
fn a_pattern_that_cannot_be_read_says_where() {
    let wrong = |text: &str| Pattern::parse(text).unwrap_err().to_string();
    assert!(wrong("a..b").contains("a name is expected at character 3"), "{}", wrong("a..b"));
    assert!(wrong("a[x]").contains("at character 3"), "{}", wrong("a[x]"));
    assert!(wrong("a[1").contains("']' is missing"));
}

#[test]
fn words_differ_within_a_line() {
    let found = lines("one\nthe quick fox\nthree\n", "one\nthe slow fox\nthree\n", 1);
    let removed = found.iter().find(|line| line.kind == LineKind::Removed).unwrap();
    let different: Vec<&str> =
        removed.spans.iter().filter(|span| span.differs).map(|span| span.text.as_str()).collect();
    assert_eq!(different, ["quick"]);
    assert_eq!((removed.old, removed.new), (Some(2), None));
    assert!(patch("a\n", "b\n", "x", "y").contains("-a\n+b\n"));
    assert_eq!(patch("a\n", "a\n", "x", "y"), "");
    let texts = || Ok::<_, ()>(["a\n".to_owned(), "b".to_owned()]);
    let end = "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n";
    assert_eq!(patch_of("p/f#1", [2, 1], 2, texts), Ok(Ok(format!("--- a/p/f#1\n+++ b/p/f#1\n{end}"))));
    // What is too large is not even read.
    let unread = || Err("it was read");
    let large = patch_of("p", [0, 9_000_000], 8 << 20, unread).unwrap().unwrap_err();
    assert_eq!(large, "no patch for values of more than 8.4 MB");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..20).prop_map(Value::from),
        "[a-c]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("(id|[a-d])", inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn equal_values_have_no_differences_and_others_have_some(a in json_value(), b in json_value()) {
        prop_assert!(diff(&a, &a, &Options::default()).is_empty());
        if a != b {
            prop_assert!(!diff(&a, &b, &Options::default()).is_empty());
        }
    }

    #[test]
    fn each_pattern_is_read_or_refused(text in "[a-z*.\\[\\]0-9\"]{0,12}") {
        let _ = Pattern::parse(&text).map(|pattern| pattern.takes(&Path::default().key("a").index(1)));
    }
}
