//! What an answer was made of, so that it stands while other things change.
//!
//! Whoever computes something that is kept opens a trace, and everything that is looked at on the way is noted in it:
//! modules at one of three depths, bodies of functions, listings of folders. After a save the [`Changes`] say whether
//! an answer looked at something that is different now.
//!
//! Invariant: what is not noted cannot be seen. Modules are reached through `View` alone, which notes them.

use std::collections::HashSet;
use std::sync::Arc;

use super::module::Module;
use super::table::ModId;
use super::top::{same_body, same_top};

/// How much of a module was looked at. More sees every change that less sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Whether its file is there.
    Exists = 1,
    /// What importing it can see: `Top`.
    Top,
    /// Its text.
    Whole,
}

/// A function, or a method: module, unit, member.
pub(super) type BodyId = (ModId, usize, Option<usize>);

/// What an answer was made of; each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    modules: Vec<(ModId, Level)>,
    bodies: Vec<BodyId>,
    folders: Vec<Box<str>>,
}

impl Trace {
    /// The modules that were looked for, those that are not there among them.
    pub(super) fn modules(&self) -> impl Iterator<Item = ModId> {
        self.modules.iter().map(|(number, _)| *number)
    }
}

/// A trace under way.
#[derive(Default)]
struct Open {
    /// By module: 0, or the level. Only `list` is set.
    levels: Vec<u8>,
    list: Vec<ModId>,
    bodies: HashSet<BodyId>,
    folders: HashSet<Box<str>>,
}

/// The traces that are open, innermost last.
#[derive(Default)]
pub(super) struct Tracing {
    open: Vec<Open>,
    /// For the next ones: their tables are large.
    spare: Vec<Open>,
}

impl Tracing {
    pub(super) fn begin(&mut self) {
        let next = self.spare.pop().unwrap_or_default();
        self.open.push(next);
    }

    /// What was seen since the last `begin`. It counts for the trace around it, too.
    pub(super) fn end(&mut self) -> Trace {
        let trace = self.end_apart();
        self.add(&trace);
        trace
    }

    /// The same, but who began the trace around it depends on it in another way.
    pub(super) fn end_apart(&mut self) -> Trace {
        let Some(mut open) = self.open.pop() else { return Trace::default() };
        let mut trace = Trace::default();
        for number in open.list.drain(..) {
            let level = open.levels.get_mut(number).map(std::mem::take);
            let level = match level {
                Some(1) => Level::Exists,
                Some(2) => Level::Top,
                _ => Level::Whole,
            };
            trace.modules.push((number, level));
        }
        trace.bodies.extend(open.bodies.drain());
        trace.folders.extend(open.folders.drain());
        self.spare.push(open);
        trace
    }

    pub(super) fn module(&mut self, number: ModId, level: Level) {
        if let Some(open) = self.open.last_mut() {
            open.module(number, level);
        }
    }

    pub(super) fn body(&mut self, body: BodyId) {
        if let Some(open) = self.open.last_mut() {
            open.bodies.insert(body);
        }
    }

    pub(super) fn folder(&mut self, folder: &str) {
        if let Some(open) = self.open.last_mut()
            && !open.folders.contains(folder)
        {
            open.folders.insert(folder.into());
        }
    }

    /// An answer that was kept is used.
    pub(super) fn add(&mut self, trace: &Trace) {
        let Some(open) = self.open.last_mut() else { return };
        for (number, level) in &trace.modules {
            open.module(*number, *level);
        }
        open.bodies.extend(trace.bodies.iter().copied());
        open.folders.extend(trace.folders.iter().cloned());
    }
}

impl Open {
    fn module(&mut self, number: ModId, level: Level) {
        if self.levels.len() <= number {
            self.levels.resize(number + 1, 0);
        }
        if let Some(slot) = self.levels.get_mut(number) {
            if *slot == 0 {
                self.list.push(number);
            }
            *slot = (*slot).max(level as u8);
        }
    }
}

/// What is different after a save.
#[derive(Default)]
pub(super) struct Changes {
    /// By module: 0, or the least that sees the change.
    least: Vec<u8>,
    modules: Vec<Changed>,
    folders: HashSet<String>,
}

/// A module before and after.
struct Changed {
    number: ModId,
    old: Option<Arc<Module>>,
    new: Option<Arc<Module>>,
}

impl Changes {
    /// A file was told to have changed.
    pub(super) fn module(&mut self, number: ModId, old: Option<Arc<Module>>, new: Option<Arc<Module>>) {
        let least = match (&old, &new) {
            (None, None) => return,
            (Some(old), Some(new)) if old.text == new.text => return,
            (Some(old), Some(new)) if same_top(old, new) => Level::Whole,
            (Some(_), Some(_)) => Level::Top,
            _ => Level::Exists,
        };
        if self.least.len() <= number {
            self.least.resize(number + 1, 0);
        }
        if let Some(slot) = self.least.get_mut(number) {
            *slot = least as u8;
        }
        self.modules.push(Changed { number, old, new });
    }

    /// The names in a folder are others.
    pub(super) fn folder(&mut self, folder: &str) {
        self.folders.insert(folder.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.modules.is_empty() && self.folders.is_empty()
    }

    /// Something that was looked at is different.
    pub(super) fn concern(&self, trace: &Trace) -> bool {
        trace.modules.iter().any(|(number, level)| {
            let least = self.least.get(*number).copied().unwrap_or(0);
            least != 0 && least <= *level as u8
        }) || trace.bodies.iter().any(|body| self.body(*body))
            || (!self.folders.is_empty() && trace.folders.iter().any(|one| self.folders.contains(&**one)))
    }

    fn body(&self, (number, unit, member): BodyId) -> bool {
        match self.least.get(number).copied().unwrap_or(0) {
            0 => false,
            least if least < Level::Whole as u8 => true,
            // The tops are equal, so the numbers of units mean the same.
            _ => {
                self.modules.iter().filter(|one| one.number == number).any(|one| match (&one.old, &one.new) {
                    (Some(old), Some(new)) => !same_body(old, new, unit, member),
                    _ => true,
                })
            }
        }
    }
}
