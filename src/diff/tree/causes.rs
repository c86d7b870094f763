//! Which differences explain the others.
//!
//! A call that was asked the same and answered otherwise is a cause, unless something in it did so before: a call
//! that it made, or request state that it read. Everything else that differs follows.

use std::collections::HashSet;

use super::merge::{Merged, Pair, PairKind};
use crate::model::{CallStatus, RunHistory};

/// Why a call answered otherwise to the same question.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The application got another input.
    Input,
    /// Its code was edited.
    Code,
    /// Its output was supplied by hand.
    Edit,
    /// A file, a package or a variable that it read is not the same.
    Witness,
    /// It failed, was stopped, or succeeded after a failure.
    Failure,
    /// Nothing that is recorded: a model's answer, the time, chance.
    Noise,
}

impl Cause {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Cause::Input => "other input",
            Cause::Code => "code changed",
            Cause::Edit => "edited by hand",
            Cause::Witness => "read something else",
            Cause::Failure => "ended otherwise",
            Cause::Noise => "another answer to the same question",
        }
    }
}

/// What a difference is to the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Nothing differs.
    None,
    /// It explains others.
    Cause(Cause),
    /// It is explained by others.
    Consequence,
}

pub(super) fn assign(merged: &mut Merged, a: &RunHistory, b: &RunHistory) {
    let state = changed_state(a, b);
    // Rows below come after their parents: from the end, what lies below is judged first.
    let mut answered: Vec<bool> = vec![false; merged.pairs.len()];
    for row in (0..merged.pairs.len()).rev() {
        let pair = &merged.pairs[row];
        answered[row] = pair.kind != PairKind::Both && pair.kind != PairKind::Moved
            || pair.differs.output
            || pair.differs.status;
        let role = role(pair, &merged.pairs, &answered, a, b, &state);
        merged.pairs[row].role = role;
    }
}

fn role(
    pair: &Pair,
    pairs: &[Pair],
    answered: &[bool],
    a: &RunHistory,
    b: &RunHistory,
    state: &HashSet<String>,
) -> Role {
    if !pair.is_different() {
        return Role::None;
    }
    let both = pair.a.and_then(|no| a.call(no)).zip(pair.b.and_then(|no| b.call(no)));
    let Some((old, new)) = both else {
        // Who makes another call, or none, had another answer before, or other code: the caller is looked at.
        return Role::Consequence;
    };
    if new.status == CallStatus::Edited && old.status != CallStatus::Edited {
        return Role::Cause(Cause::Edit);
    }
    if pair.differs.code {
        return Role::Cause(Cause::Code);
    }
    if pair.differs.input {
        return if pair.parent.is_none() { Role::Cause(Cause::Input) } else { Role::Consequence };
    }
    if !old.is_call() {
        return Role::Consequence;
    }
    let below = pair.children.iter().any(|row| answered[*row] || pairs[*row].differs.input);
    let read = new.state_reads.iter().chain(&old.state_reads).any(|(key, _)| state.contains(key));
    if below || read {
        return Role::Consequence;
    }
    if old.reads != new.reads && !old.reads.is_empty() {
        return Role::Cause(Cause::Witness);
    }
    if pair.differs.status {
        return Role::Cause(Cause::Failure);
    }
    if pair.differs.output {
        return Role::Cause(Cause::Noise);
    }
    if pair.differs.attempts { Role::Cause(Cause::Failure) } else { Role::Consequence }
}

/// State keys that were given other values, in whatever order.
pub(super) fn changed_state(a: &RunHistory, b: &RunHistory) -> HashSet<String> {
    let values = |run: &RunHistory| -> HashSet<(String, crate::base::digest::Digest)> {
        run.state.iter().map(|change| (change.key.clone(), change.value.digest)).collect()
    };
    values(a).symmetric_difference(&values(b)).map(|(key, _)| key.clone()).collect()
}
