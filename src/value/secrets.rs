//! Values with markers in place of secrets.
//!
//! Every string, every bytes object, every key of a dict is looked at, wherever it stands. What has a secret's name
//! (`Authorization`, `x-api-key` …) is one whatever it looks like. A pickle that is kept as bytes is taken apart; what
//! cannot be is left out whole.

use std::sync::Arc;

use bytes::Bytes;

use super::pickle;
use super::tree::{Make, Object, Text, Value};
use crate::base::secrets::{Redactor, is_secret_name, marker_in};

/// What a secret is called that is one because of its name.
const NAMED: &str = "header";
/// Shorter values of secret names are none: `Authorization: none`.
const SHORTEST: usize = 8;

/// A value without secrets, and their names; `None` when it has none.
pub fn redact(value: &Value, redactor: &Redactor) -> Option<(Value, Vec<String>)> {
    let mut cleaner = Cleaner { redactor, names: Vec::new() };
    let clean = cleaner.value(value)?;
    Some((clean, cleaner.names))
}

/// Says why a value that somebody wrote cannot be taken: it holds the marker of a secret, as recorded values show them. A
/// body would get that text for the secret.
pub fn unmarked(json: &serde_json::Value) -> Result<(), String> {
    use serde_json::Value as Json;
    let told = |text: &str| match marker_in(text) {
        Some(marker) => Err(format!(
            "it holds {marker}, which stands for a secret that is not recorded: write the secret itself in its place \
             (it is taken out again before anything is written)"
        )),
        None => Ok(()),
    };
    match json {
        Json::String(text) => told(text),
        Json::Array(items) => items.iter().try_for_each(unmarked),
        Json::Object(map) => map.iter().try_for_each(|(key, item)| told(key).and_then(|()| unmarked(item))),
        _ => Ok(()),
    }
}

struct Cleaner<'r> {
    redactor: &'r Redactor,
    names: Vec<String>,
}

impl Cleaner<'_> {
    fn found(&mut self, names: Vec<String>) {
        for name in names {
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    fn bytes(&mut self, bytes: &Bytes) -> Option<Vec<u8>> {
        let (clean, names) = self.redactor.redact(bytes)?;
        self.found(names);
        Some(clean)
    }

    fn text(&mut self, text: &Text) -> Option<Value> {
        let clean = self.bytes(text.bytes())?;
        let text = Text::from_bytes(Bytes::from(clean))
            // A value that is no text of its own was cut out of the middle of a character.
            .unwrap_or_else(|| Text::from(String::from_utf8_lossy(text.bytes()).into_owned()));
        Some(Value::Str(text))
    }

    /// The clean value; `None` when it is clean already.
    fn value(&mut self, value: &Value) -> Option<Value> {
        match value {
            Value::Str(text) => self.text(text),
            Value::Bytes(bytes) => self.bytes(bytes).map(|clean| Value::Bytes(clean.into())),
            Value::ByteArray(bytes) => self.bytes(bytes).map(|clean| Value::ByteArray(clean.into())),
            Value::List(items) => self.items(items).map(Value::list),
            Value::Tuple(items) => {
                if let [name, held] = items.as_slice()
                    && let Some(clean) = self.named(name, held)
                {
                    return Some(Value::tuple(vec![name.clone(), clean]));
                }
                self.items(items).map(Value::tuple)
            }
            Value::Set(items) => self.items(items).map(|items| Value::Set(Arc::new(items))),
            Value::FrozenSet(items) => self.items(items).map(|items| Value::FrozenSet(Arc::new(items))),
            Value::Dict(pairs) => self.pairs(pairs).map(Value::dict),
            Value::Object(object) => self.object(object).map(|object| Value::Object(Arc::new(object))),
            Value::Raw(pickle) => self.raw(pickle),
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Float(_)
            | Value::Global(_)
            | Value::Opaque(_) => None,
        }
    }

    fn items(&mut self, items: &[Value]) -> Option<Vec<Value>> {
        let mut out: Option<Vec<Value>> = None;
        for (at, item) in items.iter().enumerate() {
            if let Some(clean) = self.value(item) {
                out.get_or_insert_with(|| items.to_vec())[at] = clean;
            }
        }
        out
    }

    fn pairs(&mut self, pairs: &[(Value, Value)]) -> Option<Vec<(Value, Value)>> {
        let mut out: Option<Vec<(Value, Value)>> = None;
        for (at, (key, value)) in pairs.iter().enumerate() {
            let clean = self.value(key);
            if let Some(clean) = clean {
                out.get_or_insert_with(|| pairs.to_vec())[at].0 = clean;
            }
            if let Some(clean) = self.named(key, value).or_else(|| self.value(value)) {
                out.get_or_insert_with(|| pairs.to_vec())[at].1 = clean;
            }
        }
        out
    }

    /// The value of an entry that is secret because of its name.
    fn named(&mut self, name: &Value, value: &Value) -> Option<Value> {
        let (Value::Str(_) | Value::Bytes(_), Value::Str(_) | Value::Bytes(_)) = (name, value) else {
            return None;
        };
        let (name, bytes) = (held(name)?, held(value)?);
        if !is_secret_name(name) || bytes.windows(8).any(|word| word == b"[secret ") {
            return None;
        }
        if let Some(clean) = self.value(value) {
            return Some(clean);
        }
        if bytes.len() < SHORTEST {
            return None;
        }
        let marker = self.redactor.marker(NAMED, bytes);
        self.found(vec![NAMED.to_owned()]);
        Some(match value {
            Value::Str(_) => Value::str(&marker),
            _ => Value::Bytes(marker.into_bytes().into()),
        })
    }

    fn object(&mut self, object: &Object) -> Option<Object> {
        let make = match &object.make {
            Make::Reduce { callable, args } => {
                let (new_callable, new_args) = (self.value(callable), self.value(args));
                (new_callable.is_some() || new_args.is_some()).then(|| Make::Reduce {
                    callable: new_callable.unwrap_or_else(|| callable.clone()),
                    args: new_args.unwrap_or_else(|| args.clone()),
                })
            }
            Make::New { cls, args, kwargs } => {
                let (new_args, new_kwargs) = (self.value(args), kwargs.as_ref().and_then(|k| self.value(k)));
                (new_args.is_some() || new_kwargs.is_some()).then(|| Make::New {
                    cls: cls.clone(),
                    args: new_args.unwrap_or_else(|| args.clone()),
                    kwargs: new_kwargs.or_else(|| kwargs.clone()),
                })
            }
        };
        let items = self.items(&object.items);
        let pairs = self.pairs(&object.pairs);
        let added = self.items(&object.added);
        let state = object.state.as_ref().and_then(|state| self.value(state));
        let changed =
            make.is_some() || items.is_some() || pairs.is_some() || added.is_some() || state.is_some();
        changed.then(|| Object {
            make: make.unwrap_or_else(|| object.make.clone()),
            items: items.unwrap_or_else(|| object.items.clone()),
            pairs: pairs.unwrap_or_else(|| object.pairs.clone()),
            added: added.unwrap_or_else(|| object.added.clone()),
            state: state.or_else(|| object.state.clone()),
        })
    }

    /// A value that is kept as the pickle that it was.
    fn raw(&mut self, pickle: &Bytes) -> Option<Value> {
        if !self.redactor.may_hold(pickle) {
            return None;
        }
        let readable = match pickle::read(pickle) {
            Ok(read) => read.value,
            Err(_) => pickle::read_lossy(pickle),
        };
        if let Some(clean) = self.value(&readable) {
            return Some(clean);
        }
        // Its texts hold none: only bytes that could not be read may.
        let (_, names) = self.redactor.redact(pickle)?;
        if !matches!(readable, Value::Opaque(_)) && pickle::read(pickle).is_ok() {
            return None;
        }
        let marker = self.redactor.marker(names.first().map_or("value", String::as_str), pickle);
        self.found(names);
        Some(Value::str(&marker))
    }
}

fn held(value: &Value) -> Option<&Bytes> {
    match value {
        Value::Str(text) => Some(text.bytes()),
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}
