"""Starting applications: here, as a recorded run of tl-bench."""

from __future__ import annotations

from ..registry import get_function
from .exceptions import SDKUsageError
from .function import Function, _is_application_function


def run_local_application(application, *args, **kwargs):
    """Run an application to its end and return its Request.

    The process must have been started by ``tl-bench exec``. Errors of the input are raised here;
    what the application fails with is raised by ``Request.output()``.
    """
    if isinstance(application, str):
        try:
            application = get_function(application)
        except KeyError:
            raise SDKUsageError(f"Function with name '{application}' is not defined") from None
    _require_application(application)
    from tlb_runtime.driver import run_application

    return run_application(application, args, kwargs)


def run_remote_application(application, *args, **kwargs):
    """Tensorlake Cloud cannot be reached from here."""
    if isinstance(application, Function):
        _require_application(application)
    raise SDKUsageError(
        "run_remote_application() runs in Tensorlake Cloud, which tl-bench does not talk to. "
        "Use run_local_application()."
    )


def _require_application(application) -> None:
    if not (isinstance(application, Function) and _is_application_function(application)):
        raise SDKUsageError(
            f"{application} is not an application function and cannot be run as an application. "
            "To make it an application function, add @application() decorator to it."
        )
