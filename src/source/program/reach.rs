//! From one function to everything that it reaches.
//!
//! A search over items: definitions, statements, members of classes, single aspects of them. What an item refers to
//! is resolved, and what that leads to becomes an item. Methods and what changes objects at import wait until some
//! item uses their name; so the search goes in rounds until a round adds nothing.
//!
//! Invariants: the order of items follows from names and texts alone, never from where something stands or from
//! the order of a hash table; and what cannot be resolved adds more, never less.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::model::Opaque;
use crate::source::builtins::is_builtin_name;
use crate::source::imports::Mark;

use super::facts::{Chain, Dynamic, Facts, How, Reads, Root, Target, Use};
use super::module::{Kind, Module};
use super::pattern::Pattern;
use super::resolve::{Place, When};
use super::table::{Found, ModId, View};
use super::world::World;
use super::{run, stdlib};

/// Something that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Item {
    pub(super) module: ModId,
    pub(super) unit: usize,
    pub(super) member: Option<usize>,
    pub(super) aspect: Aspect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Aspect {
    Whole,
    /// The conditions under which it runs.
    Guards,
    Doc,
    Signature,
    Source,
    /// The docstring of the module (the unit does not matter).
    ModuleDoc,
}

/// What a use came to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Token {
    Part(usize),
    /// Another `@function`, by its name.
    Stop(String),
    Outside(String),
    Builtin(String),
    Missing(String),
    Module,
    /// Its name alone.
    Name,
}

/// An item that was reached.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) item: Item,
    pub(super) via: Option<usize>,
    /// It may run while modules are imported.
    pub(super) early: bool,
    /// It is handed on, not only called.
    pub(super) handed: Handed,
    /// Its hints were followed.
    pub(super) hinted: bool,
    pub(super) tokens: BTreeMap<Use, BTreeSet<Token>>,
    /// For a name that something changes: what changes it, in order.
    pub(super) changes: Vec<(Box<str>, Vec<usize>)>,
}

/// To whom a definition is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Handed {
    /// It is called, and nothing else.
    No,
    /// To functions of Python and to code that counts, too.
    Within,
    /// To anybody.
    Freely,
}

/// A name whose changes at import count for a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watch {
    pub(super) module: ModId,
    pub(super) name: Box<str>,
    pub(super) by: usize,
    /// Only what ran before.
    pub(super) before: Option<usize>,
    /// It was imported then: what the name is bound to later does not count.
    pub(super) taken: Option<usize>,
    /// The node keeps the object: what changes in it later counts, too.
    pub(super) shares: bool,
    /// Only what came after the last certain rebinding.
    pub(super) rebound: bool,
}

/// The search, and what it found.
pub(super) struct Reach<'r, 'p> {
    pub(super) view: &'r mut View<'p>,
    pub(super) world: &'r World,
    pub(super) root: Item,
    pub(super) nodes: Vec<Node>,
    pub(super) index: HashMap<Item, usize>,
    pub(super) queue: VecDeque<usize>,
    pub(super) attrs: BTreeSet<Box<str>>,
    /// Those that something asks for after the classes are made.
    pub(super) asked: BTreeSet<Box<str>>,
    pub(super) stores: BTreeSet<Box<str>>,
    pub(super) words: BTreeSet<Box<str>>,
    pub(super) patterns: Vec<Pattern>,
    /// Classes, by node.
    pub(super) classes: Vec<usize>,
    /// Modules that are handed on, with the node that does.
    pub(super) escaped: Vec<(ModId, usize)>,
    pub(super) watches: Vec<Watch>,
    /// Dotted paths outside the project, with the node that uses them.
    pub(super) outside: Vec<(String, usize)>,
    /// `@function`s that are handed on.
    pub(super) handed: Vec<(Item, usize)>,
    pub(super) reads: Reads,
    /// Something that is neither the project's nor the standard library's is used.
    pub(super) third: bool,
    pub(super) opaque: BTreeSet<(String, u32, &'static str)>,
    pub(super) external: BTreeSet<String>,
    /// Modules that functions import when they run.
    pub(super) loads: BTreeSet<ModId>,
}

impl<'r, 'p> Reach<'r, 'p> {
    /// Everything that these definitions of one function reach.
    pub(super) fn of(roots: &[Item], view: &'r mut View<'p>, world: &'r World) -> Option<Self> {
        let root = *roots.first()?;
        let mut reach = Reach {
            view,
            world,
            root,
            nodes: Vec::new(),
            index: HashMap::new(),
            queue: VecDeque::new(),
            attrs: BTreeSet::new(),
            asked: BTreeSet::new(),
            stores: BTreeSet::new(),
            words: BTreeSet::new(),
            patterns: Vec::new(),
            classes: Vec::new(),
            escaped: Vec::new(),
            watches: Vec::new(),
            outside: Vec::new(),
            handed: Vec::new(),
            reads: Reads::default(),
            third: false,
            opaque: BTreeSet::new(),
            external: BTreeSet::new(),
            loads: BTreeSet::new(),
        };
        for root in roots {
            let index = reach.push(*root, None, false, Handed::No);
            if root.member.is_some() {
                let class = Item { member: None, ..*root };
                reach.push(class, Some(index), false, Handed::No);
            }
        }
        loop {
            while let Some(node) = reach.queue.pop_front() {
                reach.process(node);
            }
            if !reach.round() {
                break;
            }
        }
        reach.order_changes();
        Some(reach)
    }

    pub(super) fn push(&mut self, item: Item, via: Option<usize>, early: bool, handed: Handed) -> usize {
        if let Some(index) = self.index.get(&item).copied() {
            if let Some(node) = self.nodes.get_mut(index) {
                node.handed = node.handed.max(handed);
                if early && !node.early {
                    node.early = true;
                    self.queue.push_back(index);
                }
            }
            return index;
        }
        let index = self.nodes.len();
        let (tokens, changes) = (BTreeMap::new(), Vec::new());
        self.nodes.push(Node { item, via, early, handed, hinted: false, tokens, changes });
        self.index.insert(item, index);
        self.queue.push_back(index);
        index
    }

    pub(super) fn process(&mut self, index: usize) {
        let Some(node) = self.nodes.get(index) else { return };
        let (item, early) = (node.item, node.early);
        let Some(module) = self.view.module(item.module) else { return };
        let now = When::Before(item.unit);
        let later = if early { When::Any } else { When::End };
        let (outer, inner) = match item.member {
            Some(member) => (module.member_outer(item.unit, member), module.member_inner(item.unit, member)),
            None => (module.outer(item.unit), module.inner(item.unit)),
        };
        match item.aspect {
            Aspect::Whole => {
                if let Some(facts) = outer {
                    self.facts(index, &module, facts, now, true);
                }
                if let Some(facts) = inner {
                    self.facts(index, &module, facts, later, early);
                }
                let class = module.units.get(item.unit).is_some_and(|unit| unit.kind == Kind::Class);
                if class && item.member.is_none() && !self.classes.contains(&index) {
                    self.classes.push(index);
                }
            }
            Aspect::Signature => {
                if let Some(facts) = outer {
                    self.facts(index, &module, facts, now, true);
                    self.hints(index);
                }
            }
            // An import refers to nothing but what its conditions do.
            Aspect::Guards => {
                if let Some(facts) = outer {
                    self.facts(index, &module, facts, now, true);
                }
            }
            Aspect::Doc | Aspect::Source | Aspect::ModuleDoc => {}
        }
    }

    pub(super) fn facts(&mut self, index: usize, module: &Module, facts: &Facts, when: When, early: bool) {
        let Some(item) = self.nodes.get(index).map(|node| node.item) else { return };
        for one in &facts.uses {
            self.follow(index, one, when, early);
        }
        self.asks(index, &facts.attrs);
        self.stores.extend(facts.stores.iter().cloned());
        self.words.extend(facts.words.iter().flat_map(|word| word.split('.')).map(Box::from));
        self.reads |= facts.reads;
        for (at, reason) in &facts.opaque {
            self.opaque(module, *at, reason);
        }
        if facts.anything {
            self.everything(item.module, &Pattern::default(), index);
        }
        for dynamic in &facts.dynamic {
            self.dynamic(index, module, dynamic, when);
        }
        for number in run::loads(item.module, &facts.loads, self.view) {
            if !self.world.has(number) {
                self.loads.insert(number);
            }
        }
    }

    /// Attributes that a node asks for.
    fn asks<'s>(&mut self, index: usize, names: impl IntoIterator<Item = &'s Box<str>> + Clone) {
        self.attrs.extend(names.clone().into_iter().cloned());
        let hook = self.nodes.get(index).map(|node| node.item).is_some_and(|item| {
            let module = self.view.module(item.module);
            module.is_some_and(|module| {
                let member = item.member.and_then(|at| module.units.get(item.unit)?.members.get(at));
                member.is_some_and(|member| matches!(&*member.name, "__init_subclass__" | "__set_name__"))
            })
        });
        if !hook {
            self.asked.extend(names.into_iter().cloned());
        }
    }

    pub(super) fn opaque(&mut self, module: &Module, at: usize, reason: &'static str) {
        let line = u32::try_from(module.parsed.line(at)).unwrap_or(u32::MAX);
        self.opaque.insert((module.file.clone(), line, reason));
    }

    /// Follows one use of a node, and notes what it came to.
    pub(super) fn follow(&mut self, index: usize, one: &Use, when: When, early: bool) {
        let Some(from) = self.nodes.get(index).map(|node| node.item.module) else { return };
        let mut tokens = BTreeSet::new();
        if matches!(&one.chain.root, Root::Name(name) if &**name == "__doc__") {
            let item = Item { module: from, unit: 0, member: None, aspect: Aspect::ModuleDoc };
            tokens.insert(Token::Part(self.push(item, Some(index), false, Handed::No)));
        }
        let (places, guarded) = self.view.resolve_guarded(from, &one.chain, when);
        for (module, unit) in guarded {
            let item = Item { module, unit, member: None, aspect: Aspect::Guards };
            tokens.insert(Token::Part(self.push(item, Some(index), early, Handed::No)));
        }
        for place in places {
            tokens.extend(self.arrive(index, place, one.how, when, early));
        }
        if let Some(node) = self.nodes.get_mut(index) {
            node.tokens.entry(one.clone()).or_default().extend(tokens);
        }
    }

    pub(super) fn arrive(
        &mut self,
        index: usize,
        place: Place,
        how: How,
        when: When,
        early: bool,
    ) -> Vec<Token> {
        match place {
            Place::Unit { module, unit, name, rest, taken } => {
                self.unit(index, (module, unit), &name, &rest, taken, how, when, early)
            }
            Place::Module(number) => {
                match how {
                    How::Doc => {
                        let item = Item { module: number, unit: 0, member: None, aspect: Aspect::ModuleDoc };
                        return vec![Token::Part(self.push(item, Some(index), false, Handed::No))];
                    }
                    How::Source => self.everything(number, &Pattern::default(), index),
                    How::Value | How::Given | How::Call | How::Signature => {
                        if !self.escaped.iter().any(|(known, _)| *known == number) {
                            self.escaped.push((number, index));
                        }
                    }
                    How::Change | How::Name | How::Found => {}
                }
                vec![Token::Module]
            }
            Place::Folder(_) => vec![Token::Module],
            Place::Outside(path) => {
                let top = stdlib::top(&path);
                if !stdlib::is_standard(top) && top != "tensorlake" {
                    self.third = true;
                    self.external.insert(top.to_owned());
                }
                if self.world.outside(&path).next().is_some() {
                    self.attrs.extend(path.split('.').map(Box::from));
                }
                self.outside.push((path.clone(), index));
                vec![Token::Outside(path)]
            }
            Place::Builtin { module, path } => {
                self.watch_unbound(index, module, &path);
                // An unknown name may be anything.
                let name = stdlib::top(&path);
                let bound = self.view.top(module).is_some_and(|top| top.bindings(name).is_some());
                self.third |= !is_builtin_name(name) && !name.starts_with("__") && !bound;
                self.outside.push((format!("builtins.{path}"), index));
                vec![Token::Builtin(path)]
            }
            Place::Missing { module, path } => {
                if let Some(module) = module {
                    self.watch_unbound(index, module, &path);
                }
                vec![Token::Missing(path)]
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn unit(
        &mut self,
        index: usize,
        (number, unit): (ModId, usize),
        name: &str,
        rest: &[Box<str>],
        taken: Option<(ModId, usize)>,
        how: How,
        when: When,
        early: bool,
    ) -> Vec<Token> {
        let Some(top) = self.view.top(number) else { return Vec::new() };
        let Some(kind) = top.kind(unit) else { return Vec::new() };
        let whole = Item { module: number, unit, member: None, aspect: Aspect::Whole };
        if how == How::Found {
            return vec![Token::Name];
        }
        let definition = matches!(kind, Kind::Function | Kind::Class);
        let part = |reach: &mut Self, aspect| {
            let item = Item { aspect, ..whole };
            Token::Part(reach.push(item, Some(index), early, Handed::No))
        };
        if definition && rest.is_empty() {
            // A decorator may put another function in its place.
            let wrapped = top.is_wrapped(unit);
            match how {
                How::Name if !wrapped => return vec![Token::Name],
                How::Doc if !wrapped => return vec![part(self, Aspect::Doc)],
                How::Signature if !wrapped && kind == Kind::Function => {
                    return vec![part(self, Aspect::Signature)];
                }
                How::Source => {
                    return vec![part(self, Aspect::Source)];
                }
                _ => {}
            }
        }
        match how {
            How::Doc => self.reads.doc = true,
            How::Signature => self.reads.signature = true,
            How::Source => self.reads.source = true,
            _ => {}
        }
        if kind == Kind::Function && stops(top.marks(unit)) && whole != (Item { member: None, ..self.root }) {
            if rest.is_empty() && how != How::Call {
                self.hand(whole, index);
            }
            return vec![Token::Stop(name.to_owned())];
        }
        let mut own = true;
        if !matches!(how, How::Change | How::Name | How::Doc) || (definition && how != How::Name) {
            let before = match when {
                When::Before(unit) => {
                    self.nodes.get(index).and_then(|node| self.world.at(node.item.module, unit))
                }
                _ => None,
            };
            let user = self.nodes.get(index).map(|node| node.item);
            // What it took then may be the object that changes later.
            let shares = user.is_some_and(|item| {
                self.view.module(item.module).is_some_and(|module| module.shares(item.unit))
            });
            let touches = self.world.touches(number, name);
            let rebound = when == When::End
                && taken.is_none()
                && touches.iter().any(|touch| touch.bind && touch.certain);
            own = !rebound;
            if !touches.is_empty() {
                let taken = taken.and_then(|(module, unit)| self.world.at(module, unit));
                let watch =
                    Watch { module: number, name: name.into(), by: index, before, taken, shares, rebound };
                if !self.watches.contains(&watch) {
                    self.watches.push(watch);
                }
            }
        }
        self.asks(index, rest);
        if !own {
            return Vec::new();
        }
        let handed = match how {
            How::Value => Handed::Freely,
            How::Given => Handed::Within,
            _ => Handed::No,
        };
        vec![Token::Part(self.push(whole, Some(index), early, handed))]
    }

    /// A name that only something else than a binding can put into a module.
    fn watch_unbound(&mut self, index: usize, module: ModId, path: &str) {
        let mut parts = path.split('.');
        let name = parts.next().unwrap_or_default();
        if !self.world.touches(module, name).is_empty() {
            self.attrs.extend(parts.map(Box::from));
            let watch = Watch {
                module,
                name: name.into(),
                by: index,
                before: None,
                taken: None,
                shares: false,
                rebound: false,
            };
            if !self.watches.contains(&watch) {
                self.watches.push(watch);
            }
        }
    }

    pub(super) fn hand(&mut self, item: Item, by: usize) {
        if !self.handed.iter().any(|(known, _)| *known == item) {
            self.handed.push((item, by));
        }
    }

    /// All names of a module that a pattern allows.
    pub(super) fn everything(&mut self, number: ModId, pattern: &Pattern, by: usize) {
        let Some(top) = self.view.top(number) else { return };
        let mut names: Vec<String> = top.all_names().into_iter().map(str::to_owned).collect();
        for (_, root) in top.stars() {
            let Root::Import { level, module: dotted, .. } = root else { continue };
            if let Some(Found::File(star)) = self.view.imported(number, *level, dotted)
                && let Some(target) = self.view.top(star)
            {
                names.extend(target.all_names().into_iter().map(str::to_owned));
            }
        }
        names.sort();
        names.dedup();
        for name in names.iter().filter(|name| pattern.matches(name)) {
            let chain = Chain { root: Root::This, attrs: vec![name.as_str().into()] };
            let places = self.view.resolve(number, &chain, When::End);
            let mut tokens = BTreeSet::new();
            for place in places {
                tokens.extend(match place {
                    // What is imported there is what the module holds, not all of that module.
                    Place::Module(_) | Place::Folder(_) => vec![Token::Module],
                    place => self.arrive(by, place, How::Given, When::End, false),
                });
            }
            if let Some(node) = self.nodes.get_mut(by) {
                node.tokens.entry(Use { chain, how: How::Given }).or_default().extend(tokens);
            }
        }
    }

    pub(super) fn dynamic(&mut self, index: usize, module: &Module, dynamic: &Dynamic, when: When) {
        let Some(from) = self.nodes.get(index).map(|node| node.item.module) else { return };
        match &dynamic.target {
            Target::Of(chain) => {
                let mut known = false;
                for place in self.view.resolve(from, chain, when) {
                    match place {
                        Place::Module(number) => {
                            known = true;
                            self.everything(number, &dynamic.pattern, index);
                            if dynamic.pattern.is_anything() {
                                self.opaque(module, dynamic.at, dynamic.reason);
                            }
                        }
                        Place::Outside(_) => known = true,
                        _ => {}
                    }
                }
                if !known {
                    self.some(module, dynamic);
                }
            }
            Target::Some => self.some(module, dynamic),
            Target::Modules => self.modules(index, module, dynamic),
        }
    }

    pub(super) fn some(&mut self, module: &Module, dynamic: &Dynamic) {
        if dynamic.pattern.is_anything() {
            self.opaque(module, dynamic.at, dynamic.reason);
        }
        if !self.patterns.contains(&dynamic.pattern) {
            self.patterns.push(dynamic.pattern.clone());
        }
    }

    /// Modules that are imported by a computed name.
    pub(super) fn modules(&mut self, index: usize, module: &Module, dynamic: &Dynamic) {
        let Some(from) = self.nodes.get(index).map(|node| node.item.module) else { return };
        self.opaque(module, dynamic.at, dynamic.reason);
        for number in run::by_pattern(from, &dynamic.pattern, self.view) {
            if !self.world.has(number) {
                self.loads.insert(number);
            }
            if !self.escaped.iter().any(|(known, _)| *known == number) {
                self.escaped.push((number, index));
            }
        }
    }

    pub(super) fn view(&mut self) -> &mut View<'p> {
        self.view
    }

    /// What could not be followed.
    pub(super) fn opaque_list(&self) -> Vec<Opaque> {
        let all = self.opaque.iter();
        all.map(|(file, line, reason)| Opaque {
            file: file.clone(),
            line: *line,
            reason: (*reason).to_owned(),
        })
        .collect()
    }
}

/// Its own checkpoints are verified through the recorded children.
pub(super) fn stops(marks: &[Mark]) -> bool {
    marks.iter().any(|mark| matches!(mark, Mark::Function | Mark::Application))
}
