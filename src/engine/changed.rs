//! Which functions' code changed since a run, and what their checkpoints are worth.

use std::collections::BTreeMap;

use serde::Serialize;

use super::today::{Today, Unknown};
use crate::base::digest::Digest;
use crate::model::{RunHistory, Standing};

/// What calls cost when they executed.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Cost {
    /// How many.
    pub calls: u64,
    /// Tokens.
    pub tokens: u64,
    /// Dollars, as far as prices are known.
    pub cost_usd: f64,
    /// Seconds in bodies that called nothing else.
    pub seconds: f64,
}

/// A function whose code is not what it was.
#[derive(Clone, PartialEq, Debug)]
pub struct Changed {
    /// The function.
    pub function: String,
    /// The code that made the run's results.
    pub old: Digest,
    /// Today's.
    pub new: Digest,
    /// What the run's calls of it with the old code cost.
    pub cost: Cost,
}

/// What a comparison of a run with today's code found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Changes {
    /// In order of the functions' names.
    pub changed: Vec<Changed>,
    /// Functions of which nothing can be said.
    pub unknown: Vec<(String, Unknown)>,
}

/// Compares the code of a run's reusable results with today's. What today's stands for already is no change.
pub fn since(run: &RunHistory, today: &mut Today, standing: &Standing) -> Changes {
    let mut made: BTreeMap<(&str, Digest), Cost> = BTreeMap::new();
    let reusable = run.calls.iter().filter(|call| call.is_call() && call.durable && call.status.has_output());
    for call in reusable {
        let cost = made.entry((&call.function, call.code)).or_default();
        let usage = call.usage.clone().unwrap_or_default();
        cost.calls += 1;
        cost.tokens += usage.tokens();
        cost.cost_usd += usage.cost_usd.unwrap_or(0.0);
        // A caller's time contains that of what it called.
        if run.children(call.no).is_empty() {
            cost.seconds += call.wall_us as f64 / 1e6;
        }
    }
    let mut changes = Changes::default();
    for ((function, old), cost) in made {
        match today.digest(function) {
            Ok(new) if new == old || standing.between(function, &new, &old).is_some() => {}
            Ok(new) => changes.changed.push(Changed { function: function.to_owned(), old, new, cost }),
            Err(why) => {
                if !changes.unknown.iter().any(|(known, _)| known == function) {
                    changes.unknown.push((function.to_owned(), why));
                }
            }
        }
    }
    changes
}
