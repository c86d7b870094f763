//! A random Python program as data: what its definitions are and how they use each other.
//!
//! Invariants: an item uses earlier items only, so every program ends; every number, operator and switch of the
//! program is reached by [`Program::sites`], so that edits and shrinking need to know nothing else.

/// Numbers that repeat: the same seed gives the same program, on any machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x51_7C_C1_B7)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0..n
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Once in n.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A literal: how it is written is part of its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Num {
    Int(i64),
    Float(i64),
    /// Stays an integer of 1..=4: a count, an index.
    Count(i64),
}

impl Num {
    pub fn whole(self) -> i64 {
        match self {
            Num::Int(n) | Num::Float(n) | Num::Count(n) => n,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    Add,
    Sub,
    Mul,
}

/// An expression of one variable.
#[derive(Clone, Debug)]
pub enum Expr {
    X,
    Num(Num),
    Bin(Op, Box<Expr>, Box<Expr>),
    /// What an item makes of a value.
    Use(usize, Box<Expr>),
    /// `a if x < n else b`
    If(Num, Box<Expr>, Box<Expr>),
    /// `sum(e for v in range(n))`
    Sum(Num, Box<Expr>),
    /// `len(f"{e}...")`, with n characters more.
    Text(Num, Box<Expr>),
    Max(Box<Expr>, Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClassKind {
    Plain,
    Property,
    Callable,
    Static,
    ClassMethod,
    Dataclass,
    NamedTuple,
    Metaclass,
    Descriptor,
    Hook,
}

/// What an item is.
#[derive(Clone, Debug)]
pub enum Kind {
    Constant(Num),
    Derived(Expr),
    Rebound(Num, Num, bool),
    Looped(Num, Num),
    Words(Num),
    Table(Num, Num, bool),
    /// The default of its second parameter, a guard that returns early, the result.
    Helper(Num, Option<(Num, Expr)>, Expr),
    Lambda(Expr),
    Closure(Num, Expr),
    /// Of a helper.
    Partial(usize, Num),
    /// Of two lambdas, or a lambda and a callable item.
    Dispatch(Expr, Expr, Option<usize>),
    /// Base, attribute, `go`, whether it overrides its base's `go`, a method nobody calls.
    Class(ClassKind, Option<usize>, Num, Expr, bool),
    /// Of a class.
    Instance(usize, Num),
    Enumeration(Num, Num),
    /// Whether it takes an argument.
    Decorator(bool, Num),
    /// Decorator, its argument, whether it is there, the result.
    Decorated(usize, Num, bool, Expr),
    Generator(Num, Expr),
    Cached(Expr),
    Single(Expr, Expr, bool),
    Context(Num, Num, Expr),
    Registry,
    /// Of a registry: two functions, which of them comes first, whether the second is there.
    Registered(usize, Expr, Expr, bool, bool),
    /// Of a helper of an earlier module: whether it is applied, what it is then.
    Patch(usize, bool, Expr),
    Dynamic(Expr, Expr),
    Conditional(Num, Expr, Expr),
    Matched(Num, Expr, Expr),
    Caught(Expr, Expr),
    Sorted(usize),
    /// Of a helper: how long its docstring is.
    DocRead(usize),
    /// A fast module that may be there, and the fallback.
    Fallback(bool, Expr, Expr),
    /// A file read at import, or when it is called.
    File(Num, bool),
    /// The names in a folder.
    Listing(Num),
}

#[derive(Clone, Debug)]
pub struct Item {
    pub module: usize,
    pub kind: Kind,
    /// A docstring of its own, that something may read.
    pub doc: Num,
}

/// A `@function`: what it computes before it calls others, whom it calls, what it makes of their results.
#[derive(Clone, Debug)]
pub struct Function {
    pub module: usize,
    pub first: Expr,
    pub calls: Vec<usize>,
    pub mapped: bool,
    pub last: Expr,
}

#[derive(Clone, Debug)]
pub struct Program {
    /// The package of each module, when it is in one. Modules of a package are neighbours.
    pub packages: Vec<Option<usize>>,
    pub items: Vec<Item>,
    pub functions: Vec<Function>,
    pub inputs: Vec<i64>,
    /// Decides how names are imported.
    pub styles: u64,
    /// Written without what nothing reaches.
    pub trimmed: bool,
}

/// A place that an edit can change.
pub enum Site<'a> {
    Num(&'a mut Num),
    Op(&'a mut Op),
    Switch(&'a mut bool),
    /// A whole expression: shrinking replaces it by less.
    Expr(&'a mut Expr),
}

impl Expr {
    fn sites<'a>(&'a mut self, see: &mut dyn FnMut(Site<'_>)) {
        see(Site::Expr(self));
        match self {
            Expr::X => {}
            Expr::Num(n) => see(Site::Num(n)),
            Expr::Bin(op, a, b) => {
                see(Site::Op(op));
                a.sites(see);
                b.sites(see);
            }
            Expr::Use(_, a) => a.sites(see),
            Expr::If(n, a, b) => {
                see(Site::Num(n));
                a.sites(see);
                b.sites(see);
            }
            Expr::Sum(n, a) | Expr::Text(n, a) => {
                see(Site::Num(n));
                a.sites(see);
            }
            Expr::Max(a, b) => {
                a.sites(see);
                b.sites(see);
            }
        }
    }

    fn uses(&self, out: &mut Vec<usize>) {
        match self {
            Expr::X | Expr::Num(_) => {}
            Expr::Use(item, a) => {
                out.push(*item);
                a.uses(out);
            }
            Expr::Sum(_, a) | Expr::Text(_, a) => a.uses(out),
            Expr::Bin(_, a, b) | Expr::If(_, a, b) | Expr::Max(a, b) => {
                a.uses(out);
                b.uses(out);
            }
        }
    }
}

impl Kind {
    fn sites(&mut self, see: &mut dyn FnMut(Site<'_>)) {
        match self {
            Kind::Constant(n) | Kind::Words(n) | Kind::Listing(n) => see(Site::Num(n)),
            Kind::Derived(e) | Kind::Lambda(e) | Kind::Cached(e) => e.sites(see),
            Kind::Rebound(a, b, s) | Kind::Table(a, b, s) => {
                see(Site::Num(a));
                see(Site::Num(b));
                see(Site::Switch(s));
            }
            Kind::Looped(a, b) | Kind::Enumeration(a, b) => {
                see(Site::Num(a));
                see(Site::Num(b));
            }
            Kind::Helper(n, guard, e) => {
                see(Site::Num(n));
                if let Some((n, e)) = guard {
                    see(Site::Num(n));
                    e.sites(see);
                }
                e.sites(see);
            }
            Kind::Closure(n, e) | Kind::Generator(n, e) => {
                see(Site::Num(n));
                e.sites(see);
            }
            Kind::Partial(_, n) | Kind::Instance(_, n) | Kind::Decorator(_, n) | Kind::File(n, _) => {
                see(Site::Num(n));
            }
            Kind::Dispatch(a, b, _) | Kind::Dynamic(a, b) | Kind::Caught(a, b) => {
                a.sites(see);
                b.sites(see);
            }
            Kind::Class(_, _, n, e, s) | Kind::Decorated(_, n, s, e) => {
                see(Site::Num(n));
                see(Site::Switch(s));
                e.sites(see);
            }
            Kind::Single(a, b, s) | Kind::Fallback(s, a, b) => {
                see(Site::Switch(s));
                a.sites(see);
                b.sites(see);
            }
            Kind::Context(a, b, e) => {
                see(Site::Num(a));
                see(Site::Num(b));
                e.sites(see);
            }
            Kind::Registry | Kind::Sorted(_) | Kind::DocRead(_) => {}
            Kind::Registered(_, a, b, first, both) => {
                see(Site::Switch(first));
                see(Site::Switch(both));
                a.sites(see);
                b.sites(see);
            }
            Kind::Patch(_, s, e) => {
                see(Site::Switch(s));
                e.sites(see);
            }
            Kind::Conditional(n, a, b) | Kind::Matched(n, a, b) => {
                see(Site::Num(n));
                a.sites(see);
                b.sites(see);
            }
        }
    }

    /// The items that it needs.
    pub fn uses(&self) -> Vec<usize> {
        let mut out = Vec::new();
        let mut kind = self.clone();
        kind.sites(&mut |site| {
            if let Site::Expr(e) = site {
                e.uses(&mut out);
            }
        });
        match self {
            Kind::Partial(i, _)
            | Kind::Dispatch(_, _, Some(i))
            | Kind::Class(_, Some(i), ..)
            | Kind::Instance(i, _)
            | Kind::Decorated(i, ..)
            | Kind::Registered(i, ..)
            | Kind::Patch(i, ..)
            | Kind::Sorted(i)
            | Kind::DocRead(i) => out.push(*i),
            _ => {}
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Whether importing its module does something to another item.
    pub fn has_effect(&self) -> bool {
        matches!(self, Kind::Registered(..) | Kind::Patch(..))
    }
}

impl Program {
    /// Calls `see` with every place, in a fixed order.
    pub fn sites(&mut self, see: &mut dyn FnMut(Site<'_>)) {
        let read = self.docs_read();
        for (i, item) in self.items.iter_mut().enumerate() {
            if read[i] {
                see(Site::Num(&mut item.doc));
            }
            item.kind.sites(see);
        }
        for function in &mut self.functions {
            see(Site::Switch(&mut function.mapped));
            function.first.sites(see);
            function.last.sites(see);
        }
    }

    /// Whose docstring something reads.
    pub fn docs_read(&self) -> Vec<bool> {
        let mut read = vec![false; self.items.len()];
        for item in &self.items {
            if let Kind::DocRead(target) = item.kind {
                read[target] = true;
            }
        }
        read
    }

    /// The items that a function reaches: by use, or because importing a module does something to what it uses.
    pub fn reached(&self, function: &Function) -> Vec<bool> {
        let mut reached = vec![false; self.items.len()];
        let mut open: Vec<usize> = Vec::new();
        function.first.uses(&mut open);
        function.last.uses(&mut open);
        while let Some(item) = open.pop() {
            if std::mem::replace(&mut reached[item], true) {
                continue;
            }
            open.extend(self.items[item].kind.uses());
            open.extend((0..self.items.len()).filter(|i| match self.items[*i].kind {
                Kind::Registered(target, ..) | Kind::Patch(target, ..) => target == item,
                // A hook of the base may do anything with a subclass.
                Kind::Class(_, Some(base), ..) => {
                    base == item && matches!(self.items[base].kind, Kind::Class(ClassKind::Hook, ..))
                }
                _ => false,
            }));
        }
        reached
    }

    /// What functions and effects reach.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.items.len()];
        let mut open: Vec<usize> = Vec::new();
        for function in &self.functions {
            function.first.uses(&mut open);
            function.last.uses(&mut open);
        }
        open.extend((0..self.items.len()).filter(|i| self.items[*i].kind.has_effect()));
        while let Some(item) = open.pop() {
            if !std::mem::replace(&mut live[item], true) {
                open.extend(self.items[item].kind.uses());
            }
        }
        live
    }
}
