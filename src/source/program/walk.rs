//! Tree to [`Facts`]: which names are free, and what is done with them.
//!
//! Invariant: whatever is not understood adds something (an attribute name, a computed name), never removes.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    Arguments, ExceptHandler, Expr, ExprCall, ExprContext, Keyword, Parameters, Stmt, StmtClassDef,
    StmtFunctionDef,
};
use ruff_text_size::Ranged;

use super::facts::{
    Aliases, Arg, Called, Chain, Change, Changed, Dynamic, Facts, How, Mutation, Root, Target, Use, dotted,
};
use super::known::{self, Reader};
use super::pattern::Pattern;
use super::scope::{Local, Names, imported};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Function,
    Class,
    Comprehension,
}

struct Scope<'a> {
    kind: Kind,
    names: Names<'a>,
}

/// Where a chain of attributes begins, as the text at hand sees it.
enum Start {
    /// Several when branches import several.
    Roots(Vec<Root>),
    Param(usize),
    Local,
}

pub(super) struct Walker<'a> {
    aliases: &'a Aliases,
    scopes: Vec<Scope<'a>>,
    out: Facts,
    /// Functions around the place at hand that run later than the item's own code.
    later: usize,
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

fn skip_doc(body: &[Stmt]) -> &[Stmt] {
    match body {
        [Stmt::Expr(first), rest @ ..] if first.value.is_string_literal_expr() => rest,
        _ => body,
    }
}

impl<'a> Walker<'a> {
    fn new(aliases: &'a Aliases) -> Self {
        Walker { aliases, scopes: Vec::new(), out: Facts::default(), later: 0 }
    }

    fn finish(mut self) -> Facts {
        self.out.sort();
        self.out
    }

    fn decorators(&mut self, list: impl Iterator<Item = &'a Expr>, ours: &dyn Fn(&Expr) -> bool) {
        for expr in list.filter(|expr| !ours(expr)) {
            // `@registry.add`: called for what it does to `registry`.
            let target = match expr {
                Expr::Call(call) => {
                    self.visit_arguments(&call.arguments);
                    self.called(&call.func, Some(&call.arguments), true);
                    &*call.func
                }
                other => {
                    self.called(other, None, true);
                    other
                }
            };
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

    fn defaults(&mut self, parameters: &'a Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = &parameter.default {
                self.visit_expr(default);
            }
        }
    }

    fn signature(&mut self, func: &'a StmtFunctionDef) {
        let hints = func.parameters.iter().filter_map(|parameter| parameter.annotation());
        for hint in hints.chain(func.returns.as_deref()) {
            self.hint(hint);
        }
    }

    fn hint(&mut self, hint: &'a Expr) {
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
    fn member(&mut self, stmt: &'a Stmt, ours: &dyn Fn(&Expr) -> bool) {
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
    fn function(&mut self, func: &'a StmtFunctionDef) {
        let names = Names::of_function(Some(&func.parameters), &func.body);
        self.scopes.push(Scope { kind: Kind::Function, names });
        self.later += 1;
        self.visit_body(skip_doc(&func.body));
        self.later -= 1;
        self.scopes.pop();
    }

    // Names

    fn find(&self, name: &str) -> Option<(usize, &Local<'a>)> {
        let innermost = self.scopes.len().saturating_sub(1);
        for (at, scope) in self.scopes.iter().enumerate().rev() {
            if scope.kind == Kind::Class && at != innermost {
                continue;
            }
            if scope.names.globals.contains(name) {
                return None;
            }
            if let Some(local) = scope.names.locals.get(name) {
                return Some((at, local));
            }
        }
        None
    }

    fn start(&self, name: &str) -> Start {
        match self.find(name) {
            None => Start::Roots(vec![Root::name(name)]),
            Some((_, Local::Imports(roots))) => Start::Roots(roots.clone()),
            Some((0, Local::Param(at))) => Start::Param(*at),
            Some(_) => Start::Local,
        }
    }

    /// The chain of attributes that an expression is.
    fn chain(&self, expr: &Expr) -> Option<(Start, Vec<Box<str>>)> {
        match expr {
            Expr::Name(name) => Some((self.start(name.id.as_str()), Vec::new())),
            Expr::Attribute(attribute) => {
                let (start, mut attrs) = self.chain(&attribute.value)?;
                attrs.push(attribute.attr.as_str().into());
                Some((start, attrs))
            }
            Expr::Call(call) => {
                let first = call.arguments.args.first()?;
                match self.external(&call.func)?.as_str() {
                    "getattr" => {
                        let name = self.pattern(call.arguments.args.get(1)?);
                        let (start, mut attrs) = self.chain(first)?;
                        attrs.push(name.name()?.into());
                        Some((start, attrs))
                    }
                    "importlib.import_module" | "__import__" => {
                        let found = self.pattern(first);
                        let (level, module) = known::relative(found.name()?);
                        Some((Start::Roots(vec![Root::module(level, module)]), Vec::new()))
                    }
                    _ => None,
                }
            }
            Expr::Subscript(item) if self.external(&item.value).as_deref() == Some("sys.modules") => {
                match &*item.slice {
                    Expr::Name(name) if name.id.as_str() == "__name__" => {
                        Some((Start::Roots(vec![Root::This]), Vec::new()))
                    }
                    Expr::StringLiteral(text) => {
                        let root = Root::module(0, text.value.to_str());
                        Some((Start::Roots(vec![root]), Vec::new()))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The dotted path outside the project that an expression means by its imports.
    fn external(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => match self.start(name.id.as_str()) {
                Start::Roots(roots) => match roots.first()? {
                    Root::Name(name) => self.aliases.path(name),
                    root => dotted(root),
                },
                _ => None,
            },
            Expr::Attribute(attribute) => {
                Some(format!("{}.{}", self.external(&attribute.value)?, attribute.attr.as_str()))
            }
            _ => None,
        }
    }

    fn pattern(&self, expr: &'_ Expr) -> Pattern {
        // The value of a local variable that is assigned once.
        let look = |name: &str| match self.find(name) {
            Some((_, Local::Value(value))) => Some(*value),
            _ => None,
        };
        // `look` gives expressions of the same tree; lifetimes are narrowed to that of the walk.
        Pattern::of(expr, &look)
    }

    fn uses(&mut self, roots: Vec<Root>, attrs: Vec<Box<str>>, how: How) {
        for root in roots {
            if matches!(root, Root::Import { .. }) {
                self.out.loads.push(root.clone());
            }
            if matches!(&root, Root::Name(name) if known::is_identity(name)) {
                self.out.identity = true;
            }
            self.out.uses.push(Use { chain: Chain { root, attrs: attrs.clone() }, how });
        }
    }

    fn opaque(&mut self, at: impl Ranged, reason: &'static str) {
        self.out.opaque.push((at.start().to_usize(), reason));
    }

    // Expressions

    fn attribute(&mut self, expr: &'a Expr, how: How) {
        let Expr::Attribute(attribute) = expr else { return };
        let name = attribute.attr.as_str();
        if let Some(reader) = Reader::of_attribute(name) {
            return self.read(&attribute.value, reader);
        }
        if name == "__subclasses__" {
            self.out.reads.subclasses = true;
        }
        if name == "__dict__" && attribute.ctx == ExprContext::Load {
            return self.dynamic(&attribute.value, Pattern::default(), expr, "`__dict__` is read");
        }
        match self.chain(expr) {
            Some((Start::Roots(roots), attrs)) => self.uses(roots, attrs, how),
            _ => {
                if attribute.ctx == ExprContext::Load {
                    self.out.attrs.insert(name.into());
                }
                self.visit_expr(&attribute.value);
            }
        }
    }

    /// Something of an object's definition is read.
    fn read(&mut self, expr: &'a Expr, reader: Reader) {
        if let Some((Start::Roots(roots), attrs)) = self.chain(expr) {
            for how in reader.how() {
                self.uses(roots.clone(), attrs.clone(), *how);
            }
            return;
        }
        self.out.reads |= reader.of_some();
        self.visit_expr(expr);
    }

    /// A name of an object is computed.
    fn dynamic(&mut self, of: &'a Expr, pattern: Pattern, at: impl Ranged, reason: &'static str) {
        let at = at.start().to_usize();
        match self.chain(of) {
            Some((Start::Roots(roots), attrs)) => {
                for root in roots {
                    let target = Target::Of(Chain { root, attrs: attrs.clone() });
                    self.out.dynamic.push(Dynamic { target, pattern: pattern.clone(), at, reason });
                }
                self.visit_expr(of);
            }
            _ => {
                self.out.dynamic.push(Dynamic { target: Target::Some, pattern, at, reason });
                self.visit_expr(of);
            }
        }
    }

    fn this(&mut self, pattern: Pattern, at: impl Ranged, reason: &'static str) {
        let chain = Chain { root: Root::This, attrs: Vec::new() };
        let at = at.start().to_usize();
        self.out.dynamic.push(Dynamic { target: Target::Of(chain), pattern, at, reason });
    }

    fn call(&mut self, call: &'a ExprCall, statement: bool) {
        let path = self.external(&call.func);
        if let Some(path) = path.as_deref()
            && self.special(call, path)
        {
            return;
        }
        self.called(&call.func, Some(&call.arguments), statement);
        // `globals().get("f")`
        if let Expr::Attribute(method) = &*call.func
            && matches!(method.attr.as_str(), "get" | "pop" | "__getitem__")
            && let Some(name) = call.arguments.args.first()
            && self.namespace(&method.value, Some(name))
        {
            return self.visit_arguments(&call.arguments);
        }
        match self.chain(&call.func) {
            Some((Start::Roots(roots), attrs)) => {
                let method = statement && !attrs.is_empty();
                if attrs.last().is_some_and(|last| &**last == "__subclasses__") {
                    self.out.reads.subclasses = true;
                }
                if method {
                    self.change(&call.func, Mutation::Method);
                }
                self.uses(roots, attrs, if method { How::Change } else { How::Call });
            }
            _ => {
                if statement {
                    self.change(&call.func, Mutation::Method);
                }
                self.visit_expr(&call.func);
            }
        }
        self.visit_arguments(&call.arguments);
    }

    /// Calls that are understood by what they are. True: nothing is left to do.
    fn special(&mut self, call: &'a ExprCall, path: &str) -> bool {
        let args = &call.arguments.args;
        if let Some(reader) = Reader::of_function(path)
            && let Some(first) =
                args.first().or_else(|| call.arguments.keywords.first().map(|one| &one.value))
        {
            self.read(first, reader);
            args.iter().skip(1).for_each(|arg| self.visit_expr(arg));
            self.uses_of(&call.func, How::Call);
            return true;
        }
        match (path, args.first()) {
            ("getattr" | "hasattr", Some(of)) if args.len() > 1 => {
                let Some(name) = args.get(1) else { return false };
                let pattern = self.pattern(name);
                match pattern.name() {
                    Some(literal) => {
                        if let Some(reader) = Reader::of_attribute(literal) {
                            self.read(of, reader);
                        } else if let Some((Start::Roots(roots), mut attrs)) = self.chain(of) {
                            attrs.push(literal.into());
                            self.uses(roots, attrs, How::Value);
                        } else {
                            self.out.attrs.insert(literal.into());
                            self.visit_expr(of);
                        }
                    }
                    None => {
                        self.visit_expr(name);
                        self.dynamic(of, pattern, call, "an attribute is looked up by a computed name");
                    }
                }
                args.iter().skip(2).for_each(|arg| self.visit_expr(arg));
                true
            }
            ("setattr" | "delattr", Some(of)) if args.len() > 1 => {
                let name = args.get(1).map(|name| self.pattern(name)).unwrap_or_default();
                match name.name() {
                    Some(name) => self.changed(of, Some(name), Mutation::Bind),
                    None => self.changed(of, None, Mutation::BindSome),
                }
                self.uses_of(of, How::Change);
                args.iter().skip(1).for_each(|arg| self.visit_expr(arg));
                true
            }
            ("importlib.import_module" | "__import__", Some(name)) => {
                let pattern = self.pattern(name);
                match pattern.name() {
                    Some(literal) => {
                        let (level, module) = known::relative(literal);
                        self.uses(vec![Root::module(level, module)], Vec::new(), How::Value);
                    }
                    None => {
                        let reason = "a module is imported by a computed name";
                        let at = call.start().to_usize();
                        self.out.dynamic.push(Dynamic { target: Target::Modules, pattern, at, reason });
                        args.iter().for_each(|arg| self.visit_expr(arg));
                    }
                }
                true
            }
            ("vars" | "dir" | "inspect.getmembers" | "importlib.reload", Some(of)) => {
                self.dynamic(of, Pattern::default(), call, "all names of an object are listed");
                args.iter().skip(1).for_each(|arg| self.visit_expr(arg));
                true
            }
            ("globals", None) => {
                self.this(Pattern::default(), call, "`globals()` is handed on");
                true
            }
            ("eval" | "exec" | "compile", _) => {
                let reason = match path {
                    "eval" => "eval",
                    "exec" => "exec",
                    _ => "compile",
                };
                self.opaque(call, reason);
                self.out.anything = true;
                false
            }
            ("pickle.loads" | "pickle.load" | "marshal.loads" | "ctypes.CDLL", _) => {
                self.opaque(call, if path.starts_with("ctypes") { "ctypes" } else { "unpickled objects" });
                false
            }
            ("os.getenv" | "os.environ.get" | "os.environ.setdefault" | "os.environ.pop", Some(name)) => {
                if let Some(name) = self.pattern(name).name() {
                    self.out.env.insert(name.into());
                }
                false
            }
            ("operator.attrgetter" | "operator.methodcaller", Some(name)) => {
                let pattern = self.pattern(name);
                if pattern.name().is_none() {
                    let reason = "an attribute is looked up by a computed name";
                    let at = call.start().to_usize();
                    self.out.dynamic.push(Dynamic { target: Target::Some, pattern, at, reason });
                }
                false
            }
            _ => false,
        }
    }

    fn uses_of(&mut self, expr: &'a Expr, how: How) {
        match self.chain(expr) {
            Some((Start::Roots(roots), attrs)) => self.uses(roots, attrs, how),
            _ => self.visit_expr(expr),
        }
    }

    /// `globals()`, `vars(module)`, `module.__dict__`, looked up by a name. True when it is one of these.
    fn namespace(&mut self, expr: &'a Expr, name: Option<&'a Expr>) -> bool {
        let pattern = name.map(|name| self.pattern(name)).unwrap_or_default();
        let reason = "a name of a module is computed";
        match expr {
            Expr::Call(call) if call.arguments.is_empty() => {
                match self.external(&call.func).as_deref() {
                    Some("globals") => {}
                    Some("vars" | "locals") if self.scopes.is_empty() => {}
                    _ => return false,
                }
                match pattern.name() {
                    Some(literal) => self.uses(vec![Root::name(literal)], Vec::new(), How::Value),
                    None => self.this(pattern, call, reason),
                }
                true
            }
            Expr::Call(call) if self.external(&call.func).as_deref() == Some("vars") => {
                let Some(of) = call.arguments.args.first() else { return false };
                self.named(of, pattern, expr, reason);
                true
            }
            Expr::Attribute(attribute) if attribute.attr.as_str() == "__dict__" => {
                self.named(&attribute.value, pattern, expr, reason);
                true
            }
            _ => false,
        }
    }

    fn named(&mut self, of: &'a Expr, pattern: Pattern, at: &Expr, reason: &'static str) {
        match (pattern.name(), self.chain(of)) {
            (Some(name), Some((Start::Roots(roots), mut attrs))) => {
                attrs.push(name.into());
                self.uses(roots, attrs, How::Value);
            }
            (Some(name), _) => {
                self.out.attrs.insert(name.into());
                self.visit_expr(of);
            }
            _ => self.dynamic(of, pattern, at, reason),
        }
    }

    // Effects

    fn called(&mut self, callee: &Expr, arguments: Option<&Arguments>, statement: bool) {
        let Some((Start::Roots(roots), attrs)) = self.chain(callee) else { return };
        let positional = arguments.into_iter().flat_map(|arguments| arguments.args.iter());
        let args: Vec<Arg> = positional.map(|arg| self.arg(arg)).collect();
        for root in roots {
            let callee = Chain { root, attrs: attrs.clone() };
            self.out.calls.push(Called { callee, args: args.clone(), statement, now: self.later == 0 });
        }
    }

    fn arg(&self, expr: &Expr) -> Arg {
        match self.chain(expr) {
            Some((Start::Roots(mut roots), attrs)) if roots.len() == 1 => match roots.pop() {
                Some(root) => Arg::Of(Chain { root, attrs }),
                None => Arg::Other,
            },
            Some((Start::Param(at), _)) => Arg::Param(at),
            _ => Arg::Other,
        }
    }

    /// Notes that what an expression leads to changes.
    fn change(&mut self, expr: &Expr, how: Mutation) {
        match expr {
            Expr::Attribute(_) | Expr::Name(_) => self.changed(expr, None, how),
            // `table[key].append(x)`, `make().x = 1`
            Expr::Subscript(item) => self.change(&item.value, Mutation::Inside),
            Expr::Call(call) => self.change(&call.func, Mutation::Method),
            _ => {}
        }
    }

    fn changed(&mut self, expr: &Expr, attr: Option<&str>, how: Mutation) {
        let Some((start, mut attrs)) = self.chain(expr) else {
            // Through an item or a call: the object before that changes inside.
            return match expr {
                Expr::Attribute(attribute) => self.change(&attribute.value, Mutation::Inside),
                Expr::Subscript(_) | Expr::Call(_) => self.change(expr, Mutation::Inside),
                _ => {}
            };
        };
        attrs.extend(attr.map(Box::from));
        match start {
            Start::Roots(roots) => {
                for root in roots {
                    let of = Changed::Of(Chain { root, attrs: attrs.clone() });
                    self.out.changes.push(Change { of, how });
                }
            }
            Start::Param(at) => {
                let of = Changed::Param(at, attrs.into_iter().next());
                self.out.changes.push(Change { of, how });
            }
            Start::Local => {}
        }
    }

    /// A target of an assignment.
    fn assigned(&mut self, target: &'a Expr) {
        match target {
            Expr::Name(name) => {
                let global = self.scopes.iter().any(|scope| scope.names.globals.contains(name.id.as_str()));
                if global && self.find(name.id.as_str()).is_none() {
                    self.changed(target, None, Mutation::Bind);
                }
            }
            Expr::Attribute(attribute) => {
                self.changed(target, None, Mutation::Bind);
                self.uses_of(&attribute.value, How::Change);
            }
            Expr::Subscript(item) => {
                self.visit_expr(&item.slice);
                if let Expr::Call(call) = &*item.value
                    && self.external(&call.func).as_deref() == Some("globals")
                {
                    let name = self.pattern(&item.slice);
                    let attrs: Vec<Box<str>> = name.name().map(Box::from).into_iter().collect();
                    let how = if attrs.is_empty() { Mutation::BindSome } else { Mutation::Bind };
                    let of = Changed::Of(Chain { root: Root::This, attrs });
                    return self.out.changes.push(Change { of, how });
                }
                if let Some(module) = self.namespace_of(&item.value) {
                    let name = self.pattern(&item.slice);
                    match name.name() {
                        Some(name) => self.changed(module, Some(name), Mutation::Bind),
                        None => self.changed(module, None, Mutation::BindSome),
                    }
                    return self.uses_of(module, How::Change);
                }
                self.change(&item.value, Mutation::Inside);
                self.uses_of(&item.value, How::Change);
            }
            Expr::Tuple(list) => list.elts.iter().for_each(|one| self.assigned(one)),
            Expr::List(list) => list.elts.iter().for_each(|one| self.assigned(one)),
            Expr::Starred(one) => self.assigned(&one.value),
            other => self.visit_expr(other),
        }
    }

    /// `module` of `vars(module)` and `module.__dict__`.
    fn namespace_of<'b>(&self, expr: &'b Expr) -> Option<&'b Expr> {
        match expr {
            Expr::Attribute(attribute) if attribute.attr.as_str() == "__dict__" => Some(&attribute.value),
            Expr::Call(call) if self.external(&call.func).as_deref() == Some("vars") => {
                call.arguments.args.first()
            }
            _ => None,
        }
    }

    fn comprehension(
        &mut self,
        generators: &'a [ruff_python_ast::Comprehension],
        elements: [Option<&'a Expr>; 2],
    ) {
        // The first iterable is evaluated outside.
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        let names = Names::of_targets(generators.iter().map(|one| &one.target));
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
                    let text = name.id.as_str();
                    // In a class body its own names come first; the module's serve until they are bound.
                    if self.scopes.last().is_some_and(|scope| {
                        scope.kind == Kind::Class && scope.names.locals.contains_key(text)
                    }) {
                        self.out.attrs.insert(text.into());
                        return self.uses(vec![Root::name(text)], Vec::new(), How::Value);
                    }
                    if let Start::Roots(roots) = self.start(text) {
                        self.uses(roots, Vec::new(), How::Value);
                    }
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
                if self.namespace(&item.value, Some(&item.slice)) {
                    return self.visit_expr(&item.slice);
                }
                match self.external(&item.value).as_deref() {
                    Some("os.environ") => {
                        if let Some(name) = self.pattern(&item.slice).name() {
                            self.out.env.insert(name.into());
                        }
                    }
                    Some("sys.modules") => {
                        if let Some((Start::Roots(roots), attrs)) = self.chain(expr) {
                            return self.uses(roots, attrs, How::Value);
                        }
                        self.opaque(expr, "a module is looked up by a computed name");
                    }
                    _ => {}
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
