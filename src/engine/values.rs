//! Between the workers' pickles and the records: the only place of the engine that knows the value floor.

use bytes::Bytes;

use super::recorder::Piece;
use crate::base::digest::Digest;
use crate::model::ValueRef;
pub use crate::value::usage::TokenUsage;
pub use crate::value::usage::prices::{Listed, Price, Prices, Whose};
use crate::value::{self, NodeSink, Packed, Value, pickle};

/// A result, packed.
#[derive(Debug)]
pub struct Output {
    /// How it is referred to.
    pub value: ValueRef,
    /// What to store.
    pub pieces: Vec<Piece>,
    /// The responses of models that are in it.
    pub usage: Vec<TokenUsage>,
}

/// A value, packed: how it is referred to, its digest for keys, what to store.
pub type Arguments = (ValueRef, Digest, Vec<Piece>);

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl NodeSink for Pieces {
    fn put(&mut self, digest: Digest, data: Bytes, _children: Vec<Digest>) {
        self.0.push(Piece { digest, data });
    }
}

fn value_ref(packed: Packed) -> ValueRef {
    ValueRef { digest: packed.digest, size: packed.size, preview: packed.preview, inline: packed.inline }
}

fn arguments(packed: Packed, pieces: Pieces) -> Arguments {
    let canonical = packed.canonical;
    (value_ref(packed), canonical, pieces.0)
}

/// The application's input.
pub fn json_args(input: &serde_json::Value) -> (ValueRef, Vec<Piece>) {
    let mut pieces = Pieces::default();
    let mut packed = value::pack_json(input, &mut pieces);
    packed.preview = value::view::preview_arguments(&value::from_plain_json(input), 120);
    (value_ref(packed), pieces.0)
}

/// A value that a user gave as JSON, with tags for what JSON cannot say.
pub fn json_value(json: &serde_json::Value) -> (ValueRef, Vec<Piece>) {
    let mut pieces = Pieces::default();
    let packed = value::pack_tagged_json(json, &mut pieces);
    (value_ref(packed), pieces.0)
}

/// A document of ours, all of it as pieces: the digest of its root.
pub fn pack_document(json: &serde_json::Value) -> (Digest, Vec<Piece>) {
    let mut pieces = Pieces::default();
    let packed = value::pack_json(json, &mut pieces);
    // Nothing that refers to it has room for a small root.
    if let Some(root) = packed.inline {
        pieces.0.push(Piece { digest: packed.digest, data: root.into() });
    }
    (packed.digest, pieces.0)
}

/// Says why a value that a user gave cannot stand for a recorded one.
pub fn fits(recorded: &Bytes, json: &serde_json::Value) -> Result<(), String> {
    value::fits(&pickle::read_lossy(recorded), json)
}

/// A call's arguments that a user gave as JSON by parameter name: their pickle, and what they are recorded as.
pub fn json_arguments(json: &serde_json::Value) -> Result<(Bytes, Arguments), String> {
    let serde_json::Value::Object(map) = json else {
        return Err("arguments are a JSON object by parameter name".to_owned());
    };
    let pairs = map.iter().map(|(name, value)| (Value::Str(name.as_str().into()), value::from_json(value)));
    let pickled = pickle::to_pickle(&Value::dict(pairs.collect())).map_err(|error| error.to_string())?;
    let packed = pack_args(&pickled, &[])?;
    Ok((pickled, packed))
}

/// A call's arguments: a pickled dict, and the values of futures.
pub fn pack_args(base: &Bytes, values: &[(String, Bytes)]) -> Result<Arguments, String> {
    let mut pieces = Pieces::default();
    let packed = if values.is_empty() {
        value::pack_arguments(base, &mut pieces)
    } else {
        value::pack_dict(base, values, &mut pieces).map_err(|error| error.to_string())?
    };
    Ok(arguments(packed, pieces))
}

/// The arguments of a map's item: one bare value for one parameter.
pub fn pack_item(param: &str, item: &Bytes) -> Result<Arguments, String> {
    let mut pieces = Pieces::default();
    let packed = value::pack_item(param, item, &mut pieces);
    Ok(arguments(packed, pieces))
}

/// Any value.
pub fn pack(pickle: &Bytes) -> Result<Arguments, String> {
    let mut pieces = Pieces::default();
    let packed = value::pack(pickle, &mut pieces);
    Ok(arguments(packed, pieces))
}

/// A result.
pub fn pack_output(pickle: &Bytes) -> Result<Output, String> {
    let mut pieces = Pieces::default();
    let (packed, seen) = value::pack_keep(pickle, &mut pieces);
    Ok(Output { value: value_ref(packed), pieces: pieces.0, usage: value::usage::find(&seen) })
}

/// An application's result, which is JSON.
pub fn pack_json_text(text: &Bytes) -> Result<Output, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("the output is not JSON: {error}");
    let text = std::str::from_utf8(text).map_err(|error| wrong(&error))?;
    let value = value::read_plain_json(text).map_err(|error| wrong(&error))?;
    let usage = value::usage::find(&value);
    let mut pieces = Pieces::default();
    let packed = value::pack_value(value, &mut pieces);
    Ok(Output { value: value_ref(packed), pieces: pieces.0, usage })
}

/// The pickle of `{}`.
pub fn empty_dict() -> Bytes {
    Bytes::from_static(b"\x80\x05}.")
}

/// One pickle of a list of values that were pickled one by one.
pub fn join_list(items: &[Bytes]) -> Result<Bytes, String> {
    let values = items
        .iter()
        .map(|item| match pickle::read(item) {
            Ok(read) if !read.shared => read.value,
            _ => Value::Raw(item.clone()),
        })
        .collect();
    pickle::to_pickle(&Value::list(values)).map_err(|error| error.to_string())
}

/// The items of a pickled list, each as a pickle. Fails with the name of the type when it is no list.
pub fn split_list(whole: &Bytes) -> Result<Vec<Bytes>, String> {
    let value = pickle::read_lossy(whole);
    match &value {
        Value::List(items) => {
            items.iter().map(|item| pickle::to_pickle(item).map_err(|error| error.to_string())).collect()
        }
        other => Err(type_name(other).to_owned()),
    }
}

fn type_name(value: &Value) -> &str {
    match value {
        Value::None => "<class 'NoneType'>",
        Value::Bool(_) => "<class 'bool'>",
        Value::Int(_) | Value::BigInt(_) => "<class 'int'>",
        Value::Float(_) => "<class 'float'>",
        Value::Str(_) => "<class 'str'>",
        Value::Bytes(_) => "<class 'bytes'>",
        Value::Tuple(_) => "<class 'tuple'>",
        Value::Dict(_) => "<class 'dict'>",
        Value::Set(_) => "<class 'set'>",
        _ => "another type",
    }
}
