//! Which functions may act on the world in the replay that follows.
//!
//! Nobody knows what code will do before it runs, so this says too many rather than too few: a function counts when a
//! call of it does not hold for sure, or when code that executes names it and is not the code that it was.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::Walked;
use crate::engine::code::Defined;
use crate::model::verdict::Fate;
use crate::model::{Call, RunHistory};
use crate::source::{Closure, Mark};

/// What a function says of its effects.
pub fn label(defined: &Defined) -> Option<bool> {
    let said = [Mark::Function, Mark::Application]
        .iter()
        .any(|mark| defined.facts.option(*mark, "effect").is_some());
    said.then_some(defined.facts.effect)
}

/// What is known of a run and of the code of now.
pub struct Known<'a> {
    /// The run.
    pub base: &'a RunHistory,
    /// Today's functions.
    pub defined: &'a BTreeMap<String, Defined>,
    /// How its calls fare.
    pub walked: &'a Walked,
    /// What a function reaches today.
    pub closure: &'a dyn Fn(&str) -> Option<&'a Closure>,
}

impl Known<'_> {
    /// Functions that say that they act, or said so when they were recorded.
    pub fn acting(&self) -> Vec<String> {
        let recorded = self.base.calls.iter().filter(|call| call.effect).map(|call| call.function.as_str());
        self.executing(self.saying(Some(true)).chain(recorded).collect())
    }

    /// Functions that do not say.
    pub fn unlabelled(&self) -> Vec<String> {
        self.executing(self.saying(None).collect())
    }

    fn saying(&self, wanted: Option<bool>) -> impl Iterator<Item = &str> {
        self.defined
            .iter()
            .filter(move |(_, defined)| label(defined) == wanted)
            .map(|(name, _)| name.as_str())
    }

    fn fate(&self, call: &Call) -> Option<Fate> {
        let at = (call.no as usize).checked_sub(1)?;
        Some(self.walked.calls.get(at)?.as_ref()?.fate)
    }

    /// Those that may execute.
    fn executing(&self, among: BTreeSet<&str>) -> Vec<String> {
        if among.is_empty() {
            return Vec::new();
        }
        // What executes, and whether it is not what it was.
        let mut bodies: BTreeMap<&str, bool> = BTreeMap::new();
        let mut held: BTreeMap<&str, bool> = BTreeMap::new();
        for call in &self.base.calls {
            let fate = self.fate(call);
            if call.is_call() {
                *held.entry(&call.function).or_insert(true) &= fate == Some(Fate::Holds);
            }
            if fate.is_some_and(Fate::executes) {
                *bodies.entry(&call.function).or_default() |= self.walked.changes.contains_key(&call.no);
            }
        }
        let words: BTreeMap<&str, Option<BTreeSet<&str>>> =
            bodies.keys().map(|function| (*function, (self.closure)(function).map(names))).collect();
        let may = |name: &str| {
            let holds = held.get(name).copied();
            let plain = name.rsplit('.').next().unwrap_or(name);
            // What cannot be read may name anything.
            let named = |body: &str| {
                words.get(body).is_none_or(|found| found.as_ref().is_none_or(|w| w.contains(plain)))
            };
            holds == Some(false)
                || bodies.iter().any(|(body, edited)| (*edited || holds.is_none()) && named(body))
        };
        among.into_iter().filter(|name| may(name)).map(str::to_owned).collect()
    }
}

/// The words in the text of what a function reaches.
fn names(closure: &Closure) -> BTreeSet<&str> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    closure.parts.iter().flat_map(|part| part.source.split(move |c| !word(c))).collect()
}
