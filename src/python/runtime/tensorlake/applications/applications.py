"""Helpers for tests of applications; not part of the public API."""

from __future__ import annotations

from .interface.function import _is_application_function
from .interface.run import run_local_application, run_remote_application


def filter_applications(functions):
    """The applications among functions."""
    return (fn for fn in functions if _is_application_function(fn))


def run_application(application, remote: bool, *args, **kwargs):
    """Run remotely or locally, as ``remote`` says."""
    run = run_remote_application if remote else run_local_application
    return run(application, *args, **kwargs)
