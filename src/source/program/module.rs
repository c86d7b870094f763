//! One module: its statements cut into units, and what its names are bound to.
//!
//! A unit is a definition or a statement of the top level. Branches are looked into: what stands in an `if` or a
//! `try` is a unit of its own with the heads around it as guards. A loop is one unit. Facts of a unit are made
//! when they are asked for, and kept as long as the text stands.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtClassDef};

use crate::source::defs::mark;
use crate::source::imports::{Imports, Mark};
use crate::source::parse::{Parsed, parse};

use super::cut::{Cut, ELSE, FINALLY, cut, is_member, is_plain, only_imports};
use super::facts::{Aliases, Chain, Facts, How, Root, Use};
use super::scope::imported;
use super::{known, walk};

/// A way down the tree: block and index, again and again.
pub(super) type Way = Vec<(u32, u32)>;

#[derive(Debug)]
pub(super) struct Module {
    pub(super) file: String,
    pub(super) text: Arc<str>,
    pub(super) parsed: Parsed,
    pub(super) imports: Imports,
    pub(super) aliases: Aliases,
    pub(super) units: Vec<Unit>,
    pub(super) names: HashMap<Box<str>, Bindings>,
    /// `from m import *`: the unit and the module.
    pub(super) stars: Vec<(usize, Root)>,
    /// `__all__`, when it is a list of strings.
    pub(super) all: Option<Vec<Box<str>>>,
    /// Its functions, once somebody asked.
    pub(super) facts: std::sync::OnceLock<crate::source::ModuleFacts>,
}

/// What a name of a module is bound to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bindings {
    /// In the order of the text.
    pub(super) all: Vec<Binding>,
    /// Those (by index) that may stand when the module has run.
    pub(super) live: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) unit: usize,
    /// For an import: of what.
    pub(super) import: Option<Root>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    Class,
    Import,
    Statement,
    /// The head of a `with` or a `match`.
    Head,
}

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) kind: Kind,
    /// What it binds, in the order of the text.
    pub(super) names: Vec<Box<str>>,
    pub(super) way: Way,
    /// It runs whenever the module does.
    pub(super) certain: bool,
    pub(super) guards: Vec<Guard>,
    /// Decorators included, in bytes.
    pub(super) range: Range<usize>,
    pub(super) lines: (usize, usize),
    pub(super) members: Vec<Member>,
    /// Which of our decorators it has.
    pub(super) marks: Vec<Mark>,
    pub(super) outer: OnceLock<Facts>,
    pub(super) inner: OnceLock<Facts>,
}

/// A branch that a unit stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guard {
    pub(super) way: Way,
    pub(super) block: u32,
    /// The branch runs only if one of these imports fails.
    pub(super) unless: Option<Arc<[Root]>>,
}

/// A method or a plain attribute of a class.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Box<str>,
    pub(super) index: usize,
    pub(super) method: bool,
    pub(super) marks: Vec<Mark>,
    /// It has decorators that do not leave a function alone.
    pub(super) wrapped: bool,
    /// Assigning to an attribute of that name may run it.
    pub(super) stored: bool,
    pub(super) lines: (usize, usize),
    pub(super) range: Range<usize>,
    pub(super) outer: OnceLock<Facts>,
    pub(super) inner: OnceLock<Facts>,
}

impl Module {
    pub(super) fn new(file: &str, text: Arc<str>) -> Self {
        let parsed = parse(&text);
        Module::of(file, text, parsed)
    }

    pub(super) fn of(file: &str, text: Arc<str>, parsed: Parsed) -> Self {
        let scanned = parsed.with_stack(|| {
            let imports = Imports::of(parsed.body());
            let cut = cut(&parsed, &imports);
            (imports, cut)
        });
        let (imports, Cut { units, names, stars }) = scanned.unwrap_or_default();
        let mut aliases = Aliases::default();
        for (name, bindings) in &names {
            for binding in &bindings.all {
                match &binding.import {
                    Some(root) => aliases.import(name, root),
                    None => aliases.hide(name),
                }
            }
        }
        let mut module = Module {
            file: file.to_owned(),
            text,
            parsed,
            imports,
            aliases,
            units,
            names,
            stars,
            all: None,
            facts: Default::default(),
        };
        module.all = module.exports();
        module
    }

    /// The folder that relative imports start from.
    pub(super) fn folder(&self) -> &str {
        self.file.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    pub(super) fn bindings(&self, name: &str) -> Option<&Bindings> {
        self.names.get(name)
    }

    /// The unit is a loop: what it binds it may read.
    pub(super) fn repeats(&self, unit: usize) -> bool {
        matches!(self.stmt(unit), Some(Stmt::For(_) | Stmt::While(_)))
    }

    /// What a unit binds may be, or hold, objects that it names.
    pub(super) fn shares(&self, unit: usize) -> bool {
        match self.stmt(unit).and_then(assigned) {
            Some(value) => known::shares(value, &|expr| self.external(expr)),
            None => true,
        }
    }

    /// Nothing can change in place what a unit binds.
    pub(super) fn frozen(&self, unit: usize) -> bool {
        let value = self.stmt(unit).and_then(assigned);
        value.is_some_and(|value| known::is_frozen(value, &|expr| self.external(expr)))
    }

    /// The dotted path outside the project that an expression of the top level means.
    fn external(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => self.aliases.path(name.id.as_str()),
            Expr::Attribute(attribute) => {
                Some(format!("{}.{}", self.external(&attribute.value)?, attribute.attr.as_str()))
            }
            _ => None,
        }
    }

    /// What must be importable for the module to be.
    pub(super) fn required(&self) -> Vec<Root> {
        let units = self.units.iter().enumerate();
        let certain =
            units.filter(|(_, unit)| unit.kind == Kind::Import && unit.certain && unit.guards.is_empty());
        let stmts = certain.filter_map(|(at, _)| self.stmt(at));
        stmts
            .flat_map(|stmt| {
                only_imports(std::slice::from_ref(stmt)).map(|roots| roots.to_vec()).unwrap_or_default()
            })
            .collect()
    }

    /// All names that are bound at the top level, sorted.
    pub(super) fn all_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn stmt(&self, unit: usize) -> Option<&Stmt> {
        self.units.get(unit).and_then(|unit| at(self.parsed.body(), &unit.way))
    }

    /// The class that a unit is, and a statement of its body.
    pub(super) fn member(&self, unit: usize, member: usize) -> Option<(&StmtClassDef, &Stmt)> {
        let Stmt::ClassDef(class) = self.stmt(unit)? else { return None };
        let index = self.units.get(unit)?.members.get(member)?.index;
        Some((class, class.body.get(index)?))
    }

    /// The heads of the branches that a unit stands in, outermost first, with the branch's number.
    pub(super) fn heads(&self, unit: usize) -> Vec<(&Stmt, u32)> {
        let guards = self.units.get(unit).map_or(&[][..], |unit| &unit.guards);
        guards.iter().filter_map(|guard| Some((at(self.parsed.body(), &guard.way)?, guard.block))).collect()
    }

    pub(super) fn has_doc(&self) -> Option<&str> {
        match self.parsed.body().first() {
            Some(Stmt::Expr(first)) => match &*first.value {
                Expr::StringLiteral(text) => Some(text.value.to_str()),
                _ => None,
            },
            _ => None,
        }
    }

    /// What running the statement refers to: for a function its decorators and defaults.
    pub(super) fn outer(&self, unit: usize) -> Option<&Facts> {
        let slot = &self.units.get(unit)?.outer;
        if let Some(facts) = slot.get() {
            return Some(facts);
        }
        let stmt = self.stmt(unit)?;
        let facts = self.parsed.with_stack(|| {
            let ours = |expr: &Expr| mark(expr, &self.imports).is_some();
            let mut facts = match (self.units.get(unit).map(|unit| unit.kind), stmt) {
                (Some(Kind::Head), head) => {
                    walk::expressions(head_exprs(head, u32::MAX).into_iter(), &self.aliases)
                }
                (_, Stmt::FunctionDef(func)) => walk::header(func, &self.aliases, &ours),
                (_, Stmt::ClassDef(class)) => {
                    let plain = is_plain(class, &self.imports);
                    walk::class(class, &self.aliases, &ours, &|stmt| is_member(stmt, plain))
                }
                (_, Stmt::Import(_) | Stmt::ImportFrom(_)) => Facts::default(),
                (_, stmt) => walk::statement(stmt, &self.aliases),
            };
            for (head, block) in self.heads(unit) {
                facts.merge(&walk::expressions(head_exprs(head, block).into_iter(), &self.aliases));
                facts.uses.extend(tried(head, block));
            }
            facts.sort();
            facts
        })?;
        Some(slot.get_or_init(|| facts))
    }

    /// What calling the function refers to.
    pub(super) fn inner(&self, unit: usize) -> Option<&Facts> {
        let slot = &self.units.get(unit)?.inner;
        if let Some(facts) = slot.get() {
            return Some(facts);
        }
        let Stmt::FunctionDef(func) = self.stmt(unit)? else { return None };
        let facts = self.parsed.with_stack(|| walk::body(func, &self.aliases))?;
        Some(slot.get_or_init(|| facts))
    }

    pub(super) fn member_outer(&self, unit: usize, member: usize) -> Option<&Facts> {
        let slot = &self.units.get(unit)?.members.get(member)?.outer;
        if let Some(facts) = slot.get() {
            return Some(facts);
        }
        let (class, stmt) = self.member(unit, member)?;
        let ours = |expr: &Expr| mark(expr, &self.imports).is_some();
        let facts = self.parsed.with_stack(|| walk::member(class, stmt, &self.aliases, &ours))?;
        Some(slot.get_or_init(|| facts))
    }

    pub(super) fn member_inner(&self, unit: usize, member: usize) -> Option<&Facts> {
        let slot = &self.units.get(unit)?.members.get(member)?.inner;
        if let Some(facts) = slot.get() {
            return Some(facts);
        }
        let (_, Stmt::FunctionDef(func)) = self.member(unit, member)? else { return None };
        let facts = self.parsed.with_stack(|| walk::body(func, &self.aliases))?;
        Some(slot.get_or_init(|| facts))
    }

    /// `__all__`, as far as it is a list of strings, with what is added to it.
    fn exports(&self) -> Option<Vec<Box<str>>> {
        self.names.get("__all__")?;
        let mut names = Vec::new();
        let mut add = |expr: &Expr| {
            let list = match expr {
                Expr::List(list) => &list.elts,
                Expr::Tuple(list) => &list.elts,
                _ => return false,
            };
            list.iter().all(|item| match item {
                Expr::StringLiteral(text) => {
                    names.push(text.value.to_str().into());
                    true
                }
                _ => false,
            })
        };
        let is_all = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == "__all__");
        for unit in 0..self.units.len() {
            let known = match self.stmt(unit) {
                Some(Stmt::Assign(assign)) if assign.targets.iter().any(is_all) => add(&assign.value),
                Some(Stmt::AugAssign(assign)) if is_all(&assign.target) => add(&assign.value),
                Some(Stmt::AnnAssign(assign)) if is_all(&assign.target) => {
                    assign.value.as_ref().is_none_or(|value| add(value))
                }
                Some(Stmt::Expr(expr)) => match &*expr.value {
                    Expr::Call(call) => match &*call.func {
                        Expr::Attribute(method) if is_all(&method.value) => match method.attr.as_str() {
                            "extend" => call.arguments.args.first().is_some_and(&mut add),
                            _ => false,
                        },
                        _ => true,
                    },
                    _ => true,
                },
                _ => true,
            };
            if !known {
                return None;
            }
        }
        Some(names)
    }
}

/// The value that a statement assigns.
fn assigned(stmt: &Stmt) -> Option<&Expr> {
    match stmt {
        Stmt::Assign(assign) => Some(&assign.value),
        Stmt::AnnAssign(assign) => assign.value.as_deref(),
        _ => None,
    }
}

fn at<'a>(body: &'a [Stmt], way: &[(u32, u32)]) -> Option<&'a Stmt> {
    let ((_, first), rest) = way.split_first()?;
    let mut stmt = body.get(*first as usize)?;
    for (block, index) in rest {
        stmt = self::block(stmt, *block)?.get(*index as usize)?;
    }
    Some(stmt)
}

fn block(stmt: &Stmt, number: u32) -> Option<&[Stmt]> {
    let at = number as usize;
    match stmt {
        Stmt::If(branch) if at == 0 => Some(&branch.body),
        Stmt::If(branch) => branch.elif_else_clauses.get(at - 1).map(|clause| &*clause.body),
        Stmt::Try(attempt) => match number {
            0 => Some(&attempt.body),
            ELSE => Some(&attempt.orelse),
            FINALLY => Some(&attempt.finalbody),
            _ => attempt.handlers.get(at - 1).map(|ExceptHandler::ExceptHandler(handler)| &*handler.body),
        },
        Stmt::With(with) => Some(&with.body),
        Stmt::Match(choice) => choice.cases.get(at).map(|case| &*case.body),
        _ => None,
    }
}

/// What an `except` depends on: whether the imports that were tried work.
fn tried(head: &Stmt, block: u32) -> Vec<Use> {
    let Stmt::Try(attempt) = head else { return Vec::new() };
    if block == 0 {
        return Vec::new();
    }
    let mut roots: Vec<Root> = Vec::new();
    for stmt in &attempt.body {
        match stmt {
            Stmt::Import(import) => {
                roots.extend(import.names.iter().map(|alias| Root::module(0, alias.name.as_str())));
            }
            Stmt::ImportFrom(_) => roots.extend(imported(stmt).into_iter().map(|(_, root)| root)),
            _ => {}
        }
    }
    let found = |root| Use { chain: Chain { root, attrs: Vec::new() }, how: How::Found };
    roots.into_iter().map(found).collect()
}

/// What is evaluated before a branch runs.
pub(super) fn head_exprs(stmt: &Stmt, block: u32) -> Vec<&Expr> {
    match stmt {
        Stmt::If(branch) => {
            let elifs = branch.elif_else_clauses.iter().filter_map(|clause| clause.test.as_ref());
            std::iter::once(&*branch.test).chain(elifs).take(block.saturating_add(1) as usize).collect()
        }
        Stmt::Try(attempt) => match (block as usize).checked_sub(1).and_then(|at| attempt.handlers.get(at)) {
            Some(ExceptHandler::ExceptHandler(handler)) => handler.type_.as_deref().into_iter().collect(),
            None => Vec::new(),
        },
        Stmt::With(with) => with.items.iter().map(|item| &item.context_expr).collect(),
        Stmt::Match(choice) => std::iter::once(&*choice.subject)
            .chain(choice.cases.iter().filter_map(|case| case.guard.as_deref()))
            .collect(),
        _ => Vec::new(),
    }
}
