//! Calls that act on the world and did so in the replayed run already: they act again only when somebody says so.

use super::decide::Proposal;
use super::node::NodeIx;
use super::{Core, Effects};
use crate::base::digest::Digest;
use crate::base::ids::call_id;
use crate::model::{Call, CallStatus, ErrorInfo, ErrorKind, Origin, RunStatus};

/// Runs that are looked at, from the replayed one back.
const ANCESTORS: usize = 64;

/// A call of the replayed run that acted on the world, or may have.
#[derive(Debug, Clone)]
pub(super) struct Fired {
    origin: Origin,
    /// Whether nobody knows if it did.
    in_doubt: bool,
    /// What it gave.
    output: Option<crate::model::ValueRef>,
}

impl Fired {
    /// The call, when nobody knows whether it acted.
    pub(super) fn doubted(&self) -> Option<Origin> {
        self.in_doubt.then(|| self.origin.clone())
    }

    /// What it gave.
    pub(super) fn output(&self) -> Option<crate::model::ValueRef> {
        self.output.clone()
    }
}

impl Core {
    /// What is to become of a call that would act on the world again.
    pub(super) fn weigh_effect(&mut self, ix: NodeIx, proposal: Proposal) -> Proposal {
        let executes = matches!(proposal, Proposal::Execute(_) | Proposal::InDoubt(..));
        if !executes || !self.functions[self.nodes[ix].func].facts.effect {
            return proposal;
        }
        let Some(fired) = self.fired(ix) else { return proposal };
        match self.spec.effects {
            Effects::Rerun => Proposal::Execute(proposal.reason()),
            Effects::Skip => Proposal::Skipped(fired.output),
            Effects::Ask | Effects::Fail => Proposal::Again(Box::new(proposal), Box::new(fired)),
        }
    }

    /// The nearest run before this one, among those that it replays, in which this very call acted.
    fn fired(&mut self, ix: NodeIx) -> Option<Fired> {
        let node = &self.nodes[ix];
        let name = &self.functions[node.func].facts.name;
        let place = Digest::from_hex(&node.durable_id);
        let mut at = self.replay.base().cloned();
        for _ in 0..ANCESTORS {
            let run = at?;
            let is_it = |call: &&Call| {
                call.function == *name
                    && call.is_call()
                    && acted(call)
                    && (call.key == node.key || Some(call.durable_id) == place)
            };
            // Asked for in the same way before standing in the same place.
            let found = run.calls.iter().filter(is_it).max_by_key(|call| call.key == node.key);
            if let Some(call) = found {
                let own = Origin { run: run.id.clone(), call: call.no };
                return Some(Fired {
                    origin: call.origin.clone().unwrap_or(own),
                    in_doubt: call.status == CallStatus::InDoubt,
                    output: call.output.clone(),
                });
            }
            let checkpoints = &*self.checkpoints;
            at = run.parent.as_ref().and_then(|parent| self.replay.other(parent, checkpoints));
        }
        None
    }

    /// A sample calls something that acts on the world: the run ends before it does.
    pub(super) fn refuse_effect_of_sample(&mut self, ix: NodeIx) {
        self.ask_event(ix, None);
        let name = self.function_name(self.nodes[ix].func);
        let text = format!(
            "a sample calls {name}, which acts on the world (effect=True); --effects rerun if that is wanted"
        );
        let error = ErrorInfo::new(ErrorKind::Cancelled, "EffectWouldRepeat", text);
        self.end_run(RunStatus::Failed, Some(error));
    }

    /// Nobody can be asked: the run ends before the effect, and says what is to be decided.
    pub(super) fn refuse_effect(&mut self, ix: NodeIx, reason: Option<String>, fired: &Fired) {
        let why = reason.clone().map(|why| format!(" ({why})")).unwrap_or_default();
        self.ask_event(ix, reason);
        let name = self.function_name(self.nodes[ix].func).to_owned();
        let before = call_id(&fired.origin.run, fired.origin.call);
        let did = if fired.in_doubt { "may have acted on the world" } else { "acted on the world" };
        let text = format!(
            "{name} {did} in run {} (call {before}) and would do so again{why}; \
             decide with --effects rerun, or --effects skip to take what it gave then",
            fired.origin.run
        );
        self.end_run(
            RunStatus::Failed,
            Some(ErrorInfo::new(ErrorKind::Cancelled, "EffectWouldRepeat", text)),
        );
    }
}

/// Whether a recorded call began to act.
fn acted(call: &Call) -> bool {
    call.attempts > 0 || call.origin.is_some()
}
