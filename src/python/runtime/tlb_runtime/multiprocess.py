"""Child processes of user code are spawned, not forked, as with the released SDK.

A forked copy of this many-threaded process could deadlock, and would share the engine's
connection. ``multiprocessing`` is slow to import, so this waits until somebody imports it.
"""

from __future__ import annotations

import sys


def use_spawn() -> None:
    """Make "spawn" the default start method, now or when multiprocessing is imported."""
    loaded = sys.modules.get("multiprocessing")
    if loaded is not None:
        if hasattr(loaded, "set_start_method"):
            loaded.set_start_method("spawn", force=True)
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Sees the import of multiprocessing and sets the start method right after it."""

    def find_spec(self, name, path=None, target=None):
        if name != "multiprocessing":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader:
    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module) -> None:
        self._loader.exec_module(module)
        module.set_start_method("spawn", force=True)

    def __getattr__(self, name: str):
        return getattr(self._loader, name)
