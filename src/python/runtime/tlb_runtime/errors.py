"""Errors as records (E of docs/protocol.md), records as exceptions, and leaving a call for good."""

from __future__ import annotations

import os

from tensorlake.applications.interface.exceptions import (
    DeserializationError,
    FunctionError,
    InternalError,
    RequestError,
    SDKUsageError,
    SerializationError,
    TensorlakeError,
    TimeoutError,
)

from .wire import clean

#: Code below this folder is ours; its frames are left out of tracebacks.
RUNTIME_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

_MAX_TEXT = 256 << 10
_MAX_FRAMES = 200
_BY_KIND = {
    "sdk_usage": SDKUsageError,
    "serialization": SerializationError,
    "deserialization": DeserializationError,
}


class Abandoned(BaseException):
    """The call that runs in this thread was given up by the engine.

    Not an Exception, so that ``except Exception`` does not stop it. User code that swallows it
    anyway meets it again at its next SDK call, and its outcome is ignored.
    """


def is_ours(filename: str) -> bool:
    return filename.startswith(RUNTIME_ROOT)


def kind_of(error: BaseException) -> str:
    """The kind of an error that the runtime itself found while it finished a call."""
    if isinstance(error, SerializationError):
        return "serialization"
    if isinstance(error, DeserializationError):
        return "deserialization"
    if isinstance(error, SDKUsageError):
        return "sdk_usage"
    return "request" if isinstance(error, RequestError) else "function"


def record(error: BaseException, kind: str | None = None) -> dict:
    """The record of an exception. Without ``kind``: as raised by user code, where only a
    RequestError keeps its class on the way to the caller."""
    if kind is None:
        kind = "request" if isinstance(error, RequestError) else "function"
    try:
        text, frames = _traceback(error)
    except Exception as failure:  # an exception whose repr or source cannot be read
        text, frames = "%s (traceback lost: %r)" % (type(error).__name__, failure), []
    return {
        "kind": kind,
        "type": clean(type(error).__qualname__),
        "message": clean(_message(error)),
        "traceback": clean(text),
        "frames": frames,
    }


def _message(error: BaseException) -> str:
    if isinstance(error, RequestError):
        return str(error.args[0]) if error.args else ""
    try:
        return str(error)
    except Exception:
        return "<the message cannot be shown: %s.__str__ failed>" % type(error).__name__


def _traceback(error: BaseException):
    import traceback

    summary = traceback.TracebackException(type(error), error, error.__traceback__)
    _drop_ours(summary, set())
    text = "".join(summary.format())
    if len(text) > _MAX_TEXT:
        half = _MAX_TEXT // 2
        text = "%s\n[... %d characters ...]\n%s" % (text[:half], len(text) - 2 * half, text[-half:])
    stack = list(summary.stack)
    if len(stack) > _MAX_FRAMES:
        stack = stack[: _MAX_FRAMES // 2] + stack[-_MAX_FRAMES // 2 :]
    frames = [
        {
            "file": clean(frame.filename),
            "line": frame.lineno or 0,
            "name": clean(frame.name),
            "text": clean(frame.line or ""),
        }
        for frame in stack
    ]
    return text, frames


def _drop_ours(summary, seen: set) -> None:
    """Remove our frames from a traceback and from those of its causes."""
    if summary is None or id(summary) in seen:
        return
    seen.add(id(summary))
    summary.stack[:] = [frame for frame in summary.stack if not is_ours(frame.filename)]
    _drop_ours(summary.__cause__, seen)
    _drop_ours(summary.__context__, seen)
    for part in getattr(summary, "exceptions", None) or ():
        _drop_ours(part, seen)


def raised_by(error: dict, what) -> BaseException:
    """The exception that a caller gets for the error record of what it asked for.

    ``what()`` gives the text of the request, e.g. that of its Future.
    """
    kind = error.get("kind")
    message = error.get("message") or ""
    if kind in ("mismatch", "cancelled"):
        return Abandoned(message)
    if kind == "request":
        result: TensorlakeError = RequestError(message)
    elif kind == "timeout":
        result = TimeoutError()
    elif kind in _BY_KIND:
        result = _BY_KIND[kind](message)
    else:
        text = error.get("traceback")
        if text:
            result = FunctionError("%s failed due to exception: \n%s" % (what(), text))
        else:
            result = FunctionError("%s failed: %s" % (what(), message))
    result.error_record = error  # type: ignore[attr-defined]
    return result


def internal(message: str) -> dict:
    """The record of a failure of the runtime or the connection."""
    return {
        "kind": "internal",
        "type": InternalError.__name__,
        "message": message,
        "traceback": "",
        "frames": [],
    }
