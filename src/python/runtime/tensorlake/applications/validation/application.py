"""Checks of applications: their options, and whether inputs and outputs can be JSON."""

from __future__ import annotations

from tlb_runtime.binding import parameters_of
from tlb_runtime.coerce import pydantic, raw_class, serialize, type_adapter
from tlb_runtime.hints import MISSING, resolved_annotations

from ..interface.exceptions import SerializationError
from ..interface.file import File
from ..interface.futures import Future
from ..interface.http import HttpBody
from .functions import check_region, check_retries, error, info

_KINDS = {
    "positional_only": "positional-only",
    "keyword_only": "keyword-only",
    "var_positional": "variadic positional",
    "var_keyword": "variadic keyword",
}


def check_application(function, details, has_function_decorator: bool, check_hints: bool):
    yield from _check_options(function._application_config, details)
    if not has_function_decorator:
        yield error(
            "Application function is missing @function() decorator. Please add it. An application "
            "function needs both @application() and @function() decorators.",
            details,
        )
    original = function._original_function
    parameters = parameters_of(original)
    if details.class_name is not None:
        parameters = parameters[1:]
    hints = resolved_annotations(original)
    for parameter in parameters:
        if parameter.kind != "positional_or_keyword":
            yield error(
                f"Application function parameter '{parameter.name}' has unsupported parameter kind "
                f"'{_KINDS[parameter.kind]}'. Please change the parameter to be positional or "
                "keyword (the default kind for Python parameters).",
                details,
            )
        if parameter.name not in hints:
            yield info(
                "It is recommended to add a type hint for application function parameter "
                f"'{parameter.name}'. This ensures that the parameter value is properly "
                "deserialized from JSON or File request inputs. This also helps generating a JSON "
                "schema for the parameter and an example curl command for running the application.",
                details,
            )
        elif raw_class(hints[parameter.name]) is None and check_hints and pydantic() is not None:
            yield from _check_parameter(parameter, hints[parameter.name], details)
    yield from _check_return(hints.get("return", MISSING), details, check_hints)


def _check_options(config, details):
    tags = config.tags
    if not isinstance(tags, dict) or not all(
        isinstance(key, str) and key and isinstance(value, str) for key, value in tags.items()
    ):
        yield error(
            "Application tags require non-empty string keys and string values.", details
        )
    if not isinstance(config.allow, list) or any(
        capability != "unauthenticated_requests" for capability in config.allow
    ):
        yield error(
            "Application allow must contain only 'unauthenticated_requests'.", details
        )
    yield from check_retries(config.retries, "Application retries", details)
    yield from check_region(config.region, "Application", details)


def _wrapper_in(text: str) -> str | None:
    """The SDK class that pydantic complained about: File, HttpBody or Future."""
    if str(File) in text:
        return "File"
    if str(HttpBody) in text:
        return "HttpBody"
    return "Future" if str(Future) in text else None


def _check_parameter(parameter, hint, details):
    name = parameter.name
    try:
        adapter = type_adapter(hint)
    except Exception as failure:
        wrapper = _wrapper_in(str(failure))
        if wrapper in ("File", "HttpBody"):
            yield error(
                f"Application function parameter '{name}' uses a {wrapper} object in a complex "
                f"type hint '{hint}'. Only simple type hints like '{name}: {wrapper}' are "
                f"supported for {wrapper} objects in application function parameters. "
                f"A {wrapper} object cannot be embedded inside other type hints like "
                f"'{name}: list[{wrapper}]', '{name}: dict[str, {wrapper}]', etc or be a part of "
                f"union type hint like '{name}: {wrapper} | None'.",
                details,
            )
        else:
            yield error(
                f"Pydantic failed to generate CoreSchema for Application function parameter "
                f"'{name}' with type hint '{hint}'. Please follow Pydantic documentation and the "
                "following Pydantic error message to make the type hint compatible.\n"
                f"Pydantic error message:\n{failure}\n",
                details,
            )
        return
    try:
        adapter.json_schema()
    except Exception as failure:
        yield error(
            f"Pydantic failed to generate JSON schema for Application function parameter '{name}' "
            f"with type hint '{hint}'. Please follow Pydantic documentation and the following "
            "Pydantic error message to make the type hint serializable to JSON format.\n"
            f"Pydantic error message:\n{failure}\n",
            details,
        )
    if parameter.has_default:
        try:
            serialize(parameter.default, hint)
        except SerializationError as failure:
            yield error(
                f"Application function parameter '{name}' has a default value that can't be "
                f"serialized with the type hint of the parameter {hint}. Please follow Pydantic "
                "documentation and the following SerializationError to make the default value "
                f"serializable to JSON format:\n{failure}\n",
                details,
            )


def _check_return(hint, details, check_hints: bool):
    if hint is MISSING:
        yield info(
            "It is recommended to add a return type hint for the application function. This helps "
            "to ensure that the returned value is properly serialized and that it matches the type "
            "hint. This also helps generating a JSON schema for the return type of the function.",
            details,
        )
        return
    wrapper = raw_class(hint)
    if wrapper is not None:
        if issubclass(wrapper, HttpBody):
            yield error(
                "Application function return type hint is an HttpBody. HttpBody is only supported "
                "for application function parameters. Use File or bytes-compatible JSON types for "
                "application return values.",
                details,
            )
    elif isinstance(hint, type) and issubclass(hint, Future):
        yield error(
            "Application function return type hint is a Future. Instead of using Future as a "
            "return type hint, please use type hint of the value returned by the Future. For "
            "example, if the Future (once resolved) returns str, then please use 'str' in the "
            "return type hint of the application function instead of the Future.",
            details,
        )
    elif check_hints and pydantic() is not None:
        yield from _check_return_schema(hint, details)


def _check_return_schema(hint, details):
    try:
        adapter = type_adapter(hint)
    except Exception as failure:
        text = str(failure)
        wrapper = _wrapper_in(text)
        if wrapper in ("File", "HttpBody"):
            yield error(
                f"Application function return type hint '{hint}' uses a {wrapper} object in a "
                f"complex type hint. Only simple type hints like 'foo: {wrapper}' are supported "
                f"for {wrapper} objects in application function return types. A {wrapper} object "
                f"cannot be embedded inside other type hints like 'foo: list[{wrapper}]', "
                f"'foo: dict[str, {wrapper}]', etc or be a part of union type hint like "
                f"'foo: {wrapper} | None'.",
                details,
            )
        elif wrapper == "Future":
            yield error(
                f"Application function return type hint '{hint}' uses a Future. Instead of using "
                "Future in the return type hint, please use type hint of the value returned by "
                "the Future. For example, if the Future (once resolved) returns str, then please "
                "use 'str' in the return type hint of the application function instead of the "
                "Future.",
                details,
            )
        else:
            yield error(
                f"Pydantic failed to generate CoreSchema for Application function return type hint "
                f"'{hint}'. Please follow Pydantic documentation and the following Pydantic error "
                "message to make the type hint compatible.\n"
                f"Pydantic error message:\n{text}\n",
                details,
            )
        return
    try:
        adapter.json_schema()
    except Exception as failure:
        yield error(
            f"Pydantic failed to generate JSON schema for Application function return type hint "
            f"'{hint}'. Please follow Pydantic documentation and the following Pydantic error "
            "message to make the type hint serializable to JSON format.\n"
            f"Pydantic error message:\n{failure}\n",
            details,
        )
