//! What importing can see of a module: the names it binds, what its statements do, how it is cut. Not the bodies of
//! functions, not constants, not docstrings and hints.
//!
//! Imports, effects and the meaning of names are found through [`Top`] and [`Early`] alone, which show nothing else. So
//! an edit that leaves the top of a module equal leaves all of that as it was.
//!
//! Invariant: [`same_top`] compares everything that `Top` shows, [`same_body`] everything that a [`Body`] shows.

use std::sync::Arc;

use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};

use crate::source::imports::Mark;

use super::facts::{Called, Chain, Change, Dynamic, Facts, Root, Use};
use super::module::{Bindings, Guard, Kind, Module, Unit};
use super::rounds::is_wrapped;

/// A module, seen from outside.
#[derive(Clone)]
pub(super) struct Top(Arc<Module>);

/// What a statement or a function does, without where and with which words.
#[derive(Clone, Copy)]
pub(super) struct Early<'m>(&'m Facts);

impl<'m> Early<'m> {
    pub(super) fn uses(self) -> &'m [Use] {
        &self.0.uses
    }

    pub(super) fn changes(self) -> &'m [Change] {
        &self.0.changes
    }

    pub(super) fn calls(self) -> &'m [Called] {
        &self.0.calls
    }

    pub(super) fn loads(self) -> &'m [Root] {
        &self.0.loads
    }

    pub(super) fn dynamic(self) -> &'m [Dynamic] {
        &self.0.dynamic
    }

    fn same(self, other: Early<'_>) -> bool {
        let (a, b) = (self.0, other.0);
        let dynamic =
            |one: &Dynamic, two: &Dynamic| (&one.target, &one.pattern) == (&two.target, &two.pattern);
        a.uses == b.uses
            && a.changes == b.changes
            && a.calls == b.calls
            && a.loads == b.loads
            && a.dynamic.len() == b.dynamic.len()
            && a.dynamic.iter().zip(&b.dynamic).all(|(one, two)| dynamic(one, two))
    }
}

/// A method or an attribute of a class.
#[derive(PartialEq, Eq)]
pub(super) struct MemberTop<'m> {
    pub(super) name: &'m str,
    pub(super) method: bool,
    marks: &'m [Mark],
}

impl Top {
    pub(super) fn new(module: Arc<Module>) -> Self {
        Top(module)
    }

    pub(super) fn file(&self) -> &str {
        &self.0.file
    }

    pub(super) fn folder(&self) -> &str {
        self.0.folder()
    }

    /// It does not parse.
    pub(super) fn is_broken(&self) -> bool {
        self.0.parsed.error().is_some()
    }

    /// How many units it has.
    pub(super) fn len(&self) -> usize {
        self.0.units.len()
    }

    fn unit(&self, unit: usize) -> Option<&Unit> {
        self.0.units.get(unit)
    }

    pub(super) fn kind(&self, unit: usize) -> Option<Kind> {
        Some(self.unit(unit)?.kind)
    }

    pub(super) fn names(&self, unit: usize) -> &[Box<str>] {
        self.unit(unit).map_or(&[], |unit| &unit.names)
    }

    /// It runs whenever the module does.
    pub(super) fn is_certain(&self, unit: usize) -> bool {
        self.unit(unit).is_some_and(|unit| unit.certain)
    }

    pub(super) fn guards(&self, unit: usize) -> &[Guard] {
        self.unit(unit).map_or(&[], |unit| &unit.guards)
    }

    pub(super) fn marks(&self, unit: usize) -> &[Mark] {
        self.unit(unit).map_or(&[], |unit| &unit.marks)
    }

    /// The members of a class, in order.
    pub(super) fn members(&self, unit: usize) -> impl Iterator<Item = MemberTop<'_>> {
        let members = self.unit(unit).map_or(&[][..], |unit| &unit.members);
        members.iter().map(|one| MemberTop { name: &one.name, method: one.method, marks: &one.marks })
    }

    pub(super) fn bindings(&self, name: &str) -> Option<&Bindings> {
        self.0.bindings(name)
    }

    /// All names that are bound at the top level, sorted.
    pub(super) fn all_names(&self) -> Vec<&str> {
        self.0.all_names()
    }

    pub(super) fn stars(&self) -> &[(usize, Root)] {
        &self.0.stars
    }

    /// `__all__`, when it is a list of strings.
    pub(super) fn all(&self) -> Option<&[Box<str>]> {
        self.0.all.as_deref()
    }

    /// The unit is a loop: what it binds it may read.
    pub(super) fn repeats(&self, unit: usize) -> bool {
        self.0.repeats(unit)
    }

    /// What a unit binds may be, or hold, objects that it names.
    pub(super) fn shares(&self, unit: usize) -> bool {
        self.0.shares(unit)
    }

    /// Nothing can change in place what a unit binds.
    pub(super) fn frozen(&self, unit: usize) -> bool {
        self.0.frozen(unit)
    }

    /// It is a function with decorators.
    pub(super) fn is_decorated(&self, unit: usize) -> bool {
        matches!(self.0.stmt(unit), Some(Stmt::FunctionDef(func)) if !func.decorator_list.is_empty())
    }

    /// A decorator may give another object in the place of a definition.
    pub(super) fn is_wrapped(&self, unit: usize) -> bool {
        self.0.stmt(unit).is_some_and(|stmt| is_wrapped(stmt, &self.0))
    }

    /// The chains that a class names as its bases, and as its metaclass.
    pub(super) fn bases(&self, unit: usize) -> (Vec<Chain>, Option<Chain>) {
        let Some(Stmt::ClassDef(class)) = self.0.stmt(unit) else { return (Vec::new(), None) };
        let Some(arguments) = &class.arguments else { return (Vec::new(), None) };
        let named = |expr: &Expr| Chain::of(expr, true);
        let metaclass = arguments.find_keyword("metaclass").and_then(|keyword| named(&keyword.value));
        (arguments.args.iter().filter_map(named).collect(), metaclass)
    }

    /// What an import statement loads, in order.
    pub(super) fn imports(&self, unit: usize) -> Vec<Root> {
        match self.0.stmt(unit) {
            Some(Stmt::Import(import)) => {
                import.names.iter().map(|alias| Root::module(0, alias.name.as_str())).collect()
            }
            Some(Stmt::ImportFrom(from)) => {
                let name = from.module.as_ref().map_or("", |module| module.as_str());
                let items = from.names.iter().map(|alias| Root::item(from.level, name, alias.name.as_str()));
                std::iter::once(Root::module(from.level, name)).chain(items).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What must be importable for the module to be.
    pub(super) fn required(&self) -> Vec<Root> {
        self.0.required()
    }

    /// What running a unit does: for a function its decorators and defaults.
    pub(super) fn early(&self, unit: usize) -> Option<Early<'_>> {
        self.0.outer(unit).map(Early)
    }
}

/// Nothing that importing can see of a module is different.
pub(super) fn same_top(old: &Arc<Module>, new: &Arc<Module>) -> bool {
    let (a, b) = (Top(old.clone()), Top(new.clone()));
    a.is_broken() == b.is_broken()
        && a.len() == b.len()
        && old.names == new.names
        && a.stars() == b.stars()
        && a.all() == b.all()
        && a.required() == b.required()
        && (0..a.len()).all(|unit| same_unit(&a, &b, unit))
}

fn same_unit(a: &Top, b: &Top, unit: usize) -> bool {
    a.kind(unit) == b.kind(unit)
        && a.names(unit) == b.names(unit)
        && a.is_certain(unit) == b.is_certain(unit)
        && a.guards(unit) == b.guards(unit)
        && a.marks(unit) == b.marks(unit)
        && a.members(unit).eq(b.members(unit))
        && a.repeats(unit) == b.repeats(unit)
        && a.shares(unit) == b.shares(unit)
        && a.frozen(unit) == b.frozen(unit)
        && a.is_decorated(unit) == b.is_decorated(unit)
        && a.is_wrapped(unit) == b.is_wrapped(unit)
        && a.bases(unit) == b.bases(unit)
        && a.imports(unit) == b.imports(unit)
        && match (a.early(unit), b.early(unit)) {
            (Some(a), Some(b)) => a.same(b),
            (a, b) => a.is_none() && b.is_none(),
        }
}

/// A function or a method that importing may call.
pub(super) struct Body {
    module: Arc<Module>,
    unit: usize,
    member: Option<usize>,
}

impl Body {
    pub(super) fn new(module: Arc<Module>, unit: usize, member: Option<usize>) -> Self {
        Body { module, unit, member }
    }

    /// What calling it does.
    pub(super) fn early(&self) -> Option<Early<'_>> {
        let facts = match self.member {
            Some(member) => self.module.member_inner(self.unit, member),
            None => self.module.inner(self.unit),
        };
        facts.map(Early)
    }

    fn func(&self) -> Option<&StmtFunctionDef> {
        let stmt = match self.member {
            Some(member) => self.module.member(self.unit, member).map(|(_, stmt)| stmt),
            None => self.module.stmt(self.unit),
        };
        match stmt {
            Some(Stmt::FunctionDef(func)) => Some(func),
            _ => None,
        }
    }

    /// Name and default of a parameter.
    pub(super) fn parameter(&self, at: usize) -> (Option<Box<str>>, Option<Chain>) {
        let Some(parameter) = self.func().and_then(|func| func.parameters.iter().nth(at)) else {
            return (None, None);
        };
        let default = parameter.default().and_then(|value| Chain::of(value, false));
        (Some(parameter.name().as_str().into()), default)
    }

    fn parameters(&self) -> usize {
        self.func().map_or(0, |func| func.parameters.iter().count())
    }
}

/// A function does the same when it is called, as far as importing can see. The modules have the same top.
pub(super) fn same_body(old: &Arc<Module>, new: &Arc<Module>, unit: usize, member: Option<usize>) -> bool {
    let (a, b) = (Body::new(old.clone(), unit, member), Body::new(new.clone(), unit, member));
    let same = match (a.early(), b.early()) {
        (Some(a), Some(b)) => a.same(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    same && a.parameters() == b.parameters()
        && (0..a.parameters()).all(|at| a.parameter(at) == b.parameter(at))
}
