//! What a tree changes: assignments to attributes and items, methods called for their effect, arguments of calls.

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{Arguments, Expr, ExprCall};

use super::facts::{Arg, Called, Chain, Change, Changed, How, Mutation, Root};
use super::pattern::Pattern;
use super::walk::{Start, Walker};

/// So many local names are followed to what they were taken from.
const MAX_ORIGINS: usize = 6;

impl<'a> Walker<'a> {
    pub(super) fn called(&mut self, callee: &Expr, arguments: Option<&Arguments>, statement: bool) {
        let Some((Start::Roots(roots), attrs)) = self.chain(callee) else { return };
        let positional = arguments.into_iter().flat_map(|arguments| arguments.args.iter());
        let args: Vec<Arg> = positional.map(|arg| self.arg(arg)).collect();
        let named = arguments.into_iter().flat_map(|arguments| arguments.keywords.iter());
        let keywords: Vec<(Box<str>, Arg)> =
            named.filter_map(|one| Some((one.arg.as_ref()?.as_str().into(), self.arg(&one.value)))).collect();
        for root in roots {
            let callee = Chain { root, attrs: attrs.clone() };
            let (args, keywords) = (args.clone(), keywords.clone());
            self.out.calls.push(Called {
                callee,
                args,
                keywords,
                statement,
                applied: false,
                now: self.later == 0,
            });
        }
    }

    pub(super) fn arg(&self, expr: &Expr) -> Arg {
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
    pub(super) fn change(&mut self, expr: &Expr, how: Mutation) {
        match expr {
            Expr::Attribute(_) | Expr::Name(_) => self.changed(expr, None, how),
            // `table[key].append(x)`, `make().x = 1`
            Expr::Subscript(item) => self.change(&item.value, Mutation::Inside),
            Expr::Call(call) => self.change(&call.func, Mutation::Given),
            _ => {}
        }
    }

    pub(super) fn changed(&mut self, expr: &Expr, attr: Option<&str>, how: Mutation) {
        self.changed_names(expr, attr, how, &Pattern::default());
    }

    /// `names`: which attributes may change, when they are computed.
    pub(super) fn changed_names(&mut self, expr: &Expr, attr: Option<&str>, how: Mutation, names: &Pattern) {
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
                    self.out.changes.push(Change { of, how, names: names.clone() });
                }
            }
            Start::Param(at) => {
                let of = Changed::Param(at, attrs.into_iter().next());
                self.out.changes.push(Change { of, how, names: names.clone() });
            }
            Start::Local => self.origin_changed(expr, attr, how, names),
        }
    }

    /// A local name's object changes: what it was taken from does.
    fn origin_changed(&mut self, expr: &Expr, attr: Option<&str>, how: Mutation, names: &Pattern) {
        if self.tracing >= MAX_ORIGINS {
            return;
        }
        self.tracing += 1;
        for origin in self.origins(expr) {
            match (expr, origin) {
                // The very object under another name.
                (Expr::Name(_), Expr::Name(_) | Expr::Attribute(_)) if attr.is_some() => {
                    self.changed_names(origin, attr, how, names);
                }
                _ => self.change(origin, Mutation::Inside),
            }
        }
        self.tracing -= 1;
    }

    /// A target of an assignment.
    pub(super) fn assigned(&mut self, target: &'a Expr) {
        match target {
            Expr::Name(name) => {
                let global = self.scopes.iter().any(|scope| scope.names.globals.contains(name.id.as_str()));
                if global && self.find(name.id.as_str()).is_none() {
                    self.changed(target, None, Mutation::Bind);
                }
            }
            Expr::Attribute(attribute) => {
                self.out.stores.insert(attribute.attr.as_str().into());
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
                    return self.out.changes.push(Change { of, how, names: name });
                }
                if let Some(module) = self.namespace_of(&item.value) {
                    let name = self.pattern(&item.slice);
                    match name.name() {
                        Some(name) => self.changed(module, Some(name), Mutation::Bind),
                        None => self.changed_names(module, None, Mutation::BindSome, &name),
                    }
                    return self.uses_of(module, How::Change);
                }
                if self.external(&item.value).as_deref() == Some("sys.modules")
                    && let Expr::StringLiteral(name) = &*item.slice
                {
                    // From now on an import finds it there.
                    let root = Root::module(0, name.value.to_str());
                    let of = Changed::Of(Chain { root, attrs: Vec::new() });
                    self.out.changes.push(Change::new(of, Mutation::Inside));
                }
                match self.variable_of(&item.value, &item.slice) {
                    Some((root, attrs)) => {
                        let of = Changed::Of(Chain { root, attrs });
                        self.out.changes.push(Change::new(of, Mutation::Inside));
                    }
                    None => {
                        self.change(&item.value, Mutation::Inside);
                        self.uses_of(&item.value, How::Change);
                    }
                }
            }
            Expr::Tuple(list) => list.elts.iter().for_each(|one| self.assigned(one)),
            Expr::List(list) => list.elts.iter().for_each(|one| self.assigned(one)),
            Expr::Starred(one) => self.assigned(&one.value),
            other => self.visit_expr(other),
        }
    }

    /// `globals().update(x=1)`, `vars(module).setdefault("x", 1)`. True: it reads no name.
    pub(super) fn namespace_changed(&mut self, call: &'a ExprCall) -> bool {
        let Expr::Attribute(method) = &*call.func else { return false };
        let names: Vec<Pattern> = match (method.attr.as_str(), call.arguments.args.first()) {
            ("update", given) => {
                let keywords = call.arguments.keywords.iter().map(|one| match &one.arg {
                    Some(name) => Pattern::of_name(name.as_str()),
                    None => Pattern::default(),
                });
                let keys: Vec<Pattern> = match given {
                    Some(Expr::Dict(dict)) => dict
                        .items
                        .iter()
                        .map(|item| item.key.as_ref().map(|key| self.pattern(key)).unwrap_or_default())
                        .collect(),
                    Some(_) => vec![Pattern::default()],
                    None => Vec::new(),
                };
                keywords.chain(keys).collect()
            }
            ("setdefault" | "pop" | "__setitem__", Some(name)) => vec![self.pattern(name)],
            ("clear", None) => vec![Pattern::default()],
            _ => return false,
        };
        let this = match &*method.value {
            Expr::Call(of) => {
                of.arguments.is_empty()
                    && match self.external(&of.func).as_deref() {
                        Some("globals") => true,
                        Some("vars" | "locals") => self.scopes.is_empty(),
                        _ => false,
                    }
            }
            _ => false,
        };
        let module = self.namespace_of(&method.value);
        for name in names {
            let how = if name.name().is_some() { Mutation::Bind } else { Mutation::BindSome };
            let attrs: Vec<Box<str>> = name.name().map(Box::from).into_iter().collect();
            if this {
                let of = Changed::Of(Chain { root: Root::This, attrs });
                self.out.changes.push(Change { of, how, names: name });
            } else if let Some(module) = module {
                self.changed_names(module, attrs.first().map(|name| &**name), how, &name);
            }
        }
        let written = matches!(method.attr.as_str(), "update" | "clear" | "__setitem__");
        if let Some(module) = module.filter(|_| written) {
            self.uses_of(module, How::Change);
        }
        written && (this || module.is_some())
    }

    /// `module` of `vars(module)` and `module.__dict__`.
    pub(super) fn namespace_of<'b>(&self, expr: &'b Expr) -> Option<&'b Expr> {
        match expr {
            Expr::Attribute(attribute) if attribute.attr.as_str() == "__dict__" => Some(&attribute.value),
            Expr::Call(call) if self.external(&call.func).as_deref() == Some("vars") => {
                call.arguments.args.first()
            }
            _ => None,
        }
    }
}
