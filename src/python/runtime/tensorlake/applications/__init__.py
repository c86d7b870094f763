"""The Tensorlake Applications API as tl-bench provides it.

``interface`` holds the public names. They are copied here by hand rather than by ``import *``,
which would also load the rarely used ones that ``interface.__getattr__`` makes on demand.
"""

# The subpackage ``function`` has the name of a decorator. It is imported before the names are set,
# because a first import later would put the subpackage in the decorator's place.
from . import function as _function_package  # noqa: F401, I001
from . import interface as _interface

__all__ = list(_interface.__all__)

globals().update({name: vars(_interface)[name] for name in __all__ if name in vars(_interface)})


def _watch_script() -> None:
    """A script under ``tl-bench exec`` imports its modules before it is known that it makes a run."""
    import os

    project = os.environ.get("TLB_PROJECT")
    if project and "TLB_WORKER" not in os.environ:
        from tlb_runtime import loader, reads

        loader.install(project)
        reads.install(project, None, True)


_watch_script()


def __getattr__(name: str):
    if name in __all__:
        return getattr(_interface, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
