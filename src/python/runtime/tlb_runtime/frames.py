"""What a body that waits looks like from inside: its Python frames, and what their names stand for.

Asked for while somebody looks at a call that waits; answered by whichever thread reads the socket.

**Looks only.** No code of the user's runs: no ``repr``, no property, no ``__getattr__``, no iteration
by anything but the built-in types' own. A value is taken apart by its real type; of an instance that
is not known it is said which class it is of, and what lies in its ``__dict__`` and slots.

**Bounded.** Frames, names, elements, levels, characters, and all values together. What was cut
says so: the engine takes secrets out, and must know where one may be torn.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from itertools import islice
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)

from .errors import is_ours
from .wire import clean, encode_json, frame

_FRAMES = 48
_TASKS = 16
_NAMES = 80
_ITEMS = 32
_DEPTH = 5
_CHARS = 2000
_KEY_CHARS = 200
_BYTES = 256
_INT_BITS = 512
#: Values of one answer, and characters of them.
_VALUES = 6000
_TEXT = 400_000

_mro = type.__dict__["__mro__"].__get__
_namespace = type.__dict__["__dict__"].__get__
_class_name = type.__dict__["__qualname__"].__get__
_flags = type.__dict__["__flags__"].__get__
#: Set on classes that Python code made (Py_TPFLAGS_HEAPTYPE).
_HEAP = 1 << 9
_cut = {"o": "…", "k": "not looked at any further"}


def answer(executor, header: dict) -> None:
    """Tell the frames of the calls that are asked for."""
    look = _Look()
    stacks = []
    for number, attempt, request in header["calls"]:
        call = executor.calls.get(number)
        if call is None or call.attempt != attempt:
            stacks.append({"call": number, "why": "its body does not run any more"})
            continue
        try:
            stacks += look.stacks(call, request)
        except Exception as error:  # whatever a strange interpreter state may bring
            stacks.append({"call": number, "why": "its frames cannot be read: %s" % type(error).__name__})
    blob = encode_json(stacks).encode("ascii")
    try:
        executor.session.send(frame('{"t":"frames","id":%d}' % header["id"], (blob,)))
    except OSError as error:
        executor.session.lost(error)


class _Look:
    """One look: what is left of its budgets."""

    def __init__(self):
        self.values = _VALUES
        self.text = _TEXT

    # Stacks

    def stacks(self, call, request) -> list:
        """The stacks in which a call's body waits: that which waits for ``request`` first."""
        threads = sys._current_frames()
        own = threads.get(call.thread)
        found = []
        if request:
            waiting = [id for id, top in threads.items() if id != call.thread and _waits(top, request)]
            found += [(None, _walk(threads[id])) for id in waiting[:_TASKS]]
        if own is not None:
            tasks = _tasks(own)
            if request:
                # That which waits for it comes first; the others keep their order.
                tasks.sort(key=lambda task: request not in task[2])
            stack = _walk(own)
            if tasks:
                stack = [one for one in stack if not _is_asyncio(one[0].f_code.co_filename)]
            found += [(name, frames) for name, frames, _ in tasks[:_TASKS] if frames]
            if stack:
                found.append((None, stack))
        if not found:
            return [{"call": call.number, "why": "it is in no code of the project"}]
        return [self.stack(call.number, name, frames) for name, frames in found]

    def stack(self, number: int, task, frames) -> dict:
        """Frames, the innermost first."""
        out = {"call": number, "frames": [self.frame(*one) for one in frames[:_FRAMES]]}
        if task:
            out["task"] = clean(task)
        if len(frames) > _FRAMES:
            out["more"] = len(frames) - _FRAMES
        return out

    def frame(self, found, line) -> dict:
        code = found.f_code
        name = getattr(code, "co_qualname", code.co_name)
        out = {
            "file": clean(code.co_filename),
            "line": line or 0,
            "name": clean(name),
            "text": clean(_source(code.co_filename, line)),
        }
        names = found.f_locals
        # A class body may have a mapping of its own making.
        if type(names) is dict or type(names).__name__ == "FrameLocalsProxy":
            pairs = [
                (name, value)
                for name, value in list(names.items())
                if type(name) is str and not name.startswith(("__", ".", "@"))
            ]
            out["locals"] = [[clean(name), self.value(value, _DEPTH)] for name, value in pairs[:_NAMES]]
            if len(pairs) > _NAMES:
                out["more"] = len(pairs) - _NAMES
        return out

    # Values

    def value(self, value, depth: int):
        """A value as docs/protocol.md says."""
        self.values -= 1
        if self.values < 0 or self.text < 0:
            return _cut
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        if kind is int:
            if -(1 << 63) <= value < 1 << 63:
                return value
            bits = value.bit_length()
            return {"o": str(value) if bits <= _INT_BITS else "an integer of %d bits" % bits, "k": "int"}
        if kind is float:
            if value - value == 0.0:
                return value
            return {"o": "nan" if value != value else "inf" if value > 0 else "-inf", "k": "float"}
        if issubclass(kind, str):
            return self.string(value, kind)
        if issubclass(kind, (bytes, bytearray)):
            base = bytes if issubclass(kind, bytes) else bytearray
            head = base.__getitem__(value, slice(_BYTES))
            self.text -= len(head)
            return {"b": b64encode(head).decode(), "n": base.__len__(value), "k": _name(kind)}
        if depth <= 0:
            return {"o": "…", "k": _name(kind)}
        try:
            return self.container(value, kind, depth)
        except RuntimeError:  # it changed while it was looked at
            return {"o": "it changes while one looks", "k": _name(kind)}

    def string(self, value, kind):
        count = str.__len__(value)
        head = str.__getitem__(value, slice(_CHARS)) if count > _CHARS else str.__str__(value)
        head = clean(head)
        self.text -= len(head)
        if kind is str and count <= _CHARS:
            return head
        out = {"s": head, "k": _name(kind)}
        if count > _CHARS:
            out["n"] = count
        return out

    def container(self, value, kind, depth: int):
        if issubclass(kind, dict):
            pairs = list(islice(dict.items(value), _ITEMS))
            shown = [[self.value(key, 1), self.value(held, depth - 1)] for key, held in pairs]
            return {"d": shown, "n": dict.__len__(value), "k": _name(kind)}
        for base in (list, tuple, set, frozenset):
            if issubclass(kind, base):
                items = list(islice(base.__iter__(value), _ITEMS))
                fields = _field_names(kind) if base is tuple else None
                if fields is not None and len(fields) == len(items):
                    pairs = [[name, self.value(item, depth - 1)] for name, item in zip(fields, items)]
                    return {"a": pairs, "n": len(pairs), "k": _name(kind)}
                shown = [self.value(item, depth - 1) for item in items]
                return {"l": shown, "n": base.__len__(value), "k": _name(kind), "of": base.__name__}
        return self.instance(value, kind, depth)

    def instance(self, value, kind, depth: int):
        text = _known(value, kind)
        if text is not None:
            return {"o": clean(text), "k": _name(kind)}
        if issubclass(kind, int):  # an IntEnum
            return {"o": int.__repr__(value), "k": _name(kind)}
        name = _name(kind)
        if name.startswith(("tensorlake.", "tlb_runtime.")):
            held = object.__getattribute__(value, "_name") if name.endswith(".Function") else ""
            return {"o": clean(str(held)), "k": name}
        if issubclass(kind, BaseException):
            held = BaseException.__dict__["args"].__get__(value)
            attributes = [("args", held)] + _attributes(value, kind)
        else:
            attributes = _attributes(value, kind)
        shown = [[clean(name), self.value(held, depth - 1)] for name, held in attributes[:_ITEMS]]
        return {"a": shown, "n": len(attributes), "k": name}


def _attributes(value, kind) -> list:
    """What an instance holds, as far as that needs nobody's code."""
    pairs = []
    for base in reversed(_mro(kind)):
        for name, slot in list(_namespace(base).items()):
            if type(name) is not str:
                continue
            if type(slot) is MemberDescriptorType and _flags(base) & _HEAP:
                try:
                    pairs.append((name, slot.__get__(value, kind)))
                except AttributeError:
                    pass
    for base in _mro(kind):
        slot = _namespace(base).get("__dict__")
        if slot is not None:
            if type(slot) is GetSetDescriptorType:
                held = slot.__get__(value, kind)
                if type(held) is dict:
                    pairs += [(name, one) for name, one in list(held.items()) if type(name) is str]
            break
    return [(name, held) for name, held in pairs if not name.startswith("__")]


def _field_names(kind):
    """The names of a named tuple's fields."""
    fields = _namespace(kind).get("_fields")
    if type(fields) is tuple and all(type(name) is str for name in fields):
        return fields
    return None


def _known(value, kind):
    """The text of an instance whose class is known to run nobody's code."""
    if kind is FunctionType or kind is BuiltinFunctionType:
        return "%s.%s" % (value.__module__, value.__qualname__)
    if kind is MethodType:
        inner = value.__func__
        return inner.__qualname__ if type(inner) is FunctionType else ""
    if kind is ModuleType:
        name = ModuleType.__dict__["__dict__"].__get__(value).get("__name__")
        return name if type(name) is str else ""
    if issubclass(kind, type):
        return _name(value)
    if kind is complex or kind is range:
        return repr(value)
    module = sys.modules.get("datetime")
    if module is not None:
        if kind is module.date or kind is module.timedelta or kind is module.timezone:
            return str(value)
        if kind is module.datetime or kind is module.time:
            zone = value.tzinfo
            return value.isoformat() if zone is None or type(zone) is module.timezone else None
    for name, classes in (("decimal", ("Decimal",)), ("uuid", ("UUID",)), ("fractions", ("Fraction",)),
                          ("pathlib", ("PosixPath", "PurePosixPath", "WindowsPath"))):  # fmt: skip
        module = sys.modules.get(name)
        if module is not None and any(kind is vars(module).get(one) for one in classes):
            return str(value)
    return None


def _name(kind) -> str:
    """A class's full name."""
    module = _namespace(kind).get("__module__")
    name = _class_name(kind)
    if type(module) is not str or module == "builtins":
        return clean(name)
    return clean("%s.%s" % (module, name))


# Frames


def _walk(top) -> list:
    """(frame, line) of a thread from the innermost out, without ours."""
    found = []
    while top is not None:
        if not _is_machinery(top.f_code.co_filename):
            found.append((top, top.f_lineno))
        top = top.f_back
    return found


def _is_machinery(filename: str) -> bool:
    return is_ours(filename) or filename.startswith("<frozen ") or filename in _threading()


def _threading() -> tuple:
    module = sys.modules.get("threading")
    return () if module is None else (module.__file__,)


def _is_asyncio(filename: str) -> bool:
    package = sys.modules.get("asyncio")
    folders = getattr(package, "__path__", None) if package is not None else None
    selectors = sys.modules.get("selectors")
    if selectors is not None and filename == selectors.__file__:
        return True
    return bool(folders) and filename.startswith(folders[0])


def _waits(top, request: int) -> bool:
    """Whether a thread waits for the answer to a request."""
    while top is not None:
        code = top.f_code
        if code.co_name in ("wait_for", "wait_many") and is_ours(code.co_filename):
            return request in _requests_of(top)
        top = top.f_back
    return False


def _requests_of(found) -> list:
    names = found.f_locals
    many = names.get("pendings")
    held = list(many) if type(many) in (list, tuple) else [names.get("pending")]
    return [one.id for one in held if type(one).__name__ == "Pending"]


def _tasks(top) -> list:
    """(name, frames, requests it waits for) of the tasks of the loop that a thread runs."""
    asyncio = sys.modules.get("asyncio")
    loop = None
    while top is not None and asyncio is not None:
        if top.f_code.co_name == "run_forever" and _is_asyncio(top.f_code.co_filename):
            loop = top.f_locals.get("self")
            break
        top = top.f_back
    if loop is None:
        return []
    found = []
    for task in asyncio.all_tasks(loop):
        if type(task) is asyncio.Task:
            found.append((task.get_name(), *_chain(task.get_coro())))
    # In the order in which they were made, as far as their names tell.
    found.sort(key=lambda one: (len(str(one[0])), str(one[0])))
    return found


def _chain(coroutine):
    """The frames of a suspended coroutine from the innermost out, and the requests it waits for."""
    frames, requests = [], []
    for _ in range(10 * _FRAMES):
        kind = type(coroutine)
        if kind is CoroutineType:
            found, inner = coroutine.cr_frame, coroutine.cr_await
        elif kind is GeneratorType:
            found, inner = coroutine.gi_frame, coroutine.gi_yieldfrom
        elif kind is AsyncGeneratorType:
            found, inner = coroutine.ag_frame, coroutine.ag_await
        else:
            break
        if found is not None:
            name = found.f_code.co_filename
            if is_ours(name):
                if found.f_code.co_name == "await_future":
                    requests += _requests_of(found)
            elif not _is_asyncio(name):
                frames.append((found, found.f_lineno))
        coroutine = inner
    frames.reverse()
    return frames, requests


def _source(filename: str, line) -> str:
    """The line of the source as the file has it now."""
    from linecache import checkcache, getline

    from . import reads

    # Reading the file is no read of the call for which this thread works.
    here, before = reads._here, reads._here.busy
    here.busy = True
    try:
        checkcache(filename)
        return getline(filename, line or 0).strip()[:_KEY_CHARS]
    except Exception:
        return ""
    finally:
        here.busy = before
