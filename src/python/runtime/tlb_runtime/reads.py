"""Which files of the project a call looks at, seen by an audit hook.

For each call: files that were opened for reading, folders that were listed, paths that were looked
for. ``os.stat`` and its like raise no audit event: they are wrapped. Who can only see whether a path is
there (``Path.exists``) depends on that alone; who could see size or times depends on the content, without
which neither changes. What the call itself wrote before is not counted; what it wrote after reading it counts
as it is when the call ends, so that a call does not depend on its own effects. Sources that the
import system reads are reported by the loader instead; installed packages, caches, the store and
everything outside of the project are left out.

The hook notes which version of a file it was (its *stamp*); the engine hashes the content and
compares the stamp. A file that changed a moment ago could change again and keep its stamp: then
its content is hashed here, too.

**Whose read it is:** that of the call whose context runs; else of the call that started the thread
or handed the work to a pool; else of every call that executes now. A read may concern more than
its call. Then ``at`` names the place on whose account it was, and whoever reaches that place depends
on it: the statement of a module that was being imported; a function that keeps what it returned
(``functools.lru_cache``, a global variable); the making of a class function's instance.
"""

from __future__ import annotations

import os
import sys
from _thread import _local, get_ident
from stat import S_ISDIR, S_ISREG
from time import time_ns

from . import session as sessions
from .places import place

_WATCHED = frozenset(
    (
        "open", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.mkdir", "os.rmdir",
        "os.link", "os.symlink", "os.truncate", "sqlite3.connect",
    )
)  # fmt: skip
#: The engine has the same list for the names in listings (engine/files.rs).
_NO_DATA = frozenset(
    (
        ".git", ".hg", ".tl-bench", "__pycache__", "node_modules", "site-packages", ".venv",
        ".DS_Store",
    )
)  # fmt: skip
#: Small and new files are hashed here; see the module's text.
_SMALL = 1 << 20
_MOMENT = 60_000_000
_COARSE_MOMENT = 2_200_000_000


class _Here(_local):
    #: True while the hook's own work goes on in this thread.
    busy = False
    #: The call for which this thread works.
    call = None


_here = _Here()
_root = None
_prefix = ""
_left_out: tuple = ()
_executor = None
#: What is looked at while the application is loaded; None later.
_loading = None


class Reads:
    """What one call (or the import of the application) looked at and changed."""

    __slots__ = ("seen", "owned", "touched", "sources")

    def __init__(self):
        #: (path, kind, at) -> (stamp or None, sha or None)
        self.seen: dict = {}
        #: Paths whose content is this call's own doing.
        self.owned: set = set()
        #: Paths that it changed in any way.
        self.touched: set = set()
        #: (path, sha) of sources that were executed.
        self.sources: list = []

    def note(self, path: str, kind: str, stamp, sha, at) -> None:
        key = (path, kind, at)
        known = self.seen.get(key)
        if known is None:
            self.seen[key] = (stamp, sha)
        elif known[0] != stamp and path not in self.touched:
            # It changed between two looks: there is no one content that was seen.
            self.seen[key] = (None, None)

    def records(self) -> list:
        """What is sent."""
        folders = {_parent(path) for path in self.touched}
        found = {}
        looked_into = {path for path, kind, _ in self.seen if kind != "asked"}
        for (path, kind, at), (stamp, sha) in self.seen.items():
            if kind == "asked":
                if path in looked_into:
                    continue
                if path in self.touched:
                    stamp = os.path.lexists(_prefix + path)
                kind, stamp = "present" if stamp else "absent", None
            elif path in self.touched or kind == "listing" and path in folders:
                kind, stamp, sha = _look(path, kind == "listing")
                if kind is None:
                    continue
            record = {"path": path, "kind": kind}
            if stamp is not None:
                record["stamp"] = stamp
            if sha is not None:
                record["sha"] = sha
            if at is not None:
                record["at"] = at
            found[path, kind, at] = record
        return list(found.values())


def install(project: str, executor, loading: bool) -> None:
    """Watch this process from now on. ``loading``: until :func:`loaded`, modules are imported."""
    global _root, _prefix, _left_out, _executor, _loading
    first = _root is None
    _root = os.path.realpath(project)
    _prefix = _root + os.sep
    _left_out = tuple(
        folder + os.sep
        for folder in {sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix)}
        if folder.startswith(_prefix)
    )
    _executor = executor
    if loading:
        _loading = Reads()
    if first:
        sys.addaudithook(_hook)
        _watch_stat()
        from .imports import after_import

        after_import("threading", _watch_threads)
        after_import("concurrent.futures.thread", _watch_pools)


def loaded() -> dict:
    """What importing the application looked at."""
    global _loading
    reads, _loading = _loading or Reads(), None
    return {"sources": reads.sources, "reads": reads.records(), "path": list(sys.path)}


def source(path: str, data: bytes) -> None:
    """A source of the project is about to be executed (from the loader)."""
    name = _inside(path)
    if name is not None:
        entry = (_text(name), _sha256()(data).hexdigest())
        for reads in _owners():
            reads.sources.append(entry)


def begin(call) -> None:
    """This thread executes a call now (None: no call any more)."""
    _here.call = call


def fields(reads: Reads) -> str:
    """The fields of an outcome's header."""
    from .wire import encode_json

    out = ""
    if reads.seen:
        out += ',"reads":' + encode_json(reads.records())
    if reads.sources:
        out += ',"sources":' + encode_json(reads.sources)
    return out


def _hook(event, args):
    if event in _WATCHED and not _here.busy:
        _here.busy = True
        try:
            _event(event, args)
        except (OSError, ValueError, TypeError, AttributeError, KeyError, RuntimeError):
            pass  # whatever is odd about it, the user's operation says so itself
        finally:
            _here.busy = False


def _event(event: str, args) -> None:
    if event == "open":
        path, mode, flags = args
        name = _inside(path)
        if name is not None:
            _opened(name, path, mode, flags)
    elif event == "os.listdir" or event == "os.scandir":
        name = _inside("." if args[0] is None else args[0])
        if name is not None:
            at = place(name, True, _source)
            if at is not False:
                _saw(name, True, at)
    elif event == "sqlite3.connect":
        path = os.fsdecode(args[0])
        if path.startswith("file:"):
            path = path[5:].partition("?")[0]
        name = _inside(path) if path and path != ":memory:" else None
        if name is not None:
            _opened(name, path, "", os.O_RDWR | os.O_CREAT)
    elif event == "os.rename":
        source, target = _inside(args[0]), _inside(args[1])
        for reads in _owners():
            if target is not None and (source is None or source in reads.owned):
                reads.owned.add(target)
            reads.touched.update(name for name in (source, target) if name is not None)
    else:
        name = _inside(args[1] if event in ("os.link", "os.symlink") else args[0])
        if name is not None:
            for reads in _owners():
                reads.touched.add(name)
                if event != "os.truncate":
                    reads.owned.add(name)


def _opened(name: str, path, mode, flags: int) -> None:
    access = flags & os.O_ACCMODE
    fresh = flags & os.O_TRUNC or flags & os.O_EXCL
    if access != os.O_WRONLY and not fresh:
        at = place(name, False, _source)
        if at is not False:
            # os.open may be relative to a folder that the event does not tell.
            relative = mode is None and not os.path.isabs(path)
            _saw(name, False, at, exists=relative)
    if access != os.O_RDONLY:
        if not fresh and flags & os.O_CREAT and not os.path.lexists(_prefix + name):
            fresh = True
        for reads in _owners():
            reads.touched.add(name)
            if fresh:
                reads.owned.add(name)


def _watch_stat() -> None:
    plain, plain_link, plain_access = os.stat, os.lstat, os.access

    def stat(path, *, dir_fd=None, follow_symlinks=True):
        found = False
        try:
            result = plain(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
            found = True
            return result
        finally:
            if dir_fd is None and not _here.busy:
                _asked(path, found)

    def lstat(path, *, dir_fd=None):
        found = False
        try:
            result = plain_link(path, dir_fd=dir_fd)
            found = True
            return result
        finally:
            if dir_fd is None and not _here.busy:
                _asked(path, found)

    def access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True):
        more = {"effective_ids": effective_ids, "follow_symlinks": follow_symlinks}
        result = plain_access(path, mode, dir_fd=dir_fd, **more)
        if dir_fd is None and not _here.busy:
            _asked(path, result or plain_access(path, os.F_OK), True)
        return result

    for old, new in ((plain, stat), (plain_link, lstat), (plain_access, access)):
        new.__doc__ = old.__doc__
        new.__module__ = old.__module__
        for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
            if old in known:
                known.add(new)
        setattr(os, new.__name__, new)


#: Functions of Python that ask whether a path is there and what it is, and see nothing else of it.
_WHETHER = frozenset(
    (
        "exists", "lexists", "isfile", "isdir", "islink", "ismount", "isjunction", "samefile", "is_file",
        "is_dir", "is_symlink", "is_mount", "is_junction", "is_block_device", "is_char_device", "is_fifo",
        "is_socket",
    )
)  # fmt: skip
#: They look at every folder on the way.
_RESOLVING = frozenset(("realpath", "_joinrealpath"))


def _sees():
    """What who asked sees: "size" (and times), "whether" the path is there, or nothing ("")."""
    frame = sys._getframe(3)
    while frame is not None:
        module = frame.f_globals.get("__name__") or ""
        if module.partition(".")[0] not in ("genericpath", "posixpath", "pathlib"):
            break
        name = frame.f_code.co_name
        if name in _WHETHER:
            return "whether"
        if name in _RESOLVING:
            return ""
        frame = frame.f_back
    # A log handler of Python looks how old its file is; that is nothing to the project's code.
    return "size" if frame is not None and _source(frame.f_code.co_filename) else "whether"


def _asked(path, found: bool, whether: bool = False) -> None:
    """Somebody asked whether a path is there, or for its size or times: then its content counts."""
    _here.busy = True
    try:
        name = _inside(path)
        if name is not None and name != ".":
            sees = "whether" if whether else _sees()
            at = place(name, False, _source)
            if not sees or at is False:
                return
            if found and sees == "size":
                _saw(name, False, at)
            name = _text(name)
            for reads in _owners():
                if name not in reads.owned:
                    reads.note(name, "asked", found, None, at)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RuntimeError):
        pass  # the plain function says itself what is odd
    finally:
        _here.busy = False


def _saw(name: str, listing: bool, at, exists: bool = False) -> None:
    kind, stamp, sha = _look(name, listing)
    if kind is None or exists and kind == "absent":
        return
    name = _text(name)
    for reads in _owners():
        if name not in reads.owned:
            reads.note(name, kind, stamp, sha, at)


def _look(name: str, listing: bool):
    """``(kind, stamp, sha)`` of a path as it is now; kind None: nothing to depend on."""
    full = _prefix + name
    try:
        found = os.stat(full)
    except OSError:
        return "absent", None, None
    if listing:
        if not S_ISDIR(found.st_mode):
            return None, None, None
    elif not S_ISREG(found.st_mode):
        return None, None, None
    stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    newest = max(found.st_mtime_ns, found.st_ctime_ns)
    sha = None
    if time_ns() - newest < (_COARSE_MOMENT if newest % 1_000_000_000 == 0 else _MOMENT):
        sha = _hash(full, listing, found.st_size)
    return "listing" if listing else "content", stamp, sha


def _hash(full: str, listing: bool, size: int):
    busy, _here.busy = _here.busy, True
    try:
        if listing:
            names = sorted(os.fsencode(name) for name in os.listdir(full))
            return _sha256()(b"\0".join(names)).hexdigest()
        if size > _SMALL:
            return None
        with open(full, "rb") as file:
            return _sha256()(file.read()).hexdigest()
    except OSError:
        return None
    finally:
        _here.busy = busy


def _sha256():
    """The plain implementation: hashlib would load OpenSSL first."""
    try:
        from _sha2 import sha256
    except ImportError:
        try:
            from _sha256 import sha256
        except ImportError:
            from hashlib import sha256
    return sha256


# Paths


def _inside(path):
    """The path relative to the project; None when it does not count."""
    if isinstance(path, int):
        return None
    path = os.fsdecode(path)
    if not path.startswith("/"):
        path = os.getcwd() + "/" + path
    if "/." in path or "//" in path:
        path = os.path.realpath(path) if "/.." in path else os.path.normpath(path)
    if not path.startswith(_prefix):
        if path != _root:
            path = _by_another_way(path)
        if path == _root:
            return "."
        if not path.startswith(_prefix):
            return None
    if path.startswith(_left_out) if _left_out else False:
        return None
    name = path[len(_prefix) :].rstrip("/")
    if not _NO_DATA.isdisjoint(name.split("/")):
        return None
    return name or "."


_folders: dict = {}


def _by_another_way(path: str) -> str:
    """A path outside of the project, in whose folder links may lead into it after all."""
    folder, _, base = path.rpartition("/")
    real = _folders.get(folder)
    if real is None:
        if len(_folders) > 1000:
            _folders.clear()
        real = _folders[folder] = os.path.realpath(folder or "/")
    return real + "/" + base if base else real


def _source(where: str):
    """The path of a source of the project, as it is sent."""
    if where.startswith(_prefix) and _inside(where) is not None:
        return _text(where[len(_prefix) :])
    return None


def _parent(name: str) -> str:
    return name.rpartition("/")[0] or "."


def _text(name: str) -> str:
    from .wire import clean

    return name if name.isascii() else clean(name)


# Whose it is


def _owners():
    """The records of those on whose account this thread works."""
    call = sessions.current.get() or _here.call or _started_by()
    if call is not None:
        return (_of(call),)
    if _loading is not None:
        return (_loading,)
    if _executor is None:
        return ()
    return [_of(call) for call in list(_executor.calls.values())]


def _of(call) -> Reads:
    reads = call.reads
    if reads is None:
        reads = call.reads = Reads()
    return reads


def _started_by():
    """The call that started this thread."""
    threading = sys.modules.get("threading")
    if threading is None:
        return None
    return getattr(threading._active.get(get_ident()), "_tlb_call", None)


def _watch_threads(threading) -> None:
    start = threading.Thread.start

    def start_for_call(self):
        self._tlb_call = sessions.current.get() or _here.call or _started_by()
        return start(self)

    start_for_call.__name__, start_for_call.__doc__ = start.__name__, start.__doc__
    start_for_call.__qualname__ = start.__qualname__
    threading.Thread.start = start_for_call


def _watch_pools(module) -> None:
    """A pool's threads work for whoever hands them work, not for who started them."""
    run = module._WorkItem.run
    init = module._WorkItem.__init__

    def init_for_call(self, *args, **kwargs):
        init(self, *args, **kwargs)
        self._tlb_call = sessions.current.get() or _here.call or _started_by()

    def run_for_call(self, *args, **kwargs):
        before, _here.call = _here.call, self._tlb_call
        try:
            return run(self, *args, **kwargs)
        finally:
            _here.call = before

    module._WorkItem.__init__ = init_for_call
    module._WorkItem.run = run_for_call
