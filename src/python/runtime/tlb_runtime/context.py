"""RequestContext: state, progress and metrics of a call, also from other threads and processes.

A context works in any thread of the process that runs the call. Pickled into another process it
makes its own connection there, in the role ``context``, when it is first used.
"""

from __future__ import annotations

import math
import os

from tensorlake.applications.interface.exceptions import InternalError, SDKUsageError
from tensorlake.applications.interface.http import Headers
from tensorlake.applications.interface.request_context import (
    FunctionProgress,
    RequestContext,
    RequestMetrics,
    RequestState,
)

from . import session as sessions
from .errors import raised_by
from .values import dumps, loads
from .wire import clean, encode_json, frame, quoted


class CallContext(RequestContext):
    """The context of one call. ``session`` and ``by`` come from the call, or are made on demand."""

    def __init__(self, call):
        self._call = call
        self._session = call.session
        self._number = call.number
        self._attempt = call.attempt
        self._request = call.request
        self._function = call.function._name if call.function is not None else ""
        self._pid = os.getpid()
        self._prints = call.session.role_name == "driver"

    def __getstate__(self) -> dict:
        return {
            "number": self._number,
            "attempt": self._attempt,
            "request": self._request,
            "function": self._function,
            "prints": self._prints,
        }

    def __setstate__(self, state: dict) -> None:
        self._call = None
        self._session = None
        self._number = state["number"]
        self._attempt = state["attempt"]
        self._request = state["request"]
        self._function = state["function"]
        self._prints = state["prints"]
        self._pid = os.getpid()

    @property
    def request_id(self) -> str:
        return self._request

    @property
    def headers(self) -> Headers:
        return Headers()

    @property
    def state(self) -> RequestState:
        return _State(self)

    @property
    def progress(self) -> FunctionProgress:
        return _Progress(self)

    @property
    def metrics(self) -> RequestMetrics:
        return _Metrics(self)

    @property
    def by(self) -> str:
        return '"by":%d,"attempt":%d' % (self._number, self._attempt)

    def connection(self):
        """The session to speak through in this process."""
        if self._session is None or self._pid != os.getpid():
            self._session = _connect(self._number)
            self._call = None
            self._pid = os.getpid()
        return self._session

    def tell(self, header: str, blobs=()) -> None:
        session = self.connection()
        try:
            session.send(frame(header, blobs))
        except OSError as error:
            session.lost(error)
            raise InternalError("The connection to tl-bench was lost: %s" % error) from error


#: The context connection of this process, by process id and call.
_connections: dict = {}


def _connect(number: int):
    key = (os.getpid(), number)
    found = _connections.get(key)
    if found is None or found.closed:
        path = os.environ.get("TLB_SOCKET")
        if not path:
            raise InternalError("This RequestContext can only be used below tl-bench.")
        try:
            found = sessions.Session(sessions.connect(path), "context")
            found.hello(os.environ.get("TLB_TOKEN", ""), {"call": number})
        except Exception as error:
            raise InternalError("Cannot connect to tl-bench: %s" % error) from error
        _connections[key] = found
    return found


class _Part:
    """A part of a context; not picklable on its own, as in the released SDK."""

    def __init__(self, context: CallContext):
        self._context = context

    def __getstate__(self):
        raise SDKUsageError(
            "Pickling of a part of RequestContext is not supported, pass the RequestContext."
        )


class _State(_Part, RequestState):
    def set(self, key: str, value) -> None:
        if not isinstance(key, str):
            raise SDKUsageError(f"State key must be a string, got: {key}")
        blob = dumps(value, "the value of state key %r" % key)
        context = self._context
        header = '{"t":"state_set",%s,"key":%s}' % (context.by, quoted(key))
        context.tell(header, (blob,))

    def get(self, key: str, default=None):
        if not isinstance(key, str):
            raise SDKUsageError(f"State key must be a string, got: {key}")
        context = self._context
        session = context.connection()
        pending = session.new_pending()
        header = '{"t":"state_get","id":%d,%s,"key":%s}' % (pending.id, context.by, quoted(key))
        context.tell(header)
        session.wait_for(pending, context._call)
        answer, blobs = pending.answer
        if answer.get("error"):
            raise raised_by(answer["error"], lambda: "RequestContext.state.get")
        return loads(blobs[0]) if answer.get("found") else default


class _Progress(_Part, FunctionProgress):
    def update(self, current, total, message=None, attributes=None) -> None:
        check_progress(current, total, message, attributes)
        context = self._context
        context.tell(
            '{"t":"progress",%s,"current":%s,"total":%s,"message":%s,"attributes":%s}'
            % (
                context.by,
                encode_json(float(current) if type(current) is not int else current),
                encode_json(float(total) if type(total) is not int else total),
                "null" if message is None else quoted(message),
                "null"
                if attributes is None
                else encode_json({clean(k): clean(v) for k, v in attributes.items()}),
            )
        )
        if context._prints:
            from tensorlake.applications.request_context.progress import print_progress_update

            print_progress_update(
                request_id=context._request,
                function_name=context._function,
                function_run_id=str(context._number),
                allocation_id=str(context._number),
                current=float(current),
                total=float(total),
                message=message,
                attributes=attributes,
                local_mode=True,
            )


class _Metrics(_Part, RequestMetrics):
    def timer(self, name: str, value) -> None:
        check_timer(name, value)
        self._send("timer", name, value)

    def counter(self, name: str, value: int = 1) -> None:
        check_counter(name, value)
        self._send("counter", name, value)

    def _send(self, kind: str, name: str, value) -> None:
        context = self._context
        context.tell(
            '{"t":"metric",%s,"name":%s,"kind":"%s","value":%s}'
            % (context.by, quoted(name), kind, encode_json(value))
        )
        if context._prints:
            from tensorlake.applications.request_context import metrics

            if kind == "timer":
                metrics.print_timer_recorded_event(
                    context._request, context._function, name, value, local_mode=True
                )
            else:
                metrics.print_counter_incremented_event(
                    context._request, context._function, name, value, local_mode=True
                )


def _is_step(value) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value) and value >= 0
    except OverflowError:  # an int that no double can hold
        return False


def check_progress(current, total, message, attributes) -> None:
    """Raises SDKUsageError with the SDK's text."""
    if not _is_step(current):
        raise SDKUsageError(f"'current' needs to be a number, got: {_shown(current)}")
    if not _is_step(total):
        raise SDKUsageError(f"'total' needs to be a number, got: {_shown(total)}")
    if message is not None and not isinstance(message, str):
        raise SDKUsageError(f"'message' needs to be a string, got: {message}")
    if attributes is None:
        return
    if not isinstance(attributes, dict):
        raise SDKUsageError(
            "'attributes' needs to be a dictionary of string key/value pairs, "
            f"got: {attributes}"
        )
    for key, value in attributes.items():
        if not isinstance(key, str):
            raise SDKUsageError(f"'attributes' key {key} needs to be a string")
        if not isinstance(value, str):
            raise SDKUsageError(f"'attributes' value {value} for key '{key}' needs to be a string")


def check_timer(name, value) -> None:
    if not isinstance(name, str):
        raise SDKUsageError(f"Timer name must be a string, got: {name}")
    try:
        valid = (
            not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)
        )
    except OverflowError:
        valid = False
    if not valid:
        raise SDKUsageError(f"Timer value must be a finite number, got: {_shown(value)}")


def check_counter(name, value) -> None:
    if not isinstance(name, str):
        raise SDKUsageError(f"Counter name must be a string, got: {name}")
    if isinstance(value, bool) or not isinstance(value, int):
        raise SDKUsageError(f"Counter value must be an int, got: {value}")


def _shown(value) -> str:
    try:
        return str(value)
    except ValueError:  # an int of more digits than Python writes
        return "a number of more than %d bits" % value.bit_length()
