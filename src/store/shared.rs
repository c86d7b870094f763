//! Runs that are over, read once for everybody who looks at them: the workbench, its tabs and the judge of saves hold
//! one history, not one each.
//!
//! Invariant: nothing is kept here. A history lives as long as somebody holds it; who comes while it is being read
//! waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::error::Result;
use super::history::Damage;
use super::open::Store;
use crate::base::ids::RunId;
use crate::model::{RunHistory, RunStatus};

type Slot = Arc<Mutex<Weak<RunHistory>>>;

/// Which histories somebody holds.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<HashMap<RunId, Slot>>);

impl Shared {
    fn slot(&self, run: &RunId) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever reads one has a slot besides.
        let used = |slot: &Slot| {
            Arc::strong_count(slot) > 1 || slot.try_lock().map_or(true, |history| history.strong_count() > 0)
        };
        slots.retain(|id, slot| id == run || used(slot));
        slots.entry(run.clone()).or_default().clone()
    }
}

impl Store {
    /// A whole run, as [`Store::history`] reads it. One that is over and not damaged is not read again while somebody
    /// holds it.
    pub fn shared_history(&self, run: &RunId) -> Result<(Arc<RunHistory>, Option<Damage>)> {
        let slot = self.inner.shared.slot(run);
        let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(history) = held.upgrade() {
            return Ok((history, None));
        }
        let found = self.history(run)?;
        let history = Arc::new(found.history);
        if history.status != RunStatus::Running && found.damage.is_none() {
            *held = Arc::downgrade(&history);
        }
        Ok((history, found.damage))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Batch;
    use super::super::open::{Options, Store};
    use super::*;
    use crate::base::digest::Digest;
    use crate::model::{Event, EventKind, Mode, ValueRef};

    fn record(store: &Store, run: &RunId, kinds: Vec<EventKind>, from: u64) {
        let events = (from..).zip(kinds).map(|(seq, kind)| Event { seq, at: 1, kind }).collect();
        store.writer().unwrap().write(Batch { run: run.clone(), events, nodes: vec![] }, true).unwrap();
    }

    fn started(run: &RunId) -> EventKind {
        let input = ValueRef {
            digest: Digest::default(),
            size: 0,
            preview: String::new(),
            inline: Some(vec![]),
            withheld: None,
        };
        EventKind::RunStarted {
            run: run.clone(),
            app: "app".to_owned(),
            file: "app.py".to_owned(),
            mode: Mode::Fresh,
            parent: None,
            input,
            python: String::new(),
            version: String::new(),
            purpose: crate::model::Purpose::default(),
        }
    }

    #[test]
    fn a_run_that_is_over_is_read_once_while_it_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let run = RunId::from_random(1 << 20);
        record(&store, &run, vec![started(&run)], 1);
        let live = store.shared_history(&run).unwrap().0;
        let ended = EventKind::RunEnded { status: RunStatus::Succeeded, output: None, error: None };
        record(&store, &run, vec![ended], 2);
        let first = store.shared_history(&run).unwrap().0;
        assert_eq!((live.last_seq, first.last_seq), (1, 2), "a run that goes on is read anew");
        let second = store.shared_history(&run).unwrap().0;
        assert!(Arc::ptr_eq(&first, &second));
        drop((first, second));
        assert_eq!(store.inner.shared.slot(&run).lock().unwrap().strong_count(), 0, "nothing is kept");
        let other = RunId::from_random(2 << 20);
        assert!(store.shared_history(&other).is_err());
        store.inner.shared.slot(&run);
        assert_eq!(store.inner.shared.0.lock().unwrap().len(), 1, "slots that nobody uses go");
    }
}
