//! Whether a recorded call may be served whole: it and every call below it must hold today.

use std::sync::Arc;

use super::Replay;
use super::witness::ReadNo;
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::engine::checkpoints::Checkpoints;
use crate::model::RunHistory;

/// What must hold for a recorded call to be served whole.
#[derive(Debug, Default)]
pub(super) struct SubtreeFacts {
    /// Why it can never be served under today's code; `None`: it can.
    pub(super) broken: Option<String>,
    /// State that it or its descendants read before they set it themselves.
    pub(super) state_reads: Vec<(String, Option<Digest>)>,
    /// Files that it or its descendants looked at, sorted.
    pub(super) reads: Vec<ReadNo>,
}

impl SubtreeFacts {
    fn broken(why: impl Into<String>) -> Self {
        SubtreeFacts { broken: Some(why.into()), ..SubtreeFacts::default() }
    }
}

impl Replay {
    /// What must hold for a call to be served whole: every recorded child would itself be served.
    pub(super) fn subtree(
        &mut self,
        history: &Arc<RunHistory>,
        no: CallNo,
        checkpoints: &dyn Checkpoints,
    ) -> Arc<SubtreeFacts> {
        if let Some(known) = self.facts.get(&history.id).and_then(|known| known.get(&no)) {
            return known.clone();
        }
        let facts = Arc::new(self.examine(history, no, checkpoints));
        self.facts.entry(history.id.clone()).or_default().insert(no, facts.clone());
        facts
    }

    fn examine(
        &mut self,
        history: &Arc<RunHistory>,
        no: CallNo,
        checkpoints: &dyn Checkpoints,
    ) -> SubtreeFacts {
        let Some(call) = history.call(no) else { return SubtreeFacts::broken("its record is missing") };
        if self.excluded.contains(&no) && self.base.as_ref().is_some_and(|base| base.id == history.id) {
            return SubtreeFacts::broken("asked for again");
        }
        if self.is_edited(history, no) {
            return SubtreeFacts::broken(format!("{} is edited", call.function));
        }
        if call.is_call() {
            if !call.durable {
                return SubtreeFacts::broken(format!("{} is not durable", call.function));
            }
            if self.is_answered_elsewhere(history, call, checkpoints) {
                return SubtreeFacts::broken(format!(
                    "{} was answered by hand in run {}",
                    call.function, history.id
                ));
            }
            if self.is_drifted(history, call, checkpoints) {
                return SubtreeFacts::broken(format!("{} was served to other arguments", call.function));
            }
            if !call.status.has_output() {
                return SubtreeFacts::broken(format!("{} {}", call.function, call.status.word()));
            }
            if !self.known.contains_key(&call.function) {
                return SubtreeFacts::broken(format!("{} is no longer defined", call.function));
            }
            if self.code_holds(&call.function, &call.code).is_none() {
                return SubtreeFacts::broken(format!("code of {} changed", call.function));
            }
            if let Some(why) = self.witnesses.code(history, call, self.known.get(&call.function)) {
                return SubtreeFacts::broken(why);
            }
            // A call that was served to a later attempt has its children under the earlier one.
            if let Some(origin) = &call.origin
                && origin.run == history.id
                && origin.call != no
            {
                let Some(other) = self.other(&origin.run, checkpoints) else {
                    return SubtreeFacts::broken(format!("run {} that made it is gone", origin.run));
                };
                let facts = self.subtree(&other, origin.call, checkpoints);
                return SubtreeFacts {
                    broken: facts.broken.clone(),
                    state_reads: facts.state_reads.clone(),
                    reads: facts.reads.clone(),
                };
            }
        }
        let mut reads = self.witnesses.numbers(&call.reads);
        for child in below(history, no) {
            let facts = self.subtree(history, child, checkpoints);
            if let Some(why) = &facts.broken {
                return SubtreeFacts::broken(why.clone());
            }
            reads.extend(&facts.reads);
        }
        reads.sort_unstable();
        reads.dedup();
        // A call's reads of state include those of the calls below it, but for what was set below it before.
        SubtreeFacts { broken: None, state_reads: call.state_reads.clone(), reads }
    }
}

/// The nodes right below a recorded one that belong to its outcome, in order: calls of failed attempts do not.
pub fn below(history: &RunHistory, no: CallNo) -> impl DoubleEndedIterator<Item = CallNo> + '_ {
    let no = made_at(history, no);
    let attempts = history.call(no).filter(|call| call.is_call()).map(|call| call.attempts);
    history.children(no).iter().copied().filter(move |child| {
        let made_by = history.call(*child).map(|call| call.parent_attempt);
        attempts.is_none() || made_by == attempts
    })
}

/// Where the calls below a recorded call are: a call that was served to a later attempt of its caller has them
/// under its first record in the same run.
pub fn made_at(history: &RunHistory, no: CallNo) -> CallNo {
    match history.call(no).and_then(|call| call.origin.as_ref()) {
        Some(origin) if origin.run == history.id && history.children(no).is_empty() => origin.call,
        _ => no,
    }
}
