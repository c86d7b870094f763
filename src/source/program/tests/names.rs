//! Names by Python's scopes, constants, functions as values, computed names.

use super::*;

#[test]
fn scopes() {
    let text = "
A = 1
B = 2
C = 3
D = 4
len = len
def h(x): return x + A
def g(h): return h(1)
def shadow():
    A = 5
    return A
def late():
    def inner(): return B
    return inner()
def comp(): return [C for C in range(3)]
def glob():
    global D
    D = 9
    return D
def default(x=C): return x
class K:
    A = 7
    def m(self): return A

@function()
def f1(): return h(1)
@function()
def f2(): return g(str)
@function()
def f3(): return shadow()
@function()
def f4(): return late()
@function()
def f5(): return comp()
@function()
def f6(): return default()
@function()
def f7(): return K().m()
@function()
def f8(): return (lambda A: A)(3)
@function()
def f9(): return {A: 1 for A in 'ab'}, [y for x in [1] for y in [x, B]]
@function()
def f10():
    try:
        raise ValueError
    except ValueError as A:
        return str(A)
@function()
def f11(x):
    match x:
        case {'k': A, **B}: return A
    with open('x') as C: return C
@function()
def f12():
    if (A := 3) > 2: return A
@function()
def f13():
    A: int
    A = 4
    return A
@function()
def f14():
    for A in range(3): pass
    return A
@function()
def f15(*A, **B): return A, B
@function()
def f16():
    import os as A
    return A
@function()
def f17():
    return sum(x for x in range(A))
@function()
def f18():
    def A(): return 1
    class B: pass
    return A, B
@function()
def f19():
    del_me = A
    del del_me
    return [*range(B)]
@function()
def f20():
    x = 0
    def inner():
        nonlocal x
        x += C
    inner()
    return x
@function()
def f21(): return len([1])
";
    edit(text, "A = 1", "A = 10", &["f1", "f7", "f17", "f19"]);
    edit(text, "B = 2", "B = 20", &["f4", "f9", "f19"]);
    edit(text, "C = 3", "C = 30", &["f6", "f20"]);
    edit(text, "A = 7", "A = 8", &[]);
    edit(text, "len = len", "len = max", &["f21"]);
}

#[test]
fn constants_are_followed_and_keep_their_types() {
    let text = "
ONE = 1
TABLE = {'a': ONE, 'b': [2, 3]}
PAIR = (X, Y) = (1, 2)
TOTAL = sum(v for v in [ONE, 2])
CHOICE = {1, 2}
WORDS: list = ['a']
NESTED = {'outer': {'inner': TABLE}}
COUNT = 0
COUNT = COUNT + 1
GROW = [1]
GROW += [2]
GROW.append(3)
GROW[0] = 4

@function()
def a(): return NESTED
@function()
def b(): return X
@function()
def c(): return TOTAL
@function()
def d(): return CHOICE
@function()
def e(): return WORDS
@function()
def f(): return COUNT
@function()
def g(): return GROW
@function()
def h(): return PAIR
";
    edit(text, "ONE = 1", "ONE = 1.0", &["a", "c"]);
    edit(text, "ONE = 1", "ONE = True", &["a", "c"]);
    edit(text, "(1, 2)", "(1, 3)", &["b", "h"]);
    edit(text, "{1, 2}", "{1, 3}", &["d"]);
    edit(text, "WORDS: list", "WORDS: tuple", &[]);
    edit(text, "WORDS: list = ['a']", "WORDS = ['a']", &[]);
    edit(text, "WORDS: list = ['a']", "WORDS = [\n  \"a\",\n]", &[]);
    edit(text, "COUNT = 0", "COUNT = 5", &["f"]);
    edit(text, "COUNT + 1", "COUNT + 2", &["f"]);
    edit(text, "GROW += [2]", "GROW += [7]", &["g"]);
    edit(text, "GROW.append(3)", "GROW.append(8)", &["g"]);
    edit(text, "GROW[0] = 4", "GROW[0] = 9", &["g"]);
    edit(text, "GROW = [1]", "GROW = [6]", &["g"]);
    edit(text, "GROW += [2]\nGROW.append(3)", "GROW.append(3)\nGROW += [2]", &["g"]);
}

#[test]
fn what_is_bound_again_hides_what_was() {
    let text = "
LIMIT = 3
LIMIT = 4
def f(): return 1
def f(): return 2
OLD = 1
EARLY = OLD
OLD = 2
def make(): return STEP
STEP = 1
MADE = make()
STEP = 2

@function()
def a(): return LIMIT
@function()
def b(): return f()
@function()
def c(): return OLD
@function()
def d(): return EARLY
@function()
def e(): return MADE
";
    edit(text, "LIMIT = 3", "LIMIT = 5", &[]);
    edit(text, "LIMIT = 4", "LIMIT = 5", &["a"]);
    edit(text, "return 1", "return 7", &[]);
    edit(text, "return 2", "return 7", &["b"]);
    edit(text, "OLD = 1", "OLD = 5", &["d"]);
    edit(text, "OLD = 2", "OLD = 5", &["c"]);
    edit(text, "STEP = 1", "STEP = 5", &["e"]);
}

#[test]
fn functions_as_values() {
    let text = "
from functools import lru_cache, partial, singledispatch, wraps
import functools
def low(x): return x - 1
def high(x): return x + 1
def mid(x): return x
TABLE = {'low': low, 'high': high}
LIST = [mid, lambda x: x * FACTOR]
FACTOR = 3
def make(step):
    def add(value): return value + step
    return add
five = make(5)
six = make(6)
double = partial(pow, 2)
triple = functools.partial(low, 3)
alias = high

@lru_cache(maxsize=None)
def cached(x): return mid(x)

def loud(fn):
    @wraps(fn)
    def inner(*args): return fn(*args) + SUFFIX
    return inner
SUFFIX = '!'
@loud
def greet(x): return 'hi' + x

@singledispatch
def show(x): return 'obj'
@show.register
def _(x: int): return 'int'
@show.register(str)
def _(x): return 'str'

@function()
def a(k): return TABLE[k](1)
@function()
def b(): return [g(1) for g in LIST]
@function()
def c(): return five(1)
@function()
def d(): return six(1)
@function()
def e(): return double(3), triple()
@function()
def f(): return alias(1)
@function()
def g(): return cached(1)
@function()
def h(): return greet('x')
@function()
def i(): return show(1)
@function()
def j(): return sorted([1], key=high)
";
    edit(text, "x - 1", "x - 2", &["a", "e"]);
    edit(text, "x + 1", "x + 2", &["a", "f", "j"]);
    edit(text, "def mid(x): return x", "def mid(x): return -x", &["b", "g"]);
    edit(text, "FACTOR = 3", "FACTOR = 4", &["b"]);
    edit(text, "make(5)", "make(7)", &["c"]);
    edit(text, "value + step", "value - step", &["c", "d"]);
    edit(text, "partial(pow, 2)", "partial(pow, 3)", &["e"]);
    edit(text, "maxsize=None", "maxsize=1", &["g"]);
    edit(text, "+ SUFFIX", "+ SUFFIX * 2", &["h"]);
    edit(text, "SUFFIX = '!'", "SUFFIX = '?'", &["h"]);
    edit(text, "@loud\n", "", &["h"]);
    edit(text, "return 'int'", "return 'number'", &["i"]);
    edit(text, "x: int", "x: float", &["i"]);
    edit(text, "return 'str'", "return 'text'", &["i"]);
    edit(text, "register(str)", "register(bytes)", &["i"]);
    edit(text, "'obj'", "'thing'", &["i"]);
    edit(text, "'low': low", "'low': mid", &["a"]);
}

#[test]
fn computed_names() {
    let text = "
import sys
import handlers
from text import *
def fmt_short(x): return x
def fmt_long(x): return x * 2
def other(x): return x
VALUE = 1

@function()
def a(k): return globals()['fmt_' + k](1)
@function()
def b(k): return globals()[f'{k}_long'](1)
@function()
def c(k): return getattr(handlers, 'on_' + k)(1)
@function()
def d(k): return getattr(handlers, k)(1)
@function()
def e(): return getattr(handlers, 'on_start')(1)
@function()
def f(k): return getattr(sys.modules[__name__], 'fmt_%s' % k)(1)
@function()
def g(k): return globals().get(k)
@function()
def h(): return globals()['VALUE']
@function()
def i(k):
    name = f'on_{k}'
    return getattr(handlers, name)(1)
@function()
def j(k): return vars(handlers)['on_' + k](1)
@function()
def k(k): return handlers.__dict__['on_stop'](1)
@function()
def l(): return eval('other')(1)
@function()
def m(): return 1

# file handlers.py
def on_start(x): return x
def on_stop(x): return -x
def helper(x): return x
# file text.py
def shout(x): return x
";
    edit(text, "def fmt_short(x): return x", "def fmt_short(x): return -x", &["a", "f", "g", "l"]);
    edit(text, "x * 2", "x * 3", &["a", "b", "f", "g", "l"]);
    edit(text, "def other(x): return x", "def other(x): return -x", &["g", "l"]);
    edit(text, "VALUE = 1", "VALUE = 2", &["g", "h", "l"]);
    edit(text, "def on_start(x): return x", "def on_start(x): return 3", &["c", "d", "e", "i", "j"]);
    edit(text, "return -x", "return x", &["c", "d", "i", "j", "k"]);
    edit(text, "def helper(x): return x", "def helper(x): return 3", &["d"]);
    edit(text, "# file text.py", "def on_more(x): return 1\n# file text.py", &["c", "d", "i", "j"]);
    edit(text, "VALUE = 1", "VALUE = 1\ndef fmt_new(x): return 1", &["a", "f", "g", "l"]);
    edit(text, "VALUE = 1", "VALUE = 1\ndef unrelated(x): return 1", &["g", "l"]);
    let found = closure(&files(text), "l").expect("l");
    assert_eq!(found.opaque.len(), 1, "{:?}", found.opaque);
    assert_eq!((found.opaque[0].file.as_str(), found.opaque[0].reason.as_str()), ("app.py", "eval"));
    assert!(closure(&files(text), "a").expect("a").opaque.is_empty());
    assert!(!closure(&files(text), "d").expect("d").opaque.is_empty());
}

#[test]
fn other_functions_stop_the_search() {
    let text = "
def helper(x): return child(x)
def plain(x): return x
TOOLS = [child_value]
@function()
def child(x): return plain(x)
@function()
def child_value(x): return plain(x)
@function()
def a(x): return child(x)
@function()
def b(x): return helper(x)
@function()
def c(x): return child.map([x]), child.future(x)
@function()
def d(x): return [t(x) for t in TOOLS]
@function()
def e(x): return plain(x) if x else e(x - 1)
";
    edit(text, "def plain(x): return x", "def plain(x): return -x", &["child", "child_value", "e"]);
    edit(text, "return child(x)\ndef", "return child(x) + 1\ndef", &["b"]);
    edit(text, "[child_value]", "[child]", &["d"]);
    edit(text, "@function()\ndef child(x)", "@function(timeout=3, retries=2)\ndef child(x)", &[]);
    edit(text, "@function()\ndef child(x)", "@function(durable=False)\ndef child(x)", &["child"]);
}
