"""Request: the handle of one execution of an application."""

from __future__ import annotations

from .exceptions import InternalError


class Request:
    def __init__(self, id: str):
        self._id = id

    @property
    def id(self) -> str:
        return self._id

    def output(self):
        """What the application returned.

        Raises RequestError when one ended the request, else RequestFailed when it failed.
        """
        raise InternalError("Request subclasses must implement output method.")

    def __repr__(self) -> str:
        return f"{type(self)}: (id={self._id})"

    def __str__(self) -> str:
        return f"Tensorlake Request(id={self._id})"


class LocalRequest(Request):
    """A request that has ended: with an output, or with the error that ``output`` raises."""

    def __init__(self, id: str, output, error):
        super().__init__(id)
        self._output = output
        self._error = error

    def output(self):
        if self._error is not None:
            raise self._error
        return self._output
