//! What a replay will do, said before it does anything.

use super::{Replay, below};
use crate::base::ids::CallNo;
use crate::engine::checkpoints::Checkpoints;
use crate::model::{Call, CallStatus, Mode, RunHistory};

/// How the calls of the replayed run will fare, as far as can be told before it executes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Served from checkpoints.
    pub served: u64,
    /// Failed before.
    pub failed: u64,
    /// In doubt.
    pub in_doubt: u64,
    /// Edited code.
    pub changed: u64,
    /// The user wants them to execute again.
    pub again: u64,
    /// Not durable.
    pub live: u64,
    /// Outputs supplied by hand.
    pub edited: u64,
}

impl Plan {
    /// One sentence: `28 served, 1 failed call and what follows executes`.
    pub fn sentence(&self) -> String {
        let executing: Vec<String> = [
            (self.failed, "failed call", "failed calls"),
            (self.in_doubt, "call in doubt", "calls in doubt"),
            (self.changed, "changed call", "changed calls"),
            (self.again, "call that was asked for again", "calls that were asked for again"),
            (self.edited, "call has another output", "calls have other outputs"),
            (self.live, "call that is not durable", "calls that are not durable"),
        ]
        .into_iter()
        .filter(|(n, _, _)| *n > 0)
        .map(|(n, one, several)| format!("{n} {}", if n == 1 { one } else { several }))
        .collect();
        if executing.is_empty() {
            return format!("{} served, nothing is known to execute", self.served);
        }
        let verb =
            if executing.len() == 1 && executing[0].starts_with("1 ") { "executes" } else { "execute" };
        format!("{} served, {} and what follows {verb}", self.served, executing.join(", "))
    }
}

impl Replay {
    /// The plan for the replayed run; `None` when nothing is replayed or nothing may be reused.
    pub fn plan(&mut self, checkpoints: &dyn Checkpoints) -> Option<Plan> {
        if self.mode == Mode::Fresh {
            return None;
        }
        let base = self.base.clone()?;
        let mut plan = Plan::default();
        let mut stack: Vec<CallNo> = below(&base, 1).collect();
        while let Some(no) = stack.pop() {
            let Some(call) = base.call(no) else { continue };
            if !call.is_call() {
                stack.extend(below(&base, no));
                continue;
            }
            if self.is_edited(&base, no) {
                plan.edited += 1;
                continue;
            }
            if call.durable && self.will_serve(no, checkpoints) {
                plan.served += calls_within(&base, no);
                continue;
            }
            let mut children = below(&base, no);
            match call.status {
                _ if !call.durable => plan.live += 1,
                CallStatus::Failed if children.all(|child| !failed(&base, child)) => plan.failed += 1,
                CallStatus::InDoubt => plan.in_doubt += 1,
                _ if self.excluded.contains(&no) => plan.again += 1,
                status if status.has_output() && self.changed(call) => plan.changed += 1,
                // A caller of one that executes, or a call that the run did not get to.
                _ => {}
            }
            stack.extend(below(&base, no));
        }
        Some(plan)
    }

    /// Whether a call of the replayed run would be served whole if it were asked for again, and if not why. Request
    /// state is not looked at: what it will hold is not known before.
    pub fn holds(&mut self, no: CallNo, checkpoints: &dyn Checkpoints) -> Result<(), String> {
        let Some(base) = self.base.clone() else { return Err("nothing is replayed".to_owned()) };
        let facts = self.subtree(&base, no, checkpoints);
        match facts.broken.clone().or_else(|| self.witnesses.difference(&facts.reads)) {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    fn will_serve(&mut self, no: CallNo, checkpoints: &dyn Checkpoints) -> bool {
        match self.mode {
            Mode::Strict => matches!(self.recorded_hit(no), Ok(Some(_))),
            _ => self.holds(no, checkpoints).is_ok(),
        }
    }

    fn changed(&self, call: &Call) -> bool {
        self.mode != Mode::Strict && self.code_holds(&call.function, &call.code).is_none()
    }
}

fn failed(base: &RunHistory, no: CallNo) -> bool {
    base.call(no).is_some_and(|call| call.status == CallStatus::Failed)
}

/// A call and the calls below it.
fn calls_within(base: &RunHistory, no: CallNo) -> u64 {
    let mut calls = 0;
    let mut stack = vec![no];
    while let Some(at) = stack.pop() {
        calls += u64::from(base.call(at).is_some_and(Call::is_call));
        stack.extend(below(base, at));
    }
    calls
}
