//! Which consequences follow from noise alone.
//!
//! What flowed from one call into another is not recorded, so a row is said to follow from noise only when no other cause
//! could have reached it: none before it in the walk, none above it, none below it. Items of a map do not reach each
//! other. A row that read request state with other values could be reached by any cause.

use super::Role;
use super::causes::changed_state;
use super::merge::Merged;
use crate::model::{CallKind, RunHistory};

/// Which causes could have reached a place.
#[derive(Clone, Copy, Default)]
struct Reached {
    /// One that is no more than noise.
    noise: bool,
    /// Any other.
    other: bool,
}

impl Reached {
    fn and(self, more: Reached) -> Reached {
        Reached { noise: self.noise || more.noise, other: self.other || more.other }
    }
}

impl Merged {
    /// The rows whose differences are noise: causes of which `within` says so, and consequences that only those could have.
    /// One answer a row.
    pub fn noise(&self, a: &RunHistory, b: &RunHistory, within: &dyn Fn(usize) -> bool) -> Vec<bool> {
        let state = changed_state(a, b);
        let call = |row: usize| {
            let pair = &self.pairs[row];
            (pair.a.and_then(|no| a.call(no)), pair.b.and_then(|no| b.call(no)))
        };
        let own = |row: usize| match self.pairs[row].role {
            Role::Cause(_) => Reached { noise: within(row), other: !within(row) },
            _ => Reached::default(),
        };
        // Rows below come after their callers: from the end, what lies below is known first.
        let mut inside = vec![Reached::default(); self.pairs.len()];
        for row in (0..self.pairs.len()).rev() {
            inside[row] = inside[row].and(own(row));
            if let Some(parent) = self.pairs[row].parent {
                inside[parent] = inside[parent].and(inside[row]);
            }
        }
        let all = inside.first().copied().unwrap_or_default();
        let mut before = vec![Reached::default(); self.pairs.len()];
        for row in 0..self.pairs.len() {
            let (old, new) = call(row);
            let is_map = new.or(old).is_some_and(|call| call.kind == CallKind::Map);
            let mut reached = before[row].and(own(row));
            for below in &self.pairs[row].children {
                before[*below] = reached;
                if !is_map {
                    reached = reached.and(inside[*below]);
                }
            }
        }
        let mut quiet: Vec<bool> = (0..self.pairs.len())
            .map(|row| match self.pairs[row].role {
                Role::None => false,
                Role::Cause(_) => within(row) && !inside[row].other,
                Role::Consequence => {
                    let (old, new) = call(row);
                    let reads = old.into_iter().chain(new).flat_map(|call| &call.state_reads);
                    let reached = match reads.into_iter().any(|(key, _)| state.contains(key)) {
                        true => all,
                        false => before[row].and(inside[row]),
                    };
                    reached.noise && !reached.other
                }
            })
            .collect();
        // Nobody is quiet above a difference that is not.
        for row in (0..self.pairs.len()).rev() {
            let loud = self.pairs[row].is_different() && !quiet[row];
            if let Some(parent) = self.pairs[row].parent.filter(|_| loud) {
                quiet[parent] = false;
            }
        }
        quiet
    }
}
