//! What importing the modules does, in order: which names are rebound and which objects change.
//!
//! The modules that an entry imports are run in thought, statement by statement, as Python would. A statement that
//! changes something else than the names it binds (`RULES.append(rule)`, `net.fetch = patched`, a decorator whose
//! body registers) touches it. Functions that such statements call are looked into.

use std::collections::{BTreeSet, HashMap, HashSet};

use ruff_python_ast::{Expr, Stmt};

use super::facts::{Arg, Called, Chain, Change, Changed, Facts, Mutation, Root};
use super::module::{Kind, Module};
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
    loaded: Vec<ModId>,
    touched: HashMap<(ModId, Box<str>), Vec<Touch>>,
    /// Of modules: names that are computed.
    whole: HashMap<ModId, Vec<Touch>>,
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

    pub(super) fn at(&self, module: ModId, unit: usize) -> Option<usize> {
        self.order.get(&(module, unit)).copied()
    }

    /// What changes a name of a module, in order.
    pub(super) fn touches(&self, module: ModId, name: &str) -> Vec<Touch> {
        let mut all = self.touched.get(&(module, Box::from(name))).cloned().unwrap_or_default();
        if let Some(whole) = self.whole.get(&module) {
            all.extend(whole.iter().cloned());
            all.sort_by_key(|touch| touch.at);
        }
        all
    }

    /// What changes a dotted path outside the project, or something of it.
    pub(super) fn outside(&self, path: &str) -> impl Iterator<Item = &Touch> {
        let path = match path {
            "os.getenv" | "os.environb" => "os.environ",
            path => path,
        };
        let found: Vec<&Touch> = self
            .outside
            .iter()
            .filter(|(touched, _)| related(touched, path))
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
                if !self.loaded.contains(&next) {
                    self.loaded.push(next);
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
        for target in targets {
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
                Effect::Module(module) => self.whole.entry(module).or_default().push(touch(None, false)),
                Effect::Outside(path) => self.outside.push((path, touch(None, false))),
                Effect::Param(..) => {}
            }
        }
    }
}

/// A change of one may be seen through the other.
fn related(touched: &str, path: &str) -> bool {
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
        Some(Stmt::FunctionDef(_)) | None => {}
        Some(_) => roots.extend(module.outer(unit).into_iter().flat_map(|facts| facts.loads.iter().cloned())),
    }
    loads(number, &roots, view)
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
    fn chain(expr: &Expr) -> Option<Chain> {
        match expr {
            Expr::Name(name) => Some(Chain { root: Root::name(name.id.as_str()), attrs: Vec::new() }),
            Expr::Attribute(attribute) => {
                let mut chain = chain(&attribute.value)?;
                chain.attrs.push(attribute.attr.as_str().into());
                Some(chain)
            }
            // `Generic[T]`, `with_metaclass(M)`
            Expr::Subscript(item) => chain(&item.value),
            Expr::Call(call) => chain(&call.func),
            _ => None,
        }
    }
    let Stmt::ClassDef(class) = stmt else { return (Vec::new(), None) };
    let Some(arguments) = &class.arguments else { return (Vec::new(), None) };
    let metaclass = arguments.find_keyword("metaclass").and_then(|keyword| chain(&keyword.value));
    (arguments.args.iter().filter_map(chain).collect(), metaclass)
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

/// What changes when something runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Name {
        module: ModId,
        name: Box<str>,
        attr: Option<Box<str>>,
        bind: bool,
    },
    Module(ModId),
    Outside(String),
    /// A parameter of the function, and the attribute of it.
    Param(usize, Option<Box<str>>),
}

/// What functions change when they are called.
#[derive(Default)]
struct Summaries {
    known: HashMap<(ModId, usize, Option<usize>), BTreeSet<Effect>>,
    open: HashSet<(ModId, usize, Option<usize>)>,
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
    fn change(&mut self, from: ModId, change: &Change, when: When, view: &mut View<'_>) -> Vec<Effect> {
        let chain = match &change.of {
            Changed::Of(chain) => chain,
            Changed::Param(at, attr) => return vec![Effect::Param(*at, attr.clone())],
        };
        let mut object = chain.clone();
        let last = match change.how {
            Mutation::Bind | Mutation::Method => object.attrs.pop(),
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
                (Place::Module(_), Mutation::Method, _) => None,
                (Place::Module(module), ..) => Some(Effect::Module(module)),
                (Place::Unit { module, name, rest, .. }, how, last) => {
                    let attr = match how {
                        Mutation::Bind => rest.first().or(last.as_ref()).cloned(),
                        _ => rest.first().cloned(),
                    };
                    Some(Effect::Name { module, name, attr, bind: false })
                }
                (Place::Outside(path), how, last) => {
                    let path = match (how, last) {
                        (Mutation::Bind, Some(name)) => format!("{path}.{name}"),
                        _ => path,
                    };
                    (!is_harmless(&path)).then_some(Effect::Outside(path))
                }
                (Place::Builtin(path), Mutation::Bind, Some(name)) => {
                    Some(Effect::Outside(format!("{path}.{name}")))
                }
                _ => None,
            });
        }
        effects
    }

    fn call(&mut self, from: ModId, call: &Called, when: When, view: &mut View<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for place in view.resolve(from, &call.callee, when) {
            match place {
                Place::Unit { module, unit, rest, .. } => {
                    let Some(target) = view.module(module) else { continue };
                    let Some(entry) = target.units.get(unit) else { continue };
                    match entry.kind {
                        Kind::Function if rest.is_empty() && entry.marks.is_empty() => {
                            let inner = self.of(module, unit, None, view);
                            effects.extend(self.given(from, &inner, &call.args, 0, when, view));
                        }
                        Kind::Class if rest.is_empty() => {
                            for (module, unit, member) in
                                methods(module, unit, &["__init__", "__new__", "__post_init__"], view)
                            {
                                let inner = self.of(module, unit, Some(member), view);
                                effects.extend(self.given(from, &inner, &call.args, 1, when, view));
                            }
                        }
                        Kind::Class => {
                            effects.extend(self.method(from, (module, unit), &rest, call, when, view))
                        }
                        Kind::Statement if rest.len() == 1 => {
                            for class in made_of(module, unit, view) {
                                effects.extend(self.method(from, class, &rest, call, when, view));
                            }
                        }
                        _ => {}
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
                }
                _ => {}
            }
        }
        effects
    }

    /// A method of a class of the project, by the last attribute.
    fn method(
        &mut self,
        from: ModId,
        class: (ModId, usize),
        rest: &[Box<str>],
        call: &Called,
        when: When,
        view: &mut View<'_>,
    ) -> Vec<Effect> {
        let Some(name) = rest.last() else { return Vec::new() };
        let mut effects = Vec::new();
        for (module, unit, member) in methods(class.0, class.1, &[name], view) {
            let inner = self.of(module, unit, Some(member), view);
            effects.extend(self.given(from, &inner, &call.args, 1, when, view));
        }
        effects
    }

    /// What a call with these arguments changes, by what the function changes. `skip`: parameters before the first
    /// argument.
    fn given(
        &mut self,
        from: ModId,
        inner: &BTreeSet<Effect>,
        args: &[Arg],
        skip: usize,
        when: When,
        view: &mut View<'_>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        for effect in inner {
            match effect {
                Effect::Param(at, _) => {
                    if let Some(arg) = at.checked_sub(skip).and_then(|at| args.get(at)) {
                        effects.extend(self.arguments(from, std::slice::from_ref(arg), when, view));
                    }
                }
                other => effects.push(other.clone()),
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
                    effects.extend(self.change(from, &Change { of, how: Mutation::Inside }, when, view));
                }
                Arg::Param(at) => effects.push(Effect::Param(*at, None)),
                Arg::Other => {}
            }
        }
        effects
    }

    /// What a class does when it is made: `__init_subclass__` of its ancestors, its metaclass.
    fn class(
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
            let Some(module) = view.module(*base) else { continue };
            let Some(Some(metaclass)) = module.stmt(*base_unit).map(|stmt| bases_of(stmt)) else { continue };
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
    fn of(
        &mut self,
        number: ModId,
        unit: usize,
        member: Option<usize>,
        view: &mut View<'_>,
    ) -> BTreeSet<Effect> {
        let key = (number, unit, member);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let Some(module) = view.module(number) else { return BTreeSet::new() };
        let facts: Option<&Facts> = match member {
            Some(member) => module.member_inner(unit, member),
            None => module.inner(unit),
        };
        let Some(facts) = facts else { return BTreeSet::new() };
        if self.open.len() > MAX_CALLS || !self.open.insert(key) {
            return BTreeSet::new();
        }
        let mut effects = BTreeSet::new();
        for change in &facts.changes {
            effects.extend(self.change(number, change, When::Any, view));
        }
        for call in &facts.calls {
            effects.extend(self.call(number, call, When::Any, view));
        }
        self.open.remove(&key);
        // Within a cycle the answer is that of the whole only for the one that closes it.
        if self.open.is_empty() {
            self.known.insert(key, effects.clone());
        }
        effects
    }
}

fn bases_of(stmt: &Stmt) -> Option<Chain> {
    bases(stmt).1
}

fn class_effect(module: ModId, unit: usize, attr: Option<Box<str>>, view: &View<'_>) -> Option<Effect> {
    let name = view.module(module)?.units.get(unit)?.names.first()?.clone();
    Some(Effect::Name { module, name, attr, bind: false })
}

/// The methods of a class itself with one of these names.
fn members(module: ModId, unit: usize, names: &[&str], view: &View<'_>) -> Vec<usize> {
    let Some(module) = view.module(module) else { return Vec::new() };
    let Some(unit) = module.units.get(unit) else { return Vec::new() };
    let all = unit.members.iter().enumerate();
    all.filter(|(_, member)| member.method && names.contains(&&*member.name)).map(|(at, _)| at).collect()
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
fn made_of(number: ModId, unit: usize, view: &mut View<'_>) -> Vec<(ModId, usize)> {
    let Some(module) = view.module(number) else { return Vec::new() };
    let Some(facts) = module.outer(unit) else { return Vec::new() };
    let mut found = Vec::new();
    for call in &facts.calls {
        for place in view.resolve(number, &call.callee, When::Before(unit)) {
            if let Place::Unit { module, unit, rest, .. } = place
                && rest.is_empty()
                && view
                    .module(module)
                    .is_some_and(|module| module.units.get(unit).is_some_and(|unit| unit.kind == Kind::Class))
            {
                found.push((module, unit));
            }
        }
    }
    found
}
