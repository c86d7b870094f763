//! Outputs and arguments that somebody supplied: those that this replay is to give, and those of recorded runs.

use rustc_hash::FxHashMap as HashMap;

use super::{Hit, Replay, Wanted, below, origin_of, rank};
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::engine::checkpoints::Checkpoints;
use crate::model::fork::Edit;
use crate::model::{Call, Origin, RunHistory, ValueRef};

impl Replay {
    /// Gives back what [`Replay::find`] gave: it was not used.
    pub fn release(&mut self, hit: &Hit) {
        self.consumed.remove(&hit.origin);
        for origin in origins_below(&hit.history, hit.call) {
            self.consumed.remove(&origin);
        }
    }

    /// These calls of the replayed run have other outputs or arguments in this one.
    pub fn set_edits(&mut self, edits: HashMap<CallNo, Edit>) {
        self.edits = edits;
    }

    /// Whether some are still to be met.
    pub fn has_edits(&self) -> bool {
        !self.edits.is_empty()
    }

    /// What somebody wants of this call, and what it gave before.
    pub fn edit_of(&mut self, wanted: &Wanted<'_>) -> Option<(Edit, Option<ValueRef>)> {
        if self.edits.is_empty() {
            return None;
        }
        let base = self.base.clone()?;
        let fits = |no: &CallNo| {
            base.call(*no).is_some_and(|call| {
                let here = Digest::from_hex(wanted.durable_id) == Some(call.durable_id);
                let asked = call.key == wanted.key && rank(&base, *no, wanted) < 2;
                call.function == wanted.function && (here || asked)
            })
        };
        // The very call before one that merely stands where it stood.
        let mut fitting: Vec<CallNo> = self.edits.keys().copied().filter(fits).collect();
        fitting.sort_by_key(|no| (base.call(*no).is_some_and(|call| call.key != wanted.key), *no));
        self.edit_at(*fitting.first()?)
    }

    /// Strict replay: the same for a recorded call.
    pub fn edit_at(&mut self, no: CallNo) -> Option<(Edit, Option<ValueRef>)> {
        let edit = self.edits.remove(&no)?;
        self.edited.insert(no);
        let was = self.base.as_ref().and_then(|base| base.call(no)).and_then(|call| call.output.clone());
        Some((edit, was))
    }

    /// Whether somebody had a hand in a call of another run than the replayed one: that answers there and in its
    /// replays, and nowhere else.
    pub(super) fn is_answered_elsewhere(
        &mut self,
        history: &RunHistory,
        call: &Call,
        checkpoints: &dyn Checkpoints,
    ) -> bool {
        if self.base.as_ref().is_some_and(|base| base.id == history.id) {
            return false;
        }
        match &call.origin {
            Some(origin) if origin.run != history.id => {
                let made = self.other(&origin.run, checkpoints);
                made.as_ref().and_then(|made| made.call(origin.call)).is_some_and(Call::is_answered)
            }
            Some(origin) => history.call(origin.call).is_some_and(Call::is_answered),
            None => call.is_answered(),
        }
    }

    pub(super) fn is_edited(&self, history: &RunHistory, no: CallNo) -> bool {
        (self.edits.contains_key(&no) || self.edited.contains(&no))
            && self.base.as_ref().is_some_and(|base| base.id == history.id)
    }
}

/// The checkpoints of all calls below one.
pub(super) fn origins_below(history: &RunHistory, no: CallNo) -> Vec<Origin> {
    let mut found = Vec::new();
    let mut stack: Vec<CallNo> = below(history, no).collect();
    while let Some(at) = stack.pop() {
        found.extend(history.call(at).filter(|call| call.is_call()).map(|call| origin_of(history, call)));
        stack.extend(below(history, at));
    }
    found
}
