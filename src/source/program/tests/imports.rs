//! Imports in every form, and files that come and go.

use super::*;

const SHOP: &str = "
import shop.util as u
import shop.util
import shop
from shop import vat, rates as r
from shop.sub import deep
from starlib import *
from tricky import name as other

@function()
def a(n): return vat(n)
@function()
def b(n): return u.cost(n)
@function()
def c(n): return shop.util.refund(n)
@function()
def d(n): return r.RATE
@function()
def e(n): return deep.bottom(n)
@function()
def f(n): return star(n)
@function()
def g(n): return shop.VERSION
@function()
def h(n):
    from lazy import compute
    import lazy as z
    return compute(n) + z.BASE
@function()
def i(n): return other

# file shop/__init__.py
from .tax import vat
VERSION = 1
# file shop/tax.py
from .rates import RATE
def vat(n): return n * RATE
# file shop/rates.py
RATE = 20
OLD = 19
# file shop/util.py
from . import rates
def cost(n): return n + rates.RATE
def refund(n): return -n
# file shop/sub/__init__.py
# file shop/sub/deep.py
from ..rates import OLD
from ...never import x
def bottom(n): return n + OLD
# file starlib.py
__all__ = ['star']
def star(n): return n
def hidden(n): return n
# file lazy.py
BASE = 4
def compute(n): return n
def other(n): return n
# file tricky.py
from shop.rates import OLD as name
";

#[test]
fn imports() {
    edit(SHOP, "RATE = 20", "RATE = 25", &["a", "b", "d"]);
    edit(SHOP, "OLD = 19", "OLD = 18", &["e", "i"]);
    edit(SHOP, "n * RATE", "n / RATE", &["a"]);
    edit(SHOP, "n + rates.RATE", "n - rates.RATE", &["b"]);
    edit(SHOP, "return -n", "return n", &["c"]);
    edit(SHOP, "VERSION = 1", "VERSION = 2", &["g"]);
    edit(SHOP, "VERSION = 1", "VERSION = 1\nAUTHOR = 2", &[]);
    edit(SHOP, "def star(n): return n", "def star(n): return -n", &["f"]);
    edit(SHOP, "def hidden(n): return n", "def hidden(n): return -n", &[]);
    edit(SHOP, "__all__ = ['star']", "__all__ = ['star', 'hidden']", &[]);
    edit(SHOP, "BASE = 4", "BASE = 5", &["h"]);
    edit(SHOP, "def compute(n): return n", "def compute(n): return -n", &["h"]);
    edit(SHOP, "def other(n): return n", "def other(n): return -n", &[]);
    edit(SHOP, "from . import rates\n", "from . import rates, tax\n", &[]);
    edit(SHOP, "from . import rates\n", "import shop.rates as rates\n", &[]);
    edit(SHOP, "from .tax import vat", "from .util import cost as vat", &["a"]);
    edit(
        SHOP,
        "from shop import vat, rates as r",
        "from shop import rates as r\nfrom shop.tax import vat",
        &[],
    );
    edit(SHOP, "from starlib import *", "from starlib import star", &[]);
}

#[test]
fn files_that_come() {
    let text = "
try:
    import fastmath as m
except ImportError:
    import slowmath as m
try:
    from shop.extra import bonus
except ImportError:
    bonus = None
import colorsys
from random import choice
@function()
def a(n): return m.twice(n)
@function()
def b(n): return bonus
@function()
def c(n): return colorsys.rgb_to_hsv(n, n, n)
@function()
def d(n): return choice([n])
@function()
def e(n): return n
# file slowmath.py
def twice(n): return n + n
# file shop/__init__.py
";
    let with = |more: &str| format!("{text}{more}");
    pair(text, &with("# file fastmath.py\ndef twice(n): return n << 1\n"), &["a"]);
    pair(text, &with("# file shop/extra.py\nbonus = 3\n"), &["b"]);
    pair(text, &with("# file colorsys.py\ndef rgb_to_hsv(*a): return 1\n"), &["c"]);
    pair(text, &with("# file random.py\ndef choice(a): return 1\n"), &["d"]);
    pair(text, &with("# file unrelated.py\ndef choice(a): return 1\n"), &[]);
    pair(text, &with("# file broken.py\ndef choice(:\n"), &[]);
    edit(text, "n + n", "n * 2", &["a"]);
    // With the better one there, the other one does not count.
    let both = with("# file fastmath.py\ndef twice(n): return n << 1\n");
    edit(&both, "n + n", "n * 2", &[]);
    edit(&both, "n << 1", "n << 2", &["a"]);
}

#[test]
fn stars_and_hiding() {
    let text = "
from one import *
from two import *
def own(n): return 'app'
from three import *
@function()
def a(n): return common(n)
@function()
def b(n): return own(n)
@function()
def c(n): return only_one(n)
@function()
def d(n): return _private(n)
# file one.py
def common(n): return 1
def only_one(n): return 1
def _private(n): return 1
# file two.py
from four import *
def own(n): return 2
# file four.py
def common(n): return 4
# file three.py
def own(n): return 3
";
    edit(text, "def common(n): return 1", "def common(n): return 11", &[]);
    edit(text, "return 4", "return 44", &["a"]);
    edit(text, "'app'", "'other'", &[]);
    edit(text, "return 3", "return 33", &["b"]);
    edit(text, "def only_one(n): return 1", "def only_one(n): return 11", &["c"]);
    edit(text, "def own(n): return 3", "def own(n): return 3\ndef only_one(n): return 3", &["c"]);
    edit(text, "def _private(n): return 1", "def _private(n): return 11", &[]);
}

#[test]
fn modules_as_values() {
    let text = "
import importlib
import tools
import slow, fast
MODULES = {'slow': slow, 'fast': fast}
ENGINE = importlib.import_module('slow')
def use(m): return m.twice(3)
@function()
def a(): return use(slow)
@function()
def b(k): return MODULES[k].twice(1)
@function()
def c(): return ENGINE.twice(1)
@function()
def d(): return importlib.import_module('fast').twice(1)
@function()
def e(k): return importlib.import_module(f'plug.{k}').run()
@function()
def f(): return tools.anything(1)
@function()
def g(): return [getattr(tools, n) for n in dir(tools)]
# file slow.py
def twice(n): return n + n
def other(n): return n
# file fast.py
def twice(n): return n << 1
# file tools.py
import slow
def __getattr__(name): return slow.other
def real(n): return n
# file plug/__init__.py
# file plug/one.py
def run(): return 1
def skip(): return 0
# file plug/two.py
def run(): return 2
";
    edit(text, "n + n", "n * 2", &["a", "b", "c"]);
    edit(text, "n << 1", "n << 2", &["b", "d"]);
    edit(text, "def other(n): return n", "def other(n): return -n", &["f", "g"]);
    edit(text, "def real(n): return n", "def real(n): return -n", &["g"]);
    edit(text, "return 2", "return 3", &["e"]);
    edit(text, "return 0", "return 3", &[]);
    pair(text, &format!("{text}# file plug/three.py\ndef run(): return 3\n"), &["e"]);
}

#[test]
fn what_does_not_load_is_no_closure() {
    let text = "
import helper
@function()
def a(n): return n
# file helper.py
def f(:
";
    assert_eq!(closure(&files(text), "a"), None);
    let text = "
@function()
def a(n):
    import helper
    return helper.f(n)
@function()
def b(n): return n
# file helper.py
def f(:
";
    assert_eq!(closure(&files(text), "a"), None);
    assert!(closure(&files(text), "b").is_some());
}

#[test]
fn circles_end() {
    let text = "
import one
from one import loop
@function()
def a(n): return one.go(n), loop
# file one.py
import two
from two import loop
X = two.X if hasattr(two, 'X') else 1
def go(n): return two.back(n)
# file two.py
import one
from one import loop
X = 2
def back(n): return one.go(n - 1) if n else X
";
    edit(text, "X = 2", "X = 3", &["a"]);
}

#[test]
fn a_package_that_imports_its_own_modules() {
    let text = "
import pkg
from pkg import deep
@function()
def a(): return pkg.part.run()
@function()
def b(): return deep.run()
@function()
def c(): return pkg.NAME
# file pkg/__init__.py
from . import part
from . import deep
NAME = 1
# file pkg/part.py
def run(): return 10
# file pkg/deep/__init__.py
from . import inner
run = inner.run
# file pkg/deep/inner.py
def run(): return 20
";
    edit(text, "return 10", "return 11", &["a"]);
    edit(text, "return 20", "return 21", &["b"]);
    edit(text, "NAME = 1", "NAME = 2", &["c"]);
}

#[test]
fn conditions_of_imports_count() {
    let text = "
USE = 'a'
if USE == 'a':
    from ea import enc
else:
    from eb import enc
@function()
def a(): return enc()
@function()
def b(): return 1
# file ea.py
def enc(): return 10
# file eb.py
def enc(): return 20
";
    edit(text, "USE = 'a'", "USE = 'b'", &["a"]);
    edit(text, "return 10", "return 11", &["a"]);
}

#[test]
fn whether_an_import_works_counts_for_what_follows_from_it() {
    let text = "
import importlib.util
try:
    import fast
    HAVE = True
except ImportError:
    HAVE = False
FOUND = importlib.util.find_spec('fast') is not None
@function()
def a(): return HAVE
@function()
def b(): return FOUND
@function()
def c(): return 1
";
    pair(text, &format!("{text}\n# file fast.py\nX = 1\n"), &["a", "b"]);
}

#[test]
fn plugins_that_are_imported_by_computed_names() {
    let text = "
import importlib
from core import HOOKS, load
from conf import NAMES, UNUSED
for name in NAMES:
    importlib.import_module(name)
load()
@function()
def a(): return [hook() for hook in HOOKS]
@function()
def b(): return 1
# file conf.py
NAMES = ['plug_a', 'plug_b']
UNUSED = 1
# file core.py
HOOKS = []
def load():
    import late
# file plug_a.py
import core
core.HOOKS.append(lambda: 10)
# file plug_b.py
from core import HOOKS
HOOKS += [lambda: 20]
# file late.py
from core import HOOKS
HOOKS.append(lambda: 30)
";
    edit(text, ": 10", ": 11", &["a"]);
    edit(text, ": 20", ": 21", &["a"]);
    edit(text, ": 30", ": 31", &["a"]);
    edit(text, "['plug_a', 'plug_b']", "['plug_a']", &["a"]);
    edit(text, "UNUSED = 1", "UNUSED = 2", &[]);
}

#[test]
fn a_module_that_is_imported_on_a_condition() {
    let text = "
from core import HOOKS
from flags import ON
if ON:
    import plug
@function()
def a(): return HOOKS
@function()
def b(): return 1
# file core.py
HOOKS = []
# file flags.py
ON = True
OFF = 1
# file plug.py
from core import HOOKS
HOOKS.append(10)
";
    edit(text, "ON = True", "ON = False", &["a"]);
    edit(text, "10", "11", &["a"]);
    edit(text, "OFF = 1", "OFF = 2", &[]);
}

#[test]
fn functions_of_many_files_share_one_world() {
    let mut text = String::from("try:\n    import guarded\nexcept ImportError:\n    pass\n");
    let part = |name: &str| {
        format!(
            "# file {name}.py\nfrom tensorlake.applications import function\n@function()\ndef f(x): return x\n"
        )
    };
    (0..20).for_each(|at| text.push_str(&format!("import part{at}\n")));
    (0..20).for_each(|at| text.push_str(&part(&format!("part{at}"))));
    text.push_str(&part("guarded"));
    text.push_str(&part("apart"));
    let files = files(&text);
    let mut program = Program::new(vec![String::new()], "app.py");
    for at in 0..20 {
        assert!(program.closure(&format!("part{at}.py"), "f", &files).is_some());
    }
    assert_eq!(program.kept.worlds.len(), 1);
    // What is not imported in any case has a world in which it is.
    assert!(program.closure("guarded.py", "f", &files).is_some());
    assert!(program.closure("apart.py", "f", &files).is_some());
    assert_eq!(program.kept.worlds.len(), 3);
}
