"""The exceptions of the API. Names, bases, attributes and texts are those of the released SDK."""

from __future__ import annotations


class TensorlakeException(Exception):
    """Base class of everything that the SDK raises."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class TensorlakeError(TensorlakeException):
    """Base class of all errors in applications."""


class RequestNotFinished(TensorlakeError):
    """The output of a request was asked for before the request ended."""

    def __init__(
        self, message: str = "Request is still in progress, its output is not ready yet."
    ) -> None:
        super().__init__(message)


class RequestFailed(TensorlakeError):
    """The output of a failed request was asked for."""


class RequestError(RequestFailed):
    """Raised by a function to fail the request with exactly this message. Never retried.

    A caller can catch it; uncaught it ends the request.
    """

    @property
    def message(self) -> str:
        return self.args[0]


class RemoteAPIError(TensorlakeError):
    """A call of the remote API failed."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code

    def __reduce__(self):
        return type(self), (self.status_code, self.args[0])

    def __str__(self) -> str:
        return f"{super().__str__()} (Status Code: {self.status_code})"


class SDKUsageError(TensorlakeError):
    """The SDK was used in a way that it does not support."""


class SerializationError(TensorlakeError):
    """A value could not be serialized."""


class DeserializationError(TensorlakeError):
    """A value could not be deserialized."""


class InternalError(TensorlakeError):
    """The SDK itself failed."""


class FunctionError(TensorlakeError):
    """A called function failed; the text holds its traceback.

    When the function raised RequestError, that is raised in the caller instead.
    """


class TimeoutError(TensorlakeError):
    """A wait, or a called function, took longer than it may."""

    def __init__(self, message: str = "Timed out.") -> None:
        super().__init__(message)


class ReplayError(TensorlakeError):
    """A strict replay met a call that its recorded history does not have."""
