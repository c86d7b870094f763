//! The past of a call: what answered the same question, and what stood in the same place, in the runs of a store.
//!
//! Reads rows of calls and, of those that belong to it, the events that asked for and ended them; never whole histories.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::base::clock::Micros;
use crate::base::ids::{CallNo, RunId, call_id};
use crate::model::event::{CallAsked, CallEnded};
use crate::model::{Call, CallKind, CallStatus, EventKind, RunHistory, path};
use crate::store::{CallFilter, CallRow, Store, StoreError};

/// Checkpoints of one fingerprint that are looked at.
const CHECKPOINTS: usize = 100;

/// Everything that is found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Past {
    /// The run that was asked about.
    pub run: RunId,
    /// The call's public id.
    pub call: String,
    /// Its path.
    pub path: String,
    /// Its function.
    pub function: String,
    /// The calls, of the newest run first; the call itself is one of them.
    pub calls: Vec<PastCall>,
    /// Runs that were looked through.
    pub runs: usize,
    /// Whether there are older ones.
    pub more: bool,
    /// Runs that could not be read.
    pub unreadable: Vec<RunId>,
}

/// A call of the past.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PastCall {
    /// Its run.
    pub run: RunId,
    /// Its number there.
    #[serde(skip)]
    pub no: CallNo,
    /// Its public id.
    pub call: String,
    /// Whether it is the call that was asked about.
    pub itself: bool,
    /// Whether it stands in the same place: the same path.
    pub position: bool,
    /// Whether it has the same arguments, asked for as often.
    pub arguments: bool,
    /// Whether it has the same code.
    pub code: bool,
    /// Whether it has the same durable id.
    pub durable_id: bool,
    /// Its status.
    pub status: CallStatus,
    /// When it was asked for.
    pub at: Micros,
    /// Microseconds of its body.
    pub wall_us: i64,
    /// Its input in one line.
    pub input: Option<String>,
    /// Its output in one line.
    pub output: Option<String>,
    /// Its error in one line.
    pub error: Option<String>,
    /// The call that executed what was served here.
    pub served_from: Option<Served>,
    /// The runs, among those that are listed, in which it answered.
    pub served: Vec<RunId>,
}

/// A call that executed what another was served.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Served {
    /// Its run.
    pub run: RunId,
    /// Its number there.
    #[serde(skip)]
    pub no: CallNo,
    /// Its public id.
    pub call: String,
}

/// Looks for the past of a call in the newest `limit` runs of its application, and for the checkpoints of its
/// fingerprint in all.
pub fn look(store: &Store, run: &RunHistory, no: CallNo, limit: usize) -> Result<Option<Past>, StoreError> {
    let Some(call) = run.call(no) else { return Ok(None) };
    let mut past = Past {
        run: run.id.clone(),
        call: call_id(&run.id, no),
        path: path::path(run, no),
        function: call.function.clone(),
        calls: Vec::new(),
        runs: 0,
        more: false,
        unreadable: Vec::new(),
    };
    let mut checkpoints: HashMap<RunId, Vec<CallNo>> = HashMap::new();
    if call.is_call() {
        for found in store.candidates(&[call.fingerprint()], CHECKPOINTS)? {
            checkpoints.entry(found.run).or_default().push(found.call);
        }
    }
    let steps = steps(run, no);
    let mut left: Vec<RunId> = Vec::new();
    let mut cursor = None;
    'runs: loop {
        let rows = store.runs(cursor, limit.clamp(1, 200))?;
        let Some(last) = rows.last() else { break };
        let next = Some(last.cursor);
        for row in rows.iter().filter(|row| row.summary.app == run.app || row.summary.id == run.id) {
            if past.runs >= limit {
                past.more = true;
                break 'runs;
            }
            past.runs += 1;
            left.push(row.summary.id.clone());
        }
        if next == cursor {
            break;
        }
        cursor = next;
    }
    // The run that was asked about is part of its past however old it is, and so are checkpoints of other applications.
    let mut known: HashSet<RunId> = left.iter().cloned().collect();
    for id in std::iter::once(&run.id).chain(checkpoints.keys()) {
        if known.insert(id.clone()) {
            left.push(id.clone());
        }
    }
    for id in left {
        let numbers = checkpoints.remove(&id).unwrap_or_default();
        match of_run(store, &id, call, (&run.id, no), &steps, &numbers) {
            Ok(found) => past.calls.extend(found),
            Err(StoreError::Damaged { .. }) => past.unreadable.push(id),
            Err(error) => return Err(error),
        }
    }
    past.calls.sort_by_key(|one| std::cmp::Reverse((one.at, one.no)));
    let served: Vec<(RunId, CallNo, RunId)> = past
        .calls
        .iter()
        .filter_map(|one| one.served_from.as_ref().map(|from| (from.run.clone(), from.no, one.run.clone())))
        .collect();
    for one in &mut past.calls {
        let by = served.iter().filter(|(run, no, _)| *run == one.run && *no == one.no);
        one.served = by.map(|(_, _, run)| run.clone()).collect();
    }
    Ok(Some(past))
}

/// What a call is in its parent.
type Step = (CallKind, String, u32);

/// The way to a call from the top.
fn steps(run: &RunHistory, no: CallNo) -> Vec<Step> {
    let mut out = Vec::new();
    let mut at = run.call(no);
    while let Some(call) = at {
        out.push((call.kind, call.function.clone(), call.ordinal));
        at = run.call(call.parent).filter(|parent| parent.no < call.no);
    }
    out.reverse();
    out
}

/// The call that the steps lead to.
fn walk(rows: &[CallRow], steps: &[Step]) -> Option<CallNo> {
    let mut at = 0;
    for (kind, function, ordinal) in steps {
        // The last attempt of a caller asked last.
        let found = rows.iter().rev().find(|row| {
            row.parent == at && row.kind == *kind && row.function == *function && row.ordinal == *ordinal
        })?;
        at = found.no;
    }
    Some(at)
}

fn of_run(
    store: &Store,
    id: &RunId,
    call: &Call,
    itself: (&RunId, CallNo),
    steps: &[Step],
    checkpoints: &[CallNo],
) -> Result<Vec<PastCall>, StoreError> {
    let rows = store.call_rows(id, &CallFilter::default(), 0, usize::MAX)?;
    let position = if itself.0 == id { Some(itself.1) } else { walk(&rows, steps) };
    let mut wanted: Vec<CallNo> = position.into_iter().chain(checkpoints.iter().copied()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut out = Vec::new();
    for no in wanted {
        let Some(row) = rows.get((no as usize).wrapping_sub(1)).filter(|row| row.no == no) else { continue };
        let (mut asked, mut ended): (Option<CallAsked>, Option<CallEnded>) = (None, None);
        for event in store.call_events(id, row)? {
            match event.kind {
                EventKind::CallAsked(one) => asked = Some(*one),
                EventKind::CallEnded(one) => ended = Some(*one),
                _ => {}
            }
        }
        let Some(asked) = asked else { continue };
        let (arguments, code) = (asked.key == call.key, asked.code == call.code);
        // Checkpoints are found by a part of their fingerprint.
        if Some(no) != position && !(arguments && code) {
            continue;
        }
        let origin = ended.as_ref().and_then(|ended| ended.origin.as_ref());
        out.push(PastCall {
            run: id.clone(),
            no,
            call: call_id(id, no),
            itself: (id, no) == itself,
            position: Some(no) == position,
            arguments,
            code,
            durable_id: asked.durable && asked.durable_id == call.durable_id,
            status: row.status,
            at: row.asked_at,
            wall_us: row.wall_us,
            input: asked.input.map(|value| value.preview),
            output: ended.as_ref().and_then(|ended| ended.output.as_ref()).map(|value| value.preview.clone()),
            error: ended.as_ref().and_then(|ended| ended.error.as_ref()).map(|error| error.headline()),
            served_from: origin.map(|origin| Served {
                run: origin.run.clone(),
                no: origin.call,
                call: call_id(&origin.run, origin.call),
            }),
            served: Vec::new(),
        });
    }
    Ok(out)
}
