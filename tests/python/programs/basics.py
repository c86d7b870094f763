"""Functions that the tests call one by one."""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
import time

from tensorlake.applications import (
    RETURN_WHEN,
    DeserializationError,
    FunctionError,
    Future,
    Logger,
    RequestContext,
    RequestError,
    Retries,
    SDKUsageError,
    SerializationError,
    TimeoutError,
    application,
    cls,
    function,
)

leak = contextvars.ContextVar("leak", default=None)


@function()
def inc(x: int) -> int:
    return x + 1


@function()
def add(a, b):
    return a + b


@function()
def everything(a, /, b, *rest, c=3, **more):
    return [a, b, list(rest), c, more]


@function()
def fail(kind: str):
    if kind == "value":
        raise ValueError("wrong value")
    if kind == "request":
        raise RequestError("stop it")
    if kind == "exit":
        sys.exit(3)
    if kind == "recursion":
        return deep(kind)
    if kind == "chain":
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise RuntimeError("outer") from error
    raise BaseException("base")


def deep(x):
    return deep(x)


@function()
async def double(x):
    await asyncio.sleep(0)
    return 2 * x


@function()
def nap(seconds):
    time.sleep(seconds)
    return seconds


@function()
def down(n: int) -> int:
    return 0 if n == 0 else down(n - 1) + 1


@function(durable=False, retries=2, concurrency=5, effect=True, version="v1", timeout=172800)
def options(x, y=(1, 2), z={"a": 1}):
    return x


@function()
def unpicklable():
    return {"locks": [1, threading.Lock()]}


_tries = []


@function(retries=Retries(max_retries=2))
def flaky(values: list):
    _tries.append(1)
    values.append(len(_tries))
    if len(_tries) < 3:
        raise RuntimeError("again")
    return values


@cls()
class Counter:
    def __init__(self):
        self.count = 0

    @function()
    def bump(self, by: int = 1):
        self.count += by
        return self.count


@application()
@function()
def bindings() -> list:
    return [
        everything(1, 2),
        everything(1, b=2),
        everything(1, 2, 3, 4, c=5, d=6),
        everything(inc.future(0), 2, inc.future(2), d=inc.future(5)),
        [e for e in _type_errors()],
    ]


def _type_errors():
    for args, kwargs in (((), {}), ((1, 2, 3), {}), ((1,), {"a": 2, "b": 3}), ((1, 2), {"zz": 1})):
        try:
            yield add(*args, **kwargs)
        except FunctionError as error:
            yield str(error).strip().splitlines()[-1]


@application()
@function()
def errors() -> dict:
    found = {}
    for kind in ("value", "request", "exit", "recursion", "chain", "base"):
        try:
            fail(kind)
        except RequestError as error:
            found[kind] = ["RequestError", error.message]
        except FunctionError as error:
            found[kind] = ["FunctionError", str(error)]
    return found


@application()
@function()
def serialization() -> list:
    texts = []
    for value in ({"handlers": [1, 2, {"lock": threading.Lock()}]}, [inc.future(1)], inc):
        try:
            add(value, 1)
        except SerializationError as error:
            texts.append(str(error))
    try:
        unpicklable()
    except SerializationError as error:
        texts.append(str(error))
    return texts


@application()
@function()
def map_list() -> list:
    results = inc.map([1, 2, inc.future(2)])
    assert type(results) is not list and isinstance(results, list) and results == [2, 3, 4]
    chained = inc.future.map(inc.future.map(range(3)))
    return [
        results,
        chained.result(),
        inc.future.map(range(4)).reduce(add, 10).result(),
        add.reduce([1, 2, 3], initial=5),
        inc.awaitable(1).run().result(),
        add.reduce(inc.future.map(range(3)), inc.future(10)),
        inc.map([]),
        add.reduce([7]),
        add(results, [5]),
    ]


@application()
@function()
async def async_calls() -> list:
    task = asyncio.create_task(double(1))
    both = await asyncio.gather(double(2), double(double(3)))
    mapped = await double.map([1, double(2)])
    future = inc.future(1)
    return [await task, both, mapped, await future, await future, inc(4)]


@application()
@function()
def tail(x: int) -> int:
    return middle.future(x)


@function()
def middle(x):
    return inc.future(inc.future(x))


@application()
@function()
async def async_tail(x: int):
    return double(x)


@application()
@function()
def waiting() -> list:
    slow, fast = nap.future(0.4).run(), nap.future(0.0).run()
    done, rest = Future.wait([slow, fast], return_when=RETURN_WHEN.FIRST_COMPLETED)
    assert done == [fast] and rest == [slow], (done, rest)
    late = nap.future(0.5)
    try:
        late.result(timeout=0.05)
    except TimeoutError:
        pass
    else:
        raise AssertionError("no TimeoutError")
    assert late.done() and isinstance(late.exception, TimeoutError)
    start = time.monotonic()
    inc.future(1).run_later(0.2).result()
    assert time.monotonic() - start >= 0.2
    while not slow.done():
        time.sleep(0.01)
    return [slow.result(), fast.result()]


@application()
@function()
def retried() -> list:
    _tries.clear()
    return flaky(["start"])


@application()
@function()
def counted() -> list:
    return [Counter().bump(), Counter.bump(by=2), leak.get()]


@application()
@function()
def state() -> list:
    leak.set("leaked")
    context = RequestContext.get()
    context.state.set("k\u00e9y", {"a": [1]})
    context.progress.update(1, 2, "half", {"a": "b"})
    context.metrics.counter("n", 2)
    context.metrics.timer("t", 1.5)
    found = []
    thread = threading.Thread(target=lambda: found.append(context.state.get("k\u00e9y")))
    thread.start()
    thread.join()
    texts = []
    for call in (
        lambda: context.state.set(1, 2),
        lambda: context.metrics.counter("n", True),
        lambda: context.progress.update(-1, 2),
    ):
        try:
            call()
        except SDKUsageError as error:
            texts.append(str(error))
    return [found[0], context.state.get("none", 7), texts]


def child(context, queue):
    context.state.set("from child", os.getpid())
    queue.put(context.request_id)


@application()
@function()
def processes() -> list:
    import multiprocessing

    assert multiprocessing.get_start_method() == "spawn"
    context = RequestContext.get()
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=child, args=(context, queue))
    process.start()
    request = queue.get(timeout=20)
    process.join()
    return [request == context.request_id, context.state.get("from child") == process.pid]


@application()
@function()
def forked() -> str:
    """A forked child must neither hurt the connection nor be able to call."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            inc(1)
            text = "called"
        except SDKUsageError as error:
            text = str(error)
        os.write(write, text.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    text = os.read(read, 10000).decode()
    inc(1)
    return text


@application()
@function()
def output() -> str:
    print("line one")
    sys.stdout.write("part")
    sys.stdout.buffer.write(b"\xff\n")
    print("bad \udcff surrogate", file=sys.stderr)
    Logger.get_logger(a=1).info("hello", b=2)
    sys.stdout.close()
    print("after close")
    assert sys.stdout.fileno() == 1 and not sys.stdout.isatty()
    thread = threading.Thread(target=lambda: print("from a thread"))
    thread.start()
    thread.join()
    return "ok"


@application()
@function()
def flood(megabytes: int) -> str:
    for _ in range(megabytes):
        sys.stdout.write("x" * 1023 * 1024 + "\n")
    print("the end")
    return "ok"


@application()
@function()
def naps(count: int) -> float:
    start = time.monotonic()
    nap.map([0.3] * count)
    return time.monotonic() - start


@application()
@function()
def nested(depth: int) -> int:
    return down(depth)


@application()
@function()
def stuck() -> str:
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


@application()
@function()
def talks() -> str:
    print("early")
    time.sleep(30)
    return "ok"


@application()
@function()
def blocked() -> str:
    return nap(60)


@application()
@function()
def detached() -> str:
    nap.future(0.1).run()
    nap.future(0.1)
    return "ok"


@application()
@function()
def outside() -> list:
    texts = []

    def work():
        for call in (lambda: inc(1), RequestContext.get, inc.future(1).run):
            try:
                call()
            except SDKUsageError as error:
                texts.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return texts


@application()
@function()
def typed(count: int, names: list[str] = [], maybe: float | None = None) -> dict[str, int]:
    return {"count": count, "names": len(names), "maybe": maybe is None}


@application()
@function()
def wrong_output() -> int:
    return "not a number"


@application()
@function()
def reads_bad() -> str:
    try:
        gives_bad()
    except DeserializationError:
        return "caught"
    return "not caught"


class Bad:
    def __setstate__(self, state):
        raise RuntimeError("cannot be read")

    def __init__(self):
        self.x = 1


@function()
def gives_bad():
    return Bad()


@application()
@function()
def killer() -> str:
    os._exit(7)
