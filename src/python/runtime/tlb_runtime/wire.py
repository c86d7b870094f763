"""Frames on a stream socket: encoding, decoding, sending, receiving.

A frame is ``u32be H | u32be N | N x u64be L | H bytes of JSON | N blobs``. Invariants: a frame
leaves this process whole or not at all (one lock around a send), and a decoded header is always a
dict. Who calls ``Receiver`` must be the only reader; :mod:`tlb_runtime.session` sees to that.

JSON goes through the C accelerator of the standard library directly: importing ``json`` would
import ``re`` and ``enum`` with it, which costs more than everything else here together.
"""

from __future__ import annotations

import struct
from _thread import allocate_lock

try:
    from _json import encode_basestring as _quote_unicode
    from _json import encode_basestring_ascii as quote
    from _json import make_encoder, make_scanner

    class _ScannerOptions:
        strict = False
        object_hook = None
        object_pairs_hook = None
        parse_float = float
        parse_int = int
        parse_constant = float
        memo: dict = {}

    _scan = make_scanner(_ScannerOptions())

    def decode_json(text: str):
        """The value of a JSON text that holds nothing after the value."""
        return _scan(text, 0)[0]

    def encode_json(value) -> str:
        # markers=None: headers are built here and hold no cycles.
        encode = make_encoder(None, None, quote, None, ":", ",", False, False, True)
        return "".join(encode(value, 0))

    def encode_document(value) -> bytes:
        """A user's value as compact JSON in UTF-8. Raises ValueError or TypeError."""
        encode = make_encoder({}, _refuse, _quote_unicode, None, ":", ",", False, False, False)
        return "".join(encode(value, 0)).encode("utf-8")

    def _refuse(value):
        raise TypeError("an object of type %s is not JSON" % type(value).__name__)

except ImportError:  # not CPython: the plain module does the same, only slower to import
    from json import dumps, loads as decode_json
    from json.encoder import encode_basestring_ascii as quote

    def _scan(text: str, _start: int):
        return decode_json(text), len(text)

    def encode_json(value) -> str:
        return dumps(value, separators=(",", ":"))

    def encode_document(value) -> bytes:
        text = dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")


def decode_document(data):
    """The value of a JSON document from outside. Raises ValueError with the place of the error."""
    text = str(data, "utf-8")
    try:
        value, end = _scan(text, 0)
        if end == len(text):
            return value
    except Exception:
        pass  # the accelerator alone does not explain errors, nor skip white space at the ends
    import json

    return json.loads(text)


MAX_HEADER = 64 << 20
MAX_BLOBS = 1 << 20
MAX_TOTAL = 4 << 30

#: Up to this size blobs are joined into one buffer (one copy, one system call); above it they
#: are handed to the kernel where they are.
_JOIN_LIMIT = 64 << 10
_IOV_MAX = 512

_head2 = struct.Struct(">II")
_head3 = struct.Struct(">IIQ")
_pack_head = _head2.pack
_pack_head1 = _head3.pack
_unpack_head = _head2.unpack_from
_unpack_length = struct.Struct(">Q").unpack_from


class Closed(Exception):
    """The peer closed the connection."""


class ProtocolError(Exception):
    """The peer sent something that is not a frame."""


def clean(text: str) -> str:
    """``text`` without lone surrogates, which JSON could not carry to a strict reader."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def quoted(text: str) -> str:
    """A JSON string literal of a text that may come from user code."""
    return quote(text if text.isascii() else clean(text))


def frame(header: str, blobs=()) -> list:
    """The pieces (bytes-like) of one frame, few and ready for :meth:`Sender.send`."""
    head = header.encode("ascii")
    count = len(blobs)
    if count == 0:
        return [_pack_head(len(head), 0) + head]
    if count == 1:
        blob = blobs[0]
        size = len(blob)
        if size < _JOIN_LIMIT:
            return [_pack_head1(len(head), 1, size) + head + blob]
        return [_pack_head1(len(head), 1, size) + head, blob]
    lengths = [len(blob) for blob in blobs]
    prefix = _pack_head(len(head), count) + struct.pack(">%dQ" % count, *lengths) + head
    if sum(lengths) < 16 * _JOIN_LIMIT or max(lengths) < 4096:
        return [prefix + b"".join(blobs)]
    return [prefix, *blobs]


class Sender:
    """The writing half of a connection; any thread may use it."""

    def __init__(self, sock):
        self.sock = sock
        self.lock = allocate_lock()

    def send(self, pieces: list) -> None:
        """Send the pieces of one or more whole frames. Raises OSError when the peer is gone."""
        if len(pieces) == 1:
            with self.lock:
                self.sock.sendall(pieces[0])
            return
        with self.lock:
            self._send_many(pieces)

    def _send_many(self, pieces: list) -> None:
        start = 0
        while start < len(pieces):
            group = pieces[start : start + _IOV_MAX]
            start += _IOV_MAX
            sent = self.sock.sendmsg(group)
            for piece in group:
                size = len(piece)
                if sent >= size:
                    sent -= size
                elif sent > 0:
                    self.sock.sendall(memoryview(piece)[sent:])
                    sent = 0
                else:
                    self.sock.sendall(piece)


class Receiver:
    """The reading half of a connection. Not thread-safe: one reader at a time."""

    def __init__(self, sock, size: int = 256 << 10):
        self.sock = sock
        self.buffer = bytearray(size)
        self.view = memoryview(self.buffer)
        self.size = size
        self.start = 0
        self.end = 0

    def has_frame(self) -> bool:
        """True when :meth:`receive` would not touch the socket (for small frames).

        Mostly nothing is here: who is in a hurry compares ``start`` with ``end`` first.
        """
        have = self.end - self.start
        if have < 8:
            return False
        head, count = _unpack_head(self.buffer, self.start)
        need = 8 + 8 * count
        if have < need + head:
            return False
        if count:
            lengths = struct.unpack_from(">%dQ" % count, self.buffer, self.start + 8)
            need += sum(lengths)
        return have >= need + head

    def receive(self):
        """The next frame: ``(header, blobs)``. Raises :class:`Closed` at the end of the stream."""
        start = self.start
        if self.end - start < 8:
            self._fill(8)
            start = self.start
        head, count = _unpack_head(self.buffer, start)
        if head > MAX_HEADER or count > MAX_BLOBS:
            raise ProtocolError("frame too large: header %d bytes, %d blobs" % (head, count))
        self.start = start + 8
        if count == 0:
            return decode_json(str(self._take(head), "utf-8")), ()
        if count == 1:
            # One blob is the common case, and mostly the whole frame is here.
            at = start + 16 + head
            if at <= self.end:
                (length,) = _unpack_length(self.buffer, start + 8)
                stop = at + length
                if stop <= self.end:
                    self.start = stop
                    view = self.view
                    return decode_json(str(view[start + 16 : at], "utf-8")), (bytes(view[at:stop]),)
            (length,) = _unpack_length(self._take(8))
            if length > MAX_TOTAL:
                raise ProtocolError("frame too large: %d bytes" % length)
            header = decode_json(str(self._take(head), "utf-8"))
            return header, (self._take(length),)
        lengths = struct.unpack(">%dQ" % count, self._take(8 * count))
        total = sum(lengths)
        if total > MAX_TOTAL:
            raise ProtocolError("frame too large: %d bytes" % total)
        header = decode_json(str(self._take(head), "utf-8"))
        if total > self.size:
            take = self._take
            return header, [take(length) for length in lengths]
        if self.end - self.start < total:
            self._fill(total)
        view = self.view
        blobs = []
        at = self.start
        for length in lengths:
            stop = at + length
            blobs.append(bytes(view[at:stop]))
            at = stop
        self.start = at
        return header, blobs

    def _take(self, size: int) -> bytes:
        """The next ``size`` bytes as an own object."""
        start = self.start
        if self.end - start < size:
            if size > self.size:
                return self._take_large(size)
            self._fill(size)
            start = self.start
        self.start = start + size
        return bytes(self.view[start : start + size])

    def _take_large(self, size: int):
        data = bytearray(size)
        view = memoryview(data)
        have = self.end - self.start
        view[:have] = self.view[self.start : self.end]
        self.start = self.end = 0
        while have < size:
            got = self.sock.recv_into(view[have:])
            if not got:
                raise Closed
            have += got
        return data

    def _fill(self, size: int) -> None:
        """Read until ``size`` bytes are in the buffer (``size`` must fit in it)."""
        if self.start == self.end:
            self.start = self.end = 0
        elif self.size - self.start < size:
            have = self.end - self.start
            self.buffer[:have] = self.buffer[self.start : self.end]
            self.start, self.end = 0, have
        while self.end - self.start < size:
            got = self.sock.recv_into(self.view[self.end :])
            if not got:
                raise Closed
            self.end += got
