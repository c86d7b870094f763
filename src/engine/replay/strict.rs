//! Strict replay: the history is the source of truth, by position.

use super::{Checkpoints, Hit, Miss, Replay, below, origin_of};
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::model::{Call, CallKind, CallStatus, Mode, Origin, RunHistory};

/// Strict replay: what the history has at a position.
#[derive(Debug)]
pub enum Position {
    /// This call.
    Same(CallNo),
    /// Another call; what it is.
    Other(String),
    /// Nothing more.
    PastTheEnd,
}

impl Replay {
    /// Strict replay: the root's recorded call.
    pub fn recorded_root(&self) -> Option<CallNo> {
        (self.mode == Mode::Strict && self.base.is_some()).then_some(1)
    }

    /// The durable calls that a recorded node made in its last attempt, in order.
    fn recorded_children(&self, parent: CallNo) -> Vec<CallNo> {
        let Some(base) = &self.base else { return Vec::new() };
        let Some(call) = base.call(parent) else { return Vec::new() };
        base.children(parent)
            .iter()
            .copied()
            .filter(|no| {
                base.call(*no).is_some_and(|child| {
                    child.durable && (!call.is_call() || child.parent_attempt == call.attempts)
                })
            })
            .collect()
    }

    /// Strict replay: compares a new call with the history.
    pub fn at_position(&self, parent: CallNo, index: usize, durable_id: &str) -> Position {
        let children = self.recorded_children(parent);
        let Some(&no) = children.get(index) else { return Position::PastTheEnd };
        let same = self.base.as_ref().and_then(|base| base.call(no)).map(|call| call.durable_id);
        if same.is_some() && same == Digest::from_hex(durable_id) {
            Position::Same(no)
        } else {
            Position::Other(self.describe(no))
        }
    }

    /// Strict replay: the first recorded child that was not met.
    pub fn remaining(&self, parent: CallNo, matched: usize) -> Option<String> {
        self.recorded_children(parent).get(matched).map(|no| self.describe(*no))
    }

    /// Strict replay: the recorded outcome at a position, or why there is none to serve.
    pub fn recorded_hit(&mut self, no: CallNo) -> Result<Option<Hit>, Miss> {
        let Some(base) = self.base.clone() else { return Ok(None) };
        let Some(call) = base.call(no).cloned() else { return Ok(None) };
        let miss = |reason: &str| Err(Miss { reason: Some(reason.to_owned()), in_doubt: None });
        match call.status {
            _ if self.excluded.contains(&no) => return miss("asked for again"),
            CallStatus::InDoubt => {
                let in_doubt = Some(Origin { run: base.id.clone(), call: no });
                return Err(Miss { reason: Some("in doubt".to_owned()), in_doubt });
            }
            status if status.has_output() => {}
            CallStatus::Failed => return miss("failed before"),
            _ => return miss("did not end before"),
        }
        let mut stack: Vec<CallNo> = below(&base, no).collect();
        while let Some(at) = stack.pop() {
            if let Some(live) = base.call(at).filter(|call| call.is_call() && !call.durable) {
                return miss(&format!("{} is not durable", live.function));
            }
            stack.extend(below(&base, at));
        }
        let origin = origin_of(&base, &call);
        match super::withheld::check(self.hit(&base, &call, origin)) {
            Ok(hit) => Ok(Some(hit)),
            Err(reason) => Err(Miss { reason, in_doubt: None }),
        }
    }

    /// Whether a strict replay served a call although its arguments were not those that the outcome was made for: what
    /// its callers made of that is no answer to today's code. An outcome whose maker is gone counts as such.
    pub(super) fn is_drifted(
        &mut self,
        history: &RunHistory,
        call: &Call,
        checkpoints: &dyn Checkpoints,
    ) -> bool {
        let Some(origin) = &call.origin else { return false };
        if history.mode != Mode::Strict || origin.run == history.id {
            return false;
        }
        let digest = |call: &Call| call.input.as_ref().map(|input| input.digest);
        let made_for =
            self.other(&origin.run, checkpoints).and_then(|maker| maker.call(origin.call).map(digest));
        made_for != Some(digest(call))
    }

    fn describe(&self, no: CallNo) -> String {
        let Some(base) = &self.base else { return "nothing".to_owned() };
        let Some(call) = base.call(no) else { return "nothing".to_owned() };
        let what = match call.kind {
            CallKind::Map => "a map over",
            CallKind::Reduce => "a reduce with",
            CallKind::Root | CallKind::Call => "a call of",
        };
        let place = call.site.as_ref().map(|s| format!(" ({}:{})", s.file, s.line)).unwrap_or_default();
        format!("{what} {}{place}", call.function)
    }
}
