//! What a fork would do, said before anything executes: how much is served, what executes, what that costs, which effects
//! would happen again.
//!
//! The recorded course is all that is known: what follows from an edit may ask for other calls, or for fewer. So what
//! executes is given as what it would be if each call that came after the edit executed again.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::verdict::{Fate, Verdict};
use super::{CallKind, Origin, RunHistory, ValueRef};
use crate::base::ids::{CallNo, RunId};
use crate::base::text;

/// What a call of a fork has in place of what it had.
#[derive(Clone, PartialEq, Debug)]
pub enum Edit {
    /// This output: JSON, with tags for what JSON cannot say.
    Output(serde_json::Value),
    /// What another recorded call gave.
    Taken(Box<Taken>),
    /// These arguments: a JSON object by parameter name.
    Arguments(serde_json::Value),
}

/// The output of a recorded call, taken elsewhere.
#[derive(Clone, PartialEq, Debug)]
pub struct Taken {
    /// The call.
    pub from: Origin,
    /// What it gave.
    pub value: ValueRef,
}

impl Edit {
    /// What it gives, in one line, unsanitised.
    pub fn words(&self) -> String {
        match self {
            Edit::Output(value) => format!("gives {value}"),
            Edit::Taken(taken) => {
                format!("gives {}, from run {}", taken.value.preview, taken.from.run.short())
            }
            Edit::Arguments(value) => format!("is asked {value}"),
        }
    }

    /// What is edited, before what changes in it.
    pub fn verb(&self) -> String {
        match self {
            Edit::Output(_) => "gives something else".to_owned(),
            Edit::Taken(taken) => format!("gives what a call of run {} gave", taken.from.run.short()),
            Edit::Arguments(_) => "is asked something else".to_owned(),
        }
    }

    /// Why the call is asked about or answered as it is.
    pub fn reason(&self) -> String {
        match self {
            Edit::Output(_) => "its output is edited".to_owned(),
            Edit::Taken(taken) => format!(
                "its output is taken from call {} of run {}",
                crate::base::ids::call_id(&taken.from.run, taken.from.call),
                taken.from.run
            ),
            Edit::Arguments(_) => "its arguments are edited".to_owned(),
        }
    }
}

/// A replay in which calls have other outputs or arguments.
#[derive(Clone, PartialEq, Debug)]
pub struct Fork {
    /// The run.
    pub run: RunId,
    /// The calls; each once.
    pub edits: Vec<(CallNo, Edit)>,
    /// Whatever types they have.
    pub any_type: bool,
    /// What becomes of effects that would happen again.
    pub effects: ForkEffects,
}

/// What becomes of effects that would happen again in a fork.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ForkEffects {
    /// Each waits at the gate.
    #[default]
    Ask,
    /// They give what they gave, and do not act.
    Skip,
    /// They act again.
    Rerun,
}

/// What an edit changes in what was recorded.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Changed {
    /// The call.
    pub call: CallNo,
    /// Its path.
    pub path: String,
    /// The places that differ, one sentence each, unsanitised; none when that is not known.
    pub places: Vec<String>,
}

/// A fork before it is made.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct ForkPlan {
    /// Calls below the application whose outputs are edited.
    pub edited: u64,
    /// Calls that are served.
    pub serve: u64,
    /// Calls that may execute.
    pub execute: u64,
    /// Seconds of what may execute, one after the other where it was.
    pub seconds: f64,
    /// Its tokens.
    pub tokens: u64,
    /// Its dollars; none when some price is not known.
    pub cost_usd: Option<f64>,
    /// Functions marked `effect=True` whose calls acted in the run and may be asked for again, and how many calls.
    pub effects: Vec<(String, u64)>,
    /// What each edit changes, in the order in which they were made.
    pub changed: Vec<Changed>,
}

impl ForkPlan {
    /// Of a run that was judged with these calls edited.
    pub fn of(run: &RunHistory, verdict: &Verdict, edits: &HashSet<CallNo>) -> Self {
        let mut plan = ForkPlan {
            seconds: verdict.at_most.critical_seconds + verdict.anyway.critical_seconds,
            tokens: verdict.at_most.tokens + verdict.anyway.tokens,
            cost_usd: verdict.at_most.usd().zip(verdict.anyway.usd()).map(|(a, b)| a + b),
            ..ForkPlan::default()
        };
        let mut effects: BTreeMap<&str, u64> = BTreeMap::new();
        for call in run.calls.iter().filter(|call| call.kind == CallKind::Call) {
            let Some(at) = verdict.call(call.no) else { continue };
            // What an edited call had called is not asked for.
            let below = |edit: &CallNo| *edit != call.no && run.is_within(call.no, *edit);
            if edits.iter().any(below) {
                continue;
            }
            if edits.contains(&call.no) {
                plan.edited += 1;
            } else if at.fate == Fate::Holds {
                plan.serve += 1;
            } else {
                plan.execute += 1;
                let acted = call.attempts > 0 || call.origin.is_some();
                if call.effect && acted {
                    *effects.entry(&call.function).or_default() += 1;
                }
            }
        }
        plan.effects = effects.into_iter().map(|(name, calls)| (name.to_owned(), calls)).collect();
        plan
    }

    /// A call with other arguments executes, and what it had called may be asked for again.
    pub fn asked_otherwise(&mut self, run: &RunHistory, no: CallNo) {
        let Some(edited) = run.call(no) else { return };
        self.seconds += edited.wall_us as f64 / 1e6;
        let mut effects: BTreeMap<String, u64> = std::mem::take(&mut self.effects).into_iter().collect();
        let within =
            run.calls.iter().filter(|call| call.kind == CallKind::Call && run.is_within(call.no, no));
        for call in within {
            self.execute += 1;
            let usage = call.usage.as_ref();
            self.tokens += usage.map_or(0, super::Usage::tokens);
            if let Some(usage) = usage.filter(|usage| usage.tokens() > 0) {
                self.cost_usd = self.cost_usd.zip(usage.cost_usd).map(|(a, b)| a + b);
            }
            if call.effect && (call.attempts > 0 || call.origin.is_some()) {
                *effects.entry(call.function.clone()).or_default() += 1;
            }
        }
        self.effects = effects.into_iter().collect();
    }

    /// `serves 4 calls, then executes about 29, 12 s, 23k tokens, $0.02`.
    pub fn words(&self) -> String {
        let mut out = format!("serves {}", text::count(self.serve, "call"));
        if self.execute == 0 {
            out.push_str(" and executes nothing but what calls them");
            return out;
        }
        out.push_str(&format!(", then executes about {}", self.execute));
        out.push_str(&format!(": {}", text::duration((self.seconds * 1e6) as i64)));
        if self.tokens > 0 {
            let cost = text::price(self.cost_usd);
            out.push_str(&format!(", {} tokens, {cost}", text::short(self.tokens)));
        }
        out
    }

    /// `book_flights acted on the world, and would do so again (1 call)`; `None`: nothing did.
    pub fn effect_words(&self) -> Option<String> {
        let named: Vec<String> = self
            .effects
            .iter()
            .map(|(name, calls)| format!("{name} ({})", text::count(*calls, "call")))
            .collect();
        (!named.is_empty()).then(|| format!("acted on the world and may do so again: {}", named.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_one_sentence() {
        let plan = ForkPlan {
            edited: 1,
            serve: 4,
            execute: 29,
            seconds: 12.0,
            tokens: 23_000,
            ..ForkPlan::default()
        };
        assert_eq!(plan.words(), "serves 4 calls, then executes about 29: 12.0 s, 23k tokens, price unknown");
        let nothing = ForkPlan { edited: 1, serve: 4, ..ForkPlan::default() };
        assert_eq!(nothing.words(), "serves 4 calls and executes nothing but what calls them");
        let effects = vec![("book".to_owned(), 2)];
        let plan = ForkPlan { effects, ..ForkPlan::default() };
        assert_eq!(plan.effect_words().unwrap(), "acted on the world and may do so again: book (2 calls)");
    }
}
