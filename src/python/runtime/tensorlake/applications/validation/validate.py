"""The order of all checks, and those of decorators, names and classes.

Texts are those of the released SDK, so that its documentation and users' scripts fit.
Functions are checked in :mod:`.functions`, applications in :mod:`.application`.
"""

from __future__ import annotations

import os

from tlb_runtime.binding import parameters_of

from ..function.introspect import (
    get_class_details,
    get_function_details,
    is_module_level_function_or_class,
)
from ..interface.decorators import (
    _ApplicationDecorator,
    _class_name,
    _ClassDecorator,
    _FunctionDecorator,
)
from ..interface.function import Function, _is_application_function
from ..registry import (
    get_classes,
    get_classes_with_duplicates,
    get_decorators,
    get_functions,
    get_functions_with_duplicates,
)
from .application import check_application
from .functions import check_function, check_method, error


def validate_loaded_applications(check_hints: bool = True) -> list:
    """All messages about what this process has loaded.

    ``check_hints=False`` leaves out what needs pydantic.
    """
    messages = [
        *_unfinished_decorators(),
        *_function_duplicates(),
        *_class_duplicates(),
    ]
    for cls in get_classes():
        messages += _class_messages(cls)
    messages += _no_application()
    for function in get_functions():
        messages += _function_messages(function, check_hints)
    return messages


def decorated(decorator):
    """What a chain of decorators was applied to in the end: a function or class, or anything."""
    found = decorator
    while True:
        if isinstance(found, _ClassDecorator):
            found = found.original_class if found.is_called else found._first
        elif isinstance(found, (_FunctionDecorator, _ApplicationDecorator)):
            found = found.function if found.is_called else found._first
        elif isinstance(found, Function):
            return found._original_function
        else:
            return found


def _details(target):
    return get_class_details(target) if isinstance(target, type) else get_function_details(target)


def _unfinished_decorators():
    for decorator in get_decorators():
        if decorator.is_called:
            continue
        if isinstance(decorator, _FunctionDecorator):
            name = "function"
        else:
            name = "application" if isinstance(decorator, _ApplicationDecorator) else "cls"
        yield error(
            f"@{name} decorator is missing its parenthesis. Please replace it with @{name}().",
            _details(decorated(decorator)),
        )


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except Exception:
        return path


def _function_duplicates():
    # One file may define a name again: that is valid Python, and a module that was imported as
    # __main__ and by its name is there twice.
    for name, definitions in get_functions_with_duplicates().items():
        if len(definitions) < 2:
            continue
        details = [get_function_details(fn._original_function) for fn in definitions]
        paths = {_absolute(d.source_file_path) for d in details if d.class_name is None}
        if len(paths) > 1:
            yield error(
                f"Function '{name}' is defined in files: {', '.join(paths)}. "
                "Functions with the same names can't be defined in different files. "
                "Please rename the functions.",
                details[-1],
            )


def _class_duplicates():
    for definitions in get_classes_with_duplicates().values():
        if len(definitions) < 2:
            continue
        details = [get_class_details(cls) for cls in definitions]
        paths = {_absolute(d.source_file_path) for d in details}
        if len(paths) > 1:
            yield error(
                f"Class '{details[-1].class_name}' is defined in files: {', '.join(paths)}. "
                "Classes with the same names can't be defined in different files. "
                "Please rename the classes.",
                details[-1],
            )


def _class_messages(cls):
    if not isinstance(cls, type):
        yield error(
            "@cls() is applied to function. Please use @cls() only on classes.",
            _details(decorated(cls)),
        )
        return
    name = _class_name(cls)
    init = cls.__dict__.get("__tensorlake_original_init__")
    # A class without an own __init__ has object's, which takes (self, /, *args, **kwargs).
    parameters = [] if init is object.__init__ else parameters_of(init)
    if init is not object.__init__:
        if not parameters:
            yield error(
                f"'{name}.__init__' is missing 'self' parameter. Please add 'self' parameter.",
                get_class_details(cls),
            )
        elif parameters[0].name != "self":
            yield error(
                f"'{name}.__init__' should have its first parameter named 'self'. "
                "Please rename the first parameter to 'self'.",
                get_class_details(cls),
            )
        kinds = [parameter.kind for parameter in parameters[1:]]
        if kinds and kinds != ["var_positional", "var_keyword"]:
            yield error(
                f"'{name}.__init__' can only have a single 'self' parameter. "
                "Please remove the rest of the parameters.",
                get_class_details(cls),
            )
    if not is_module_level_function_or_class(cls):
        yield error(
            "Only module level classes are supported. Please move the class to module level by "
            "i.e. moving it outside of the function where it is defined.",
            get_class_details(cls),
        )


def _no_application():
    if any(isinstance(found, _ApplicationDecorator) for found in get_decorators()):
        return
    if not any(map(_is_application_function, get_functions())):
        yield error(
            "No application function is defined. Please add at least one application function by "
            "adding @application() decorator to it.",
            None,
        )


def _function_messages(function: Function, check_hints: bool):
    original = function._original_function
    details = get_function_details(original)
    yield from check_function(function, details)
    if _is_application_function(function):
        has_function = any(
            isinstance(found, _FunctionDecorator) and decorated(found) is original
            for found in get_decorators()
        )
        yield from check_application(function, details, has_function, check_hints)
    if details.class_name is not None:
        classes = [decorated(d) for d in get_decorators() if isinstance(d, _ClassDecorator)]
        yield from check_method(function, details, classes)
