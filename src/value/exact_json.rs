//! JSON texts whose integers are beyond 64 bits: Python writes and means them, most readers round them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::from_plain_json;
use super::pickle::MAX_DEPTH;
use super::tree::Value;
use super::view::encoding;
use crate::base::json::beyond_64_bits;

/// Reads a JSON text as it is: no object is taken for a tag, integers of any size stay exact.
pub fn read_plain_json(text: &str) -> Result<Value, serde_json::Error> {
    match beyond_64_bits(text) {
        None => Ok(from_plain_json(&serde_json::from_str(text)?)),
        Some(_) => exact(serde_json::from_str(text)?, 0),
    }
}

/// Reads level by level: slower, but only texts with such integers pay for it.
fn exact(raw: &RawValue, depth: usize) -> Result<Value, serde_json::Error> {
    let text = raw.get();
    if depth >= MAX_DEPTH {
        return Ok(Value::None);
    }
    Ok(match text.as_bytes().first() {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Value::list(items.into_iter().map(|item| exact(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Some(b'{') => {
            let Pairs(pairs) = serde_json::from_str(text)?;
            let pair = |(key, value): (String, &RawValue)| Ok((Value::str(&key), exact(value, depth + 1)?));
            Value::dict(pairs.into_iter().map(pair).collect::<Result<_, serde_json::Error>>()?)
        }
        _ => match beyond_64_bits(text).and_then(encoding::from_decimal) {
            Some(bytes) => Value::int_from_le(&bytes),
            None => from_plain_json(&serde_json::from_str(text)?),
        },
    })
}

/// The entries of an object in their order.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs: Vec<(String, &RawValue)> = Vec::new();
                // Python writes no key twice.
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_stay_exact() {
        let wide = Value::int_from_le(&[0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let read = |text: &str| read_plain_json(text).unwrap();
        assert_eq!(read("18446744073709551616"), wide);
        assert_eq!(read("-18446744073709551616"), Value::int_from_le(&[0, 0, 0, 0, 0, 0, 0, 0, 0xff]));
        let nested = read("{\"b\": [1.5, 18446744073709551616, \"x\"], \"a\": {}, \"b2\": null}");
        let expected = Value::dict(vec![
            (Value::str("b"), Value::list(vec![Value::Float(1.5), wide, Value::str("x")])),
            (Value::str("a"), Value::dict(vec![])),
            (Value::str("b2"), Value::None),
        ]);
        assert_eq!(nested, expected);
        assert!(read_plain_json("[18446744073709551616").is_err());
    }
}
