//! What calls used: which of the responses in a result are a call's own, and what they cost.
//!
//! Invariant: the figures of a run's calls add up. A response that is handed on (returned by the caller, or by
//! the function after) is counted once, for the call that ended first with it. A response with the provider's id is
//! known by that anywhere in the run. One without is known again in callers only: elsewhere an equal answer may
//! well be a second one.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::{Core, NodeIx};
use crate::base::ids::CallNo;
use crate::engine::values::{TokenUsage, used};
use crate::model::Usage;

/// How many calls are kept in mind for one response without an id.
const KEPT: usize = 64;

/// What one run has counted.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Providers' ids.
    named: HashSet<String>,
    /// Calls that counted a response without an id.
    nameless: HashMap<String, Vec<CallNo>>,
    /// What bodies reported themselves, by call.
    reported: HashMap<NodeIx, Usage>,
}

impl Used {
    /// A call ended with this usage, executed or served.
    pub fn count(&mut self, no: CallNo, usage: &Usage) {
        for response in &usage.responses {
            if response.starts_with('#') {
                let calls = self.nameless.entry(response.clone()).or_default();
                if calls.len() < KEPT {
                    calls.push(no);
                }
            } else {
                self.named.insert(response.clone());
            }
        }
    }
}

impl Core {
    /// A body counted something: `tokens.input`, `tokens.output`, `tokens.cached_input`, `tokens.cache_written`,
    /// `tokens.reasoning`, `cost.usd`. Anything else is only a metric.
    pub(super) fn reported(&mut self, by: CallNo, name: &str, value: f64) {
        let names = [
            "tokens.input",
            "tokens.output",
            "tokens.cached_input",
            "tokens.cache_written",
            "tokens.reasoning",
            "cost.usd",
        ];
        let Some(which) = names.iter().position(|known| *known == name) else { return };
        let Some(ix) = self.node_by_no(by).filter(|_| value.is_finite() && value >= 0.0) else { return };
        let usage = self.used.reported.entry(ix).or_default();
        let count = match which {
            0 => &mut usage.input,
            1 => &mut usage.output,
            2 => &mut usage.cached_input,
            3 => &mut usage.cache_written,
            4 => &mut usage.reasoning,
            _ => {
                usage.cost_usd = Some(usage.cost_usd.unwrap_or(0.0) + value);
                return;
            }
        };
        *count = count.saturating_add(value.round() as u64);
    }

    /// What a call reported that is over now.
    pub(super) fn take_reported(&mut self, ix: NodeIx) -> Option<Usage> {
        self.used.reported.remove(&ix)
    }

    /// What a call used whose result holds these responses.
    pub(super) fn usage_of(&self, ix: NodeIx, found: Vec<TokenUsage>) -> Option<Usage> {
        let mut own: Vec<TokenUsage> = Vec::new();
        for response in found {
            let again = own.iter().any(|one| one.response == response.response);
            if !again && !self.counted(ix, &response.response) {
                own.push(response);
            }
        }
        let own = own
            .into_iter()
            .map(|response| Usage { cost_usd: self.spec.prices.cost(&response), ..used(response) });
        own.reduce(|mut sum, one| {
            sum += one;
            sum
        })
    }

    /// Whether another call has this response already.
    fn counted(&self, ix: NodeIx, response: &str) -> bool {
        if !response.starts_with('#') {
            return self.used.named.contains(response);
        }
        let calls = self.used.nameless.get(response);
        calls.is_some_and(|calls| {
            calls.iter().filter_map(|&no| self.node_by_no(no)).any(|made| self.is_below(made, ix))
        })
    }
}
