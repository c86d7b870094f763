"""sys.stdout and sys.stderr of functions: what is written belongs to the call that writes it.

A write finds its call by the context variable and is buffered there; a line goes out when the
executor's monitor comes by (every ~25 ms), when 8 KiB are waiting, and always before the call's
outcome. Of each stream of a call at most ``limit`` bytes are sent; of what follows the last 64 KiB
are kept and sent at the end with a note, so that no output can exhaust memory or disk.
"""

from __future__ import annotations

import io
from _thread import allocate_lock
from collections import deque

from .wire import frame

_SEND_AT = 8 << 10
_TAIL = 64 << 10


def encode(text: str) -> bytes:
    """The bytes of a text as written: surrogate escapes become the bytes that they stand for."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return text.encode("utf-8", "surrogatepass")


class LogBuffer:
    """What one call wrote to one stream and is not sent yet. Any thread may write."""

    __slots__ = (
        "session", "number", "stream", "parts", "size", "left", "tail", "tail_size", "cut", "lock",
    )  # fmt: skip

    def __init__(self, session, number: int, stream: str, limit: int):
        self.session = session
        self.number = number
        self.stream = stream
        self.parts: list = []
        self.size = 0
        self.left = limit
        self.tail = None
        self.tail_size = 0
        self.cut = 0
        self.lock = allocate_lock()

    def write(self, data: bytes) -> None:
        if not data:
            return
        with self.lock:
            if self.left:
                if len(data) <= self.left:
                    self.left -= len(data)
                    self.parts.append(data)
                    self.size += len(data)
                    data = b""
                else:
                    head, data = data[: self.left], data[self.left :]
                    self.left = 0
                    self.parts.append(head)
                    self.size += len(head)
            if data:
                self._keep_tail(data)
        if self.size >= _SEND_AT:
            self.flush()

    def _keep_tail(self, data: bytes) -> None:
        if self.tail is None:
            self.tail = deque()
        if len(data) > _TAIL:
            self.cut += len(data) - _TAIL
            data = data[-_TAIL:]
        self.tail.append(data)
        self.tail_size += len(data)
        while self.tail_size - len(self.tail[0]) >= _TAIL:
            gone = self.tail.popleft()
            self.tail_size -= len(gone)
            self.cut += len(gone)

    def pieces(self) -> list:
        """The frame of what is waiting; empty when nothing is."""
        if not self.parts:
            return []
        with self.lock:
            data = b"".join(self.parts)
            self.parts = []
            self.size = 0
        return self._frame(data)

    def last_pieces(self) -> list:
        """The frames that end this stream of the call."""
        result = self.pieces() if self.parts else []
        if self.tail is not None:
            with self.lock:
                data = b"".join(self.tail)
                self.tail = None
                over = max(len(data) - _TAIL, 0)
                cut, self.cut, self.tail_size = self.cut + over, 0, 0
            if cut:
                result += self._frame(b"\n[tl-bench: %d bytes left out]\n" % cut)
            result += self._frame(data[over:])
        return result

    def flush(self) -> None:
        pieces = self.pieces()
        if pieces:
            try:
                self.session.send(pieces)
            except OSError as error:
                self.session.lost(error)

    def _frame(self, data: bytes) -> list:
        header = '{"t":"log","by":%d,"stream":"%s"}' % (self.number, self.stream)
        return frame(header, (data,))


class _Bytes(io.BufferedIOBase):
    """``sys.stdout.buffer``: takes bytes for the same call."""

    def __init__(self, stream):
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        with memoryview(data) as view:
            size = view.nbytes
            self._stream._write_bytes(bytes(view))
        return size

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        self.flush()

    @property
    def name(self) -> str:
        return self._stream.name

    @property
    def raw(self):
        return self


class CallStream(io.TextIOBase):
    """Stands in for sys.stdout or sys.stderr. Cannot be closed, since all calls share it.

    ``echo``: a further stream that gets every text (a driver's own stdout).
    """

    def __init__(self, executor, stream: str, fd: int, echo=None):
        self._executor = executor
        self._stream = stream
        self._fd = fd
        self._echo = echo
        self._buffer = _Bytes(self)
        self.mode = "w"

    def write(self, text) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        if self._echo is not None:
            self._echo.write(text)
        if text:
            self._executor.log_buffer(self._stream).write(encode(text))
            self._executor.log_written()
        return len(text)

    def writelines(self, lines) -> None:
        for line in lines:
            self.write(line)

    def _write_bytes(self, data: bytes) -> None:
        echo = self._echo
        if echo is not None:
            raw = getattr(echo, "buffer", None)
            if raw is not None:
                echo.flush()
                raw.write(data)
                raw.flush()
            else:
                echo.write(data.decode("utf-8", "replace"))
        self._executor.log_buffer(self._stream).write(data)
        self._executor.log_written()

    def flush(self) -> None:
        # Sending is the monitor's work; only an echo has a buffer of its own.
        if self._echo is not None:
            self._echo.flush()

    def close(self) -> None:
        self.flush()

    @property
    def closed(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._echo.fileno() if self._echo is not None else self._fd

    def isatty(self) -> bool:
        return self._echo.isatty() if self._echo is not None else False

    @property
    def buffer(self):
        return self._buffer

    @property
    def encoding(self) -> str:
        return "utf-8"

    @property
    def errors(self) -> str:
        return "surrogateescape"

    @property
    def newlines(self):
        return None

    @property
    def line_buffering(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return "<%s>" % self._stream

    def reconfigure(self, **_options) -> None:
        """Accepted: encoding and buffering are given here."""

    def __getattr__(self, name: str):
        # What an echo offers beyond a text stream, e.g. StringIO.getvalue().
        echo = self.__dict__.get("_echo")
        if echo is not None and not name.startswith("_"):
            return getattr(echo, name)
        raise AttributeError(name)


def buffer_for(executor, call, stream: str) -> LogBuffer:
    """The buffer of a stream of the running call; without one that of the only call, else of 0."""
    if call is None:
        call = executor.only_call()
        if call is None:
            return executor.stray_log(stream)
    found = call.out if stream == "stdout" else call.err
    if found is None:
        found = LogBuffer(call.session, call.number, stream, executor.log_limit)
        if stream == "stdout":
            call.out = found
        else:
            call.err = found
    return found
