"""Child processes of user code are spawned, not forked, as with the released SDK.

A forked copy of this many-threaded process could deadlock, and would share the engine's
connection. ``multiprocessing`` is slow to import, so this waits until somebody imports it.
"""

from __future__ import annotations

from .imports import after_import

_asked = False


def use_spawn() -> None:
    """Make "spawn" the default start method, now or when multiprocessing is imported."""
    global _asked
    if not _asked:
        _asked = True
        after_import("multiprocessing", _set)


def _set(module) -> None:
    if hasattr(module, "set_start_method"):
        module.set_start_method("spawn", force=True)
