//! Chains of attributes, as one place in a tree sees them: names by Python's scopes, imports on the spot, computed names.

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::facts::{Chain, How, Root, Use, dotted};
use super::known;
use super::pattern::Pattern;
use super::scope::Local;
use super::walk::{Kind, Start, Walker};

impl<'a> Walker<'a> {
    pub(super) fn find(&self, name: &str) -> Option<(usize, &Local<'a>)> {
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

    pub(super) fn start(&self, name: &str) -> Start {
        match self.find(name) {
            None => Start::Roots(vec![Root::name(name)]),
            Some((_, Local::Imports(roots))) => Start::Roots(roots.clone()),
            Some((0, Local::Param(at))) => Start::Param(*at),
            Some(_) => Start::Local,
        }
    }

    /// The chain of attributes that an expression is.
    pub(super) fn chain(&self, expr: &Expr) -> Option<(Start, Vec<Box<str>>)> {
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
    pub(super) fn external(&self, expr: &Expr) -> Option<String> {
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

    /// What a local name may be, or be a part of.
    pub(super) fn origins(&self, expr: &Expr) -> Vec<&'a Expr> {
        let mut expr = expr;
        loop {
            match expr {
                Expr::Attribute(attribute) => expr = &attribute.value,
                Expr::Name(name) => {
                    let found = self.find(name.id.as_str()).and_then(|(at, _)| self.scopes.get(at));
                    let origins = found.and_then(|scope| scope.names.origins.get(name.id.as_str()));
                    return origins.cloned().unwrap_or_default();
                }
                _ => return Vec::new(),
            }
        }
    }

    /// An environment variable of a known name, read from `os.environ`.
    pub(super) fn variable(&mut self, of: &Expr, name: &Expr) -> bool {
        let Some((root, attrs)) = self.variable_of(of, name) else { return false };
        self.uses(vec![root], attrs, How::Value);
        true
    }

    /// The place of an environment variable: `os.environ` and its name, marked as such.
    pub(super) fn variable_of(&self, of: &Expr, name: &Expr) -> Option<(Root, Vec<Box<str>>)> {
        if self.external(of).as_deref() != Some("os.environ") {
            return None;
        }
        self.marked(of, name)
    }

    pub(super) fn marked(&self, of: &Expr, name: &Expr) -> Option<(Root, Vec<Box<str>>)> {
        let Expr::StringLiteral(text) = name else { return None };
        let Some((Start::Roots(mut roots), mut attrs)) = self.chain(of) else { return None };
        attrs.push(format!("={}", text.value.to_str().replace('.', "_")).into());
        Some((roots.pop().filter(|_| roots.is_empty())?, attrs))
    }

    pub(super) fn pattern(&self, expr: &'_ Expr) -> Pattern {
        // The value of a local variable that is assigned once.
        let look = |name: &str| match self.find(name) {
            Some((_, Local::Value(value))) => Some(*value),
            _ => None,
        };
        // `look` gives expressions of the same tree; lifetimes are narrowed to that of the walk.
        Pattern::of(expr, &look)
    }

    pub(super) fn uses(&mut self, roots: Vec<Root>, attrs: Vec<Box<str>>, how: How) {
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

    pub(super) fn opaque(&mut self, at: impl Ranged, reason: &'static str) {
        self.out.opaque.push((at.start().to_usize(), reason));
    }
}
