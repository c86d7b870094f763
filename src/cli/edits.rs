//! Recorded values as texts that are edited.

use serde_json::Value as Json;

use crate::base::ids::CallNo;
use crate::find::StoreNodes;
use crate::model::{RunHistory, ValueRef};
use crate::store::Store;
use crate::value::view::ViewLimits;
use crate::value::{self, from_json, view};

/// A recorded value as JSON that means it; else why there is none.
pub fn editable(store: &Store, value: &ValueRef) -> Result<Json, String> {
    let tree = value::load_value(&value.digest, value.inline.as_deref(), &StoreNodes(store))
        .map_err(|error| format!("The value cannot be read: {error}"))?;
    let json = view::to_json(&tree, &ViewLimits::full()).json;
    if from_json(&json) == tree {
        Ok(json)
    } else {
        Err("The value holds instances of classes, which JSON cannot say.".to_owned())
    }
}

/// Says why a text cannot stand for what a call gave. A call without an output is compared with others of its function;
/// what cannot be read is compared with nothing.
pub fn fits(store: &Store, run: &RunHistory, no: CallNo, json: &Json) -> Result<(), String> {
    let Some(call) = run.call(no) else { return Ok(()) };
    let like = || run.calls.iter().find(|other| other.function == call.function && other.output.is_some());
    let Some(recorded) = call.output.as_ref().or_else(|| like()?.output.as_ref()) else { return Ok(()) };
    match value::load_value(&recorded.digest, recorded.inline.as_deref(), &StoreNodes(store)) {
        Ok(tree) => value::fits(&tree, json),
        Err(_) => Ok(()),
    }
}
