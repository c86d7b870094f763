"""RequestContext and its parts as user code sees them.

The classes here define the interface and check what they are given; what they do with it is in
:mod:`tlb_runtime.context`.
"""

from __future__ import annotations

from ..request_context.contextvar import get_current_request_context
from .exceptions import InternalError


class RequestState:
    """Values that all functions of one request share, by key. ``get`` gives a copy."""

    def set(self, key: str, value) -> None:
        raise InternalError("RequestState subclasses must implement set method.")

    def get(self, key: str, default=None):
        raise InternalError("RequestState subclasses must implement get method.")


class RequestMetrics:
    """Numbers that a request reports."""

    def timer(self, name: str, value) -> None:
        raise InternalError("RequestMetrics subclasses must implement timer method.")

    def counter(self, name: str, value: int = 1) -> None:
        raise InternalError("RequestMetrics subclasses must implement counter method.")


class FunctionProgress:
    """How far a function call is. An update also restarts the clock of its timeout."""

    def update(self, current, total, message=None, attributes=None) -> None:
        raise InternalError("FunctionProgress subclasses must implement update method.")


class RequestContext:
    """What belongs to the running request."""

    @classmethod
    def get(cls) -> RequestContext:
        """The context of the running function call; SDKUsageError outside of one."""
        return get_current_request_context()

    @property
    def request_id(self) -> str:
        raise InternalError("RequestContext subclasses must implement request_id property.")

    @property
    def headers(self):
        raise InternalError("RequestContext subclasses must implement headers property.")

    @property
    def state(self) -> RequestState:
        raise InternalError("RequestContext subclasses must implement state property.")

    @property
    def progress(self) -> FunctionProgress:
        raise InternalError("RequestContext subclasses must implement progress property.")

    @property
    def metrics(self) -> RequestMetrics:
        raise InternalError("RequestContext subclasses must implement metrics property.")
