//! What one definition or statement refers to: the facts from which closures are computed.
//!
//! Facts know one text only. What a name means in the project is found out by `resolve` and `reach`.

use std::collections::{BTreeSet, HashMap};

use ruff_python_ast::Expr;

use super::pattern::Pattern;

/// Where a chain of attributes begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Root {
    /// A name of the module, or a builtin.
    Name(Box<str>),
    /// A module that is imported on the spot; with a name, what the module calls so.
    Import { level: u32, module: Box<str>, item: Option<Box<str>> },
    /// The module itself (`sys.modules[__name__]`, `globals()`).
    This,
}

impl Root {
    pub(super) fn module(level: u32, dotted: &str) -> Self {
        Root::Import { level, module: dotted.into(), item: None }
    }

    pub(super) fn item(level: u32, module: &str, name: &str) -> Self {
        Root::Import { level, module: module.into(), item: Some(name.into()) }
    }

    pub(super) fn name(name: &str) -> Self {
        Root::Name(name.into())
    }
}

/// `root.a.b`
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Chain {
    pub(super) root: Root,
    pub(super) attrs: Vec<Box<str>>,
}

impl Chain {
    /// What an expression names, called or not; with `subscripts` also what it takes an item of (`Generic[T]`).
    pub(super) fn of(expr: &Expr, subscripts: bool) -> Option<Chain> {
        match expr {
            Expr::Name(name) => Some(Chain { root: Root::name(name.id.as_str()), attrs: Vec::new() }),
            Expr::Attribute(attribute) => {
                let mut chain = Chain::of(&attribute.value, subscripts)?;
                chain.attrs.push(attribute.attr.as_str().into());
                Some(chain)
            }
            Expr::Subscript(item) if subscripts => Chain::of(&item.value, subscripts),
            Expr::Call(call) => Chain::of(&call.func, subscripts),
            _ => None,
        }
    }
}

/// What is done with what a chain leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum How {
    /// Handed on, compared, iterated.
    Value,
    /// Handed to a function of Python itself, which looks at nothing but what it calls.
    Given,
    Call,
    /// Changed in place, the result not looked at.
    Change,
    /// Its docstring is read.
    Doc,
    /// Its parameters, defaults and hints are read.
    Signature,
    /// Its text is read.
    Source,
    /// Its name is read.
    Name,
    /// Whether an import finds it.
    Found,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) chain: Chain,
    pub(super) how: How,
}

/// A name that is computed, of a known object or of some object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dynamic {
    pub(super) target: Target,
    pub(super) pattern: Pattern,
    /// Where, in bytes.
    pub(super) at: usize,
    pub(super) reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Of(Chain),
    Some,
    /// The name is a module's.
    Modules,
}

/// What is changed in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) of: Changed,
    pub(super) how: Mutation,
    /// With [`Mutation::BindSome`]: which attributes.
    pub(super) names: Pattern,
}

impl Change {
    pub(super) fn new(of: Changed, how: Mutation) -> Self {
        Change { of, how, names: Pattern::default() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Changed {
    Of(Chain),
    /// A parameter of the function, by position, and the attribute of it.
    Param(usize, Option<Box<str>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutation {
    /// The last attribute (or the name itself) gets another value.
    Bind,
    /// Some attribute, or all.
    BindSome,
    /// The object changes: an item, a method that is called for its effect.
    Inside,
    /// A method is called for its effect: the last attribute.
    Method,
    /// What a method gave changes, and so perhaps what it belongs to: `decimal.getcontext().prec = 5`.
    Given,
}

/// A call: for its effects on what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Called {
    pub(super) callee: Chain,
    pub(super) args: Vec<Arg>,
    pub(super) keywords: Vec<(Box<str>, Arg)>,
    /// The result is not looked at.
    pub(super) statement: bool,
    /// It is a decorator.
    pub(super) applied: bool,
    /// It runs when the statement does, not when a function made by it is called.
    pub(super) now: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arg {
    Of(Chain),
    Param(usize),
    Other,
}

/// What is read of objects that the text does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reads {
    pub(super) doc: bool,
    pub(super) signature: bool,
    pub(super) source: bool,
    pub(super) subclasses: bool,
}

impl std::ops::BitOrAssign for Reads {
    fn bitor_assign(&mut self, other: Self) {
        self.doc |= other.doc;
        self.signature |= other.signature;
        self.source |= other.source;
        self.subclasses |= other.subclasses;
    }
}

/// What a definition or a statement refers to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    /// Sorted, each once.
    pub(super) uses: Vec<Use>,
    /// Of hints: they count only where hints are read.
    pub(super) hints: Vec<Use>,
    /// Attributes of objects that the text does not name, and of what leads nowhere.
    pub(super) attrs: BTreeSet<Box<str>>,
    /// Attributes that are assigned: a property or a descriptor runs.
    pub(super) stores: BTreeSet<Box<str>>,
    /// Strings that may be names of attributes.
    pub(super) words: BTreeSet<Box<str>>,
    pub(super) dynamic: Vec<Dynamic>,
    /// Modules imported when it runs.
    pub(super) loads: Vec<Root>,
    pub(super) changes: Vec<Change>,
    pub(super) calls: Vec<Called>,
    /// Where and why it cannot be followed.
    pub(super) opaque: Vec<(usize, &'static str)>,
    /// What cannot be followed may name anything of the module.
    pub(super) anything: bool,
    pub(super) reads: Reads,
    /// The module's own name or place is read.
    pub(super) identity: bool,
}

impl Facts {
    pub(super) fn sort(&mut self) {
        self.uses.sort();
        self.uses.dedup();
        self.hints.sort();
        self.hints.dedup();
    }

    pub(super) fn merge(&mut self, other: &Facts) {
        self.uses.extend(other.uses.iter().cloned());
        self.hints.extend(other.hints.iter().cloned());
        self.attrs.extend(other.attrs.iter().cloned());
        self.stores.extend(other.stores.iter().cloned());
        self.words.extend(other.words.iter().cloned());
        self.dynamic.extend(other.dynamic.iter().cloned());
        self.loads.extend(other.loads.iter().cloned());
        self.changes.extend(other.changes.iter().cloned());
        self.calls.extend(other.calls.iter().cloned());
        self.opaque.extend(other.opaque.iter().copied());
        self.anything |= other.anything;
        self.reads |= other.reads;
        self.identity |= other.identity;
        self.sort();
    }
}

/// What the names of a module stand for outside the project: `inspect` is `inspect`, `sig` is `inspect.signature`.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    names: HashMap<Box<str>, Option<String>>,
}

impl Aliases {
    /// A name bound by something else than an absolute import.
    pub(super) fn hide(&mut self, name: &str) {
        self.names.entry(name.into()).or_insert(None);
    }

    pub(super) fn import(&mut self, name: &str, root: &Root) {
        if let Some(path) = dotted(root) {
            self.names.insert(name.into(), Some(path));
        } else {
            self.hide(name);
        }
    }

    /// The dotted path that a global name stands for; a builtin stands for itself.
    pub(super) fn path(&self, name: &str) -> Option<String> {
        match self.names.get(name) {
            Some(path) => path.clone(),
            None => Some(name.to_owned()),
        }
    }
}

/// The absolute dotted path of an import.
pub(super) fn dotted(root: &Root) -> Option<String> {
    match root {
        Root::Import { level: 0, module, item: None } => Some(module.to_string()),
        Root::Import { level: 0, module, item: Some(item) } => Some(format!("{module}.{item}")),
        _ => None,
    }
}
