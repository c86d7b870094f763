//! The store as the value floor and the filters see it.

use std::cell::RefCell;

use crate::base::digest::Digest;
use crate::model::ValueRef;
use crate::model::filter::Values;
use crate::store::{self, Store};
use crate::value::{self, NodeError, NodeSource, StoredNode, UnpackError, Value};

/// Stored values, verified by the store.
pub struct StoreNodes<'a>(pub &'a Store);

impl NodeSource for StoreNodes<'_> {
    fn get(&self, digest: &Digest) -> Result<StoredNode, NodeError> {
        match self.0.node(digest) {
            Ok(data) => Ok(StoredNode { data, verified: true }),
            Err(store::NodeError::Missing { .. }) => Err(NodeError::Missing),
            Err(_) => Err(NodeError::Damaged),
        }
    }
}

/// Whole values for filters. Reads the store, so it belongs on a thread that may block.
pub struct StoreValues<'a> {
    store: &'a Store,
    failed: RefCell<Vec<UnpackError>>,
}

impl<'a> StoreValues<'a> {
    /// The values of a store.
    pub fn new(store: &'a Store) -> Self {
        StoreValues { store, failed: RefCell::default() }
    }

    /// Why values could not be read; a filter took them for values without texts.
    pub fn failed(self) -> Vec<UnpackError> {
        self.failed.into_inner()
    }

    fn load(&self, value: &ValueRef) -> Result<Value, UnpackError> {
        value::load_value(&value.digest, value.inline.as_deref(), &StoreNodes(self.store))
    }
}

impl Values for StoreValues<'_> {
    fn any_text(&self, value: &ValueRef, holds: &mut dyn FnMut(&str) -> bool) -> bool {
        match self.load(value) {
            Ok(tree) => value::view::any_text(&tree, holds),
            Err(error) => {
                self.failed.borrow_mut().push(error);
                false
            }
        }
    }
}
