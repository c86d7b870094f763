//! The gate of step mode: calls and outcomes wait here until somebody says what is to become of them.
//!
//! Invariants: nothing waits when there is no stepper; an outcome that waits was written before it was shown; what a
//! person answered is written before it has consequences.

use std::collections::BTreeMap;

use super::decide::Proposal;
use super::look::Questions;
use super::messages::Action;
use super::node::{FuncIx, NodeIx, Outcome, Phase};
use super::{Core, Effects, Stopping};
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::engine::recorder::Then;
use crate::engine::replay::Hit;
use crate::engine::step::{
    Answer, Ask, Expected, GateEvent, Moment, Passing, Proposed, StepCommand, Stepper,
};
use crate::engine::values;
use crate::model::event::AnswerKind;
use crate::model::fork::Edit;
use crate::model::{Call, CallKind, ErrorInfo, ErrorKind, Event, EventKind, RunHistory};

/// Why a call waits that nobody wanted to stop at.
const AGAIN: &str = "its effect would happen again";

/// A call that waits.
pub(super) struct Held {
    pub(super) ix: NodeIx,
    pub(super) moment: Moment,
    /// Before: what would happen.
    pub(super) proposal: Option<Proposal>,
}

/// The gate of a run that is stepped through.
pub(super) struct Gate {
    stepper: Stepper,
    /// The run so far, for filters and for what lies below what.
    run: RunHistory,
    pub(super) held: BTreeMap<CallNo, Held>,
    /// What workers were asked about them.
    pub(super) questions: Questions,
    /// Nobody answers any more.
    detached: bool,
}

impl Gate {
    pub(super) fn new(stepper: Stepper, run: crate::base::ids::RunId) -> Self {
        Gate {
            stepper,
            run: RunHistory::new(run),
            held: BTreeMap::new(),
            questions: Questions::default(),
            detached: false,
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.run.apply(event);
    }
}

impl Core {
    /// Whether a call waits at the gate before it is served or executed.
    pub(super) fn holds_before(&mut self, ix: NodeIx, proposal: Proposal) -> Option<Proposal> {
        if self.gate.is_none() {
            return Some(proposal);
        }
        self.ask_event(ix, proposal.reason());
        let executes = matches!(proposal, Proposal::Execute(_) | Proposal::InDoubt(..) | Proposal::Again(..));
        let again = matches!(proposal, Proposal::Again(..)) && self.spec.effects == Effects::Ask;
        let stops = match self.stops(ix, Moment::Before, executes) {
            None if again => Some(Some(AGAIN.to_owned())),
            stops => stops,
        };
        let Some(stopped_by) = stops else { return Some(self.enter_if_sought(ix, proposal)) };
        let proposed = match &proposal {
            Proposal::Serve(hit, _) => Proposed::Serve {
                origin: hit.origin.clone(),
                output: hit.output.clone(),
                reason: hit.reason.clone(),
            },
            Proposal::InDoubt(origin, reason) => {
                Proposed::Execute { reason: reason.clone(), in_doubt: Some(origin.clone()) }
            }
            Proposal::Execute(reason) => Proposed::Execute { reason: reason.clone(), in_doubt: None },
            Proposal::Again(inner, fired) => {
                Proposed::Execute { reason: inner.reason(), in_doubt: fired.doubted() }
            }
            Proposal::Skipped(output) => match output {
                Some(output) => Proposed::Return { output: output.clone() },
                None => Proposed::Edit { edit: Edit::Output(serde_json::Value::Null), was: None },
            },
            Proposal::Edited(edit, was) => Proposed::Edit { edit: edit.as_ref().clone(), was: was.clone() },
        };
        self.nodes[ix].phase = Phase::AtGate;
        self.hold(ix, Moment::Before, Some(proposal), proposed, stopped_by);
        None
    }

    /// Whether calls that are served may go by without being shown; always where nobody steps.
    pub(super) fn gate_lets_some_pass(&self) -> bool {
        self.gate.as_ref().is_none_or(|gate| gate.stepper.lets_some_pass())
    }

    /// Whether a call that its caller will probably make next may be served before it is made: nobody wants to see it.
    /// Before it come `same` calls of its function and `before` nodes that are not recorded yet.
    pub(super) fn passes_unseen(
        &mut self,
        caller: NodeIx,
        recorded: &Call,
        func: FuncIx,
        same: u32,
        hit: &Hit,
        before: CallNo,
    ) -> bool {
        // What is known of a function's code is recorded before its first call, and a filter may ask for it.
        if self.gate.is_some() && !self.is_told(&recorded.function, &hit.code) {
            return false;
        }
        let Some(gate) = self.gate.as_mut() else { return true };
        let node = &self.nodes[caller];
        let expected = Expected {
            no: self.recorder.calls() + before + 1,
            parent: node.no,
            recorded: &hit.history,
            served: hit.call,
        };
        let ordinals = node.scope.ordinals.get(&(func, CallKind::Call)).copied().unwrap_or(0);
        let Gate { stepper, run, .. } = gate.as_mut();
        stepper.passes(run, &expected, || Call {
            parent: node.no,
            parent_attempt: node.attempt,
            ordinal: ordinals + same + 1,
            effect: self.functions[func].facts.effect,
            reason: hit.reason.clone(),
            ..recorded.pending()
        })
    }

    /// A call that would be served whole is executed when the run is to stop somewhere below it: what it calls is
    /// served in its place.
    fn enter_if_sought(&mut self, ix: NodeIx, proposal: Proposal) -> Proposal {
        let Some(gate) = &self.gate else { return proposal };
        match proposal {
            Proposal::Serve(hit, _) if gate.stepper.enters(&hit.history, hit.call, self.nodes[ix].no) => {
                self.enter(&hit)
            }
            other => other,
        }
    }

    fn enter(&mut self, hit: &Hit) -> Proposal {
        self.replay.release(hit);
        Proposal::Execute(Some("stepped into".to_owned()))
    }

    /// Whether an outcome that is on disk waits at the gate before its asker gets it.
    pub(super) fn holds_after(&mut self, ix: NodeIx) -> bool {
        if self.gate.is_none() || self.nodes[ix].offered.is_none() {
            return false;
        }
        let Some(stopped_by) = self.stops(ix, Moment::After, true) else { return false };
        let proposed = match &self.nodes[ix].outcome {
            Some(Outcome::Value(output)) => Proposed::Return { output: output.clone() },
            Some(Outcome::Error(error)) => Proposed::Raise { error: self.recorder.shown(error.clone()) },
            Some(Outcome::List(_)) | None => return false,
        };
        self.nodes[ix].phase = Phase::AtGate;
        self.hold(ix, Moment::After, None, proposed, stopped_by);
        true
    }

    fn stops(&mut self, ix: NodeIx, moment: Moment, executes: bool) -> Option<Option<String>> {
        let now = self.now();
        let node = &self.nodes[ix];
        let failed = moment == Moment::After && matches!(node.outcome, Some(Outcome::Error(_)));
        let effect = self.functions[node.func].facts.effect;
        let call = node.no;
        let gate = self.gate.as_mut()?;
        let Gate { stepper, run, .. } = gate.as_mut();
        stepper.stops(&Passing { run, call, moment, executes, failed, effect, now })
    }

    fn hold(
        &mut self,
        ix: NodeIx,
        moment: Moment,
        proposal: Option<Proposal>,
        proposed: Proposed,
        stopped_by: Option<String>,
    ) {
        let call = self.nodes[ix].no;
        let effect = self.functions[self.nodes[ix].func].facts.effect;
        let Some(gate) = self.gate.as_mut() else { return };
        gate.held.insert(call, Held { ix, moment, proposal });
        let platform = (moment == Moment::Before).then(|| self.platform_reuses(ix)).flatten();
        let ask = Ask { call, moment, proposed, effect, stopped_by, platform };
        self.actions.push(Action::Gate(GateEvent::Asked(ask)));
        // Written at once: who looks at it may look from another process, and a run that dies here resumes here.
        self.recorder.pending.durable = true;
    }

    /// Whether a result is recorded at the call's durable id, by which alone the platform goes.
    fn platform_reuses(&self, ix: NodeIx) -> Option<bool> {
        let base = self.replay.base().filter(|_| ix != 0)?;
        let node = &self.nodes[ix];
        let Some(id) = Digest::from_hex(&node.durable_id).filter(|_| node.durable) else {
            return Some(false);
        };
        let recorded = base.calls.iter().rev().find(|call| call.durable && call.durable_id == id);
        Some(recorded.is_some_and(|call| call.status.has_output()))
    }

    /// Whether something below a call waits at the gate: then its time stands still.
    pub(super) fn waits_below(&self, ix: NodeIx) -> bool {
        let Some(gate) = &self.gate else { return false };
        let no = self.nodes[ix].no;
        gate.held.keys().any(|held| gate.run.is_within(*held, no))
    }

    /// A person's wish.
    pub(super) fn step(&mut self, command: StepCommand) {
        let Some(gate) = self.gate.as_mut() else { return };
        match command {
            StepCommand::Answer { call, answer } => self.answer_held(call, answer),
            StepCommand::Frames { call } => self.ask_frames(call),
            StepCommand::Go(goal) => {
                gate.stepper.set_goal(goal);
                self.enter_held();
                self.pass_held(|_, _| true);
            }
            StepCommand::LetCall(call) => {
                gate.stepper.let_call(call);
                self.pass_held(|gate, held| gate.run.is_within(held, call));
            }
            StepCommand::LetFunction(name) => {
                gate.stepper.let_function(name.clone());
                self.pass_held(|gate, held| gate.run.call(held).is_some_and(|call| call.function == name));
            }
            StepCommand::Breakpoints(points) => gate.stepper.set_breakpoints(points),
            StepCommand::Budget(budget) => gate.stepper.set_budget(budget),
            StepCommand::Detach => self.detach(),
            StepCommand::Pause => gate.stepper.set_goal(crate::engine::step::Goal::Into),
        }
    }

    /// Nobody answers any more: the run goes on, and ends before an effect that would happen again.
    fn detach(&mut self) {
        self.spec.effects = match self.spec.effects {
            Effects::Ask => Effects::Fail,
            other => other,
        };
        let Some(gate) = self.gate.as_mut() else { return };
        gate.stepper.set_goal(crate::engine::step::Goal::Continue);
        gate.stepper.set_breakpoints(Vec::new());
        gate.detached = true;
        let undecided = gate.held.iter().find(|(call, held)| {
            matches!(held.proposal, Some(Proposal::Again(..))) && !gate.questions.evaluates(**call)
        });
        if let Some(call) = undecided.map(|(call, _)| *call)
            && let Some(held) = gate.held.remove(&call)
            && let Some(proposal) = held.proposal
        {
            self.act(held.ix, proposal);
            return;
        }
        self.pass_held(|_, _| true);
    }

    fn pass_held(&mut self, which: impl Fn(&Gate, CallNo) -> bool) {
        let Some(gate) = &self.gate else { return };
        // An effect that would happen again waits until somebody answers for it alone.
        let decides = |held: &Held| matches!(held.proposal, Some(Proposal::Again(..)));
        // One whose output is being evaluated has its answer.
        let answered = |call: CallNo| gate.questions.evaluates(call);
        let passing = gate.held.iter();
        let passing =
            passing.filter(|(call, held)| which(gate, **call) && !decides(held) && !answered(**call));
        let calls: Vec<CallNo> = passing.map(|(call, _)| *call).collect();
        for call in calls {
            self.answer_held(call, Answer::Go);
        }
    }

    /// What waits and would be served is gone into when that was asked for, or when the run is to stop below it.
    fn enter_held(&mut self) {
        let Some(gate) = self.gate.as_mut() else { return };
        let mut held = std::mem::take(&mut gate.held);
        let stepper = gate.stepper.clone();
        for (call, one) in &mut held {
            let enters = match &one.proposal {
                Some(Proposal::Serve(hit, _)) if stepper.goes_into() => {
                    !hit.history.children(hit.call).is_empty()
                }
                Some(Proposal::Serve(hit, _)) => stepper.enters(&hit.history, hit.call, *call),
                _ => false,
            };
            if enters && let Some(Proposal::Serve(hit, _)) = one.proposal.take() {
                one.proposal = Some(self.enter(&hit));
            }
        }
        if let Some(gate) = self.gate.as_mut() {
            gate.held = held;
        }
    }

    /// The output that was to be evaluated is none: it waits as before, unless nobody answers any more.
    pub(super) fn refuse_output(&mut self, call: CallNo, why: impl Into<String>) {
        self.refuse(call, why);
        if self.gate.as_ref().is_some_and(|gate| gate.detached) {
            self.detach();
        }
    }

    pub(super) fn refuse(&mut self, call: CallNo, why: impl Into<String>) {
        self.actions.push(Action::Gate(GateEvent::Refused { call, why: why.into() }));
    }

    fn answer_held(&mut self, call: CallNo, answer: Answer) {
        if self.gate.as_ref().is_some_and(|gate| gate.held.contains_key(&call)) {
            // It waits until it is known what the expression gives.
            if let Answer::Expression { expr, any_type } = answer {
                self.ask_output(call, expr, any_type);
                return;
            }
        }
        let Some(held) = self.gate.as_mut().and_then(|gate| gate.held.remove(&call)) else {
            self.refuse(call, "it does not wait at the gate");
            return;
        };
        let (ix, moment) = (held.ix, held.moment);
        // What cannot be done leaves the call where it is.
        let why = match (&answer, moment, &held.proposal) {
            (Answer::Serve, _, Some(Proposal::Serve(..) | Proposal::Again(..) | Proposal::Skipped(_))) => {
                None
            }
            (Answer::Serve, ..) => Some("there is no checkpoint to serve; execute it, or give its output"),
            (Answer::Execute | Answer::Arguments { .. }, Moment::After, _) => {
                Some("its body has ended; retry executes it once more")
            }
            (Answer::Retry, Moment::Before, _) => Some("its body has not run; execute runs it"),
            _ => None,
        };
        let marked = || match &answer {
            Answer::Output { value, .. } | Answer::Arguments { value, .. } => values::unmarked(value).err(),
            _ => None,
        };
        let why = why.map(str::to_owned).or_else(marked).or_else(|| match &answer {
            Answer::Output { value, any_type: false } => self.misfit(&held, value),
            Answer::Arguments { value, any_type } => self.misfit_arguments(ix, value, *any_type),
            _ => None,
        });
        if let Some(why) = why {
            if let Some(gate) = self.gate.as_mut() {
                gate.held.insert(call, held);
            }
            self.refuse(call, why);
            return;
        }
        self.forget_output(call);
        self.actions.push(Action::Gate(GateEvent::Left { call }));
        match moment {
            Moment::Before => self.answer_before(ix, held.proposal, answer),
            Moment::After => self.answer_after(ix, answer),
        }
    }

    /// Why this cannot be the output: it has another type than the one that is recorded of the call, or else of others
    /// of its function.
    fn misfit(&self, held: &Held, value: &serde_json::Value) -> Option<String> {
        values::fits(&self.recorded_output(held)?, value).err()
    }

    /// What an output is compared with.
    pub(super) fn recorded_output(&self, held: &Held) -> Option<bytes::Bytes> {
        if self.nodes[held.ix].json {
            return None;
        }
        let own = self.would_give(held);
        let name = &self.functions[self.nodes[held.ix].func].facts.name;
        let recorded = own.or_else(|| {
            let mut calls = self.replay.base()?.calls.iter();
            calls
                .find(|call| call.function == *name && call.is_call() && call.output.is_some())?
                .output
                .clone()
        })?;
        // What cannot be read cannot be compared with.
        self.checkpoints.load(&recorded).ok()
    }

    fn answer_before(&mut self, ix: NodeIx, proposal: Option<Proposal>, answer: Answer) {
        self.nodes[ix].phase = Phase::Waiting;
        let Some(proposal) = proposal else { return };
        let was = proposal.output();
        match answer {
            Answer::Serve => match proposal {
                Proposal::Again(_, fired) => self.act(ix, Proposal::Skipped(fired.output())),
                other => self.act(ix, other),
            },
            Answer::Go | Answer::Retry | Answer::Expression { .. } => match proposal {
                // Somebody has looked at it and said so.
                Proposal::Again(inner, _) => self.execute(ix, inner.reason()),
                other => self.act(ix, other),
            },
            Answer::Execute => {
                if let Proposal::Serve(hit, _) = &proposal {
                    self.replay.release(hit);
                    self.answered(ix, AnswerKind::Execute, was, None);
                }
                self.execute(ix, Some("asked for".to_owned()));
            }
            Answer::Output { value, .. } => {
                self.give_back(&proposal);
                self.output_by_hand(ix, &value, was);
            }
            Answer::Arguments { value, .. } => {
                self.give_back(&proposal);
                self.other_arguments(ix, &value, None);
            }
            Answer::Fail { fault } => {
                self.give_back(&proposal);
                self.answered(ix, AnswerKind::Fail, was, None);
                let error = self.injected(ix, &fault);
                self.nodes[ix].decided = true;
                self.fail(ix, error);
            }
        }
    }

    fn answer_after(&mut self, ix: NodeIx, answer: Answer) {
        let was = match &self.nodes[ix].outcome {
            Some(Outcome::Value(value)) => Some(value.clone()),
            _ => None,
        };
        match answer {
            Answer::Output { value, .. } => self.output_by_hand(ix, &value, was),
            Answer::Fail { fault } => {
                self.answered(ix, AnswerKind::Fail, was, None);
                let error = self.injected(ix, &fault);
                self.nodes[ix].offered = None;
                self.nodes[ix].decided = true;
                self.fail(ix, error);
            }
            Answer::Retry => {
                self.answered(ix, AnswerKind::Retry, was, None);
                self.nodes[ix].offered = None;
                self.nodes[ix].outcome = None;
                self.nodes[ix].result = None;
                let text = "its outcome was not accepted; it executes once more";
                self.next_attempt(ix, ErrorInfo::new(ErrorKind::Cancelled, "Retried", text), false);
            }
            Answer::Go
            | Answer::Serve
            | Answer::Execute
            | Answer::Arguments { .. }
            | Answer::Expression { .. } => self.accept(ix),
        }
    }

    /// The outcome that waited is what the asker gets.
    fn accept(&mut self, ix: NodeIx) {
        if let Some(ended) = self.nodes[ix].offered.take() {
            self.emit(EventKind::CallEnded(ended));
        }
        self.nodes[ix].phase = Phase::Recording;
        // The value is on disk; without its end the call would be taken as offered.
        self.recorder.pending.durable = true;
        self.recorder.pending.then.push(Then::Deliver(ix));
    }

    pub(super) fn give_back(&mut self, proposal: &Proposal) {
        if let Proposal::Serve(hit, _) = proposal {
            self.replay.release(hit);
        }
    }

    /// The run is to stop: what has not begun fails, outcomes that wait are accepted.
    pub(super) fn open_gate(&mut self) {
        let Some(gate) = self.gate.as_mut() else { return };
        let held = std::mem::take(&mut gate.held);
        debug_assert!(self.stopping != Stopping::No);
        for (call, held) in held {
            self.actions.push(Action::Gate(GateEvent::Left { call }));
            match held.moment {
                Moment::Before => self.fail(held.ix, ErrorInfo::cancelled()),
                Moment::After => self.accept(held.ix),
            }
        }
    }

    /// Forgets a call that waits because its caller is gone.
    pub(super) fn leave_gate(&mut self, ix: NodeIx) {
        let call = self.nodes[ix].no;
        if self.gate.as_mut().is_some_and(|gate| gate.held.remove(&call).is_some()) {
            self.forget_output(call);
            self.actions.push(Action::Gate(GateEvent::Left { call }));
        }
    }
}
