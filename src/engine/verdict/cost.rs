//! What executing recorded calls again would cost, from their own recorded figures.
//!
//! A caller's time contains that of what it called, so a body counts with what is left without it. The critical path
//! takes calls as concurrent as they were: what was asked for after another had ended waits for it again. For a call
//! that was served, the times are those of the run that executed it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::clock::Micros;
use crate::base::ids::{CallNo, RunId};
use crate::engine::replay::below;
use crate::model::verdict::Cost;
use crate::model::{Call, CallKind, CallStatus, RunHistory};

/// Whether a function says that it acts on the world; `None`: it does not say.
pub type Label<'a> = &'a dyn Fn(&str) -> Option<bool>;

/// Where other runs are read.
pub type Runs<'a> = &'a mut dyn FnMut(&RunId) -> Option<Arc<RunHistory>>;

/// Times of the bodies of a run, each as it was executed.
pub struct Times {
    /// Microseconds of a body without what it called, by number.
    own: Vec<Micros>,
    /// From when to when each was under way, and in which run that was measured.
    spans: Vec<(Option<RunId>, Micros, Micros)>,
}

impl Times {
    /// Reads them, and of served callers the runs that executed them.
    pub fn new(base: &RunHistory, runs: Runs<'_>) -> Self {
        let mut times = Times { own: Vec::new(), spans: Vec::new() };
        for call in &base.calls {
            let origin = call.origin.as_ref().filter(|origin| origin.run != base.id);
            let recorded = origin.and_then(|origin| {
                // A leaf's time is in its own record.
                let history = runs(&origin.run)?;
                history.call(origin.call).is_some().then_some((history, origin.call))
            });
            match recorded {
                Some((history, no)) => {
                    times.own.push(own(&history, no));
                    times.spans.push(span(&history, no));
                }
                None => {
                    times.own.push(own(base, call.no));
                    times.spans.push(span(base, call.no));
                }
            }
        }
        times
    }

    fn own(&self, no: CallNo) -> Micros {
        (no as usize).checked_sub(1).and_then(|at| self.own.get(at)).copied().unwrap_or(0)
    }

    fn span(&self, no: CallNo) -> Option<&(Option<RunId>, Micros, Micros)> {
        self.spans.get((no as usize).checked_sub(1)?)
    }
}

fn span(history: &RunHistory, no: CallNo) -> (Option<RunId>, Micros, Micros) {
    let Some(call) = history.call(no) else { return (None, 0, 0) };
    let begun = match call.kind {
        // Items of a map are asked for at once and wait for a worker.
        CallKind::Call if history.call(call.parent).is_some_and(|p| p.kind == CallKind::Map) => {
            call.started_at
        }
        _ => None,
    };
    let from = begun.unwrap_or(call.asked_at);
    let to = call.ended_at.unwrap_or(from);
    (Some(history.id.clone()), from, to.max(from))
}

/// A body's time without the time in which it waited for what it called.
fn own(history: &RunHistory, no: CallNo) -> Micros {
    let Some(call) = history.call(no).filter(|call| call.is_call()) else { return 0 };
    let mut inner: Vec<(Micros, Micros)> = Vec::new();
    let mut stack: Vec<CallNo> = below(history, no).collect();
    while let Some(at) = stack.pop() {
        let Some(child) = history.call(at) else { continue };
        if !child.is_call() {
            stack.extend(below(history, at));
        } else if let Some(ended) = child.ended_at {
            inner.push((child.asked_at, ended));
        }
    }
    inner.sort_unstable();
    let (mut waited, mut until) = (0, Micros::MIN);
    for (from, to) in inner {
        waited += (to - from.max(until)).max(0);
        until = until.max(to);
    }
    (call.wall_us - waited).max(0)
}

/// What executing the picked calls costs.
pub fn cost(base: &RunHistory, times: &Times, label: Label<'_>, picked: &dyn Fn(CallNo) -> bool) -> Cost {
    let mut cost = Cost::default();
    let mut effects: BTreeMap<&str, u64> = BTreeMap::new();
    let mut unlabelled: BTreeSet<&str> = BTreeSet::new();
    let mut total: Micros = 0;
    for call in base.calls.iter().filter(|call| call.is_call() && picked(call.no)) {
        total += times.own(call.no);
        match label(&call.function).or(call.effect.then_some(true)) {
            Some(true) => *effects.entry(&call.function).or_default() += 1,
            Some(false) => {}
            None => {
                unlabelled.insert(&call.function);
            }
        }
        if call.kind != CallKind::Call {
            continue;
        }
        cost.calls += 1;
        let usage = call.usage.clone().unwrap_or_default();
        cost.tokens += usage.tokens();
        cost.known_usd += usage.cost_usd.unwrap_or(0.0);
        cost.unpriced_calls += u64::from(usage.tokens() > 0 && usage.cost_usd.is_none());
    }
    cost.seconds = total as f64 / 1e6;
    cost.critical_seconds = critical(base, times, picked) as f64 / 1e6;
    cost.effects = effects.into_iter().map(|(name, calls)| (name.to_owned(), calls)).collect();
    cost.unlabelled = unlabelled.into_iter().map(str::to_owned).collect();
    cost
}

/// The longest chain of picked calls that wait for each other.
fn critical(base: &RunHistory, times: &Times, picked: &dyn Fn(CallNo) -> bool) -> Micros {
    let mut length: Vec<Micros> = vec![0; base.calls.len() + 1];
    // What is called has a larger number than its caller.
    for call in base.calls.iter().rev() {
        let inner = chain(base, call, times, &length);
        let own = if call.is_call() && picked(call.no) { times.own(call.no) } else { 0 };
        if let Some(slot) = length.get_mut(call.no as usize) {
            *slot = own + inner;
        }
    }
    length.get(1).copied().unwrap_or(0)
}

fn chain(base: &RunHistory, call: &Call, times: &Times, length: &[Micros]) -> Micros {
    let of = |no: CallNo| length.get(no as usize).copied().unwrap_or(0);
    let children: Vec<CallNo> = below(base, call.no).filter(|no| of(*no) > 0).collect();
    match call.kind {
        CallKind::Reduce => return children.iter().map(|no| of(*no)).sum(),
        // Times of different runs cannot be compared; the items of a map wait for nobody but a worker.
        CallKind::Map if !comparable(base, times, &children) => {
            return children.iter().map(|no| of(*no)).max().unwrap_or(0);
        }
        _ => {}
    }
    let same = comparable(base, times, &children);
    let mut spans: Vec<(Micros, Micros, CallNo)> = children
        .iter()
        .filter_map(|no| {
            let call = base.call(*no)?;
            let here = (call.asked_at, call.ended_at.unwrap_or(call.asked_at));
            let (from, to) =
                if same { times.span(*no).map_or(here, |(_, from, to)| (*from, *to)) } else { here };
            Some((from, to, *no))
        })
        .collect();
    spans.sort_unstable();
    // Ends in order, each with the latest finish of those that ended by then.
    let mut ends: BTreeMap<Micros, Micros> = BTreeMap::new();
    let mut longest = 0;
    for (from, to, no) in spans {
        let waits = ends.range(..=from).next_back().map_or(0, |(_, finish)| *finish);
        let finish = waits + of(no);
        longest = longest.max(finish);
        let before = ends.range(..=to).next_back().map_or(0, |(_, finish)| *finish);
        ends.insert(to, finish.max(before));
        // Later ends know of it, too.
        for later in ends.range_mut((std::ops::Bound::Excluded(to), std::ops::Bound::Unbounded)) {
            if *later.1 >= finish {
                break;
            }
            *later.1 = finish;
        }
    }
    longest
}

/// Whether what happened to these calls was measured in one run.
fn comparable(base: &RunHistory, times: &Times, nodes: &[CallNo]) -> bool {
    let mut runs = nodes.iter().filter_map(|no| {
        let call = base.call(*no)?;
        // An operation has no origin of its own.
        let run = times.span(*no)?.0.as_ref();
        if call.is_call() || call.status != CallStatus::Cached { run } else { None }
    });
    let first = runs.next();
    runs.all(|run| Some(run) == first)
}
