//! Where a stepped run stops: a pure decision for each call that comes by.

use std::collections::HashSet;

use super::{Breakpoint, Budget, Goal, Moment, Want};
use crate::base::clock::Micros;
use crate::base::ids::CallNo;
use crate::model::filter::{Filter, Previews, RunCalls};
use crate::model::{Call, RunHistory};

/// A call that comes by.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// The run so far.
    pub run: &'a RunHistory,
    /// The call.
    pub call: CallNo,
    /// When.
    pub moment: Moment,
    /// Before: its body would execute. After: it did.
    pub executes: bool,
    /// Its body failed.
    pub failed: bool,
    /// It acts on the world.
    pub effect: bool,
    /// The time.
    pub now: Micros,
}

/// A call that its caller has not made yet.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its number.
    pub no: CallNo,
    /// Its caller.
    pub parent: CallNo,
    /// The run that has what would be served.
    pub recorded: &'a RunHistory,
    /// Its number there.
    pub served: CallNo,
}

/// Decides where a run stops.
#[derive(Clone, PartialEq, Debug)]
pub struct Stepper {
    goal: Goal,
    breakpoints: Vec<Breakpoint>,
    budget: Budget,
    let_calls: HashSet<CallNo>,
    let_functions: HashSet<String>,
}

impl Stepper {
    /// One that stops as the goal says.
    pub fn new(goal: Goal, breakpoints: Vec<Breakpoint>, budget: Budget) -> Self {
        Stepper { goal, breakpoints, budget, let_calls: HashSet::new(), let_functions: HashSet::new() }
    }

    /// Another goal. What was let go stays so, but for goals that ask for each call.
    pub fn set_goal(&mut self, goal: Goal) {
        self.goal = goal;
    }

    /// Whether every call is gone into.
    pub fn goes_into(&self) -> bool {
        self.goal == Goal::Into
    }

    /// Other breakpoints.
    pub fn set_breakpoints(&mut self, breakpoints: Vec<Breakpoint>) {
        self.breakpoints = breakpoints;
    }

    /// Other limits.
    pub fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// This call and everything below it is not stopped any more.
    pub fn let_call(&mut self, call: CallNo) {
        self.let_calls.insert(call);
    }

    /// No call of this function is stopped any more.
    pub fn let_function(&mut self, name: String) {
        self.let_functions.insert(name);
    }

    /// Whether to stop here: `None` to let it pass, else the breakpoint that says so, or nothing for the goal.
    pub fn stops(&mut self, passing: &Passing<'_>) -> Option<Option<String>> {
        if let Some(spent) = self.spent(passing) {
            return Some(Some(spent));
        }
        let call = passing.run.call(passing.call)?;
        if self.let_functions.contains(&call.function)
            || self.let_calls.iter().any(|free| passing.run.is_within(passing.call, *free))
        {
            return None;
        }
        let calls = RunCalls::new(passing.run, &Previews);
        let takes = |filter: &Filter| calls.call(passing.call).is_some_and(|call| filter.matches(&call));
        if let Some(hit) = self.breakpoints.iter().find(|point| takes(&point.filter)) {
            return Some(Some(hit.text.clone()));
        }
        let before = passing.moment == Moment::Before;
        let stop = match &self.goal {
            Goal::Into => true,
            Goal::Past(call) => !passing.run.is_within(passing.call, *call),
            Goal::At(call) => passing.call == *call,
            Goal::To(filter) => takes(filter),
            Goal::Next(Want::Fresh) => before && passing.executes,
            Goal::Next(Want::Failed) => passing.failed,
            Goal::Next(Want::Effect) => before && passing.effect && passing.executes,
            Goal::Continue => false,
        };
        stop.then_some(None)
    }

    /// Whether a call that would be served must be entered: something below it is where the run is to stop.
    ///
    /// `recorded` is the run that has it, under the number `served`; `asked` is its number now.
    pub fn enters(&self, recorded: &RunHistory, served: CallNo, asked: CallNo) -> bool {
        let mut below = Vec::new();
        let mut stack: Vec<CallNo> = recorded.children(served).to_vec();
        while let Some(at) = stack.pop() {
            below.push(at);
            stack.extend(recorded.children(at));
        }
        if below.is_empty() {
            return false;
        }
        if let Goal::At(call) = self.goal {
            // Calls below are numbered in the order in which they were asked for.
            return (asked + 1..=asked + below.len() as CallNo).contains(&call);
        }
        let calls = RunCalls::new(recorded, &Previews);
        let taken = |filter: &Filter| {
            below.iter().any(|no| calls.call(*no).is_some_and(|call| filter.matches(&call)))
        };
        let sought = match &self.goal {
            Goal::To(filter) => taken(filter),
            _ => false,
        };
        sought || self.breakpoints.iter().any(|point| taken(&point.filter))
    }

    /// Whether some calls that are served may go by without being shown here.
    pub fn lets_some_pass(&self) -> bool {
        // Time goes by whoever looks; tokens and dollars are only spent by what executes.
        !self.goes_into() && self.budget.seconds.is_none()
    }

    /// Whether a call that is expected and would be served may go by without being shown: the run is to stop neither
    /// there nor below it. `pending` makes the call as it would be asked for.
    pub fn passes(
        &self,
        run: &mut RunHistory,
        expected: &Expected<'_>,
        pending: impl FnOnce() -> Call,
    ) -> bool {
        if !self.lets_some_pass() || self.enters(expected.recorded, expected.served, expected.no) {
            return false;
        }
        let to = match &self.goal {
            Goal::Into => return false,
            Goal::Past(call) if !run.is_within(expected.parent, *call) => return false,
            Goal::At(call) if *call == expected.no => return false,
            Goal::To(filter) => Some(filter),
            Goal::Past(_) | Goal::At(_) | Goal::Next(_) | Goal::Continue => None,
        };
        let mut filters = to.into_iter().chain(self.breakpoints.iter().map(|point| &point.filter)).peekable();
        filters.peek().is_none()
            || run.supposing(pending(), |run, no| {
                let calls = RunCalls::new(run, &Previews);
                calls.call(no).is_some_and(|call| !filters.any(|filter| filter.matches(&call)))
            })
    }

    /// Says which limit is reached, once each.
    fn spent(&mut self, passing: &Passing<'_>) -> Option<String> {
        let seconds = (passing.now - passing.run.started_at) as f64 / 1e6;
        if self.budget.tokens.is_some_and(|most| passing.run.spent.tokens >= most) {
            let most = self.budget.tokens.take()?;
            return Some(format!("{} tokens used, the budget was {most}", passing.run.spent.tokens));
        }
        if self.budget.dollars.is_some_and(|most| passing.run.spent.cost_usd >= most) {
            let most = self.budget.dollars.take()?;
            return Some(format!("${:.4} spent, the budget was ${most}", passing.run.spent.cost_usd));
        }
        if self.budget.seconds.is_some_and(|most| seconds >= most) {
            let most = self.budget.seconds.take()?;
            return Some(format!("{seconds:.1} s gone, the budget was {most} s"));
        }
        None
    }
}

#[cfg(test)]
#[path = "stepper_tests.rs"]
mod tests;
