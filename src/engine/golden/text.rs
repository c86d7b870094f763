//! Values as a golden's text: JSON when that says all of them, texts of several lines as lists of lines, else a pickle
//! beside its JSON.

use serde_json::{Value as Json, json};

use crate::base::secrets::without_tags;
use crate::engine::secrets::Secrets;
use crate::engine::values::Packer;
use crate::find::StoreNodes;
use crate::model::ValueRef;
use crate::store::Store;
use crate::value::{self, view};

/// A pickle in base64.
pub(super) const PICKLE: &str = "$pickle";
/// A text in lines.
const LINES: &str = "$lines";

/// A value as it is written: JSON when that is all of it, else its pickle.
pub(super) fn written(store: &Store, value: &ValueRef) -> Result<Json, String> {
    let why = |error: value::UnpackError| format!("a recorded value cannot be read: {error}");
    let nodes = StoreNodes(store);
    let tree = value::load_value(&value.digest, value.inline.as_deref(), &nodes).map_err(why)?;
    let shown = tagless(&view::to_json(&tree, &view::ViewLimits::full()).json);
    let lined = lined(&shown);
    let packer = Packer::new(&Secrets::default());
    // Tags of markers are this machine's; without them the value is compared with what was recorded without.
    let whole = value.withheld.is_some()
        || packer.json_value(&unlined(&lined)).canonical == packer.any(&pickled(store, value)?).canonical;
    if whole {
        return Ok(lined);
    }
    let bytes = value::Value::Bytes(pickled(store, value)?);
    let coded = view::to_json(&bytes, &view::ViewLimits::full()).json;
    Ok(json!({PICKLE: coded.get("$bytes"), "shows": lined}))
}

fn pickled(store: &Store, value: &ValueRef) -> Result<bytes::Bytes, String> {
    value::unpack(&value.digest, value.inline.as_deref(), &StoreNodes(store))
        .map_err(|error| format!("a recorded value cannot be read: {error}"))
}

/// A list's items and an object's members through `of`; anything else as it is.
fn inside(json: &Json, of: fn(&Json) -> Json) -> Json {
    match json {
        Json::Array(items) => Json::Array(items.iter().map(of).collect()),
        Json::Object(map) => Json::Object(map.iter().map(|(key, item)| (key.clone(), of(item))).collect()),
        other => other.clone(),
    }
}

/// Without what only this machine's markers have.
pub(super) fn tagless(json: &Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(
            map.iter().map(|(key, item)| (without_tags(key).into_owned(), tagless(item))).collect(),
        ),
        Json::String(text) => Json::String(without_tags(text).into_owned()),
        other => inside(other, tagless),
    }
}

/// Strings of several lines as lists of lines, so that a change of one is a change of one.
fn lined(json: &Json) -> Json {
    match json {
        Json::String(text) if text.contains('\n') => {
            json!({LINES: text.split('\n').collect::<Vec<_>>()})
        }
        other => inside(other, lined),
    }
}

/// The texts of such lists again.
pub(super) fn unlined(json: &Json) -> Json {
    if let Some(lines) =
        json.as_object().filter(|map| map.len() == 1).and_then(|map| map.get(LINES)?.as_array())
    {
        let lines: Vec<&str> = lines.iter().filter_map(Json::as_str).collect();
        return Json::String(lines.join("\n"));
    }
    inside(json, unlined)
}
