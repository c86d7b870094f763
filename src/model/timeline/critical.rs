//! The critical path: the chain of calls that decided when the run ended.
//!
//! Seen from the end of a caller: the call below it that ended last (and not after that) decided it; before that one
//! was asked for, the one that ended last before, and so on. What no call below explains is the caller's own time.
//! The segments are without gaps from when the application was asked for to its end.

use std::collections::{HashMap, HashSet};

use super::{attempts, end_of};
use crate::base::clock::Micros;
use crate::base::ids::CallNo;
use crate::model::{Call, RunHistory};

/// What happened in a segment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Spent {
    /// The call's own body executed.
    Executing,
    /// The call waited: for a slot, an argument, or its next attempt.
    Waiting,
}

impl Spent {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Spent::Executing => "executing",
            Spent::Waiting => "waiting",
        }
    }
}

/// A stretch of the critical path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The call.
    pub no: CallNo,
    /// What it did.
    pub spent: Spent,
    /// From when.
    pub from: Micros,
    /// To when.
    pub to: Micros,
}

/// What a function has of the critical path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// The function.
    pub function: String,
    /// Executing or waiting.
    pub spent: Spent,
    /// How long.
    pub time: Micros,
    /// In how many calls.
    pub calls: u64,
}

/// A call whose end is being explained.
struct Frame {
    no: CallNo,
    at: Micros,
    /// Its calls with their ends, the last last.
    below: Vec<(Micros, CallNo)>,
}

/// The segments in the order of time; up to `now` while the run goes on.
pub fn critical_path(run: &RunHistory, now: Micros) -> Vec<Segment> {
    let mut out = Vec::new();
    let Some(root) = run.call(1) else { return out };
    let mut stack = vec![frame(run, root, end_of(run, root, now), now)];
    while let Some(top) = stack.last_mut() {
        let Some(call) = run.call(top.no) else { break };
        let next = loop {
            match top.below.pop() {
                Some((end, _)) if end > top.at => continue,
                other => break other,
            }
        };
        if let Some((end, no)) = next
            && let Some(child) = run.call(no)
        {
            own(run, call, end, top.at, now, &mut out);
            let child = frame(run, child, end, now);
            stack.push(child);
            continue;
        }
        own(run, call, call.asked_at, top.at, now, &mut out);
        let asked = call.asked_at.min(top.at);
        stack.pop();
        if let Some(above) = stack.last_mut() {
            above.at = asked;
        }
    }
    out.reverse();
    out
}

fn frame(run: &RunHistory, call: &Call, at: Micros, now: Micros) -> Frame {
    // Numbers rise on the way down, so this ends even in a damaged log.
    let children = run.children(call.no).iter().filter(|no| **no > call.no);
    let mut below: Vec<(Micros, CallNo)> = children
        .filter_map(|no| run.call(*no))
        .map(|child| (end_of(run, child, now), child.no))
        .filter(|(end, _)| *end <= at)
        .collect();
    below.sort_unstable();
    Frame { no: call.no, at, below }
}

/// A call's own time between two instants, the later part first.
fn own(run: &RunHistory, call: &Call, from: Micros, to: Micros, now: Micros, out: &mut Vec<Segment>) {
    let mut at = to;
    let mut push = |spent: Spent, from: Micros, at: &mut Micros| {
        if from < *at {
            out.push(Segment { no: call.no, spent, from, to: *at });
            *at = from;
        }
    };
    for (began, ended) in attempts(run, call, now).into_iter().rev() {
        push(Spent::Waiting, ended.max(from), &mut at);
        push(Spent::Executing, began.max(from), &mut at);
    }
    push(Spent::Waiting, from, &mut at);
}

/// The critical path by function, the longest first.
pub fn shares(run: &RunHistory, path: &[Segment]) -> Vec<Share> {
    let mut sums: HashMap<(&str, Spent), (Micros, HashSet<CallNo>)> = HashMap::new();
    for segment in path {
        let Some(call) = run.call(segment.no) else { continue };
        let sum = sums.entry((call.function.as_str(), segment.spent)).or_default();
        sum.0 += segment.to - segment.from;
        sum.1.insert(call.no);
    }
    let mut out: Vec<Share> = sums
        .into_iter()
        .map(|((function, spent), (time, calls))| Share {
            function: function.to_owned(),
            spent,
            time,
            calls: calls.len() as u64,
        })
        .collect();
    out.sort_by(|a, b| {
        b.time.cmp(&a.time).then_with(|| a.function.cmp(&b.function)).then(a.spent.cmp(&b.spent))
    });
    out
}
