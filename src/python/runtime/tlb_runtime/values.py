"""Pickling of arguments, results and state, and saying *where* a value cannot be pickled.

Values cross every call as pickles, protocol 5, so that a callee never shares an object with its
caller. The C functions are imported directly: the ``pickle`` module costs ``re`` at import.
"""

from __future__ import annotations

import sys
import time
from _pickle import dumps as _dumps
from _pickle import loads as _loads

from tensorlake.applications.interface.exceptions import (
    DeserializationError,
    SDKUsageError,
    SerializationError,
)

_PREFIX = "Failed to serialize data with pickle serializer: "
#: The search for the culprit pickles parts of the value again; it may not take long.
_SEARCH_SECONDS = 2.0
_SEARCH_DEPTH = 60


def dumps(value, what: str = "", *names) -> bytes:
    """The pickle of a value. ``what % names`` names it in the error, e.g. ``argument 'x' of 'f'``."""
    try:
        return _dumps(value, 5)
    except Exception as error:
        raise _explain(value, what % names if names else what, error) from error


def dump_arguments(arguments: dict, function: str) -> bytes:
    """The pickle of a call's arguments."""
    try:
        return _dumps(arguments, 5)
    except Exception as error:
        for name, value in arguments.items():
            cause = _failure(value)
            if cause is not None:
                label = name.lstrip("*") if len(name) > 2 else name
                what = "argument '%s' of '%s'" % (label, function)
                raise _explain(value, what, cause) from error
        raise _explain(arguments, "arguments of '%s'" % function, error) from error


def loads(data):
    """The value of a pickle; raises DeserializationError."""
    try:
        return _loads(data)
    except Exception as error:
        raise DeserializationError(
            "Failed to deserialize data with pickle serializer: %s" % (error,)
        ) from error


def _failure(value):
    try:
        _dumps(value, 5)
    except Exception as error:
        return error
    return None


def _explain(value, what: str, error: Exception) -> SerializationError:
    if isinstance(error, SDKUsageError):
        # A Function or a Future was put where a value belongs; the text says all there is to say.
        return SerializationError("%s%s" % (_PREFIX, error))
    try:
        path, cause = _find(value, error)
    except Exception:  # an object of the user that fails even when it is looked at
        path, cause = "", error
    if isinstance(cause, SDKUsageError):
        return SerializationError("%s%s" % (_PREFIX, cause))
    where = ": ".join(part for part in (what, path) if part)
    return SerializationError("%s%s%s%s" % (_PREFIX, where, ": " if where else "", cause))


def _find(value, error):
    """Follow the first part that fails down to the innermost one: (path, its error)."""
    path = ""
    deadline = time.monotonic() + _SEARCH_SECONDS
    seen = set()
    for _ in range(_SEARCH_DEPTH):
        seen.add(id(value))
        instead = _instead(value)
        if instead:
            return path, instead
        for step, part in _parts(value):
            if time.monotonic() > deadline:
                return path, error
            if id(part) in seen:
                continue
            cause = _failure(part)
            if cause is not None:
                path, value, error = path + step, part, cause
                break
        else:
            return path, error
    return path, error


def _instead(value) -> str:
    """What to use instead of an object of a pydantic class with parameters that has no name to be found by,
    such as what ``get_final_completion()`` of openai's streams gives. "" for anything else."""
    kind = type(value)
    generic = kind.__dict__.get("__pydantic_generic_metadata__")
    if not generic or not generic.get("args"):
        return ""
    if getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind:
        return ""
    plain = ""
    for base in kind.__mro__[1:]:
        about = base.__dict__.get("__pydantic_generic_metadata__")
        if about and not about.get("args") and not about.get("parameters"):
            if base.__dict__.get("__pydantic_fields__"):
                plain = ", or as %s.model_validate(value.model_dump())" % base.__name__
            break
    return (
        "objects of %s cannot be pickled: Python does not find their class by its name. "
        "Give it as value.model_dump()%s" % (kind.__qualname__, plain)
    )


def _parts(value):
    """The parts of a value that its pickle would hold, each with the text that leads to it."""
    kind = type(value)
    if issubclass(kind, dict):
        for key, part in list(value.items()):
            yield "[%s]" % _short(key), part
            yield ".key(%s)" % _short(key), key
    if issubclass(kind, (list, tuple)):
        names = getattr(kind, "_fields", None)
        for index, part in enumerate(value):
            yield (".%s" % names[index] if names else "[%d]" % index), part
    if issubclass(kind, (set, frozenset)):
        for part in list(value):
            yield "{%s}" % _short(part), part
    if isinstance(value, type) or callable(getattr(value, "__getstate__", None)) and (
        kind.__getstate__ is not getattr(object, "__getstate__", None)
        and not hasattr(kind, "__pydantic_fields__")  # pickled with its attributes
    ):
        return  # the class decides itself what is pickled
    state = getattr(value, "__dict__", None)
    if isinstance(state, dict) and not hasattr(value, "__code__"):
        for name, part in list(state.items()):
            yield ".%s" % name, part
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name) and name not in ("__dict__", "__weakref__"):
                yield ".%s" % name, getattr(value, name)


def _short(value) -> str:
    try:
        text = repr(value)
    except Exception:
        return "<%s>" % type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
