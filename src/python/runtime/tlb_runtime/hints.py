"""Annotations of a function: evaluated for coercion, and as text for people."""

from __future__ import annotations

from types import FunctionType

#: Stands for "no annotation".
MISSING = object()


def annotations_of(function) -> dict:
    """The annotations as they are: values, or strings under ``from __future__``."""
    if type(function) is not FunctionType:
        return getattr(function, "__annotations__", None) or {}
    try:
        return function.__annotations__
    except Exception:
        # Python 3.14 evaluates them on access; one that names what does not exist is kept as text.
        try:
            from annotationlib import Format, get_annotations

            return get_annotations(function, format=Format.FORWARDREF)
        except Exception:
            return {}


def resolved_annotations(function) -> dict:
    """The annotations with strings evaluated; what cannot be evaluated stays a string."""
    raw = annotations_of(function)
    if not any(_has_text(hint) for hint in raw.values()):
        return dict(raw)
    import typing

    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:
        result = {}
        for name, hint in raw.items():
            if isinstance(hint, str):
                try:
                    hint = eval(hint, getattr(function, "__globals__", {}))
                except Exception:
                    pass
            result[name] = type(None) if hint is None else hint
        return result


def _has_text(hint) -> bool:
    if isinstance(hint, str):
        return True
    return any(_has_text(part) for part in getattr(hint, "__args__", ()) or () if part is not hint)


def hint_text(hint) -> str | None:
    """How a hint is written, e.g. ``list[str] | None``; None for no hint."""
    if hint is MISSING:
        return None
    if isinstance(hint, str):
        return hint
    if hint is None or hint is type(None):
        return "None"
    if isinstance(hint, type) and not getattr(hint, "__args__", None):
        return hint.__qualname__
    try:
        return repr(hint).replace("typing.", "")
    except Exception:
        return "<hint>"
