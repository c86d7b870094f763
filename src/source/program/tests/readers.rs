//! Docstrings, signatures, names and sources: they count for who reads them.

use super::*;

const TOOLS: &str = "
import inspect
from typing import get_type_hints
from inspect import signature as sig
from tools import weather, lookup, TOOLS
import tools
def describe(fn): return fn.__doc__
def schema(fn): return str(inspect.signature(fn))
def run(fn): return fn('x')
@function()
def plan(q): return weather.__doc__
@function()
def shape(q): return inspect.signature(lookup)
@function()
def shape2(q): return sig(lookup), get_type_hints(weather)
@function()
def own(q):
    'Own doc.'
    return own.__doc__
@function()
def call(q):
    'Call.'
    return weather(q) + lookup(q)
@function()
def through(q): return describe(weather)
@function()
def through2(q): return schema(lookup)
@function()
def all_docs(q): return [t.__doc__ for t in TOOLS]
@function()
def ran(q): return run(weather)
@function()
def named(q): return weather.__name__
@function()
def source(q): return inspect.getsource(weather)
@function()
def module_doc(q): return tools.__doc__
@function()
def of_function(q): return call.__doc__
@function()
def helped(q): return inspect.getdoc(tools.lookup)
# file tools.py
'The tools.'
UNIT = 'C'
def weather(city: str) -> str:
    'Tell the weather.'
    return 'sunny ' + city + UNIT
def lookup(term: str, limit: int = 3) -> str:
    'Look up.'
    return term[:limit]
def spare(x):
    'Spare.'
    return x
TOOLS = [weather, lookup]
";

#[test]
fn readers() {
    edit(TOOLS, "'Tell the weather.'", "'Tell it.'", &["plan", "through", "all_docs", "source"]);
    edit(TOOLS, "limit: int", "limit: float", &["shape", "shape2", "through2"]);
    edit(TOOLS, "city: str", "city: bytes", &["shape2", "source"]);
    edit(TOOLS, "'Own doc.'", "'My doc.'", &["own"]);
    edit(TOOLS, "'Call.'", "'Calls.'", &["of_function"]);
    edit(TOOLS, "'Look up.'", "'Look it up.'", &["all_docs", "helped"]);
    edit(TOOLS, "term[:limit]", "term[-limit:]", &["call", "through2", "all_docs"]);
    edit(TOOLS, "'sunny '", "'rain '", &["call", "through", "all_docs", "ran", "source"]);
    edit(TOOLS, "limit: int = 3", "limit: int = 4", &["shape", "shape2", "call", "through2", "all_docs"]);
    edit(TOOLS, "'The tools.'", "'Tools.'", &["module_doc"]);
    edit(TOOLS, "'Spare.'", "'Spares.'", &[]);
    edit(TOOLS, "    return 'sunny", "    # a comment\n    return 'sunny", &["source"]);
}

#[test]
fn outside_code_may_read_what_it_is_given() {
    let text = "
from agents import Agent, tool
import agents
def search(q: str) -> str:
    'Search.'
    return q
@tool
def decorated(q: str):
    'Decorated.'
    return q
@agents.tool(name='x')
def decorated2(q: str):
    'Decorated too.'
    return q
def plain(q: str):
    'Plain.'
    return q
@function()
def a(q): return Agent(tools=[search]).run(q)
@function()
def b(q): return decorated(q), decorated2(q)
@function()
def c(q): return plain(q)
@function()
def d(q): return Agent([a])
";
    edit(text, "'Search.'", "'Find.'", &["a"]);
    edit(text, "def search(q: str)", "def search(q: bytes)", &["a"]);
    edit(text, "'Decorated.'", "'Deco.'", &["b"]);
    edit(text, "'Decorated too.'", "'Deco.'", &["b"]);
    edit(text, "'Plain.'", "'Simple.'", &[]);
    edit(text, "def plain(q: str)", "def plain(q)", &[]);
}

#[test]
fn names_of_the_module_and_the_function() {
    let text = "
import helper
@function()
def a(): return helper.where()
@function()
def b(): return helper.plain()
# file helper.py
def where(): return __name__
def plain(): return 1
";
    let moved = text
        .replace("import helper", "import other as helper")
        .replace("# file helper.py", "# file other.py");
    pair(text, &moved, &["a"]);
}

#[test]
fn a_version_stands_for_everything() {
    let text = "
def helper(): return 1
@function(version='2')
def a(): return helper()
";
    edit(text, "return 1", "return 2", &[]);
    edit(text, "version='2'", "version='3'", &["a"]);
}

#[test]
fn a_registry_of_the_project_reads_no_hints() {
    let text = "
from functools import singledispatch
class Registry:
    def __init__(self): self.table = {}
    def register(self, fn):
        self.table[fn.__name__] = fn
        return fn
    def named(self, name): return self.register
reg = Registry()
@reg.register
def handle(n): return n
@singledispatch
def show(v): return 0
@show.register
def _(v: int): return 1
@function()
def a(): return reg.table['handle'](1)
@function()
def b(): return show(1)
";
    edit(text, "def handle(n)", "def handle(n: int) -> int", &[]);
    edit(text, "v: int", "v: str", &["b"]);
}
