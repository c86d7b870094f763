"""One connection to the engine: pending requests, waiting for them, and who reads the socket.

**Leader and followers.** At most one thread reads: the one that holds ``role``. It may be a caller
that waits for its result or an idle worker thread. It hands answers to their waiters and calls to
the executor. So when one thing happens at a time, the thread that waits is the thread that reads,
and no thread is woken by another. A thread that got what it waited for leaves the role vacant;
when nobody takes it within about a millisecond, the executor's monitor wakes a worker to do so.

**Interrupts.** ``Call.in_user`` is true only while user code runs. An asynchronous exception is
set in a thread only while it is true, so that it cannot hit the middle of a frame.
"""

from __future__ import annotations

import os
from _contextvars import ContextVar
from _thread import allocate_lock, get_ident
from collections import deque
from itertools import count
from time import monotonic

from tensorlake.applications.interface.exceptions import SDKUsageError

from . import PROTOCOL
from .errors import Abandoned, internal
from .values import loads
from .wire import Closed, ProtocolError, Receiver, Sender, clean, encode_json, frame

_OUTSIDE = (
    "Tensorlake SDK was called outside of a Tensorlake Function thread or process."
    "Please only call Tensorlake SDK from Tensorlake Functions."
)
_NOT_INITIALIZED = (
    "Tensorlake SDK is not initialized. If you are using multiprocessing, please note that "
    "only a RequestContext created in the main process can be used in child processes. "
    "Other SDK features are not available in child processes at the moment."
)

#: The running Call of this context; None in a forked child.
current = ContextVar("tensorlake_call", default=None)

#: The session of this process: a worker's, or a driver's while an application runs.
active = None


class Call:
    """A call that this process executes."""

    __slots__ = (
        "number", "attempt", "function", "by", "request", "thread", "in_user", "abandoned",
        "waiter", "slot", "out", "err", "context", "session", "started", "reads", "ahead", "said",
    )  # fmt: skip

    def __init__(self, session, number: int, attempt: int, function, request: str):
        self.session = session
        self.number = number
        self.attempt = attempt
        self.function = function
        self.request = request
        #: The part of a request's header that says who asks.
        self.by = f'"by":{number},"attempt":{attempt}'
        self.thread = 0
        self.in_user = False
        self.abandoned = None
        self.waiter = None
        self.slot = -1
        self.out = None
        self.err = None
        self.context = None
        self.started = 0.0
        #: What it looked at: a reads.Reads once there is something.
        self.reads = None
        #: Answers to what it will probably ask for next, and how many requests it has made.
        self.ahead = None
        self.said = 0


class Pending:
    """A request that was sent. ``answer`` is (header, blobs) once it came."""

    __slots__ = ("id", "answer", "wakers", "order", "reads", "parts", "unread")

    def __init__(self, id: int):
        self.id = id
        self.answer = None
        #: Called by the reader when the answer came.
        self.wakers = None
        #: Who waits for it reads the socket when nobody else does.
        self.reads = False
        #: The how-maniest answer of the connection it is.
        self.order = 0
        #: Results of a map that came before its end, by index: pickles, or what was made of them.
        self.parts = None
        #: Indexes of those that are pickles.
        self.unread = None

    def add(self, at, blobs) -> None:
        """Results of some items of a map."""
        if self.parts is None:
            self.parts = {}
            self.unread = deque()
        self.parts.update(zip(at, blobs))
        self.unread.extend(at)

    def read(self) -> None:
        """Make values of the results that are here, while others are made. For the thread that waits for them, while
        nobody is kept from reading: user code may run, and make calls."""
        parts, unread = self.parts, self.unread
        while unread:
            index = unread.popleft()
            try:
                parts[index] = Loaded(loads(parts[index]))
            except Exception:
                pass  # it fails again where it is asked for

    def results(self):
        """All results of a map in order, at its end: pickles, or what was made of them."""
        header, blobs = self.answer
        if self.parts is None:
            return blobs
        self.parts.update(zip(header["at"], blobs))
        return [self.parts[index] for index in range(header["n"])]


class Loaded:
    """A result of a map that is a value already."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


def value_of(result):
    """The value of a map's result."""
    return result.value if type(result) is Loaded else loads(result)


class Waiter:
    """A thread that sleeps until another wakes it; waking twice is harmless."""

    __slots__ = ("lock",)

    def __init__(self):
        self.lock = allocate_lock()
        self.lock.acquire()

    def wake(self) -> None:
        try:
            self.lock.release()
        except RuntimeError:
            pass


def current_call() -> Call:
    """The call that runs here. Raises SDKUsageError outside of one."""
    call = current.get()
    if call is None:
        raise SDKUsageError(_OUTSIDE)
    return call


def enter() -> Call:
    """What every SDK operation starts with: the running call, if it may go on."""
    if active is None:
        raise SDKUsageError(_NOT_INITIALIZED)
    call = current.get()
    if call is None:
        raise SDKUsageError(_OUTSIDE)
    if call.abandoned is not None:
        raise Abandoned(call.abandoned)
    return call


def require_active() -> None:
    if active is None:
        raise SDKUsageError(_NOT_INITIALIZED)


class Session:
    """A connection. ``executor`` is set by roles that execute calls."""

    def __init__(self, sock, role: str):
        self.role_name = role
        self.sock = sock
        self.sender = Sender(sock)
        self.receiver = Receiver(sock)
        self.role = allocate_lock()
        #: Counts how often the role was taken: tells the monitor a vacancy from a flicker.
        self.epoch = 0
        self.pendings: dict = {}
        self.ids = count(1)
        #: Held while a request is counted, or an answer taken that came before it.
        self.asking = allocate_lock()
        self.answers = 0
        self.executor = None
        self.closed = False
        self.welcome: dict = {}
        #: Variables that are secrets, and their values that the engine knows.
        self.secrets: tuple = ()
        self.told: dict = {}
        self.on_closed = None

    # Start

    def hello(self, token: str, extra: dict) -> dict:
        """Introduce this process; returns the welcome. Raises ConnectionError when refused."""
        import sys

        header = {
            "t": "hello",
            "proto": PROTOCOL,
            "token": token,
            "role": self.role_name,
            "pid": os.getpid(),
            "python": "%d.%d.%d" % sys.version_info[:3],
            "executable": sys.executable or "",
            "prefix": sys.prefix,
            **extra,
        }
        self.send(frame(encode_json(header)))
        answer, _ = self.receiver.receive()
        if answer.get("t") != "welcome":
            raise ConnectionError(answer.get("why") or "the engine refused the connection")
        self.welcome = answer
        self.secrets = tuple(answer.get("secrets") or ())
        return answer

    # Asking

    def send(self, pieces: list) -> None:
        """Send whole frames. Raises OSError when the engine is gone."""
        new = self._new_secrets() if self.secrets else None
        if new:
            # Before what may hold them. Two threads may both tell them, which does no harm; neither may tell too late.
            pieces = [b"".join([*frame(encode_json({"t": "secrets", "env": new})), *pieces])]
            self.sender.send(pieces)
            self.told.update(new)
            return
        if len(pieces) == 1:
            # One system call: an interrupt comes before or after it, never in the middle.
            self.sender.send(pieces)
            return
        call = current.get()
        own = call is not None and call.in_user and call.thread == get_ident()
        if own:
            call.in_user = False
        try:
            self.sender.send(pieces)
        finally:
            if own:
                call.in_user = True
        if own and call.abandoned is not None:
            raise Abandoned(call.abandoned)

    def _new_secrets(self) -> dict:
        """Values of secret variables that user code set since the engine was told."""
        get = os.environ.get
        return {
            name: clean(value)
            for name in self.secrets
            if (value := get(name)) and self.told.get(name) != clean(value)
        }

    def new_pending(self) -> Pending:
        pending = Pending(next(self.ids))
        self.pendings[pending.id] = pending
        return pending

    def wait_for(self, pending: Pending, call) -> None:
        """Block until the answer of one request is here. ``call``: who waits, or None."""
        while pending.answer is None:
            self._wait_for(pending, call)
            if call is not None and call.abandoned is not None:
                raise Abandoned(call.abandoned)
            if pending.answer is None:
                pending.read()

    def _wait_for(self, pending: Pending, call) -> None:
        """Block until the answer of one request is here, or results of a map that can be made values of meanwhile."""
        executor = self.executor
        own = call is not None and call.thread == get_ident()
        if own:
            call.in_user = False
        if executor is not None:
            executor.leave_body(call if own else None)
        try:
            if self.role.acquire(False):
                # The fast path: this thread reads its answer itself.
                self._read_until(pending, call)
            if pending.answer is None and not pending.unread:
                self._wait_until((pending,), lambda: pending.answer is not None, call, None)
        finally:
            if executor is not None:
                executor.enter_body(call if own else None)
            if own:
                call.in_user = True

    def wait_many(self, pendings, ready, call, timeout) -> bool:
        """Block until ``ready()``; False when ``timeout`` seconds passed before."""
        if ready():
            return True
        executor = self.executor
        own = call is not None and call.thread == get_ident()
        if own:
            call.in_user = False
        if executor is not None:
            executor.leave_body(call if own else None)
        try:
            in_time = self._wait_until(pendings, ready, call, timeout)
        finally:
            if executor is not None:
                executor.enter_body(call if own else None)
            if own:
                call.in_user = True
        if call is not None and call.abandoned is not None:
            raise Abandoned(call.abandoned)
        return in_time

    def _wait_until(self, pendings, ready, call, timeout) -> bool:
        deadline = None if timeout is None else monotonic() + timeout
        while not ready():
            if self.closed and self.role_name != "worker":
                return ready()
            if call is not None and call.abandoned is not None:
                raise Abandoned(call.abandoned)
            waiter = Waiter()
            for pending in pendings:
                if pending.answer is None:
                    if pending.wakers is None:
                        pending.wakers = []
                    pending.wakers.append(waiter.wake)
                    pending.reads = deadline is None
            if call is not None:
                call.waiter = waiter
            if ready() or (call is not None and call.abandoned is not None):
                continue
            if deadline is None and self.role.acquire(False):
                # Our own waker is in the lists too; that a later answer wakes nobody is harmless.
                self._read_while(lambda: not ready(), call)
                continue
            if deadline is None:
                if self.executor is None:
                    # Nobody else would take the role when its holder leaves: look now and then.
                    waiter.lock.acquire(True, 0.05)
                else:
                    waiter.lock.acquire()
            else:
                left = deadline - monotonic()
                if left <= 0:
                    return False
                self.ensure_reader()
                waiter.lock.acquire(True, min(left, 3600.0))
        return True

    def ensure_reader(self) -> None:
        """Make another thread read when nobody does."""
        if self.executor is not None and not self.role.locked():
            self.executor.wake_worker()

    # Reading; the caller holds the role, and the methods give it back

    def _read_until(self, pending: Pending, call) -> None:
        self.epoch += 1
        try:
            receiver = self.receiver
            receive = receiver.receive
            dispatch = self.dispatch
            while pending.answer is None and not pending.unread:
                dispatch(*receive())
                if call is not None and call.abandoned is not None:
                    break
            while receiver.start != receiver.end and receiver.has_frame():
                # Leave nothing behind that is here already: its waiters may be asleep.
                dispatch(*receive())
        except (Closed, OSError, ProtocolError) as error:
            self.lost(error)
        finally:
            self.role.release()
            if self.executor is not None:
                self.executor.role_left()

    def _read_while(self, wanted, call) -> None:
        self.epoch += 1
        try:
            receive = self.receiver.receive
            while wanted() or self.receiver.has_frame():
                if call is not None and call.abandoned is not None:
                    break
                self.dispatch(*receive())
        except (Closed, OSError, ProtocolError) as error:
            self.lost(error)
        finally:
            self.role.release()
            if self.executor is not None:
                self.executor.role_left()

    def read_calls(self, queue) -> bool:
        """Read until a call to execute is in ``queue``. For idle worker threads.

        True when the role was left to a caller that got the only answer anybody waited for: it
        will read its next answer itself. Until then the monitor watches.
        """
        self.epoch += 1
        handed = False
        try:
            receiver = self.receiver
            receive = receiver.receive
            while not queue and not handed:
                answered = self.dispatch(*receive())
                handed = answered and not self.pendings
            while receiver.start != receiver.end and receiver.has_frame():
                self.dispatch(*receive())
        except (Closed, OSError, ProtocolError) as error:
            self.lost(error)
        finally:
            self.role.release()
        return handed

    def dispatch(self, header: dict, blobs) -> bool:
        """Hand one frame to whom it concerns; True when that woke a waiting caller."""
        kind = header["t"]
        if kind == "done" or kind == "state" or kind == "run_done":
            pending = self.pendings.pop(header["id"], None)
            if pending is not None:
                self.answers += 1
                pending.order = self.answers
                pending.answer = (header, blobs)
                if pending.wakers is not None:
                    for wake in pending.wakers:
                        wake()
                    return pending.reads
        elif kind == "run":
            self.executor.accept(header["calls"], blobs)
        elif kind == "part":
            pending = self.pendings.get(header["id"])
            if pending is not None:
                pending.add(header["at"], blobs)
        elif kind == "interrupt":
            self.executor.interrupt(header["call"], header["attempt"], header.get("why") or "")
        elif kind == "frames":
            from .frames import answer  # only who steps through a run asks

            answer(self.executor, header)
        elif kind == "evaluate":
            from _thread import start_new_thread

            from .expression import evaluate

            start_new_thread(evaluate, (self.executor, header, blobs))
        elif kind == "shutdown":
            raise Closed
        else:
            raise ProtocolError("unknown message %r" % (kind,))
        return False

    def lost(self, error) -> None:
        """The connection ended. A worker leaves at once; others fail what they wait for."""
        if self.role_name == "worker":
            os._exit(0 if isinstance(error, (Closed, ConnectionError)) else 3)
        self.closed = True
        why = "The connection to tl-bench was lost: %s" % (str(error) or "the engine ended")
        for pending in list(self.pendings.values()):
            self.pendings.pop(pending.id, None)
            pending.answer = ({"t": "done", "ok": False, "error": internal(why)}, ())
            for wake in pending.wakers or ():
                wake()
        if self.on_closed is not None:
            self.on_closed()


def connect(path: str):
    """A connected stream socket. Avoids the ``socket`` module, which is slow to import."""
    from _socket import AF_UNIX, SOCK_STREAM, socket

    sock = socket(AF_UNIX, SOCK_STREAM)
    sock.connect(path)
    return sock


def _after_fork_in_child() -> None:
    # The connection belongs to the parent: a forked child must not write into its stream.
    global active
    active = None
    current.set(None)


os.register_at_fork(after_in_child=_after_fork_in_child)
