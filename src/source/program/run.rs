//! What running one module does: what it imports, in order, and what its statements change.
//!
//! A statement that changes something else than the names it binds (`RULES.append(rule)`, `net.fetch = patched`, a
//! decorator whose body registers) has effects. Functions that such statements call are looked into.
//!
//! A run follows from what it looked at, and is kept until something of that changes. It does not depend on which modules
//! ran before: what they do together is the `world`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::effects::{Callee, Effect, Summaries, callees};
use super::facts::{Chain, Dynamic, Root, Target};
use super::known;
use super::module::Kind;
use super::pattern::Pattern;
use super::resolve::{Place, When};
use super::table::{Found, ModId, View};
use super::top::{Early, Top};
use super::trace::{Changes, Trace};

/// What running a module does.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// It does not parse.
    pub(super) broken: bool,
    /// The packages around it, which run before.
    pub(super) parents: Vec<ModId>,
    /// How many units it has.
    pub(super) units: usize,
    /// The units that import something of the project.
    pub(super) steps: Vec<Step>,
    /// The units that change something.
    pub(super) deeds: Vec<Deed>,
    /// The ancestors of its classes, by unit.
    pub(super) bases: Vec<(usize, Vec<(ModId, usize)>)>,
    /// What that is made of.
    pub(super) trace: Trace,
}

/// A unit that imports.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) unit: usize,
    /// It is an import statement that nothing decides about.
    pub(super) plain: bool,
    pub(super) loads: Vec<ModId>,
}

/// A unit that changes something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) unit: usize,
    /// It runs whenever the module does.
    pub(super) certain: bool,
    pub(super) effects: Vec<Effect>,
}

impl Run {
    fn of(number: ModId, summaries: &mut Summaries, view: &mut View<'_>) -> Self {
        let Some(top) = view.top(number) else { return Run::default() };
        let mut run =
            Run { broken: top.is_broken(), parents: parents(&top, view), units: top.len(), ..Run::default() };
        for unit in 0..top.len() {
            if view.never_runs(number, &top, unit) {
                continue;
            }
            let loads = imports(number, &top, unit, view);
            if !loads.is_empty() {
                let plain = top.kind(unit) == Some(Kind::Import) && top.guards(unit).is_empty();
                run.steps.push(Step { unit, plain, loads });
            }
            run.unit(number, &top, unit, summaries, view);
        }
        run
    }

    fn unit(
        &mut self,
        number: ModId,
        top: &Top,
        unit: usize,
        summaries: &mut Summaries,
        view: &mut View<'_>,
    ) {
        let quiet = match top.kind(unit) {
            Some(Kind::Function) => !top.is_decorated(unit),
            Some(Kind::Import) | None => true,
            _ => false,
        };
        let Some(early) = top.early(unit).filter(|_| !quiet) else { return };
        let mut targets = BTreeSet::new();
        for change in early.changes() {
            targets.extend(summaries.change(number, change, When::Before(unit), view));
        }
        for call in early.calls().iter().filter(|call| call.now) {
            targets.extend(summaries.call(number, call, When::Before(unit), view));
        }
        if top.kind(unit) == Some(Kind::Class) {
            let bases = ancestors(number, unit, view);
            targets.extend(summaries.class(number, unit, &bases, view));
            if !bases.is_empty() {
                self.bases.push((unit, bases));
            }
        }
        let own = |effect: &Effect| match effect {
            Effect::Name { module, name, .. } => *module == number && top.names(unit).contains(name),
            Effect::Param(..) => true,
            _ => false,
        };
        let mut effects: Vec<Effect> = summaries.spread(targets, view).into_iter().collect();
        effects.retain(|effect| !own(effect));
        if !effects.is_empty() {
            self.deeds.push(Deed { unit, certain: top.is_certain(unit), effects });
        }
    }

    fn same(&self, other: &Run) -> bool {
        let parts = |run: &Run| (run.broken, run.units);
        parts(self) == parts(other)
            && self.parents == other.parents
            && self.steps == other.steps
            && self.deeds == other.deeds
            && self.bases == other.bases
    }
}

/// The runs that are known.
#[derive(Default)]
pub(super) struct Runs {
    known: HashMap<ModId, Arc<Run>>,
    summaries: Summaries,
}

impl Runs {
    /// What running a module does.
    pub(super) fn of(&mut self, number: ModId, view: &mut View<'_>) -> Arc<Run> {
        if let Some(run) = self.known.get(&number) {
            return run.clone();
        }
        view.tracing.begin();
        let mut run = Run::of(number, &mut self.summaries, view);
        run.trace = view.tracing.end_apart();
        let run = Arc::new(run);
        self.known.insert(number, run.clone());
        run
    }

    /// What a run is made of.
    pub(super) fn trace(&self, number: ModId) -> Option<&Trace> {
        self.known.get(&number).map(|run| &run.trace)
    }

    /// Makes anew what changes concern. Says which modules do something else than before.
    pub(super) fn settle(&mut self, changes: &Changes, view: &mut View<'_>) -> HashSet<ModId> {
        self.summaries.settle(changes);
        let concerned: Vec<ModId> =
            self.known.iter().filter(|(_, run)| changes.concern(&run.trace)).map(|(at, _)| *at).collect();
        let old: Vec<(ModId, Arc<Run>)> =
            concerned.into_iter().filter_map(|number| Some((number, self.known.remove(&number)?))).collect();
        let mut others = HashSet::new();
        for (number, old) in old {
            if view.top(number).is_none() || !self.of(number, view).same(&old) {
                others.insert(number);
            }
        }
        others
    }
}

/// The packages around a module, innermost last.
fn parents(top: &Top, view: &mut View<'_>) -> Vec<ModId> {
    let mut found = Vec::new();
    let mut folder = top.folder();
    while !folder.is_empty() {
        let file = format!("{folder}/__init__.py");
        if file != top.file() {
            match view.load(&file) {
                Some(number) => found.push(number),
                None => break,
            }
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
    found
}

/// The modules that a unit imports, in order.
fn imports(number: ModId, top: &Top, unit: usize, view: &mut View<'_>) -> Vec<ModId> {
    match top.kind(unit) {
        Some(Kind::Import) => loads(number, &top.imports(unit), view),
        Some(Kind::Function) if !top.is_decorated(unit) => Vec::new(),
        _ => match top.early(unit) {
            Some(early) => run_imports(number, unit, early, view),
            None => Vec::new(),
        },
    }
}

/// The modules that a statement imports, itself or by the functions that it calls.
fn run_imports(number: ModId, unit: usize, early: Early<'_>, view: &mut View<'_>) -> Vec<ModId> {
    let mut found = loads(number, early.loads(), view);
    found.extend(computed(number, early.dynamic(), view));
    let mut seen: HashSet<Callee> = HashSet::new();
    let mut open: Vec<Callee> = Vec::new();
    called(number, early, When::Before(unit), &mut open, view);
    while let Some(callee) = open.pop() {
        if seen.len() > MAX_CALLED || !seen.insert(callee) {
            continue;
        }
        let Some(body) = view.body(callee.module, callee.unit, callee.member) else { continue };
        if let Some(inner) = body.early() {
            found.extend(loads(callee.module, inner.loads(), view));
            found.extend(computed(callee.module, inner.dynamic(), view));
            called(callee.module, inner, When::Any, &mut open, view);
        }
    }
    found
}

/// So many functions are looked into for what one statement imports.
const MAX_CALLED: usize = 300;

fn called(from: ModId, early: Early<'_>, when: When, open: &mut Vec<Callee>, view: &mut View<'_>) {
    for call in early.calls().iter().filter(|call| call.now) {
        for place in view.resolve(from, &call.callee, when) {
            if let Place::Unit { module, unit, rest, .. } = place {
                open.extend(callees(module, unit, &rest, view));
            }
        }
    }
}

/// The modules that imports of computed names may load.
fn computed(from: ModId, dynamics: &[Dynamic], view: &mut View<'_>) -> Vec<ModId> {
    let mut found = Vec::new();
    for dynamic in dynamics.iter().filter(|dynamic| dynamic.target == Target::Modules) {
        for number in by_pattern(from, &dynamic.pattern, view) {
            // Of several that may be meant, one that cannot be read is not.
            if view.top(number).is_some_and(|top| !top.is_broken()) {
                found.push(number);
            }
        }
    }
    found
}

/// The modules that a computed name may mean.
pub(super) fn by_pattern(from: ModId, pattern: &Pattern, view: &mut View<'_>) -> Vec<ModId> {
    let (level, dotted) = known::relative(&pattern.prefix);
    let found = match dotted.rsplit_once('.') {
        Some((package, _)) => view.imported(from, level, package),
        None if level > 0 => view.imported(from, level, ""),
        // Nothing is known: whatever lies beside.
        None => view.imported(from, 1, ""),
    };
    let Some(found) = found else { return Vec::new() };
    let start = dotted.rsplit('.').next().unwrap_or("");
    let children = view.children(&found).into_iter();
    children
        .filter_map(|(name, child)| match child {
            Found::File(number) if name.starts_with(start) && number != from => Some(number),
            _ => None,
        })
        .collect()
}

/// The modules that imports load, packages first.
pub(super) fn loads(from: ModId, roots: &[Root], view: &mut View<'_>) -> Vec<ModId> {
    let mut found = Vec::new();
    for root in roots {
        let Root::Import { level, module, item } = root else { continue };
        let mut dotted = module.to_string();
        if let Some(item) = item {
            // A module of the package, unless the package binds the name.
            let chain = Chain { root: Root::module(*level, module), attrs: vec![item.clone()] };
            for place in view.resolve(from, &chain, When::End) {
                if let Place::Module(number) = place {
                    found.push(number);
                }
            }
            continue;
        }
        let mut chain = Vec::new();
        loop {
            match view.imported(from, *level, &dotted) {
                Some(Found::File(number)) => chain.push(number),
                Some(_) => {}
                None => break,
            }
            match dotted.rsplit_once('.') {
                Some((above, _)) => dotted = above.to_owned(),
                None => break,
            }
        }
        found.extend(chain.into_iter().rev());
    }
    found
}

/// The classes of the project above a class, each once, nearest first.
pub(super) fn ancestors(module: ModId, unit: usize, view: &mut View<'_>) -> Vec<(ModId, usize)> {
    let mut found: Vec<(ModId, usize)> = Vec::new();
    let mut open = vec![(module, unit)];
    while let Some((number, unit)) = open.pop() {
        let Some(top) = view.top(number) else { continue };
        for base in top.bases(unit).0 {
            for place in view.resolve(number, &base, When::Before(unit)) {
                if let Place::Unit { module, unit, .. } = place
                    && view.top(module).is_some_and(|top| top.kind(unit) == Some(Kind::Class))
                    && !found.contains(&(module, unit))
                {
                    found.push((module, unit));
                    open.push((module, unit));
                }
            }
        }
    }
    found
}
