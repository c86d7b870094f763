//! Between the workers' pickles and the records: the only place of the engine that knows the value floor.

use std::sync::Arc;

use bytes::Bytes;

use super::recorder::Piece;
use super::secrets::Secrets;
use crate::base::digest::Digest;
use crate::base::secrets::Redactor;
use crate::model::{Usage, ValueRef, Withheld};
use crate::proto::message::Param;
pub use crate::value::usage::TokenUsage;
pub use crate::value::usage::prices::{Listed, Price, Prices, Whose};
use crate::value::{self, NodeSink, Packed, Value, pickle};

/// What a response says, as runs record it; nothing is said of its price.
pub fn used(response: TokenUsage) -> Usage {
    Usage {
        input: response.input,
        output: response.output,
        cached_input: response.cached_input,
        cache_written: response.cache_written,
        reasoning: response.reasoning,
        model: response.model,
        cost_usd: None,
        responses: vec![response.response],
    }
}

/// A value, ready to be recorded.
#[derive(Debug)]
pub struct Ready {
    /// How it is referred to.
    pub value: ValueRef,
    /// Its digest for keys.
    pub canonical: Digest,
    /// What to store.
    pub pieces: Vec<Piece>,
    /// What it was made from, when that is not what is recorded.
    pub original: Option<Bytes>,
}

/// Makes values ready to be recorded: with markers in place of secrets.
#[derive(Clone, Debug)]
pub struct Packer {
    redactor: Arc<Redactor>,
    keep: bool,
}

struct Pieces<'r>(Vec<Piece>, &'r Redactor);

impl NodeSink for Pieces<'_> {
    fn redactor(&self) -> &Redactor {
        self.1
    }

    fn put(&mut self, digest: Digest, data: Bytes, _children: Vec<Digest>) {
        self.0.push(Piece { digest, data });
    }
}

/// A root that is small enough to stand in what refers to it, as a piece: for those to which nothing has room for it.
fn small_root(packed: Packed) -> Option<Piece> {
    packed.inline.map(|root| Piece { digest: packed.digest, data: root.into() })
}

impl Packer {
    /// For the secrets of a project.
    pub fn new(secrets: &Secrets) -> Self {
        Packer { redactor: secrets.redactor(), keep: secrets.keeps() }
    }

    /// What finds secrets.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Looks for these values, too.
    pub fn learn(&mut self, more: Vec<(String, Vec<u8>)>) {
        if let Some(redactor) = self.redactor.with(more) {
            self.redactor = Arc::new(redactor);
        }
    }

    fn pieces(&self) -> Pieces<'_> {
        Pieces(Vec::new(), &self.redactor)
    }

    /// `whole` is the pickle that it was made from; `reused`: somebody may have to be given it again.
    fn ready(
        &self,
        packed: Packed,
        pieces: Pieces<'_>,
        reused: bool,
        whole: impl FnOnce() -> Bytes,
    ) -> Ready {
        let Packed { digest, canonical, size, preview, inline, secrets } = packed;
        let mut pieces = pieces.0;
        let mut ready = Ready {
            value: ValueRef { digest, size, preview, inline, withheld: None },
            canonical,
            pieces: Vec::new(),
            original: None,
        };
        if !secrets.is_empty() {
            let mut withheld = Withheld { names: secrets, kept: None };
            if reused {
                let whole = whole();
                if self.keep {
                    let mut apart = Pieces(Vec::new(), Redactor::off());
                    let packed = value::pack(&whole, &mut apart);
                    pieces.append(&mut apart.0);
                    withheld.kept = Some(packed.digest);
                    pieces.extend(small_root(packed));
                }
                ready.original = Some(whole);
            }
            ready.value.withheld = Some(Box::new(withheld));
        }
        ready.pieces = pieces;
        ready
    }

    /// The application's input.
    pub fn json_args(&self, input: &serde_json::Value) -> Ready {
        let mut pieces = self.pieces();
        let plain = value::from_plain_json(input);
        let mut packed = value::pack_value(plain.clone(), &mut pieces);
        if packed.secrets.is_empty() {
            packed.preview = value::view::preview_arguments(&plain, 120);
        }
        self.ready(packed, pieces, true, || pickle::to_pickle(&plain).unwrap_or_default())
    }

    /// A value that a user gave as JSON, with tags for what JSON cannot say.
    pub fn json_value(&self, json: &serde_json::Value) -> Ready {
        let mut pieces = self.pieces();
        let packed = value::pack_tagged_json(json, &mut pieces);
        self.ready(packed, pieces, true, || pickle::to_pickle(&value::from_json(json)).unwrap_or_default())
    }

    /// A document of ours, all of it as pieces: the digest of its root.
    pub fn document(&self, json: &serde_json::Value) -> (Digest, Vec<Piece>) {
        let mut pieces = self.pieces();
        let packed = value::pack_json(json, &mut pieces);
        let digest = packed.digest;
        pieces.0.extend(small_root(packed));
        (digest, pieces.0)
    }

    /// A call's arguments that a user gave as JSON by parameter name: their pickle, and what they are recorded as.
    pub fn json_arguments(&self, json: &serde_json::Value) -> Result<(Bytes, Ready), String> {
        let serde_json::Value::Object(map) = json else {
            return Err("arguments are a JSON object by parameter name".to_owned());
        };
        let pairs =
            map.iter().map(|(name, value)| (Value::Str(name.as_str().into()), value::from_json(value)));
        let pickled = pickle::to_pickle(&Value::dict(pairs.collect())).map_err(|error| error.to_string())?;
        let packed = self.args(&pickled, &[])?;
        Ok((pickled, packed))
    }

    /// A call's arguments: a pickled dict, and the values of futures.
    pub fn args(&self, base: &Bytes, values: &[(String, Bytes)]) -> Result<Ready, String> {
        let mut pieces = self.pieces();
        let packed = if values.is_empty() {
            value::pack_arguments(base, &mut pieces)
        } else {
            value::pack_dict(base, values, &mut pieces).map_err(|error| error.to_string())?
        };
        // Only who executes the call again by itself needs its arguments.
        Ok(self.ready(packed, pieces, self.keep && values.is_empty(), || base.clone()))
    }

    /// The arguments of a map's item: one bare value for one parameter.
    pub fn item(&self, param: &str, item: &Bytes) -> Ready {
        let mut pieces = self.pieces();
        let packed = value::pack_item(param, item, &mut pieces);
        let whole = || {
            let dict = Value::dict(vec![(Value::str(param), Value::Raw(item.clone()))]);
            pickle::to_pickle(&dict).unwrap_or_default()
        };
        self.ready(packed, pieces, self.keep, whole)
    }

    /// Any value.
    pub fn any(&self, pickle: &Bytes) -> Ready {
        let mut pieces = self.pieces();
        let packed = value::pack(pickle, &mut pieces);
        self.ready(packed, pieces, true, || pickle.clone())
    }

    /// A result, and the responses of models that are in it.
    pub fn output(&self, pickle: &Bytes) -> (Ready, Vec<TokenUsage>) {
        let mut pieces = self.pieces();
        let (packed, seen) = value::pack_keep(pickle, &mut pieces);
        (self.ready(packed, pieces, true, || pickle.clone()), value::usage::find(&seen))
    }

    /// An application's result, which is JSON.
    pub fn json_text(&self, text: &Bytes) -> Result<(Ready, Vec<TokenUsage>), String> {
        let wrong = |error: &dyn std::fmt::Display| format!("the output is not JSON: {error}");
        let text = std::str::from_utf8(text).map_err(|error| wrong(&error))?;
        let value = value::read_plain_json(text).map_err(|error| wrong(&error))?;
        let usage = value::usage::find(&value);
        let mut pieces = self.pieces();
        let packed = value::pack_value(value.clone(), &mut pieces);
        Ok((self.ready(packed, pieces, true, || pickle::to_pickle(&value).unwrap_or_default()), usage))
    }
}

/// Says why a value that a user gave cannot be taken: it holds markers of secrets, not the secrets.
pub fn unmarked(json: &serde_json::Value) -> Result<(), String> {
    value::secrets::unmarked(json)
}

/// Says why a value that a user gave cannot stand for a recorded one.
pub fn fits(recorded: &Bytes, json: &serde_json::Value) -> Result<(), String> {
    value::fits(&pickle::read_lossy(recorded), json)
}

/// The same of a value that came as a pickle.
pub fn fits_pickled(recorded: &Bytes, given: &Bytes) -> Result<(), String> {
    value::fits_value(&pickle::read_lossy(recorded), &pickle::read_lossy(given))
}

/// Says why these cannot be the arguments of a function: names that are no parameters of it, or some are missing.
pub fn parameters_fit(params: &[Param], json: &serde_json::Value) -> Result<(), String> {
    let serde_json::Value::Object(given) = json else {
        return Err("arguments are a JSON object by parameter name".to_owned());
    };
    let open = params.iter().any(|param| param.kind == "var_keyword");
    let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
    if let Some(name) = given.keys().find(|name| !open && !names.contains(&name.as_str())) {
        let near = super::suggest::nearest(name, names.iter().copied());
        return Err(format!("there is no parameter '{name}'{near}; it has {}", names.join(", ")));
    }
    let needed = |param: &&Param| !param.has_default && !param.kind.starts_with("var_");
    match params.iter().filter(needed).find(|param| !given.contains_key(&param.name)) {
        Some(param) => Err(format!("the parameter '{}' is missing", param.name)),
        None => Ok(()),
    }
}

/// Says why arguments have other types than the recorded ones; what is not recorded, or None, must have that of its
/// hint, where the hint is a plain one.
pub fn arguments_fit(
    recorded: Option<&Bytes>,
    params: &[Param],
    json: &serde_json::Value,
) -> Result<(), String> {
    let was = recorded.map_or(Value::None, pickle::read_lossy);
    let serde_json::Value::Object(given) = json else { return Ok(()) };
    for (name, now) in given {
        match was.get(name) {
            Some(was) if !matches!(was, Value::None) => {
                value::fits(was, now).map_err(|why| format!("{name}: {why}"))?;
            }
            _ => {
                let hint =
                    params.iter().find(|param| param.name == *name).and_then(|param| param.hint.as_deref());
                value::fits_hint(hint.unwrap_or_default(), now).map_err(|why| format!("{name}: {why}"))?;
            }
        }
    }
    Ok(())
}

/// The JSON that a pickled value of JSON is.
pub fn json_of_pickle(pickle: &Bytes) -> Option<serde_json::Value> {
    value::to_plain_json(&pickle::read_lossy(pickle))
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
