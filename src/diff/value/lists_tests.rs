//! Lists: rows by what names them, columns, moves, and what stands for what.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Options, Pattern, compare, diff, told_all};

/// Differences as readers see them.
fn told(old: &Value, new: &Value, options: &Options) -> Vec<String> {
    let found = compare(old, new, options).changes;
    told_all(&found, "").into_iter().map(|row| format!("{}{}", "  ".repeat(row.depth), row.words)).collect()
}

fn stock() -> Value {
    json!([
        {"sku": "A1", "city": "Rome", "price": 1.5, "left": 3},
        {"sku": "A2", "city": "Oslo", "price": 2.5, "left": 3},
        {"sku": "A3", "city": "Kiel", "price": 3.5, "left": 1},
        {"sku": "A4", "city": "Bern", "price": 4.5, "left": 7},
        {"sku": "A5", "city": "Lima", "price": 5.5, "left": 7},
    ])
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().unwrap()
}

#[test]
fn rows_are_known_by_the_column_that_names_them() {
    let old = stock();
    let mut new = old.clone();
    let rows = list(&mut new);
    rows[1]["price"] = json!(9.0);
    rows[1]["left"] = json!(0);
    rows.remove(3);
    rows.insert(0, json!({"sku": "B1", "city": "Wien", "price": 7.5, "left": 2}));
    let last = rows.remove(1);
    rows.push(last);
    assert_eq!(
        told(&old, &new, &Options::default()),
        [
            r#"[0]  sku "B1"  added"#,
            r#"[1]  sku "A2""#,
            "  price",
            "  left",
            r#"[4]  sku "A1"  was at [0]"#,
            r#"[3]  sku "A4"  removed"#,
        ]
    );
}

#[test]
fn a_row_that_comes_first_does_not_move_the_others() {
    let old = stock();
    let mut new = old.clone();
    let last = list(&mut new).pop().unwrap();
    list(&mut new).insert(0, last);
    assert_eq!(told(&old, &new, &Options::default()), [r#"[0]  sku "A5"  was at [4]"#]);
}

#[test]
fn a_row_with_another_name_is_still_the_row() {
    let mut old = stock();
    for (at, row) in list(&mut old).iter_mut().enumerate() {
        row["id"] = json!(at);
    }
    let mut new = old.clone();
    list(&mut new)[2]["id"] = json!(70);
    assert_eq!(told(&old, &new, &Options::default()), ["[2]  id 70", "  id"]);
}

#[test]
fn columns_are_told_once() {
    let old = stock();
    let mut new = old.clone();
    for row in list(&mut new) {
        let row = row.as_object_mut().unwrap();
        row.insert("currency".to_owned(), json!("EUR"));
        let town = row.remove("city").unwrap();
        row.insert("town".to_owned(), town);
        row.remove("left");
    }
    assert_eq!(
        told(&old, &new, &Options::default()),
        [
            "column currency added in 5 rows",
            "column town was called city in 5 rows",
            "column left removed in 5 rows"
        ]
    );
    let options = Options { ignore: vec![Pattern::parse("*.currency").unwrap()], ..Options::default() };
    let found = compare(&old, &new, &options);
    assert_eq!((found.changes.len(), found.hidden[0].differences), (2, 5));
}

#[test]
fn elements_that_moved_are_not_others() {
    let told = |old, new| told(&old, &new, &Options::default());
    assert_eq!(told(json!(["a", "b", "c"]), json!(["c", "a", "b", "d"])), ["[0]  was at [2]", "[3]  added"]);
    // Each stands for what it resembles, not for what stands in its place.
    let old =
        json!([{"kind": "a", "n": 1, "m": 1}, {"kind": "b", "n": 2, "m": 2}, {"kind": "b", "n": 2, "m": 3}]);
    let new = json!([{"kind": "b", "n": 2, "m": 20}, {"kind": "b", "n": 2, "m": 30}]);
    assert_eq!(told(old, new), ["[0].m", "[1].m", "[0]  removed"]);
}

#[test]
fn what_is_found_again_elsewhere_was_moved() {
    let address = json!({"street": "Main 1", "city": "Rome"});
    let old = json!({"user": {"id": 1, "address": address}, "n": 1});
    let new = json!({"user": {"id": 1}, "n": 1, "address": address});
    let told = |old, new| told(old, new, &Options::default());
    assert_eq!(told(&old, &new), ["address  was at user.address"]);
    // Two of them may be any.
    let twice = json!({"user": {"id": 1}, "n": 1, "address": address, "other": address});
    assert_eq!(told(&old, &twice), ["user.address  removed", "address  added", "other  added"]);
    assert_eq!(
        told(&json!({"a": {"x": 1}, "b": {}}), &json!({"a": {}, "b": {"y": 1}})),
        ["a.x  removed", "b.y  added"]
    );
}

#[test]
fn texts_that_are_json_are_compared_by_what_they_say() {
    let text = |value: Value| json!({"body": value.to_string()});
    let old = text(json!({"id": "x1", "rows": [{"name": "a", "n": 1}, {"name": "b", "n": 2}]}));
    let new = text(json!({"id": "x2", "rows": [{"name": "a", "n": 1}, {"name": "b", "n": 3}]}));
    let options = Options { ignore: vec![Pattern::parse("*.id").unwrap()], ..Options::default() };
    assert_eq!(told(&old, &new, &options), ["body  a text that is JSON", r#"  rows[1]  name "b""#, "    n"]);
    // Other blanks alone differ, too.
    assert_eq!(told(&json!("[1,2]"), &json!("[1, 2]"), &options), [""]);
    assert_eq!(told(&json!("[1,2"), &json!("[1,3"), &options), [""]);
}

proptest! {
    /// What is told of rows is enough to make the new rows of the old ones.
    #[test]
    fn no_row_is_lost(old in prop::collection::vec(0u8..12, 0..10), new in prop::collection::vec(0u8..12, 0..10)) {
        let rows = |numbers: &[u8]| {
            let mut seen = std::collections::HashSet::new();
            // One that both have: else nothing says that this is their name.
            let all = numbers.iter().chain([&99]);
            let fresh: Vec<Value> = all.filter(|n| seen.insert(**n)).map(|n| json!({"id": n, "x": "y"})).collect();
            Value::from(fresh)
        };
        let (old, new) = (rows(&old), rows(&new));
        let found = diff(&old, &new, &Options::default());
        let mut rows: Vec<Value> = old.as_array().unwrap().clone();
        let (mut gone, mut come) = (Vec::new(), Vec::new());
        for change in &found {
            let at = |path: &super::super::Path| match path.0.first() {
                Some(super::super::Step::Index(at)) => *at,
                other => panic!("{other:?}"),
            };
            match (&change.from, &change.old, &change.new) {
                (Some(from), ..) => {
                    gone.push(at(from));
                    come.push((at(&change.path), change.new.clone().unwrap()));
                }
                (None, None, Some(new)) => come.push((at(&change.path), new.clone())),
                (None, Some(_), None) => gone.push(at(&change.path)),
                other => panic!("{other:?}"),
            }
        }
        gone.sort_unstable();
        gone.iter().rev().for_each(|at| { rows.remove(*at); });
        come.sort_by_key(|one| one.0);
        for (at, row) in come {
            rows.insert(at, row);
        }
        prop_assert_eq!(Value::from(rows), new);
    }
}
