//! Serve, execute or refuse: the reuse rules applied to one call (design.md section 3).

use rustc_hash::FxHashMap as HashMap;

use super::node::{NodeIx, Outcome, Phase};
use super::{Core, InDoubt, Stopping};

use crate::base::ids::CallNo;
use crate::engine::replay::{Hit, Miss, Position, below, made_at};
use crate::model::event::{CallAsked, CallEnded, Level};
use crate::model::fork::Edit;
use crate::model::{CallKind, CallStatus, ErrorInfo, ErrorKind, EventKind, Mode, Origin, RunStatus};

/// Calls whose outputs are read together, and the largest output that is.
const AHEAD: CallNo = 64;
const AHEAD_SIZE: u64 = 64 << 10;

/// Why a call has the output that it had before.
const SKIPPED: &str = "its effect is not repeated";

/// What is to become of a call.
#[derive(Debug)]
pub(super) enum Proposal {
    /// It is served; true when strict replay serves it although its arguments differ.
    Serve(Box<Hit>, bool),
    /// It executes, and why.
    Execute(Option<String>),
    /// The replayed run had started it and never learnt how it ended.
    InDoubt(Origin, Option<String>),
    /// It acted on the world in the replayed run and would again: somebody has to say so.
    Again(Box<Proposal>, Box<super::again::Fired>),
    /// It acted in the replayed run and does not again: it gets what it gave then.
    Skipped(Option<crate::model::ValueRef>),
    /// It gets this in place of what it had.
    Edited(Box<Edit>, Option<crate::model::ValueRef>),
}

impl Proposal {
    /// What is recorded of it.
    pub(super) fn output(&self) -> Option<crate::model::ValueRef> {
        match self {
            Proposal::Serve(hit, _) => Some(hit.output.clone()),
            Proposal::Execute(_) | Proposal::InDoubt(..) => None,
            Proposal::Edited(_, was) => was.clone(),
            Proposal::Again(_, fired) => fired.output(),
            Proposal::Skipped(output) => output.clone(),
        }
    }

    pub(super) fn reason(&self) -> Option<String> {
        match self {
            Proposal::Serve(hit, _) => hit.reason.clone(),
            Proposal::Execute(reason) | Proposal::InDoubt(_, reason) => reason.clone(),
            Proposal::Edited(edit, _) => Some(edit.reason()),
            Proposal::Again(proposal, _) => proposal.reason(),
            Proposal::Skipped(_) => Some(SKIPPED.to_owned()),
        }
    }
}

impl Core {
    /// The root is a call like others, but it has no caller whose earlier attempts could have made it.
    pub(super) fn decide_root(&mut self) {
        if self.spec.mode == Mode::Strict {
            self.propose(0, Proposal::Execute(None));
        } else {
            self.decide(0);
        }
    }

    /// A call's arguments are known: serve it or put it into the queue.
    pub(super) fn decide(&mut self, ix: NodeIx) {
        if self.stopping != Stopping::No {
            self.ask_event(ix, None);
            self.fail(ix, ErrorInfo::cancelled());
            return;
        }
        if self.acts_in_sample(ix) {
            self.refuse_effect_of_sample(ix);
            return;
        }
        if self.answered_by_golden(ix) {
            return;
        }
        if !self.nodes[ix].durable {
            self.propose(ix, Proposal::Execute(Some("not durable".to_owned())));
            return;
        }
        let caller = self.caller(ix);
        let key = self.nodes[ix].key;
        if ix != caller
            && let Some(earlier) = self.nodes[caller].earlier.get_mut(&key).and_then(Vec::pop)
        {
            self.serve_earlier(ix, earlier);
            return;
        }
        let proposal = match self.spec.mode {
            Mode::Fresh => Proposal::Execute(None),
            Mode::Adaptive => self.adaptive(ix),
            Mode::Strict => self.strict(ix),
        };
        let proposal = self.weigh_effect(ix, proposal);
        self.propose(ix, proposal);
    }

    fn propose(&mut self, ix: NodeIx, proposal: Proposal) {
        if let Some(proposal) = self.holds_before(ix, proposal) {
            self.act(ix, proposal);
        }
    }

    /// Does what was proposed.
    pub(super) fn act(&mut self, ix: NodeIx, proposal: Proposal) {
        match proposal {
            Proposal::Execute(reason) => self.execute(ix, reason),
            Proposal::InDoubt(origin, reason) => self.in_doubt(ix, &origin, reason),
            Proposal::Again(proposal, fired) => self.refuse_effect(ix, proposal.reason(), &fired),
            Proposal::Skipped(output) => {
                self.ask_event(ix, Some(SKIPPED.to_owned()));
                match output {
                    Some(value) => self.edited(ix, value),
                    None => self.output_by_hand(ix, &serde_json::Value::Null, None),
                }
            }
            Proposal::Edited(edit, was) => {
                self.ask_event(ix, Some(edit.reason()));
                self.apply_edit(ix, *edit, was);
            }
            Proposal::Serve(hit, drifted) => {
                let text = drifted.then(|| {
                    format!(
                        "{}: the arguments differ from those of the recorded call; strict replay serves its output all the same",
                        self.function_name(self.nodes[ix].func)
                    )
                });
                if drifted {
                    // What answers another question answers no replay of this one.
                    self.nodes[ix].key = hit.key;
                }
                self.serve(ix, *hit);
                if let Some(text) = text {
                    let no = self.nodes[ix].no;
                    self.notice(no, Level::Warning, text);
                }
            }
        }
    }

    fn adaptive(&mut self, ix: NodeIx) -> Proposal {
        let node = &self.nodes[ix];
        let parent_key = self.nodes[self.caller(ix)].key;
        let wanted = crate::engine::replay::Wanted {
            function: &self.functions[node.func].facts.name,
            key: node.key,
            code: self.functions[node.func].code,
            durable_id: &node.durable_id,
            parent_key,
        };
        if let Some((edit, was)) = self.replay.edit_of(&wanted) {
            return Proposal::Edited(Box::new(edit), was);
        }
        let state = &self.state;
        let found =
            self.replay.find(&wanted, &|key| state.get(key).map(|held| held.digest), &*self.checkpoints);
        match found {
            Ok(hit) => Proposal::Serve(Box::new(hit), false),
            Err(Miss { in_doubt: Some(origin), reason }) => Proposal::InDoubt(origin, reason),
            Err(Miss { reason, .. }) => Proposal::Execute(reason),
        }
    }

    /// The replayed run had started this call and never learnt how it ended.
    fn in_doubt(&mut self, ix: NodeIx, origin: &Origin, reason: Option<String>) {
        match self.spec.in_doubt.clone() {
            InDoubt::Rerun => {
                self.execute(ix, reason);
                let text = format!(
                    "{} had started in run {} and its outcome is not known; it executes again, so a side effect may happen twice",
                    self.function_name(self.nodes[ix].func),
                    origin.run,
                );
                let no = self.nodes[ix].no;
                self.notice(no, Level::Warning, text);
            }
            InDoubt::Fail => {
                self.ask_event(ix, reason);
                let name = self.function_name(self.nodes[ix].func).to_owned();
                let error = ErrorInfo::new(
                    ErrorKind::Cancelled,
                    "InDoubt",
                    format!(
                        "call {} ({name}) had started in run {} and its outcome is not known; decide with --in-doubt rerun or --in-doubt accept=JSON",
                        crate::base::ids::call_id(&origin.run, origin.call),
                        origin.run
                    ),
                );
                self.end_run(RunStatus::Failed, Some(error));
            }
            InDoubt::Accept(json) => {
                self.ask_event(ix, reason);
                self.output_by_hand(ix, &json, None);
            }
        }
    }

    fn strict(&mut self, ix: NodeIx) -> Proposal {
        let Some(recorded) = self.nodes[ix].recorded else { return Proposal::Execute(None) };
        if let Some((edit, was)) = self.replay.edit_at(recorded) {
            return Proposal::Edited(Box::new(edit), was);
        }
        match self.replay.recorded_hit(recorded) {
            Ok(Some(hit)) => {
                let drifted = hit.key != self.nodes[ix].key;
                Proposal::Serve(Box::new(hit), drifted)
            }
            Ok(None) => Proposal::Execute(None),
            Err(Miss { in_doubt: Some(origin), reason }) => Proposal::InDoubt(origin, reason),
            Err(Miss { reason, .. }) => Proposal::Execute(reason),
        }
    }

    /// Strict replay: is this what was recorded at this position? False when the run was ended for it.
    pub(super) fn met(&mut self, ix: NodeIx) -> bool {
        if self.spec.mode != Mode::Strict || !self.nodes[ix].durable {
            return true;
        }
        let parent = self.nodes[ix].parent;
        let Some(recorded_parent) = self.nodes[parent].recorded else { return true };
        let index = self.nodes[parent].scope.matched;
        match self.replay.at_position(recorded_parent, index, &self.nodes[ix].durable_id) {
            Position::Same(recorded) => {
                self.nodes[parent].scope.matched += 1;
                self.nodes[ix].recorded = Some(recorded);
                true
            }
            Position::PastTheEnd => true,
            Position::Other(recorded) => {
                let now = self.describe(ix);
                self.mismatch(format!("the history has {recorded} here, the code now makes {now}"));
                false
            }
        }
    }

    /// Strict replay: a body ended although its history goes on.
    pub(super) fn check_early_end(&mut self, ix: NodeIx) -> bool {
        if self.spec.mode != Mode::Strict {
            return true;
        }
        let Some(recorded) = self.nodes[ix].recorded else { return true };
        let matched = self.nodes[ix].scope.matched;
        let Some(missing) = self.replay.remaining(recorded, matched) else { return true };
        let now = self.describe(ix);
        self.mismatch(format!("the history goes on with {missing}, but {now} ended without making it"));
        false
    }

    fn describe(&self, ix: NodeIx) -> String {
        let node = &self.nodes[ix];
        let what = match node.kind {
            CallKind::Map => "a map over",
            CallKind::Reduce => "a reduce with",
            CallKind::Root | CallKind::Call => "a call of",
        };
        let place = node.site.as_ref().map(|s| format!(" ({}:{})", s.file, s.line)).unwrap_or_default();
        format!("{what} {}{place}", self.function_name(node.func))
    }

    fn mismatch(&mut self, text: String) {
        let error = ErrorInfo::new(ErrorKind::Mismatch, "ReplayMismatch", text);
        self.end_run(RunStatus::Mismatch, Some(error));
    }

    /// Queues a call for execution.
    pub(super) fn execute(&mut self, ix: NodeIx, reason: Option<String>) {
        self.ask_event(ix, reason);
        self.nodes[ix].phase = Phase::Ready;
        self.ready.push_back(ix);
    }

    /// An earlier attempt of the same caller had made this very call: it is not made again.
    fn serve_earlier(&mut self, ix: NodeIx, earlier: NodeIx) {
        match self.nodes[earlier].outcome.clone() {
            _ if !self.nodes[earlier].is_over() => {
                // It still runs, or is being written.
                self.ask_event(ix, Some("goes on from an earlier attempt".to_owned()));
                self.nodes[ix].phase = Phase::Following;
                self.nodes[ix].adopts = Some(earlier);
                self.nodes[earlier].dependents.push(ix);
            }
            Some(Outcome::Value(value)) => {
                self.ask_event(ix, Some("succeeded in an earlier attempt".to_owned()));
                self.served_by(ix, earlier, value);
            }
            Some(Outcome::Error(error)) => {
                self.ask_event(ix, Some("failed in an earlier attempt".to_owned()));
                self.fail(ix, error);
            }
            Some(Outcome::List(_)) | None => self.execute(ix, None),
        }
    }

    /// The call of an earlier attempt that a call stands for is over.
    pub(super) fn adopted_over(&mut self, ix: NodeIx, earlier: NodeIx) {
        if self.nodes[ix].phase != Phase::Following {
            return;
        }
        match self.nodes[earlier].outcome.clone() {
            Some(Outcome::Value(value)) => self.served_by(ix, earlier, value),
            Some(Outcome::Error(error)) => self.fail(ix, error),
            Some(Outcome::List(_)) | None => {
                self.fail(ix, super::asks::internal("an adopted call has no outcome"))
            }
        }
    }

    fn served_by(&mut self, ix: NodeIx, earlier: NodeIx, value: crate::model::ValueRef) {
        let before = &self.nodes[earlier];
        let origin = before.origin.clone().unwrap_or(Origin { run: self.spec.run.clone(), call: before.no });
        let (usage, wall_us, state_reads) =
            (before.usage.clone(), before.wall_us, before.state_reads.clone());
        self.nodes[ix].reads = before.reads.clone();
        self.served(ix, value, origin, usage, wall_us, state_reads);
    }

    /// Serves a checkpoint: its outcome, and the effects that its execution had on the run.
    fn serve(&mut self, ix: NodeIx, hit: Hit) {
        self.read_ahead(&hit);
        // The value must be there before the call is recorded as served: a damaged one counts as absent.
        match self.checkpoints.load(&hit.output) {
            Ok(bytes) => self.nodes[ix].result = Some(bytes),
            Err(error) => {
                self.execute(ix, Some(format!("its checkpoint cannot be read: {error}")));
                return;
            }
        }
        self.served_from = Some((ix, hit.history.clone(), hit.call));
        self.record_served(ix, hit);
    }

    /// Records that a call was served, and repeats what its execution did to the run.
    pub(super) fn record_served(&mut self, ix: NodeIx, hit: Hit) {
        // Recorded with the code that made it: what was accepted can be taken back.
        self.nodes[ix].code = Some(hit.code);
        if let Some(call) = hit.history.call(hit.call) {
            self.tell_served_code(&hit.history, call);
        }
        self.ask_event(ix, hit.reason.clone());
        let numbers = self.record_below(ix, &hit);
        for (key, seen) in &hit.state_reads {
            self.callers_read(ix, key, *seen);
        }
        self.reapply(ix, &hit, &numbers);
        self.nodes[ix].reads = hit.reads;
        self.served(ix, hit.output, hit.origin, hit.usage, hit.wall_us, hit.state_reads);
    }

    /// Recorded calls are mostly asked for in their order: the outputs of the next ones are read together.
    fn read_ahead(&mut self, hit: &Hit) {
        let last = self.served_last.replace((hit.history.id.clone(), hit.call));
        let goes_on =
            last.is_some_and(|(run, no)| run == hit.history.id && (no + 1..no + 9).contains(&hit.call));
        if !goes_on {
            self.ahead_until = 0;
            return;
        }
        if hit.call + AHEAD / 2 < self.ahead_until {
            return;
        }
        let from = self.ahead_until.max(hit.call);
        self.ahead_until = from + AHEAD;
        let values: Vec<&crate::model::ValueRef> = (from..self.ahead_until)
            .filter_map(|no| hit.history.call(no)?.output.as_ref())
            .filter(|value| value.size <= AHEAD_SIZE)
            .collect();
        self.checkpoints.ahead(&values);
    }

    /// Records everything below a served call as served, too: every run's record is complete in itself.
    ///
    /// Returns the new numbers by the recorded ones.
    fn record_below(&mut self, ix: NodeIx, hit: &Hit) -> HashMap<CallNo, CallNo> {
        let history = &hit.history;
        let top = made_at(history, hit.call);
        let mut numbers: HashMap<CallNo, CallNo> =
            [(hit.call, self.nodes[ix].no), (top, self.nodes[ix].no)].into_iter().collect();
        // Pushed in reverse, so that calls are numbered in the order in which they were asked for.
        let mut stack: Vec<(CallNo, bool)> = below(history, top).rev().map(|no| (no, false)).collect();
        while let Some((old, entered)) = stack.pop() {
            let Some(call) = history.call(old) else { continue };
            if entered {
                self.emit(EventKind::CallEnded(Box::new(CallEnded {
                    no: numbers.get(&old).copied().unwrap_or_default(),
                    status: CallStatus::Cached,
                    wall_us: call.wall_us,
                    output: call.output.clone(),
                    error: None,
                    origin: call.is_call().then(|| {
                        call.origin.clone().unwrap_or(Origin { run: history.id.clone(), call: old })
                    }),
                    usage: call.usage.clone(),
                    state_reads: call.state_reads.clone(),
                    reads: call.reads.clone(),
                })));
                continue;
            }
            self.tell_served_code(history, call);
            let no = self.recorder.next_call();
            self.by_no.push(ix);
            numbers.insert(old, no);
            self.emit(EventKind::CallAsked(Box::new(CallAsked {
                no,
                parent: numbers.get(&call.parent).copied().unwrap_or_default(),
                parent_attempt: 0,
                kind: call.kind,
                function: call.function.clone(),
                ordinal: call.ordinal,
                key: call.key,
                code: call.code,
                durable_id: call.durable_id,
                durable: call.durable,
                input: call.input.clone(),
                site: call.site.clone(),
                reason: self.replay.said_below(call),
                effect: call.effect,
                pickled: call.pickled,
            })));
            stack.push((old, true));
            let made = made_at(history, old);
            numbers.insert(made, no);
            stack.extend(below(history, made).rev().map(|child| (child, false)));
        }
        numbers
    }

    fn served(
        &mut self,
        ix: NodeIx,
        output: crate::model::ValueRef,
        origin: Origin,
        usage: Option<crate::model::Usage>,
        wall_us: i64,
        state_reads: Vec<(String, Option<crate::base::digest::Digest>)>,
    ) {
        let no = self.nodes[ix].no;
        self.emit(EventKind::CallEnded(Box::new(CallEnded {
            no,
            status: CallStatus::Cached,
            wall_us,
            output: Some(output.clone()),
            error: None,
            origin: Some(origin.clone()),
            usage: usage.clone(),
            state_reads: state_reads.clone(),
            reads: self.nodes[ix].reads.clone(),
        })));
        let node = &mut self.nodes[ix];
        node.outcome = Some(Outcome::Value(output));
        node.origin = Some(origin);
        node.usage = usage;
        node.wall_us = wall_us;
        node.state_reads = state_reads;
        self.over(ix);
    }
}
