//! What is kept between two questions, and what of it stands after a save.
//!
//! A closure depends on the modules that it looked at, which its trace tells, and on what importing does, which is
//! compared as a whole: where the world of before and that of now agree about those modules, the closure stands.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::module::Kind;
use super::reach::{Aspect, Item, Reach};
use super::run::Runs;
use super::table::{ModId, View};
use super::trace::Trace;
use super::world::World;
use super::{Closure, seal};

/// The modules that are imported after the entry, because functions import them when they run.
type More = Arc<BTreeSet<ModId>>;

/// A closure, and what it is made of.
struct Entry {
    closure: Option<Arc<Closure>>,
    trace: Trace,
    /// The worlds that were looked at.
    worlds: Vec<More>,
}

/// What is known.
pub(super) struct Kept {
    entry: String,
    runs: Runs,
    pub(super) worlds: HashMap<More, Arc<World>>,
    closures: HashMap<(String, String), Entry>,
    /// What the answers since the last change are made of, by module.
    seen: Vec<bool>,
    worlds_seen: BTreeSet<More>,
}

impl Kept {
    pub(super) fn new(entry: &str) -> Self {
        Kept {
            entry: entry.to_owned(),
            runs: Runs::default(),
            worlds: HashMap::new(),
            closures: HashMap::new(),
            seen: Vec::new(),
            worlds_seen: BTreeSet::new(),
        }
    }

    /// The modules that the answers since the last change are made of, and files that were looked for.
    pub(super) fn seen(&self) -> impl Iterator<Item = ModId> {
        self.seen.iter().enumerate().filter(|(_, seen)| **seen).map(|(number, _)| number)
    }

    pub(super) fn closure(
        &mut self,
        file: &str,
        qualname: &str,
        view: &mut View<'_>,
    ) -> Option<Arc<Closure>> {
        self.settle(view);
        let key = (file.to_owned(), qualname.to_owned());
        if !self.closures.contains_key(&key) {
            view.tracing.begin();
            let mut worlds = Vec::new();
            let closure = self.compute(file, qualname, &mut worlds, view).map(Arc::new);
            let trace = view.tracing.end_apart();
            self.closures.insert(key.clone(), Entry { closure, trace, worlds });
        }
        let entry = self.closures.get(&key)?;
        mark(&mut self.seen, entry.trace.modules());
        for more in &entry.worlds {
            if self.worlds_seen.insert(more.clone())
                && let Some(world) = self.worlds.get(more)
            {
                let traces = world.modules().filter_map(|number| self.runs.trace(number));
                traces.for_each(|trace| mark(&mut self.seen, trace.modules()));
            }
        }
        entry.closure.clone()
    }

    /// Forgets what does not stand after the changes that were told of.
    fn settle(&mut self, view: &mut View<'_>) {
        let Some(changes) = view.settle() else { return };
        self.seen.clear();
        self.worlds_seen.clear();
        if changes.is_empty() {
            return;
        }
        self.closures.retain(|_, entry| !changes.concern(&entry.trace));
        let others = self.runs.settle(&changes, view);
        let used: BTreeSet<More> = self.closures.values().flat_map(|entry| entry.worlds.clone()).collect();
        self.worlds.retain(|more, _| used.contains(more));
        let entry = view.load(&self.entry);
        let gone = |world: &World| others.iter().any(|number| world.has(*number));
        let moved: Vec<More> =
            self.worlds.iter().filter(|(_, world)| gone(world)).map(|(more, _)| more.clone()).collect();
        for more in moved {
            let now = Arc::new(self.world(entry, &more, view));
            let Some(before) = self.worlds.insert(more.clone(), now.clone()) else { continue };
            let difference = before.difference(&now);
            self.closures
                .retain(|_, entry| !entry.worlds.contains(&more) || !difference.concerns(&entry.trace));
        }
    }

    fn world(&mut self, entry: Option<ModId>, more: &BTreeSet<ModId>, view: &mut View<'_>) -> World {
        let entries: Vec<ModId> = entry.into_iter().chain(by_file(more, view)).collect();
        World::of(&entries, &mut self.runs, view)
    }

    fn compute(
        &mut self,
        file: &str,
        qualname: &str,
        worlds: &mut Vec<More>,
        view: &mut View<'_>,
    ) -> Option<Closure> {
        let number = view.load(file)?;
        let entry = view.load(&self.entry);
        let roots = find(number, qualname, view)?;
        // What the entry imports in any case is there already: a world of its own for each file would be the same one.
        let base = self.known(entry, &More::default(), worlds, view);
        let mut extra: BTreeSet<ModId> = BTreeSet::new();
        extra.extend(Some(number).filter(|number| !base.has_certainly(*number)));
        loop {
            let world = self.known(entry, &Arc::new(extra.clone()), worlds, view);
            if world.broken {
                return None;
            }
            let reach = Reach::of(&roots, view, &world)?;
            let more: BTreeSet<ModId> = reach.loads.difference(&extra).copied().collect();
            if more.is_empty() {
                return seal::seal(qualname, reach);
            }
            // What the function imports when it runs may change something, too.
            extra.extend(more);
        }
    }

    /// The world of these modules; noted as one that was looked at.
    fn known(
        &mut self,
        entry: Option<ModId>,
        more: &More,
        worlds: &mut Vec<More>,
        view: &mut View<'_>,
    ) -> Arc<World> {
        if !worlds.contains(more) {
            worlds.push(more.clone());
        }
        if let Some(world) = self.worlds.get(more) {
            return world.clone();
        }
        let world = Arc::new(self.world(entry, more, view));
        self.worlds.insert(more.clone(), world.clone());
        world
    }
}

fn mark(seen: &mut Vec<bool>, modules: impl Iterator<Item = ModId>) {
    for number in modules {
        if seen.len() <= number {
            seen.resize(number + 1, false);
        }
        if let Some(slot) = seen.get_mut(number) {
            *slot = true;
        }
    }
}

/// Modules in the order of their files: numbers depend on who asked first.
fn by_file(modules: &BTreeSet<ModId>, view: &mut View<'_>) -> Vec<ModId> {
    let mut named: Vec<(String, ModId)> =
        modules.iter().filter_map(|number| Some((view.top(*number)?.file().to_owned(), *number))).collect();
    named.sort();
    named.into_iter().map(|(_, number)| number).collect()
}

/// The definitions of a qualified name.
fn find(number: ModId, qualname: &str, view: &mut View<'_>) -> Option<Vec<Item>> {
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
            (Kind::Function, None) => items.push(whole),
            (Kind::Class, Some(rest)) => {
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
            (Kind::Statement, None) => items.push(whole),
            _ => {}
        }
    }
    (!items.is_empty()).then_some(items)
}
