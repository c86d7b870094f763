"""Application inputs and outputs: JSON outside, values that fit the type hints inside.

A value that already is exactly what its hint says passes as it is. Any other is given to pydantic
where that is installed, so that results are those of the released SDK; without it to
:mod:`tlb_runtime.convert`, which knows the builtin hints and follows pydantic's rules for them.

File and HttpBody travel in JSON as ``{"$file": {"content_type": ..., "base64": ...}}``; an input
may also say ``{"$file": {"path": ...}}`` or be a plain string, which is then the content.
"""

from __future__ import annotations

from tensorlake.applications.interface.exceptions import (
    DeserializationError,
    SerializationError,
)
from tensorlake.applications.interface.file import File
from tensorlake.applications.interface.http import HttpBody

from .convert import Unfit, convert, is_exact, to_json
from .hints import MISSING, hint_text, resolved_annotations
from .wire import decode_document, encode_document

_adapters: dict = {}


def pydantic():
    """The pydantic module (version 2 or later), or None."""
    try:
        import pydantic as found
    except ImportError:
        return None
    return found if hasattr(found, "TypeAdapter") else None


def type_adapter(hint):
    """pydantic's adapter of a hint; raises what pydantic raises."""
    try:
        return _adapters[hint]
    except (KeyError, TypeError):
        adapter = pydantic().TypeAdapter(hint)
        try:
            _adapters[hint] = adapter
        except TypeError:
            pass  # an unhashable hint, e.g. Literal[[...]]
        return adapter


def _any():
    from typing import Any

    return Any


def raw_class(hint):
    """File or HttpBody (or a subclass) when the hint is one of them, else None."""
    if isinstance(hint, type) and not getattr(hint, "__args__", None):
        if issubclass(hint, (File, HttpBody)):
            return hint
    return None


# Inputs


def application_arguments(function, data) -> dict:
    """The arguments of an application from its JSON input object."""
    given = _parse(data, function)
    hints = resolved_annotations(function._original_function)
    result = {}
    for name in function._binder.order:
        if name in given:
            result[name] = _input(function, name, hints.get(name, MISSING), given[name])
    return result


def _parse(data, function) -> dict:
    try:
        given = decode_document(data)
    except (ValueError, RecursionError) as error:
        raise DeserializationError(f"The input of '{function._name}' is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise DeserializationError(
            f"The input of '{function._name}' must be a JSON object of its parameters, "
            f"got: {_short(given)}"
        )
    return given


def _input(function, name: str, hint, value):
    wrapper = raw_class(hint)
    if wrapper is not None:
        return _raw_value(wrapper, value, name)
    if hint is MISSING:
        return value
    if is_exact(value, hint):
        return value
    if pydantic() is not None:
        data = encode_document(value)
        try:
            return type_adapter(hint).validate_json(data)
        except Exception as error:
            raise DeserializationError(
                f"Parameter '{name}' of '{function._name}': Failed to deserialize data '{data}' "
                f"as '{hint_text(hint)}' with json serializer: {error}"
            ) from error
    try:
        return convert(value, hint, True)
    except Unfit as error:
        raise DeserializationError(
            f"Parameter '{name}: {hint_text(hint)}' of '{function._name}' does not take "
            f"{_short(value)}: {error}"
        ) from None


def _raw_value(wrapper, value, name: str):
    """A File or HttpBody from its JSON form."""
    content_type = None
    if isinstance(value, str):
        content, content_type = value.encode("utf-8"), "text/plain"
    elif isinstance(value, dict):
        details = value.get("$file", value)
        content_type = details.get("content_type")
        if isinstance(details.get("base64"), str):
            from binascii import a2b_base64

            content = a2b_base64(details["base64"])
        elif isinstance(details.get("path"), str):
            with open(details["path"], "rb") as file:
                content = file.read()
        else:
            content = encode_document(value)
            content_type = "application/json"
    else:
        content, content_type = encode_document(value), "application/json"
    if content_type is None and issubclass(wrapper, File):
        content_type = "application/octet-stream"
    return wrapper(content=content, content_type=content_type)


def raw_json(value) -> dict:
    """The JSON form of a File or HttpBody."""
    from binascii import b2a_base64

    content = b2a_base64(bytes(value.content), newline=False).decode("ascii")
    return {"$file": {"content_type": value.content_type, "base64": content}}


def serialize_input(function, args, kwargs) -> bytes:
    """The JSON input object of a call of an application; what it has no parameter for is left out.

    Raises SerializationError, or DeserializationError when the JSON does not fit the hint.
    """
    names = function._binder.order
    given = dict(zip(names, args))
    given.update((name, value) for name, value in kwargs.items() if name in names)
    hints = resolved_annotations(function._original_function)
    parts = []
    for name in names:
        if name in given:
            hint = hints.get(name, MISSING)
            data = serialize(given[name], hint)
            if raw_class(hint) is None and not is_raw(given[name]):
                deserialize(data, hint)
            parts.append(encode_document(name) + b":" + data)
    return b"{" + b",".join(parts) + b"}"


def is_raw(value) -> bool:
    return isinstance(value, (File, HttpBody))


def serialize(value, hint) -> bytes:
    """A value as JSON according to its hint; SerializationError with the SDK's text."""
    if is_raw(value):
        return encode_document(raw_json(value))
    if hint is not MISSING and is_exact(value, hint):
        try:
            return encode_document(value)
        except (ValueError, TypeError):
            pass  # e.g. a NaN, which pydantic writes as null
    try:
        if pydantic() is not None:
            adapter = type_adapter(_any() if hint is MISSING else hint)
            return adapter.dump_json(adapter.validate_python(value), warnings="error")
        fitting = value if hint is MISSING else convert(value, hint, False)
        return encode_document(to_json(fitting))
    except Exception as error:
        shown = _any() if hint is MISSING else hint
        raise SerializationError(
            f"Failed to serialize '{_text(value)}' as '{shown}' to json: {error}"
        ) from error


def deserialize(data, hint):
    """The value of JSON according to a hint; DeserializationError with the SDK's text."""
    try:
        wrapper = raw_class(hint)
        value = None
        if wrapper is not None or hint is MISSING or pydantic() is None:
            value = decode_document(data)
            if wrapper is not None:
                return _raw_value(wrapper, value, "")
            if isinstance(value, dict) and list(value) == ["$file"]:
                return _raw_value(File, value, "")
            return value if hint is MISSING else convert(value, hint, True)
        return type_adapter(hint).validate_json(bytes(data))
    except Exception as error:
        shown = _any() if hint is MISSING else hint
        raise DeserializationError(
            f"Failed to deserialize data '{_text(bytes(data))}' as '{shown}' with json serializer: "
            f"{error}"
        ) from error


# Outputs


def application_output(function, value) -> bytes:
    """The JSON of what an application returned."""
    return serialize(value, return_hint(function))


def return_hint(function):
    return resolved_annotations(function._original_function).get("return", MISSING)


def deserialize_output(function, data):
    """What an application returned, from its JSON, for the program that ran it."""
    hint = return_hint(function)
    return deserialize(data, hint)


def _text(value) -> str:
    try:
        return str(value)
    except Exception:
        return "<%s>" % type(value).__name__


def _short(value) -> str:
    try:
        text = repr(value)
    except Exception:
        text = "<%s>" % type(value).__name__
    return text if len(text) <= 200 else text[:197] + "..."
