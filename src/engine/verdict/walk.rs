//! A replay that executes nothing: every recorded call is asked for again, in the recorded order, and the rules of
//! reuse say which would be served. What follows from that for the calls around it is said here.
//!
//! The recorded course is what is known. A call that executes may return something else, so what was asked for after
//! it ended counts as [`Fate::After`]: served if it is asked for again, which nobody can promise. What was asked
//! for before that could not depend on it. Two causes are kept apart: edits, and what would execute anyway.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::engine::checkpoints::Checkpoints;
use crate::engine::replay::{Hit, OwnChange, Replay, Wanted, below};
use crate::model::verdict::{CallVerdict, Fate};
use crate::model::{Call, CallKind, Origin, RunHistory};

/// What the walk found.
pub struct Walked {
    /// Of each call by number.
    pub calls: Vec<Option<CallVerdict>>,
    /// What changed of calls themselves, edited ones and others that execute.
    pub changes: HashMap<CallNo, OwnChange>,
}

/// The first call that makes the course uncertain, and from when on.
#[derive(Clone, Copy)]
struct Doubt {
    because: CallNo,
    from: Micros,
}

/// Doubts of the two kinds: from edits, and others.
#[derive(Clone, Copy, Default)]
struct Course {
    edit: Option<Doubt>,
    rest: Option<Doubt>,
}

impl Course {
    fn add(&mut self, by_edit: bool, doubt: Doubt) {
        let slot = if by_edit { &mut self.edit } else { &mut self.rest };
        if slot.is_none_or(|held| doubt.from < held.from) {
            *slot = Some(doubt);
        }
    }

    /// What of it concerns something that was asked for then.
    fn at(self, asked: Micros) -> Course {
        let concerns = |doubt: &Doubt| doubt.from <= asked;
        Course { edit: self.edit.filter(concerns), rest: self.rest.filter(concerns) }
    }
}

/// A node whose children are being asked for.
struct Frame {
    no: CallNo,
    fate: Option<Fate>,
    reason: Option<String>,
    children: Vec<CallNo>,
    next: usize,
    course: Course,
    entered: Course,
    edit_below: Option<CallNo>,
    rest_below: Option<CallNo>,
    /// A call below whose own checkpoint does not hold, but another run's does.
    elsewhere: Option<CallNo>,
}

/// What asking for a node led to.
enum Visit {
    /// It is served, from its own checkpoint.
    Held,
    /// It is served from another one, with the doubt that follows when that returned something else.
    Elsewhere(Option<Doubt>),
    /// Its children are asked for.
    Executes(Box<Frame>),
}

struct Walk<'a> {
    replay: &'a mut Replay,
    base: &'a Arc<RunHistory>,
    codes: &'a HashMap<String, Digest>,
    checkpoints: &'a dyn Checkpoints,
    /// Calls that are to have other outputs.
    edits: &'a HashSet<CallNo>,
    out: Walked,
    /// Request state as it was set by the calls before.
    state: HashMap<String, Digest>,
    set: usize,
}

/// Walks through `base`. `replay` is a new adaptive replay of it that knows today's `codes`; calls in `edits` get other
/// outputs than they had.
pub fn walk(
    replay: &mut Replay,
    base: &Arc<RunHistory>,
    codes: &HashMap<String, Digest>,
    checkpoints: &dyn Checkpoints,
    edits: &HashSet<CallNo>,
) -> Walked {
    let mut keys: HashMap<&str, Vec<Digest>> = HashMap::new();
    for call in base.calls.iter().filter(|call| call.is_call() && call.durable) {
        keys.entry(&call.function).or_default().push(call.key);
    }
    for (function, keys) in keys {
        if let Some(code) = codes.get(function) {
            replay.prefetch(function, code, &keys, checkpoints);
        }
    }
    let out = Walked { calls: vec![None; base.calls.len()], changes: HashMap::new() };
    let mut walk = Walk { replay, base, codes, checkpoints, edits, out, state: HashMap::new(), set: 0 };
    let mut stack: Vec<Frame> = match walk.visit(1, Course::default()) {
        Visit::Executes(frame) => vec![*frame],
        _ => vec![],
    };
    while let Some(frame) = stack.last_mut() {
        if let Some(&child) = frame.children.get(frame.next) {
            frame.next += 1;
            let asked = base.call(child).map_or(Micros::MIN, |call| call.asked_at);
            // The items of a map are asked for at once: none depends on another.
            let course = if is_map(base, frame.no) { frame.entered } else { frame.course.at(asked) };
            match walk.visit(child, course) {
                Visit::Held => {}
                Visit::Elsewhere(doubt) => {
                    frame.elsewhere = frame.elsewhere.or(Some(child));
                    if let Some(doubt) = doubt {
                        frame.course.add(true, doubt);
                    }
                }
                Visit::Executes(frame) => stack.push(*frame),
            }
            continue;
        }
        let Some(frame) = stack.pop() else { break };
        let verdict = walk.leave(&frame);
        if let Some(parent) = stack.last_mut() {
            let executes = verdict.fate.executes();
            let from = ended(base, frame.no);
            let edits =
                frame.edit_below.or((verdict.fate == Fate::Edited).then_some(frame.no)).or(frame.elsewhere);
            let rest = matches!(verdict.fate, Fate::Live | Fate::Unfinished);
            parent.edit_below = parent.edit_below.or(edits);
            parent.rest_below = parent.rest_below.or(frame.rest_below).or(rest.then_some(frame.no));
            if executes {
                let because = match verdict.fate {
                    Fate::Caller => verdict.because.unwrap_or(frame.no),
                    _ => frame.no,
                };
                parent.course.add(verdict.by_edit, Doubt { because, from });
            } else {
                // A map of which only later items are uncertain.
                parent.course.edit = parent.course.edit.or(frame.course.edit);
                parent.course.rest = parent.course.rest.or(frame.course.rest);
            }
        }
    }
    walk.out
}

/// When a node's outcome was known. Never: nothing recorded depends on it.
fn ended(base: &RunHistory, no: CallNo) -> Micros {
    let own = base.call(no).and_then(|call| call.ended_at);
    let below = || base.children(no).iter().filter_map(|child| base.call(*child)?.ended_at).max();
    own.or_else(below).unwrap_or(Micros::MAX)
}

fn is_map(base: &RunHistory, no: CallNo) -> bool {
    base.call(no).is_some_and(|call| call.kind == CallKind::Map)
}

impl Walk<'_> {
    /// Asks for a node.
    fn visit(&mut self, no: CallNo, course: Course) -> Visit {
        let base = self.base.clone();
        let Some(call) = base.call(no) else { return Visit::Held };
        let children: Vec<CallNo> = below(&base, no).collect();
        let mut frame = Frame {
            no,
            fate: None,
            reason: None,
            children,
            next: 0,
            course,
            entered: course,
            edit_below: None,
            rest_below: None,
            elsewhere: None,
        };
        if !call.is_call() {
            return Visit::Executes(Box::new(frame));
        }
        if self.edits.contains(&no) {
            // Nothing of it executes, and who asked for it gets something else.
            self.holds(no, course, Some("its output is edited".to_owned()), false);
            return Visit::Elsewhere(Some(Doubt { because: no, from: ended(&base, no) }));
        }
        let found = self.find(&base, call);
        match found {
            Ok(hit) => {
                let own = call.origin.clone().unwrap_or(Origin { run: base.id.clone(), call: no });
                let same = call.output.as_ref().is_some_and(|output| output.digest == hit.output.digest);
                self.holds(no, course, hit.reason, hit.history.id != base.id);
                if hit.origin == own {
                    return Visit::Held;
                }
                // What changed since is told, though another run has an answer.
                let change = self.replay.own_change(&base, call);
                self.out.changes.extend(change.map(|change| (no, change)));
                Visit::Elsewhere((!same).then_some(Doubt { because: no, from: ended(&base, no) }))
            }
            Err(reason) => {
                let change = self.replay.own_change(&base, call);
                let fate = if !call.durable {
                    Some(Fate::Live)
                } else if !call.status.has_output() {
                    Some(Fate::Unfinished)
                } else if change.is_some() {
                    Some(Fate::Edited)
                } else {
                    None
                };
                self.out.changes.extend(change.map(|change| (no, change)));
                // Its body may do something else from its first line.
                match fate {
                    Some(Fate::Edited) => frame.course.add(true, Doubt { because: no, from: Micros::MIN }),
                    Some(Fate::Live) => frame.course.add(false, Doubt { because: no, from: Micros::MIN }),
                    _ => {}
                }
                frame.fate = fate;
                frame.reason = reason;
                Visit::Executes(Box::new(frame))
            }
        }
    }

    /// The checkpoint that would answer, or why there is none.
    fn find(&mut self, base: &RunHistory, call: &Call) -> Result<Hit, Option<String>> {
        let Some(code) = self.codes.get(&call.function).filter(|_| call.durable) else { return Err(None) };
        let caller = caller(base, call);
        let durable_id = if call.kind == CallKind::Root {
            crate::engine::replay::ROOT.to_owned()
        } else {
            call.durable_id.hex()
        };
        let wanted = Wanted {
            function: &call.function,
            key: call.key,
            code: *code,
            durable_id: &durable_id,
            parent_key: caller.map_or(call.key, |caller| caller.key),
        };
        while let Some(change) = base.state.get(self.set).filter(|change| change.call < call.no) {
            self.state.insert(change.key.clone(), change.value.digest);
            self.set += 1;
        }
        // What it read itself is what it would read again; others may have read more.
        let state = |key: &str| match call.state_reads.iter().find(|(read, _)| read == key) {
            Some((_, seen)) => *seen,
            None => self.state.get(key).copied(),
        };
        self.replay.find(&wanted, &state, self.checkpoints).map_err(|miss| miss.reason)
    }

    /// A call that is served whole: so is what is below it.
    fn holds(&mut self, no: CallNo, course: Course, reason: Option<String>, elsewhere: bool) {
        let doubt = course.edit.or(course.rest);
        let fate = if doubt.is_some() { Fate::After } else { Fate::Holds };
        let verdict = CallVerdict {
            fate,
            by_edit: course.edit.is_some(),
            because: doubt.map(|doubt| doubt.because),
            reason: None,
            elsewhere,
        };
        let mut stack: Vec<CallNo> = below(self.base, no).collect();
        while let Some(at) = stack.pop() {
            self.put(at, verdict.clone());
            stack.extend(below(self.base, at));
        }
        self.put(no, CallVerdict { reason, ..verdict });
    }

    fn leave(&mut self, frame: &Frame) -> CallVerdict {
        let anyway = frame.rest_below.is_some();
        let caller = |because: CallNo| (Fate::Caller, Some(because));
        let edit_below = frame.edit_below.or(frame.elsewhere);
        let broken = frame.rest_below.or(edit_below);
        let is_call = self.base.call(frame.no).is_some_and(Call::is_call);
        let (fate, because) = match (frame.fate, broken) {
            (Some(fate), _) => (fate, None),
            (None, Some(because)) => caller(because),
            // Something that is not a matter of edits keeps its checkpoint from being used: the reason says what.
            (None, None) if is_call => (Fate::Unfinished, None),
            (None, None) => match frame.entered.edit.or(frame.entered.rest) {
                Some(doubt) => (Fate::After, Some(doubt.because)),
                None => (Fate::Holds, None),
            },
        };
        let by_edit = match fate {
            Fate::Edited => !anyway,
            Fate::Caller => edit_below.is_some() && !anyway,
            Fate::After => frame.entered.edit.is_some(),
            Fate::Holds | Fate::Live | Fate::Unfinished => false,
        };
        let reason = frame.reason.clone().filter(|_| matches!(fate, Fate::Edited | Fate::Unfinished));
        let verdict = CallVerdict { fate, by_edit, because, reason, elsewhere: false };
        self.put(frame.no, verdict.clone());
        verdict
    }

    fn put(&mut self, no: CallNo, verdict: CallVerdict) {
        if let Some(slot) = (no as usize).checked_sub(1).and_then(|at| self.out.calls.get_mut(at)) {
            *slot = Some(verdict);
        }
    }
}

/// The call whose body made this one.
fn caller<'a>(base: &'a RunHistory, call: &Call) -> Option<&'a Call> {
    let mut at = base.call(call.parent)?;
    while !at.is_call() {
        at = base.call(at.parent)?;
    }
    Some(at)
}
