"""Metrics with their checks; given to ``http_client`` when there is one to take them."""

from __future__ import annotations

from tlb_runtime.context import check_counter, check_timer

from ...interface.exceptions import SDKUsageError
from ...interface.request_context import RequestMetrics


class RequestMetricsHTTPClient(RequestMetrics):
    def __init__(self, request_id, allocation_id, function_name, http_client):
        self._request_id = request_id
        self._function_name = function_name

    def timer(self, name: str, value) -> None:
        check_timer(name, value)
        _not_connected()

    def counter(self, name: str, value: int = 1) -> None:
        check_counter(name, value)
        _not_connected()


def _not_connected() -> None:
    raise SDKUsageError("Get the context of the running function with RequestContext.get().")
