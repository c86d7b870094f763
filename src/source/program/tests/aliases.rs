//! Objects that change at import under another name than the one by which they are read.

use super::edit;

#[test]
fn another_name_of_a_list_and_its_methods() {
    let text = "
RULES = []
ALIAS = RULES
add = RULES.append
T = {'a': [], 'b': []}
SEEN = set()
HS = [1, 2, 3]
@function()
def a(): return RULES
@function()
def b(): return T['a']
@function()
def c(): return SEEN
@function()
def d(): return HS[0]
@function()
def e(): return 0
ALIAS.append(10)
add(20)
for part in T.values():
    part.append(30)
_ = [SEEN.add(x) for x in (40, 41)]
last = HS.pop(50)
";
    edit(text, "append(10)", "append(11)", &["a"]);
    edit(text, "add(20)", "add(21)", &["a"]);
    edit(text, "append(30)", "append(31)", &["b"]);
    edit(text, "(40, 41)", "(42, 41)", &["c"]);
    edit(text, "pop(50)", "pop(51)", &["d"]);
}

#[test]
fn local_names_of_functions_that_register() {
    let text = "
HS = {}
def put(name, fn):
    table = HS
    table[name] = fn
put('a', 10)

BUCKETS = {}
def reg(fn):
    bucket = BUCKETS.setdefault('x', [])
    bucket.append(fn)
    return fn
@reg
def rule(): return 20

INTO = {}
def keyed(key, fn, into):
    into[key] = fn
keyed('x', into=INTO, fn=30)

GIVEN = {}
def given(): return GIVEN
given()['x'] = 40

STATE = {}
def setup(table=STATE, v=50):
    table['k'] = v
setup()

@function()
def a(): return HS['a']
@function()
def b(): return BUCKETS['x']
@function()
def c(): return INTO['x']
@function()
def d(): return GIVEN['x']
@function()
def e(): return STATE['k']
@function()
def f(): return 0
";
    edit(text, "'a', 10", "'a', 11", &["a"]);
    edit(text, "return 20", "return 21", &["b"]);
    edit(text, "fn=30", "fn=31", &["c"]);
    edit(text, "= 40", "= 41", &["d"]);
    edit(text, "v=50", "v=51", &["e"]);
}

#[test]
fn what_holds_an_object_sees_it_change_later() {
    let text = "
TABLE = {'a': 1}
VIEW = TABLE
COPY = dict(TABLE)
COUNT = len(TABLE)
def read(t=TABLE): return t['a']
@function()
def a(): return VIEW
@function()
def b(): return read()
@function()
def c(): return COPY
@function()
def d(): return COUNT
TABLE['a'] = 10
";
    // A copy was taken before.
    edit(text, "= 10", "= 11", &["a", "b"]);
}

#[test]
fn namespaces_that_are_changed_as_tables() {
    let text = "
A = 1
B = 2
@function()
def a(): return A
@function()
def b(): return B
@function()
def d():
    import fakemod
    return fakemod.val()
@function()
def e(): return scale()
def scale(by=1): return by
globals().update(A=10)
import sys, types
m = types.ModuleType('fakemod')
m.val = lambda: 30
sys.modules['fakemod'] = m
scale.__defaults__ = (40,)
";
    edit(text, "A=10", "A=11", &["a"]);
    edit(text, ": 30", ": 31", &["d"]);
    edit(text, "(40,)", "(41,)", &["e"]);
}

#[test]
fn environment_variables_by_their_names() {
    let text = "
import os
from os import environ, getenv
os.environ['MODE'] = 'a1'
os.environ.setdefault('OTHER', 'b1')
@function()
def a(): return os.environ.get('MODE', '')
@function()
def b(): return getenv('OTHER')
@function()
def c(): return environ['MODE']
@function()
def d(): return dict(os.environ)
@function()
def e(): return os.environ.get('THIRD')
";
    edit(text, "a1", "a2", &["a", "c", "d"]);
    edit(text, "b1", "b2", &["b", "d"]);
}

#[test]
fn a_text_that_is_executed_binds_names() {
    let text = "
exec('def made(v):\\n    return v + 20')
LIMIT = 1
@function()
def a(): return made(1)
@function()
def b(): return LIMIT
";
    edit(text, "v + 20", "v + 21", &["a"]);
    edit(text, "'def made(v):\\n    return v + 20'", "open('x').read()", &["a", "b"]);
}
