"""The life of a worker process: connect, load, tell what was found, execute until the end."""

from __future__ import annotations

import os
import sys
from time import monotonic

# The public package comes first: the modules below take their exceptions from it.
import tensorlake.applications  # noqa: F401
from tensorlake.applications.registry import get_function

from . import reads
from . import session as sessions
from .describe import function_records, secrets, validation_records
from .errors import record
from .executor import Executor, Slots
from .loader import load
from .multiprocess import use_spawn
from .streams import CallStream
from .wire import encode_json, frame

#: What a plain script has by default on its main thread, so that code which fits there fits here.
#: It is address space, not memory: 500 nested calls touch a few dozen KiB of each stack.
STACK_SIZE = 8 << 20


def run() -> None:
    """Never returns normally: ends with os._exit."""
    from _thread import stack_size
    from gc import freeze

    stack_size(STACK_SIZE)
    # A waiting answer should not wait 5 ms for a busy thread to yield the interpreter.
    sys.setswitchinterval(0.001)
    _ignore_interrupts()
    _end_with_engine()
    path = os.environ.get("TLB_SOCKET")
    if not path:
        sys.stderr.write("tlb_runtime is started by tl-bench (TLB_SOCKET is not set)\n")
        sys.exit(2)
    session = sessions.Session(sessions.connect(path), "worker")
    number = int(os.environ.get("TLB_WORKER") or 0)
    welcome = session.hello(os.environ.get("TLB_TOKEN", ""), {"worker": number})
    slots = Slots(os.environ.get("TLB_SLOTS"), int(welcome.get("slots") or 1))
    executor = Executor(session, _function, slots)
    session.executor = executor
    sessions.active = session
    sys.stdout = CallStream(executor, "stdout", 1)
    sys.stderr = CallStream(executor, "stderr", 2)
    _load(session, welcome)
    # What was imported stays: the collector need not look at it again.
    freeze()
    executor.wake_worker()
    if number <= 1:
        _compile_runtime()
    try:
        executor.monitor()
    finally:
        os._exit(0)


def _end_with_engine() -> None:
    """Have the kernel kill this process when the engine ends.

    The end of the connection says the same, but nobody can read that while C code holds the interpreter lock.
    The engine holds the writing end of a FIFO; when that goes, the reader's owner gets a signal. Only Linux lets
    one choose which; elsewhere the connection must do.
    """
    path = os.environ.pop("TLB_LEASH", None)
    try:
        import fcntl
        from signal import SIGKILL

        choose = fcntl.F_SETSIG
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(file, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(file, choose, SIGKILL)
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    except (AttributeError, ImportError, OSError, TypeError):
        pass


def _compile_runtime() -> None:
    """Keep the bytecode of this runtime, once for each version of Python.

    The user's PYTHONDONTWRITEBYTECODE is about the user's files; compiling this package at every
    start would be most of a start.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    kept = os.path.join(root, "tlb_runtime", "__pycache__")
    marker = os.path.join(kept, "complete-" + (sys.implementation.cache_tag or ""))
    if os.path.exists(marker) or not os.access(root, os.W_OK):
        return
    from importlib.util import cache_from_source
    from py_compile import compile

    try:
        for folder, _, names in os.walk(root):
            for name in names:
                file = os.path.join(folder, name)
                # A short run ends in the middle of this: the next one goes on from there.
                if name.endswith(".py") and not os.path.exists(cache_from_source(file)):
                    compile(file, quiet=2)
        os.makedirs(kept, exist_ok=True)
        open(marker, "wb").close()
    except OSError:
        pass  # it is only slower without


def _function(name: str):
    try:
        return get_function(name)
    except KeyError:
        return None


def _load(session, welcome: dict) -> None:
    start = monotonic()
    try:
        use_spawn()
        project = welcome.get("project") or os.getcwd()
        reads.install(project, session.executor, True)
        load(welcome["load"]["file"], project)
        env = secrets(welcome)
        session.told.update(env)
        header = {
            "t": "ready",
            "functions": function_records(),
            "messages": validation_records(),
            "loaded": dict(reads.loaded(), env=env),
            "load_ms": round((monotonic() - start) * 1000),
        }
    except BaseException as error:
        session.executor._sweep_logs()
        header = {"t": "load_failed", "error": load_error(error)}
        session.send(frame(encode_json(header)))
        os._exit(1)
    session.executor._sweep_logs()
    session.send(frame(encode_json(header)))


def load_error(error: BaseException) -> dict:
    """The record of a failed import, with the place where it is wrong."""
    found = record(error, "function")
    if isinstance(error, SyntaxError) and error.filename:
        found["frames"].append(
            {
                "file": error.filename,
                "line": error.lineno or 0,
                "name": "<module>",
                "text": (error.text or "").strip(),
            }
        )
    if isinstance(error, SystemExit):
        found["message"] = "The module called sys.exit(%s) while it was imported." % (error.code,)
    return found


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole process group; what it means is the engine's decision.

    A handler that does nothing rather than SIG_IGN: programs started from user code would inherit
    the latter.
    """
    from _signal import SIGINT, signal

    signal(SIGINT, lambda _number, _frame: None)
