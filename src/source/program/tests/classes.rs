//! Classes: members, bases, fields, what classes do when they are made.

use super::*;

#[test]
fn members_by_use() {
    let text = "
from dataclasses import dataclass, field
from enum import Enum
from models import Premium, Order

class Config:
    LIMIT = 3
    OTHER = 4
    label: str = 'x'
    @property
    def double(self): return self.LIMIT * 2
    @classmethod
    def make(cls): return cls()
    @staticmethod
    def motto(): return 'm'
    def __len__(self): return 1
    def unused(self): return 2

@function()
def a(): return Premium(3).discount()
@function()
def b(): return Order(1).total()
@function()
def c(): return Config.LIMIT
@function()
def d(): return Config().double
@function()
def e(): return Config.make().label
@function()
def f(x): return isinstance(x, Premium)
@function()
def g(): return getattr(Config, 'motto')()

# file models.py
from dataclasses import dataclass
class Customer:
    rate = 2
    def __init__(self, n): self.n = n
    def base(self): return self.n * self.rate
    def discount(self): return self.base()
    def unused(self): return 0
class Premium(Customer):
    extra = 5
    def discount(self): return super().discount() + self.extra
@dataclass
class Order:
    qty: int
    unit: int = 4
    def total(self): return self.qty * self.unit
    def describe(self): return 'order'
";
    edit(text, "self.n = n", "self.n = n + 1", &["a", "f"]);
    edit(text, "rate = 2", "rate = 3", &["a"]);
    edit(text, "extra = 5", "extra = 6", &["a", "f"]);
    edit(text, "return self.base()", "return self.base() + 1", &["a"]);
    edit(text, "def unused(self): return 0", "def unused(self): return 5", &[]);
    edit(text, "unit: int = 4", "unit: int = 5", &["b"]);
    edit(text, "unit: int = 4", "unit: float = 4", &[]);
    edit(text, "qty: int\n", "qty: 'int'\n", &[]);
    edit(text, "unit: int = 4", "unit = 4", &["b"]);
    edit(text, "qty: int\n    unit: int = 4", "unit: int = 4\n    qty: int = 2", &["b"]);
    edit(text, "'order'", "'Order'", &[]);
    edit(text, "LIMIT = 3", "LIMIT = 5", &["c", "d"]);
    edit(text, "OTHER = 4", "OTHER = 5", &[]);
    edit(text, "self.LIMIT * 2", "self.LIMIT * 3", &["d"]);
    edit(text, "label: str = 'x'", "label: str = 'y'", &["e"]);
    edit(text, "return 'm'", "return 'n'", &["g"]);
    edit(text, "def __len__(self): return 1", "def __len__(self): return 2", &["c", "d", "e", "g"]);
    edit(text, "def unused(self): return 2", "def unused(self): return 3", &[]);
    edit(text, "class Premium(Customer)", "class Premium(Customer, object)", &["a", "f"]);
}

#[test]
fn enums_tuples_and_models() {
    let text = "
from enum import Enum, auto
from typing import NamedTuple, TypedDict
from pydantic import BaseModel, field_validator
class Kind(Enum):
    FAST = 1
    SLOW = auto()
    @property
    def pretty(self): return self.name.title()
class Point(NamedTuple):
    x: int
    y: int = 0
class Row(TypedDict):
    name: str
class Inner(BaseModel):
    n: int
class Model(BaseModel):
    'A model.'
    a: int = 1
    inner: Inner
    @field_validator('a')
    def check(cls, v): return v + 1

@function()
def a(): return Kind.FAST.value
@function()
def b(): return Kind['FAST'].pretty
@function()
def c(): return Point(1)
@function()
def d(row: Row): return row['name']
@function()
def e(): return Row(name='x')
@function()
def f(): return Model(a=1, inner={'n': 1})
@application()
@function()
def g(model: Model) -> str: return 'x'
@application()
@function()
def h(model: 'Model') -> list[int]: return 'x'
";
    edit(text, "FAST = 1", "FAST = 2", &["a", "b"]);
    edit(text, ".title()", ".upper()", &["b"]);
    edit(text, "y: int = 0", "y: int = 1", &["c"]);
    edit(text, "    x: int\n    y: int = 0", "    y: int\n    x: int = 0", &["c"]);
    edit(text, "name: str", "name: int", &[]);
    edit(text, "name: str\n", "name: str\n    size: int\n", &["e"]);
    edit(text, "a: int = 1", "a: float = 1", &["f", "g", "h"]);
    edit(text, "'A model.'", "'The model.'", &["f", "g", "h"]);
    edit(text, "n: int", "n: str", &["f", "g", "h"]);
    edit(text, "v + 1", "v + 2", &["f", "g", "h"]);
    edit(text, "-> str", "-> bytes", &["g"]);
}

#[test]
fn what_classes_do_when_they_are_made() {
    let text = "
from base import Base, Meta, BY_META
import plugins
@function()
def a(): return [p().run() for p in Base.registry.values()]
@function()
def b(): return [p().run() for p in Base.__subclasses__()]
@function()
def c(): return [p().run() for p in BY_META]
@function()
def d(): return plugins.One().run()

# file base.py
BY_META = []
class Meta(type):
    def __init__(cls, name, bases, ns):
        super().__init__(name, bases, ns)
        BY_META.append(cls)
class Base:
    registry = {}
    def __init_subclass__(cls, **kw):
        super().__init_subclass__(**kw)
        cls.registry[cls.__name__] = cls
    def run(self): return 0

# file plugins.py
from base import Base, Meta
class One(Base):
    def run(self): return 1
class Two(Base):
    def run(self): return 2
class Three(metaclass=Meta):
    def run(self): return 3
";
    edit(text, "return 1", "return 11", &["a", "b", "d"]);
    edit(text, "return 2", "return 22", &["a", "b"]);
    edit(text, "return 3", "return 33", &["c"]);
    edit(text, "class Three(metaclass=Meta)", "class Three", &["c"]);
    edit(text, "class Two(Base)", "class Two", &["a", "b"]);
    edit(text, "import plugins\n", "", &["a", "b", "c", "d"]);
}

#[test]
fn methods_that_others_call() {
    let text = "
import ast
from collections import UserDict
from functools import cached_property, total_ordering
class Names(ast.NodeVisitor):
    def __init__(self): self.found = []
    def visit_Name(self, node): self.found.append(node.id)
class Lower(UserDict):
    def helper(self): return 1
class Box:
    def __init__(self): self.n = 1
    def __enter__(self): return self
    def __exit__(self, *a): return None
    def __getattr__(self, name): return name
    @cached_property
    def size(self): return self.n
    @size.setter
    def size(self, v): self.n = v * 2
class Typed:
    def __set_name__(self, owner, name): self.name = name
    def __get__(self, obj, kind): return self.name
class Owner:
    field = Typed()
@function()
def a(text):
    names = Names()
    names.visit(ast.parse(text))
    return names.found
@function()
def b():
    with Box() as box: return box.size
@function()
def c(): return Owner().field
@function()
def d(kind): return getattr(Box(), kind)
@function()
def e(kind): return getattr(Box(), 'si' + kind)
";
    edit(text, "node.id)", "node.id.lower())", &["a"]);
    edit(text, "return None", "return True", &["b", "d", "e"]);
    edit(text, "return self.n\n", "return self.n + 1\n", &["b", "d", "e"]);
    edit(text, "self.name = name", "self.name = name * 2", &["c"]);
    edit(text, "return self.name", "return self.name * 2", &["c"]);
}

#[test]
fn methods_that_are_functions() {
    let text = "
RATE = 2
class Base:
    def shared(self): return RATE
@cls()
class Scorer(Base):
    def __init__(self): self.bias = 7
    @function()
    def score(self, n): return n + self.bias + self.shared()
    @function()
    def title(self, n): return str(n) + self.pretty(n)
    def pretty(self, n): return n
    @function()
    def both(self, n): return self.score(n)
@function()
def f(n): return Scorer().score(n)
";
    edit(text, "self.bias = 7", "self.bias = 8", &["Scorer.score", "Scorer.title", "Scorer.both", "f"]);
    edit(text, "n + self.bias", "n - self.bias", &["Scorer.score"]);
    edit(text, "def pretty(self, n): return n", "def pretty(self, n): return -n", &["Scorer.title"]);
    edit(text, "RATE = 2", "RATE = 3", &["Scorer.score"]);
    edit(text, "    def pretty", "    # c\n\n    def pretty", &[]);
    edit(text, "return str(n)", "return repr(n)", &["Scorer.title"]);
}

#[test]
fn what_an_assignment_to_an_attribute_runs() {
    let text = "
class Field:
    def __set__(self, obj, value): obj.__dict__['y'] = value + 10
class Cart:
    limit = 30
    size = Field()
    @property
    def count(self): return self.n
    @count.setter
    def count(self, v): self.n = v + 20
@function()
def a():
    cart = Cart()
    cart.count = 1
    return cart.n
@function()
def b():
    cart = Cart()
    cart.size = 1
    return cart.y
@function()
def c(): return Cart().other
";
    edit(text, "v + 20", "v + 21", &["a"]);
    edit(text, "value + 10", "value + 11", &["b"]);
    edit(text, "limit = 30", "limit = 31", &[]);
}

#[test]
fn an_enum_asks_for_what_has_an_underscore() {
    let text = "
from enum import Enum, auto
class Kind(Enum):
    @staticmethod
    def _generate_next_value_(name, start, count, last): return count + 10
    A = auto()
    @classmethod
    def _missing_(cls, value): return cls.B if value > 20 else cls.A
    def label(self): return 30
@function()
def a(): return Kind(5)
";
    edit(text, "count + 10", "count + 11", &["a"]);
    edit(text, "> 20", "> 21", &["a"]);
    edit(text, "return 30", "return 31", &[]);
}

#[test]
fn a_class_patched_after_it_has_subclasses() {
    let text = "
class Base:
    limit = 1
class One(Base):
    pass
@function()
def a(): return One().limit
@function()
def b(): return One()
Base.limit = 10
";
    edit(text, "= 10", "= 11", &["a"]);
}
