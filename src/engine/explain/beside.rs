//! What made a call of one run answer otherwise than the one that stands for it in the other, by name.
//!
//! The tree of differences knows that code changed; this names the definition. Calls of one function whose code changed
//! alike are one cause: an edited constant is told once, however many calls read it.

use std::collections::HashMap;

use super::recorded::{code_cause, witnesses};
use super::{Cause, DefinitionChange, Records};
use crate::base::digest::Digest;
use crate::diff::tree::{self, Merged, Role};
use crate::model::{Call, RunHistory};

/// A cause and the rows of the merged tree that it explains first.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// What it is.
    pub cause: tree::Cause,
    /// Rows, in order; never empty.
    pub rows: Vec<usize>,
    /// In words: `code changed: SYSTEM_PROMPT in agent.py:12`.
    pub words: String,
    /// The definitions that differ, of changed code.
    pub definitions: Vec<DefinitionChange>,
}

/// Names that are told of one cause.
const NAMES: usize = 3;

/// The causes of what differs, in the order of their first rows.
pub fn groups(merged: &Merged, a: &RunHistory, b: &RunHistory, records: &dyn Records) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<(String, Digest, Digest), usize> = HashMap::new();
    for row in merged.causes() {
        let pair = &merged.pairs[row];
        let Role::Cause(cause) = pair.role else { continue };
        let both = pair.a.and_then(|no| a.call(no)).zip(pair.b.and_then(|no| b.call(no)));
        let Some((old, new)) = both else { continue };
        let key = (new.function.clone(), old.code, new.code);
        if cause == tree::Cause::Code
            && let Some(at) = known.get(&key)
        {
            groups[*at].rows.push(row);
            continue;
        }
        let (words, definitions) = named(cause, (a, old), (b, new), records);
        if cause == tree::Cause::Code {
            // Functions that read the same constant changed for the same reason.
            let same = |group: &Group| {
                group.cause == cause
                    && !definitions.is_empty()
                    && group.definitions == without_way(&definitions)
            };
            if let Some(at) = groups.iter().position(same) {
                groups[at].rows.push(row);
                known.insert(key, at);
                continue;
            }
            known.insert(key, groups.len());
        }
        groups.push(Group { cause, rows: vec![row], words, definitions: without_way(&definitions) });
    }
    groups
}

/// Definitions without the way from one function to them.
fn without_way(definitions: &[DefinitionChange]) -> Vec<DefinitionChange> {
    definitions.iter().map(|one| DefinitionChange { chain: Vec::new(), ..one.clone() }).collect()
}

fn named(
    cause: tree::Cause,
    old: (&RunHistory, &Call),
    new: (&RunHistory, &Call),
    records: &dyn Records,
) -> (String, Vec<DefinitionChange>) {
    let plain = cause.words().to_owned();
    match cause {
        tree::Cause::Code => match code_cause(old.0, old.1, new.0, new.1, records) {
            Some(Cause::Code { definitions, .. }) if !definitions.is_empty() => {
                let names = definitions.iter().take(NAMES);
                let names: Vec<String> =
                    names.map(|one| format!("{} in {}:{}", one.name, one.file, one.line)).collect();
                let more = match definitions.len().saturating_sub(NAMES) {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                (format!("{plain}: {}{more}", names.join(", ")), definitions)
            }
            Some(Cause::Code { unknown: Some(why), .. }) => (format!("{plain}: {why}"), Vec::new()),
            Some(rules @ Cause::Rules { .. }) => (rules.to_string(), Vec::new()),
            _ => (plain, Vec::new()),
        },
        tree::Cause::Witness => match witnesses(old, new).first() {
            Some(first) => (first.to_string(), Vec::new()),
            None => (plain, Vec::new()),
        },
        _ => (plain, Vec::new()),
    }
}
