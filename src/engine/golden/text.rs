//! Values as a golden's text: JSON when that says all of them, texts of several lines as lists of lines, else a pickle
//! beside its JSON.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
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

/// A value as it is written.
pub(super) enum Written {
    /// JSON says all of it.
    Whole(Json),
    /// It does not.
    Pickled {
        /// In base64.
        pickle: Json,
        /// What JSON says.
        shows: Json,
    },
}

impl Written {
    /// As its text says it.
    pub(super) fn json(self) -> Json {
        match self {
            Written::Whole(json) => lined(&json),
            Written::Pickled { pickle, shows } => json!({PICKLE: pickle, "shows": lined(&shows)}),
        }
    }

    /// What is read from its text.
    pub(super) fn meant(self) -> Meant {
        match self {
            Written::Whole(json) if !has_lines(&json) => Meant::Whole(json),
            Written::Pickled { pickle: Json::String(pickle), .. } => Meant::Pickled(pickle),
            other => Meant::of(other.json()),
        }
    }
}

/// A value as its text means it.
#[derive(Debug, PartialEq)]
pub(super) enum Meant {
    /// JSON says all of it.
    Whole(Json),
    /// Its pickle does, in base64.
    Pickled(String),
}

impl Meant {
    /// Of what stands in a golden.
    pub(super) fn of(mut json: Json) -> Self {
        match json.get_mut(PICKLE).map(Json::take) {
            Some(Json::String(pickle)) => return Meant::Pickled(pickle),
            Some(other) => json[PICKLE] = other,
            None => {}
        }
        Meant::Whole(unlined(json))
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Written::Whole(json) => Lined(json).serialize(serializer),
            Written::Pickled { pickle, shows } => {
                serializer.collect_map([(PICKLE, Lined(pickle)), ("shows", Lined(shows))])
            }
        }
    }
}

/// A value as it is written. Of large ones no more copies are in memory at once than must be.
pub(super) fn written(store: &Store, value: &ValueRef) -> Result<Written, String> {
    let shown = {
        let tree = value::load_value(&value.digest, value.inline.as_deref(), &StoreNodes(store));
        let tree = tree.map_err(|error| format!("a recorded value cannot be read: {error}"))?;
        view::to_json(&tree, &view::ViewLimits::full()).json
    };
    let shown = tagless(shown);
    // Tags of markers are this machine's; without them the value is compared with what was recorded without.
    let whole = value.withheld.is_some()
        || !has_lines(&shown)
            && (value::digest_of_tagged_json(&shown) == value.digest || is_same(store, value, &shown)?);
    if whole {
        return Ok(Written::Whole(shown));
    }
    let bytes = value::Value::Bytes(pickled(store, value)?);
    let coded = view::to_json(&bytes, &view::ViewLimits::full()).json;
    Ok(Written::Pickled { pickle: coded.get("$bytes").cloned().unwrap_or_default(), shows: shown })
}

/// Whether JSON means a value that is not stored as what the JSON means: it may hold aliases.
fn is_same(store: &Store, value: &ValueRef, shown: &Json) -> Result<bool, String> {
    let packer = Packer::new(&Secrets::default());
    let read = packer.json_value(shown).canonical;
    Ok(read == packer.any(&pickled(store, value)?).canonical)
}

fn pickled(store: &Store, value: &ValueRef) -> Result<bytes::Bytes, String> {
    value::unpack(&value.digest, value.inline.as_deref(), &StoreNodes(store))
        .map_err(|error| format!("a recorded value cannot be read: {error}"))
}

/// Without what only this machine's markers have.
pub(super) fn tagless(json: Json) -> Json {
    let bare = |text: String| match without_tags(&text) {
        Cow::Owned(bare) => bare,
        Cow::Borrowed(_) => text,
    };
    match json {
        Json::Object(map) => {
            Json::Object(map.into_iter().map(|(key, item)| (bare(key), tagless(item))).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(tagless).collect()),
        Json::String(text) => Json::String(bare(text)),
        other => other,
    }
}

/// Strings of several lines as lists of lines, so that a change of one is a change of one.
fn lined(json: &Json) -> Json {
    match json {
        Json::String(text) if text.contains('\n') => {
            json!({LINES: text.split('\n').collect::<Vec<_>>()})
        }
        Json::Array(items) => items.iter().map(lined).collect(),
        Json::Object(map) => Json::Object(map.iter().map(|(key, item)| (key.clone(), lined(item))).collect()),
        other => other.clone(),
    }
}

/// Writes what [`lined`] makes.
struct Lined<'a>(&'a Json);

impl Serialize for Lined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::String(text) if text.contains('\n') => serializer.collect_map([(LINES, Lines(text))]),
            Json::Array(items) => serializer.collect_seq(items.iter().map(Lined)),
            Json::Object(map) => serializer.collect_map(map.iter().map(|(key, item)| (key, Lined(item)))),
            other => other.serialize(serializer),
        }
    }
}

struct Lines<'a>(&'a str);

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.split('\n'))
    }
}

/// The list that is read as one text.
fn lines_of(json: &Json) -> Option<&Vec<Json>> {
    json.as_object().filter(|map| map.len() == 1)?.get(LINES)?.as_array()
}

/// Whether something in it would be taken for lines.
fn has_lines(json: &Json) -> bool {
    let below = match json {
        Json::Array(items) => items.iter().any(has_lines),
        Json::Object(map) => map.values().any(has_lines),
        _ => false,
    };
    below || lines_of(json).is_some()
}

/// The texts of such lists again.
fn unlined(json: Json) -> Json {
    if let Some(lines) = lines_of(&json) {
        let lines: Vec<&str> = lines.iter().filter_map(Json::as_str).collect();
        return Json::String(lines.join("\n"));
    }
    match json {
        Json::Array(items) => items.into_iter().map(unlined).collect(),
        Json::Object(map) => Json::Object(map.into_iter().map(|(key, item)| (key, unlined(item))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<i32>().prop_map(Json::from),
            "[a\n\\$]{0,6}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            let key = prop_oneof![Just(LINES.to_owned()), "[ab]"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(key, inner, 0..3)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_piece_by_piece_is_what_is_compared_and_reads_back(json in json()) {
            let written = serde_json::to_string_pretty(&Lined(&json)).unwrap();
            prop_assert_eq!(&written, &serde_json::to_string_pretty(&lined(&json)).unwrap());
            let read = Meant::of(serde_json::from_str(&written).unwrap());
            prop_assert!(has_lines(&json) || read == Meant::Whole(json.clone()));
            prop_assert_eq!(read, Written::Whole(json).meant());
        }
    }
}
