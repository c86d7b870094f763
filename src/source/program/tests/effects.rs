//! What other modules do at import: registration, patches, the environment.

use super::*;

const PLUGINS: &str = "
import plugins
import settings
from net import load
from registry import RULES, HANDLERS, hub
@function()
def ruled(n): return [rule(n) for rule in RULES]
@function()
def handled(k, n): return HANDLERS[k](n)
@function()
def fetched(n): return load(n)
@function()
def single(n): return plugins.small(n)
@function()
def limit(n): return settings.LIMIT
@function()
def conf(n): return settings.CONFIG['a']
@function()
def hubbed(n): return hub.run(n)
@function()
def plain(n): return n
# file registry.py
RULES = []
HANDLERS = {}
def rule(fn):
    RULES.append(fn)
    return fn
def handler(name):
    def deco(fn):
        HANDLERS[name] = fn
        return fn
    return deco
class Hub:
    def __init__(self): self.items = []
    def add(self, fn): self.items.append(fn)
    def run(self, n): return [i(n) for i in self.items]
hub = Hub()
# file net.py
def fetch(n): return 'real'
def load(n): return fetch(n)
# file settings.py
LIMIT = 3
CONFIG = {'a': 1}
# file plugins.py
import net, settings
from registry import rule, handler, hub
@rule
def small(n): return n < 10
@rule
def even(n): return n % 2
@handler('x')
def on_x(n): return 'x'
def fake(n): return 'fake'
net.fetch = fake
settings.CONFIG.update(a=2)
def patch():
    settings.LIMIT = 9
patch()
def hooked(n): return 'hook'
hub.add(hooked)
def unrelated(n): return 0
";

#[test]
fn registration_and_patches() {
    edit(PLUGINS, "n < 10", "n < 11", &["ruled", "single"]);
    edit(PLUGINS, "n % 2", "n % 3", &["ruled"]);
    edit(PLUGINS, "return 'x'", "return 'y'", &["handled"]);
    edit(PLUGINS, "handler('x')", "handler('y')", &["handled"]);
    edit(PLUGINS, "'fake'", "'mock'", &["fetched"]);
    // What was patched over does not run.
    edit(PLUGINS, "'real'", "'true'", &[]);
    edit(PLUGINS, "settings.LIMIT = 9", "settings.LIMIT = 8", &["limit"]);
    edit(PLUGINS, "update(a=2)", "update(a=3)", &["conf"]);
    edit(PLUGINS, "CONFIG = {'a': 1}", "CONFIG = {'a': 0}", &["conf"]);
    edit(PLUGINS, "'hook'", "'hooks'", &["hubbed"]);
    edit(PLUGINS, "return 0", "return 1", &[]);
    edit(PLUGINS, "RULES.append(fn)", "RULES.insert(0, fn)", &["ruled", "single"]);
    edit(
        PLUGINS,
        "@rule\ndef small(n): return n < 10\n@rule\ndef even(n): return n % 2\n",
        "@rule\ndef even(n): return n % 2\n@rule\ndef small(n): return n < 10\n",
        &["ruled"],
    );
    edit(PLUGINS, "net.fetch = fake\n", "", &["fetched"]);
    edit(
        PLUGINS,
        "import plugins\nimport settings\n",
        "import settings\nfrom types import SimpleNamespace as plugins\n",
        &["ruled", "handled", "fetched", "single", "limit", "conf", "hubbed"],
    );
}

#[test]
fn patches_in_other_forms() {
    let text = "
import a, b
from a import early
import patch
from a import late
@function()
def f(): return a.one()
@function()
def g(): return a.two()
@function()
def h(): return early()
@function()
def i(): return late()
@function()
def j(): return b.Thing().run()
@function()
def k(): return b.TABLE['x']
# file a.py
def one(): return 1
def two(): return 2
def early(): return 3
def late(): return 4
# file b.py
class Thing:
    def run(self): return 0
    def other(self): return 1
TABLE = {}
# file patch.py
import a, b
setattr(a, 'one', lambda: 10)
a.__dict__['two'] = lambda: 20
a.early = lambda: 30
a.late = lambda: 40
b.Thing.run = lambda self: 50
def fill(table): table['x'] = 60
fill(b.TABLE)
";
    edit(text, "10", "11", &["f"]);
    edit(text, "20", "21", &["g"]);
    edit(text, "40", "41", &["i"]);
    edit(text, "return 3", "return 33", &["h"]);
    edit(text, "50", "51", &["j"]);
    edit(text, "60", "61", &["k"]);
}

#[test]
fn changes_outside_the_project() {
    let text = "
import setup_env
import os, json, random, decimal
from decimal import Decimal
@function()
def a(): return os.environ['MODE']
@function()
def b(): return os.getenv('OTHER')
@function()
def c(): return json.dumps([1])
@function()
def d(): return random.random()
@function()
def e(): return Decimal(1) / 3
@function()
def f(): return 1
# file setup_env.py
import os, json, random, decimal, sys, logging
os.environ['MODE'] = 'x'
os.environ.setdefault('OTHER', 'y')
json.dumps = lambda x: 'json'
random.seed(1)
decimal.getcontext().prec = 5
sys.setrecursionlimit(5000)
logging.basicConfig(level='INFO')
os.makedirs('out', exist_ok=True)
";
    edit(text, "'x'", "'z'", &["a"]);
    edit(text, "'y'", "'z'", &["b"]);
    edit(text, "'json'", "'jsonx'", &["c"]);
    edit(text, "seed(1)", "seed(2)", &["d"]);
    edit(text, "prec = 5", "prec = 6", &["e"]);
    edit(text, "5000", "6000", &[]);
    edit(text, "INFO", "DEBUG", &[]);
    edit(text, "'out'", "'outs'", &[]);
}

#[test]
fn names_made_by_loops_and_conditions() {
    let text = "
import sys
OPS = {}
for name in ['a', 'b']:
    OPS[name] = name * 2
for n in range(2):
    globals()[f'f{n}'] = n
if sys.version_info > (3, 8):
    MODE = 'new'
else:
    MODE = 'old'
if __name__ == '__main__':
    MODE = 'main'
if False:
    MODE = 'never'
with open('x') as src:
    DATA = src.read()
SQUARES = [x * x for x in range(3)]
A = B = 3
[P, *Q] = [1, 2, 3]
try:
    import json
    LEVEL = 1
except Exception:
    LEVEL = 2
finally:
    FIN = 1
@function()
def a(): return OPS['a']
@function()
def b(): return f1
@function()
def c(): return MODE
@function()
def d(): return DATA
@function()
def e(): return SQUARES
@function()
def f(): return B, Q
@function()
def g(): return LEVEL
@function()
def h(): return FIN
";
    edit(text, "name * 2", "name * 3", &["a"]);
    edit(text, "'new'", "'newer'", &["c"]);
    edit(text, "'old'", "'older'", &["c"]);
    edit(text, "(3, 8)", "(3, 9)", &["c"]);
    edit(text, "'main'", "'mainly'", &[]);
    edit(text, "'never'", "'ever'", &[]);
    edit(text, "open('x')", "open('y')", &["d"]);
    edit(text, "x * x", "x + x", &["e"]);
    edit(text, "A = B = 3", "A = B = 4", &["f"]);
    edit(text, "[1, 2, 3]", "[1, 2, 4]", &["f"]);
    edit(text, "LEVEL = 2", "LEVEL = 3", &["g"]);
    edit(text, "FIN = 1", "FIN = 2", &["h"]);
    edit(text, "globals()[f'f{n}'] = n", "globals()[f'f{n}'] = n + 1", &["b"]);
}

#[test]
fn an_import_keeps_what_it_took() {
    let text = "
import shop
from shop import vat
import shop.util as u
@function()
def a(): return vat()
@function()
def b(): return u.cost()
# file shop/__init__.py
from .tax import vat
from . import rates
rates.RATE = 30
# file shop/rates.py
RATE = 20
# file shop/tax.py
from .rates import RATE
def vat(): return RATE
# file shop/util.py
from . import rates
def cost(): return rates.RATE
";
    edit(text, "30", "31", &["b"]);
    edit(text, "20", "21", &["a"]);
}
