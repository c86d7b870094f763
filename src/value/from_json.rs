//! JSON into values: the inverse of [`super::view::to_json`] for plain data and the simple tags.
//!
//! An object with exactly the keys of a known tag and a well-formed content is that value; any other object is
//! a dict. What a view cut (its tags say so) is not taken for the whole.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;

use super::pickle::MAX_DEPTH;
use super::tree::Value;
use super::view::encoding;

/// The value that a JSON text means. Total; nesting beyond the limit becomes `None`.
pub fn from_json(json: &Json) -> Value {
    convert(json, 0, true)
}

/// JSON as it is: no object is taken for a tag. [`to_plain_json`] goes back.
pub fn from_plain_json(json: &Json) -> Value {
    convert(json, 0, false)
}

/// The JSON that a value was made from by [`from_plain_json`]; `None` when it was made otherwise.
pub fn to_plain_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::None => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::from(*number),
        Value::BigInt(bytes) => {
            let mut wide = [0; 16];
            wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
            Json::from(u64::try_from(u128::from_le_bytes(wide)).ok()?)
        }
        Value::Float(number) => Json::from(serde_json::Number::from_f64(*number)?),
        Value::Str(text) => Json::String(text.as_str()?.to_owned()),
        Value::List(items) => Json::Array(items.iter().map(to_plain_json).collect::<Option<_>>()?),
        Value::Dict(pairs) => {
            let entry =
                |(key, value): &(Value, Value)| Some((key.as_str()?.to_owned(), to_plain_json(value)?));
            Json::Object(pairs.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn convert(json: &Json, depth: usize, tags: bool) -> Value {
    if depth >= MAX_DEPTH {
        return Value::None;
    }
    match json {
        Json::Null => Value::None,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => {
                let mut bytes = [0; 9];
                bytes[..8].copy_from_slice(&number.to_le_bytes());
                Value::int_from_le(&bytes)
            }
            _ => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::str(text),
        Json::Array(items) => {
            Value::List(Arc::new(items.iter().map(|item| convert(item, depth + 1, tags)).collect()))
        }
        Json::Object(map) => {
            if tags && let Some(value) = tagged(map, depth) {
                return value;
            }
            let entry = |(key, value): (&String, &Json)| (Value::str(key), convert(value, depth + 1, tags));
            Value::dict(map.iter().map(entry).collect())
        }
    }
}

fn all(items: &[Json], depth: usize) -> Arc<Vec<Value>> {
    Arc::new(items.iter().map(|item| convert(item, depth + 1, true)).collect())
}

fn tagged(map: &serde_json::Map<String, Json>, depth: usize) -> Option<Value> {
    let (tag, content) = map.iter().next()?;
    if !tag.starts_with('$') {
        return None;
    }
    let sized = map.len() == 2 && matches!(tag.as_str(), "$bytes" | "$bytearray");
    if map.len() != 1 && !sized {
        return None;
    }
    Some(match (tag.as_str(), content) {
        ("$tuple", Json::Array(items)) => Value::Tuple(all(items, depth)),
        ("$set", Json::Array(items)) => Value::Set(all(items, depth)),
        ("$frozenset", Json::Array(items)) => Value::FrozenSet(all(items, depth)),
        ("$dict", Json::Array(pairs)) => {
            let pair = |pair: &Json| match pair.as_array()?.as_slice() {
                [key, value] => Some((convert(key, depth + 1, true), convert(value, depth + 1, true))),
                _ => None,
            };
            Value::dict(pairs.iter().map(pair).collect::<Option<_>>()?)
        }
        ("$bytes" | "$bytearray", Json::String(text)) => {
            let bytes = encoding::from_base64(text)?;
            if sized && map.get("size")?.as_u64()? != bytes.len() as u64 {
                return None;
            }
            if tag == "$bytes" {
                Value::Bytes(Bytes::from(bytes))
            } else {
                Value::ByteArray(Bytes::from(bytes))
            }
        }
        ("$int", Json::String(text)) => Value::int_from_le(&encoding::from_decimal(text)?),
        ("$float", Json::String(text)) => match text.as_str() {
            "nan" => Value::Float(f64::NAN),
            "inf" => Value::Float(f64::INFINITY),
            "-inf" => Value::Float(f64::NEG_INFINITY),
            _ => return None,
        },
        ("$complex", Json::Array(parts)) if parts.len() == 2 => {
            let parts = parts.iter().map(|part| part.as_f64().map(Value::Float)).collect::<Option<_>>()?;
            Value::reduce(Value::global("builtins", "complex"), parts)
        }
        ("$decimal", Json::String(text)) => {
            Value::reduce(Value::global("decimal", "Decimal"), vec![Value::str(text)])
        }
        ("$global", Json::String(text)) => {
            let (module, name) = text.split_once(':').or_else(|| text.rsplit_once('.'))?;
            Value::global(module, name)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::view::{ViewLimits, to_json};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn tags_are_read() {
        assert_eq!(
            from_json(&json!({"$tuple": [1, "a"]})),
            Value::tuple(vec![Value::Int(1), Value::str("a")])
        );
        assert_eq!(
            from_json(&json!({"$bytes": "AAE=", "size": 2})),
            Value::Bytes(Bytes::from_static(&[0, 1]))
        );
        // Cut in the view: not the whole, so it stays what it is.
        assert!(matches!(from_json(&json!({"$bytes": "AAE=", "size": 9})), Value::Dict(_)));
        assert_eq!(
            from_json(&json!({"$int": "-18446744073709551616"})),
            Value::int_from_le(&[0, 0, 0, 0, 0, 0, 0, 0, 0xff])
        );
        assert_eq!(from_json(&json!(1.0)), Value::Float(1.0));
    }

    fn plain() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            (-1e9..1e9).prop_map(|number: f64| Json::from(number)),
            any::<String>().prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                prop::collection::vec(("[a-z]{0,6}", inner), 0..6)
                    .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn plain_json_round_trips(json in plain()) {
            let value = from_json(&json);
            let view = to_json(&value, &ViewLimits::full());
            prop_assert_eq!(view.cut, None);
            // Large integers get a tag, so compare as values.
            prop_assert_eq!(from_json(&view.json), value);
        }
    }
}
