//! Questions to workers about calls that wait at the gate: the frames of their callers, and outputs to be evaluated.
//!
//! Invariants: nothing is asked unless somebody wants to know. A question changes nothing of the run: what it brings is
//! shown, or is an answer at the gate. A worker that fails, is gone or takes too long leaves the call where it is.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Core;
use super::gate::Held;
use super::messages::Action;
use super::node::{Asker, ConnId, NodeIx, Outcome, Phase};
use crate::base::clock::Micros;
use crate::base::ids::CallNo;
use crate::engine::step::{GateEvent, Moment};
use crate::engine::{frames, values};
use crate::model::frames::Stack;
use crate::model::{ErrorInfo, ErrorKind};
use crate::proto::message::{Evaluation, ToWorker};

/// How long a worker may take to tell its frames: they are read in an instant, unless other code keeps the
/// interpreter.
const FRAMES: Micros = 2_000_000;

/// Seconds that an expression may take where its function has no limit.
const PATIENCE: f64 = 300.0;

/// What workers were asked and have not answered.
#[derive(Debug, Default)]
pub(super) struct Questions {
    last: u64,
    frames: BTreeMap<u64, FramesAsked>,
    outputs: BTreeMap<u64, OutputAsked>,
}

/// The stacks of the callers of a call.
#[derive(Debug)]
struct FramesAsked {
    call: CallNo,
    /// From its caller outwards, each with what is known of it.
    chain: Vec<(CallNo, Vec<Stack>)>,
    /// Who has not answered.
    waits: Vec<ConnId>,
    due: Micros,
}

/// The output of a call, as an expression.
#[derive(Debug)]
struct OutputAsked {
    call: CallNo,
    ix: NodeIx,
    conn: ConnId,
    expr: String,
    any_type: bool,
    due: Micros,
}

impl Questions {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether the output of a call is being evaluated.
    pub(super) fn evaluates(&self, call: CallNo) -> bool {
        self.outputs.values().any(|asked| asked.call == call)
    }

    fn due(&self) -> Option<Micros> {
        let frames = self.frames.values().map(|asked| asked.due);
        frames.chain(self.outputs.values().map(|asked| asked.due)).min()
    }
}

impl Core {
    /// When a question has waited long enough.
    pub(super) fn questions_due(&self) -> Option<Micros> {
        self.gate.as_ref()?.questions.due()
    }

    fn questions(&mut self) -> Option<&mut Questions> {
        self.gate.as_mut().map(|gate| &mut gate.questions)
    }

    /// Asks for the frames of the bodies in which a call that waits was made.
    pub(super) fn ask_frames(&mut self, call: CallNo) {
        let Some(ix) = self.gate.as_ref().and_then(|gate| gate.held.get(&call)).map(|held| held.ix) else {
            self.refuse(call, "it does not wait at the gate");
            return;
        };
        let mut chain = Vec::new();
        let mut asked: BTreeMap<ConnId, Vec<(CallNo, u32, u64)>> = BTreeMap::new();
        let mut at = ix;
        while at != 0 {
            // What its caller waits for is the call, or the map or reduce that it belongs to.
            let asker = match self.nodes[at].asker {
                Asker::Operation { op, .. } => self.nodes[op].asker,
                other => other,
            };
            at = self.caller(at);
            let node = &self.nodes[at];
            if node.is_operation() {
                break;
            }
            let stacks = match (node.phase, asker) {
                (Phase::Running { conn }, asker) => {
                    let request = match asker {
                        Asker::Request { conn: of, id } if of == conn => id,
                        _ => 0,
                    };
                    asked.entry(conn).or_default().push((node.no, node.attempt, request));
                    Vec::new()
                }
                (Phase::Following, _) => {
                    vec![Stack::none(node.no, "it has returned: what it called gives its result")]
                }
                _ => vec![Stack::none(node.no, "its body does not run")],
            };
            chain.push((node.no, stacks));
        }
        let due = self.now() + FRAMES;
        let Some(questions) = self.questions() else { return };
        let id = questions.next();
        let waits = asked.keys().copied().collect();
        questions.frames.insert(id, FramesAsked { call, chain, waits, due });
        for (conn, calls) in asked {
            self.send(conn, ToWorker::Frames { id, calls }, vec![]);
        }
        self.frames_known(id, false);
    }

    /// A worker has told its frames.
    pub(super) fn frames_told(&mut self, conn: ConnId, id: u64, blob: &Bytes) {
        let told = frames::read(blob, self.recorder.packer.redactor());
        let Some(asked) = self.questions().and_then(|questions| questions.frames.get_mut(&id)) else {
            return;
        };
        asked.waits.retain(|waits| *waits != conn);
        match told {
            Ok(stacks) => {
                for stack in stacks {
                    if let Some((_, known)) = asked.chain.iter_mut().find(|(no, _)| *no == stack.call) {
                        known.push(stack);
                    }
                }
            }
            Err(why) => {
                for (no, known) in asked.chain.iter_mut().filter(|(_, known)| known.is_empty()) {
                    known.push(Stack::none(*no, why.clone()));
                }
            }
        }
        self.frames_known(id, false);
    }

    /// Tells whoever asked, as soon as nobody is waited for.
    fn frames_known(&mut self, id: u64, late: bool) {
        let Some(questions) = self.questions() else { return };
        if !late && questions.frames.get(&id).is_none_or(|asked| !asked.waits.is_empty()) {
            return;
        }
        let Some(asked) = questions.frames.remove(&id) else { return };
        let why = "its worker does not answer: it executes code that keeps the interpreter, or is gone";
        let stacks = asked.chain.into_iter().flat_map(|(no, known)| match known.is_empty() {
            true => vec![Stack::none(no, why)],
            false => known,
        });
        let stacks = stacks.collect();
        self.actions.push(Action::Gate(GateEvent::Frames { call: asked.call, stacks }));
    }

    /// Has an output evaluated in a worker that could execute the call.
    pub(super) fn ask_output(&mut self, call: CallNo, expr: String, any_type: bool) {
        let Some(held) = self.gate.as_ref().and_then(|gate| gate.held.get(&call)) else { return };
        let ix = held.ix;
        let output = self.would_give(held).and_then(|value| self.load(&value).ok());
        let avoid = self.hosts_of_ancestors(ix);
        let ready = self.workers.values().filter(|worker| !worker.draining);
        let ready = ready.filter_map(|worker| Some((worker.conn?, worker.hosts.len())));
        let Some((conn, _)) = ready.min_by_key(|(conn, hosts)| (avoid.contains(conn), *hosts)) else {
            self.refuse_output(call, "no worker is ready to evaluate it; try again in a moment");
            return;
        };
        self.forget_output(call);
        let node = &self.nodes[ix];
        let facts = &self.functions[node.func].facts;
        let due = self.now() + (self.patience(ix) * 1e6) as Micros;
        let mut blobs = node.args.clone();
        let evaluation = Evaluation {
            call,
            r#fn: facts.name.clone(),
            app: self.spec.app.clone(),
            expr: expr.clone(),
            deps: node.dep_names.clone(),
            map: node.map_param.clone(),
            input: if node.json { "json" } else { "pickle" },
            output: output.is_some(),
            request: self.spec.run.as_str().to_owned(),
        };
        blobs.extend(output);
        let Some(questions) = self.questions() else { return };
        let id = questions.next();
        questions.outputs.insert(id, OutputAsked { call, ix, conn, expr, any_type, due });
        self.send(conn, ToWorker::Evaluate { id, evaluation }, blobs);
    }

    /// Seconds that an expression may take in place of a call: those of its function, when that has a limit.
    fn patience(&self, ix: NodeIx) -> f64 {
        let timeout = self.functions[self.nodes[ix].func].facts.timeout;
        if timeout.is_finite() && timeout > 0.0 { timeout } else { PATIENCE }
    }

    /// What a call that waits would give, or gave.
    pub(super) fn would_give(&self, held: &Held) -> Option<crate::model::ValueRef> {
        let offered = || match &self.nodes[held.ix].outcome {
            Some(Outcome::Value(value)) => Some(value.clone()),
            _ => None,
        };
        held.proposal.as_ref().and_then(super::decide::Proposal::output).or_else(offered)
    }

    /// An expression was evaluated, or could not be.
    pub(super) fn output_evaluated(
        &mut self,
        conn: ConnId,
        id: u64,
        error: Option<ErrorInfo>,
        blob: Option<Bytes>,
    ) {
        let Some(questions) = self.questions() else { return };
        if questions.outputs.get(&id).is_none_or(|asked| asked.conn != conn) {
            return;
        }
        let Some(asked) = questions.outputs.remove(&id) else { return };
        let why = match (&error, &blob) {
            (Some(error), _) => Some(format!("it failed: {}", self.recorder.shown(error.clone()).headline())),
            (None, None) => Some("it gave nothing".to_owned()),
            (None, Some(blob)) if !asked.any_type => {
                let held = self.gate.as_ref().and_then(|gate| gate.held.get(&asked.call));
                let recorded = held.and_then(|held| self.recorded_output(held));
                recorded.and_then(|recorded| values::fits_pickled(&recorded, blob).err())
            }
            _ => None,
        };
        match (why, blob) {
            (None, Some(blob)) => self.take_evaluated(asked, &blob),
            (why, _) => self.refuse_output(asked.call, why.unwrap_or_default()),
        }
    }

    fn take_evaluated(&mut self, asked: OutputAsked, blob: &Bytes) {
        let packer = &self.recorder.packer;
        let packed = match self.nodes[asked.ix].json {
            true => packer.json_text(blob),
            false => Ok(packer.output(blob)),
        };
        let ready = match packed {
            Ok((ready, _)) => ready,
            Err(why) => return self.refuse_output(asked.call, why),
        };
        let Some(held) = self.gate.as_mut().and_then(|gate| gate.held.remove(&asked.call)) else { return };
        let was = self.would_give(&held);
        self.actions.push(Action::Gate(GateEvent::Left { call: asked.call }));
        if held.moment == Moment::Before {
            self.nodes[asked.ix].phase = Phase::Waiting;
        }
        if let Some(proposal) = &held.proposal {
            self.give_back(proposal);
        }
        self.supplied(asked.ix, ready, was, Some(asked.expr));
    }

    /// A call does not wait any more: what is evaluated for it is given up.
    pub(super) fn forget_output(&mut self, call: CallNo) {
        let Some(questions) = self.questions() else { return };
        let found = questions.outputs.iter().find(|(_, asked)| asked.call == call).map(|(id, _)| *id);
        if let Some(asked) = found.and_then(|id| questions.outputs.remove(&id)) {
            self.send(asked.conn, ToWorker::Interrupt { call, attempt: 0, why: "cancelled" }, vec![]);
        }
    }

    /// A worker is gone: nobody waits for its answers.
    pub(super) fn questions_lost(&mut self, conn: ConnId, why: &str) {
        let Some(questions) = self.questions() else { return };
        let mut known = Vec::new();
        for (id, asked) in &mut questions.frames {
            asked.waits.retain(|waits| *waits != conn);
            known.push(*id);
        }
        let lost = questions.outputs.extract_if(.., |_, asked| asked.conn == conn);
        let lost: Vec<CallNo> = lost.map(|(_, asked)| asked.call).collect();
        known.into_iter().for_each(|id| self.frames_known(id, false));
        for call in lost {
            self.refuse_output(call, format!("the worker {why} while it evaluated the expression"));
        }
    }

    /// Whoever has not answered in time is not waited for.
    pub(super) fn questions_expired(&mut self) {
        let now = self.now();
        let Some(questions) = self.questions() else { return };
        let late: Vec<u64> =
            questions.frames.iter().filter(|(_, asked)| asked.due <= now).map(|(id, _)| *id).collect();
        let outputs: Vec<OutputAsked> =
            questions.outputs.extract_if(.., |_, asked| asked.due <= now).map(|(_, asked)| asked).collect();
        late.into_iter().for_each(|id| self.frames_known(id, true));
        for asked in outputs {
            let call = asked.call;
            self.send(asked.conn, ToWorker::Interrupt { call, attempt: 0, why: "timeout" }, vec![]);
            let seconds = self.patience(asked.ix);
            let text = format!("the expression did not end within the timeout of its function, {seconds} s");
            self.refuse_output(call, ErrorInfo::new(ErrorKind::Timeout, "TimeoutError", text).headline());
        }
    }
}
