//! What calls spent, and what reuse spared: of a call, a subtree, a function, a run, a day.
//!
//! Invariant: there is one rule for one call, [`Amount::of`], and everything else is a sum of it. So sums by function, by
//! subtree and by run are the same sum; a property test holds them to it. Days are those of UTC, so that two machines
//! that read one store say the same.

use std::collections::BTreeMap;

use super::call::{Call, CallKind, CallStatus, Usage};
use super::history::RunHistory;
use super::summary::{RunSummary, Saved, Spent};
use crate::base::clock::Micros;
use crate::base::ids::CallNo;

/// What was spent and spared.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Amount {
    /// Calls that executed.
    pub executed: u64,
    /// What they used.
    pub spent: Spent,
    /// What reuse spared.
    pub saved: Saved,
}

impl Amount {
    /// Of one call. `leaf`: it called nothing; a caller's time contains that of what it called. The application's own body
    /// may ask models, too, but does not count as a call.
    pub fn of(
        kind: CallKind,
        status: CallStatus,
        (tokens, cost): (u64, Option<f64>),
        wall_us: i64,
        leaf: bool,
    ) -> Self {
        let mut out = Amount::default();
        if !matches!(kind, CallKind::Root | CallKind::Call) {
            return out;
        }
        let call = u64::from(kind == CallKind::Call);
        match status {
            CallStatus::Cached => {
                out.saved.calls = call;
                out.saved.tokens = tokens;
                out.saved.cost_usd = cost.unwrap_or(0.0);
                out.saved.seconds = if leaf { wall_us as f64 / 1e6 } else { 0.0 };
            }
            CallStatus::Fresh | CallStatus::Failed => {
                out.executed = call;
                out.spent.tokens = tokens;
                out.spent.cost_usd = cost.unwrap_or(0.0);
                out.spent.unpriced = u64::from(tokens > 0 && cost.is_none());
            }
            _ => {}
        }
        out
    }

    /// Of a call of a run, without what it called.
    pub fn of_call(run: &RunHistory, call: &Call) -> Self {
        if call.ended_at.is_none() {
            return Amount::default();
        }
        let usage = used(call.usage.as_ref());
        Amount::of(call.kind, call.status, usage, call.wall_us, run.children(call.no).is_empty())
    }

    /// Of a run, as lists of runs know it.
    pub fn of_run(run: &RunSummary) -> Self {
        let spent = Spent {
            tokens: run.tokens,
            cost_usd: run.cost_usd.unwrap_or(run.priced_usd),
            unpriced: u64::from(run.cost_usd.is_none()),
        };
        Amount { executed: run.counts.fresh + run.counts.failed, spent, saved: run.saved }
    }
}

/// Tokens and dollars of what was used.
pub fn used(usage: Option<&Usage>) -> (u64, Option<f64>) {
    usage.map_or((0, None), |usage| (usage.tokens(), usage.cost_usd))
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        self.executed += other.executed;
        self.spent += other.spent;
        self.saved.calls += other.saved.calls;
        self.saved.tokens += other.saved.tokens;
        self.saved.cost_usd += other.saved.cost_usd;
        self.saved.seconds += other.saved.seconds;
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(all: I) -> Self {
        all.fold(Amount::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

/// A call and everything below it, in the order of numbers.
pub fn whole(run: &RunHistory, no: CallNo) -> Vec<CallNo> {
    let mut all = vec![no];
    let mut at = 0;
    while let Some(no) = all.get(at) {
        all.extend(run.children(*no));
        at += 1;
    }
    all.sort_unstable();
    all
}

/// Of a call and everything below it.
pub fn subtree(run: &RunHistory, no: CallNo) -> Amount {
    whole(run, no).into_iter().filter_map(|no| run.call(no)).map(|call| Amount::of_call(run, call)).sum()
}

/// Of a run by function, in the order of names.
pub fn by_function(run: &RunHistory) -> BTreeMap<String, Amount> {
    let mut out: BTreeMap<String, Amount> = BTreeMap::new();
    for call in &run.calls {
        *out.entry(call.function.clone()).or_default() += Amount::of_call(run, call);
    }
    out
}

/// Runs and what they spent and spared together.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Line {
    /// Runs.
    pub runs: u64,
    /// Of them together.
    pub amount: Amount,
}

/// Runs by day, the newest first.
pub fn by_day<'r>(runs: impl Iterator<Item = &'r RunSummary>) -> Vec<(String, Line)> {
    let mut days: BTreeMap<i64, Line> = BTreeMap::new();
    for run in runs {
        let line = days.entry(run.started_at.div_euclid(DAY)).or_default();
        line.runs += 1;
        line.amount += Amount::of_run(run);
    }
    days.into_iter().rev().map(|(day, line)| (date(day), line)).collect()
}

const DAY: Micros = 86_400_000_000;

/// The date of a day since 1970, as `2026-11-23`.
fn date(day: i64) -> String {
    // Days from civil, turned around: eras of 400 years that begin in March.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::event::{CallEnded, Event, EventKind};
    use crate::model::functions::Functions;
    use crate::model::history::test_support::history;

    #[test]
    fn days_have_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(19_782), "2024-02-29");
        assert_eq!(date(20_780), "2026-11-23");
    }

    /// Where a call hangs, its function, how it ended, tokens and cents, time.
    type Made = (u32, usize, usize, Option<(u64, Option<u32>)>, u32);

    /// A run whose calls hang below random earlier ones and ended in random ways.
    fn run(calls: &[Made]) -> RunHistory {
        let names = ["f", "g", "h"];
        let mut tree: Vec<(&str, CallNo, CallKind, u32)> = vec![("app", 0, CallKind::Root, 1)];
        for (i, (parent, name, _, _, _)) in calls.iter().enumerate() {
            let kind = if i % 7 == 3 { CallKind::Map } else { CallKind::Call };
            tree.push((names[name % 3], parent % (i as u32 + 1) + 1, kind, i as u32));
        }
        let mut run = history(&tree);
        for (no, (_, _, status, used, wall)) in (2..).zip(calls) {
            let status = CallStatus::ALL[status % 8];
            let usage = used.map(|(input, cost)| Usage {
                input,
                cost_usd: cost.map(|cents| f64::from(cents) / 64.0),
                ..Usage::default()
            });
            if status.is_final() {
                let end = CallEnded::bodiless(no, status, None, None);
                let ended = CallEnded { wall_us: i64::from(*wall), usage, ..end };
                let kind = EventKind::CallEnded(Box::new(ended));
                run.apply(&Event { seq: u64::from(no), at: 1, kind });
            }
        }
        run
    }

    proptest! {
        #[test]
        fn days_are_the_sums_of_their_runs(
            runs in prop::collection::vec((0..DAY * 4, 0u64..1_000, (0u32..1_000, any::<bool>()), 0u64..9), 0..20),
        ) {
            let runs: Vec<RunSummary> = runs.into_iter().map(|(at, tokens, (cents, all_known), served)| RunSummary {
                started_at: at,
                tokens,
                cost_usd: all_known.then(|| f64::from(cents) / 64.0),
                priced_usd: f64::from(cents) / 64.0,
                saved: Saved { calls: served, tokens: served * 7, cost_usd: served as f64, seconds: served as f64 },
                ..history(&[]).summary(false)
            }).collect();
            let days = by_day(runs.iter());
            let all: Amount = runs.iter().map(Amount::of_run).sum();
            prop_assert_eq!(days.iter().map(|(_, line)| line.amount).sum::<Amount>(), all);
            prop_assert_eq!(days.iter().map(|(_, line)| line.runs).sum::<u64>(), runs.len() as u64);
            // A price that is not known takes nothing from those that are.
            prop_assert_eq!(all.spent.cost_usd, runs.iter().map(|run| run.priced_usd).sum::<f64>());
            for (date, line) in &days {
                let of_day = runs.iter().filter(|run| super::date(run.started_at / DAY) == *date);
                prop_assert_eq!(of_day.map(Amount::of_run).sum::<Amount>(), line.amount);
            }
        }

        #[test]
        fn all_sums_are_the_same_sum(
            calls in prop::collection::vec(
                (any::<u32>(), any::<usize>(), any::<usize>(),
                    prop::option::of((0u64..1_000, prop::option::of(0u32..1_000))), 0u32..1 << 20),
                0..40,
            ),
        ) {
            let run = run(&calls);
            // Cents are sixty-fourths and times whole microseconds below 2^20, so that sums of floats are exact but for seconds.
            let near = |a: Amount, b: Amount| {
                let seconds = (a.saved.seconds - b.saved.seconds).abs() < 1e-6;
                let exact = |one: Amount| Amount { saved: Saved { seconds: 0.0, ..one.saved }, ..one };
                seconds && exact(a) == exact(b)
            };
            let whole: Amount = run.calls.iter().map(|call| Amount::of_call(&run, call)).sum();
            prop_assert!(near(by_function(&run).into_values().sum(), whole));
            let kept = Amount { executed: run.counts.fresh + run.counts.failed, spent: run.spent, saved: run.saved };
            prop_assert!(near(kept, whole), "what the run summed up as its calls ended");
            prop_assert!(near(subtree(&run, 1), whole), "every call hangs below the application's");
            let functions = Functions::of(&run).total();
            prop_assert_eq!((functions.spent, functions.saved_tokens), (whole.spent, whole.saved.tokens));
            for call in &run.calls {
                let below: Amount = run.children(call.no).iter().map(|no| subtree(&run, *no)).sum();
                let with_own: Amount = [below, Amount::of_call(&run, call)].into_iter().sum();
                prop_assert!(near(subtree(&run, call.no), with_own));
            }
        }
    }
}
