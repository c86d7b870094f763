"""Threads: which call runs where, and when a further thread is needed.

Worker threads take calls from ``queue``; one of the idle ones reads the socket (see
:mod:`tlb_runtime.session`), the others are parked. A batch of calls runs on one thread as long as
the bodies are short; the **monitor** looks about every millisecond while there is anything to look
at, and

* adds threads, in doubling steps, when calls wait and no call was started since it last looked;
* makes a worker read the socket when nobody does;
* sends outcomes and output that are still unsent, and tells of answers that were taken.

When all is quiet it sleeps until it is woken. Threads blocked on a result keep their stack and
nothing else, so that calls can nest as deep as memory allows.
"""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread
from collections import deque
from time import monotonic, sleep

from . import reads
from . import session as sessions
from .body import execute
from .session import Call, Waiter
from .streams import LogBuffer, buffer_for
from .wire import frame

_TICK = 0.001
_QUIET = 0.03
_LOG_SECONDS = 0.025
#: An outcome may wait this long for others to travel with while further calls are started.
_HOLD = 0.0002
_PARK_SECONDS = 5.0
_KEEP_PARKED = 4


class Slots:
    """The file in which the engine reads, after a crash, what was executing (TLB_SLOTS)."""

    def __init__(self, path: str | None, count: int):
        self.view = None
        self.free: list = []
        if path:
            from mmap import mmap

            with open(path, "r+b", buffering=0) as file:
                self.view = memoryview(mmap(file.fileno(), 8 * count)).cast("Q")
            self.free = list(range(count - 1, -1, -1))

    def take(self, number: int) -> int:
        """A slot that now names the call; -1 when all are taken."""
        try:
            slot = self.free.pop()
        except IndexError:
            return -1
        self.view[slot] = number
        return slot

    def give(self, slot: int) -> None:
        self.view[slot] = 0
        self.free.append(slot)


class Executor:
    """Runs the calls that one session receives."""

    def __init__(self, session, functions, slots: Slots):
        self.session = session
        #: name -> Function
        self.functions = functions
        self.slots = slots
        self.log_limit = int(session.welcome.get("log_limit") or 1 << 20)
        self.queue: deque = deque()
        self.calls: dict = {}
        self.parked: list = []
        self.worker_reads = False
        self.taken = 0
        self.unsent: list = []
        self.unsent_slots: list = []
        self.unsent_since = 0.0
        self.unsent_lock = allocate_lock()
        #: Answers were taken that the engine was not told of.
        self.untold = False
        self.asleep = False
        self.bell = Waiter()
        #: (call, attempt) -> why, for calls that were given up before they began.
        self.given_up: dict = {}
        self.strays: dict = {}
        self.stopped = False

    # For the session

    def accept(self, infos, blobs) -> None:
        """Calls to execute have arrived (in the thread that reads)."""
        queue = self.queue
        if len(infos) == 1:
            queue.append((infos[0], blobs))
        else:
            at = 0
            for info in infos:
                count = 1 + len(info.get("deps") or ())
                for size in (info.get("lists") or {}).values():
                    count += size - 1
                queue.append((info, blobs[at : at + count]))
                at += count
        if not self.worker_reads:
            self.wake_worker()
            if self.asleep:
                self.ring()

    def interrupt(self, number: int, attempt: int, why: str) -> None:
        """Give a call up: its thread leaves user code as soon as it can."""
        call = self.calls.get(number)
        if call is None or call.attempt != attempt:
            # It waits, is just being started, or has ended. The first two look here.
            if len(self.given_up) > 1000:
                self.given_up.clear()
            self.given_up[number, attempt] = why or "cancelled"
            return
        call.abandoned = why or "cancelled"
        waiter = call.waiter
        if waiter is not None:
            waiter.wake()
        set_exception = _async_exception_setter()
        # No other thread can run between this test and the call: both hold the interpreter lock.
        if call.in_user:
            set_exception(call.thread, sessions.Abandoned)

    def role_left(self) -> None:
        """A caller stopped reading; nobody may be reading now."""
        if self.asleep:
            self.ring()

    def leave_body(self, call) -> None:
        """The thread is about to block on a result."""
        if call is not None and call.slot >= 0:
            self.slots.give(call.slot)
            call.slot = -1
        if self.unsent:
            self.flush()

    def enter_body(self, call) -> None:
        """The thread goes on with user code."""
        if call is not None and self.slots.view is not None:
            call.slot = self.slots.take(call.number)

    # Output

    def log_buffer(self, stream: str) -> LogBuffer:
        return buffer_for(self, sessions.current.get(), stream)

    def only_call(self):
        if len(self.calls) == 1:
            for call in list(self.calls.values()):
                return call
        return None

    def stray_log(self, stream: str) -> LogBuffer:
        found = self.strays.get(stream)
        if found is None:
            found = self.strays[stream] = LogBuffer(self.session, 0, stream, 1 << 40)
        return found

    def log_written(self) -> None:
        if self.asleep:
            self.ring()

    # Threads

    def wake_worker(self) -> None:
        """Set one more thread to work: a parked one, else a new one."""
        try:
            waiter = self.parked.pop()
        except IndexError:
            start_new_thread(self._work, ())
        else:
            waiter.wake()

    def _work(self) -> None:
        session = self.session
        queue = self.queue
        while not self.stopped:
            try:
                info, blobs = queue.popleft()
            except IndexError:
                if self.unsent:
                    self.flush()
                if session.role.acquire(False):
                    self.worker_reads = True
                    try:
                        handed = session.read_calls(queue)
                    finally:
                        self.worker_reads = False
                    if self.asleep:
                        self.ring()
                    if session.closed or handed and not self._park(True):
                        return
                elif not self._park():
                    return
                continue
            self.taken += 1
            try:
                self._run(info, blobs)
            except sessions.Abandoned:
                pass  # an interrupt that came too late to mean anything

    def _park(self, handed: bool = False) -> bool:
        """Sleep until there is work; False when this thread is not needed any more.

        ``handed``: nobody reads now, which is as it should be.
        """
        waiter = Waiter()
        self.parked.append(waiter)
        if self.queue or not handed and not self.session.role.locked():
            # Work came while we were on the way. Leave the list unless we were just taken from it.
            try:
                self.parked.remove(waiter)
            except ValueError:
                pass
            return True
        while not waiter.lock.acquire(True, _PARK_SECONDS):
            if len(self.parked) > _KEEP_PARKED:
                try:
                    self.parked.remove(waiter)
                except ValueError:
                    continue  # chosen for work in this moment
                return False
        return True

    def _run(self, info: dict, blobs) -> None:
        number = info["call"]
        function = self.functions(info["fn"])
        call = Call(self.session, number, info["attempt"], function, info.get("request") or "")
        self.calls[number] = call
        if self.slots.view is not None:
            call.slot = self.slots.take(number)
        if self.given_up:
            call.abandoned = self.given_up.pop((number, call.attempt), None)
        start = monotonic()
        reads.begin(call)
        fields, blob = execute(call, info, blobs)
        reads.begin(None)
        if call.reads is not None:
            fields += reads.fields(call.reads)
        now = monotonic()
        us = int((now - start) * 1e6)
        header = f'{{"t":"end","call":{number},"attempt":{call.attempt},{fields},"us":{us}}}'
        self.calls.pop(number, None)
        if call.ahead is not None:
            call.ahead.tell(call)
        self._finish(call, header, blob, now)

    # Outcomes

    def _finish(self, call: Call, header: str, blob, now: float) -> None:
        """Hand an outcome to the socket, or keep it for a moment while other calls start."""
        if call.out is not None or call.err is not None:
            self._send_logs(call)
        if not self.queue and not self.unsent:
            self._send(header, () if blob is None else (blob,))
            if call.slot >= 0:
                self.slots.give(call.slot)
                call.slot = -1
            return
        with self.unsent_lock:
            if not self.unsent:
                self.unsent_since = now
            self.unsent.append((header, blob))
            if call.slot >= 0:
                self.unsent_slots.append(call.slot)
                call.slot = -1
        if not self.queue or now - self.unsent_since > _HOLD:
            self.flush()

    def _send_logs(self, call: Call) -> None:
        pieces = []
        for buffer in (call.out, call.err):
            if buffer is not None:
                pieces += buffer.last_pieces()
        if pieces:
            try:
                self.session.send(pieces)
            except OSError as error:
                self.session.lost(error)

    def flush(self) -> None:
        """Send the outcomes that are ready."""
        with self.unsent_lock:
            if not self.unsent:
                return
            outcomes, self.unsent = self.unsent, []
            slots, self.unsent_slots = self.unsent_slots, []
        blobs = [blob for _, blob in outcomes if blob is not None]
        if len(outcomes) == 1:
            header = outcomes[0][0]
        else:
            header = '{"t":"ends","ends":[%s]}' % ",".join(header for header, _ in outcomes)
        self._send(header, blobs)
        for slot in slots:
            self.slots.give(slot)

    def _send(self, header: str, blobs) -> None:
        try:
            self.session.send(frame(header, blobs))
        except OSError as error:
            self.session.lost(error)

    # The monitor

    def ring(self) -> None:
        """Wake the monitor."""
        self.asleep = False
        self.bell.wake()

    def monitor(self) -> None:
        """Look after the threads until the session ends. Blocks its thread."""
        session = self.session
        seen_taken = seen_epoch = -1
        grow = 1
        busy_at = logs_at = monotonic()
        while not self.stopped:
            sleep(_TICK)
            now = monotonic()
            if self.unsent:
                self.flush()
            busy = False
            if self.untold:
                busy = True
                self._tell_taken()
            waiting = len(self.queue)
            if waiting:
                busy = True
                if self.taken == seen_taken:
                    for _ in range(min(grow, waiting)):
                        self.wake_worker()
                    grow *= 2
                else:
                    grow = 1
            else:
                grow = 1
            seen_taken = self.taken
            if not session.role.locked():
                busy = True
                if session.epoch == seen_epoch and not session.closed:
                    self.wake_worker()
            seen_epoch = session.epoch
            if now - logs_at > _LOG_SECONDS:
                logs_at = now
                busy = self._sweep_logs() or busy
            if busy:
                busy_at = now
            elif now - busy_at > _QUIET:
                self._rest()
                busy_at = monotonic()
                seen_epoch = -1

    def _rest(self) -> None:
        self.bell = Waiter()
        self.asleep = True
        # Whoever creates work sets it first and looks at ``asleep`` then; so look again here.
        if self.queue or self.unsent or self.untold or not self.session.role.locked() or self._sweep_logs():
            self.asleep = False
            return
        self.bell.lock.acquire()
        self.asleep = False

    def _tell_taken(self) -> None:
        self.untold = False
        for call in list(self.calls.values()):
            ahead = call.ahead
            if ahead is not None and ahead.sites:
                ahead.tell(call)

    def _sweep_logs(self) -> bool:
        """Send output that is waiting; True when there was some."""
        found = False
        for call in list(self.calls.values()):
            for buffer in (call.out, call.err):
                if buffer is not None and buffer.parts:
                    found = True
                    buffer.flush()
        for buffer in list(self.strays.values()):
            if buffer.parts:
                found = True
                buffer.flush()
        return found

    def stop(self) -> None:
        """Let all threads end (a driver whose connection was lost)."""
        self.stopped = True
        self.ring()
        while self.parked:
            self.parked.pop().wake()


_setter = None


def _async_exception_setter():
    """PyThreadState_SetAsyncExc; ctypes is slow to import and seldom needed."""
    global _setter
    if _setter is None:
        import ctypes

        _setter = ctypes.pythonapi.PyThreadState_SetAsyncExc
        _setter.argtypes = (ctypes.c_ulong, ctypes.py_object)
        _setter.restype = ctypes.c_int
    return _setter


def _plain_streams_after_fork() -> None:
    # Streams of a forked child must not write into the parent's frames.
    import sys

    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        if type(stream).__name__ == "CallStream":
            plain = getattr(sys, "__%s__" % name)
            setattr(sys, name, stream._echo if stream._echo is not None else plain)


os.register_at_fork(after_in_child=_plain_streams_after_fork)
