//! Views of real pickles, limits, previews.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::fixtures::{any_value, message, real};
use super::super::pickle::{read, read_lossy};
use super::super::tree::Value;
use super::super::{from_json, usage};
use super::*;

fn seen(name: &str) -> Json {
    to_json(&read_lossy(&real(name)), &ViewLimits::default()).json
}

#[test]
fn common_classes_are_shown_by_what_they_mean() {
    let cases = [
        ("enum", json!({"$enum": "app.Color", "value": 1})),
        ("dataclass", json!({"$type": "app.Plan", "goal": "g", "steps": [1]})),
        ("frozen_slots", json!({"$type": "app.Slotted", "state": [1]})),
        ("slots", json!({"$type": "app.WithSlots", "a": 1, "b": "x"})),
        ("namedtuple", json!({"$type": "app.Point", "args": [1, 2.0]})),
        ("exception", json!({"$type": "app.Oops", "args": ["bad", 3], "code": 5})),
        ("value_error", json!({"$type": "ValueError", "args": ["x"]})),
        ("list_subclass", json!({"$type": "app.Names", "items": ["n"]})),
        ("pydantic", json!({"$type": "app.Model", "a": 1, "b": "z", "more": 2})),
        ("datetime", json!({"$datetime": "2024-01-02T03:04:05.000006+00:00"})),
        ("datetime_offset", json!({"$datetime": "2024-01-02T03:04:00-02:30"})),
        ("datetime_zone", json!({"$datetime": "2024-10-27T02:30:00[Europe/Berlin]"})),
        ("date", json!({"$date": "2024-01-02"})),
        ("time", json!({"$time": "01:02:03.000004"})),
        ("timedelta", json!({"$timedelta": "P1DT1H2M3.000004S"})),
        ("negative_timedelta", json!({"$timedelta": "-PT1.500000S"})),
        ("decimal", json!({"$decimal": "1.50"})),
        ("uuid", json!({"$uuid": "12345678-1234-5678-9234-567812345678"})),
        ("path", json!({"$path": "/a/b"})),
        ("fraction", json!({"$fraction": "1/2"})),
        ("complex", json!({"$complex": [1.0, 2.0]})),
        ("range", json!({"$range": [0, 3, 1]})),
        (
            "defaultdict",
            json!({"$type": "collections.defaultdict", "default": "list", "items": {"$dict": [[1, [2]]]}}),
        ),
        ("ordered", json!({"$type": "collections.OrderedDict", "items": {"a": 1}})),
        ("counter", json!({"$type": "collections.Counter", "items": {"a": 2, "b": 1}})),
        ("deque", json!({"$type": "collections.deque", "maxlen": 5, "items": [1, 2]})),
        ("global", json!({"$global": "len"})),
        ("array", json!({"$ndarray": {"dtype": "float64", "shape": [2, 2], "data": [0.0, 1.5, 2.0, 3.0]}})),
        ("array_i2_big", json!({"$ndarray": {"dtype": "int16", "shape": [2], "data": [1, -2]}})),
        (
            "array_f4",
            json!({"$ndarray": {"dtype": "float32", "shape": [2], "data": [0.1, {"$float": "nan"}]}}),
        ),
        ("array_str", json!({"$ndarray": {"dtype": "<U2", "shape": [2], "data": ["a", "bc"]}})),
        ("array_object", json!({"$ndarray": {"dtype": "object", "shape": [2], "data": [1, "a"]}})),
        ("array_bool", json!({"$ndarray": {"dtype": "bool", "shape": [2], "data": [true, false]}})),
        ("np_float", json!({"$numpy": "float64", "value": 1.5})),
        ("np_int", json!({"$numpy": "int64", "value": -3})),
        ("frame", json!({"$type": "pandas.DataFrame", "columns": ["a", "b", "c"], "shape": [2, 3]})),
        ("series", json!({"$type": "pandas.Series", "shape": [2]})),
        ("aliased", json!([{"k": 1}, {"k": 1}])),
        ("cyclic", json!([1, {"$opaque": "contains itself"}])),
        ("surrogate", json!("a\u{fffd}b")),
        ("big", json!({"$int": "-1180591620717411303424"})),
    ];
    for (name, expected) in cases {
        assert_eq!(seen(name), expected, "{name}");
    }
}

#[test]
fn a_chat_completion_is_shown_with_its_fields_and_usage() {
    let value = read(&real("chat")).unwrap().value;
    let json = seen("chat");
    assert_eq!(json["$type"], "openai.types.chat.chat_completion.ChatCompletion");
    assert_eq!(json["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "search_web");
    assert_eq!(preview(&value, 80), "→ search_web");
    let usage = usage::find(&value).remove(0);
    assert_eq!((usage.input, usage.output, usage.cached_input), (30, 4, 20));
    assert_eq!(usage.model.as_deref(), Some("gpt-x"));
    let wrapped = Value::dict(vec![(Value::str("response"), value)]);
    assert_eq!(usage::find(&wrapped)[0].input, 30);
}

#[test]
fn plain_data_is_plain() {
    let json = json!({"b": [1, 2.5, null, true], "a": {"x": "y"}});
    assert_eq!(to_json(&from_json(&json), &ViewLimits::default()).json, json);
    let value = Value::dict(vec![(Value::Int(1), Value::Bytes(bytes::Bytes::from_static(b"\x00\x01")))]);
    let shown = to_json(&value, &ViewLimits::default());
    assert_eq!(shown, View { json: json!({"$dict": [[1, {"$bytes": "AAE=", "size": 2}]]}), cut: None });
    let clash = Value::dict(vec![(Value::str("$tuple"), Value::list(vec![]))]);
    assert_eq!(to_json(&clash, &ViewLimits::default()).json, json!({"$dict": [["$tuple", []]]}));
}

#[test]
fn what_is_cut_is_marked_and_told() {
    let limits = ViewLimits { max_bytes: 10_000, max_items: 2, max_depth: 2, max_string: 5 };
    let value = from_json(&json!([["abcdefgh", [1]], 2, 3]));
    let shown = to_json(&value, &limits);
    assert_eq!(shown.json, json!([["abcde…", {"$cut": "[1]"}], 2, {"$more": 1}]));
    assert_eq!(shown.cut.unwrap(), "1 item not shown; 1 string shortened; nesting beyond 2 levels not shown");
    let large = Value::list(vec![Value::str("0123456789"); 1000]);
    let limits = ViewLimits { max_bytes: 500, ..ViewLimits::default() };
    let shown = to_json(&large, &limits);
    assert!(shown.json.to_string().len() < 700);
    assert!(shown.cut.unwrap().starts_with("stopped after 500 B; "));
}

#[test]
fn previews_read_well() {
    let line = |json: Json| preview(&from_json(&json), 40);
    assert_eq!(line(json!("hi")), "\"hi\"");
    assert_eq!(line(json!("x".repeat(100))), format!("\"{}…", "x".repeat(38)));
    assert_eq!(line(json!([1, 2.0, null, "a"])), "[1, 2.0, None, \"a\"]");
    assert_eq!(line(json!((0..100).collect::<Vec<_>>())), "[0, 1, 2, 3, 4, 5, … 100]");
    assert_eq!(line(json!([{"a": 1}, {}, {}, {}])), "4 items");
    assert_eq!(line(json!({"k": {"v": [1]}, "b": true})), "{k: {v: [1]}, b: True}");
    let messages = Value::list(vec![message("system", "s"), message("user", "u"), message("assistant", "a")]);
    assert_eq!(preview(&messages, 40), "3 msgs");
    assert_eq!(preview(&message("user", "hello"), 40), "user: \"hello\"");
    assert_eq!(preview(&Value::Bytes(vec![0; 1_000_000].into()), 40), "bytes 1.0 MB");
    let blocks = json!({"role": "assistant", "content": [{"type": "text", "text": "t"}, {"type": "tool_use", "name": "grep"}]});
    assert_eq!(line(blocks), "→ grep");
    let shown = |name: &str| preview(&read_lossy(&real(name)), 60);
    assert_eq!(shown("dataclass"), "Plan(goal=\"g\", steps=[1])");
    assert_eq!(shown("namedtuple"), "Point(1, 2.0)");
    assert_eq!(shown("array"), "ndarray float64 (2×2)");
    assert_eq!(shown("frame"), "DataFrame 2×3");
    assert_eq!(shown("date"), "2024-01-02");
    assert_eq!(shown("enum"), "Color(1)");
    assert_eq!(shown("pydantic"), "Model(a=1, b=\"z\")");
}

#[test]
fn arguments_are_shown_as_a_call() {
    let line = |json: Json| preview_arguments(&from_json(&json), 60);
    assert_eq!(line(json!({"topic": "cats"})), "\"cats\"");
    assert_eq!(line(json!({"topic": "cats", "depth": 3})), "\"cats\", depth=3");
    assert_eq!(line(json!({})), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn views_stay_within_limits(value in any_value(), most in 1usize..50) {
        prop_assert!(preview(&value, most).chars().count() <= most);
        prop_assert!(preview_arguments(&value, most).chars().count() <= most);
        let limits = ViewLimits { max_bytes: most * 20, max_items: most, max_depth: 4, max_string: most };
        let shown = to_json(&value, &limits).json.to_string();
        prop_assert!(shown.len() < most * 120 + 2000, "{}", shown.len());
        usage::find(&value);
    }
}
