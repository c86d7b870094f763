"""Checks of functions: where they are defined, and the options of ``@function``."""

from __future__ import annotations

import math

from tlb_runtime.binding import parameters_of

from ..function.introspect import class_name, get_class_details, is_module_level_function_or_class
from ..interface.function import _is_application_function
from ..interface.retries import Retries
from ..registry import has_class
from .message import ValidationMessage, ValidationMessageSeverity

_REGIONS = (None, "us-east-1", "eu-west-1")


def error(message: str, details) -> ValidationMessage:
    return ValidationMessage(message, ValidationMessageSeverity.ERROR, details)


def warning(message: str, details) -> ValidationMessage:
    return ValidationMessage(message, ValidationMessageSeverity.WARNING, details)


def info(message: str, details) -> ValidationMessage:
    return ValidationMessage(message, ValidationMessageSeverity.INFO, details)


def check_function(function, details):
    original = function._original_function
    if isinstance(original, type):
        yield error(
            "@function() decorator is applied to class. Please use @function() only on functions "
            "and class methods.",
            get_class_details(original),
        )
        return
    if details.class_name is None and not is_module_level_function_or_class(original):
        yield error(
            "Only module level functions are supported. Please move the function to module level "
            "by i.e. moving it outside of the function where it is defined.",
            details,
        )
    if function._function_config is not None:
        yield from _check_options(function._function_config, details)


def is_integer(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_positive_number(value) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and value > 0


def _is_gpu(value) -> bool:
    if value is None:
        return True
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, str):
            return False
        model, colon, count = item.partition(":")
        if not model:
            return False
        if colon and not (count.isdecimal() and int(count) > 0 and str(int(count)) == count):
            return False
    return True


def check_retries(retries, label: str, details):
    # A number is the documentation's short form of Retries(number).
    if not isinstance(retries, Retries) and not is_integer(retries):
        yield error(f"{label} must be a Retries object.", details)
        return
    count = getattr(retries, "max_retries", retries)
    if not is_integer(count) or not 0 <= count <= 10:
        yield error(f"{label} max_retries must be an integer between 0 and 10.", details)


def check_region(region, label: str, details):
    if region not in _REGIONS:
        yield error(f"{label} region must be 'us-east-1', 'eu-west-1', or None.", details)


def _check_options(config, details):
    for name in ("cpu", "memory", "ephemeral_disk"):
        if not _is_positive_number(getattr(config, name)):
            yield error(
                f"Function {name} must be a finite number greater than zero.", details
            )
    timeout = config.timeout
    if not is_integer(timeout) or not 1 <= timeout <= 172_800:
        yield error("Function timeout must be an integer between 1 and 86400 seconds.", details)
    elif timeout > 86_400:
        yield warning(
            "Function timeout is above 86400 seconds: documented, but refused by the released "
            "SDK 0.5.",
            details,
        )
    secrets = config.secrets
    if not isinstance(secrets, list) or not all(isinstance(s, str) and s for s in secrets):
        yield error("Function secrets must be a list of non-empty strings.", details)
    if not _is_gpu(config.gpu):
        yield error(
            "Function gpu must be a GPU model or list of GPU models, optionally followed by a "
            "positive integer count.",
            details,
        )
    yield from check_region(config.region, "Function", details)
    yield from _check_containers(config, details)
    if config.retries is not None:
        yield from check_retries(config.retries, "Function retries", details)


def _check_containers(config, details):
    counts = {}
    for name in ("warm_containers", "min_containers", "max_containers"):
        value = getattr(config, name)
        if value is None:
            continue
        if is_integer(value) and value >= 0:
            counts[name] = value
        else:
            yield error(f"Function {name} must be a non-negative integer.", details)
    for name in ("min_containers", "warm_containers"):
        if counts.get(name, 0) > counts.get("max_containers", float("inf")):
            yield error(f"Function {name} cannot exceed max_containers.", details)


def check_method(function, details, classes):
    """``classes``: what @cls was applied to, with or without parentheses."""
    owner = details.class_name
    if "<locals>" not in owner and "." in owner:
        yield error(
            "Function is defined inside a nested class. Nested classes are not supported. "
            "Please move the function to a top level class.",
            details,
        )
        return
    if not has_class(owner) and not any(class_name(cls) == owner for cls in classes):
        yield error(
            f"Please add @cls() decorator to class '{owner}' where the function is defined.",
            details,
        )
    if not _is_application_function(function):
        parameters = parameters_of(function._original_function)
        if not parameters or parameters[0].name != "self":
            yield error(
                "Function is a class method so it needs a 'self' parameter. Please add 'self' as "
                "the first parameter of the function.",
                details,
            )
