//! What people supply: outputs, arguments and failures, at the gate and for forks.
//!
//! Invariant: what was supplied, and what was there before, is an event of the run before it has consequences.

use super::Core;
use super::node::{NodeIx, Outcome, Phase};
use crate::engine::recorder::Then;
use crate::engine::step::Fault;
use crate::engine::values::{self, Ready};
use crate::model::event::{AnswerKind, Answered, CallEnded};
use crate::model::fork::Edit;
use crate::model::{CallStatus, ErrorInfo, ErrorKind, EventKind, Origin, RunStatus, ValueRef};

impl Core {
    /// A call gets what its fork has for it. `was` is what it gave before.
    pub(super) fn apply_edit(&mut self, ix: NodeIx, edit: Edit, was: Option<ValueRef>) {
        match edit {
            Edit::Output(value) => self.output_by_hand(ix, &value, was),
            Edit::Taken(taken) => {
                let now = Some(taken.value.clone());
                self.answered_from(ix, AnswerKind::Output, was, now, Some(taken.from));
                self.edited(ix, taken.value);
            }
            Edit::Arguments(value) => match self.unknown_parameters(ix, &value) {
                None => {
                    let key = self.nodes[ix].key;
                    let before =
                        self.replay.base().and_then(|base| base.calls.iter().find(|call| call.key == key));
                    let before = before.and_then(|call| call.input.clone());
                    self.other_arguments(ix, &value, before);
                }
                Some(why) => {
                    let name = self.function_name(self.nodes[ix].func);
                    let text = format!("the arguments for {name}: {why}");
                    let error = ErrorInfo::new(ErrorKind::SdkUsage, "SDKUsageError", text);
                    self.end_run(RunStatus::Failed, Some(error));
                }
            },
        }
    }

    /// Notes what was answered.
    pub(super) fn answered(
        &mut self,
        ix: NodeIx,
        answer: AnswerKind,
        was: Option<ValueRef>,
        now: Option<ValueRef>,
    ) {
        self.answered_from(ix, answer, was, now, None);
    }

    fn answered_from(
        &mut self,
        ix: NodeIx,
        answer: AnswerKind,
        was: Option<ValueRef>,
        now: Option<ValueRef>,
        from: Option<Origin>,
    ) {
        let no = self.nodes[ix].no;
        self.emit(EventKind::Answered(Box::new(Answered { no, answer, was, now, from, expr: None })));
    }

    /// A call gets an output that somebody wrote.
    pub(super) fn output_by_hand(&mut self, ix: NodeIx, json: &serde_json::Value, was: Option<ValueRef>) {
        let ready = match self.nodes[ix].json {
            true => self.recorder.packer.json_args(json),
            false => self.recorder.packer.json_value(json),
        };
        self.supplied(ix, ready, was, None);
    }

    /// The same with a value that is ready, and the expression that it came from.
    pub(super) fn supplied(&mut self, ix: NodeIx, ready: Ready, was: Option<ValueRef>, expr: Option<String>) {
        let (value, _) = self.recorder.keep(ready);
        let (no, answer, now) = (self.nodes[ix].no, AnswerKind::Output, Some(value.clone()));
        self.emit(EventKind::Answered(Box::new(Answered { no, answer, was, now, from: None, expr })));
        self.edited(ix, value);
    }

    /// Ends a call with an output that its body did not make.
    pub(super) fn edited(&mut self, ix: NodeIx, value: ValueRef) {
        let node = &mut self.nodes[ix];
        node.offered = None;
        node.result = None;
        node.outcome = Some(Outcome::Value(value.clone()));
        node.phase = Phase::Recording;
        let ended = CallEnded::bodiless(node.no, CallStatus::Edited, Some(value), None);
        self.emit(EventKind::CallEnded(Box::new(ended)));
        self.recorder.pending.durable = true;
        self.recorder.pending.then.push(Then::Deliver(ix));
    }

    /// A call gets other arguments, and it is decided anew what becomes of it. `before` are those that it had, where
    /// the call does not know them any more.
    pub(super) fn other_arguments(&mut self, ix: NodeIx, json: &serde_json::Value, before: Option<ValueRef>) {
        let made = if self.nodes[ix].json {
            let ready = self.recorder.packer.json_args(json);
            Ok((bytes::Bytes::from(json.to_string()), ready))
        } else {
            self.recorder.packer.json_arguments(json)
        };
        match made {
            Ok((args, ready)) => {
                let (input, canonical) = self.recorder.keep(ready);
                let node = &mut self.nodes[ix];
                let was = node.input.replace(input.clone()).or(before);
                node.args = vec![args];
                node.map_param = None;
                node.dep_names.clear();
                self.set_key(ix, canonical);
                self.answered(ix, AnswerKind::Arguments, was, Some(input));
                self.decide(ix);
            }
            Err(why) => {
                let error = ErrorInfo::new(ErrorKind::Serialization, "SerializationError", why);
                self.fail(ix, error);
            }
        }
    }

    /// Why these cannot be a call's arguments: names that are no parameters, or missing ones; then, unless any type
    /// will do, other types than the recorded ones have, or than the hints of what is not recorded.
    pub(super) fn misfit_arguments(
        &self,
        ix: NodeIx,
        json: &serde_json::Value,
        any_type: bool,
    ) -> Option<String> {
        if let Some(why) = self.unknown_parameters(ix, json) {
            return Some(why);
        }
        if any_type || self.nodes[ix].json {
            return None;
        }
        let recorded = self.nodes[ix].input.as_ref().and_then(|input| self.checkpoints.load(input).ok());
        let params = &self.functions[self.nodes[ix].func].facts.params;
        values::arguments_fit(recorded.as_ref(), params, json).err()
    }

    fn unknown_parameters(&self, ix: NodeIx, json: &serde_json::Value) -> Option<String> {
        values::parameters_fit(&self.functions[self.nodes[ix].func].facts.params, json).err()
    }

    /// The failure that somebody wants.
    pub(super) fn injected(&self, ix: NodeIx, fault: &Fault) -> ErrorInfo {
        let name = self.function_name(self.nodes[ix].func);
        let message = fault.message.clone().unwrap_or_else(|| format!("{name} was made to fail at the gate"));
        match fault.error.as_deref() {
            Some("request" | "RequestError") => ErrorInfo::new(ErrorKind::Request, "RequestError", message),
            Some("timeout" | "TimeoutError") => ErrorInfo::new(ErrorKind::Timeout, "TimeoutError", message),
            Some(class) => ErrorInfo::new(ErrorKind::Function, class, message),
            None => ErrorInfo::new(ErrorKind::Function, "FunctionError", message),
        }
    }
}
