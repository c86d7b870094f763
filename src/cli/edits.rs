//! Recorded values as texts that are edited.

use serde_json::Value as Json;

use crate::find::StoreNodes;
use crate::model::ValueRef;
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
