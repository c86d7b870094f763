//! The modules of a project, and what a function in one of them reaches: its closure.
//!
//! Texts come through [`Sources`], so that this floor does no I/O. A closure is computed from what the
//! entry module imports, and kept until a text changes. docs/replay.md says the rules to users.
//!
//! - `stdlib`, `known`: names of Python that the analysis knows
//! - `scope`, `pattern`: which names a block binds; what is known of a computed name
//! - `facts`, `walk` (with `chains`, `calls`, `changes`): one tree to facts: free names, attributes, changes, readers
//! - `module`, `cut`: one text to units (definitions, statements) and bindings of names
//! - `resolve`: names to definitions, across modules
//! - `world`, `effects`: what importing does, in order
//! - `reach`, `rounds`: from a function to everything that counts
//! - `seal`: what counts to a digest and parts

mod calls;
mod chains;
mod changes;
mod cut;
mod effects;
mod facts;
mod known;
mod module;
mod pattern;
mod reach;
mod resolve;
mod rounds;
mod scope;
mod seal;
mod stdlib;
mod walk;
mod world;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::digest::Digest;
use crate::model::Opaque;

use super::SyntaxError;
use reach::{Aspect, Item, Reach};
use resolve::{ModId, Table, View};
use world::World;

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
    entry: String,
    table: Table,
    closures: HashMap<(String, String), Option<Arc<Closure>>>,
    /// What importing the entry, and then these modules, does.
    worlds: HashMap<BTreeSet<ModId>, Arc<World>>,
}

impl Program {
    /// `roots`: the folders that imports start from, in order, relative to the project (`""`: the project).
    /// `entry`: the file that is imported first.
    pub fn new(roots: Vec<String>, entry: &str) -> Self {
        Program {
            entry: entry.to_owned(),
            table: Table::new(roots),
            closures: HashMap::new(),
            worlds: HashMap::new(),
        }
    }

    /// These files may have changed, come or gone.
    pub fn changed(&mut self, paths: &[&str]) {
        for path in paths {
            self.table.forget(path);
        }
        self.closures.clear();
        self.worlds.clear();
    }

    /// The closure of a function, by its file and qualified name. `None` when the analysis does not find it, or
    /// when a module that it reaches has a syntax error.
    pub fn closure(&mut self, file: &str, qualname: &str, sources: &dyn Sources) -> Option<Arc<Closure>> {
        let key = (file.to_owned(), qualname.to_owned());
        if let Some(known) = self.closures.get(&key) {
            return known.clone();
        }
        let closure = self.compute(file, qualname, sources).map(Arc::new);
        self.closures.insert(key, closure.clone());
        closure
    }

    /// The files that importing the entry reads, as far as they are known, with their syntax errors.
    pub fn files(&self) -> Vec<(String, Option<SyntaxError>)> {
        let mut files: Vec<_> =
            self.table.all().map(|module| (module.file.clone(), module.parsed.error().cloned())).collect();
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

    fn compute(&mut self, file: &str, qualname: &str, sources: &dyn Sources) -> Option<Closure> {
        let mut view = View { table: &mut self.table, sources };
        let number = view.load(file)?;
        let entry = view.load(&self.entry);
        let roots = find(number, qualname, &view)?;
        // What the entry imports in any case is there already: a world of its own for each file would be the same one.
        let base = self.worlds.get(&BTreeSet::new()).cloned();
        let base = base.unwrap_or_else(|| Arc::new(World::of(&Vec::from_iter(entry), &mut view)));
        self.worlds.entry(BTreeSet::new()).or_insert_with(|| base.clone());
        let mut extra: BTreeSet<ModId> = BTreeSet::new();
        extra.extend(Some(number).filter(|number| !base.has_certainly(*number)));
        loop {
            let world = match self.worlds.get(&extra) {
                Some(world) => world.clone(),
                None => {
                    let entries: Vec<ModId> = entry.into_iter().chain(by_file(&extra, &view)).collect();
                    let world = Arc::new(World::of(&entries, &mut view));
                    self.worlds.insert(extra.clone(), world.clone());
                    world
                }
            };
            if world.broken {
                return None;
            }
            let reach = Reach::of(&roots, &mut view, &world)?;
            let more: BTreeSet<ModId> = reach.loads.difference(&extra).copied().collect();
            if more.is_empty() {
                return seal::seal(qualname, reach);
            }
            // What the function imports when it runs may change something, too.
            extra.extend(more);
        }
    }
}

/// Modules in the order of their files: numbers depend on who asked first.
fn by_file(modules: &BTreeSet<ModId>, view: &View<'_>) -> Vec<ModId> {
    let mut named: Vec<(String, ModId)> =
        modules.iter().filter_map(|number| Some((view.module(*number)?.file.clone(), *number))).collect();
    named.sort();
    named.into_iter().map(|(_, number)| number).collect()
}

/// The definitions of a qualified name.
fn find(number: ModId, qualname: &str, view: &View<'_>) -> Option<Vec<Item>> {
    let module = view.module(number)?;
    let outermost = qualname.split(".<locals>").next().unwrap_or(qualname);
    let (name, rest) = outermost.split_once('.').map_or((outermost, None), |(name, rest)| (name, Some(rest)));
    let bindings = module.bindings(name)?;
    let live = bindings.live.iter().filter_map(|at| bindings.all.get(*at));
    let mut units: Vec<usize> =
        live.filter(|binding| binding.import.is_none()).map(|binding| binding.unit).collect();
    // A plain redefinition does not remove a decorated one: the registry of functions still has it.
    let marked = |unit: &usize| module.units.get(*unit).is_some_and(|unit| !unit.marks.is_empty());
    if rest.is_none() && !units.iter().any(marked) {
        let decorated = bindings.all.iter().map(|binding| binding.unit).rfind(marked);
        units = decorated.map_or(units, |unit| vec![unit]);
    } else if rest.is_none() {
        units.retain(marked);
    }
    let mut items = Vec::new();
    for unit in units {
        let entry = module.units.get(unit)?;
        let whole = Item { module: number, unit, member: None, aspect: Aspect::Whole };
        match (entry.kind, rest) {
            (module::Kind::Function, None) => items.push(whole),
            (module::Kind::Class, Some(rest)) => {
                let mut found: Vec<Item> = Vec::new();
                for (at, member) in
                    entry.members.iter().enumerate().filter(|(_, member)| &*member.name == rest)
                {
                    if member.method {
                        found.push(Item { member: Some(at), ..whole });
                    }
                }
                // A class in a class counts as a whole.
                if found.is_empty() && rest.contains('.') {
                    found.push(whole);
                }
                items.extend(found);
            }
            // A function made in a loop.
            (module::Kind::Statement, None) => items.push(whole),
            _ => {}
        }
    }
    (!items.is_empty()).then_some(items)
}
