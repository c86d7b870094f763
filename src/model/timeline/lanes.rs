//! Bars in lanes, and how many calls waited and executed at once.

use std::collections::{BTreeSet, HashMap};

use super::end_of;
use crate::base::clock::Micros;
use crate::base::ids::CallNo;
use crate::model::{Call, CallKind, CallStatus, RunHistory};

/// The end of a bar that still grows.
pub const OPEN: Micros = Micros::MAX;

/// One call in its lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bar {
    /// The call.
    pub no: CallNo,
    /// When it was asked for.
    pub asked: Micros,
    /// When its first attempt began.
    pub from: Micros,
    /// When it ended; [`OPEN`] while it goes on.
    pub to: Micros,
    /// Where it stands.
    pub status: CallStatus,
    /// It made calls, or is an operation: what it did was mostly to wait for them.
    pub caller: bool,
}

/// Calls of one function that did not overlap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lane {
    /// Whose.
    pub group: u32,
    /// In the order of their beginning.
    pub bars: Vec<Bar>,
}

/// A function, or the operations over it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The function.
    pub function: String,
    /// Calls of it, or operations over it.
    pub kind: CallKind,
    /// Calls that have a bar.
    pub calls: u32,
    /// Its lanes, the first first.
    pub lanes: Vec<u32>,
    free: BTreeSet<u32>,
}

/// From `at` on so many executed and waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// When.
    pub at: Micros,
    /// Calls whose bodies executed and had called nothing yet.
    pub executing: u32,
    /// Calls that waited for a slot, an argument, or their next attempt.
    pub waiting: u32,
}

/// What a call does at an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Waits,
    Executes,
    /// Its body waits for what it called.
    Calls,
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    phase: Phase,
    place: Option<(u32, u32)>,
}

/// Something that happened to a call, in the order of instants; of one instant ends come first, so that what begins
/// then finds their lanes free.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Moment {
    at: Micros,
    rank: u8,
    no: CallNo,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum What {
    Ended,
    Waits,
    Asked,
    Began,
    Point,
}

/// The chart of one run.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Functions in the order in which they first began.
    pub groups: Vec<Group>,
    /// All lanes; [`Timeline::rows`] gives their order.
    pub lanes: Vec<Lane>,
    /// How many waited and executed, in the order of instants.
    pub steps: Vec<Step>,
    /// Most calls that executed at once.
    pub most: u32,
    /// Most calls that waited at once, before the last step.
    waited: u32,
    /// Microseconds that were executed up to the last step, added up over all calls.
    worked: i128,
    known: Vec<Known>,
    index: HashMap<(String, CallKind), u32>,
    rows: Vec<u32>,
    stale: bool,
}

impl Timeline {
    /// The chart of a whole history.
    pub fn of(run: &RunHistory) -> Self {
        let mut moments = Vec::with_capacity(run.calls.len() * 3);
        for call in &run.calls {
            moments_of(run, call, &mut moments);
        }
        moments.sort_unstable();
        let mut chart = Timeline { known: Vec::with_capacity(run.calls.len()), ..Timeline::default() };
        chart.known.resize(run.calls.len(), Known { phase: Phase::Done, place: None });
        for moment in moments {
            if let Some(call) = run.call(moment.no) {
                chart.moment(run, call, moment.what, moment.at);
            }
        }
        chart.order();
        chart
    }

    /// Takes up a call that is new or changed.
    pub fn sync(&mut self, run: &RunHistory, call: &Call) {
        let no = call.no as usize;
        if no > self.known.len() {
            self.known.resize(no, Known { phase: Phase::Done, place: None });
            self.moment(run, call, What::Asked, call.asked_at);
        }
        let Some(known) = self.known.get(no - 1).copied() else { return };
        let began = call.started_at.unwrap_or(call.asked_at);
        match (known.phase, call.status) {
            (Phase::Waits, CallStatus::Pending) => {}
            (Phase::Waits, CallStatus::Running) => self.moment(run, call, What::Began, began),
            (Phase::Executes | Phase::Calls, CallStatus::Pending) if call.is_call() => {
                let at = call.tries().next_back().map_or(began, |(_, to)| to);
                self.moment(run, call, What::Waits, at);
            }
            (Phase::Waits, status) if status.is_final() && known.place.is_none() => {
                self.moment(run, call, What::Point, end_of(run, call, began));
            }
            (Phase::Done, _) => {}
            (_, status) if status.is_final() => {
                self.moment(run, call, What::Ended, end_of(run, call, began));
            }
            _ => {}
        }
        if let Some(bar) = self.bar_mut(call.no) {
            bar.status = call.status;
        }
    }

    /// The bar of a call that has begun.
    pub fn bar(&self, no: CallNo) -> Option<&Bar> {
        let (lane, at) = self.place(no)?;
        self.lanes.get(lane as usize)?.bars.get(at as usize)
    }

    /// Lane and place in it of a call that has begun.
    pub fn place(&self, no: CallNo) -> Option<(u32, u32)> {
        self.known.get((no as usize).checked_sub(1)?)?.place
    }

    fn bar_mut(&mut self, no: CallNo) -> Option<&mut Bar> {
        let (lane, at) = self.place(no)?;
        self.lanes.get_mut(lane as usize)?.bars.get_mut(at as usize)
    }

    /// The lanes from top to bottom, after [`Timeline::order`].
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Puts new lanes below those of their function.
    pub fn order(&mut self) {
        if std::mem::take(&mut self.stale) {
            self.rows = self.groups.iter().flat_map(|group| group.lanes.iter().copied()).collect();
        }
    }

    fn moment(&mut self, run: &RunHistory, call: &Call, what: What, at: Micros) {
        let Some(at_known) = (call.no as usize).checked_sub(1) else { return };
        let before = self.known.get(at_known).map_or(Phase::Done, |known| known.phase);
        let after = match what {
            What::Asked => {
                self.called(call.parent, at);
                if call.is_call() { Phase::Waits } else { Phase::Calls }
            }
            What::Began => Phase::Executes,
            What::Waits => Phase::Waits,
            What::Ended | What::Point => Phase::Done,
        };
        if let Some(known) = self.known.get_mut(at_known) {
            known.phase = after;
        }
        // An operation begins when it is asked for, and executes nothing itself.
        let begins = match what {
            What::Began | What::Point => call.is_call(),
            What::Asked => !call.is_call(),
            _ => false,
        };
        // What was given up before it began has no bar.
        if begins && (call.started_at.is_some() || call.status != CallStatus::Cancelled) {
            self.begin(call, call.began_at().unwrap_or(at));
        }
        if call.is_call() {
            self.count(before, after, at);
        }
        if matches!(what, What::Ended | What::Point) {
            self.end(run, call, at);
        }
    }

    /// A call calls something.
    fn called(&mut self, no: CallNo, at: Micros) {
        let Some(known) = (no as usize).checked_sub(1).and_then(|at| self.known.get_mut(at)) else { return };
        if known.phase == Phase::Executes {
            known.phase = Phase::Calls;
            self.count(Phase::Executes, Phase::Calls, at);
        }
        if let Some(bar) = self.bar_mut(no) {
            bar.caller = true;
        }
    }

    fn begin(&mut self, call: &Call, from: Micros) {
        if self.place(call.no).is_some() {
            return;
        }
        let key = (call.function.clone(), call.kind);
        let group = match self.index.get(&key) {
            Some(group) => *group,
            None => {
                let group = self.groups.len() as u32;
                self.groups.push(Group {
                    function: call.function.clone(),
                    kind: call.kind,
                    calls: 0,
                    lanes: Vec::new(),
                    free: BTreeSet::new(),
                });
                self.index.insert(key, group);
                group
            }
        };
        let Some(held) = self.groups.get_mut(group as usize) else { return };
        held.calls += 1;
        let lane = match held.free.pop_first() {
            Some(lane) => lane,
            None => {
                let lane = self.lanes.len() as u32;
                held.lanes.push(lane);
                self.lanes.push(Lane { group, bars: Vec::new() });
                self.stale = true;
                lane
            }
        };
        let Some(bars) = self.lanes.get_mut(lane as usize).map(|lane| &mut lane.bars) else { return };
        let place = (lane, bars.len() as u32);
        bars.push(Bar {
            no: call.no,
            asked: call.asked_at.min(from),
            from,
            to: OPEN,
            status: call.status,
            caller: !call.is_call(),
        });
        if let Some(known) = (call.no as usize).checked_sub(1).and_then(|at| self.known.get_mut(at)) {
            known.place = Some(place);
        }
    }

    fn end(&mut self, run: &RunHistory, call: &Call, at: Micros) {
        let Some((lane, _)) = self.place(call.no) else { return };
        let to = end_of(run, call, at);
        if let Some(bar) = self.bar_mut(call.no) {
            bar.to = to.max(bar.from);
            bar.status = call.status;
        }
        let group = self.lanes.get(lane as usize).map(|lane| lane.group as usize);
        if let Some(group) = group.and_then(|group| self.groups.get_mut(group)) {
            group.free.insert(lane);
        }
    }

    fn count(&mut self, before: Phase, after: Phase, at: Micros) {
        if before == after {
            return;
        }
        let last = self.steps.last().copied().unwrap_or(Step { at, executing: 0, waiting: 0 });
        let shift = |n: u32, phase: Phase| match (before == phase, after == phase) {
            (true, _) => n.saturating_sub(1),
            (_, true) => n + 1,
            _ => n,
        };
        let step = Step {
            at: at.max(last.at),
            executing: shift(last.executing, Phase::Executes),
            waiting: shift(last.waiting, Phase::Waits),
        };
        if (step.executing, step.waiting) == (last.executing, last.waiting) && !self.steps.is_empty() {
            return;
        }
        self.most = self.most.max(step.executing);
        // What is so for no time at all is not seen.
        if step.at > last.at {
            self.waited = self.waited.max(last.waiting);
        }
        self.worked += i128::from(step.at - last.at) * i128::from(last.executing);
        match self.steps.last_mut() {
            Some(last) if last.at == step.at => *last = step,
            _ => self.steps.push(step),
        }
    }

    /// Most calls that waited at once.
    pub fn most_waiting(&self) -> u32 {
        self.steps.last().map_or(0, |last| self.waited.max(last.waiting))
    }

    /// How many executed on average between two instants.
    pub fn mean(&self, from: Micros, to: Micros) -> f64 {
        let (Some(first), Some(last)) = (self.steps.first(), self.steps.last()) else { return 0.0 };
        if from <= first.at && last.at <= to && from < to {
            let after = i128::from(to - last.at) * i128::from(last.executing);
            return (self.worked + after) as f64 / (to - from) as f64;
        }
        let mut sum = 0i128;
        for (i, step) in self.steps.iter().enumerate() {
            let end = self.steps.get(i + 1).map_or(to, |next| next.at).min(to);
            sum += i128::from((end - step.at.max(from)).max(0)) * i128::from(step.executing);
        }
        if to > from { sum as f64 / (to - from) as f64 } else { 0.0 }
    }
}

fn moments_of(run: &RunHistory, call: &Call, out: &mut Vec<Moment>) {
    let mut push = |at: Micros, rank: u8, what: What| out.push(Moment { at, rank, no: call.no, what });
    push(call.asked_at, 2, What::Asked);
    let operation = matches!(call.kind, CallKind::Map | CallKind::Reduce);
    let end = call.status.is_final().then(|| end_of(run, call, call.asked_at));
    if operation {
        // One that ended at once must have begun before.
        let rank = if end == Some(call.asked_at) { 5 } else { 0 };
        end.into_iter().for_each(|end| push(end, rank, What::Ended));
        return;
    }
    for (from, to) in call.tries() {
        push(from, 3, What::Began);
        push(to.max(from), 4, What::Waits);
    }
    let last = call.started_at.filter(|at| call.tries().next_back().is_none_or(|(from, _)| *at > from));
    match (last, end) {
        (Some(from), Some(end)) if from >= end && call.failed_attempts.is_empty() => {
            push(end, 3, What::Point)
        }
        (Some(from), end) => {
            push(from, 3, What::Began);
            let rank = if end == Some(from) { 5 } else { 0 };
            end.into_iter().for_each(|end| push(end, rank, What::Ended));
        }
        (None, Some(end)) if call.failed_attempts.is_empty() => push(end, 3, What::Point),
        (None, Some(end)) => push(end, 5, What::Ended),
        (None, None) => {}
    }
}
