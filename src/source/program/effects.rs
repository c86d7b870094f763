//! What a statement changes beside the names it binds, with what the functions change that it calls.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::facts::{Arg, Called, Change, Changed, How, Mutation, Root};
use super::module::Kind;
use super::pattern::Pattern;
use super::resolve::{Place, When};
use super::run::ancestors;
use super::table::{ModId, View};
use super::top::{Body, Early};
use super::trace::{BodyId, Changes, Trace};
use super::world::related;

/// What changes when something runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    Name {
        module: ModId,
        name: Box<str>,
        attr: Option<Box<str>>,
        bind: bool,
    },
    /// Names of a module that are computed.
    Module(ModId, Pattern),
    Outside(String),
    /// A parameter of the function, and the attribute of it.
    Param(usize, Option<Box<str>>),
}

/// A name of a module, or an attribute of its object.
type Named = (ModId, Box<str>, Option<Box<str>>);

/// What functions change when they are called. Answers are kept with what they are made of, and do not depend on who
/// asked first.
#[derive(Default)]
pub(super) struct Summaries {
    known: HashMap<BodyId, (BTreeSet<Effect>, Trace)>,
    /// Of functions that call themselves: what they change when they are called from outside.
    cycles: HashMap<BodyId, (BTreeSet<Effect>, Trace)>,
    /// What objects of a name may be, or be held by.
    sources: HashMap<Named, (Vec<Effect>, Trace)>,
    open: HashSet<BodyId>,
    /// A call was not followed, because it is open or too deep: the answer is that of its callers, too.
    cut: bool,
}

/// So deep are calls followed.
const MAX_CALLS: usize = 40;

/// Methods that change nothing, whatever the object.
const PURE: [&str; 22] = [
    "copy",
    "count",
    "decode",
    "encode",
    "endswith",
    "exists",
    "format",
    "get",
    "index",
    "items",
    "join",
    "keys",
    "lower",
    "read_text",
    "replace",
    "resolve",
    "split",
    "startswith",
    "strip",
    "title",
    "upper",
    "values",
];

/// Functions outside the project that change nothing they are given and nothing that results depend on.
fn is_harmless(path: &str) -> bool {
    const PATHS: [&str; 10] = [
        "logging",
        "warnings",
        "print",
        "len",
        "isinstance",
        "atexit",
        "signal",
        "faulthandler",
        "assert",
        "typing",
    ];
    PATHS.iter().any(|known| related(known, path) && path.len() >= known.len())
}

impl Summaries {
    /// Forgets what changes concern.
    pub(super) fn settle(&mut self, changes: &Changes) {
        self.known.retain(|_, (_, trace)| !changes.concern(trace));
        self.cycles.retain(|_, (_, trace)| !changes.concern(trace));
        self.sources.retain(|_, (_, trace)| !changes.concern(trace));
    }

    pub(super) fn change(
        &mut self,
        from: ModId,
        change: &Change,
        when: When,
        view: &mut View<'_>,
    ) -> Vec<Effect> {
        let chain = match &change.of {
            Changed::Of(chain) => chain,
            Changed::Param(at, attr) => return vec![Effect::Param(*at, attr.clone())],
        };
        let mut object = chain.clone();
        let last = match change.how {
            Mutation::Bind | Mutation::Method | Mutation::Given => object.attrs.pop(),
            _ => None,
        };
        if change.how == Mutation::Method && last.as_deref().is_some_and(|name| PURE.contains(&name)) {
            return Vec::new();
        }
        if change.how == Mutation::Bind && last.is_none() {
            // `global X; X = ...`
            if let Root::Name(name) = &chain.root {
                return vec![Effect::Name { module: from, name: name.clone(), attr: None, bind: true }];
            }
        }
        let mut effects = Vec::new();
        for place in view.resolve(from, &object, when) {
            effects.extend(match (place, change.how, &last) {
                (Place::Module(module), Mutation::Bind, Some(name)) => {
                    Some(Effect::Name { module, name: name.clone(), attr: None, bind: true })
                }
                // A function of the module is called: its own changes count, and are found by the call.
                (Place::Module(_), Mutation::Method | Mutation::Given, _) => None,
                (Place::Module(module), ..) => Some(Effect::Module(module, change.names.clone())),
                (Place::Unit { module, name, rest, .. }, how, last) => {
                    let attr = match how {
                        Mutation::Bind => rest.first().or(last.as_ref()).cloned(),
                        _ => rest.first().cloned(),
                    };
                    Some(Effect::Name { module, name, attr, bind: false })
                }
                // What a call outside changes is found by the call.
                (Place::Outside(_), Mutation::Method, _) => None,
                (Place::Outside(path), how, last) => {
                    let path = match (how, last) {
                        (Mutation::Bind, Some(name)) => format!("{path}.{name}"),
                        _ => path,
                    };
                    (!is_harmless(&path)).then_some(Effect::Outside(path))
                }
                (Place::Builtin { path, .. }, Mutation::Bind, Some(name)) => {
                    Some(Effect::Outside(format!("{path}.{name}")))
                }
                _ => None,
            });
        }
        effects
    }

    pub(super) fn call(
        &mut self,
        from: ModId,
        call: &Called,
        when: When,
        view: &mut View<'_>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        for place in view.resolve(from, &call.callee, when) {
            match place {
                Place::Unit { module, unit, name, rest, .. } => {
                    for callee in callees(module, unit, &rest, view) {
                        let inner = self.of(callee.module, callee.unit, callee.member, view);
                        effects.extend(self.given(from, &inner, &callee, call, when, view));
                    }
                    // `add = RULES.append; add(rule)`
                    let kind = view.top(module).and_then(|top| top.kind(unit));
                    if (call.statement || call.applied) && rest.is_empty() && kind == Some(Kind::Statement) {
                        effects.push(Effect::Name { module, name, attr: None, bind: false });
                    }
                }
                Place::Outside(path) if call.statement && !is_harmless(&path) => {
                    // `random.seed(1)` changes the module, `heapq.heappush(QUEUE, x)` what it is given.
                    if let Some((object, _)) = path.rsplit_once('.') {
                        let object = match object {
                            "os" | "dotenv" | "shutil"
                                if !path.ends_with("env") && !path.contains("dotenv") =>
                            {
                                None
                            }
                            "os" | "dotenv" => Some("os.environ"),
                            "sys" => None,
                            object => Some(object),
                        };
                        effects.extend(object.map(|object| Effect::Outside(object.to_owned())));
                    }
                    effects.extend(self.arguments(from, &call.args, when, view));
                    let named: Vec<Arg> = call.keywords.iter().map(|(_, arg)| arg.clone()).collect();
                    effects.extend(self.arguments(from, &named, when, view));
                }
                _ => {}
            }
        }
        effects
    }

    /// What a call with these arguments changes, by what the function changes.
    fn given(
        &mut self,
        from: ModId,
        inner: &BTreeSet<Effect>,
        callee: &Callee,
        call: &Called,
        when: When,
        view: &mut View<'_>,
    ) -> Vec<Effect> {
        let skip = usize::from(callee.member.is_some());
        let mut effects = Vec::new();
        for effect in inner {
            let Effect::Param(at, _) = effect else {
                effects.push(effect.clone());
                continue;
            };
            let body = view.body(callee.module, callee.unit, callee.member);
            let (name, default) = body.map_or((None, None), |body| body.parameter(*at));
            let keyword = call.keywords.iter().find(|(key, _)| Some(&**key) == name.as_deref());
            let arg = at.checked_sub(skip).and_then(|at| call.args.get(at)).or(keyword.map(|(_, arg)| arg));
            match (arg, default) {
                (Some(arg), _) => {
                    effects.extend(self.arguments(from, std::slice::from_ref(arg), when, view));
                }
                (None, Some(chain)) => {
                    let change = Change::new(Changed::Of(chain), Mutation::Inside);
                    effects.extend(self.change(callee.module, &change, When::Before(callee.unit), view));
                }
                _ => {}
            }
        }
        effects
    }

    /// Objects that are handed to something that changes them.
    fn arguments(&mut self, from: ModId, args: &[Arg], when: When, view: &mut View<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for arg in args {
            match arg {
                Arg::Of(chain) => {
                    let of = Changed::Of(chain.clone());
                    effects.extend(self.change(from, &Change::new(of, Mutation::Inside), when, view));
                }
                Arg::Param(at) => effects.push(Effect::Param(*at, None)),
                Arg::Other => {}
            }
        }
        effects
    }

    /// What changes with what changes: an object may have other names, and belong to other objects.
    pub(super) fn spread(&mut self, effects: BTreeSet<Effect>, view: &mut View<'_>) -> BTreeSet<Effect> {
        let mut open: Vec<Effect> = effects.iter().cloned().collect();
        let mut all = effects;
        while let Some(effect) = open.pop() {
            let Effect::Name { module, name, attr, bind: false } = effect else { continue };
            for more in self.sources(module, &name, attr.as_deref(), view) {
                if all.insert(more.clone()) {
                    open.push(more);
                }
            }
        }
        all
    }

    /// What else changes when the object of a name, or an attribute of it, does.
    fn sources(&mut self, number: ModId, name: &str, attr: Option<&str>, view: &mut View<'_>) -> Vec<Effect> {
        let key = (number, Box::from(name), attr.map(Box::from));
        if let Some((known, trace)) = self.sources.get(&key) {
            view.tracing.add(trace);
            return known.clone();
        }
        view.tracing.begin();
        let found = find_sources(number, name, attr, view);
        let trace = view.tracing.end();
        self.sources.insert(key, (found.clone(), trace));
        found
    }

    /// What a class does when it is made: `__init_subclass__` of its ancestors, its metaclass.
    pub(super) fn class(
        &mut self,
        number: ModId,
        unit: usize,
        bases: &[(ModId, usize)],
        view: &mut View<'_>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut around = bases.to_vec();
        around.push((number, unit));
        for (base, base_unit) in &around {
            for at in members(*base, *base_unit, &["__init_subclass__"], view) {
                if (*base, *base_unit) == (number, unit) {
                    continue;
                }
                let inner = self.of(*base, *base_unit, Some(at), view);
                effects.extend(inner.into_iter().filter_map(|effect| match effect {
                    // `cls.registry[name] = cls` changes what an ancestor holds.
                    Effect::Param(0, attr) => class_effect(*base, *base_unit, attr, view),
                    Effect::Param(..) => None,
                    other => Some(other),
                }));
            }
            let Some(metaclass) = view.top(*base).and_then(|top| top.bases(*base_unit).1) else { continue };
            for place in view.resolve(*base, &metaclass, When::Before(*base_unit)) {
                let Place::Unit { module, unit, .. } = place else { continue };
                for (module, unit, at) in methods(module, unit, &["__new__", "__init__", "__call__"], view) {
                    let inner = self.of(module, unit, Some(at), view);
                    effects.extend(inner.into_iter().filter_map(|effect| match effect {
                        Effect::Param(0, attr) => class_effect(module, unit, attr, view),
                        Effect::Param(..) => None,
                        other => Some(other),
                    }));
                }
            }
        }
        effects
    }

    /// What a function or a method changes.
    pub(super) fn of(
        &mut self,
        number: ModId,
        unit: usize,
        member: Option<usize>,
        view: &mut View<'_>,
    ) -> BTreeSet<Effect> {
        let key = (number, unit, member);
        let outermost = self.open.is_empty();
        let cycle = || self.cycles.get(&key).filter(|_| outermost);
        if let Some((known, trace)) = self.known.get(&key).or_else(cycle) {
            view.tracing.add(trace);
            return known.clone();
        }
        if self.open.len() > MAX_CALLS || !self.open.insert(key) {
            self.cut = true;
            return BTreeSet::new();
        }
        let cut = std::mem::take(&mut self.cut);
        view.tracing.begin();
        let mut effects = BTreeSet::new();
        let body = view.body(number, unit, member);
        if let Some(early) = body.as_ref().and_then(Body::early) {
            for change in early.changes() {
                effects.extend(self.change(number, change, When::Any, view));
            }
            for call in early.calls() {
                effects.extend(self.call(number, call, When::Any, view));
            }
        }
        let trace = view.tracing.end();
        self.open.remove(&key);
        // Within a cycle the answer is that of the whole only for the one that closes it.
        if !self.cut {
            self.known.insert(key, (effects.clone(), trace));
        } else if outermost {
            self.cycles.insert(key, (effects.clone(), trace));
        }
        self.cut = !outermost && (self.cut || cut);
        effects
    }
}

/// What else changes when the object of a name, or an attribute of it, does.
fn find_sources(number: ModId, name: &str, attr: Option<&str>, view: &mut View<'_>) -> Vec<Effect> {
    let mut found = Vec::new();
    let Some(top) = view.top(number) else { return found };
    let bindings = top.bindings(name).map_or(&[][..], |bindings| &bindings.all);
    for binding in bindings.iter().filter(|binding| binding.import.is_none()) {
        let unit = binding.unit;
        let Some(kind) = top.kind(unit) else { continue };
        // `table()["x"] = 1`
        if kind == Kind::Function && attr.is_none() {
            let rest = Vec::new();
            let place = Place::Unit { module: number, unit, name: name.into(), rest, taken: None };
            source(place, How::Call, None, 0, &mut found, view);
        }
        if !matches!(kind, Kind::Statement | Kind::Head) || !top.shares(unit) {
            continue;
        }
        for one in top.early(unit).map_or(&[][..], Early::uses) {
            if !matches!(one.how, How::Value | How::Given | How::Call | How::Change) {
                continue;
            }
            for place in view.resolve(number, &one.chain, When::Before(unit)) {
                source(place, one.how, attr, 0, &mut found, view);
            }
        }
    }
    found.retain(|effect| {
        !matches!(effect, Effect::Name { module, name: other, .. } if *module == number && **other == *name)
    });
    found
}

/// A function of the project that a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Callee {
    pub(super) module: ModId,
    pub(super) unit: usize,
    pub(super) member: Option<usize>,
}

/// The functions that a call of a unit, or of an attribute of it, runs.
pub(super) fn callees(module: ModId, unit: usize, rest: &[Box<str>], view: &mut View<'_>) -> Vec<Callee> {
    let Some(top) = view.top(module) else { return Vec::new() };
    let Some(kind) = top.kind(unit) else { return Vec::new() };
    let found = match (kind, rest.last()) {
        (Kind::Function, None) if top.marks(unit).is_empty() => {
            return vec![Callee { module, unit, member: None }];
        }
        (Kind::Class, None) => methods(module, unit, &["__init__", "__new__", "__post_init__"], view),
        (Kind::Class, Some(name)) => methods(module, unit, &[name], view),
        (Kind::Statement, name) if rest.len() <= 1 => {
            let name = name.map_or("__call__", |name| name);
            let classes = made_of(module, unit, view);
            classes.into_iter().flat_map(|(module, unit)| methods(module, unit, &[name], view)).collect()
        }
        _ => Vec::new(),
    };
    let callee = |(module, unit, member)| Callee { module, unit, member: Some(member) };
    found.into_iter().map(callee).collect()
}

/// So many functions are looked through for what they give.
const MAX_GIVEN: usize = 3;

/// What an object was taken from.
fn source(
    place: Place,
    how: How,
    attr: Option<&str>,
    depth: usize,
    found: &mut Vec<Effect>,
    view: &mut View<'_>,
) {
    match place {
        Place::Unit { module, unit, name, rest, .. } => {
            let Some(top) = view.top(module) else { return };
            let Some(kind) = top.kind(unit) else { return };
            match kind {
                Kind::Statement | Kind::Head if !top.frozen(unit) => {
                    found.push(Effect::Name { module, name, attr: None, bind: false });
                }
                // Its instances are other objects.
                Kind::Class if how == How::Value => {
                    let attr = rest.first().cloned().or_else(|| attr.map(Box::from));
                    found.push(Effect::Name { module, name, attr, bind: false });
                }
                // What it gives is made of what it names.
                Kind::Function if rest.is_empty() && depth < MAX_GIVEN => {
                    let body = view.body(module, unit, None);
                    for one in body.as_ref().and_then(Body::early).map_or(&[][..], Early::uses) {
                        if matches!(one.how, How::Doc | How::Signature | How::Source | How::Name | How::Found)
                        {
                            continue;
                        }
                        for place in view.resolve(module, &one.chain, When::Any) {
                            source(place, one.how, attr, depth + 1, found, view);
                        }
                    }
                }
                _ => {}
            }
        }
        Place::Module(module) => {
            if let Some(name) = attr {
                found.push(Effect::Name { module, name: name.into(), attr: None, bind: true });
            }
        }
        Place::Outside(path) if how == How::Value => {
            let path = match attr {
                Some(attr) => format!("{path}.{attr}"),
                None => path,
            };
            if !is_harmless(&path) {
                found.push(Effect::Outside(path));
            }
        }
        _ => {}
    }
}

fn class_effect(module: ModId, unit: usize, attr: Option<Box<str>>, view: &mut View<'_>) -> Option<Effect> {
    let name = view.top(module)?.names(unit).first()?.clone();
    Some(Effect::Name { module, name, attr, bind: false })
}

/// The methods of a class itself with one of these names.
fn members(module: ModId, unit: usize, names: &[&str], view: &mut View<'_>) -> Vec<usize> {
    let Some(top) = view.top(module) else { return Vec::new() };
    let all = top.members(unit).enumerate();
    all.filter(|(_, member)| member.method && names.contains(&member.name)).map(|(at, _)| at).collect()
}

/// The methods of a class and its ancestors with one of these names.
fn methods(module: ModId, unit: usize, names: &[&str], view: &mut View<'_>) -> Vec<(ModId, usize, usize)> {
    let mut classes = vec![(module, unit)];
    classes.extend(ancestors(module, unit, view));
    let mut found = Vec::new();
    for (module, unit) in classes {
        found.extend(members(module, unit, names, view).into_iter().map(|at| (module, unit, at)));
    }
    found
}

/// The classes whose instances a statement makes.
pub(super) fn made_of(number: ModId, unit: usize, view: &mut View<'_>) -> Vec<(ModId, usize)> {
    let Some(top) = view.top(number) else { return Vec::new() };
    let Some(early) = top.early(unit) else { return Vec::new() };
    let mut found = Vec::new();
    for call in early.calls() {
        for place in view.resolve(number, &call.callee, When::Before(unit)) {
            if let Place::Unit { module, unit, rest, .. } = place
                && rest.is_empty()
                && view.top(module).is_some_and(|top| top.kind(unit) == Some(Kind::Class))
            {
                found.push((module, unit));
            }
        }
    }
    found
}
