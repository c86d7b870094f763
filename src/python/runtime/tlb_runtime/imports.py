"""Doing something right after a module of the standard library was imported, whenever that is.

What is slow to import is not imported for its own sake.
"""

from __future__ import annotations

import sys


def after_import(name: str, act) -> None:
    """Call ``act(module)`` now when the module is there, else right after its import."""
    module = sys.modules.get(name)
    if module is not None:
        act(module)
    else:
        sys.meta_path.insert(0, _Finder(name, act))


class _Finder:
    def __init__(self, name: str, act):
        self._name = name
        self._act = act

    def find_spec(self, name, path=None, target=None):
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self._act)
                return spec
        return None


class _Loader:
    def __init__(self, loader, act):
        self._loader = loader
        self._act = act

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module) -> None:
        self._loader.exec_module(module)
        self._act(module)

    def __getattr__(self, name: str):
        return getattr(self._loader, name)
