"""The text of a Future in error messages: what is called with what, cut to a readable length."""

from __future__ import annotations

from .futures import (
    FunctionCallFuture,
    Future,
    MapFuture,
    ReduceOperationFuture,
    _InitialMissing,
    _unwrap_future,
)

_LIMIT = 1000
_STEP = 2


def pretty_print(obj, indent: int = 0, char_limit: int = _LIMIT) -> str:
    """Never raises."""
    value = _unwrap_future(obj)
    if isinstance(value, FunctionCallFuture):
        head = f"Tensorlake Function Call Future {value._function_name}"
        parts = [("", arg) for arg in value._args]
        parts += [(f"{name}=", arg) for name, arg in value._kwargs.items()]
        return _block(head, "()", parts, indent, char_limit)
    if isinstance(value, (MapFuture, ReduceOperationFuture)):
        kind = "Map" if isinstance(value, MapFuture) else "Reduce"
        head = f"Tensorlake {kind} Operation Future of '{value._function_name}' over "
        items = _unwrap_future(value._items)
        if isinstance(items, Future):
            return head + pretty_print(items, indent, char_limit - len(head))
        parts = [("", item) for item in items]
        if kind == "Reduce" and value._initial is not _InitialMissing:
            parts.insert(0, ("", value._initial))
        return _block(head, "[]", parts, indent, char_limit)
    return _plain(obj, char_limit)


def _plain(obj, limit: int) -> str:
    try:
        text = repr(obj)
    except Exception:
        return f"<unprintable object of type {type(obj)}>"
    return text if len(text) <= limit else text[: max(limit - 3, 0)] + "..."


def _block(head: str, brackets: str, parts: list, indent: int, limit: int) -> str:
    """``head(`` one part on each line ``)``; after the limit ``...`` stands for the rest."""
    if not parts:
        return head + brackets
    margin = " " * (indent + _STEP)
    lines = [head + brackets[0] + "\n"]
    used = len(lines[0])
    for label, part in parts:
        text = pretty_print(part, indent + _STEP, limit - used)
        line = f"{margin}{label}{text},\n"
        if used + len(line) >= limit:
            lines.append(margin + "...,\n")
            break
        lines.append(line)
        used += len(line)
    return "".join(lines) + " " * indent + brackets[1]
