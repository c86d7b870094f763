"""What the decorators of this process have registered. Filled at import time, read later.

Functions and classes share one flat namespace each, without module names. A name may be defined
several times: the last definition wins (as in Python), validation reports real conflicts.
"""

from __future__ import annotations

_functions: dict = {}
_classes: dict = {}
_decorators: list = []


class RegistrySnapshot(tuple):
    """(functions, classes, decorators) as they were."""

    functions = property(lambda self: self[0])
    classes = property(lambda self: self[1])
    decorators = property(lambda self: self[2])


def register_function(fn_name: str, fn) -> None:
    _functions.setdefault(fn_name, []).append(fn)


def get_function(name: str):
    """The function of that name; raises KeyError."""
    return _functions[name][-1]


def has_function(name: str) -> bool:
    return name in _functions


def get_functions() -> list:
    """All functions, one for each name."""
    return [definitions[-1] for definitions in _functions.values()]


def get_functions_with_duplicates() -> dict:
    return _functions


def register_class(cls_name: str, cls) -> None:
    _classes.setdefault(cls_name, []).append(cls)


def has_class(cls_name: str) -> bool:
    return cls_name in _classes


def get_class(cls_name: str):
    """The class of that name; raises KeyError."""
    return _classes[cls_name][-1]


def get_classes() -> list:
    return [definitions[-1] for definitions in _classes.values()]


def get_classes_with_duplicates() -> dict:
    return _classes


def register_decorator(decorator) -> None:
    _decorators.append(decorator)


def get_decorators() -> list:
    return _decorators


def snapshot_registry() -> RegistrySnapshot:
    """An independent copy of all registries."""
    return RegistrySnapshot(
        (
            {name: list(found) for name, found in _functions.items()},
            {name: list(found) for name, found in _classes.items()},
            list(_decorators),
        )
    )


def restore_registry(snapshot: RegistrySnapshot) -> None:
    """Put all registries back to a snapshot."""
    for registry, saved in ((_functions, snapshot[0]), (_classes, snapshot[1])):
        registry.clear()
        registry.update({name: list(found) for name, found in saved.items()})
    _decorators[:] = snapshot[2]
