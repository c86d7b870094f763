"""A scripted engine: the protocol's other side, in memory, for tests of the runtime alone.
It executes calls, maps, reduces, tail calls, futures as inputs and retries, and records what it
was told. It has no persistence, no reuse and no timeouts of its own. Like the real engine it never
executes a pickle; it composes lists of pickles and splits pickled lists by opcodes.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import deque

RUNTIME = os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", "..", "src", "python", "runtime")
)
TOKEN = "test-token"
KEPT = ("progress", "metric", "state_set", "call", "end", "map", "reduce")


class Connection:
    """Frames on one socket."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb", buffering=1 << 18)
        self.lock = threading.Lock()
        self.role = None
        self.requests = {}
        self.busy = 0
        self.waiting = deque()
        self.slots = 1
        self.ready = threading.Event()
        self.functions = {}
        self.failed = self.ready_message = None

    def send(self, header, blobs=()):
        head = json.dumps(header, separators=(",", ":")).encode()
        data = struct.pack(">II", len(head), len(blobs))
        data += struct.pack(">%dQ" % len(blobs), *map(len, blobs)) + head + b"".join(blobs)
        with self.lock:
            try:
                self.sock.sendall(data)
            except OSError:
                pass

    def receive(self):
        raw = self._exactly(8)
        head, count = struct.unpack(">II", raw)
        lengths = struct.unpack(">%dQ" % count, self._exactly(8 * count))
        header = json.loads(self._exactly(head))
        return header, [self._exactly(length) for length in lengths]

    def _exactly(self, size):
        data = self.file.read(size)
        if len(data) < size:
            raise EOFError
        return data


class Outcome:
    """What a request came to: ``blobs`` (n of them for a map), or ``error``."""

    def __init__(self, blobs=None, is_list=False, error=None):
        self.blobs = blobs
        self.is_list = is_list
        self.error = error

    def single(self):
        if not self.is_list:
            return self.blobs[0]
        return b"\x80\x05](" + b"".join(map(_nested, self.blobs)) + b"e."


class _Stub:
    """Stands for any object of user code when the shape of a pickle is looked at."""

    def __new__(cls, *_args, **_kwargs):
        return object.__new__(cls)

    def __setstate__(self, state):
        pass


class _Shape(pickle.Unpickler):
    def find_class(self, module, name):
        return _Stub


def _nested(blob):
    """Opcodes that push the value of a pickle: _pickle.loads(blob)."""
    return b"c_pickle\nloads\nB" + struct.pack("<I", len(blob)) + blob + b"\x85R"


def _split(blob):
    """Pickles of the items of a pickled list: operator.getitem(loads(blob), index) each."""
    value = _Shape(io.BytesIO(blob)).load()
    if not isinstance(value, list):
        raise TypeError("Map operation input must be a list, got %s" % type(value))
    head = b"\x80\x05c_operator\ngetitem\n" + _nested(blob)
    return [head + b"J" + struct.pack("<i", index) + b"\x86R." for index in range(len(value))]


class Request:
    """Something asked for; ``then`` callbacks run (under the lock) when it ended."""

    def __init__(self):
        self.outcome = None
        self.then = []


class Task:
    """One call in execution."""

    def __init__(self, number, fn, run, blobs, deps=(), extra=None):
        self.number = number
        self.fn = fn
        self.run = run
        self.blobs = blobs
        self.deps = list(deps)
        self.extra = extra or {}
        self.attempt = 0
        #: Requests without an answer. A call that has some counts as blocked: it holds no slot.
        self.open_requests = 0
        self.retries = 0
        self.request = Request()
        self.connection = None
        self.holds_slot = False


class Run:
    def __init__(self, run_id, connection, app_retries):
        self.id = run_id
        self.connection = connection
        self.app_retries = app_retries
        self.state = {}
        self.open = 0
        self.done = threading.Event()
        self.finished = None


class Engine:
    """Listens, starts workers on demand, executes. ``events`` keeps messages that tests look at."""

    def __init__(self, slots=32, project=None, log_limit=1 << 20, keep_events=True):
        self.slots = slots
        self.project = project or os.getcwd()
        self.log_limit = log_limit
        self.keep_events = keep_events
        self.lock = threading.RLock()
        self.folder = tempfile.mkdtemp(prefix="tlb-fake-")
        self.path = os.path.join(self.folder, "s")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.tasks = {}
        self.counter = 0
        self.runs = 0
        self.load = None
        self.events = []
        self.logs = {}
        self.workers = []
        self.processes = []
        self.connected = threading.Condition()
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    # Processes

    def env(self, **more):
        env = dict(os.environ)
        env.update(TLB_SOCKET=self.path, TLB_TOKEN=TOKEN)
        env["PYTHONPATH"] = os.pathsep.join(
            [RUNTIME] + [p for p in env.get("PYTHONPATH", "").split(os.pathsep) if p]
        )
        env.update(more)
        return env

    def start_worker(self, file, python=sys.executable, number=0, slots_file=False, timeout=30):
        """A worker that has loaded ``file``; its Connection. ``failed`` is set when it could not."""
        self.load = {"file": os.path.abspath(file)}
        env = self.env(TLB_WORKER=str(number))
        if slots_file:
            slots = os.path.join(self.folder, "slots-%d" % number)
            with open(slots, "wb") as out:
                out.write(b"\0" * 8 * self.slots)
            env["TLB_SLOTS"] = slots
        count = len(self.workers)
        process = subprocess.Popen(
            [python, "-m", "tlb_runtime"], env=env, cwd=self.project, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.processes.append(process)
        with self.connected:
            if not self.connected.wait_for(lambda: len(self.workers) > count, timeout):
                process.kill()
                raise RuntimeError("worker did not connect: %r" % (process.communicate(),))
            connection = self.workers[count]
        if not connection.ready.wait(timeout):
            raise RuntimeError("worker did not get ready")
        connection.process = process
        return connection

    def close(self):
        # The thread must have left accept() before the descriptor is free for another engine.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        for connection in self.workers:
            connection.send({"t": "shutdown"})
        for process in self.processes:
            try:
                process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Connections

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Connection(sock),), daemon=True).start()

    def _serve(self, connection):
        try:
            hello, _ = connection.receive()
            if hello.get("token") != TOKEN or hello.get("proto") != 1:
                connection.send({"t": "refused", "why": "wrong token"})
                connection.sock.close()
                return
            connection.hello = hello
            connection.role = hello["role"]
            connection.slots = 10000 if connection.role == "driver" else self.slots
            load = self.load if connection.role == "worker" else None
            connection.send(
                {"t": "welcome", "proto": 1, "slots": connection.slots, "project": self.project,
                 "load": load, "log_limit": self.log_limit}
            )  # fmt: skip
            if connection.role == "worker":
                with self.connected:
                    self.workers.append(connection)
                    self.connected.notify_all()
            while True:
                self._handle(connection, *connection.receive())
        except (EOFError, OSError):
            connection.file.close()
            connection.sock.close()
        except Exception:
            traceback.print_exc(file=sys.__stderr__)
        connection.failed = connection.failed or "closed"
        connection.ready.set()

    def _handle(self, connection, header, blobs):
        kind = header["t"]
        if kind == "log":
            self.logs.setdefault((header["by"], header["stream"]), bytearray()).extend(blobs[0])
            return
        if self.keep_events and kind in KEPT:
            self.events.append(header)
        if kind == "end":
            with self.lock:
                self._end(header, blobs)
        elif kind == "ends":
            with self.lock:
                at = 0
                for end in header["ends"]:
                    has_blob = end.get("ok") and "tail" not in end
                    self._end(end, blobs[at : at + 1] if has_blob else [])
                    at += bool(has_blob)
                if self.keep_events:
                    self.events.append({"t": "ends", "n": len(header["ends"]), "ends": header["ends"]})
        elif kind in ("call", "map", "reduce"):
            with self.lock:
                self._ask(connection, header, blobs)
        elif kind == "state_set":
            with self.lock:
                self.tasks[header["by"]].run.state[header["key"]] = blobs[0]
        elif kind == "state_get":
            with self.lock:
                value = self.tasks[header["by"]].run.state.get(header["key"])
            found = value is not None
            answer = {"t": "state", "id": header["id"], "found": found}
            connection.send(answer, [value] if found else ())
        elif kind in ("ready", "load_failed"):
            connection.ready_message = header
            if kind == "ready":
                connection.functions = {f["name"]: f for f in header["functions"]}
            else:
                connection.failed = header["error"]
            connection.ready.set()
        elif kind == "run_app":
            connection.functions = {f["name"]: f for f in header["functions"]}
            run = self.start_run(connection, header["app"], blobs[0], header["id"])
            run.driver_request = header["id"]

    # Runs

    def run(self, connection, app, data, timeout=60):
        """Run an application on a worker: ("ok", value) or ("error", record)."""
        blob = data if isinstance(data, bytes) else json.dumps(data).encode()
        run = self.start_run(connection, app, blob)
        assert run.done.wait(timeout), "the run did not end"
        outcome = run.finished
        return ("error", outcome.error) if outcome.error else ("ok", json.loads(outcome.blobs[0]))

    def start_run(self, connection, app, blob, driver_request=None):
        with self.lock:
            self.runs += 1
            record = connection.functions.get(app) or {}
            run = Run("run-%d" % self.runs, connection, record.get("app_retries") or 0)
            run.driver_request = driver_request
            task = self._task(run, app, [blob], (), {"input": "json"})
            task.request.then.append(lambda outcome: self._root_done(run, outcome))
            self.last_root = task
            self._execute(task)
        return run

    def _root_done(self, run, outcome):
        run.finished = outcome
        self._maybe_finish(run)

    def _maybe_finish(self, run):
        if run.finished is None or run.open or run.done.is_set():
            return
        run.done.set()
        if run.driver_request is None:
            return
        answer = {"t": "run_done", "id": run.driver_request, "run": run.id}
        if run.finished.error is None:
            run.connection.send({**answer, "ok": True}, run.finished.blobs)
        else:
            run.connection.send({**answer, "ok": False, "error": run.finished.error})

    # Requests

    def _ask(self, connection, header, blobs):
        parent = self.tasks[header["by"]]
        request = connection.requests[header["id"]] = Request()
        self._block(parent, 1)
        request.then.append(lambda _outcome: self._block(parent, -1))
        start = {"call": self._call, "map": self._map, "reduce": self._reduce}[header["t"]]
        request.then.append(lambda outcome: self._answer(connection, header, outcome))

        def begin():
            start(connection, header, blobs, parent.run, request)

        if header.get("delay"):
            parent.run.open += 1

            def later():
                with self.lock:
                    parent.run.open -= 1
                    begin()

            threading.Timer(header["delay"], later).start()
        else:
            begin()

    def _block(self, task, change):
        """Count the open requests of a call and free, or take back, the slot that it holds."""
        before = task.open_requests
        task.open_requests += change
        if task.holds_slot and (before == 0) != (task.open_requests == 0):
            task.connection.busy += 1 if task.open_requests == 0 else -1
            self._pump(task.connection)

    def _answer(self, connection, header, outcome):
        if outcome.error is not None:
            connection.send({"t": "done", "id": header["id"], "ok": False, "error": outcome.error})
        elif outcome.is_list:
            answer = {"t": "done", "id": header["id"], "ok": True, "n": len(outcome.blobs)}
            connection.send(answer, outcome.blobs)
        else:
            connection.send({"t": "done", "id": header["id"], "ok": True}, outcome.blobs)

    def _finish(self, request, outcome):
        request.outcome = outcome
        for then in request.then:
            then(outcome)

    def _when(self, requests, then):
        """Call ``then(first failed outcome or None)`` when all requests ended."""
        left = [r for r in requests if r.outcome is None]
        if not left:
            then(next((r.outcome for r in requests if r.outcome.error is not None), None))
            return
        count = [len(left)]

        def one(_outcome):
            count[0] -= 1
            if count[0] == 0:
                then(next((r.outcome for r in requests if r.outcome.error is not None), None))

        for request in left:
            request.then.append(one)

    def _call(self, connection, header, blobs, run, request):
        deps = {n: connection.requests[i] for n, i in (header.get("deps") or {}).items()}
        run.open += 1

        def go(failed):
            run.open -= 1
            if failed is not None:
                self._finish(request, failed)
            else:
                values = [r.outcome.single() for r in deps.values()]
                task = self._task(run, header["fn"], [blobs[0], *values], deps)
                task.request.then.append(lambda outcome: self._finish(request, outcome))
                self._execute(task)
            self._maybe_finish(run)

        self._when(list(deps.values()), go)

    def _inputs(self, connection, header, blobs):
        """Requests or blobs of the items, resolved by the returned function."""
        if "from" in header:
            source = connection.requests[header["from"]]
            deps = header.get("deps") or {}
            first = [connection.requests[deps["initial"]]] if "initial" in deps else []

            def resolve():
                if source.outcome.is_list:
                    items = source.outcome.blobs
                else:
                    items = _split(source.outcome.blobs[0])
                return [r.outcome.single() for r in first] + list(blobs) + list(items)

            return [source, *first], resolve
        deps = {int(i): connection.requests[r] for i, r in (header.get("deps") or {}).items()}

        def resolve_items():
            return [deps[i].outcome.single() if i in deps else b for i, b in enumerate(blobs)]

        return list(deps.values()), resolve_items

    def _resolved(self, connection, header, blobs, run, request, then):
        requests, resolve = self._inputs(connection, header, blobs)
        run.open += 1

        def go(failed):
            run.open -= 1
            if failed is not None:
                self._finish(request, failed)
            else:
                try:
                    items = resolve()
                except Exception as error:
                    self._finish(request, Outcome(error=_error("function", "SDKUsageError", error)))
                else:
                    then(items)
            self._maybe_finish(run)

        self._when(requests, go)

    def _map(self, connection, header, blobs, run, request):
        def then(items):
            if not items:
                self._finish(request, Outcome([], True))
                return
            tasks = [
                self._task(run, header["fn"], [item], (), {"map": header["param"]})
                for item in items
            ]
            left = [len(tasks)]

            def one(_outcome):
                left[0] -= 1
                if left[0] == 0:
                    outcomes = [task.request.outcome for task in tasks]
                    failed = next((o for o in outcomes if o.error is not None), None)
                    self._finish(request, failed or Outcome([o.single() for o in outcomes], True))

            for task in tasks:
                task.request.then.append(one)
            self._execute(*tasks)

        self._resolved(connection, header, blobs, run, request, then)

    def _reduce(self, connection, header, blobs, run, request):
        accumulator, item_name = header["params"]

        def then(items):
            if not items:
                text = "reduce of empty iterable with no initial value"
                self._finish(request, Outcome(error=_error("sdk_usage", "SDKUsageError", text)))
                return
            rest = deque(items[1:])

            def step(outcome):
                if outcome.error is not None or not rest:
                    self._finish(request, outcome)
                    return
                names = [accumulator, item_name]
                values = [outcome.single(), rest.popleft()]
                task = self._task(run, header["fn"], [pickle.dumps({}, 5), *values], names)
                task.request.then.append(step)
                self._execute(task)

            step(Outcome([items[0]]))

        self._resolved(connection, header, blobs, run, request, then)

    # Execution

    def _task(self, run, fn, blobs, deps, extra=None):
        self.counter += 1
        task = Task(self.counter, fn, run, blobs, deps, extra)
        task.connection = run.connection
        record = run.connection.functions.get(fn) or {}
        retries = record.get("retries")
        task.retries = run.app_retries if retries is None else retries
        self.tasks[task.number] = task
        run.open += 1
        return task

    def _execute(self, *tasks):
        for task in tasks:
            task.attempt += 1
            task.connection.waiting.append(task)
        for connection in {id(t.connection): t.connection for t in tasks}.values():
            self._pump(connection)

    def _pump(self, connection):
        calls, blobs = [], []
        while connection.waiting and connection.busy < connection.slots:
            task = connection.waiting.popleft()
            connection.busy += 1
            task.holds_slot = True
            task.open_requests = 0
            calls.append(
                {"call": task.number, "attempt": task.attempt, "fn": task.fn, "deps": task.deps,
                 "input": "pickle", "timeout": 300, "request": task.run.id, **task.extra}
            )  # fmt: skip
            blobs += task.blobs
        if calls:
            connection.send({"t": "run", "calls": calls}, blobs)

    def _end(self, end, blobs):
        task = self.tasks[end["call"]]
        connection = task.connection
        if task.holds_slot and task.open_requests == 0:
            connection.busy -= 1
        task.holds_slot = False
        if end["attempt"] != task.attempt or task.request.outcome is not None:
            self._pump(connection)
            return
        task.end = end
        if "tail" in end:
            target = connection.requests[end["tail"]]
            self._when([target], lambda _failed: self._ended(task, target.outcome))
        elif end["ok"]:
            self._ended(task, Outcome(blobs))
        else:
            error = end["error"]
            if error["kind"] != "request" and not end.get("final") and task.attempt <= task.retries:
                self._execute(task)
                return
            self._ended(task, Outcome(error=error))
        self._pump(connection)

    def _ended(self, task, outcome):
        task.run.open -= 1
        self._finish(task.request, outcome)
        self._maybe_finish(task.run)

    def interrupt(self, number, why="timeout"):
        task = self.tasks[number]
        task.connection.send(
            {"t": "interrupt", "call": number, "attempt": task.attempt, "why": why}
        )


def _error(kind, name, message):
    text = str(message)
    return {"kind": kind, "type": name, "message": text, "traceback": text, "frames": []}


def wait_until(condition, timeout=10.0):
    """Poll until a condition holds; False when it never did."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
