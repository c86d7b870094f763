//! Places inside values that do not count: a call that differs in nothing else does not differ.
//!
//! Invariant: what is left out is counted, by the pattern that took it.

use super::Records;
use crate::diff::stored::{Effort, WHOLE};
use crate::diff::tree::Merged;
use crate::diff::value::{Hidden, Options};
use crate::model::{RunHistory, ValueRef};

/// Takes back what differs in ignored places alone, says which differences are causes anew, and tells how much that hid.
/// A value that cannot be read differs.
pub fn forget(
    merged: &mut Merged,
    a: &RunHistory,
    b: &RunHistory,
    options: &Options,
    records: &dyn Records,
) -> Vec<Hidden> {
    if *options == Options::default() {
        return Vec::new();
    }
    let mut hidden: Vec<Hidden> = Vec::new();
    let mut differ = |old: &Option<ValueRef>, new: &Option<ValueRef>| {
        let (Some(old), Some(new)) = (old, new) else { return true };
        // Whether anything counts is all that is asked here.
        let effort = if old.size.max(new.size) > WHOLE { Effort::First } else { Effort::All };
        let Ok(found) = records.differences(old, new, options, effort) else { return true };
        add(&mut hidden, &found.hidden);
        !found.changes.is_empty()
    };
    for pair in &mut merged.pairs {
        let (Some(old), Some(new)) = (pair.a.and_then(|no| a.call(no)), pair.b.and_then(|no| b.call(no)))
        else {
            continue;
        };
        pair.differs.input &= differ(&old.input, &new.input);
        if old.output.is_some() && new.output.is_some() {
            pair.differs.output &= differ(&old.output, &new.output);
        }
    }
    merged.judge(a, b);
    hidden
}

/// Adds counts by pattern.
pub fn add(all: &mut Vec<Hidden>, more: &[Hidden]) {
    for one in more {
        match all.iter_mut().find(|known| known.pattern == one.pattern) {
            Some(known) => known.differences += one.differences,
            None => all.push(one.clone()),
        }
    }
}
