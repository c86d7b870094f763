//! Random programs and random edits of them.

use crate::model::{ClassKind, Dice, Expr, Function, Item, Kind, Num, Op, Program, Site};

/// Calls that one use of an item may cost; keeps programs fast.
const DEAREST: usize = 60;

struct Maker {
    dice: Dice,
    items: Vec<Item>,
    costs: Vec<usize>,
}

/// A program of this seed, with about this many items.
pub fn program(seed: u64, size: usize) -> Program {
    let mut maker = Maker { dice: Dice::new(seed), items: Vec::new(), costs: Vec::new() };
    let modules = 2 + maker.dice.below(4);
    let mut packages = Vec::new();
    let mut package = 0;
    while packages.len() < modules {
        let whose = maker.dice.one_in(2).then_some(package);
        package += 1;
        for _ in 0..=maker.dice.below(2) {
            packages.push(whose);
        }
    }
    packages.truncate(modules);
    let count = size / 2 + maker.dice.below(size);
    for i in 0..count {
        // The last module is the application's.
        let module = i * modules / count;
        let kind = maker.kind(module);
        maker.push(module, kind);
    }
    let mut functions: Vec<Function> = Vec::new();
    for i in 0..2 + maker.dice.below(4) {
        let mut function = maker.function(i, modules);
        // Of the application's file nobody imports anything.
        function.calls.retain(|j| functions[*j].module <= function.module);
        functions.push(function);
    }
    let inputs = (0..2).map(|_| maker.dice.below(9) as i64 + 1).collect();
    let styles = maker.dice.next();
    Program { packages, items: maker.items, functions, inputs, styles, trimmed: false }
}

impl Maker {
    fn push(&mut self, module: usize, kind: Kind) {
        let times = match &kind {
            Kind::Generator(..) | Kind::Sorted(_) => 4,
            Kind::Registered(..) => 0,
            _ => 1,
        };
        let cost = 1 + times * kind.uses().iter().map(|i| self.costs[*i]).sum::<usize>();
        if let Kind::Registered(registry, ..) = kind {
            self.costs[registry] += cost + 2;
        }
        self.costs.push(cost);
        let doc = Num::Count(1 + self.dice.below(4) as i64);
        self.items.push(Item { module, kind, doc });
    }

    fn num(&mut self) -> Num {
        match self.dice.below(12) {
            0 => Num::Float(self.dice.below(9) as i64),
            _ => Num::Int(self.dice.below(90) as i64),
        }
    }

    fn count(&mut self) -> Num {
        Num::Count(1 + self.dice.below(4) as i64)
    }

    fn expr(&mut self, depth: usize) -> Expr {
        let choice = if depth == 0 { self.dice.below(3) } else { self.dice.below(13) };
        let sub = |maker: &mut Self| Box::new(maker.expr(depth.saturating_sub(1)));
        match choice {
            0 => Expr::X,
            1 => Expr::Num(self.num()),
            2..=6 => match self.usable(|_, kind| !kind.has_effect()) {
                Some(item) => Expr::Use(item, sub(self)),
                None => Expr::X,
            },
            7 | 8 => {
                let op = *self.dice.pick(&[Op::Add, Op::Sub, Op::Mul]);
                Expr::Bin(op, sub(self), sub(self))
            }
            9 => Expr::If(Num::Int(self.dice.below(30) as i64), sub(self), sub(self)),
            10 => {
                let item = self.usable(|cost, kind| cost < 8 && !kind.has_effect());
                let body = item.map_or(Expr::X, |item| Expr::Use(item, Box::new(Expr::X)));
                Expr::Sum(self.count(), Box::new(body))
            }
            11 => Expr::Text(self.count(), sub(self)),
            _ => Expr::Max(sub(self), sub(self)),
        }
    }

    /// A late item that fits.
    fn usable(&mut self, fits: impl Fn(usize, &Kind) -> bool) -> Option<usize> {
        let all: Vec<usize> = (0..self.items.len())
            .filter(|i| self.costs[*i] <= DEAREST && fits(self.costs[*i], &self.items[*i].kind))
            .collect();
        if all.is_empty() {
            return None;
        }
        // Late items reach more than early ones.
        let a = self.dice.below(all.len());
        let b = self.dice.below(all.len());
        Some(all[a.max(b)])
    }

    fn helper(&mut self) -> Option<usize> {
        self.usable(|_, kind| matches!(kind, Kind::Helper(..)))
    }

    fn kind(&mut self, module: usize) -> Kind {
        let depth = 2;
        let plain = |maker: &mut Self| {
            let guard = maker.dice.one_in(3).then(|| (maker.num(), maker.expr(1)));
            Kind::Helper(maker.num(), guard, maker.expr(depth))
        };
        match self.dice.below(40) {
            0 | 1 => Kind::Constant(self.num()),
            2 => Kind::Derived(self.expr(depth)),
            3 => Kind::Rebound(self.num(), self.num(), self.dice.one_in(2)),
            4 => Kind::Looped(self.count(), self.num()),
            5 => Kind::Words(self.num()),
            6 => Kind::Table(self.num(), self.num(), self.dice.one_in(2)),
            7 => Kind::Lambda(self.expr(depth)),
            8 => Kind::Closure(self.num(), self.expr(depth)),
            9 => match self.helper() {
                Some(helper) => Kind::Partial(helper, self.num()),
                None => plain(self),
            },
            10 | 11 => {
                let other = self.helper();
                Kind::Dispatch(self.expr(depth), self.expr(depth), other)
            }
            12..=16 => self.class(depth),
            17 => match self.usable(|_, kind| matches!(kind, Kind::Class(ClassKind::Plain, ..))) {
                Some(class) => Kind::Instance(class, self.num()),
                None => self.class(depth),
            },
            18 => Kind::Enumeration(self.num(), self.num()),
            19 => Kind::Decorator(self.dice.one_in(2), self.num()),
            20 | 21 => match self.usable(|_, kind| matches!(kind, Kind::Decorator(..))) {
                Some(decorator) => {
                    Kind::Decorated(decorator, self.num(), self.dice.below(4) != 0, self.expr(depth))
                }
                None => Kind::Decorator(true, self.num()),
            },
            22 => Kind::Generator(self.count(), self.expr(1)),
            23 => Kind::Cached(self.expr(depth)),
            24 => Kind::Single(self.expr(1), self.expr(1), self.dice.one_in(2)),
            25 => Kind::Context(self.num(), self.num(), self.expr(depth)),
            26 => Kind::Registry,
            27 | 28 => match self.usable(|_, kind| matches!(kind, Kind::Registry)) {
                Some(registry) => {
                    let (first, both) = (self.dice.one_in(2), self.dice.one_in(2));
                    Kind::Registered(registry, self.shallow(), self.shallow(), first, both)
                }
                None => Kind::Registry,
            },
            29 => {
                let earlier = |items: &[Item], i: usize| items[i].module < module;
                match self.helper().filter(|i| earlier(&self.items, *i)) {
                    Some(helper) => Kind::Patch(helper, self.dice.below(3) != 0, self.shallow()),
                    None => plain(self),
                }
            }
            30 => Kind::Dynamic(self.expr(depth), self.expr(depth)),
            31 => Kind::Conditional(Num::Count(self.dice.below(2) as i64), self.expr(1), self.expr(1)),
            32 => Kind::Matched(Num::Int(self.dice.below(4) as i64), self.expr(1), self.expr(1)),
            33 => Kind::Caught(self.expr(1), self.expr(1)),
            34 => match self.usable(|cost, kind| cost < 15 && matches!(kind, Kind::Helper(..))) {
                Some(helper) => Kind::Sorted(helper),
                None => plain(self),
            },
            35 => match self.helper() {
                Some(helper) => Kind::DocRead(helper),
                None => plain(self),
            },
            36 => Kind::Fallback(self.dice.one_in(2), self.shallow(), self.shallow()),
            37 => Kind::File(self.count(), self.dice.one_in(2)),
            38 => Kind::Listing(self.count()),
            _ => plain(self),
        }
    }

    /// An expression without other items: what it is used in must not use itself.
    fn shallow(&mut self) -> Expr {
        let op = *self.dice.pick(&[Op::Add, Op::Sub, Op::Mul]);
        Expr::Bin(op, Box::new(Expr::X), Box::new(Expr::Num(self.num())))
    }

    fn class(&mut self, depth: usize) -> Kind {
        use ClassKind as C;
        let base = self.usable(|_, kind| matches!(kind, Kind::Class(C::Plain | C::Metaclass | C::Hook, ..)));
        let base = base.filter(|_| !self.dice.one_in(3));
        let kind = match base {
            Some(_) => C::Plain,
            None => *self.dice.pick(&[
                C::Plain,
                C::Plain,
                C::Plain,
                C::Property,
                C::Callable,
                C::Static,
                C::ClassMethod,
                C::Dataclass,
                C::NamedTuple,
                C::Metaclass,
                C::Descriptor,
                C::Hook,
            ]),
        };
        Kind::Class(kind, base, self.num(), self.expr(depth), base.is_none() || self.dice.one_in(2))
    }

    fn function(&mut self, number: usize, modules: usize) -> Function {
        let mut calls: Vec<usize> = (0..number).filter(|_| self.dice.one_in(3)).collect();
        calls.truncate(2);
        // Most applications are one file.
        let module = if self.dice.one_in(4) { modules - 1 } else { modules };
        Function { module, first: self.expr(3), calls, mapped: self.dice.one_in(4), last: self.expr(2) }
    }
}

/// Changes one place. `None` when there is nothing to change. The text says what was done.
pub fn edit(program: &Program, dice: &mut Dice) -> Option<(Program, String)> {
    let mut edited = program.clone();
    let mut count = 0;
    edited.sites(&mut |site| count += usize::from(!matches!(site, Site::Expr(_))));
    if count == 0 {
        return None;
    }
    let (chosen, roll) = (dice.below(count), dice.below(8));
    let (mut at, mut told) = (0, String::new());
    edited.sites(&mut |site| {
        let here = match &site {
            Site::Expr(_) => false,
            _ => {
                at += 1;
                at - 1 == chosen
            }
        };
        if here {
            told = format!("place {chosen}: {}", change(site, roll));
        }
    });
    Some((edited, told))
}

fn change(site: Site<'_>, roll: usize) -> String {
    match site {
        Site::Num(n) => {
            let before = *n;
            *n = match before {
                Num::Count(n) => Num::Count(n % 4 + 1),
                Num::Int(n) if roll == 0 => Num::Float(n),
                Num::Float(n) if roll < 4 => Num::Int(n),
                Num::Int(n) => Num::Int(n + 1 + roll as i64),
                Num::Float(n) => Num::Float(n + 1),
            };
            format!("{before:?} becomes {n:?}")
        }
        Site::Op(op) => {
            let before = *op;
            *op = match before {
                Op::Add => Op::Sub,
                Op::Sub => Op::Mul,
                Op::Mul => Op::Add,
            };
            format!("{before:?} becomes {op:?}")
        }
        Site::Switch(on) => {
            *on = !*on;
            format!("a switch becomes {on}")
        }
        Site::Expr(_) => String::new(),
    }
}
