//! What a search adds when nothing is left to follow: what waited for a name that is used by now.

use crate::source::builtins::is_builtin_name;
use crate::source::imports::Mark;
use crate::source::normal::Keep;

use super::facts::Chain;
use super::module::{Kind, Module};
use super::pattern::Pattern;
use super::reach::{Aspect, Handed, Item, Reach, Watch, stops};
use super::resolve::{Place, When};
use super::table::ModId;
use super::{effects, run, stdlib};

impl Reach<'_, '_> {
    pub(super) fn wanted(&self, name: &str) -> bool {
        self.attrs.contains(name)
            || self.words.contains(name)
            || self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    /// Adds what waited for something that is known now. False: nothing did.
    pub(super) fn round(&mut self) -> bool {
        let before = self.nodes.len();
        for at in 0..self.classes.len() {
            if let Some(class) = self.classes.get(at).copied() {
                self.class(class);
            }
        }
        for at in 0..self.escaped.len() {
            let Some((number, by)) = self.escaped.get(at).copied() else { continue };
            let Some(top) = self.view.top(number) else { continue };
            for name in top.all_names() {
                if self.wanted(name) {
                    let exact = Pattern::of_name(name);
                    self.everything(number, &exact, by);
                }
            }
        }
        for at in 0..self.watches.len() {
            let Some(watch) = self.watches.get(at).cloned() else { continue };
            for item in self.changes(&watch) {
                self.push(item, Some(watch.by), false, Handed::Freely);
            }
        }
        for at in 0..self.outside.len() {
            let Some((path, by)) = self.outside.get(at).cloned() else { continue };
            let touches: Vec<(ModId, usize)> =
                self.world.outside(&path).map(|touch| (touch.module, touch.unit)).collect();
            for (module, unit) in touches {
                let item = Item { module, unit, member: None, aspect: Aspect::Whole };
                if item != self.root {
                    self.push(item, Some(by), false, Handed::Freely);
                }
            }
        }
        if self.reads.doc || self.reads.signature || self.third {
            for (item, by) in self.handed.clone() {
                if self.reads.doc || self.third {
                    self.push(Item { aspect: Aspect::Doc, ..item }, Some(by), false, Handed::No);
                }
                if self.reads.signature || self.third {
                    self.push(Item { aspect: Aspect::Signature, ..item }, Some(by), false, Handed::No);
                }
            }
        }
        for index in 0..self.nodes.len() {
            if self.keep(index).hints {
                self.hints(index);
            }
        }
        self.nodes.len() > before || !self.queue.is_empty()
    }

    /// The members of a class that something asks for.
    pub(super) fn class(&mut self, index: usize) {
        let Some(Item { module: number, unit, .. }) = self.nodes.get(index).map(|node| node.item) else {
            return;
        };
        let Some(module) = self.view.module(number) else { return };
        let Some(entry) = module.units.get(unit) else { return };
        let outside = self.outside_bases(number, unit);
        let all = outside.iter().any(|path| !is_passive_base(path));
        // An enum asks for `_missing_` and the like.
        let enumeration = outside.iter().any(|path| stdlib::top(path) == "enum");
        for (at, member) in entry.members.iter().enumerate() {
            let dunder = is_dunder(&member.name) || (enumeration && member.name.starts_with('_'));
            // `cart.count = 3` runs a property or a descriptor.
            let stored = member.stored && self.stores.contains(&member.name);
            if stops(&member.marks) {
                if self.wanted(&member.name) {
                    self.hand_member(number, unit, at, index);
                }
                continue;
            }
            if dunder || stored || member.wrapped || (member.method && all) || self.wanted(&member.name) {
                let early = self.nodes.get(index).is_some_and(|node| node.early);
                let item = Item { module: number, unit, member: Some(at), aspect: Aspect::Whole };
                self.push(item, Some(index), early, Handed::No);
            }
        }
        if self.reads.subclasses {
            for (module, unit) in self.world.subclasses(number, unit).to_vec() {
                let item = Item { module, unit, member: None, aspect: Aspect::Whole };
                self.push(item, Some(index), false, Handed::Freely);
            }
        }
    }

    /// A `@function` method: its docstring and its signature may be read.
    pub(super) fn hand_member(&mut self, module: ModId, unit: usize, member: usize, by: usize) {
        if self.reads.doc || self.reads.signature {
            self.hand(Item { module, unit, member: Some(member), aspect: Aspect::Whole }, by);
        }
    }

    /// The bases and decorators of a class and its ancestors that lie outside the project.
    pub(super) fn outside_bases(&mut self, number: ModId, unit: usize) -> Vec<String> {
        let mut classes = vec![(number, unit)];
        classes.extend(run::ancestors(number, unit, self.view));
        let mut found = Vec::new();
        for (number, unit) in classes {
            let Some(top) = self.view.top(number) else { continue };
            let (bases, metaclass) = top.bases(unit);
            for chain in bases.into_iter().chain(metaclass) {
                for place in self.view.resolve(number, &chain, When::Before(unit)) {
                    if let Place::Outside(path) | Place::Builtin { path, .. } | Place::Missing { path, .. } =
                        place
                    {
                        found.push(path);
                    }
                }
            }
        }
        found
    }

    /// What changes a watched name, in order.
    pub(super) fn changes(&mut self, watch: &Watch) -> Vec<Item> {
        let touches = self.world.touches(watch.module, &watch.name);
        let start = match watch.rebound {
            true => touches.iter().rposition(|touch| touch.bind && touch.certain).unwrap_or(0),
            false => 0,
        };
        let mut found = Vec::new();
        for touch in touches.get(start..).unwrap_or_default() {
            let later = watch.before.is_some_and(|limit| touch.at >= limit);
            if later && (touch.bind || !watch.shares) {
                continue;
            }
            if touch.bind && watch.taken.is_some_and(|limit| touch.at >= limit) {
                continue;
            }
            // A class that is made later registers itself: nothing to who never looks there.
            let top = self.view.top(touch.module);
            let made = top.is_some_and(|top| top.kind(touch.unit) == Some(Kind::Class));
            if later && made && touch.attr.as_ref().is_some_and(|attr| !self.asked.contains(attr)) {
                continue;
            }
            if touch.attr.as_ref().is_some_and(|attr| !self.wanted(attr) && !is_dunder(attr)) {
                continue;
            }
            let item = Item { module: touch.module, unit: touch.unit, member: None, aspect: Aspect::Whole };
            for (module, unit) in self.world.deciders(touch.module).iter().copied() {
                let aspect = match self.view.top(module).and_then(|top| top.kind(unit)) {
                    Some(Kind::Import) => Aspect::Guards,
                    _ => Aspect::Whole,
                };
                let decider = Item { module, unit, member: None, aspect };
                if !found.contains(&decider) && item != decider {
                    found.push(decider);
                }
            }
            if !found.contains(&item) {
                found.push(item);
            }
        }
        found
    }

    pub(super) fn order_changes(&mut self) {
        for watch in self.watches.clone() {
            let order: Vec<usize> =
                self.changes(&watch).iter().filter_map(|item| self.index.get(item).copied()).collect();
            if let Some(node) = self.nodes.get_mut(watch.by)
                && !order.is_empty()
            {
                node.changes.push((watch.name.clone(), order));
            }
        }
        for node in &mut self.nodes {
            node.changes.sort();
            node.changes.dedup();
        }
    }

    /// Follows the hints of a node.
    pub(super) fn hints(&mut self, index: usize) {
        let Some(node) = self.nodes.get_mut(index) else { return };
        if std::mem::replace(&mut node.hinted, true) {
            return;
        }
        let item = node.item;
        let Some(module) = self.view.module(item.module) else { return };
        let outer = match item.member {
            Some(member) => module.member_outer(item.unit, member),
            None => module.outer(item.unit),
        };
        for one in outer.map_or(&[][..], |facts| &facts.hints) {
            self.follow(index, one, When::End, true);
        }
    }

    /// What somebody may read of a node.
    pub(super) fn keep(&mut self, index: usize) -> Keep {
        let inside = self.reads.doc || self.reads.signature || self.third;
        let Some(node) = self.nodes.get(index) else { return Keep::default() };
        let (item, handed) = (node.item, node.handed);
        let Some(module) = self.view.module(item.module) else { return Keep::default() };
        let Some(entry) = module.units.get(item.unit) else { return Keep::default() };
        if entry.kind == Kind::Class {
            let paths = self.outside_bases(item.module, item.unit);
            let mut third = paths.iter().any(|path| is_third(path));
            third |= self.decorators(item).iter().any(|path| is_third(path));
            return Keep {
                docs: item.member.is_none() && (self.reads.doc || third),
                hints: self.reads.signature || third,
                inside,
            };
        }
        let application = item.module == self.root.module
            && item.unit == self.root.unit
            && entry.marks.contains(&Mark::Application);
        let seen = self.third && self.decorators(item).iter().any(|path| is_third(path));
        // `@f.register` reads which type it is for.
        let registered = self.registers(item);
        let third = self.third;
        let read = |by_somebody| {
            seen || (by_somebody && handed >= Handed::Within) || (third && handed == Handed::Freely)
        };
        Keep {
            docs: read(self.reads.doc),
            hints: application || registered || read(self.reads.signature),
            inside,
        }
    }

    /// What lies outside the project of the decorators below ours.
    pub(super) fn decorators(&mut self, item: Item) -> Vec<String> {
        let Some(module) = self.view.module(item.module) else { return Vec::new() };
        let Some(stmt) = module.stmt(item.unit) else { return Vec::new() };
        let mut found = Vec::new();
        for chain in decorators_below(stmt, &module) {
            for place in self.view.resolve(item.module, &chain, When::Before(item.unit)) {
                if let Place::Outside(path) | Place::Builtin { path, .. } | Place::Missing { path, .. } =
                    place
                {
                    found.push(path);
                }
            }
        }
        found
    }

    /// A bare `@show.register` of a generic function, which reads from the hints which type it is for.
    pub(super) fn registers(&mut self, item: Item) -> bool {
        let Some(module) = self.view.module(item.module) else { return false };
        let Some(stmt) = module.stmt(item.unit) else { return false };
        for mut chain in bare_decorators(stmt, &module) {
            if chain.attrs.pop().as_deref() != Some("register") {
                continue;
            }
            let places = self.view.resolve(item.module, &chain, When::Before(item.unit));
            // An object of a class of the project is no generic function.
            let plain = |place: &Place| match place {
                Place::Unit { module, unit, rest, .. } if rest.is_empty() => {
                    !effects::made_of(*module, *unit, self.view).is_empty()
                }
                _ => false,
            };
            if !places.iter().all(plain) || places.is_empty() {
                return true;
            }
        }
        false
    }
}

fn is_dunder(name: &str) -> bool {
    name.starts_with("__") && name.ends_with("__")
}

fn is_third(path: &str) -> bool {
    let top = stdlib::top(path);
    !stdlib::is_standard(top) && top != "tensorlake" && !is_builtin_name(top)
}

/// Base classes that call no method of a class but those with two underscores.
fn is_passive_base(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    is_builtin_name(path)
        || matches!(stdlib::top(path), "typing" | "typing_extensions" | "abc" | "dataclasses")
        || (stdlib::top(path) == "enum" && !last.is_empty())
        || matches!(path, "collections.namedtuple" | "collections.OrderedDict" | "collections.Counter")
}

/// The decorators of a definition, from the innermost of ours down.
fn decorators_below(stmt: &ruff_python_ast::Stmt, module: &Module) -> Vec<Chain> {
    use ruff_python_ast::Stmt;
    let list = match stmt {
        Stmt::FunctionDef(func) => &func.decorator_list,
        Stmt::ClassDef(class) => &class.decorator_list,
        _ => return Vec::new(),
    };
    let ours =
        list.iter().rposition(|one| crate::source::defs::mark(&one.expression, &module.imports).is_some());
    list.iter()
        .skip(ours.map_or(0, |at| at + 1))
        .filter(|one| !crate::source::normal::is_blind(&one.expression, &module.imports))
        .filter_map(|one| Chain::of(&one.expression, false))
        .collect()
}

/// The decorators of a function that are not called.
fn bare_decorators(stmt: &ruff_python_ast::Stmt, module: &Module) -> Vec<Chain> {
    let ruff_python_ast::Stmt::FunctionDef(func) = stmt else { return Vec::new() };
    let list = func.decorator_list.iter().map(|one| &one.expression);
    list.filter(|one| !one.is_call_expr() && !crate::source::normal::is_blind(one, &module.imports))
        .filter_map(|one| Chain::of(one, false))
        .collect()
}

/// A decorator of a definition may give another object in its place.
pub(super) fn is_wrapped(stmt: &ruff_python_ast::Stmt, module: &Module) -> bool {
    let list = match stmt {
        ruff_python_ast::Stmt::FunctionDef(func) => &func.decorator_list,
        ruff_python_ast::Stmt::ClassDef(class) => &class.decorator_list,
        _ => return false,
    };
    list.iter().any(|one| !crate::source::normal::is_blind(&one.expression, &module.imports))
}
