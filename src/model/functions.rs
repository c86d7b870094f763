//! A run by function: how many calls stand where, how long they took, what they used.
//!
//! Kept up to date call by call. Invariant: what is summed of a call is remembered with it, so that a change takes back
//! exactly what was added.

use std::collections::HashMap;

use super::call::{Call, CallKind, CallStatus, Usage};
use super::history::RunHistory;
use super::summary::Spent;

/// One function.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its calls by status, in the order of [`CallStatus::ALL`]. Maps and reduces are no calls.
    pub by_status: [u64; 8],
    /// Attempts beyond the first.
    pub retries: u64,
    /// What calls used that executed in this run.
    pub spent: Spent,
    /// Tokens of calls that were served.
    pub saved_tokens: u64,
    /// Microseconds of all bodies that executed in this run.
    pub executed_us: i64,
    /// Whether maps or reduces apply it.
    pub applied: bool,
    /// Half of the ended calls took at most so long; after [`Functions::settle`].
    pub p50: Option<i64>,
    /// 95 of a hundred took at most so long.
    pub p95: Option<i64>,
    /// Microseconds of the body of each call that ended; of a served one those of its original.
    times: Vec<i64>,
    settled: usize,
}

impl Function {
    /// All calls.
    pub fn calls(&self) -> u64 {
        self.by_status.iter().sum()
    }

    /// Calls with this status.
    pub fn of(&self, status: CallStatus) -> u64 {
        self.by_status[slot(status)]
    }

    fn settle(&mut self) {
        if std::mem::replace(&mut self.settled, self.times.len()) == self.times.len() {
            return;
        }
        let mut times = self.times.clone();
        // The nearest rank: the shortest time within which this share was done.
        let mut within = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1) - 1;
            (rank < times.len()).then(|| *times.select_nth_unstable(rank).1)
        };
        (self.p50, self.p95) = (within(50), within(95));
    }
}

fn slot(status: CallStatus) -> usize {
    CallStatus::ALL.iter().position(|one| *one == status).unwrap_or(0)
}

#[derive(Clone, Copy, Debug)]
struct Known {
    status: CallStatus,
    attempts: u32,
    ended: bool,
}

/// All functions of a run.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    /// In the order in which they were first called.
    pub all: Vec<Function>,
    known: Vec<Option<Known>>,
    index: HashMap<String, u32>,
}

impl Functions {
    /// Of a whole history.
    pub fn of(run: &RunHistory) -> Self {
        let mut out = Functions::default();
        for call in &run.calls {
            out.sync(call);
        }
        out.settle();
        out
    }

    /// Brings the percentiles up to date.
    pub fn settle(&mut self) {
        self.all.iter_mut().for_each(Function::settle);
    }

    /// All functions together.
    pub fn total(&self) -> Function {
        let mut sum = Function { name: "all".to_owned(), ..Function::default() };
        for one in &self.all {
            for (sum, n) in sum.by_status.iter_mut().zip(one.by_status) {
                *sum += n;
            }
            sum.retries += one.retries;
            sum.saved_tokens += one.saved_tokens;
            sum.spent += one.spent;
        }
        sum
    }

    /// Takes up a call that is new or changed.
    pub fn sync(&mut self, call: &Call) {
        let Some(at) = (call.no as usize).checked_sub(1) else { return };
        if at >= self.known.len() {
            self.known.resize(at + 1, None);
        }
        let operation = matches!(call.kind, CallKind::Map | CallKind::Reduce);
        let function = match self.index.get(&call.function) {
            Some(function) => *function,
            None => {
                let function = self.all.len() as u32;
                self.all.push(Function { name: call.function.clone(), ..Function::default() });
                self.index.insert(call.function.clone(), function);
                function
            }
        };
        let Some(held) = self.all.get_mut(function as usize) else { return };
        if operation {
            held.applied = true;
            return;
        }
        let before = self.known[at];
        if let Some(before) = before {
            let count = &mut held.by_status[slot(before.status)];
            *count = count.saturating_sub(1);
            held.retries -= u64::from(before.attempts.saturating_sub(1)).min(held.retries);
        }
        held.by_status[slot(call.status)] += 1;
        held.retries += u64::from(call.attempts.saturating_sub(1));
        let ended = call.ended_at.is_some();
        if ended && !before.is_some_and(|before| before.ended) {
            held.end(call);
        }
        self.known[at] = Some(Known { status: call.status, attempts: call.attempts, ended });
    }
}

impl Function {
    fn end(&mut self, call: &Call) {
        let usage = call.usage.as_ref();
        match call.status {
            CallStatus::Cached => self.saved_tokens += usage.map_or(0, Usage::tokens),
            CallStatus::Fresh | CallStatus::Failed => {
                self.spent.add(usage);
                self.executed_us += call.wall_us;
            }
            _ => return,
        }
        self.times.push(call.wall_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::history::test_support::history;

    fn ended(no: u32, status: CallStatus, ms: i64, tokens: u64, cost: Option<f64>) -> Call {
        let run = history(&[("f", 0, CallKind::Call, 1)]);
        let mut call = run.calls[0].clone();
        call.no = no;
        call.status = status;
        call.attempts = 1;
        call.ended_at = Some(1);
        call.wall_us = ms * 1_000;
        call.usage = (tokens > 0).then(|| Usage { input: tokens, cost_usd: cost, ..Usage::default() });
        call
    }

    #[test]
    fn what_is_unknown_is_not_nothing() {
        let mut all = Functions::default();
        all.sync(&ended(1, CallStatus::Fresh, 10, 100, Some(0.5)));
        assert_eq!((all.all[0].spent.known_cost(), all.all[0].spent.tokens), (Some(0.5), 100));
        all.sync(&ended(2, CallStatus::Cached, 10, 70, None));
        assert_eq!(
            (all.all[0].spent.known_cost(), all.all[0].saved_tokens),
            (Some(0.5), 70),
            "served: nothing was spent"
        );
        all.sync(&ended(3, CallStatus::Failed, 10, 50, None));
        assert_eq!((all.total().spent.known_cost(), all.total().spent.tokens), (None, 150));
    }

    #[test]
    fn a_change_takes_back_what_was_added() {
        let mut all = Functions::default();
        let mut call = ended(1, CallStatus::Running, 0, 0, None);
        call.ended_at = None;
        all.sync(&call);
        call.attempts = 3;
        call.status = CallStatus::Pending;
        all.sync(&call);
        call.status = CallStatus::Fresh;
        call.ended_at = Some(9);
        call.wall_us = 7_000;
        all.sync(&call);
        all.sync(&call);
        all.settle();
        let f = &all.all[0];
        assert_eq!((f.calls(), f.of(CallStatus::Fresh), f.retries), (1, 1, 2));
        assert_eq!((f.p50, f.p95, f.executed_us), (Some(7_000), Some(7_000), 7_000));
    }

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let mut all = Functions::default();
        for no in 1..=100 {
            all.sync(&ended(no, CallStatus::Fresh, i64::from(101 - no), 0, None));
        }
        all.settle();
        assert_eq!((all.all[0].p50, all.all[0].p95), (Some(50_000), Some(95_000)));
        let none = Functions::default().total();
        assert_eq!((none.p50, none.calls()), (None, 0));
    }
}
