//! How runs end: by themselves, by the user, by divergence.

use super::node::{Asker, NodeIx, Outcome, Phase};
use super::{Core, Ending, Stopping};
use crate::engine::recorder::Then;
use crate::model::event::{CallEnded, Level};
use crate::model::{CallKind, CallStatus, ErrorInfo, ErrorKind, EventKind, RunStatus};

impl Core {
    /// The run is over when its root is and nothing that it started goes on.
    pub(super) fn maybe_end(&mut self) {
        if self.stopping == Stopping::Over || !self.nodes.first().is_some_and(super::Node::is_over) {
            return;
        }
        if let Some(Outcome::Error(_)) = self.nodes[0].outcome
            && self.open > 0
        {
            // The run has failed: what has not begun will not begin.
            self.abandon(0);
        }
        if self.open > 0 || self.stopping == Stopping::Over {
            return;
        }
        let (status, output, error) = match self.nodes[0].outcome.clone() {
            Some(Outcome::Value(value)) => (RunStatus::Succeeded, Some(value), None),
            Some(Outcome::Error(error)) if error.kind == ErrorKind::Cancelled => {
                (RunStatus::Cancelled, None, Some(error))
            }
            Some(Outcome::Error(error)) => (RunStatus::Failed, None, Some(error)),
            // Samples: none of them is the run's output.
            Some(Outcome::List(_)) => (RunStatus::Succeeded, None, None),
            None => (RunStatus::Failed, None, None),
        };
        self.stopping = Stopping::Over;
        self.record_ending(status, output, error);
    }

    fn record_ending(
        &mut self,
        status: RunStatus,
        output: Option<crate::model::ValueRef>,
        error: Option<ErrorInfo>,
    ) {
        let whole = output.as_ref().and_then(|output| self.recorder.original(output));
        let error = error.map(|error| self.recorder.shown(error));
        self.final_ending =
            Some(Ending::Recorded { status, output: output.clone(), error: error.clone(), whole });
        self.emit(EventKind::RunEnded { status, output, error });
        self.recorder.pending.durable = true;
        self.recorder.pending.then.push(Then::Finish);
    }

    pub(super) fn recorded_ending(&mut self) -> Ending {
        self.final_ending
            .take()
            .unwrap_or_else(|| Ending::StoreFailed("the run ended without an ending".into()))
    }

    /// Gives up what a node started and has not begun; what has begun goes on without an asker.
    pub(super) fn abandon(&mut self, ix: NodeIx) {
        let mut stack = self.nodes[ix].scope.children.clone();
        while let Some(child) = stack.pop() {
            stack.extend(self.nodes[child].scope.children.iter().copied());
            match self.nodes[child].phase {
                Phase::Done | Phase::Recording => {}
                Phase::Running { .. } | Phase::Starting { .. } => {
                    if matches!(self.nodes[child].asker, Asker::Request { .. }) {
                        self.nodes[child].asker = Asker::Nobody;
                    }
                }
                Phase::AtGate if self.nodes[child].offered.is_some() => {
                    self.leave_gate(child);
                    self.nodes[child].asker = Asker::Nobody;
                    if let Some(ended) = self.nodes[child].offered.take() {
                        self.emit(EventKind::CallEnded(ended));
                    }
                    self.nodes[child].phase = Phase::Done;
                    self.open -= 1;
                }
                Phase::Waiting | Phase::Delayed(_) | Phase::Ready | Phase::Following | Phase::AtGate => {
                    self.leave_gate(child);
                    self.nodes[child].asker = Asker::Nobody;
                    self.nodes[child].dependents.clear();
                    if self.nodes[child].no != 0 {
                        self.emit_end(child, CallStatus::Cancelled);
                    }
                    self.nodes[child].outcome = Some(Outcome::Error(ErrorInfo::cancelled()));
                    self.nodes[child].phase = Phase::Done;
                    self.nodes[child].args = Vec::new();
                    self.open -= 1;
                }
            }
        }
    }

    fn emit_end(&mut self, ix: NodeIx, status: CallStatus) {
        let no = self.nodes[ix].no;
        self.emit(EventKind::CallEnded(Box::new(CallEnded::bodiless(no, status, None, None))));
    }

    /// Ends the run at once: workers are killed, what ran is recorded as in doubt.
    pub(super) fn end_run(&mut self, status: RunStatus, error: Option<ErrorInfo>) {
        if self.stopping == Stopping::Over {
            return;
        }
        self.stopping = Stopping::Over;
        self.kill_all();
        for ix in 0..self.nodes.len() {
            let node = &self.nodes[ix];
            if node.no == 0 || matches!(node.phase, Phase::Done | Phase::Recording) {
                continue;
            }
            if let Some(ended) = self.nodes[ix].offered.take() {
                self.emit(EventKind::CallEnded(ended));
                continue;
            }
            let node = &self.nodes[ix];
            let running = matches!(node.phase, Phase::Running { .. });
            let leaf = node.scope.children.is_empty() && node.kind == CallKind::Call;
            let end = match (ix, running && leaf) {
                (0, _) if status != RunStatus::Cancelled => CallStatus::Failed,
                (_, true) => CallStatus::InDoubt,
                (_, false) => CallStatus::Cancelled,
            };
            self.emit_end(ix, end);
        }
        self.record_ending(status, None, error);
    }

    /// The user wants the run to end.
    pub(super) fn stop(&mut self, force: bool) {
        if self.nodes.is_empty() {
            self.not_loaded(ErrorInfo::cancelled());
            return;
        }
        if force {
            self.end_run(RunStatus::Cancelled, Some(ErrorInfo::cancelled()));
            return;
        }
        if self.stopping != Stopping::No {
            return;
        }
        self.stopping = Stopping::Graceful;
        self.open_gate();
        let waiting: Vec<NodeIx> = (0..self.nodes.len())
            .filter(|ix| {
                matches!(self.nodes[*ix].phase, Phase::Waiting | Phase::Delayed(_) | Phase::Ready) && *ix != 0
            })
            .collect();
        let running = self
            .nodes
            .iter()
            .filter(|n| matches!(n.phase, Phase::Running { .. }) && n.asking == 0 && n.kind == CallKind::Call)
            .count() as u64;
        let text = format!("stopping: {} may still end", crate::base::text::count(running, "running call"));
        self.notice(0, Level::Info, text);
        for ix in waiting {
            if self.nodes[ix].is_over() || self.nodes[ix].phase == Phase::Recording {
                continue;
            }
            self.ask_event(ix, None);
            self.fail(ix, ErrorInfo::cancelled());
        }
        if self.nodes[0].phase == Phase::Ready {
            self.fail(0, ErrorInfo::cancelled());
        }
    }
}
