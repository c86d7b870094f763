//! Why a call executed or was served in a run that is recorded.
//!
//! Compares the call with the recorded one that stands beside it in the replayed run, component by component.

use std::collections::HashMap;
use std::sync::Arc;

use super::pair;
use super::platform;
use super::{
    Cause, Checked, Compared, Explanation, Matched, Platform, Records, Verdict, code, values, witness,
};
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, call_id};
use crate::diff::value::ChangeKind;
use crate::engine::replay::below;
use crate::model::{Call, CallStatus, CodeKnown, FileRead, Mode, Opaque, ReadKind, RunHistory, path};

/// Calls below one that are explained beside it; more of them repeat the same.
const CHILDREN: usize = 3;
/// How deep causes of causes are followed.
const LEVELS: usize = 24;

/// Explains a call of a run.
pub fn explain(run: &RunHistory, no: CallNo, records: &dyn Records) -> Option<Explanation> {
    let call = run.call(no)?;
    let base = run.parent.as_ref().and_then(|parent| records.run(parent));
    let verdict = verdict(call);
    let mut explanation = Explanation {
        run: run.id.clone(),
        no,
        call: call_id(&run.id, no),
        path: path::path(run, no),
        function: call.function.clone(),
        status: call.status,
        verdict,
        reason: call.reason.clone(),
        compared_with: None,
        causes: Vec::new(),
        checked: None,
        opaque: Vec::new(),
        expr: None,
        platform: None,
    };
    match verdict {
        Verdict::Served => {
            explanation.compared_with = origin(run, call, records);
            explanation.checked = Some(checked(run, no, records));
            explanation.opaque = opaque(run, no);
        }
        Verdict::Executed | Verdict::InDoubt => {
            let (causes, compared) = causes(run, call, base.as_ref(), records, 0);
            explanation.causes = causes;
            explanation.compared_with = compared;
            explanation.opaque = opaque(run, no);
        }
        Verdict::Supplied => {
            explanation.expr = call.answers.iter().rev().find_map(|answer| answer.expr.clone());
        }
        _ => {}
    }
    explanation.platform = platform(base.as_deref(), call, &explanation.causes);
    Some(explanation)
}

fn verdict(call: &Call) -> Verdict {
    match call.status {
        _ if !call.is_call() => Verdict::Operation,
        CallStatus::Cached => Verdict::Served,
        CallStatus::Edited => Verdict::Supplied,
        CallStatus::InDoubt => Verdict::InDoubt,
        // Cancelled while it ran, or before.
        CallStatus::Pending | CallStatus::Cancelled if call.attempts == 0 => Verdict::NotReached,
        _ => Verdict::Executed,
    }
}

/// Which calls of a run executed for reasons of their own: not only because one below them did. In order.
pub fn decisive(run: &RunHistory) -> Vec<CallNo> {
    let executed = |no: CallNo| run.call(no).is_some_and(|call| verdict(call) == Verdict::Executed);
    let numbers = 1..=run.calls.len() as CallNo;
    numbers
        .filter(|no| executed(*no))
        .filter(|no| {
            let mut stack: Vec<CallNo> = run.children(*no).to_vec();
            while let Some(at) = stack.pop() {
                if executed(at) {
                    return false;
                }
                stack.extend(run.children(at));
            }
            true
        })
        .collect()
}

fn compared(run: &RunHistory, call: &Call, matched: Matched) -> Compared {
    Compared {
        run: run.id.clone(),
        no: call.no,
        call: call_id(&run.id, call.no),
        path: path::path(run, call.no),
        status: call.status,
        matched,
    }
}

fn origin(run: &RunHistory, call: &Call, records: &dyn Records) -> Option<Compared> {
    let origin = call.origin.as_ref()?;
    if origin.run == run.id {
        return Some(compared(run, run.call(origin.call)?, Matched::Origin));
    }
    let made = records.run(&origin.run)?;
    Some(compared(&made, made.call(origin.call)?, Matched::Origin))
}

/// Why a call executed, and what it was compared with.
fn causes(
    run: &RunHistory,
    call: &Call,
    base: Option<&Arc<RunHistory>>,
    records: &dyn Records,
    level: usize,
) -> (Vec<Cause>, Option<Compared>) {
    if !call.durable {
        return (vec![Cause::NotDurable], None);
    }
    if run.mode == Mode::Fresh {
        return (vec![Cause::Fresh], None);
    }
    let said = || match call.reason.clone() {
        Some(text) => Cause::Said { text },
        None => Cause::New,
    };
    let Some(base) = base.cloned().or_else(|| records.before(run)) else { return (vec![said()], None) };
    let Some((at, matched)) = pair::find(run, call, &base, records) else {
        let text = call.reason.clone().filter(|reason| reason != "new call");
        return (vec![text.map_or(Cause::New, |text| Cause::Said { text })], None);
    };
    let Some(old) = base.call(at) else { return (vec![said()], None) };
    let mut found = Vec::new();
    if call.reason.as_deref() == Some("asked for again") {
        found.push(Cause::AskedAgain);
    }
    if matched == Matched::Key {
        found.extend(outcome(old));
        found.extend(code_cause(&base, old, run, call, records));
        found.extend(witnesses((&base, old), (run, call)));
        if run.mode != Mode::Strict {
            found.extend(children((&base, old), (run, call), records, level));
        }
        if found.is_empty() {
            found.push(match call.reason.as_deref() {
                Some("used already") => Cause::UsedAlready,
                _ => said(),
            });
        }
    } else {
        found.extend(input(old, call, records));
        // Both may have changed; the arguments alone are reason enough, and the code is the next thing to know.
        found.extend(code_cause(&base, old, run, call, records));
    }
    (found, Some(compared(&base, old, matched)))
}

/// Why a recorded call has nothing to serve.
pub(super) fn outcome(old: &Call) -> Option<Cause> {
    match old.status {
        CallStatus::Failed => {
            let error = old.error.as_ref().map(|error| error.headline()).unwrap_or_default();
            Some(Cause::FailedBefore { error })
        }
        CallStatus::InDoubt => Some(Cause::InDoubt),
        CallStatus::Pending | CallStatus::Running | CallStatus::Cancelled => Some(Cause::NotEnded),
        CallStatus::Cached | CallStatus::Fresh | CallStatus::Edited => None,
    }
}

fn input(old: &Call, new: &Call, records: &dyn Records) -> Option<Cause> {
    let (a, b) = (old.input.as_ref()?, new.input.as_ref()?);
    if a.digest == b.digest {
        return Some(Cause::Occurrence);
    }
    let changes = match (records.value(a), records.value(b)) {
        (Ok(a), Ok(b)) => values::differences(&a, &b),
        // A value that cannot be read any more still has its preview.
        _ => vec![values::ValueChange {
            path: String::new(),
            change: ChangeKind::Changed,
            from: None,
            old: Some(a.preview.clone()),
            new: Some(b.preview.clone()),
            diff: None,
        }],
    };
    Some(if changes.is_empty() { Cause::Occurrence } else { Cause::Input { changes } })
}

pub(super) fn code_cause(
    base: &RunHistory,
    old: &Call,
    run: &RunHistory,
    new: &Call,
    records: &dyn Records,
) -> Option<Cause> {
    if old.code == new.code {
        return None;
    }
    let known = (base.code(&old.function, &old.code), run.code(&new.function, &new.code));
    if let (Some(a), Some(b)) = known
        && a.rules != b.rules
    {
        return Some(Cause::Rules { old: a.rules.clone(), new: b.rules.clone() });
    }
    let load = |known: Option<&CodeKnown>, run: &RunHistory| match known.map(|known| records.closure(known)) {
        Some(Ok(Some(closure))) => Ok(closure),
        Some(Err(text)) => Err(text),
        Some(Ok(None)) => Err(format!("the analysis did not find {} in run {}", old.function, run.id)),
        None => Err(format!("run {} did not record the code of {}", run.id, old.function)),
    };
    let (definitions, unknown) = match (load(known.0, base), load(known.1, run)) {
        (Ok(a), Ok(b)) => (code::changes(&a, &b), None),
        (Err(text), _) | (_, Err(text)) => (Vec::new(), Some(text)),
    };
    Some(Cause::Code { old: old.code, new: new.code, definitions, unknown })
}

pub(super) fn witnesses(old: (&RunHistory, &Call), new: (&RunHistory, &Call)) -> Vec<Cause> {
    let mut found = witness::files(&old.1.reads, &new.1.reads, false);
    let known = (old.0.code(&old.1.function, &old.1.code), new.0.code(&new.1.function, &new.1.code));
    if let (Some(a), Some(b)) = known {
        found.extend(witness::imported(a, b));
    }
    found.extend(witness::state(old, new));
    found
}

/// Recorded children that were asked for again with the same key, and were not served either.
fn children(
    old: (&Arc<RunHistory>, &Call),
    new: (&RunHistory, &Call),
    records: &dyn Records,
    level: usize,
) -> Vec<Cause> {
    let mut found = Vec::new();
    if level >= LEVELS {
        return found;
    }
    let asked: Vec<&Call> =
        calls_below(new.0, new.1.no).into_iter().filter_map(|no| new.0.call(no)).collect();
    let again: HashMap<Digest, &Call> = asked.iter().rev().map(|now| (now.key, *now)).collect();
    for child in calls_below(old.0, old.1.no) {
        if found.len() >= CHILDREN {
            break;
        }
        let Some(then) = old.0.call(child) else { continue };
        let twin = again.get(&then.key).copied();
        match twin {
            Some(now) if verdict(now) == Verdict::Executed => {
                let (causes, _) = causes(new.0, now, Some(old.0), records, level + 1);
                found.push(Cause::Child { path: path::path(new.0, now.no), causes });
            }
            Some(_) => {}
            // It did not get there this time: what the record says of it is all there is.
            None => {
                let causes: Vec<Cause> =
                    if then.durable { outcome(then).into_iter().collect() } else { vec![Cause::NotDurable] };
                if !causes.is_empty() {
                    found.push(Cause::Child { path: path::path(old.0, child), causes });
                }
            }
        }
    }
    found
}

/// The calls right below one, those of its maps and reduces included.
pub fn calls_below(run: &RunHistory, no: CallNo) -> Vec<CallNo> {
    let mut found = Vec::new();
    let mut stack: Vec<CallNo> = below(run, no).rev().collect();
    while let Some(at) = stack.pop() {
        match run.call(at) {
            Some(call) if call.is_call() => found.push(at),
            Some(_) => stack.extend(below(run, at).rev()),
            None => {}
        }
    }
    found
}

/// A call and every call below it.
pub fn subtree(run: &RunHistory, no: CallNo) -> Vec<CallNo> {
    let mut found = vec![no];
    let mut at = 0;
    while let Some(no) = found.get(at) {
        found.extend(calls_below(run, *no));
        at += 1;
    }
    found
}

/// What had to be equal for a call to be served, with everything below it.
pub fn checked(run: &RunHistory, no: CallNo, records: &dyn Records) -> Checked {
    let all: Vec<&Call> = subtree(run, no).into_iter().filter_map(|no| run.call(no)).collect();
    let mut files: Vec<&str> = Vec::new();
    let mut packages: Vec<&str> = Vec::new();
    let mut variables: Vec<&str> = Vec::new();
    for call in &all {
        files.extend(call.reads.iter().filter(holds_data).map(|read| read.path.as_str()));
        if let Some(known) = run.code(&call.function, &call.code) {
            files.extend(known.files.iter().filter(holds_data).map(|read| read.path.as_str()));
            packages.extend(known.packages.iter().map(|package| package.name.as_str()));
            variables.extend(known.env.iter().map(|(name, _)| name.as_str()));
        }
    }
    let distinct = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    let own = all.first();
    let closure = own
        .and_then(|call| run.code(&call.function, &call.code))
        .and_then(|known| records.closure(known).ok().flatten());
    Checked {
        key: own.map(|call| call.key).unwrap_or_default(),
        code: own.map(|call| call.code).unwrap_or_default(),
        definitions: closure.as_ref().map(|closure| closure.parts.len()),
        version: closure.and_then(|closure| closure.version.clone()),
        files: distinct(files),
        packages: distinct(packages),
        environment: distinct(variables),
        state: own.map_or(0, |call| call.state_reads.len()),
        children: all.len().saturating_sub(1),
    }
}

/// Whether more than a path's being there was asked.
fn holds_data(read: &&FileRead) -> bool {
    !matches!(read.kind, ReadKind::Absent | ReadKind::Present)
}

/// What could not be followed in the code of a call and of those below it.
pub fn opaque(run: &RunHistory, no: CallNo) -> Vec<Opaque> {
    let mut found: Vec<Opaque> = Vec::new();
    for call in subtree(run, no).into_iter().filter_map(|no| run.call(no)) {
        if let Some(known) = run.code(&call.function, &call.code) {
            found.extend(known.opaque.iter().cloned());
        }
    }
    found.sort();
    found.dedup();
    found
}

/// What a replay on the platform does, which goes by durable ids and outcomes alone.
pub fn platform(base: Option<&RunHistory>, call: &Call, causes: &[Cause]) -> Option<Platform> {
    let base = base?;
    if !call.is_call() || call.no == 1 || !call.status.is_final() {
        return None;
    }
    let there =
        base.calls.iter().rev().find(|other| pair::placed(other) && other.durable_id == call.durable_id);
    let (reuses, because) = match there {
        _ if !call.durable => (false, "it is not durable"),
        Some(other) if other.status.has_output() => (true, "a result is recorded at its durable id"),
        Some(_) => (false, "no result is recorded at its durable id"),
        None => (false, "nothing is recorded at its durable id"),
    };
    let served = matches!(verdict(call), Verdict::Served | Verdict::Supplied);
    Some(platform::verdict(call, reuses, served, because, causes))
}

#[cfg(test)]
#[path = "recorded_tests.rs"]
mod tests;
