//! A run that is a test: calls are answered from a recorded run, or they execute; what is not known ends it.

use super::Core;
use super::decide::Proposal;
use super::node::NodeIx;
use crate::engine::replay::{FromGolden, Wanted};
use crate::model::{ErrorInfo, ErrorKind, RunStatus};

impl Core {
    /// Decides about a call; false when this run is no test.
    pub(super) fn answered_by_golden(&mut self, ix: NodeIx) -> bool {
        if !self.replay.is_golden() {
            return false;
        }
        let parent_key = self.nodes[self.caller(ix)].key;
        let node = &self.nodes[ix];
        let wanted = Wanted {
            function: &self.functions[node.func].facts.name,
            key: node.key,
            code: self.functions[node.func].code,
            durable_id: &node.durable_id,
            parent_key,
        };
        let found = if ix == 0 { Some(FromGolden::Execute) } else { self.replay.from_golden(&wanted) };
        match found {
            Some(FromGolden::Serve(hit)) => self.act(ix, Proposal::Serve(hit, false)),
            Some(FromGolden::Execute) => self.act(ix, Proposal::Execute(None)),
            Some(FromGolden::Fail(error)) => {
                self.ask_event(ix, Some("fails as in the golden".to_owned()));
                self.fail(ix, error);
            }
            Some(FromGolden::Unknown(why)) => {
                self.ask_event(ix, Some(why.clone()));
                let error = ErrorInfo::new(ErrorKind::Mismatch, "NotInGolden", why);
                self.end_run(RunStatus::Mismatch, Some(error));
            }
            None => return false,
        }
        true
    }
}
