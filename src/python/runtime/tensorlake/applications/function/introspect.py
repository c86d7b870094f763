"""Where functions and classes are defined. Never raises, also for what is no function at all."""

from __future__ import annotations

import sys
from types import FunctionType

from ..interface.function import _function_name


class _Details:
    _fields: tuple = ()

    def __init__(self, **values):
        for name in self._fields:
            setattr(self, name, values[name])

    def __eq__(self, other) -> bool:
        return type(other) is type(self) and all(
            getattr(self, name) == getattr(other, name) for name in self._fields
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({values})"


class FunctionDetails(_Details):
    _fields = (
        "name",
        "class_name",
        "class_method_name",
        "module_import_name",
        "source_file_path",
        "source_file_line",
    )


class ClassDetails(_Details):
    _fields = ("class_name", "module_import_name", "source_file_path", "source_file_line")


def get_function_details(fn) -> FunctionDetails:
    return FunctionDetails(
        name=_function_name(fn),
        class_name=function_class_name(fn),
        class_method_name=function_class_method_name(fn),
        module_import_name=object_module_import_name(fn),
        source_file_path=object_source_file_path(fn),
        source_file_line=object_source_file_line(fn),
    )


def get_class_details(cls) -> ClassDetails:
    return ClassDetails(
        class_name=class_name(cls),
        module_import_name=object_module_import_name(cls),
        source_file_path=object_source_file_path(cls),
        source_file_line=object_source_file_line(cls),
    )


def function_name_in_application(fn) -> str:
    return _function_name(fn)


def _is_function(value) -> bool:
    return isinstance(value, FunctionType) or type(value).__name__ == "method"


def class_name(cls) -> str:
    if _is_function(cls):
        return function_class_name(cls) or "<unknown>"
    if isinstance(cls, type):
        return getattr(cls, "__qualname__", "<unknown>")
    return "<unknown>"


def function_class_name(fn) -> str | None:
    """The class of a method (by its qualified name, PEP 3155), None for other functions."""
    if not _is_function(fn):
        return None if isinstance(fn, type) else "<unknown>"
    parts = getattr(fn, "__qualname__", "<unknown>").split(".")
    if len(parts) == 1 or parts[-2] == "<locals>":
        return None
    return ".".join(parts[:-1])


def function_class_method_name(fn) -> str | None:
    if function_class_name(fn) is None:
        return None
    return getattr(fn, "__qualname__", "<unknown>").split(".")[-1]


def is_module_level_function_or_class(object) -> bool:
    return "<locals>" not in getattr(object, "__qualname__", "<unknown>")


def object_module_import_name(object) -> str:
    name = getattr(object, "__module__", None)
    if isinstance(name, str) and name in sys.modules:
        return name
    import inspect

    module = inspect.getmodule(object)
    return "<unknown>" if module is None else module.__name__


def object_source_file_path(object) -> str:
    # The code object of a plain function knows; for the rest inspect does.
    if type(object) is FunctionType and object.__code__.co_filename.endswith(".py"):
        return object.__code__.co_filename
    import inspect

    try:
        return inspect.getsourcefile(object) or "<unknown>"
    except TypeError:
        return "<builtin>"


def object_source_file_line(object) -> int:
    """The first line, that of the first decorator where there are some."""
    if type(object) is FunctionType:
        return object.__code__.co_firstlineno
    import inspect

    try:
        return inspect.getsourcelines(object)[1]
    except (OSError, TypeError):
        return -1
