"""Progress with its checks."""

from __future__ import annotations

from tlb_runtime.context import check_progress

from ...interface.request_context import FunctionProgress
from .metrics import _not_connected


class FunctionProgressHTTPClient(FunctionProgress):
    def __init__(self, request_id, allocation_id, function_name, function_run_id, http_client):
        self._request_id = request_id
        self._function_name = function_name

    def update(self, current, total, message=None, attributes=None) -> None:
        check_progress(current, total, message, attributes)
        _not_connected()
