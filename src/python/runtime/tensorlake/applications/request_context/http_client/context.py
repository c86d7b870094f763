"""A context that is made by hand: request id and headers, picklable."""

from __future__ import annotations

from ...interface.http import Headers
from ...interface.request_context import RequestContext
from .metrics import RequestMetricsHTTPClient
from .progress import FunctionProgressHTTPClient


class RequestContextHTTPClient(RequestContext):
    def __init__(
        self,
        request_id,
        allocation_id,
        function_name,
        function_run_id,
        server_base_url=None,
        http_client=None,
        blob_store=None,
        logger=None,
        headers=None,
    ):
        self._names = (request_id, allocation_id, function_name, function_run_id)
        self._headers = Headers(headers)

    def __reduce__(self):
        rest = (None, None, None, None, self._headers.multi_items())
        return RequestContextHTTPClient, self._names + rest

    @property
    def request_id(self) -> str:
        return self._names[0]

    @property
    def headers(self) -> Headers:
        return Headers(self._headers.multi_items())

    @property
    def progress(self) -> FunctionProgressHTTPClient:
        return FunctionProgressHTTPClient(*self._names, http_client=None)

    @property
    def metrics(self) -> RequestMetricsHTTPClient:
        return RequestMetricsHTTPClient(*self._names[:3], http_client=None)
