//! What importing the modules does, in order: which names are rebound and which objects change.
//!
//! The modules that an entry imports are run in thought, statement by statement, as Python would. A statement that
//! changes something else than the names it binds (`RULES.append(rule)`, `net.fetch = patched`, a decorator whose
//! body registers) touches it. Functions that such statements call are looked into.

use std::collections::{BTreeSet, HashMap, HashSet};

use ruff_python_ast::{Expr, Stmt};

use super::effects::{Callee, Effect, Summaries, callees};
use super::facts::{Chain, Dynamic, Facts, Root, Target};
use super::known;
use super::module::{Kind, Module};
use super::pattern::Pattern;
use super::resolve::{Found, ModId, Place, View, When};

/// A unit that changes something when it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touch {
    pub(super) at: usize,
    pub(super) module: ModId,
    pub(super) unit: usize,
    /// Only this attribute changes.
    pub(super) attr: Option<Box<str>>,
    /// The name is bound to something else.
    pub(super) bind: bool,
    /// It runs whenever the module does.
    pub(super) certain: bool,
}

/// Everything that importing does.
#[derive(Debug, Default)]
pub(super) struct World {
    /// The order in which units run.
    order: HashMap<(ModId, usize), usize>,
    loaded: HashSet<ModId>,
    /// For modules that are not imported in any case: the units that decide whether they are.
    deciders: HashMap<ModId, Vec<(ModId, usize)>>,
    touched: HashMap<(ModId, Box<str>), Vec<Touch>>,
    /// Of modules: names that are computed.
    whole: HashMap<ModId, Vec<(Pattern, Touch)>>,
    /// Dotted paths outside the project.
    outside: Vec<(String, Touch)>,
    /// Classes that name a class among their bases.
    subclasses: HashMap<(ModId, usize), Vec<(ModId, usize)>>,
    /// A module that does not parse.
    pub(super) broken: bool,
}

impl World {
    /// What importing these modules, one after the other, does.
    pub(super) fn of(entries: &[ModId], view: &mut View<'_>) -> Self {
        let mut world = World::default();
        for entry in entries {
            world.import(*entry, view);
        }
        if !world.deciders.is_empty() {
            for module in certain(entries, view) {
                world.deciders.remove(&module);
            }
        }
        let mut summaries = Summaries::default();
        let mut sequence: Vec<((ModId, usize), usize)> =
            world.order.iter().map(|(unit, at)| (*unit, *at)).collect();
        sequence.sort_by_key(|(_, at)| *at);
        for ((module, unit), at) in sequence {
            world.run(module, unit, at, &mut summaries, view);
        }
        world
    }

    pub(super) fn has(&self, module: ModId) -> bool {
        self.loaded.contains(&module)
    }

    /// Whether a module is imported in any case: importing it once more changes nothing.
    pub(super) fn has_certainly(&self, module: ModId) -> bool {
        self.has(module) && self.deciders(module).is_empty()
    }

    pub(super) fn at(&self, module: ModId, unit: usize) -> Option<usize> {
        self.order.get(&(module, unit)).copied()
    }

    /// What changes a name of a module, in order.
    pub(super) fn touches(&self, module: ModId, name: &str) -> Vec<Touch> {
        let mut all = self.touched.get(&(module, Box::from(name))).cloned().unwrap_or_default();
        if let Some(whole) = self.whole.get(&module) {
            let fits = whole.iter().filter(|(names, _)| names.matches(name));
            all.extend(fits.map(|(_, touch)| touch.clone()));
            all.sort_by_key(|touch| touch.at);
        }
        all
    }

    /// What changes a dotted path outside the project, or something of it.
    pub(super) fn outside(&self, path: &str) -> impl Iterator<Item = &Touch> {
        let path = match path.strip_prefix("os.getenv").or_else(|| path.strip_prefix("os.environb")) {
            Some(rest) => format!("os.environ{rest}"),
            None => path.to_owned(),
        };
        let found: Vec<&Touch> = self
            .outside
            .iter()
            .filter(|(touched, _)| related(touched, &path))
            .map(|(_, touch)| touch)
            .collect();
        found.into_iter()
    }

    pub(super) fn subclasses(&self, module: ModId, unit: usize) -> &[(ModId, usize)] {
        self.subclasses.get(&(module, unit)).map_or(&[], |found| found)
    }

    /// Runs a module that did not run before, and what it imports, in the order of Python.
    fn import(&mut self, entry: ModId, view: &mut View<'_>) {
        let mut stack: Vec<(ModId, usize, Vec<ModId>)> = Vec::new();
        let mut begin = vec![entry];
        loop {
            // Packages before what is in them: they were put last.
            if let Some(next) = begin.pop() {
                if self.loaded.insert(next) {
                    self.decided(next, stack.last().map(|(number, unit, _)| (*number, *unit)), view);
                    if let Some(module) = view.module(next) {
                        self.broken |= module.parsed.error().is_some();
                        let parents = parents(&module, view);
                        stack.push((next, 0, Vec::new()));
                        if let Some(top) = stack.last_mut() {
                            top.2 = begin;
                        }
                        begin = parents;
                        continue;
                    }
                }
                continue;
            }
            let Some((number, unit, rest)) = stack.pop() else { return };
            let Some(module) = view.module(number) else { continue };
            if unit >= module.units.len() {
                begin = rest;
                continue;
            }
            self.order.insert((number, unit), self.order.len());
            stack.push((number, unit + 1, rest));
            if !view.never_runs(number, &module, unit) {
                begin = imports(number, &module, unit, view);
                begin.reverse();
            }
        }
    }

    /// Notes what decides whether a module is imported. `next`: the module that imports it, and the unit that it runs
    /// next.
    fn decided(&mut self, loaded: ModId, next: Option<(ModId, usize)>, view: &View<'_>) {
        let Some((number, next)) = next else { return };
        let mut deciders = self.deciders.get(&number).cloned().unwrap_or_default();
        if let Some(unit) = next.checked_sub(1)
            && let Some(module) = view.module(number)
            && let Some(entry) = module.units.get(unit)
            && !(entry.kind == Kind::Import && entry.guards.is_empty())
        {
            deciders.push((number, unit));
        }
        if !deciders.is_empty() {
            self.deciders.insert(loaded, deciders);
        }
    }

    /// The units that decide whether a module is imported.
    pub(super) fn deciders(&self, module: ModId) -> &[(ModId, usize)] {
        self.deciders.get(&module).map_or(&[], |found| found)
    }

    fn run(&mut self, number: ModId, unit: usize, at: usize, summaries: &mut Summaries, view: &mut View<'_>) {
        let Some(module) = view.module(number) else { return };
        let Some(entry) = module.units.get(unit) else { return };
        let quiet = match module.stmt(unit) {
            Some(Stmt::FunctionDef(func)) => func.decorator_list.is_empty(),
            Some(Stmt::Import(_) | Stmt::ImportFrom(_)) => true,
            _ => false,
        };
        if quiet || view.never_runs(number, &module, unit) {
            return;
        }
        let certain = entry.certain;
        let Some(facts) = module.outer(unit) else { return };
        let mut targets = BTreeSet::new();
        for change in &facts.changes {
            targets.extend(summaries.change(number, change, When::Before(unit), view));
        }
        for call in facts.calls.iter().filter(|call| call.now) {
            targets.extend(summaries.call(number, call, When::Before(unit), view));
        }
        if entry.kind == Kind::Class {
            let bases = ancestors(number, unit, view);
            for (base, base_unit) in &bases {
                self.subclasses.entry((*base, *base_unit)).or_default().push((number, unit));
            }
            targets.extend(summaries.class(number, unit, &bases, view));
        }
        for target in summaries.spread(targets, view) {
            let touch =
                |attr: Option<Box<str>>, bind| Touch { at, module: number, unit, attr, bind, certain };
            match target {
                Effect::Name { module, name, attr, bind } => {
                    if module == number && entry.names.contains(&name) {
                        continue;
                    }
                    let list = self.touched.entry((module, name)).or_default();
                    let touch = touch(attr, bind);
                    if !list.contains(&touch) {
                        list.push(touch);
                    }
                }
                Effect::Module(module, names) => {
                    self.whole.entry(module).or_default().push((names, touch(None, false)));
                }
                Effect::Outside(path) => self.outside.push((path, touch(None, false))),
                Effect::Param(..) => {}
            }
        }
    }
}

/// The modules that are imported in any case.
fn certain(entries: &[ModId], view: &mut View<'_>) -> HashSet<ModId> {
    let mut seen: HashSet<ModId> = HashSet::new();
    let mut open = entries.to_vec();
    while let Some(number) = open.pop() {
        let Some(module) = view.module(number) else { continue };
        if !seen.insert(number) {
            continue;
        }
        open.extend(parents(&module, view));
        for (unit, entry) in module.units.iter().enumerate() {
            if entry.kind == Kind::Import && entry.guards.is_empty() {
                open.extend(imports(number, &module, unit, view));
            }
        }
    }
    seen
}

/// A change of one may be seen through the other.
pub(super) fn related(touched: &str, path: &str) -> bool {
    let below = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    below(touched, path) || below(path, touched)
}

/// The packages around a module, innermost last.
fn parents(module: &Module, view: &mut View<'_>) -> Vec<ModId> {
    let mut found = Vec::new();
    let mut folder = module.folder();
    while !folder.is_empty() {
        let file = format!("{folder}/__init__.py");
        if file != module.file {
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
fn imports(number: ModId, module: &Module, unit: usize, view: &mut View<'_>) -> Vec<ModId> {
    let mut roots: Vec<Root> = Vec::new();
    match module.stmt(unit) {
        Some(Stmt::Import(import)) => {
            roots.extend(import.names.iter().map(|alias| Root::module(0, alias.name.as_str())));
        }
        Some(Stmt::ImportFrom(from)) => {
            let name = from.module.as_ref().map_or("", |module| module.as_str());
            roots.push(Root::module(from.level, name));
            roots.extend(from.names.iter().map(|alias| Root::item(from.level, name, alias.name.as_str())));
        }
        Some(Stmt::FunctionDef(func)) if func.decorator_list.is_empty() => {}
        None => {}
        Some(_) => {
            let Some(facts) = module.outer(unit) else { return Vec::new() };
            return run_imports(number, unit, facts, view);
        }
    }
    loads(number, &roots, view)
}

/// The modules that a statement imports, itself or by the functions that it calls.
fn run_imports(number: ModId, unit: usize, facts: &Facts, view: &mut View<'_>) -> Vec<ModId> {
    let mut found = loads(number, &facts.loads, view);
    found.extend(computed(number, &facts.dynamic, view));
    let mut seen: HashSet<Callee> = HashSet::new();
    let mut open: Vec<Callee> = Vec::new();
    called(number, facts, When::Before(unit), &mut open, view);
    while let Some(callee) = open.pop() {
        if seen.len() > MAX_CALLED || !seen.insert(callee) {
            continue;
        }
        let Some(module) = view.module(callee.module) else { continue };
        let inner = match callee.member {
            Some(member) => module.member_inner(callee.unit, member),
            None => module.inner(callee.unit),
        };
        if let Some(inner) = inner {
            found.extend(loads(callee.module, &inner.loads, view));
            found.extend(computed(callee.module, &inner.dynamic, view));
            called(callee.module, inner, When::Any, &mut open, view);
        }
    }
    found
}

/// So many functions are looked into for what one statement imports.
const MAX_CALLED: usize = 300;

fn called(from: ModId, facts: &Facts, when: When, open: &mut Vec<Callee>, view: &mut View<'_>) {
    for call in facts.calls.iter().filter(|call| call.now) {
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
            if view.module(number).is_some_and(|module| module.parsed.error().is_none()) {
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

/// The chains that a class names as its bases.
pub(super) fn bases(stmt: &Stmt) -> (Vec<Chain>, Option<Chain>) {
    let Stmt::ClassDef(class) = stmt else { return (Vec::new(), None) };
    let Some(arguments) = &class.arguments else { return (Vec::new(), None) };
    let named = |expr: &Expr| Chain::of(expr, true);
    let metaclass = arguments.find_keyword("metaclass").and_then(|keyword| named(&keyword.value));
    (arguments.args.iter().filter_map(named).collect(), metaclass)
}

/// The classes of the project above a class, each once, nearest first.
pub(super) fn ancestors(module: ModId, unit: usize, view: &mut View<'_>) -> Vec<(ModId, usize)> {
    let mut found: Vec<(ModId, usize)> = Vec::new();
    let mut open = vec![(module, unit)];
    while let Some((number, unit)) = open.pop() {
        let Some(module) = view.module(number) else { continue };
        let Some(stmt) = module.stmt(unit) else { continue };
        for base in bases(stmt).0 {
            for place in view.resolve(number, &base, When::Before(unit)) {
                if let Place::Unit { module, unit, .. } = place
                    && view.module(module).is_some_and(|module| {
                        module.units.get(unit).is_some_and(|unit| unit.kind == Kind::Class)
                    })
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
