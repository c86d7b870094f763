//! What explaining reads, from a store.

use std::sync::Arc;

use super::Records;
use crate::base::ids::RunId;
use crate::diff::stored::{Effort, compare_stored};
use crate::diff::value::{Differences, Options};
use crate::engine::closures;
use crate::find::StoreNodes;
use crate::model::{CodeKnown, Purpose, RunHistory, ValueRef};
use crate::source::Closure;
use crate::store::Store;
use crate::value::{self, Value};

/// Runs that are looked through for an earlier one of the same application.
const LOOKED_AT: usize = 200;

/// A store's records.
pub struct StoreRecords<'a>(pub &'a Store);

impl Records for StoreRecords<'_> {
    fn value(&self, value: &ValueRef) -> Result<Value, String> {
        value::load_value(&value.digest, value.inline.as_deref(), &StoreNodes(self.0))
            .map_err(|error| error.to_string())
    }

    fn differences(
        &self,
        old: &ValueRef,
        new: &ValueRef,
        options: &Options,
        effort: Effort,
    ) -> Result<Differences, String> {
        compare_stored(&StoreNodes(self.0), old, new, options, effort).map_err(|error| error.to_string())
    }

    fn closure(&self, known: &CodeKnown) -> Result<Option<Closure>, String> {
        closures::load(self.0, known)
    }

    fn run(&self, run: &RunId) -> Option<Arc<RunHistory>> {
        let (history, damage) = self.0.shared_history(run).ok()?;
        damage.is_none().then_some(history)
    }

    fn before(&self, run: &RunHistory) -> Option<Arc<RunHistory>> {
        let rows = self.0.runs(None, LOOKED_AT).ok()?;
        let earlier = rows.iter().skip_while(|row| row.summary.id != run.id).skip(1);
        earlier
            .filter(|row| row.summary.app == run.app && row.damaged.is_none())
            .filter(|row| !matches!(row.summary.purpose, Purpose::Samples { .. }))
            .find_map(|row| self.run(&row.summary.id))
    }
}
