"""Answers that came before they were asked for (see docs/protocol.md, "Answers ahead").

An answer is taken when the body makes exactly the call that it answers: same function, arguments pickled
to the same bytes, and no other request of the body in between. What was taken is told to the engine
in groups, and always before anything else that the same call sends: its next request, its outcome.
``Session.asking`` keeps that order among threads.
"""

from __future__ import annotations

from .wire import frame

try:
    from _blake2 import blake2b
except ImportError:  # a Python without it asks for everything
    blake2b = None


class Ahead:
    """What a running call may take. ``said``: how many requests it had made when this was foreseen."""

    __slots__ = ("said", "calls", "blobs", "at", "sites", "more")

    def __init__(self, foreseen: dict, blobs):
        self.said = foreseen["said"]
        #: (function, digest of the pickled arguments) by position
        self.calls = foreseen["calls"] if blake2b is not None else ()
        self.blobs = blobs
        self.at = 0
        #: Where the calls were made whose answers were taken and not told yet.
        self.sites: list = []
        #: The request for more, while one is on its way.
        self.more = None

    def take(self, running, function, arguments, site):
        """The answer of a call if it is here, else None: then the engine must be asked."""
        at = self.at
        if at == len(self.calls):
            if self.more is None or not self._refill(running):
                return None
            at = self.at
        name, digest = self.calls[at]
        if name != function._name or blake2b(arguments, digest_size=16).hexdigest() != digest:
            return None
        session = running.session
        with session.asking:
            if self.at != at or running.said != self.said:
                return None  # another thread of the body was quicker
            self.at = at + 1
            self.sites.append(site)
            if self.more is None and 8 * self.at >= len(self.calls):
                # Early: the engine gets the next ones ready while these are used.
                self.more = session.new_pending()
                self._send(running, ',"id":%d' % self.more.id)
        executor = session.executor
        executor.untold = True
        if executor.asleep:
            executor.ring()
        return self.blobs[at]

    def _refill(self, running) -> bool:
        """Wait for what was asked for; False when there is nothing more."""
        more = self.more
        running.session.wait_for(more, running)
        header, blobs = more.answer
        foreseen = header.get("ahead") or {}
        if not foreseen.get("calls") or foreseen["said"] != self.said:
            return False
        self.calls, self.blobs, self.at, self.more = foreseen["calls"], blobs, 0, None
        return True

    def tell(self, running) -> None:
        """Tell what was taken."""
        with running.session.asking:
            if self.sites:
                self._send(running, "")

    def _send(self, running, fields: str) -> None:
        session = running.session
        try:
            session.send([self.told(running, fields)])
        except OSError as error:
            session.lost(error)

    def told(self, running, fields: str = "") -> bytes:
        """The frame that tells what was taken. The caller holds ``Session.asking``."""
        sites, self.sites = self.sites, []
        places = ",".join(["[%s,%d]" % site for site in sites])
        return frame('{"t":"took",%s,"at":[%s]%s}' % (running.by, places, fields))[0]
