//! When calls waited and executed: bars in lanes (a Gantt chart), how many at once, and the critical path.
//!
//! Calls of one function stand in as few lanes as they need not to overlap, so the number of a function's lanes is how
//! many of it executed at once. A chart is made of a whole history, or kept up to date call by call.
//!
//! Invariants: bars of a lane stand in the order of their beginning; `lanes[place.0].bars[place.1]` is the call's bar.
//! A damaged log gives an odd chart, never a failure.

mod critical;
mod lanes;

pub use critical::{Segment, Share, Spent, critical_path, shares};
pub use lanes::{Bar, Group, Lane, OPEN, Step, Timeline};

use super::call::{Call, CallKind};
use super::history::RunHistory;
use crate::base::clock::Micros;

/// When a call ended, or `now` while it goes on. What a run left open ended with the run.
pub fn end_of(run: &RunHistory, call: &Call, now: Micros) -> Micros {
    let open = if call.status.is_final() { run.ended_at.unwrap_or(now) } else { now };
    call.ended_at.unwrap_or(open).max(call.began_at().unwrap_or(call.asked_at))
}

/// When its attempts executed, the last one up to `now` while it goes on.
pub fn attempts(run: &RunHistory, call: &Call, now: Micros) -> Vec<(Micros, Micros)> {
    let mut out: Vec<(Micros, Micros)> = call.tries().collect();
    let last = match call.kind {
        CallKind::Map | CallKind::Reduce => Some(call.asked_at),
        // After a failed attempt it waits for the next.
        CallKind::Root | CallKind::Call => {
            call.started_at.filter(|at| call.tries().next_back().is_none_or(|(from, _)| *at > from))
        }
    };
    out.extend(last.map(|from| (from, end_of(run, call, now).max(from))));
    out
}

/// Microseconds in which a call waited: for a slot, an argument, or its next attempt.
pub fn waited(run: &RunHistory, call: &Call, now: Micros) -> Micros {
    let end = end_of(run, call, now);
    let executed: Micros = attempts(run, call, now).iter().map(|(from, to)| to - from).sum();
    (end - call.asked_at - executed).max(0)
}

#[cfg(test)]
mod tests;
