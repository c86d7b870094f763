//! A tree without what changes no behaviour. Works on copies; the parsed tree stays as it is.
//!
//! Removed: docstrings and other constants that stand alone, `pass`, type hints, options of our
//! decorators except `durable` and `version`, the spelling of our decorators (aliases, order),
//! `else: if` against `elif`. Formatting is not in the tree to begin with.
//!
//! Docstrings and hints stay where somebody may read them. Who that is, `program` finds out, and says in
//! [`Keep`]; of what is defined inside a function: what is handed on as a value, what has a decorator that we do
//! not know, everything where the body mentions `__doc__` or `signature`.

use std::collections::HashSet;
use std::ops::Deref;

use ruff_python_ast::visitor::transformer::{self, Transformer};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    AtomicNodeIndex, Decorator, ElifElseClause, ExceptHandler, Expr, ExprContext, ExprEllipsisLiteral,
    ExprName, Stmt, StmtAssign, StmtClassDef, StmtFunctionDef, Suite, name::Name,
};
use ruff_text_size::TextRange;

use super::defs::mark;
use super::imports::{Imports, Mark};
use super::literal::Literal;

/// Decorators that read neither docstring nor hints of what they decorate, by their last name.
const BLIND: [&str; 15] = [
    "abstractmethod",
    "asynccontextmanager",
    "cache",
    "cached_property",
    "classmethod",
    "contextmanager",
    "deleter",
    "final",
    "getter",
    "lru_cache",
    "overload",
    "override",
    "property",
    "setter",
    "staticmethod",
];

/// Names in a body that say that a docstring or a signature is read.
const READERS: [&str; 12] = [
    "__annotations__",
    "__defaults__",
    "__doc__",
    "__signature__",
    "get_annotations",
    "get_type_hints",
    "getdoc",
    "getfullargspec",
    "getsource",
    "help",
    "signature",
    "validate_call",
];

/// What somebody may read of a definition, and therefore stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Keep {
    /// Its docstring.
    pub(super) docs: bool,
    /// Its hints.
    pub(super) hints: bool,
    /// Docstrings and hints of what is defined inside it and handed on to somebody.
    pub(super) inside: bool,
}

/// The normal form of one function.
pub(super) fn function(func: &StmtFunctionDef, imports: &Imports, keep: Keep) -> StmtFunctionDef {
    let uses = Uses::of_function(func);
    let normal = Normal { imports, uses: &uses, fields: Fields::Assignments, inside: keep.inside };
    let mut func = func.clone();
    normal.function(&mut func, keep.docs, keep.hints);
    func
}

/// The normal form of a class without the statements of its body that `apart` names.
pub(super) fn class(
    class: &StmtClassDef,
    imports: &Imports,
    keep: Keep,
    apart: &dyn Fn(usize) -> bool,
) -> StmtClassDef {
    let mut class = class.clone();
    let mut index = 0;
    class.body.retain(|_| {
        index += 1;
        !apart(index - 1)
    });
    let uses = Uses::of_body(&class.body);
    let normal = Normal { imports, uses: &uses, fields: Fields::Assignments, inside: keep.inside };
    normal.class(&mut class, keep);
    class
}

/// The normal form of any other statement; `None` when nothing of it counts.
pub(super) fn statement(stmt: &Stmt, imports: &Imports, keep: Keep) -> Option<Stmt> {
    let uses = Uses::of_body(std::slice::from_ref(stmt));
    let fields = if keep.hints { Fields::Hints } else { Fields::Assignments };
    let normal = Normal { imports, uses: &uses, fields, inside: keep.inside };
    let mut body: Suite = std::iter::once(stmt.clone()).collect();
    normal.tidy(&mut body, false);
    normal.visit_body(&mut body);
    body.into_iter().next()
}

/// A decorator that reads neither docstring nor hints of what it decorates, or one of ours.
pub(super) fn is_blind(decorator: &Expr, imports: &Imports) -> bool {
    let target = match decorator {
        Expr::Call(call) => &*call.func,
        other => other,
    };
    let last = match target {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => "",
    };
    BLIND.contains(&last) || last == "wraps" || imports.mark(target).is_some()
}

/// How the names of a function are used.
#[derive(Default)]
struct Uses {
    /// Read otherwise than by being called.
    values: HashSet<String>,
    /// Bound by something that has a value.
    bound: HashSet<String>,
    /// Mentions a docstring, hints or a signature.
    reads: bool,
}

impl Uses {
    fn of_function(func: &StmtFunctionDef) -> Self {
        let mut uses = Uses::of_body(&func.body);
        for parameter in &*func.parameters {
            uses.bound.insert(parameter.name().as_str().to_owned());
        }
        uses
    }

    fn of_body(body: &[Stmt]) -> Self {
        let mut uses = Uses::default();
        for stmt in body {
            uses.visit_stmt(stmt);
        }
        uses
    }

    fn word(&mut self, word: &str) {
        self.reads |= READERS.contains(&word);
    }
}

impl<'a> Visitor<'a> for Uses {
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            // A declaration binds nothing.
            Stmt::AnnAssign(assign) if assign.value.is_none() && assign.target.is_name_expr() => {}
            Stmt::ImportFrom(import) => import.names.iter().for_each(|alias| self.word(alias.name.as_str())),
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => {
                match &*call.func {
                    Expr::Name(name) => self.word(name.id.as_str()),
                    other => self.visit_expr(other),
                }
                self.visit_arguments(&call.arguments);
            }
            Expr::Name(name) => {
                self.word(name.id.as_str());
                let names = if name.ctx == ExprContext::Load { &mut self.values } else { &mut self.bound };
                names.insert(name.id.as_str().to_owned());
            }
            Expr::Attribute(attribute) => {
                self.word(attribute.attr.as_str());
                visitor::walk_expr(self, expr);
            }
            // `getattr(tool, "__doc__")`
            Expr::StringLiteral(literal) => self.word(literal.value.to_str()),
            _ => visitor::walk_expr(self, expr),
        }
    }
}

/// What becomes of the hints of variables.
#[derive(Clone, Copy, PartialEq)]
enum Fields {
    /// They go: nobody reads them.
    Assignments,
    /// That there is one counts, and what kind of field it says.
    Marks,
    /// They stay.
    Hints,
}

/// Rewrites one function or class in place.
struct Normal<'a> {
    imports: &'a Imports,
    uses: &'a Uses,
    /// Of variables annotated in the block at hand.
    fields: Fields,
    inside: bool,
}

impl Normal<'_> {
    fn blind(&self, decorator: &Decorator) -> bool {
        is_blind(&decorator.expression, self.imports)
    }

    /// Drops statements that do nothing. `doc`: the docstring stays.
    fn tidy(&self, body: &mut Suite, doc: bool) {
        let mut first = doc;
        body.retain(|stmt| {
            let keep = match stmt {
                Stmt::Pass(_) => false,
                Stmt::Expr(expr) if first && expr.value.is_string_literal_expr() => true,
                Stmt::Expr(expr) => !expr.value.is_literal_expr(),
                // A declaration alone makes a name local; beside an assignment it does nothing.
                Stmt::AnnAssign(assign) if assign.value.is_none() && self.fields == Fields::Assignments => {
                    !matches!(&*assign.target, Expr::Name(name) if self.uses.bound.contains(name.id.as_str()))
                }
                _ => true,
            };
            first = false;
            keep
        });
    }

    fn function(&self, func: &mut StmtFunctionDef, doc: bool, hints: bool) {
        let inner = Normal { fields: Fields::Assignments, ..*self };
        self.decorators(&mut func.decorator_list);
        inner.tidy(&mut func.body, doc);
        if !hints {
            func.returns = None;
            let parameters = &mut *func.parameters;
            let plain = parameters.posonlyargs.iter_mut().chain(&mut parameters.args);
            for parameter in plain.chain(&mut parameters.kwonlyargs) {
                parameter.parameter.annotation = None;
            }
            for star in [&mut parameters.vararg, &mut parameters.kwarg].into_iter().flatten() {
                star.annotation = None;
            }
            let used = func.type_params.as_ref().is_some_and(|params| {
                params.iter().any(|param| self.uses.values.contains(param.name().as_str()))
            });
            if !used {
                func.type_params = None;
            }
        }
        for decorator in &mut func.decorator_list {
            inner.visit_expr(&mut decorator.expression);
        }
        inner.visit_parameters(&mut func.parameters);
        inner.visit_body(&mut func.body);
    }

    fn class(&self, class: &mut StmtClassDef, keep: Keep) {
        let bases =
            class.arguments.as_ref().is_some_and(|args| !args.args.is_empty() || !args.keywords.is_empty());
        let ours = |one: &Decorator| mark(&one.expression, self.imports).is_some();
        // A base class or a decorator may make fields of annotated variables.
        let fields = match bases || !class.decorator_list.iter().all(ours) {
            _ if keep.hints => Fields::Hints,
            true => Fields::Marks,
            false => Fields::Assignments,
        };
        self.decorators(&mut class.decorator_list);
        let inner = Normal { fields, ..*self };
        inner.tidy(&mut class.body, keep.docs);
        for decorator in &mut class.decorator_list {
            inner.visit_expr(&mut decorator.expression);
        }
        if let Some(arguments) = &mut class.arguments {
            inner.visit_arguments(arguments);
        }
        inner.visit_body(&mut class.body);
        // `class A():` is `class A:`
        if !bases {
            class.arguments = None;
        }
    }

    /// Ours last among those above the innermost of ours, each once, under one name, with the options
    /// that count; the others keep their order.
    fn decorators<L>(&self, list: &mut L)
    where
        L: Default + IntoIterator<Item = Decorator> + Extend<Decorator> + Deref<Target = [Decorator]>,
    {
        let Some(innermost) = list.iter().rposition(|one| mark(&one.expression, self.imports).is_some())
        else {
            return;
        };
        let (mut above, mut ours, mut below) = (Vec::new(), Vec::new(), Vec::new());
        for (at, decorator) in std::mem::take(list).into_iter().enumerate() {
            match mark(&decorator.expression, self.imports) {
                Some(mark) => ours.push((mark, reduced(decorator, mark))),
                None if at < innermost => above.push(decorator),
                None => below.push(decorator),
            }
        }
        ours.sort_by_key(|(mark, _)| *mark);
        list.extend(above);
        list.extend(ours.into_iter().map(|(_, decorator)| decorator));
        list.extend(below);
    }
}

fn reduced(mut decorator: Decorator, mark: Mark) -> Decorator {
    let id = match mark {
        Mark::Function => "function",
        Mark::Application => "application",
        Mark::Cls => "cls",
    };
    let name = name_expr(id);
    if let Expr::Call(call) = &mut decorator.expression {
        *call.func = name;
        call.arguments.args = Box::default();
        call.arguments.keywords.retain(|keyword| match keyword.arg.as_ref().map(|arg| arg.as_str()) {
            Some("durable") => !Literal::of(&keyword.value).is_some_and(|value| value.is_true()),
            Some("version") => true,
            _ => false,
        });
        call.arguments.keywords.sort_by_key(|keyword| keyword.arg.as_ref().map(|arg| arg.id.clone()));
    } else {
        decorator.expression = name;
    }
    decorator
}

impl Transformer for Normal<'_> {
    fn visit_stmt(&self, stmt: &mut Stmt) {
        match stmt {
            Stmt::FunctionDef(func) => {
                let read = self.inside
                    && (self.uses.reads
                        || self.uses.values.contains(func.name.as_str())
                        || func.decorator_list.iter().any(|decorator| !self.blind(decorator)));
                return self.function(func, read, read);
            }
            Stmt::ClassDef(class) => {
                let bases = class.arguments.as_ref().is_some_and(|args| !args.args.is_empty());
                let read = self.inside
                    && (self.uses.reads || bases || class.decorator_list.iter().any(|one| !self.blind(one)));
                return self.class(class, Keep { docs: read, hints: read, inside: self.inside });
            }
            Stmt::AnnAssign(assign) if self.fields != Fields::Hints => match assign.value.take() {
                Some(value) if self.fields == Fields::Assignments => {
                    *stmt = Stmt::Assign(StmtAssign {
                        node_index: AtomicNodeIndex::NONE,
                        range: assign.range,
                        targets: vec![(*assign.target).clone()],
                        value,
                    });
                }
                value => {
                    assign.value = value;
                    *assign.annotation = field_mark(&assign.annotation);
                }
            },
            Stmt::If(branch) => {
                self.tidy(&mut branch.body, false);
                branch.elif_else_clauses.iter_mut().for_each(|clause| self.tidy(&mut clause.body, false));
            }
            Stmt::For(each) => {
                self.tidy(&mut each.body, false);
                self.tidy(&mut each.orelse, false);
            }
            Stmt::While(each) => {
                self.tidy(&mut each.body, false);
                self.tidy(&mut each.orelse, false);
            }
            Stmt::With(with) => self.tidy(&mut with.body, false),
            Stmt::Try(attempt) => {
                for handler in &mut attempt.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    self.tidy(&mut handler.body, false);
                }
                self.tidy(&mut attempt.body, false);
                self.tidy(&mut attempt.orelse, false);
                self.tidy(&mut attempt.finalbody, false);
            }
            Stmt::Match(choice) => choice.cases.iter_mut().for_each(|case| self.tidy(&mut case.body, false)),
            _ => {}
        }
        transformer::walk_stmt(self, stmt);
        if let Stmt::If(branch) = stmt {
            flatten(&mut branch.elif_else_clauses);
        }
    }
}

/// What `dataclass` looks at in a hint.
fn field_mark(hint: &Expr) -> Expr {
    const MARKS: [&str; 3] = ["ClassVar", "InitVar", "KW_ONLY"];
    let mut names = Mentions::default();
    names.visit_expr(hint);
    match MARKS.iter().find(|mark| names.0.iter().any(|name| name.contains(*mark))) {
        Some(mark) => name_expr(mark),
        None => Expr::EllipsisLiteral(ExprEllipsisLiteral {
            node_index: AtomicNodeIndex::NONE,
            range: TextRange::default(),
        }),
    }
}

fn name_expr(id: &'static str) -> Expr {
    Expr::Name(ExprName {
        node_index: AtomicNodeIndex::NONE,
        range: TextRange::default(),
        id: Name::new_static(id),
        ctx: ExprContext::Load,
    })
}

/// Names, attributes and strings of an expression.
#[derive(Default)]
struct Mentions(Vec<String>);

impl<'a> Visitor<'a> for Mentions {
    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => self.0.push(name.id.to_string()),
            Expr::Attribute(attribute) => self.0.push(attribute.attr.to_string()),
            Expr::StringLiteral(text) => self.0.push(text.value.to_str().to_owned()),
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }
}

fn flatten(clauses: &mut Vec<ElifElseClause>) {
    while let Some(last) = clauses.last_mut()
        && last.test.is_none()
    {
        if last.body.is_empty() {
            clauses.pop();
        } else if last.body.len() == 1 && last.body.first().is_some_and(Stmt::is_if_stmt) {
            let Some(Stmt::If(inner)) = last.body.pop() else {
                return;
            };
            last.test = Some(*inner.test);
            last.body = inner.body;
            clauses.extend(inner.elif_else_clauses);
        } else {
            return;
        }
    }
}
