//! Which names a block binds, by Python's rules: a name assigned anywhere in a function is local to all of it.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Comprehension, ExceptHandler, Expr, ExprContext, Parameters, Pattern, Stmt};

use super::facts::Root;

/// What a local name stands for.
#[derive(Debug, Clone)]
pub(super) enum Local<'a> {
    /// Anything.
    Unknown,
    /// A parameter of the function, by position.
    Param(usize),
    /// One expression, always (assigned once).
    Value(&'a Expr),
    /// Imports and nothing else.
    Imports(Vec<Root>),
}

/// The names of one function, class body or comprehension.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub(super) locals: HashMap<&'a str, Local<'a>>,
    /// What each local name is bound to, or is a part of.
    pub(super) origins: HashMap<&'a str, Vec<&'a Expr>>,
    /// Declared `global`.
    pub(super) globals: HashSet<&'a str>,
    /// Declared `nonlocal`.
    outer: HashSet<&'a str>,
    /// Inside this many comprehensions: only `:=` binds.
    comprehensions: usize,
}

impl<'a> Names<'a> {
    /// Of a function.
    pub(super) fn of_function(parameters: Option<&'a Parameters>, body: &'a [Stmt]) -> Self {
        let mut names = Names::of_block(body);
        for (at, parameter) in parameters.into_iter().flat_map(|list| list.iter()).enumerate() {
            let name = parameter.name().as_str();
            let local = if names.locals.contains_key(name) { Local::Unknown } else { Local::Param(at) };
            names.locals.insert(name, local);
        }
        names
    }

    /// Of a lambda: its body is an expression.
    pub(super) fn of_lambda(parameters: Option<&'a Parameters>, body: &'a Expr) -> Self {
        let mut names = Names::default();
        names.visit_expr(body);
        for parameter in parameters.into_iter().flat_map(|list| list.iter()) {
            names.locals.insert(parameter.name().as_str(), Local::Unknown);
        }
        names
    }

    /// Of the statements of a function or class body.
    pub(super) fn of_block(body: &'a [Stmt]) -> Self {
        let mut names = Names::default();
        names.visit_body(body);
        let free: Vec<&str> = names.globals.iter().chain(&names.outer).copied().collect();
        for name in free {
            names.locals.remove(name);
        }
        names
    }

    /// What targets of assignments bind.
    pub(super) fn of_targets(targets: impl Iterator<Item = &'a Expr>) -> Self {
        let mut names = Names::default();
        targets.for_each(|target| names.visit_expr(target));
        names
    }

    /// Of the variables of a comprehension.
    pub(super) fn of_generators(generators: &'a [Comprehension]) -> Self {
        let mut names = Names::of_targets(generators.iter().map(|one| &one.target));
        generators.iter().for_each(|one| names.part(&one.target, &one.iter));
        names
    }

    /// What a target binds is a part of a value, or all of it.
    fn part(&mut self, target: &'a Expr, value: &'a Expr) {
        match target {
            Expr::Name(name) => self.origins.entry(name.id.as_str()).or_default().push(value),
            Expr::Tuple(list) => list.elts.iter().for_each(|one| self.part(one, value)),
            Expr::List(list) => list.elts.iter().for_each(|one| self.part(one, value)),
            Expr::Starred(one) => self.part(&one.value, value),
            _ => {}
        }
    }

    fn bind(&mut self, name: &'a str, local: Local<'a>) {
        use std::collections::hash_map::Entry;
        match self.locals.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(local);
            }
            Entry::Occupied(mut entry) => match (entry.get_mut(), local) {
                (Local::Imports(known), Local::Imports(more)) => known.extend(more),
                (held, _) => *held = Local::Unknown,
            },
        }
    }

    fn unknown(&mut self, name: &'a str) {
        self.bind(name, Local::Unknown);
    }
}

/// What `import` statements bind: local names and what they stand for.
pub(super) fn imported(stmt: &Stmt) -> Vec<(&str, Root)> {
    match stmt {
        Stmt::Import(import) => import
            .names
            .iter()
            .map(|alias| {
                let dotted = alias.name.as_str();
                match &alias.asname {
                    Some(name) => (name.as_str(), Root::module(0, dotted)),
                    None => {
                        let top = super::stdlib::top(dotted);
                        (top, Root::module(0, top))
                    }
                }
            })
            .collect(),
        Stmt::ImportFrom(import) => {
            let module = import.module.as_ref().map_or("", |module| module.as_str());
            let named = import.names.iter().filter(|alias| alias.name.as_str() != "*");
            named
                .map(|alias| {
                    let name = alias.name.as_str();
                    let bound = alias.asname.as_ref().map_or(name, |asname| asname.as_str());
                    (bound, Root::item(import.level, module, name))
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                self.unknown(def.name.as_str());
                // `:=` in a decorator or a default binds here.
                def.decorator_list.iter().for_each(|one| self.visit_decorator(one));
                self.visit_parameters(&def.parameters);
                return;
            }
            Stmt::ClassDef(class) => {
                self.unknown(class.name.as_str());
                class.decorator_list.iter().for_each(|one| self.visit_decorator(one));
                class.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
                return;
            }
            Stmt::Global(global) => self.globals.extend(global.names.iter().map(|name| name.as_str())),
            Stmt::Nonlocal(outer) => self.outer.extend(outer.names.iter().map(|name| name.as_str())),
            Stmt::Import(_) | Stmt::ImportFrom(_) => {
                for (name, root) in imported(stmt) {
                    self.bind(name, Local::Imports(vec![root]));
                }
            }
            Stmt::Assign(assign) => {
                assign.targets.iter().for_each(|target| self.part(target, &assign.value));
                if let [Expr::Name(name)] = &assign.targets[..] {
                    self.bind(name.id.as_str(), Local::Value(&assign.value));
                    return self.visit_expr(&assign.value);
                }
            }
            Stmt::AnnAssign(assign) => {
                // A declaration alone makes a name local.
                self.visit_expr(&assign.target);
                assign.value.iter().for_each(|value| self.part(&assign.target, value));
            }
            Stmt::For(each) => self.part(&each.target, &each.iter),
            Stmt::With(with) => {
                for item in &with.items {
                    item.optional_vars.iter().for_each(|target| self.part(target, &item.context_expr));
                }
            }
            Stmt::Try(attempt) => {
                for handler in &attempt.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    if let Some(name) = &handler.name {
                        self.unknown(name.as_str());
                    }
                }
            }
            Stmt::TypeAlias(alias) => return self.visit_expr(&alias.name),
            _ => {}
        }
        visitor::walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                if name.ctx != ExprContext::Load && self.comprehensions == 0 {
                    self.unknown(name.id.as_str());
                }
            }
            Expr::Named(named) => {
                if let Expr::Name(name) = &*named.target {
                    self.unknown(name.id.as_str());
                    self.part(&named.target, &named.value);
                }
                self.visit_expr(&named.value);
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
            }
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehensions += 1;
                visitor::walk_expr(self, expr);
                self.comprehensions -= 1;
            }
            _ => visitor::walk_expr(self, expr),
        }
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        match pattern {
            Pattern::MatchAs(one) => one.name.iter().for_each(|name| self.unknown(name.as_str())),
            Pattern::MatchStar(one) => one.name.iter().for_each(|name| self.unknown(name.as_str())),
            Pattern::MatchMapping(one) => one.rest.iter().for_each(|name| self.unknown(name.as_str())),
            _ => {}
        }
        visitor::walk_pattern(self, pattern);
    }
}
