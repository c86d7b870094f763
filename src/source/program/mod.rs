//! The modules of a project, and what a function in one of them reaches: its closure.
//!
//! Texts come through [`Sources`], so that this floor does no I/O. A closure is computed from what the
//! entry module imports. docs/replay.md says the rules to users.
//!
//! - `stdlib`, `known`: names of Python that the analysis knows
//! - `scope`, `pattern`: which names a block binds; what is known of a computed name
//! - `facts`, `walk` (with `chains`, `calls`, `changes`): one tree to facts: free names, attributes, changes, readers
//! - `module`, `cut`: one text to units (definitions, statements) and bindings of names
//! - `top`: what importing can see of a module; `trace`: what an answer was made of
//! - `table`: modules by number, and what imports find; `resolve`: names to definitions, across modules
//! - `run`, `effects`: what running one module does; `world`: what importing does, in order
//! - `reach`, `rounds`: from a function to everything that counts
//! - `seal`: what counts to a digest and parts
//! - `kept`: what stands after a save
//!
//! Modules, what running them does, worlds and closures are kept. Each but the first is kept with a trace of what it was
//! made of; after a save those are made anew whose trace meets something that is different.
//!
//! Invariant: whatever was asked before, an answer is the one that a new `Program` would give.

mod calls;
mod chains;
mod changes;
mod cut;
mod effects;
mod facts;
mod kept;
mod known;
mod module;
mod pattern;
mod reach;
mod resolve;
mod rounds;
mod run;
mod scope;
mod seal;
mod stdlib;
mod table;
mod top;
mod trace;
mod walk;
mod world;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::base::digest::Digest;
use crate::model::Opaque;

use super::SyntaxError;
use kept::Kept;
use table::{Table, View};

/// Where texts come from. Paths are relative to the project, with `/`.
pub trait Sources {
    /// The text of a file, decoded as Python decodes it; `None` when there is no such file.
    fn text(&self, path: &str) -> Option<Arc<str>>;

    /// The names in a folder; empty when there is no such folder.
    fn names(&self, folder: &str) -> Vec<String>;
}

/// One definition or statement that counts for a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its file.
    pub file: String,
    /// `clean`, `Cart.total`, or the names that a statement binds.
    pub name: String,
    /// Its lines, from 1.
    pub lines: (usize, usize),
    /// Of what counts of it.
    pub digest: Digest,
    /// The part that reaches it, by index; `None` for the function itself.
    pub via: Option<usize>,
    /// Its source.
    pub source: String,
}

/// Everything that a function reaches by name.
#[derive(Clone, PartialEq, Debug)]
pub struct Closure {
    /// The code digest. Equal closures of the same function have equal digests, wherever they stand.
    pub digest: Digest,
    /// What counts, the function itself first; the rest in the order in which it is reached.
    pub parts: Vec<Part>,
    /// What could not be followed.
    pub opaque: Vec<Opaque>,
    /// Top-level names of imported modules that are neither the project's nor the standard library's, sorted.
    pub external: Vec<String>,
    /// The `version=` of the function, which stands for all of its code: the digest is made of it alone.
    pub version: Option<String>,
}

impl Closure {
    /// The names through which the function reaches one of its parts, its own first.
    pub fn chain(&self, part: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut at = Some(part);
        // A chain that were a circle would never end.
        while let Some(one) = at.and_then(|i| self.parts.get(i))
            && names.len() <= self.parts.len()
        {
            names.push(one.name.clone());
            at = one.via;
        }
        names.reverse();
        names
    }
}

/// What is known of a project's modules, for applications with one set of import roots.
pub struct Program {
    table: Table,
    kept: Kept,
}

impl Program {
    /// `roots`: the folders that imports start from, in order, relative to the project (`""`: the project).
    /// `entry`: the file that is imported first.
    pub fn new(roots: Vec<String>, entry: &str) -> Self {
        Program { table: Table::new(roots), kept: Kept::new(entry) }
    }

    /// These files may have changed, come or gone, and so may any file that nobody looked for.
    pub fn changed(&mut self, paths: &[&str]) {
        self.table.forget(paths);
    }

    /// The closure of a function, by its file and qualified name. `None` when the analysis does not find it, or
    /// when a module that it reaches has a syntax error.
    pub fn closure(&mut self, file: &str, qualname: &str, sources: &dyn Sources) -> Option<Arc<Closure>> {
        self.kept.closure(file, qualname, &mut View::new(&mut self.table, sources))
    }

    /// The files that were read for the closures that somebody asked for since the last change, with their syntax
    /// errors: what importing the entry reads, and what those functions import.
    pub fn files(&self) -> Vec<(String, Option<SyntaxError>)> {
        let modules = self.kept.seen().filter_map(|number| self.table.get(number));
        let mut files: Vec<_> =
            modules.map(|module| (module.file.clone(), module.parsed.error().cloned())).collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        files
    }

    /// The text of a file as the analysis saw it.
    pub fn text(&self, file: &str) -> Option<Arc<str>> {
        self.table.known(file).map(|module| module.text.clone())
    }

    /// The functions of a file as the analysis saw it.
    pub fn facts(&self, file: &str) -> Option<crate::source::ModuleFacts> {
        let module = self.table.known(file)?;
        Some(module.facts.get_or_init(|| crate::source::facts(&module.parsed)).clone())
    }
}
