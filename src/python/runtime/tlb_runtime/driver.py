"""run_local_application: the process of a script runs an application as a recorded run.

The script was started by ``tl-bench exec``. Its calls are executed here, in threads, so that class
instances, globals and patched modules are those of the script.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock, start_new_thread

from tensorlake.applications.interface.exceptions import (
    FunctionError,
    RequestError,
    RequestFailed,
    SDKUsageError,
)
from tensorlake.applications.interface.request import LocalRequest
from tensorlake.applications.registry import get_function, has_function

from . import reads
from . import session as sessions
from .coerce import deserialize_output, serialize_input
from .describe import function_records, secrets
from .executor import Executor, Slots
from .multiprocess import use_spawn
from .streams import CallStream
from .wire import clean, encode_json, frame

_lock = allocate_lock()
_session = None
_pid = 0
_running = 0
#: What was looked at while the script imported its modules.
_imports = None


def run_application(application, args, kwargs) -> LocalRequest:
    """Run an application to its end. Raises what is wrong before it starts."""
    messages = _validated()
    data = serialize_input(application, args, kwargs)
    session = _connect()
    use_spawn()
    _begin(session)
    streams = _capture(session.executor)
    try:
        answer, blobs = _ask(session, application, data, messages)
    except KeyboardInterrupt:
        # A frame may have been half read. The engine sees the end of the connection and cancels.
        session.closed = True
        session.executor.stop()
        session.sock.close()
        return LocalRequest("local-request-id", None, RequestFailed("Cancelled by user"))
    finally:
        _release(streams)
        _end()
    request_id = str(answer.get("run") or "local-request-id")
    if answer.get("ok"):
        return LocalRequest(request_id, deserialize_output(application, blobs[0]), None)
    error = answer.get("error") or {}
    return LocalRequest(request_id, None, _failed(application, args, kwargs, error))


def _validated() -> list:
    """The validation messages; an error among them ends the attempt, as in the SDK."""
    from tensorlake.applications.validation import (
        format_validation_messages,
        has_error_message,
        validate_loaded_applications,
    )

    messages = validate_loaded_applications()
    formatted = format_validation_messages(messages)
    if has_error_message(messages):
        for found in formatted:
            print(
                f"{found['severity']}: {found['location']}{found['message']}", file=sys.stderr
            )
        raise SDKUsageError(
            "Local application run aborted due to code validation errors, "
            "please address them before running the application."
        )
    return [
        {"severity": found["severity"], "text": clean(found["location"] + found["message"])}
        for found in formatted
    ]


def _connect():
    global _session, _pid, _imports
    with _lock:
        if _session is not None and not _session.closed and _pid == os.getpid():
            return _session
        path = os.environ.get("TLB_SOCKET")
        if not path:
            raise SDKUsageError(
                "run_local_application() needs tl-bench. "
                "Start this program with: tl-bench exec -- python ..."
            )
        if sessions.active is not None and sessions.active.role_name == "worker":
            raise SDKUsageError(
                "run_local_application() cannot be called by the code of an application that "
                "tl-bench runs. Call the function itself."
            )
        try:
            session = sessions.Session(sessions.connect(path), "driver")
            session.hello(os.environ.get("TLB_TOKEN", ""), {})
        except Exception as error:
            raise SDKUsageError(f"Cannot connect to tl-bench: {error}") from error
        session.executor = executor = Executor(session, _function, Slots(None, 0))
        session.on_closed = executor.stop
        reads.install(session.welcome.get("project") or os.getcwd(), executor, False)
        if _imports is None:
            _imports = reads.loaded()["reads"]
        start_new_thread(executor.monitor, ())
        _session, _pid = session, os.getpid()
        return session


def _function(name: str):
    return get_function(name) if has_function(name) else None


def _begin(session) -> None:
    global _running
    with _lock:
        _running += 1
        sessions.active = session


def _end() -> None:
    """Outside of a run the SDK counts as not initialized."""
    global _running
    with _lock:
        _running -= 1
        if _running == 0:
            sessions.active = None


def _capture(executor):
    """Record what functions print, beside printing it."""
    streams = []
    for name, fd in (("stdout", 1), ("stderr", 2)):
        before = getattr(sys, name)
        if before is None or isinstance(before, CallStream):
            continue
        stream = CallStream(executor, name, fd, echo=before)
        setattr(sys, name, stream)
        streams.append((name, stream, before))
    return streams


def _release(streams) -> None:
    for name, stream, before in streams:
        if getattr(sys, name) is stream:
            setattr(sys, name, before)


def _ask(session, application, data: bytes, messages: list):
    pending = session.new_pending()
    records = function_records()
    files = sorted({record["file"] for record in records if record["file"]})
    header = {
        "t": "run_app",
        "id": pending.id,
        "app": application._name,
        "functions": records,
        "messages": messages,
        "files": files,
        "loaded": {
            "path": list(sys.path),
            "reads": _imports or [],
            "env": secrets(session.welcome),
        },
    }
    session.send(frame(encode_json(header), (data,)))
    session.wait_for(pending, None)
    return pending.answer


def _failed(application, args, kwargs, error: dict) -> RequestFailed:
    """The error of the request; its cause is printed, as the SDK does."""
    if error.get("kind") == "request":
        _print(RequestError(error.get("message") or ""))
        return RequestError(error.get("message") or "")
    text = error.get("traceback") or error.get("message") or "unknown error"
    future = application.future(*args, **kwargs)
    _print(FunctionError(f"{future} failed due to exception: \n{text}"))
    return RequestFailed("function_error")


def _print(error: Exception) -> None:
    import traceback

    print("\n")
    traceback.print_exception(type(error), error, error.__traceback__)
