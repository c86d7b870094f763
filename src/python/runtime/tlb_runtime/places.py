"""On whose account user code looks at a file: read off the stack.

A read belongs to its call. It concerns others, too, when its result is kept: by a module that is
being imported, by a function that remembers (a cache, a global variable), by the instance of a
class with functions. Then the place is named that others reach when they depend on it.
"""

from __future__ import annotations

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_SOURCES = (".py", ".pyc", ".so", ".pyd")

#: What stands between os.stat and who asked.
_BETWEEN = frozenset(
    (
        __file__,
        _HERE + "reads.py",
        "<frozen posixpath>",
        os.path.isfile.__code__.co_filename,
    )
)


def place(name: str, listing: bool, inside):
    """``(file, line)`` of what keeps the result, None for the call alone; False: not counted.

    ``inside``: the path of a source relative to the project, None when it does not belong to it.
    """
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename in _BETWEEN:
        frame = frame.f_back
    if frame is None:
        return None
    where = frame.f_code.co_filename
    if where.startswith("<frozen importlib"):
        # The import system looks for modules and reads sources: the loader reports those.
        if listing or name.endswith(_SOURCES):
            return False
    elif where.startswith(_HERE) or "importlib/metadata/" in where:
        # Neither do installed packages belong to the project when they are looked for in it.
        return False
    elif name.endswith(".py") and _shows_source(frame):
        return False
    at = last = None
    instance = _instance_code()
    while frame is not None:
        code = frame.f_code
        where = code.co_filename
        if code is instance:
            return last or at
        if where.startswith(_HERE):
            if code.co_name == "_execute":
                break
        else:
            source = inside(where)
            if source is not None:
                last = (source, frame.f_lineno)
                if code.co_name == "<module>":
                    return last
                if _keeps(frame, code):
                    at = (source, code.co_firstlineno)
        frame = frame.f_back
    return at


def _shows_source(frame) -> bool:
    """True for linecache on behalf of a traceback: no behaviour depends on that."""
    inner = True
    for _ in range(6):
        if frame is None:
            return False
        name = frame.f_code.co_filename
        if name.endswith("linecache.py"):
            inner = False
        elif not inner:
            return not name.endswith("inspect.py")
        elif not name.endswith("tokenize.py"):
            return False
        frame = frame.f_back
    return False


_instance_of_class = None


def _instance_code():
    global _instance_of_class
    if _instance_of_class is None:
        body = sys.modules.get(__package__ + ".body")
        if body is not None:
            _instance_of_class = body._instance.__code__
    return _instance_of_class


_keeping: dict = {}


def _keeps(frame, code) -> bool:
    """Whether a function keeps its result for later calls."""
    rebinds, stores = _stores(code)
    if rebinds:
        return True
    if stores and any(type(frame.f_globals.get(name)) in (dict, list) for name in code.co_names):
        return True
    functools = sys.modules.get("functools")
    if functools is None:
        return False
    kinds = (functools._lru_cache_wrapper, functools.cached_property)
    name = code.co_name
    if isinstance(frame.f_globals.get(name), kinds):
        return True
    # A method: its class is that of its first argument, or above it.
    if code.co_argcount and code.co_varnames:
        owner = frame.f_locals.get(code.co_varnames[0])
        for cls in getattr(owner if isinstance(owner, type) else type(owner), "__mro__", ()):
            if isinstance(cls.__dict__.get(name), kinds):
                return True
    return False


def _stores(code):
    """Whether it binds a global variable, and whether it puts something into something."""
    known = _keeping.get(code)
    if known is None:
        from opcode import opmap

        used = set(code.co_code[::2])
        puts = not {"setdefault", "append", "update"}.isdisjoint(code.co_names)
        known = opmap["STORE_GLOBAL"] in used, puts or opmap["STORE_SUBSCR"] in used
        if len(_keeping) > 10_000:
            _keeping.clear()
        _keeping[code] = known
    return known
