//! How calls end: results, failures, retries, tail calls; and who gets told.

use bytes::Bytes;

use super::asks::internal;
use super::node::{Asker, ConnId, NodeIx, Operation, Outcome, Phase};
use super::{Core, Input, Stopping};
use crate::engine::recorder::Then;
use crate::model::event::CallEnded;
use crate::model::{CallStatus, ErrorInfo, ErrorKind, EventKind};
use crate::proto::message::{End, FromWorker, ToWorker};

/// A call that lost its process to others this often fails.
const LOSSES: u32 = 3;

/// Bodies that ended in a worker, and what they gave.
pub(super) struct Arrived {
    conn: ConnId,
    ends: Vec<End>,
    blobs: Vec<Bytes>,
}

/// Whether bodies ended.
pub(super) fn is_outcome(input: &Input) -> bool {
    let Input::Message { message, .. } = input else { return false };
    matches!(message, FromWorker::End(_) | FromWorker::Ends { .. })
}

impl Core {
    /// A worker reports how bodies ended. Calls that wait get their places before anything else is done about it.
    pub(super) fn ends(&mut self, conn: ConnId, ends: Vec<End>, blobs: Vec<Bytes>) {
        for end in &ends {
            if let Some(ix) = self.executes(conn, end) {
                self.unhost(ix);
                self.nodes[ix].deadline = None;
            }
        }
        self.arrived.push(Arrived { conn, ends, blobs });
        // Whoever steps through the run sees how a call ended before the next one begins.
        if self.ready.is_empty() || self.gate.is_some() || self.stopping != Stopping::No {
            self.take_in();
        }
    }

    /// Looks at what has arrived, in order.
    pub(super) fn take_in(&mut self) {
        for Arrived { conn, ends, blobs } in std::mem::take(&mut self.arrived) {
            let mut blobs = blobs.into_iter();
            for end in ends {
                let blob = if end.has_blob() { blobs.next() } else { None };
                self.end(conn, end, blob);
            }
        }
    }

    /// The call of which a worker says that it ended, if that is news.
    fn executes(&self, conn: ConnId, end: &End) -> Option<NodeIx> {
        let ix = self.node_by_no(end.call)?;
        let node = &self.nodes[ix];
        (node.phase == Phase::Running { conn } && node.attempt == end.attempt).then_some(ix)
    }

    fn end(&mut self, conn: ConnId, end: End, blob: Option<Bytes>) {
        let Some(ix) = self.executes(conn, &end) else { return };
        self.unhost(ix);
        self.nodes[ix].deadline = None;
        self.nodes[ix].wall_us = end.us;
        if let Some(crowd) = &mut self.crowd {
            crowd.bodies += end.us.max(0);
        }
        self.witness(ix, conn, &end);
        if let Some(id) = end.tail {
            self.nodes[ix].phase = Phase::Following;
            match self.requests.get(&(conn, id)).copied() {
                Some(target) => {
                    self.nodes[ix].tail = Some(target);
                    if self.nodes[target].is_over() {
                        self.tail_over(ix, target);
                    } else {
                        self.nodes[target].dependents.push(ix);
                    }
                }
                None => self.attempt_failed(ix, internal("the call returned a future that is not known")),
            }
        } else if end.ok {
            if !self.check_early_end(ix) {
                return;
            }
            self.succeeded(ix, blob.unwrap_or_default(), end.json);
        } else {
            let error = end.error.unwrap_or_else(|| internal("the call failed without saying why"));
            if end.last { self.fail(ix, error) } else { self.attempt_failed(ix, error) }
        }
    }

    /// Records a body's result.
    fn succeeded(&mut self, ix: NodeIx, result: Bytes, json: bool) {
        let packer = &self.recorder.packer;
        let packed = if json { packer.json_text(&result) } else { Ok(packer.output(&result)) };
        match packed {
            Ok((ready, usage)) => {
                let (value, _) = self.recorder.keep(ready);
                let usage = self.usage_of(ix, usage);
                let node = &mut self.nodes[ix];
                node.usage = usage;
                node.result = Some(result);
                node.outcome = Some(Outcome::Value(value));
                self.record_end(ix, CallStatus::Fresh);
            }
            Err(text) => {
                let error = ErrorInfo::new(ErrorKind::Serialization, "SerializationError", text);
                self.attempt_failed(ix, error);
            }
        }
    }

    /// Writes the end of a call whose outcome is set, and delivers it once that is on disk.
    fn record_end(&mut self, ix: NodeIx, status: CallStatus) {
        let reported = self.take_reported(ix);
        let node = &mut self.nodes[ix];
        node.phase = Phase::Recording;
        node.usage = node.usage.take().or(reported);
        let (output, error) = match &node.outcome {
            Some(Outcome::Value(value)) => (Some(value.clone()), None),
            Some(Outcome::Error(error)) => (None, Some(error.clone())),
            Some(Outcome::List(_)) | None => (None, None),
        };
        let ended = CallEnded {
            no: node.no,
            status,
            wall_us: node.wall_us,
            output,
            error,
            origin: None,
            usage: node.usage.clone(),
            state_reads: std::mem::take(&mut node.state_reads),
            reads: node.reads.clone(),
        };
        node.state_reads.clone_from(&ended.state_reads);
        // Whoever steps through the run sees what a body did before it counts.
        let body_ran = self.nodes[ix].attempt > 0 && !self.nodes[ix].decided;
        let shown = self.gate.is_some() && body_ran && self.stopping == Stopping::No;
        if shown {
            self.nodes[ix].offered = Some(Box::new(ended.clone()));
            self.emit(EventKind::Offered(Box::new(ended)));
        } else {
            self.emit(EventKind::CallEnded(Box::new(ended)));
        }
        self.recorder.pending.durable = true;
        self.recorder.pending.then.push(Then::Deliver(ix));
    }

    /// An attempt failed: another one, or the call has failed.
    pub(super) fn attempt_failed(&mut self, ix: NodeIx, mut error: ErrorInfo) {
        if error.frames.is_empty() && error.kind != ErrorKind::Cancelled {
            error.frames.push(self.defined_at(ix));
        }
        let final_kind =
            matches!(error.kind, ErrorKind::Request | ErrorKind::Cancelled | ErrorKind::Mismatch);
        let node = &self.nodes[ix];
        let root = self.nodes.first().map_or(0, |root| self.functions[root.func].facts.app_retries);
        let retries = self.functions[node.func].facts.retries.unwrap_or(root);
        if final_kind || node.attempt - node.lost > retries || self.stopping != Stopping::No {
            self.fail(ix, error);
            return;
        }
        self.next_attempt(ix, error, false);
    }

    /// Another call ended the process in which this one waited for what it had called: it starts again, and all
    /// that it had called stands.
    pub(super) fn attempt_lost(&mut self, ix: NodeIx, error: ErrorInfo) {
        if self.nodes[ix].lost >= LOSSES || self.stopping != Stopping::No {
            self.abandon(ix);
            self.fail(ix, error);
            return;
        }
        self.nodes[ix].lost += 1;
        self.next_attempt(ix, error, true);
    }

    pub(super) fn next_attempt(&mut self, ix: NodeIx, error: ErrorInfo, failures_too: bool) {
        let (no, attempt) = (self.nodes[ix].no, self.nodes[ix].attempt);
        self.emit(EventKind::AttemptFailed { no, attempt, error });
        self.keep_for_next_attempt(ix, failures_too);
        let node = &mut self.nodes[ix];
        node.scope = super::node::Rare::default();
        node.asking = 0;
        node.deadline = None;
        node.phase = Phase::Ready;
        self.ready.push_back(ix);
    }

    /// What an attempt's calls achieved, or still do, is served to the next attempt.
    fn keep_for_next_attempt(&mut self, ix: NodeIx, failures_too: bool) {
        let mut stack = self.nodes[ix].scope.children.clone();
        let mut found = Vec::new();
        while let Some(child) = stack.pop() {
            let node = &self.nodes[child];
            if node.is_operation() {
                stack.extend(&node.scope.children);
                continue;
            }
            let stands = match &node.outcome {
                Some(Outcome::Value(_)) => true,
                Some(Outcome::Error(error)) => failures_too && error.kind != ErrorKind::Cancelled,
                Some(Outcome::List(_)) => false,
                // Its key is known only once its arguments are.
                None => !matches!(node.phase, Phase::Waiting | Phase::Delayed(_)),
            };
            if stands && node.no != 0 && (node.durable || failures_too) {
                found.push(child);
            }
        }
        // Popped from the end: the earliest comes first.
        found.sort_unstable_by(|a, b| b.cmp(a));
        for child in found {
            let key = self.nodes[child].key;
            self.nodes[ix].earlier.entry(key).or_default().push(child);
        }
    }

    /// Ends a call with an error.
    pub(super) fn fail(&mut self, ix: NodeIx, error: ErrorInfo) {
        let status = match error.kind {
            ErrorKind::Cancelled => CallStatus::Cancelled,
            _ => CallStatus::Failed,
        };
        self.nodes[ix].outcome = Some(Outcome::Error(error));
        self.nodes[ix].result = None;
        self.record_end(ix, status);
    }

    /// The outcome is on disk.
    pub(super) fn delivered(&mut self, ix: NodeIx) {
        if self.nodes[ix].phase != Phase::Recording || self.holds_after(ix) {
            return;
        }
        if let Some(ended) = self.nodes[ix].offered.take() {
            self.emit(EventKind::CallEnded(ended));
        }
        self.over(ix);
    }

    /// A node is over: its asker and whoever waits for it get told.
    ///
    /// One over makes others over (a reduce's next step is served, a tail call ends): a queue instead of
    /// recursion, because such chains can be thousands long.
    pub(super) fn over(&mut self, ix: NodeIx) {
        self.nodes[ix].phase = Phase::Done;
        self.nodes[ix].args = Vec::new();
        self.open -= 1;
        self.ended.push_back(ix);
        if self.telling {
            return;
        }
        self.telling = true;
        while let Some(next) = self.ended.pop_front() {
            self.tell(next);
        }
        self.telling = false;
        self.maybe_end();
    }

    fn tell(&mut self, ix: NodeIx) {
        match self.nodes[ix].asker {
            Asker::Request { conn, id } => self.answer(ix, conn, id),
            Asker::Operation { op, .. } => self.step_over(op, ix),
            Asker::Run | Asker::Nobody => {}
        }
        for dependent in std::mem::take(&mut self.nodes[ix].dependents) {
            if self.nodes[dependent].adopts == Some(ix) {
                self.adopted_over(dependent, ix);
            } else if self.nodes[dependent].tail == Some(ix) {
                self.tail_over(dependent, ix);
            } else {
                self.nodes[dependent].unmet = self.nodes[dependent].unmet.saturating_sub(1);
                if self.nodes[dependent].unmet == 0 && self.nodes[dependent].phase == Phase::Waiting {
                    self.resolved(dependent);
                }
            }
        }
        // Items' results are kept until their operation has handed them out.
        if !matches!(self.nodes[ix].asker, Asker::Operation { .. }) {
            self.nodes[ix].result = None;
        }
    }

    fn answer(&mut self, ix: NodeIx, conn: ConnId, id: u64) {
        let parent = self.nodes[ix].parent;
        // A call of an earlier attempt is none that today's attempt waits for.
        if self.nodes[parent].attempt == self.nodes[ix].parent_attempt {
            self.nodes[parent].asking = self.nodes[parent].asking.saturating_sub(1);
        }
        let from = self.served_from.take().filter(|(of, ..)| *of == ix);
        let mut count = None;
        let mut at = None;
        let blobs = match self.nodes[ix].outcome.clone() {
            Some(Outcome::Value(value)) => match self.nodes[ix].result.take() {
                Some(bytes) => Ok(vec![bytes]),
                None => self.load(&value).map(|bytes| vec![bytes]),
            },
            Some(Outcome::List(items)) => {
                count = Some(items.len());
                self.parts_left(ix, items).map(|(left, blobs)| {
                    at = left;
                    blobs
                })
            }
            Some(Outcome::Error(error)) => {
                self.parts.remove(&ix);
                Err(error)
            }
            None => Err(internal("a call without an outcome was answered")),
        };
        match blobs {
            Ok(mut blobs) => {
                let mut ahead = None;
                if let Some((_, history, call)) = from {
                    let (foreseen, answers) = self.foresee(parent, &history, call);
                    blobs.extend(answers);
                    ahead = foreseen;
                }
                self.send(conn, ToWorker::Done { id, ok: true, n: count, at, error: None, ahead }, blobs);
            }
            Err(error) => {
                let error = Some(error);
                self.send(
                    conn,
                    ToWorker::Done { id, ok: false, n: None, at: None, error, ahead: None },
                    vec![],
                );
            }
        }
    }

    pub(super) fn item_value(&mut self, item: NodeIx) -> Result<Bytes, ErrorInfo> {
        match (self.nodes[item].result.take(), self.nodes[item].outcome.clone()) {
            (Some(bytes), _) => Ok(bytes),
            (None, Some(Outcome::Value(value))) => self.load(&value),
            (None, Some(Outcome::Error(error))) => Err(error),
            (None, _) => Err(internal("an item without a value was handed out")),
        }
    }

    /// A call of an operation is over.
    fn step_over(&mut self, op: NodeIx, ix: NodeIx) {
        if self.nodes[op].phase != Phase::Following {
            return;
        }
        match self.nodes[op].op.as_deref_mut() {
            Some(Operation::Map { open, .. }) => {
                *open -= 1;
                if *open == 0 {
                    self.operation_over(op);
                } else {
                    self.part_over(op, ix);
                }
            }
            Some(Operation::Reduce { .. }) => match self.nodes[ix].outcome.clone() {
                Some(Outcome::Error(error)) => self.operation_failed(op, error),
                _ => match self.item_value(ix) {
                    Ok(value) => {
                        if let Some(Operation::Reduce { accumulator, .. }) = self.nodes[op].op.as_deref_mut()
                        {
                            *accumulator = Some(value);
                        }
                        self.next_step(op);
                    }
                    Err(error) => self.operation_failed(op, error),
                },
            },
            None => {}
        }
    }

    /// All calls of an operation are over.
    pub(super) fn operation_over(&mut self, op: NodeIx) {
        match self.nodes[op].op.take().map(|op| *op) {
            Some(Operation::Map { items, .. }) if op == 0 => self.samples_over(items),
            Some(Operation::Map { items, .. }) => {
                // All items were tried; the caller gets the first failure, in order of items.
                let failure = items.iter().find_map(|ix| match &self.nodes[*ix].outcome {
                    Some(Outcome::Error(error)) => Some(error.clone()),
                    _ => None,
                });
                match failure {
                    Some(error) => self.operation_failed(op, error),
                    None => self.operation_done(op, Outcome::List(items)),
                }
            }
            Some(Operation::Reduce { accumulator, .. }) => {
                let pickle = accumulator.unwrap_or_default();
                let (ready, _) = self.recorder.packer.output(&pickle);
                let (value, _) = self.recorder.keep(ready);
                self.nodes[op].result = Some(pickle);
                self.operation_done(op, Outcome::Value(value));
            }
            None => {}
        }
    }

    pub(super) fn operation_done(&mut self, op: NodeIx, outcome: Outcome) {
        if !self.check_early_end(op) {
            return;
        }
        let served = !self.nodes[op].scope.children.is_empty()
            && self.nodes[op].scope.children.iter().all(|ix| self.nodes[*ix].origin.is_some());
        let status = if served { CallStatus::Cached } else { CallStatus::Fresh };
        let output = match &outcome {
            Outcome::Value(value) => Some(value.clone()),
            _ => None,
        };
        self.nodes[op].outcome = Some(outcome);
        self.operation_ended(op, status, output, None);
    }

    pub(super) fn operation_failed(&mut self, op: NodeIx, error: ErrorInfo) {
        let status =
            if error.kind == ErrorKind::Cancelled { CallStatus::Cancelled } else { CallStatus::Failed };
        self.nodes[op].outcome = Some(Outcome::Error(error.clone()));
        self.operation_ended(op, status, None, Some(error));
    }

    /// An operation's end needs no commit of its own: it follows from its calls, which are on disk.
    fn operation_ended(
        &mut self,
        op: NodeIx,
        status: CallStatus,
        output: Option<crate::model::ValueRef>,
        error: Option<ErrorInfo>,
    ) {
        let no = self.nodes[op].no;
        self.emit(EventKind::CallEnded(Box::new(CallEnded::bodiless(no, status, output, error))));
        self.over(op);
    }

    /// The future that a call returned is over: its outcome is the call's.
    fn tail_over(&mut self, ix: NodeIx, target: NodeIx) {
        if self.nodes[ix].phase != Phase::Following {
            return;
        }
        if let Some(Outcome::Error(error)) = self.nodes[target].outcome.clone() {
            self.fail(ix, error);
            return;
        }
        if !self.check_early_end(ix) {
            return;
        }
        let value = match self.value_of(target) {
            Ok(value) => value,
            Err(error) => {
                self.fail(ix, error);
                return;
            }
        };
        self.succeeded(ix, value, false);
    }
}
