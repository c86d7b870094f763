//! What a recorded call itself depended on, against today: the reason of an edit, apart from what is below the call.

use super::Replay;
use crate::model::{Call, CallStatus, RunHistory};

/// What changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnChange {
    /// Its function's code.
    Code,
    /// Its function is not defined any more.
    Gone,
    /// Something else that it depended on, in words: `file prompt.txt changed`.
    Other(String),
}

impl Replay {
    /// Why a recorded call's checkpoint does not hold even if everything below it does. `None`: it does hold.
    pub fn own_change(&mut self, history: &RunHistory, call: &Call) -> Option<OwnChange> {
        let known = self.known.get(&call.function).cloned();
        if known.is_none() {
            return Some(OwnChange::Gone);
        }
        if self.code_holds(&call.function, &call.code).is_none() {
            return Some(OwnChange::Code);
        }
        if let Some(why) = self.witnesses.code(history, call, known.as_ref()) {
            return Some(OwnChange::Other(why));
        }
        let own = self.witnesses.numbers(&call.reads);
        self.witnesses.difference(&own).map(OwnChange::Other)
    }

    /// Whether the application's own call may come from an older run: the edit that the replayed run was made with
    /// was undone. Not when that run did not get to its end, nor when somebody had a hand in it or has now.
    pub(super) fn root_may_be_older(&self) -> bool {
        let Some(base) = &self.base else { return true };
        self.edits.is_empty()
            && self.edited.is_empty()
            && base.call(1).is_some_and(|root| root.status.has_output())
            && !base.calls.iter().any(|call| call.status == CallStatus::Edited)
    }
}
