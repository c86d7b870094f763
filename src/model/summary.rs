//! A run in one line: what lists, headers and `--json` show.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::call::{Call, CallKind, CallStatus, Usage};
use super::event::{CallEnded, Mode, Purpose, RunStatus};
use super::ledger::{Amount, used};
use crate::base::clock::Micros;
use crate::base::ids::RunId;

/// How many calls stand where. The application's own call and map/reduce operations do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Served from a checkpoint.
    pub cached: u64,
    /// Executed successfully.
    pub fresh: u64,
    /// Failed.
    pub failed: u64,
    /// Answered by hand.
    pub edited: u64,
    /// Outcome unknown.
    pub in_doubt: u64,
    /// Given up.
    #[serde(default)]
    pub cancelled: u64,
    /// Executing now.
    #[serde(default)]
    pub running: u64,
    /// Waiting.
    #[serde(default)]
    pub pending: u64,
}

impl Counts {
    /// `28 cached, 3 fresh, 1 failed`; what is nothing is left out.
    pub fn words(&self) -> String {
        let all = [
            (self.cached, "cached"),
            (self.fresh, "fresh"),
            (self.failed, "failed"),
            (self.edited, "edited"),
            (self.in_doubt, "in doubt"),
            (self.cancelled, "cancelled"),
            (self.running, "running"),
            (self.pending, "pending"),
        ];
        let words: Vec<String> =
            all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        if words.is_empty() { "no calls".to_owned() } else { words.join(", ") }
    }

    fn slot(&mut self, status: CallStatus) -> &mut u64 {
        match status {
            CallStatus::Pending => &mut self.pending,
            CallStatus::Running => &mut self.running,
            CallStatus::Cached => &mut self.cached,
            CallStatus::Fresh => &mut self.fresh,
            CallStatus::Failed => &mut self.failed,
            CallStatus::Edited => &mut self.edited,
            CallStatus::Cancelled => &mut self.cancelled,
            CallStatus::InDoubt => &mut self.in_doubt,
        }
    }

    /// Counts a call that goes from one status to another.
    pub fn shift(&mut self, call: &Call, from: Option<CallStatus>, to: CallStatus) {
        if call.kind != CallKind::Call {
            return;
        }
        if let Some(from) = from {
            let slot = self.slot(from);
            *slot = slot.saturating_sub(1);
        }
        *self.slot(to) += 1;
    }

    /// All counted calls.
    pub fn total(&self) -> u64 {
        self.cached
            + self.fresh
            + self.failed
            + self.edited
            + self.in_doubt
            + self.cancelled
            + self.running
            + self.pending
    }
}

/// What reuse spared in one run.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Saved {
    /// Calls served.
    pub calls: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Their dollars, as far as prices are known.
    pub cost_usd: f64,
    /// Seconds that their bodies took when they were executed.
    pub seconds: f64,
}

/// What executed calls used.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Spent {
    /// Tokens.
    pub tokens: u64,
    /// Dollars of the calls with a known price.
    pub cost_usd: f64,
    /// Calls that used tokens whose price is not known.
    pub unpriced: u64,
}

impl Spent {
    /// Adds what a call used.
    pub fn add(&mut self, usage: Option<&Usage>) {
        let Some(usage) = usage else { return };
        self.tokens += usage.tokens();
        self.cost_usd += usage.cost_usd.unwrap_or(0.0);
        self.unpriced += u64::from(usage.tokens() > 0 && usage.cost_usd.is_none());
    }

    /// Dollars; `None` when some price is unknown.
    pub fn known_cost(&self) -> Option<f64> {
        (self.unpriced == 0).then_some(self.cost_usd)
    }
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Spent) {
        self.tokens += other.tokens;
        self.cost_usd += other.cost_usd;
        self.unpriced += other.unpriced;
    }
}

/// Adds the end of a call to the sums of its run, see [`Amount::of`].
pub fn add_end(spent: &mut Spent, saved: &mut Saved, kind: CallKind, ended: &CallEnded, leaf: bool) {
    let amount = Amount::of(kind, ended.status, used(ended.usage.as_ref()), ended.wall_us, leaf);
    *spent += amount.spent;
    saved.calls += amount.saved.calls;
    saved.tokens += amount.saved.tokens;
    saved.cost_usd += amount.saved.cost_usd;
    saved.seconds += amount.saved.seconds;
}

/// Whether a run is listed: not when it was left by stepping back in it, unless it is pinned. Runs are asked about from
/// the newest to the oldest; `left` gathers those that were left.
pub fn listed(run: &RunSummary, left: &mut HashSet<RunId>) -> bool {
    if run.purpose == Purpose::StepBack {
        left.extend(run.parent.clone());
    }
    !left.contains(&run.id) || run.pinned || run.status != RunStatus::Cancelled
}

/// Runs that a list leaves out, with what each of them replays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Folded(HashMap<RunId, Option<RunId>>);

impl Folded {
    /// Takes the runs that are not [`listed`] out of a list, newest first.
    pub fn fold<T>(rows: &mut Vec<T>, run: impl Fn(&T) -> &RunSummary) -> Folded {
        let (mut left, mut folded) = (HashSet::new(), HashMap::new());
        rows.retain(|row| {
            let run = run(row);
            let stays = listed(run, &mut left);
            if !stays {
                folded.insert(run.id.clone(), run.parent.clone());
            }
            stays
        });
        Folded(folded)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(RunId::as_str)
    }

    /// What a run replays as far as the list shows it: of what was left by stepping back, what that replayed.
    pub fn parent<'a>(&'a self, run: &'a RunSummary) -> Option<&'a RunId> {
        let mut parent = run.parent.as_ref()?;
        // Damaged records may go in circles.
        for _ in 0..self.len() {
            match self.0.get(parent) {
                Some(next) => parent = next.as_ref()?,
                None => break,
            }
        }
        Some(parent)
    }
}

/// A run in one line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// The application.
    pub app: String,
    /// Absolute path of the file that defines the application.
    pub file: String,
    /// How it reuses.
    pub mode: Mode,
    /// The run that it replays.
    pub parent: Option<RunId>,
    /// Where it stands.
    pub status: RunStatus,
    /// When it started.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// How many calls stand where.
    pub counts: Counts,
    /// Tokens used by calls that executed in this run.
    pub tokens: u64,
    /// Dollars spent by calls that executed; `None` when a price is not known and tokens were used.
    pub cost_usd: Option<f64>,
    /// What reuse spared.
    pub saved: Saved,
    /// Whether gc must keep it.
    pub pinned: bool,
    /// What it is for.
    #[serde(default)]
    pub purpose: Purpose,
    /// Dollars of the executed calls with a known price; of an older store 0 when some price is unknown.
    #[serde(default)]
    pub priced_usd: f64,
}
