//! Histories that were read a moment ago, so that going from tab to tab and from call to call does not read a run of
//! many calls each time.
//!
//! Invariant: only runs that are over are kept; they never change.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::ids::RunId;
use crate::diff::stored::Effort;
use crate::diff::tree::{Merged, merge};
use crate::diff::value::{Differences, Hidden, Options};
use crate::engine::explain::Records;
use crate::engine::explain::ignored;
use crate::engine::explain::records::StoreRecords;
use crate::model::{CodeKnown, RunHistory, RunStatus, ValueRef};
use crate::source::Closure;
use crate::store::Store;
use crate::value::Value;

/// How many histories are kept.
const KEPT: usize = 3;
/// Of how many calls in all.
const KEPT_CALLS: usize = 100_000;
/// Larger values are not read as a whole: their previews stand for them.
const WHOLE: u64 = 8 << 20;

/// The histories.
#[derive(Debug, Default)]
pub struct Shelf {
    held: Mutex<VecDeque<Arc<RunHistory>>>,
    merged: Mutex<Option<(RunId, RunId, Options, Beside)>>,
}

/// Two runs beside each other, and what is ignored in their values.
pub type Beside = (Arc<Merged>, Arc<Vec<Hidden>>);

impl Shelf {
    /// A store's records, read through the shelf.
    pub fn records<'a>(&'a self, store: &'a Store) -> ShelfRecords<'a> {
        ShelfRecords { shelf: self, store: StoreRecords(store) }
    }

    /// Two runs beside each other, kept for the next call of the same runs.
    pub fn merged(&self, a: &RunHistory, b: &RunHistory, options: &Options, records: &dyn Records) -> Beside {
        let mut held = self.merged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((x, y, with, beside)) = held.as_ref()
            && (x, y, with) == (&a.id, &b.id, options)
        {
            return beside.clone();
        }
        let mut merged = merge(a, b);
        let hidden = ignored::forget(&mut merged, a, b, options, records);
        let beside = (Arc::new(merged), Arc::new(hidden));
        let over = a.status != RunStatus::Running && b.status != RunStatus::Running;
        if over {
            *held = Some((a.id.clone(), b.id.clone(), options.clone(), beside.clone()));
        }
        beside
    }

    fn get(&self, run: &RunId) -> Option<Arc<RunHistory>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let at = held.iter().position(|history| history.id == *run)?;
        let found = held.remove(at)?;
        held.push_front(found.clone());
        Some(found)
    }

    fn put(&self, history: &Arc<RunHistory>) {
        if history.status != RunStatus::Running {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.push_front(history.clone());
            held.truncate(KEPT);
            let mut calls = 0;
            // The last two are what a tab compares.
            let fits = |history: &Arc<RunHistory>| {
                calls += history.calls.len();
                calls
            };
            let keep = held.iter().map(fits).take_while(|calls| *calls <= KEPT_CALLS).count();
            held.truncate(keep.max(2));
        }
    }
}

/// What explaining reads, for eyes: values of any size get an answer at once.
pub struct ShelfRecords<'a> {
    shelf: &'a Shelf,
    store: StoreRecords<'a>,
}

impl Records for ShelfRecords<'_> {
    fn value(&self, value: &ValueRef) -> Result<Value, String> {
        if value.size > WHOLE {
            return Err(format!("{} are too much to compare here", crate::base::text::bytes(value.size)));
        }
        self.store.value(value)
    }

    fn differences(
        &self,
        old: &ValueRef,
        new: &ValueRef,
        options: &Options,
        effort: Effort,
    ) -> Result<Differences, String> {
        self.store.differences(old, new, options, effort)
    }

    fn closure(&self, known: &CodeKnown) -> Result<Option<Closure>, String> {
        self.store.closure(known)
    }

    fn run(&self, run: &RunId) -> Option<Arc<RunHistory>> {
        if let Some(found) = self.shelf.get(run) {
            return Some(found);
        }
        let found = self.store.run(run)?;
        self.shelf.put(&found);
        Some(found)
    }

    fn before(&self, run: &RunHistory) -> Option<Arc<RunHistory>> {
        self.store.before(run)
    }
}
