"""The public names of the Applications API."""

from .decorators import application, cls, function
from .exceptions import (
    DeserializationError,
    FunctionError,
    InternalError,
    RemoteAPIError,
    ReplayError,
    RequestError,
    RequestFailed,
    RequestNotFinished,
    SDKUsageError,
    SerializationError,
    TensorlakeError,
    TensorlakeException,
    TimeoutError,
)
from .file import File
from .function import Function
from .futures import RETURN_WHEN, Future
from .http import Headers, HttpBody
from .image import Image
from .logger import Logger
from .request import Request
from .request_context import FunctionProgress, RequestContext, RequestState
from .retries import Retries
from .run import run_local_application, run_remote_application

__all__ = [
    "application",
    "ApplicationCapability",
    "cls",
    "run_local_application",
    "run_remote_application",
    "function",
    "DeserializationError",
    "File",
    "Function",
    "Future",
    "Headers",
    "HttpBody",
    "FunctionError",
    "TimeoutError",
    "FunctionProgress",
    "Image",
    "InternalError",
    "RemoteAPIError",
    "ReplayError",
    "ReplayMode",
    "Request",
    "RequestContext",
    "RequestFailed",
    "RequestState",
    "RequestError",
    "RequestNotFinished",
    "Retries",
    "RETURN_WHEN",
    "SDKUsageError",
    "SerializationError",
    "Logger",
    "TensorlakeException",
    "TensorlakeError",
    "get_remote_request",
]


def __getattr__(name: str):
    # Rarely used names whose modules would make every start slower.
    if name == "ApplicationCapability":
        from typing import Literal

        return Literal["unauthenticated_requests"]
    if name in ("ReplayMode", "get_remote_request"):
        from . import replay

        return getattr(replay, name)
    raise AttributeError(f"module 'tensorlake.applications' has no attribute {name!r}")
