//! Tree to [`Facts`]: which names are free, and what is done with them.
//!
//! Invariant: whatever is not understood adds something (an attribute name, a computed name), never removes.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    ExceptHandler, Expr, ExprContext, Keyword, Parameters, Stmt, StmtClassDef, StmtFunctionDef,
};

use super::facts::{Aliases, Chain, Facts, How, Mutation, Root, Use};
use super::known::{self};
use super::scope::{Names, imported};

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Function,
    Class,
    Comprehension,
}

pub(super) struct Scope<'a> {
    pub(super) kind: Kind,
    pub(super) names: Names<'a>,
}

/// Where a chain of attributes begins, as the text at hand sees it.
pub(super) enum Start {
    /// Several when branches import several.
    Roots(Vec<Root>),
    Param(usize),
    Local,
}

pub(super) struct Walker<'a> {
    pub(super) aliases: &'a Aliases,
    pub(super) scopes: Vec<Scope<'a>>,
    pub(super) out: Facts,
    /// Functions around the place at hand that run later than the item's own code.
    pub(super) later: usize,
    /// Local names that are being followed to what they were taken from.
    pub(super) tracing: usize,
}

/// The facts of a function's body.
pub(super) fn body(func: &StmtFunctionDef, aliases: &Aliases) -> Facts {
    let mut walker = Walker::new(aliases);
    let names = Names::of_function(Some(&func.parameters), &func.body);
    walker.scopes.push(Scope { kind: Kind::Function, names });
    walker.visit_body(skip_doc(&func.body));
    walker.finish()
}

/// What runs when a `def` is executed: decorators and defaults. Hints apart.
pub(super) fn header(func: &StmtFunctionDef, aliases: &Aliases, ours: &dyn Fn(&Expr) -> bool) -> Facts {
    let mut walker = Walker::new(aliases);
    walker.decorators(func.decorator_list.iter().map(|one| &one.expression), ours);
    walker.defaults(&func.parameters);
    walker.signature(func);
    walker.finish()
}

/// What runs when a `class` is executed, but for the members that `apart` names.
pub(super) fn class(
    class: &StmtClassDef,
    aliases: &Aliases,
    ours: &dyn Fn(&Expr) -> bool,
    apart: &dyn Fn(&Stmt) -> bool,
) -> Facts {
    let mut walker = Walker::new(aliases);
    walker.decorators(class.decorator_list.iter().map(|one| &one.expression), ours);
    if let Some(arguments) = &class.arguments {
        walker.visit_arguments(arguments);
    }
    walker.scopes.push(Scope { kind: Kind::Class, names: Names::of_block(&class.body) });
    for stmt in skip_doc(&class.body).iter().filter(|stmt| !apart(stmt)) {
        walker.member(stmt, ours);
    }
    walker.finish()
}

/// One statement of a class body, or the `def` of one of its methods without the body.
pub(super) fn member(
    class: &StmtClassDef,
    stmt: &Stmt,
    aliases: &Aliases,
    ours: &dyn Fn(&Expr) -> bool,
) -> Facts {
    let mut walker = Walker::new(aliases);
    walker.scopes.push(Scope { kind: Kind::Class, names: Names::of_block(&class.body) });
    match stmt {
        Stmt::FunctionDef(func) => {
            walker.decorators(func.decorator_list.iter().map(|one| &one.expression), ours);
            walker.defaults(&func.parameters);
            walker.signature(func);
        }
        _ => walker.member(stmt, ours),
    }
    walker.finish()
}

/// A statement of a module that is neither `def` nor `class`.
pub(super) fn statement(stmt: &Stmt, aliases: &Aliases) -> Facts {
    let mut walker = Walker::new(aliases);
    walker.visit_stmt(stmt);
    walker.finish()
}

/// The heads of compound statements: conditions, context managers, subjects.
pub(super) fn expressions<'a>(exprs: impl Iterator<Item = &'a Expr>, aliases: &Aliases) -> Facts {
    let mut walker = Walker::new(aliases);
    exprs.for_each(|expr| walker.visit_expr(expr));
    walker.finish()
}

pub(super) fn skip_doc(body: &[Stmt]) -> &[Stmt] {
    match body {
        [Stmt::Expr(first), rest @ ..] if first.value.is_string_literal_expr() => rest,
        _ => body,
    }
}

impl<'a> Walker<'a> {
    pub(super) fn new(aliases: &'a Aliases) -> Self {
        Walker { aliases, scopes: Vec::new(), out: Facts::default(), later: 0, tracing: 0 }
    }

    pub(super) fn finish(mut self) -> Facts {
        self.out.sort();
        self.out
    }

    pub(super) fn decorators(&mut self, list: impl Iterator<Item = &'a Expr>, ours: &dyn Fn(&Expr) -> bool) {
        for expr in list.filter(|expr| !ours(expr)) {
            let before = self.out.calls.len();
            // `@registry.add`: called for what it does to `registry`.
            let target = match expr {
                Expr::Call(call) => {
                    self.visit_arguments(&call.arguments);
                    self.called(&call.func, Some(&call.arguments), false);
                    &*call.func
                }
                other => {
                    self.called(other, None, false);
                    other
                }
            };
            for call in self.out.calls.iter_mut().skip(before) {
                call.applied = true;
            }
            match self.chain(target) {
                Some((Start::Roots(roots), attrs)) => {
                    let method = !attrs.is_empty();
                    if method {
                        self.change(target, Mutation::Method);
                    }
                    self.uses(roots, attrs, if method { How::Change } else { How::Call });
                }
                _ => self.visit_expr(target),
            }
        }
    }

    /// The name is one of the class body at hand.
    pub(super) fn in_class(&self, name: &str) -> bool {
        let scope = self.scopes.last();
        scope.is_some_and(|scope| scope.kind == Kind::Class && scope.names.locals.contains_key(name))
    }

    pub(super) fn defaults(&mut self, parameters: &'a Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = &parameter.default {
                self.visit_expr(default);
            }
        }
    }

    pub(super) fn signature(&mut self, func: &'a StmtFunctionDef) {
        let hints = func.parameters.iter().filter_map(|parameter| parameter.annotation());
        for hint in hints.chain(func.returns.as_deref()) {
            self.hint(hint);
        }
    }

    pub(super) fn hint(&mut self, hint: &'a Expr) {
        let mut inner = Walker::new(self.aliases);
        inner.visit_expr(hint);
        self.out.hints.append(&mut inner.out.uses);
        // A hint in quotes is evaluated by who reads it.
        for word in inner.out.words {
            let name = word.split('.').next().unwrap_or_default();
            let chain = Chain { root: Root::name(name), attrs: Vec::new() };
            self.out.hints.push(Use { chain, how: How::Value });
        }
        let mut text = Quoted(Vec::new());
        text.visit_expr(hint);
        for name in text.0 {
            let chain = Chain { root: Root::name(&name), attrs: Vec::new() };
            self.out.hints.push(Use { chain, how: How::Value });
        }
    }

    /// A statement in a class body.
    pub(super) fn member(&mut self, stmt: &'a Stmt, ours: &dyn Fn(&Expr) -> bool) {
        match stmt {
            Stmt::FunctionDef(func) => {
                self.decorators(func.decorator_list.iter().map(|one| &one.expression), ours);
                self.defaults(&func.parameters);
                self.signature(func);
                self.function(func);
            }
            Stmt::AnnAssign(field) => {
                self.hint(&field.annotation);
                field.value.iter().for_each(|value| self.visit_expr(value));
            }
            _ => self.visit_stmt(stmt),
        }
    }

    /// The body of a function defined here.
    pub(super) fn function(&mut self, func: &'a StmtFunctionDef) {
        let names = Names::of_function(Some(&func.parameters), &func.body);
        self.scopes.push(Scope { kind: Kind::Function, names });
        self.later += 1;
        self.visit_body(skip_doc(&func.body));
        self.later -= 1;
        self.scopes.pop();
    }

    pub(super) fn comprehension(
        &mut self,
        generators: &'a [ruff_python_ast::Comprehension],
        elements: [Option<&'a Expr>; 2],
    ) {
        // The first iterable is evaluated outside.
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        let names = Names::of_generators(generators);
        self.scopes.push(Scope { kind: Kind::Comprehension, names });
        for (at, generator) in generators.iter().enumerate() {
            self.visit_expr(&generator.target);
            if at > 0 {
                self.visit_expr(&generator.iter);
            }
            generator.ifs.iter().for_each(|test| self.visit_expr(test));
        }
        elements.into_iter().flatten().for_each(|element| self.visit_expr(element));
        self.scopes.pop();
    }
}

impl<'a> Visitor<'a> for Walker<'a> {
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(func) => {
                self.decorators(func.decorator_list.iter().map(|one| &one.expression), &|_| false);
                self.defaults(&func.parameters);
                self.function(func);
            }
            Stmt::ClassDef(class) => {
                self.decorators(class.decorator_list.iter().map(|one| &one.expression), &|_| false);
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                self.scopes.push(Scope { kind: Kind::Class, names: Names::of_block(&class.body) });
                for stmt in skip_doc(&class.body) {
                    self.member(stmt, &|_| false);
                }
                self.scopes.pop();
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.out.loads.push(Root::module(0, alias.name.as_str()));
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                self.out.loads.push(Root::module(import.level, module));
                self.out.loads.extend(imported(stmt).into_iter().map(|(_, root)| root));
            }
            Stmt::Assign(assign) => {
                self.visit_expr(&assign.value);
                assign.targets.iter().for_each(|target| self.assigned(target));
            }
            Stmt::AugAssign(assign) => {
                self.visit_expr(&assign.value);
                match &*assign.target {
                    Expr::Name(_) => {
                        self.changed(&assign.target, None, Mutation::Inside);
                        self.uses_of(&assign.target, How::Value);
                    }
                    target => {
                        self.change(target, Mutation::Inside);
                        self.assigned(target);
                    }
                }
            }
            Stmt::AnnAssign(assign) => {
                assign.value.iter().for_each(|value| self.visit_expr(value));
                self.assigned(&assign.target);
            }
            Stmt::Delete(delete) => delete.targets.iter().for_each(|target| self.assigned(target)),
            Stmt::For(each) => {
                self.visit_expr(&each.iter);
                self.assigned(&each.target);
                self.visit_body(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::Expr(expr) => match &*expr.value {
                Expr::Call(call) => self.call(call, true),
                Expr::Await(inner) => match &*inner.value {
                    Expr::Call(call) => self.call(call, true),
                    other => self.visit_expr(other),
                },
                Expr::StringLiteral(_) => {}
                other => self.visit_expr(other),
            },
            Stmt::Try(attempt) => {
                self.visit_body(&attempt.body);
                for handler in &attempt.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    handler.type_.iter().for_each(|kind| self.visit_expr(kind));
                    self.visit_body(&handler.body);
                }
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
            }
            Stmt::If(branch) if known::is_type_checking(&branch.test) => {
                branch.elif_else_clauses.iter().for_each(|clause| self.visit_elif_else_clause(clause));
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_keyword(&mut self, keyword: &'a Keyword) {
        self.visit_expr(&keyword.value);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                if name.ctx == ExprContext::Load {
                    self.name(expr, How::Value);
                }
            }
            Expr::Attribute(attribute) => match attribute.ctx {
                ExprContext::Load => self.attribute(expr, How::Value),
                _ => self.assigned(expr),
            },
            Expr::Call(call) => self.call(call, false),
            Expr::Subscript(item) => {
                if item.ctx != ExprContext::Load {
                    return self.assigned(expr);
                }
                if self.variable(&item.value, &item.slice) {
                    return;
                }
                if self.namespace(&item.value, Some(&item.slice)) {
                    return self.visit_expr(&item.slice);
                }
                if self.external(&item.value).as_deref() == Some("sys.modules") {
                    if let Some((Start::Roots(roots), attrs)) = self.chain(expr) {
                        return self.uses(roots, attrs, How::Value);
                    }
                    self.opaque(expr, "a module is looked up by a computed name");
                }
                visitor::walk_expr(self, expr);
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.defaults(parameters);
                }
                let names = Names::of_lambda(lambda.parameters.as_deref(), &lambda.body);
                self.scopes.push(Scope { kind: Kind::Function, names });
                self.later += 1;
                self.visit_expr(&lambda.body);
                self.later -= 1;
                self.scopes.pop();
            }
            Expr::ListComp(comp) => self.comprehension(&comp.generators, [Some(&comp.elt), None]),
            Expr::SetComp(comp) => self.comprehension(&comp.generators, [Some(&comp.elt), None]),
            Expr::Generator(comp) => self.comprehension(&comp.generators, [Some(&comp.elt), None]),
            Expr::DictComp(comp) => {
                self.comprehension(&comp.generators, [comp.key.as_deref(), Some(&comp.value)]);
            }
            Expr::StringLiteral(text) => {
                let text = text.value.to_str();
                if known::is_word(text) {
                    self.out.words.insert(text.into());
                }
            }
            _ => visitor::walk_expr(self, expr),
        }
    }
}

/// The names in hints that are written as strings.
struct Quoted(Vec<String>);

impl<'a> Visitor<'a> for Quoted {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::StringLiteral(text) = expr {
            let words = text.value.to_str().split(|c: char| !(c.is_alphanumeric() || c == '_'));
            self.0.extend(words.filter(|word| known::is_word(word)).map(str::to_owned));
        }
        visitor::walk_expr(self, expr);
    }
}
