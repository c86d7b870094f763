//! Whether what somebody wrote can stand for a recorded value: an edit is mostly a change of content, and a change of type
//! mostly a mistake.
//!
//! The type at the top must be the same, and a dict must keep its keys. Below, `None` fits everything and everything
//! fits `None`; numbers fit one another. What was not recorded is not judged.

use serde_json::Value as Json;

use super::from_json::from_json;
use super::tree::Value;

/// Keys that are named in a message at most.
const NAMED: usize = 3;

/// Says why a text does not fit, and where.
pub fn fits(recorded: &Value, written: &Json) -> Result<(), String> {
    fits_value(recorded, &from_json(written))
}

/// The same of a value.
pub fn fits_value(recorded: &Value, value: &Value) -> Result<(), String> {
    if matches!(recorded, Value::None) {
        return Ok(());
    }
    if let (Value::Dict(was), Value::Dict(_)) = (recorded, value) {
        let missing: Vec<String> = was
            .iter()
            .filter_map(|(key, _)| key.as_str())
            .filter(|key| value.get(key).is_none())
            .map(|key| format!("'{key}'"))
            .collect();
        if !missing.is_empty() {
            let more = missing.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let named: Vec<String> = missing.into_iter().take(NAMED).collect();
            return Err(format!("{}{more} is missing; the recorded value has it", named.join(", ")));
        }
    }
    if !alike(recorded, value) {
        return Err(format!("it was {}, what you wrote is {}", kind(recorded), kind(value)));
    }
    below(recorded, value, &mut String::new())
}

fn below(recorded: &Value, written: &Value, place: &mut String) -> Result<(), String> {
    match (recorded, written) {
        (Value::Dict(was), Value::Dict(_)) => {
            for (key, was) in was.iter() {
                let Some(name) = key.as_str() else { continue };
                let Some(now) = written.get(name) else { continue };
                let length = place.len();
                place.push_str(if length == 0 { "" } else { "." });
                place.push_str(name);
                at(was, now, place)?;
                place.truncate(length);
            }
            Ok(())
        }
        (Value::List(was), Value::List(now)) => {
            // The items of a list are of one kind or of any.
            let Some(first) = was.first().filter(|first| was.iter().all(|item| alike(first, item))) else {
                return Ok(());
            };
            for (i, now) in now.iter().enumerate() {
                let length = place.len();
                place.push_str(&format!("[{i}]"));
                at(was.get(i).unwrap_or(first), now, place)?;
                place.truncate(length);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn at(was: &Value, now: &Value, place: &mut String) -> Result<(), String> {
    if matches!(was, Value::None) || matches!(now, Value::None) {
        return Ok(());
    }
    if !alike(was, now) {
        return Err(format!("{place} was {}, what you wrote is {}", kind(was), kind(now)));
    }
    below(was, now, place)
}

/// Says why a value that somebody wrote as JSON is not of the type that a hint names. A hint that is not a plain name
/// of a built-in type, such as a union, is taken to allow anything.
pub fn fits_hint(hint: &str, written: &Json) -> Result<(), String> {
    let name = hint.split('[').next().unwrap_or_default().trim();
    let union = hint.contains('|') || hint.contains("Optional") || hint.contains("Union");
    let wanted = match name {
        _ if union => return Ok(()),
        "str" => "a str",
        "int" => "an int",
        "float" => "a float",
        "bool" => "a bool",
        "list" | "List" => "a list",
        "dict" | "Dict" => "a dict",
        "tuple" | "Tuple" => "a tuple",
        "bytes" => "bytes",
        _ => return Ok(()),
    };
    let value = from_json(written);
    let number = wanted == "a float" && matches!(value, Value::Int(_) | Value::BigInt(_));
    if kind(&value) == wanted || number {
        return Ok(());
    }
    Err(format!("its hint is {hint}, what you wrote is {}", kind(&value)))
}

fn alike(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| matches!(value, Value::Int(_) | Value::BigInt(_) | Value::Float(_));
    number(a) && number(b) || kind(a) == kind(b)
}

/// What a value is, for people who know Python.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::None => "None",
        Value::Bool(_) => "a bool",
        Value::Int(_) | Value::BigInt(_) => "an int",
        Value::Float(_) => "a float",
        Value::Str(_) => "a str",
        Value::Bytes(_) => "bytes",
        Value::ByteArray(_) => "a bytearray",
        Value::List(_) => "a list",
        Value::Tuple(_) => "a tuple",
        Value::Dict(_) => "a dict",
        Value::Set(_) => "a set",
        Value::FrozenSet(_) => "a frozenset",
        Value::Global(_) => "a class or function",
        Value::Object(_) | Value::Raw(_) | Value::Opaque(_) => {
            "an instance of a class, which JSON cannot say"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn why(recorded: &Json, written: &Json) -> String {
        fits(&from_json(recorded), written).err().unwrap_or_default()
    }

    #[test]
    fn the_type_and_the_keys_stay() {
        assert_eq!(why(&json!({"a": 1}), &json!({"a": 2, "b": 3})), "");
        assert_eq!(why(&json!("text"), &json!(5)), "it was a str, what you wrote is an int");
        assert_eq!(why(&json!([1]), &json!({"a": 1})), "it was a list, what you wrote is a dict");
        assert_eq!(
            why(&json!({"answer": 1}), &json!({"anser": 1})),
            "'answer' is missing; the recorded value has it"
        );
        assert_eq!(why(&json!({"$tuple": [1]}), &json!([1])), "it was a tuple, what you wrote is a list");
    }

    #[test]
    fn places_below_are_named() {
        let recorded = json!({"a": {"b": [{"c": "x"}]}});
        let written = json!({"a": {"b": [{"c": "y"}, {"c": 1}]}});
        assert_eq!(why(&recorded, &written), "a.b[1].c was a str, what you wrote is an int");
        assert_eq!(why(&recorded, &json!({"a": {"b": []}})), "");
    }

    #[test]
    fn plain_hints_are_kept() {
        let why = |hint: &str, written: Json| fits_hint(hint, &written).err().unwrap_or_default();
        assert_eq!(why("str", json!("x")), "");
        assert_eq!(why("int", json!("x")), "its hint is int, what you wrote is a str");
        assert_eq!(why("list[str]", json!({})), "its hint is list[str], what you wrote is a dict");
        assert_eq!(why("float", json!(1)), "");
        for anything in ["int | None", "Optional[int]", "Report", ""] {
            assert_eq!(why(anything, json!("x")), "");
        }
    }

    #[test]
    fn what_may_be_absent_may_be_anything() {
        assert_eq!(why(&json!(null), &json!({"a": 1})), "");
        assert_eq!(why(&json!({"tools": null, "n": 1}), &json!({"tools": [1], "n": 1.5})), "");
        assert_eq!(why(&json!({"tools": [1]}), &json!({"tools": null})), "");
        assert_eq!(why(&json!([1, "a"]), &json!([null, {}])), "", "a list of anything");
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            "[a-z]{0,4}".prop_map(Json::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::vec(("[a-z]{1,3}", inner), 0..4)
                    .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_fits_itself(json in any_json()) {
            prop_assert_eq!(why(&json, &json), "");
        }
    }
}
