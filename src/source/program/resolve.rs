//! What a name means: from a chain of attributes in one module to the definitions that it leads to.
//!
//! Imports are followed as Python follows them: a name of a package before a module in it. What no file of the project
//! answers lies outside.

use std::collections::HashSet;

use super::facts::{Chain, Root};
use super::module::Binding;
use super::stdlib;
use super::table::{Found, ModId, View};
use super::top::Top;

/// When a name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum When {
    /// After everything is imported.
    End,
    /// At some time: while something is imported, or after.
    Any,
    /// When this unit of the module runs.
    Before(usize),
}

/// What a chain leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    /// A unit that binds the name; what is left of the chain.
    Unit {
        module: ModId,
        unit: usize,
        name: Box<str>,
        rest: Vec<Box<str>>,
        /// The import that took it when it ran: what is bound to the name later does not matter.
        taken: Option<(ModId, usize)>,
    },
    Module(ModId),
    /// A package without an `__init__.py`.
    Folder(String),
    /// A dotted path outside the project.
    Outside(String),
    /// A name that the module does not bind: a builtin, or what something else puts there.
    Builtin {
        module: ModId,
        path: String,
    },
    /// The project has the module (when it is said which) but not the name.
    Missing {
        module: Option<ModId>,
        path: String,
    },
}

/// So many imports of imports are followed for one name.
const MAX_HOPS: usize = 60;

impl View<'_> {
    /// What a chain in a module leads to.
    pub(super) fn resolve(&mut self, from: ModId, chain: &Chain, when: When) -> Vec<Place> {
        self.resolve_guarded(from, chain, when).0
    }

    /// Also the imports on the way that stand in branches.
    pub(super) fn resolve_guarded(
        &mut self,
        from: ModId,
        chain: &Chain,
        when: When,
    ) -> (Vec<Place>, Vec<(ModId, usize)>) {
        let mut walk = Walk { places: Vec::new(), guarded: Vec::new(), seen: HashSet::new() };
        self.root(from, &chain.root, &chain.attrs, when, None, 0, &mut walk);
        (walk.places, walk.guarded)
    }

    #[allow(clippy::too_many_arguments)]
    fn root(
        &mut self,
        from: ModId,
        root: &Root,
        attrs: &[Box<str>],
        when: When,
        taken: Option<(ModId, usize)>,
        hops: usize,
        walk: &mut Walk,
    ) {
        match root {
            Root::This => self.inside(Found::File(from), attrs, when, taken, hops, walk),
            Root::Name(name) => {
                if !self.name(from, name, attrs, when, taken, hops, walk) {
                    walk.add(Place::Builtin { module: from, path: path(name, attrs) });
                }
            }
            Root::Import { level, module, item } => {
                let found = self.imported(from, *level, module).unwrap_or(Found::Outside);
                let mut rest: Vec<Box<str>> = item.iter().cloned().collect();
                rest.extend(attrs.iter().cloned());
                match found {
                    Found::Outside if *level > 0 => {
                        walk.add(Place::Missing { module: None, path: path(module, &rest) });
                    }
                    Found::Outside => {
                        // A module of a package of the project that is not there.
                        let ours = module.contains('.') && self.find(stdlib::top(module)) != Found::Outside;
                        let path = path(module, &rest);
                        walk.add(if ours {
                            Place::Missing { module: None, path }
                        } else {
                            Place::Outside(path)
                        });
                    }
                    found => self.inside(found, &rest, When::End, taken, hops + 1, walk),
                }
            }
        }
    }

    /// `attrs` of a module.
    fn inside(
        &mut self,
        found: Found,
        attrs: &[Box<str>],
        when: When,
        taken: Option<(ModId, usize)>,
        hops: usize,
        walk: &mut Walk,
    ) {
        let Some((name, rest)) = attrs.split_first() else {
            walk.add(match found {
                Found::File(number) => Place::Module(number),
                Found::Folder(folder) => Place::Folder(folder),
                Found::Outside => return,
            });
            return;
        };
        let mut again = false;
        if let Found::File(number) = found {
            // `from . import part` in a package's own file binds the module of that name.
            again = walk.seen.contains(&(number, name.to_string(), rest.len(), when));
            if !again && self.name(number, name, rest, when, taken, hops, walk) {
                return;
            }
        }
        let folder = match &found {
            Found::File(number) => self.package(*number),
            Found::Folder(folder) => Some(folder.clone()),
            Found::Outside => None,
        };
        match folder.map(|folder| self.child(&folder, name)) {
            Some(child) if child != Found::Outside => {
                self.inside(child, rest, When::End, None, hops + 1, walk);
            }
            _ if again => {}
            _ => {
                if let Found::File(number) = found
                    && self.name(number, "__getattr__", &[], When::End, None, hops, walk)
                {
                    return;
                }
                let module = match found {
                    Found::File(number) => Some(number),
                    _ => None,
                };
                walk.add(Place::Missing { module, path: path(name, rest) });
            }
        }
    }

    /// A name of a module. False when the module does not bind it.
    #[allow(clippy::too_many_arguments)]
    fn name(
        &mut self,
        from: ModId,
        name: &str,
        attrs: &[Box<str>],
        when: When,
        taken: Option<(ModId, usize)>,
        hops: usize,
        walk: &mut Walk,
    ) -> bool {
        if hops > MAX_HOPS || !walk.seen.insert((from, name.to_owned(), attrs.len(), when)) {
            return true;
        }
        let steps = self.steps(from, name, when);
        let top = self.top(from);
        for (unit, step) in &steps {
            let guarded = top.as_ref().is_some_and(|top| !top.guards(*unit).is_empty());
            if guarded && !matches!(step, Step::Unit(_)) {
                walk.guarded.push((from, *unit));
            }
            match step {
                Step::Unit(unit) => walk.add(Place::Unit {
                    module: from,
                    unit: *unit,
                    name: name.into(),
                    rest: attrs.to_vec(),
                    taken,
                }),
                Step::Import(root) => {
                    let when = if when == When::Any { When::Any } else { When::End };
                    let taken = match root {
                        Root::Import { item: Some(_), .. } => Some((from, *unit)),
                        _ => taken,
                    };
                    self.root(from, root, attrs, when, taken, hops + 1, walk);
                }
                Step::Star(Found::File(number)) => {
                    self.name(*number, name, attrs, When::End, Some((from, *unit)), hops + 1, walk);
                }
                Step::Star(_) => {}
            }
        }
        !steps.is_empty()
    }

    /// The bindings that a name may have at a time.
    fn steps(&mut self, from: ModId, name: &str, when: When) -> Vec<(usize, Step)> {
        let Some(top) = self.top(from) else { return Vec::new() };
        let mut own: Vec<&Binding> = Vec::new();
        if let Some(bindings) = top.bindings(name) {
            match when {
                When::End => own.extend(bindings.live.iter().filter_map(|at| bindings.all.get(*at))),
                When::Any => own.extend(&bindings.all),
                When::Before(unit) => {
                    for binding in bindings.all.iter().filter(|binding| binding.unit < unit) {
                        let certain = top.is_certain(binding.unit);
                        if certain && own.last().is_none_or(|last| last.unit != binding.unit) {
                            own.clear();
                        }
                        own.push(binding);
                    }
                    // Bound in a loop around it, or by itself.
                    if own.is_empty() {
                        let again = top.repeats(unit);
                        own.extend(bindings.all.iter().filter(|binding| again || binding.unit != unit));
                    }
                }
            }
            let runs: Vec<&Binding> =
                own.iter().copied().filter(|binding| !self.never_runs(from, &top, binding.unit)).collect();
            own = runs;
        }
        let mut steps: Vec<(usize, Step)> = own
            .iter()
            .map(|binding| {
                let step = match &binding.import {
                    Some(root) => Step::Import(root.clone()),
                    None => Step::Unit(binding.unit),
                };
                (binding.unit, step)
            })
            .collect();
        for (unit, root) in top.stars() {
            let before = match when {
                When::Before(limit) => *unit < limit,
                _ => true,
            };
            if !before || self.never_runs(from, &top, *unit) {
                continue;
            }
            let Root::Import { level, module: dotted, .. } = root else { continue };
            let Some(found @ Found::File(number)) = self.imported(from, *level, dotted) else { continue };
            if self.exports(number, name, 0) {
                let certain = top.is_certain(*unit);
                if certain && when != When::Any {
                    steps.retain(|(own, _)| own > unit);
                }
                // What is bound below the import hides it.
                let hidden = |(own, _): &(usize, Step)| own > unit && top.is_certain(*own);
                if when == When::Any || !steps.iter().any(hidden) {
                    steps.push((*unit, Step::Star(found)));
                }
            }
        }
        steps
    }

    /// `from module import *` brings a name.
    pub(super) fn exports(&mut self, number: ModId, name: &str, depth: usize) -> bool {
        let Some(top) = self.top(number) else { return false };
        if let Some(all) = top.all() {
            return all.iter().any(|one| &**one == name);
        }
        // An `__all__` that cannot be read: everything.
        if name.starts_with('_') && top.bindings("__all__").is_none() {
            return false;
        }
        if top.bindings(name).is_some_and(|bindings| !bindings.live.is_empty()) {
            return true;
        }
        depth < MAX_HOPS
            && top.stars().iter().any(|(_, root)| match root {
                Root::Import { level, module, .. } => match self.imported(number, *level, module) {
                    Some(Found::File(next)) if next != number => self.exports(next, name, depth + 1),
                    _ => false,
                },
                _ => false,
            })
    }

    /// The unit stands in `except ImportError`, and the imports of the `try` all succeed.
    pub(super) fn never_runs(&mut self, from: ModId, top: &Top, unit: usize) -> bool {
        top.guards(unit).iter().any(|guard| {
            guard
                .unless
                .as_ref()
                .is_some_and(|roots| roots.iter().all(|root| self.succeeds(from, root, &mut HashSet::new())))
        })
    }

    /// An import certainly works.
    fn succeeds(&mut self, from: ModId, root: &Root, seen: &mut HashSet<ModId>) -> bool {
        let Root::Import { level, module, item } = root else { return false };
        match self.imported(from, *level, module) {
            Some(Found::File(number)) => {
                let Some(target) = self.top(number) else { return false };
                if target.is_broken() {
                    return false;
                }
                if let Some(name) = item {
                    let child = match self.package(number) {
                        Some(folder) => self.child(&folder, name),
                        None => Found::Outside,
                    };
                    let bound = target.bindings(name).is_some()
                        || target.bindings("__getattr__").is_some()
                        || !target.stars().is_empty();
                    if child == Found::Outside && !bound {
                        return false;
                    }
                }
                !seen.insert(number) || target.required().iter().all(|next| self.succeeds(number, next, seen))
            }
            Some(Found::Folder(_)) => true,
            _ => *level == 0 && stdlib::is_standard(module),
        }
    }
}

enum Step {
    Unit(usize),
    Import(Root),
    Star(Found),
}

/// One resolution under way.
struct Walk {
    places: Vec<Place>,
    /// Imports that stand in branches.
    guarded: Vec<(ModId, usize)>,
    seen: HashSet<(ModId, String, usize, When)>,
}

impl Walk {
    fn add(&mut self, place: Place) {
        if !self.places.contains(&place) {
            self.places.push(place);
        }
    }
}

fn path(first: &str, rest: &[Box<str>]) -> String {
    let mut path = first.to_owned();
    for part in rest {
        path.push('.');
        path.push_str(part);
    }
    path
}
