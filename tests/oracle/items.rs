//! How each kind of item is defined and used.

use crate::model::{ClassKind, Item, Kind, Num};
use crate::render::{Files, Noise, Page, dotted, is_value, name};

/// Writes an item's definition; other files that it needs go to `files`.
pub fn define(page: &mut Page<'_>, i: usize, item: &Item, doc_read: bool, files: &mut Files) {
    let n = name(i);
    let hint = if page.manner.has(Noise::Hints) { ": object" } else { "" };
    match &item.kind {
        Kind::Constant(value) => {
            let value = page.num(*value);
            page.block(false, false, &format!("{n}{hint} = {value}"));
        }
        Kind::Derived(e) => {
            let e = page.expr(e, "3");
            page.block(false, false, &format!("{n}{hint} = ({e}) % 997"));
        }
        Kind::Rebound(a, b, plus) => {
            let (a, b) = (page.num(*a), page.num(*b));
            let op = if *plus { "+" } else { "*" };
            page.block(false, false, &format!("{n} = {a}\n{n} {op}= {b}"));
        }
        Kind::Looped(count, step) => {
            let (count, step) = (page.num(*count), page.num(*step));
            page.block(
                false,
                false,
                &format!("{n} = []\nfor {n}_i in range({count}):\n    {n}.append({n}_i * {step})"),
            );
        }
        Kind::Words(value) => {
            let text = page.text(&format!("w{value:?}"));
            page.block(false, false, &format!("{n} = {text}"));
        }
        Kind::Table(a, b, more) => {
            let (a, b) = (page.num(*a), page.num(*b));
            let keys: Vec<String> = ["a", "b", "c"].iter().map(|key| page.text(key)).collect();
            let more = if *more { format!("\n{n}[{}] = {b}", keys[2]) } else { String::new() };
            page.block(false, false, &format!("{n} = {{{}: {a}, {}: {b}}}{more}", keys[0], keys[1]));
        }
        Kind::Helper(extra, guard, e) => {
            let extra = page.num(*extra);
            let (imports, body) = page.body(|page| {
                let mut body = String::new();
                if let Some((limit, early)) = guard {
                    let (limit, early) = (page.num(*limit), page.expr(early, "x"));
                    body.push_str(&format!("    if x > {limit}:\n        return {early}\n"));
                }
                let e = page.expr(e, "x");
                body + &format!("    return ({e} + extra) % 9973\n")
            });
            let long = item.doc.whole();
            let doc =
                if doc_read { format!("    \"{}\"\n", "d".repeat(long as usize)) } else { String::new() };
            let head = page.head(&n, &format!(", extra={extra}"));
            page.block(true, doc_read, &format!("{head}\n{doc}{imports}{body}"));
        }
        Kind::Lambda(e) => {
            let e = page.expr(e, "x");
            page.block(false, false, &format!("{n} = lambda x: ({e}) % 9973"));
        }
        Kind::Closure(step, e) => {
            let step = page.num(*step);
            let (imports, e) = page.body(|page| page.expr(e, "x"));
            page.block(
                false,
                false,
                &format!("def make_{n}(step):\n{imports}    def inner(x):\n        return ({e} + step) % 9973\n\n    return inner\n\n\n{n} = make_{n}({step})"),
            );
        }
        Kind::Partial(helper, value) => {
            page.import("from functools import partial");
            let (helper, value) = (page.refer(*helper), page.num(*value));
            page.block(false, false, &format!("{n} = partial({helper}, extra={value})"));
        }
        Kind::Dispatch(a, b, other) => {
            let a = page.expr(a, "x");
            let second = match other {
                Some(other) => page.refer(*other),
                None => format!("lambda x: {}", page.expr(b, "x")),
            };
            let (ka, kb) = (page.text("a"), page.text("b"));
            page.block(false, false, &format!("{n} = {{{ka}: lambda x: ({a}) % 9973, {kb}: {second}}}"));
        }
        Kind::Class(kind, base, attr, e, own) => class(page, &n, *kind, *base, *attr, e, *own),
        Kind::Instance(class, value) => {
            let (class, value) = (page.refer(*class), page.num(*value));
            page.block(false, false, &format!("{n} = {class}({value})"));
        }
        Kind::Enumeration(a, b) => {
            page.import("from enum import Enum");
            let (a, b) = (page.num(*a), page.num(*b));
            // Equal values would make aliases.
            page.block(false, false, &format!("class {n}(Enum):\n    A = (1, {a})\n    B = (2, {b})"));
        }
        Kind::Decorator(with_argument, value) => {
            page.import("from functools import wraps");
            let value = page.num(*value);
            page.block(true, false, &match with_argument {
                true => format!("def {n}(times):\n    def outer(fn):\n        @wraps(fn)\n        def inner(*args):\n            return fn(*args) * times + {value}\n\n        return inner\n\n    return outer"),
                false => format!("def {n}(fn):\n    @wraps(fn)\n    def inner(*args):\n        return fn(*args) + {value}\n\n    return inner"),
            });
        }
        Kind::Decorated(decorator, value, on, e) => {
            let takes = matches!(page.program.items[*decorator].kind, Kind::Decorator(true, _));
            let (decorator, value) = (page.refer(*decorator), page.num(*value));
            let line = match (on, takes) {
                (false, _) => String::new(),
                (true, true) => format!("@{decorator}({value})\n"),
                (true, false) => format!("@{decorator}\n"),
            };
            let def = page.def(&n, "", e);
            page.block(false, false, &format!("{line}{def}"));
        }
        Kind::Generator(count, e) => {
            let count = page.num(*count);
            let (imports, e) = page.body(|page| page.expr(e, "x"));
            let head = page.head(&n, "");
            page.block(
                true,
                false,
                &format!("{head}\n{imports}    for i in range({count}):\n        yield ({e} + i) % 9973"),
            );
        }
        Kind::Cached(e) => {
            page.import("from functools import lru_cache");
            let def = page.def(&n, "", e);
            page.block(false, false, &format!("@lru_cache(maxsize=None, typed=True)\n{def}"));
        }
        Kind::Single(a, b, registered) => {
            page.import("from functools import singledispatch");
            let first = page.expr(a, "x");
            let (imports, second) = page.body(|page| page.expr(b, "x"));
            let line = if *registered { format!("@{n}.register\n") } else { String::new() };
            page.block(
                false,
                false,
                &format!("@singledispatch\ndef {n}(x):\n    return {first}\n\n\n{line}def {n}_int(x: int):\n{imports}    return ({second}) + 1"),
            );
        }
        Kind::Context(a, b, e) => {
            page.import("from contextlib import contextmanager");
            let (a, b) = (page.num(*a), page.num(*b));
            let (imports, e) = page.body(|page| page.expr(e, "x"));
            let head = page.head(&n, "");
            page.block(
                false,
                false,
                &format!("@contextmanager\ndef {n}_held(out):\n    out.append({a})\n    yield\n    out.append({b})\n\n\n{head}\n{imports}    out = []\n    with {n}_held(out):\n        out.append({e})\n    return sum(out) % 9973"),
            );
        }
        Kind::Registry => {
            page.block(
                false,
                false,
                &format!("{n} = []\n\n\ndef register_{n}(fn):\n    {n}.append(fn)\n    return fn"),
            );
        }
        Kind::Registered(registry, a, b, first, both) => {
            let whole = page.refer_as(*registry, true);
            let (prefix, last) = whole.rsplit_once('.').unwrap_or(("", &whole));
            let register = match prefix {
                "" => format!("register_{last}"),
                _ => format!("{prefix}.register_{last}"),
            };
            let one = page.def(&format!("{n}_one"), "", a);
            let two = page.def(&format!("{n}_two"), "", b);
            let two = if *both { format!("@{register}\n{two}") } else { two };
            let one = format!("@{register}\n{one}");
            let (a, b) = if *first { (one, two) } else { (two, one) };
            page.block(false, false, &format!("{a}\n\n{b}"));
        }
        Kind::Patch(helper, on, e) => {
            let target = page.refer_as(*helper, true);
            let def = page.def(&format!("{n}_instead"), ", extra=0", e);
            let patch = if *on { format!("\n\n{target} = {n}_instead") } else { String::new() };
            let doc_read = page.program.docs_read()[*helper];
            page.block(false, doc_read, &format!("{def}{patch}"));
        }
        Kind::Dynamic(a, b) => {
            let one = page.def(&format!("{n}_one"), "", a);
            let two = page.def(&format!("{n}_two"), "", b);
            page.block(true, false, &format!("{one}\n\n{two}\n\n{n} = None"));
        }
        Kind::Conditional(flag, a, b) => {
            let flag = page.num(*flag);
            let (a, b) = (page.expr(a, "x"), page.expr(b, "x"));
            page.block(
                false,
                false,
                &format!("if {flag} > 1:\n    def {n}(x):\n        return ({a}) % 9973\nelse:\n    def {n}(x):\n        return ({b}) % 997"),
            );
        }
        Kind::Matched(value, a, b) => {
            let value = value.whole();
            let (imports, body) = page.body(|page| {
                let (a, b) = (page.expr(a, "x"), page.expr(b, "x"));
                format!("    match x % 4:\n        case {}:\n            return {a}\n        case _:\n            return ({b}) % 997\n", value % 5)
            });
            let head = page.head(&n, "");
            page.block(true, false, &format!("{head}\n{imports}{body}"));
        }
        Kind::Caught(a, b) => {
            let (imports, body) = page.body(|page| {
                let (a, b) = (page.expr(a, "x"), page.expr(b, "x"));
                format!("    try:\n        return [{a}][int(x) % 2]\n    except IndexError:\n        return ({b}) % 997\n")
            });
            let head = page.head(&n, "");
            page.block(true, false, &format!("{head}\n{imports}{body}"));
        }
        Kind::Sorted(helper) => {
            let (imports, helper) = page.body(|page| page.refer(*helper));
            let head = page.head(&n, "");
            page.block(
                true,
                false,
                &format!("{head}\n{imports}    return sorted([x, x + 1, 7], key={helper})[0]"),
            );
        }
        Kind::DocRead(helper) => {
            let (imports, helper) = page.body(|page| page.refer(*helper));
            let head = page.head(&n, "");
            page.block(true, false, &format!("{head}\n{imports}    return len({helper}.__doc__ or '') + x"));
        }
        Kind::Fallback(there, a, b) => {
            let fast = page.expr(a, "x");
            if *there {
                files.insert(format!("fast_{n}.py"), format!("def go(x):\n    return ({fast}) % 9973\n"));
            }
            let slow = page.expr(b, "x");
            page.block(
                false,
                false,
                &format!("try:\n    from fast_{n} import go as {n}\nexcept ImportError:\n    def {n}(x):\n        return ({slow}) % 997"),
            );
        }
        Kind::File(length, at_import) => {
            page.import("import os");
            let length = length.whole();
            files.insert(format!("data/{n}.txt"), "d".repeat(length as usize));
            let up = if dotted(page.program, item.module).contains('.') { "../data" } else { "data" };
            let (up, file) = (page.text(up), page.text(&format!("{n}.txt")));
            let path = format!("os.path.join(os.path.dirname(__file__), {up}, {file})");
            match at_import {
                true => page.block(
                    false,
                    false,
                    &format!("with open({path}) as {n}_file:\n    {n} = len({n}_file.read())"),
                ),
                false => {
                    let head = page.head(&n, "");
                    page.block(
                        true,
                        false,
                        &format!(
                            "{head}\n    with open({path}) as file:\n        return len(file.read()) + x"
                        ),
                    );
                }
            }
        }
        Kind::Listing(count) => {
            page.import("import os");
            let count = count.whole();
            for k in 0..count {
                files.insert(format!("list_{n}/{k}.txt"), String::new());
            }
            let up = if dotted(page.program, item.module).contains('.') { "../list_" } else { "list_" };
            let up = page.text(&format!("{up}{n}"));
            let head = page.head(&n, "");
            page.block(
                true,
                false,
                &format!(
                    "{head}\n    return len(os.listdir(os.path.join(os.path.dirname(__file__), {up}))) + x"
                ),
            );
        }
    }
}

fn class(
    page: &mut Page<'_>,
    n: &str,
    kind: ClassKind,
    base: Option<usize>,
    attr: Num,
    e: &crate::model::Expr,
    own: bool,
) {
    use ClassKind as C;
    let attr = page.num(attr);
    let x = match kind {
        C::Static | C::ClassMethod => "x",
        _ => "self.x",
    };
    let (imports, e) = page.body(|page| page.expr(e, x));
    let imports = imports.replace("    ", "        ");
    let init = "    def __init__(self, x):\n        self.x = x\n\n";
    let spare = "\n    def spare(self):\n        return 5\n";
    let go = |head: &str, result: &str| format!("    {head}\n{imports}        return ({result}) % 9973\n");
    let text = match kind {
        C::Plain => match base {
            Some(base) => {
                let base = page.refer(base);
                let own = if own {
                    format!("\n{}", go("def go(self):", &format!("{e} + self.attr + super().go()")))
                } else {
                    String::new()
                };
                format!("class {n}({base}):\n    attr = {attr}\n{own}")
            }
            None => format!(
                "class {n}:\n    attr = {attr}\n\n{init}{}{spare}",
                go("def go(self):", &format!("{e} + self.attr"))
            ),
        },
        C::Property => format!(
            "class {n}:\n    attr = {attr}\n\n{init}    @property\n{}",
            go("def go(self):", &format!("{e} + self.attr"))
        ),
        C::Callable => format!(
            "class {n}:\n{init}{}",
            go(&format!("def __call__(self, more={attr}):"), &format!("{e} + more"))
        ),
        C::Static => format!(
            "class {n}:\n    @staticmethod\n{}",
            go(&format!("def go(x, more={attr}):"), &format!("{e} + more"))
        ),
        C::ClassMethod => format!(
            "class {n}:\n    attr = {attr}\n\n    @classmethod\n{}",
            go("def go(cls, x):", &format!("{e} + cls.attr"))
        ),
        C::Dataclass => {
            page.import("from dataclasses import dataclass, field");
            format!(
                "@dataclass\nclass {n}:\n    x: int\n    attr: int = {attr}\n    more: list = field(default_factory=lambda: [{attr}])\n\n{}",
                go("def go(self):", &format!("{e} + self.attr + self.more[0]"))
            )
        }
        C::NamedTuple => {
            page.import("from typing import NamedTuple");
            format!(
                "class {n}(NamedTuple):\n    x: int\n    attr: int = {attr}\n\n{}",
                go("def go(self):", &format!("{e} + self.attr"))
            )
        }
        C::Metaclass => format!(
            "class Meta_{n}(type):\n    def __call__(cls, *args):\n        made = super().__call__(*args)\n        made.bonus = {attr}\n        return made\n\n\nclass {n}(metaclass=Meta_{n}):\n{init}{}",
            go("def go(self):", &format!("{e} + self.bonus"))
        ),
        C::Descriptor => format!(
            "class Field_{n}:\n    def __get__(self, obj, owner):\n        return {attr}\n\n\nclass {n}:\n    attr = Field_{n}()\n\n{init}{}",
            go("def go(self):", &format!("{e} + self.attr"))
        ),
        C::Hook => format!(
            "class {n}:\n    bonus = 1\n\n    def __init_subclass__(cls):\n        cls.bonus = {attr}\n\n{init}{}",
            go("def go(self):", &format!("{e} + self.bonus"))
        ),
    };
    page.block(false, false, &text);
}

/// What an item makes of a value, as an expression.
pub fn use_of(page: &mut Page<'_>, i: usize, a: &str) -> String {
    use ClassKind as C;
    let kind = &page.program.items[i].kind;
    if let Kind::Dynamic(..) = kind {
        return dynamic(page, i, a);
    }
    let r = page.refer(i);
    if is_value(kind) {
        return format!("({r} + {a})");
    }
    match kind {
        Kind::Looped(..) => format!("(sum({r}) + {a})"),
        Kind::Words(_) => format!("(sum(map(ord, {r})) + {a})"),
        Kind::Table(..) => format!("({r}[{}] * {a} + {r}.get({}, 1))", page.text("a"), page.text("c")),
        Kind::Generator(..) => format!("sum({r}({a}))"),
        Kind::Dispatch(..) => format!("{r}[{}]({a})", page.text(if i.is_multiple_of(2) { "a" } else { "b" })),
        Kind::Class(C::Property, ..) => format!("{r}({a}).go"),
        Kind::Class(C::Callable, ..) => format!("{r}({a})()"),
        Kind::Class(C::Static | C::ClassMethod, ..) => format!("{r}.go({a})"),
        Kind::Class(..) => format!("{r}({a}).go()"),
        Kind::Instance(..) => format!("({r}.go() + {a})"),
        Kind::Enumeration(..) if i.is_multiple_of(2) => format!("({r}.A.value[1] + {a})"),
        Kind::Enumeration(..) => format!("({r}[{}].value[1] + {a})", page.text("B")),
        Kind::Decorator(true, _) => format!("{r}(2)(lambda w: w)({a})"),
        Kind::Decorator(false, _) => format!("{r}(lambda w: w)({a})"),
        Kind::Registry => format!("sum(f(w) * k for w in [{a}] for k, f in enumerate({r}, 1))"),
        Kind::File(_, true) => format!("({r} + {a})"),
        _ => format!("{r}({a})"),
    }
}

/// By a name made when it runs.
fn dynamic(page: &mut Page<'_>, i: usize, a: &str) -> String {
    let whole = page.refer_as(i, true);
    let prefix = page.text(&format!("{}_", name(i)));
    let (one, two) = (page.text("one"), page.text("two"));
    let chosen = format!("({one}, {two})[int({a}) % 2]");
    match whole.rsplit_once('.') {
        Some((module, _)) => format!("getattr({module}, {prefix} + {chosen})({a})"),
        None => format!("globals()[{prefix} + {chosen}]({a})"),
    }
}
