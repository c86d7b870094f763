//! One module: its statements cut into units, and what its names are bound to.
//!
//! A unit is a definition or a statement of the top level. Branches are looked into: what stands in an `if` or a
//! `try` is a unit of its own with the heads around it as guards. A loop is one unit. Facts of a unit are made
//! when they are asked for, and kept as long as the text stands.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::Ranged;

use crate::source::defs::mark;
use crate::source::imports::{Imports, Mark};
use crate::source::parse::{Parsed, bytes, parse};

use super::facts::{Aliases, Facts, Root};
use super::known;
use super::scope::{Local, Names, imported};
use super::walk;

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
    names: HashMap<Box<str>, Bindings>,
    /// `from m import *`: the unit and the module.
    pub(super) stars: Vec<(usize, Root)>,
    /// `__all__`, when it is a list of strings.
    pub(super) all: Option<Vec<Box<str>>>,
}

/// What a name of a module is bound to.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    /// In the order of the text.
    pub(super) all: Vec<Binding>,
    /// Those (by index) that may stand when the module has run.
    pub(super) live: Vec<usize>,
}

#[derive(Debug, Clone)]
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
    way: Way,
    /// It runs whenever the module does.
    pub(super) certain: bool,
    pub(super) guards: Vec<Guard>,
    /// Decorators included, in bytes.
    pub(super) range: Range<usize>,
    pub(super) lines: (usize, usize),
    pub(super) members: Vec<Member>,
    /// Which of our decorators it has.
    pub(super) marks: Vec<Mark>,
    outer: OnceLock<Facts>,
    inner: OnceLock<Facts>,
}

/// A branch that a unit stands in.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    way: Way,
    block: u32,
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
    pub(super) lines: (usize, usize),
    pub(super) range: Range<usize>,
    outer: OnceLock<Facts>,
    inner: OnceLock<Facts>,
}

/// For each name the bindings (by index) that it may have after a block, and whether it certainly has one.
type Block = BTreeMap<String, (Vec<usize>, bool)>;

impl Module {
    pub(super) fn new(file: &str, text: Arc<str>) -> Self {
        let parsed = parse(&text);
        Module::of(file, text, parsed)
    }

    pub(super) fn of(file: &str, text: Arc<str>, parsed: Parsed) -> Self {
        let scanned = parsed.with_stack(|| {
            let imports = Imports::of(parsed.body());
            let mut scan = Scan {
                parsed: &parsed,
                imports: &imports,
                units: Vec::new(),
                names: HashMap::new(),
                stars: Vec::new(),
            };
            let live = scan.block(parsed.body(), &Vec::new(), 0, &[], true);
            for (name, (bindings, _)) in live {
                scan.names.entry(name.into()).or_default().live = bindings;
            }
            let (units, names, stars) = (scan.units, scan.names, scan.stars);
            (imports, units, names, stars)
        });
        let (imports, units, names, stars) = scanned.unwrap_or_default();
        let mut aliases = Aliases::default();
        for (name, bindings) in &names {
            for binding in &bindings.all {
                match &binding.import {
                    Some(root) => aliases.import(name, root),
                    None => aliases.hide(name),
                }
            }
        }
        let mut module =
            Module { file: file.to_owned(), text, parsed, imports, aliases, units, names, stars, all: None };
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
            }
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

/// Methods, and what a class without ancestors and decorators assigns: they count when they are asked for.
fn is_member(stmt: &Stmt, plain: bool) -> bool {
    match stmt {
        Stmt::FunctionDef(_) => true,
        _ => plain && attribute(stmt).is_some(),
    }
}

fn attribute(stmt: &Stmt) -> Option<&str> {
    let target = match stmt {
        Stmt::Assign(assign) => match &assign.targets[..] {
            [target] => target,
            _ => return None,
        },
        Stmt::AnnAssign(assign) if assign.value.is_some() => &assign.target,
        _ => return None,
    };
    match target {
        Expr::Name(name) if !name.id.as_str().starts_with("__") => Some(name.id.as_str()),
        _ => None,
    }
}

fn is_plain(class: &StmtClassDef, imports: &Imports) -> bool {
    let object = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == "object");
    class.decorator_list.iter().all(|one| mark(&one.expression, imports).is_some())
        && class
            .arguments
            .as_ref()
            .is_none_or(|list| list.keywords.is_empty() && list.args.iter().all(object))
}

fn at<'a>(body: &'a [Stmt], way: &[(u32, u32)]) -> Option<&'a Stmt> {
    let ((_, first), rest) = way.split_first()?;
    let mut stmt = body.get(*first as usize)?;
    for (block, index) in rest {
        stmt = self::block(stmt, *block)?.get(*index as usize)?;
    }
    Some(stmt)
}

const ELSE: u32 = 1 << 20;
const FINALLY: u32 = ELSE + 1;

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

struct Scan<'a> {
    parsed: &'a Parsed,
    imports: &'a Imports,
    units: Vec<Unit>,
    names: HashMap<Box<str>, Bindings>,
    stars: Vec<(usize, Root)>,
}

impl<'a> Scan<'a> {
    fn block(&mut self, body: &'a [Stmt], way: &Way, number: u32, guards: &[Guard], certain: bool) -> Block {
        let mut block = Block::new();
        for (index, stmt) in body.iter().enumerate() {
            let mut here = way.clone();
            here.push((number, u32::try_from(index).unwrap_or(u32::MAX)));
            self.stmt(stmt, here, guards, certain, &mut block);
        }
        block
    }

    fn stmt(&mut self, stmt: &'a Stmt, way: Way, guards: &[Guard], certain: bool, block: &mut Block) {
        match stmt {
            Stmt::If(branch) => {
                let tests = std::iter::once(Some((&*branch.test, &*branch.body))).chain(
                    branch
                        .elif_else_clauses
                        .iter()
                        .map(|clause| clause.test.as_ref().map(|test| (test, &*clause.body))),
                );
                let mut blocks = Vec::new();
                let mut complete = false;
                for (number, test) in tests.enumerate() {
                    let known = match test {
                        Some((test, _)) => known::constant(test),
                        None => Some(true),
                    };
                    if known == Some(false) || complete {
                        continue;
                    }
                    let body = match (test, number.checked_sub(1)) {
                        (Some((_, body)), _) => body,
                        (None, Some(at)) => branch.elif_else_clauses.get(at).map_or(&[][..], |one| &one.body),
                        (None, None) => continue,
                    };
                    complete = known == Some(true);
                    // The first branch that runs whatever the conditions are is no branch.
                    let alone = complete && blocks.is_empty();
                    let number = u32::try_from(number).unwrap_or(u32::MAX);
                    let guards = if alone { guards.to_vec() } else { with(guards, &way, number, None) };
                    blocks.push(self.block(body, &way, number, &guards, certain && alone));
                }
                then(block, either(blocks, complete));
            }
            Stmt::Try(attempt) => {
                let inside = with(guards, &way, 0, None);
                let tried = self.block(&attempt.body, &way, 0, &inside, certain);
                let mut good = tried.clone();
                then(&mut good, self.block(&attempt.orelse, &way, ELSE, &inside, certain));
                let imports = only_imports(&attempt.body);
                let mut paths = vec![good];
                for (at, handler) in attempt.handlers.iter().enumerate() {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
                    let guards = with(guards, &way, number, imports.clone());
                    let mut path = either(vec![tried.clone()], false);
                    then(&mut path, self.block(&handler.body, &way, number, &guards, false));
                    paths.push(path);
                }
                let mut whole = either(paths, true);
                then(&mut whole, self.block(&attempt.finalbody, &way, FINALLY, guards, certain));
                then(block, whole);
            }
            Stmt::With(head) => {
                self.bare(stmt, &way, guards, certain, block, Kind::Head);
                let guards = with(guards, &way, 0, None);
                let inner = self.block(&head.body, &way, 0, &guards, certain);
                then(block, inner);
            }
            Stmt::Match(choice) => {
                self.bare(stmt, &way, guards, certain, block, Kind::Head);
                let mut blocks = Vec::new();
                for (at, case) in choice.cases.iter().enumerate() {
                    let number = u32::try_from(at).unwrap_or(u32::MAX);
                    let guards = with(guards, &way, number, None);
                    blocks.push(self.block(&case.body, &way, number, &guards, false));
                }
                let last = choice.cases.last();
                let complete = last.is_some_and(|last| last.guard.is_none() && last.pattern.is_irrefutable());
                then(block, either(blocks, complete));
            }
            Stmt::Pass(_) | Stmt::Global(_) => {}
            Stmt::Expr(expr) if expr.value.is_literal_expr() => {}
            _ => {
                let kind = match stmt {
                    Stmt::FunctionDef(_) => Kind::Function,
                    Stmt::ClassDef(_) => Kind::Class,
                    Stmt::Import(_) | Stmt::ImportFrom(_) => Kind::Import,
                    _ => Kind::Statement,
                };
                self.bare(stmt, &way, guards, certain, block, kind);
            }
        }
    }

    /// A unit.
    fn bare(
        &mut self,
        stmt: &'a Stmt,
        way: &Way,
        guards: &[Guard],
        certain: bool,
        block: &mut Block,
        kind: Kind,
    ) {
        let unit = self.units.len();
        let mut bound: Vec<(&str, Option<Root>)> = Vec::new();
        // A loop need not run.
        let mut sure = true;
        match stmt {
            Stmt::FunctionDef(func) => bound.push((func.name.as_str(), None)),
            Stmt::ClassDef(class) => bound.push((class.name.as_str(), None)),
            Stmt::Import(_) | Stmt::ImportFrom(_) => {
                bound.extend(imported(stmt).into_iter().map(|(name, root)| (name, Some(root))));
                if let Stmt::ImportFrom(from) = stmt
                    && from.names.iter().any(|alias| alias.name.as_str() == "*")
                {
                    let module = from.module.as_ref().map_or("", |module| module.as_str());
                    self.stars.push((unit, Root::module(from.level, module)));
                }
            }
            // Changes what the name has.
            Stmt::AugAssign(_) => {}
            Stmt::AnnAssign(assign) if assign.value.is_none() => {}
            Stmt::Delete(delete) => {
                for target in &delete.targets {
                    if let Expr::Name(name) = target {
                        then(block, Block::from([(name.id.to_string(), (Vec::new(), true))]));
                    }
                }
            }
            _ => {
                sure = !matches!(stmt, Stmt::For(_) | Stmt::While(_));
                let names = match stmt {
                    Stmt::With(head) => {
                        Names::of_targets(head.items.iter().filter_map(|item| item.optional_vars.as_deref()))
                    }
                    Stmt::Match(_) => Names::default(),
                    _ => Names::of_block(std::slice::from_ref(stmt)),
                };
                let mut locals: Vec<(&str, Local<'_>)> = names.locals.into_iter().collect();
                locals.sort_by_key(|(name, _)| *name);
                for (name, local) in locals {
                    match local {
                        Local::Imports(roots) => {
                            bound.extend(roots.into_iter().map(|root| (name, Some(root))))
                        }
                        _ => bound.push((name, None)),
                    }
                }
            }
        }
        let mut names: Vec<Box<str>> = bound.iter().map(|(name, _)| (*name).into()).collect();
        names.dedup();
        let mut added = Block::new();
        for (name, import) in bound {
            let bindings = self.names.entry(name.into()).or_default();
            bindings.all.push(Binding { unit, import });
            let entry = added.entry(name.to_owned()).or_insert((Vec::new(), sure));
            entry.0.push(bindings.all.len() - 1);
        }
        then(block, added);
        let (range, lines) = self.place(stmt, kind);
        self.units.push(Unit {
            kind,
            names,
            way: way.clone(),
            certain: certain && sure,
            guards: guards.to_vec(),
            range,
            lines,
            members: self.members(stmt),
            marks: self.marks(stmt),
            outer: OnceLock::new(),
            inner: OnceLock::new(),
        });
    }

    fn marks(&self, stmt: &Stmt) -> Vec<Mark> {
        let decorators = match stmt {
            Stmt::FunctionDef(func) => &func.decorator_list,
            Stmt::ClassDef(class) => &class.decorator_list,
            _ => return Vec::new(),
        };
        decorators.iter().filter_map(|one| mark(&one.expression, self.imports)).collect()
    }

    fn members(&self, stmt: &Stmt) -> Vec<Member> {
        let Stmt::ClassDef(class) = stmt else { return Vec::new() };
        let plain = is_plain(class, self.imports);
        let mut members = Vec::new();
        for (index, stmt) in class.body.iter().enumerate().filter(|(_, stmt)| is_member(stmt, plain)) {
            let (name, wrapped) = match stmt {
                Stmt::FunctionDef(func) => (func.name.as_str(), self.is_wrapped(func)),
                stmt => (attribute(stmt).unwrap_or_default(), false),
            };
            let (range, lines) = self.place(stmt, Kind::Statement);
            members.push(Member {
                name: name.into(),
                index,
                method: stmt.is_function_def_stmt(),
                marks: self.marks(stmt),
                wrapped,
                lines,
                range,
                outer: OnceLock::new(),
                inner: OnceLock::new(),
            });
        }
        members
    }

    fn is_wrapped(&self, func: &StmtFunctionDef) -> bool {
        func.decorator_list.iter().any(|one| !crate::source::normal::is_blind(&one.expression, self.imports))
    }

    fn place(&self, stmt: &Stmt, kind: Kind) -> (Range<usize>, (usize, usize)) {
        let whole = bytes(stmt.range());
        let decorators = match stmt {
            Stmt::FunctionDef(func) => func.decorator_list.first(),
            Stmt::ClassDef(class) => class.decorator_list.first(),
            _ => None,
        };
        let start = decorators.map_or(whole.start, |first| bytes(first.range()).start.min(whole.start));
        let end = match kind {
            Kind::Head => head_exprs(stmt, u32::MAX).last().map_or(whole.end, |last| bytes(last.range()).end),
            _ => whole.end,
        };
        (start..end, (self.parsed.line(start), self.parsed.line(end)))
    }
}

fn with(guards: &[Guard], way: &Way, block: u32, unless: Option<Arc<[Root]>>) -> Vec<Guard> {
    let mut guards = guards.to_vec();
    guards.push(Guard { way: way.clone(), block, unless });
    guards
}

/// The imports of a block that does nothing else.
fn only_imports(body: &[Stmt]) -> Option<Arc<[Root]>> {
    let mut roots = Vec::new();
    for stmt in body {
        match stmt {
            Stmt::Import(import) => {
                roots.extend(import.names.iter().map(|alias| Root::module(0, alias.name.as_str())));
            }
            Stmt::ImportFrom(_) => roots.extend(imported(stmt).into_iter().map(|(_, root)| root)),
            _ => return None,
        }
    }
    Some(roots.into())
}

/// `block`, then `next`.
fn then(block: &mut Block, next: Block) {
    for (name, (bindings, certain)) in next {
        let entry = block.entry(name).or_default();
        if certain {
            *entry = (bindings, true);
        } else {
            entry.0.extend(bindings);
        }
    }
}

/// One of several blocks; `complete` when one of them certainly runs.
fn either(blocks: Vec<Block>, complete: bool) -> Block {
    let count = blocks.len();
    let mut out: BTreeMap<String, (Vec<usize>, usize)> = BTreeMap::new();
    for block in blocks {
        for (name, (bindings, certain)) in block {
            let entry = out.entry(name).or_default();
            entry.1 += usize::from(certain);
            for binding in bindings {
                if !entry.0.contains(&binding) {
                    entry.0.push(binding);
                }
            }
        }
    }
    out.into_iter()
        .map(|(name, (bindings, certain))| (name, (bindings, complete && certain == count)))
        .collect()
}
