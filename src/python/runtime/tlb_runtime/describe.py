"""The function records (F of docs/protocol.md) of what the loaded module defines."""

from __future__ import annotations

import os
import sys

from tensorlake.applications.registry import get_functions

from .hints import MISSING, annotations_of, hint_text
from .wire import clean

_JSON_TYPES = (str, int, float, bool, type(None))


def function_records() -> list:
    """A record for every function that the decorators registered."""
    return [_record(function) for function in get_functions() if function._function_config]


def _record(function) -> dict:
    original = function._original_function
    config = function._function_config
    application = function._application_config
    annotations = annotations_of(original)
    code = getattr(original, "__code__", None)
    return {
        "name": clean(config.function_name),
        "module": clean(str(getattr(original, "__module__", "") or "")),
        "file": clean(os.path.abspath(code.co_filename)) if code is not None else "",
        "line": code.co_firstlineno if code is not None else 0,
        "is_async": function._is_async,
        "class": config.class_name,
        "application": application is not None,
        "durable": bool(config.durable),
        "effect": bool(config.effect),
        "version": _json_default(config.version),
        "timeout": _number(config.timeout, 300),
        "retries": None if config.retries is None else max_retries(config.retries),
        "app_retries": 0 if application is None else max_retries(application.retries),
        "params": [
            {
                "name": clean(parameter.name),
                "kind": parameter.kind,
                "hint": _clean(hint_text(annotations.get(parameter.name, MISSING))),
                "has_default": parameter.has_default,
                "default": _json_default(parameter.default),
            }
            for parameter in function._binder.parameters
        ],
        "returns": _clean(hint_text(annotations.get("return", MISSING))),
    }


def max_retries(retries) -> int:
    """The number of retries of a policy, given as Retries or as a number."""
    return max(0, _number(getattr(retries, "max_retries", retries), 0))


def _number(value, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _clean(text):
    return None if text is None else clean(text)


def _json_default(value):
    """A default as JSON when it can be written as such, else its repr."""
    if _is_json(value, 0):
        return value
    try:
        text = repr(value)
    except Exception:
        text = "<%s>" % type(value).__name__
    return clean(text[:1000])


def _is_json(value, depth: int) -> bool:
    if type(value) in _JSON_TYPES:
        if type(value) is str:
            return value.isascii() or clean(value) == value
        return not (type(value) is float and (value != value or value in (1e999, -1e999)))
    if depth > 20:
        return False
    if type(value) is list:
        return all(_is_json(part, depth + 1) for part in value)
    if type(value) is dict:
        return all(type(k) is str and _is_json(v, depth + 1) for k, v in value.items())
    return False


def validation_records() -> list:
    """What validation says about the loaded code, for the engine to show.

    Type hints that need pydantic are judged only when the user's code has imported it already:
    importing it for this alone would make every worker start slowly.
    """
    from tensorlake.applications.validation import (
        format_validation_messages,
        validate_loaded_applications,
    )

    messages = validate_loaded_applications(check_hints="pydantic" in sys.modules)
    return [
        {
            "severity": found["severity"],
            "text": clean((found["location"] + found["message"]).strip()),
        }
        for found in format_validation_messages(messages)
    ]


def secrets(welcome: dict) -> dict:
    """The variables that the project calls secrets, as this process has them: the engine takes them out of records.

    Loading the application may have set them (from a ``.env`` file), so they are told when that is done.
    """
    names = welcome.get("secrets") or ()
    return {name: clean(os.environ[name]) for name in names if os.environ.get(name)}
