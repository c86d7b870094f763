//! A text's top level, cut into units, and which bindings of a name may stand in the end.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::Ranged;

use crate::source::defs::mark;
use crate::source::imports::{Imports, Mark};
use crate::source::parse::{Parsed, bytes};

use super::facts::Root;
use super::known;
use super::module::{Binding, Bindings, Guard, Kind, Member, Unit, Way, head_exprs};
use super::scope::{Local, Names, imported};

/// For each name the bindings (by index) that it may have after a block, and whether it certainly has one.
type Block = BTreeMap<String, (Vec<usize>, bool)>;

pub(super) const ELSE: u32 = 1 << 20;
pub(super) const FINALLY: u32 = ELSE + 1;

/// Methods, and what a class without ancestors and decorators assigns: they count when they are asked for.
pub(super) fn is_member(stmt: &Stmt, plain: bool) -> bool {
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

/// What a statement of a class body assigns.
fn value(stmt: &Stmt) -> Option<&Expr> {
    match stmt {
        Stmt::Assign(assign) => Some(&assign.value),
        Stmt::AnnAssign(assign) => assign.value.as_deref(),
        _ => None,
    }
}

pub(super) fn is_plain(class: &StmtClassDef, imports: &Imports) -> bool {
    let object = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == "object");
    class.decorator_list.iter().all(|one| mark(&one.expression, imports).is_some())
        && class
            .arguments
            .as_ref()
            .is_none_or(|list| list.keywords.is_empty() && list.args.iter().all(object))
}

/// A text's top level.
#[derive(Default)]
pub(super) struct Cut {
    pub(super) units: Vec<Unit>,
    pub(super) names: HashMap<Box<str>, Bindings>,
    pub(super) stars: Vec<(usize, Root)>,
}

pub(super) fn cut(parsed: &Parsed, imports: &Imports) -> Cut {
    let mut scan = Scan { parsed, imports, units: Vec::new(), names: HashMap::new(), stars: Vec::new() };
    let live = scan.block(parsed.body(), &Vec::new(), 0, &[], true);
    for (name, (bindings, _)) in live {
        scan.names.entry(name.into()).or_default().live = bindings;
    }
    Cut { units: scan.units, names: scan.names, stars: scan.stars }
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
                stored: value(stmt).is_none_or(|value| !value.is_literal_expr()),
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
pub(super) fn only_imports(body: &[Stmt]) -> Option<Arc<[Root]>> {
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
