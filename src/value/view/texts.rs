//! The texts inside a value, for filters and for the index of full-text search.
//!
//! Strings, keys, numbers as they read, class names, what known classes mean (dates, paths), and bytes that are
//! text. Each is visited once, in the order in which it is shown.

use super::super::tree::{Make, Object, Value};
use super::{encoding, known, preview};

/// Whether one of the texts inside a value satisfies `holds`; stops at the first.
pub fn any_text(value: &Value, holds: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::None => holds("None"),
        Value::Bool(true) => holds("True"),
        Value::Bool(false) => holds("False"),
        Value::Int(number) => holds(&number.to_string()),
        Value::BigInt(bytes) => holds(&encoding::decimal(bytes)),
        Value::Float(number) => holds(&preview::float(*number)),
        Value::Str(text) => holds(&text.to_str()),
        Value::Bytes(bytes) | Value::ByteArray(bytes) => {
            // A zero byte is what tells data from text.
            !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok_and(holds)
        }
        Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
            any_item(items, holds)
        }
        Value::Dict(pairs) => any_pair(pairs, holds),
        Value::Global(_) => holds(&known::type_name(value)),
        Value::Object(object) => any_part(object, holds),
        Value::Raw(_) | Value::Opaque(_) => false,
    }
}

fn any_item(items: &[Value], holds: &mut dyn FnMut(&str) -> bool) -> bool {
    items.iter().any(|item| any_text(item, holds))
}

fn any_pair(pairs: &[(Value, Value)], holds: &mut dyn FnMut(&str) -> bool) -> bool {
    pairs.iter().any(|(key, value)| any_text(key, holds) || any_text(value, holds))
}

fn any_part(object: &Object, holds: &mut dyn FnMut(&str) -> bool) -> bool {
    if let Some((_, text)) = known::scalar(object) {
        return holds(&text);
    }
    let kwargs = match &object.make {
        Make::New { kwargs, .. } => kwargs.as_ref(),
        Make::Reduce { .. } => None,
    };
    holds(&known::type_name(object.make.callable()))
        || any_item(object.make.args(), holds)
        || kwargs.is_some_and(|kwargs| any_text(kwargs, holds))
        || any_item(&object.items, holds)
        || any_pair(&object.pairs, holds)
        || any_item(&object.added, holds)
        || object.state.as_ref().is_some_and(|state| any_text(state, holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_visited_in_order() {
        let value = Value::dict(vec![
            (Value::str("role"), Value::str("user")),
            (Value::Int(7), Value::list(vec![Value::Float(1.5), Value::Bool(true), Value::None])),
            (Value::str("raw"), Value::Bytes("Grüße".as_bytes().to_vec().into())),
            (Value::str("image"), Value::Bytes(vec![0x89, b'P', 0].into())),
            (
                Value::str("path"),
                Value::reduce(Value::global("pathlib", "PosixPath"), vec![Value::str("a"), Value::str("b")]),
            ),
            (Value::str("who"), Value::reduce(Value::global("app", "Person"), vec![Value::str("Ada")])),
        ]);
        let mut seen = Vec::new();
        let found = any_text(&value, &mut |text| {
            seen.push(text.to_owned());
            false
        });
        assert!(!found);
        assert_eq!(
            seen,
            [
                "role",
                "user",
                "7",
                "1.5",
                "True",
                "None",
                "raw",
                "Grüße",
                "image",
                "path",
                "a/b",
                "who",
                "app.Person",
                "Ada"
            ]
        );
        assert!(any_text(&value, &mut |text| text == "user"));
    }
}
