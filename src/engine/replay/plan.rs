//! What a replay will do, said before it does anything.

use super::Replay;
use crate::base::ids::CallNo;
use crate::base::text::count;
use crate::engine::checkpoints::Checkpoints;
use crate::model::{CallStatus, RunHistory};
use std::sync::Arc;

/// How the calls of the replayed run will fare, as far as can be told before it executes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Served from checkpoints.
    pub served: u64,
    /// Failed before.
    pub failed: u64,
    /// In doubt.
    pub in_doubt: u64,
    /// Edited code, or below one that is not served.
    pub changed: u64,
    /// Not durable.
    pub live: u64,
}

impl Plan {
    /// One sentence: `28 served, 1 failed call and what follows executes`.
    pub fn sentence(&self) -> String {
        let mut executing = Vec::new();
        for (n, what) in [
            (self.failed, "failed call"),
            (self.in_doubt, "call in doubt"),
            (self.changed, "changed call"),
            (self.live, "call that is not durable"),
        ] {
            if n > 0 {
                executing.push(if what == "call in doubt" || what.starts_with("call that") {
                    let (one, rest) = what.split_once(' ').unwrap_or((what, ""));
                    format!("{} {rest}", count(n, one))
                } else {
                    count(n, what)
                });
            }
        }
        if executing.is_empty() {
            return format!("{} served, nothing is known to execute", self.served);
        }
        let verb =
            if executing.len() == 1 && executing[0].starts_with("1 ") { "executes" } else { "execute" };
        format!("{} served, {} and what follows {verb}", self.served, executing.join(", "))
    }
}

impl Replay {
    /// The plan for the replayed run; `None` when nothing is replayed.
    pub fn plan(&mut self, checkpoints: &dyn Checkpoints) -> Option<Plan> {
        let base = self.base.clone()?;
        let mut plan = Plan::default();
        self.plan_children(&base, 1, checkpoints, &mut plan);
        Some(plan)
    }

    fn plan_children(
        &mut self,
        base: &Arc<RunHistory>,
        parent: CallNo,
        checkpoints: &dyn Checkpoints,
        plan: &mut Plan,
    ) {
        let mut stack: Vec<CallNo> = base.children(parent).to_vec();
        while let Some(no) = stack.pop() {
            let Some(call) = base.call(no) else { continue };
            if !call.is_call() {
                stack.extend(base.children(no));
                continue;
            }
            if self.subtree(base, no, checkpoints).broken.is_none() {
                plan.served += 1;
                continue;
            }
            match call.status {
                _ if !call.durable => plan.live += 1,
                CallStatus::Failed if base.children(no).is_empty() => plan.failed += 1,
                CallStatus::InDoubt => plan.in_doubt += 1,
                status if status.has_output() => plan.changed += 1,
                _ => {}
            }
            stack.extend(base.children(no));
        }
    }
}
