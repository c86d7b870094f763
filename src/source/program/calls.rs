//! Calls and look-ups that mean more than they say: `getattr`, `globals()`, `import_module`, `inspect`, `exec`.

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{Expr, ExprCall, ExprContext};
use ruff_text_size::Ranged;

use super::facts::{Chain, Change, Changed, Dynamic, How, Mutation, Root, Target, Use};
use super::known::{self, Reader};
use super::pattern::Pattern;
use super::scope::Names;
use super::walk::{Start, Walker};

impl<'a> Walker<'a> {
    pub(super) fn attribute(&mut self, expr: &'a Expr, how: How) {
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
        self.value(expr);
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
    pub(super) fn read(&mut self, expr: &'a Expr, reader: Reader) {
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
    pub(super) fn dynamic(&mut self, of: &'a Expr, pattern: Pattern, at: impl Ranged, reason: &'static str) {
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

    pub(super) fn this(&mut self, pattern: Pattern, at: impl Ranged, reason: &'static str) {
        let chain = Chain { root: Root::This, attrs: Vec::new() };
        let at = at.start().to_usize();
        self.out.dynamic.push(Dynamic { target: Target::Of(chain), pattern, at, reason });
    }

    pub(super) fn call(&mut self, call: &'a ExprCall, statement: bool) {
        let path = self.external(&call.func);
        if let Some(path) = path.as_deref()
            && self.special(call, path)
        {
            return;
        }
        self.called(&call.func, Some(&call.arguments), statement);
        if self.namespace_changed(call) {
            return self.visit_arguments(&call.arguments);
        }
        if !statement {
            // `last = QUEUE.pop()` changes the queue, whatever becomes of the result.
            match (&*call.func, path.as_deref(), call.arguments.args.first()) {
                (_, Some(path), Some(first)) if known::changes_first(path) => {
                    self.change(first, Mutation::Inside);
                }
                (Expr::Attribute(method), ..) if known::is_mutator(method.attr.as_str()) => {
                    self.change(&call.func, Mutation::Method);
                }
                _ => {}
            }
        }
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
        self.arguments(call, path.as_deref());
    }

    fn arguments(&mut self, call: &'a ExprCall, path: Option<&str>) {
        if !path.is_some_and(known::is_blind) {
            return self.visit_arguments(&call.arguments);
        }
        let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
        for arg in call.arguments.args.iter().chain(keywords) {
            match arg {
                Expr::Name(_) => self.name(arg, How::Given),
                Expr::Attribute(_) => self.attribute(arg, How::Given),
                _ => self.visit_expr(arg),
            }
        }
    }

    /// A name that is read.
    pub(super) fn name(&mut self, expr: &'a Expr, how: How) {
        let Expr::Name(name) = expr else { return };
        let text = name.id.as_str();
        // In a class body its own names come first; the module's serve until they are bound.
        if self.in_class(text) {
            self.out.attrs.insert(text.into());
            return self.uses(vec![Root::name(text)], Vec::new(), how);
        }
        self.value(expr);
        if let Start::Roots(roots) = self.start(text) {
            self.uses(roots, Vec::new(), how);
        }
    }

    /// `map(inspect.getdoc, tools)`: a reader that is handed on reads what nobody names.
    fn value(&mut self, expr: &Expr) {
        if let Some(reader) = self.external(expr).as_deref().and_then(Reader::of_function) {
            self.out.reads |= reader.of_some();
        }
    }

    /// Calls that are understood by what they are. True: nothing is left to do.
    pub(super) fn special(&mut self, call: &'a ExprCall, path: &str) -> bool {
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
            ("os.getenv" | "os.environ.get", Some(name)) => {
                let Some((root, mut attrs)) = self.marked(&call.func, name) else { return false };
                // In the place of `get`.
                if path.ends_with(".get") && attrs.len() > 1 {
                    attrs.remove(attrs.len() - 2);
                }
                self.uses(vec![root], attrs, How::Value);
                args.iter().skip(1).for_each(|arg| self.visit_expr(arg));
                true
            }
            ("os.environ.setdefault" | "os.environ.pop" | "os.putenv" | "os.unsetenv", Some(name)) => {
                let Some((root, mut attrs)) = self.marked(&call.func, name) else { return false };
                if path.starts_with("os.environ") && attrs.len() > 1 {
                    attrs.remove(attrs.len() - 2);
                }
                let of = Changed::Of(Chain { root: root.clone(), attrs: attrs.clone() });
                self.out.changes.push(Change::new(of, Mutation::Inside));
                self.uses(vec![root], attrs, How::Value);
                args.iter().skip(1).for_each(|arg| self.visit_expr(arg));
                true
            }
            ("importlib.util.find_spec" | "pkgutil.find_loader", Some(name)) => {
                let pattern = self.pattern(name);
                let Some(literal) = pattern.name() else { return false };
                let (level, module) = known::relative(literal);
                let chain = Chain { root: Root::module(level, module), attrs: Vec::new() };
                self.out.uses.push(Use { chain, how: How::Found });
                self.uses_of(&call.func, How::Call);
                true
            }
            ("exec", Some(_)) if args.len() == 1 && call.arguments.keywords.is_empty() => {
                self.executed(args.first());
                self.opaque(call, "exec");
                self.out.anything = true;
                false
            }
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
                    None => self.changed_names(of, None, Mutation::BindSome, &name),
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

    /// `exec(text)` may bind any name of the module; a text that is there to be read, what it binds.
    fn executed(&mut self, text: Option<&Expr>) {
        let mut names: Option<Vec<Box<str>>> = None;
        if let Some(Expr::StringLiteral(text)) = text {
            let parsed = crate::source::parse::parse(text.value.to_str());
            if parsed.error().is_none() {
                let bound = parsed.with_stack(|| {
                    Names::of_block(parsed.body()).locals.into_keys().map(Box::from).collect()
                });
                names = bound.map(|mut bound: Vec<Box<str>>| {
                    bound.sort_unstable();
                    bound
                });
            }
        }
        let this = |attrs: Vec<Box<str>>| Changed::Of(Chain { root: Root::This, attrs });
        match names {
            Some(names) => {
                let changes = names.into_iter().map(|name| Change::new(this(vec![name]), Mutation::Bind));
                self.out.changes.extend(changes);
            }
            None => self.out.changes.push(Change::new(this(Vec::new()), Mutation::BindSome)),
        }
    }

    pub(super) fn uses_of(&mut self, expr: &'a Expr, how: How) {
        match self.chain(expr) {
            Some((Start::Roots(roots), attrs)) => self.uses(roots, attrs, how),
            _ => self.visit_expr(expr),
        }
    }

    /// `globals()`, `vars(module)`, `module.__dict__`, looked up by a name. True when it is one of these.
    pub(super) fn namespace(&mut self, expr: &'a Expr, name: Option<&'a Expr>) -> bool {
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

    pub(super) fn named(&mut self, of: &'a Expr, pattern: Pattern, at: &Expr, reason: &'static str) {
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
}
