"""Future: a call, map or reduce that is or will be running.

A Future is made unstarted; ``run``, ``result``, awaiting it, passing it as an argument or returning
it starts it. Its outcome arrives on the connection and is unpickled when it is first looked at.
What the engine is asked is decided in :mod:`tlb_runtime.requests`; this module holds state and
rules that user code sees.
"""

from __future__ import annotations

import enum
import sys
from types import CoroutineType

from tlb_runtime import requests

from .exceptions import InternalError, SDKUsageError, TensorlakeError

# Looked up at call time in this module: tests replace them.
runtime_hook_run_future = requests.run_future
runtime_hook_wait_futures = requests.wait_futures


class RETURN_WHEN(enum.Enum):
    """When Future.wait() returns."""

    FIRST_COMPLETED = 0
    FIRST_FAILURE = 1
    ALL_COMPLETED = 2


class _Missing:
    def __repr__(self) -> str:
        return "<missing>"


_FutureResultMissing = _Missing()
_InitialMissing = _Missing()
_INFINITY = float("inf")


def _is_duration(value) -> bool:
    return type(value) in (int, float) and 0 <= value < _INFINITY


class Future:
    """A computation; see the subclasses. Never copied, never pickled."""

    def __init__(self, function):
        self._function = function
        self._run_hook_was_called = False
        self._start_delay = None
        self._coroutine = None
        self._result = _FutureResultMissing
        self._exception = None
        #: The request on the connection, once started (see tlb_runtime.session.Pending).
        self._pending = None
        #: Where it was made. It may be started where no line of the user's code is being executed.
        self._at = requests.call_site()

    @property
    def _function_name(self) -> str:
        return self._function._name

    def run(self) -> Future:
        """Start now and return self. Raises SDKUsageError when it was started before."""
        if self._run_hook_was_called:
            raise SDKUsageError(f"Attempt to run Future that is already started: {self}")
        self._run_hook_was_called = True
        try:
            runtime_hook_run_future(self)
        except TensorlakeError as error:
            self._exception = error
            raise
        return self

    def run_later(self, start_delay: float) -> Future:
        """Start after ``start_delay`` seconds and return self."""
        if not _is_duration(start_delay):
            raise SDKUsageError("Future delay must be a non-negative finite number.")
        if not self._run_hook_was_called:
            self._start_delay = start_delay
        return self.run()

    def done(self) -> bool:
        """True when it ended, well or not."""
        if self._exception is not None or self._result is not _FutureResultMissing:
            return True
        pending = self._pending
        return pending is not None and pending.answer is not None

    @property
    def exception(self):
        """Why it failed; None while it runs and when it succeeded."""
        self._settle()
        return self._exception

    def result(self, timeout: float | None = None):
        """The result, waited for. Starts the computation if need be.

        Raises what the computation failed with, or TimeoutError; a timeout is final: the Future
        then counts as failed with it.
        """
        if not self.done():
            if not self._run_hook_was_called:
                self.run()
            runtime_hook_wait_futures([self], timeout=timeout, return_when=RETURN_WHEN.ALL_COMPLETED)
        return self._done_result()

    def __await__(self):
        if not self.done():
            if not self._run_hook_was_called:
                self.run()
            yield from requests.await_future(self)
            self._coroutine = None
        return self._done_result()

    def coroutine(self):
        """The coroutine of this Future, as an async function call returns it."""
        if not _in_event_loop():
            raise SDKUsageError(
                "Future.coroutine() can only be called from an async function. "
                "Use Future.result() to get the result in a sync function."
            )
        if self._run_hook_was_called:
            raise SDKUsageError(
                f"Future.coroutine() cannot be called on a Future that is already running: {self}"
            )
        if self._coroutine is not None:
            return self._coroutine
        return _wrap_future_into_coroutine(self)

    @classmethod
    def wait(cls, futures, timeout: float | None = None, return_when=RETURN_WHEN.ALL_COMPLETED):
        """Start what is not started, wait, and return ``(done, not_done)`` in the given order.

        When ``timeout`` expires, what has not ended counts as failed with TimeoutError and is in
        ``done``. Failures are not raised here.
        """
        listed = list(futures)
        if timeout is not None and not _is_duration(timeout):
            raise SDKUsageError("Future.wait timeout must be a non-negative finite number.")
        if not isinstance(return_when, RETURN_WHEN):
            raise SDKUsageError(f"Not supported return_when value: '{return_when}'")
        for future in listed:
            if not isinstance(future, Future):
                raise SDKUsageError(f"Cannot run a non-Future object {future}.")
            if not future._run_hook_was_called:
                future.run()
        return runtime_hook_wait_futures(futures=listed, timeout=timeout, return_when=return_when)

    def _settle(self) -> None:
        """Take over the outcome if it has arrived."""
        pending = self._pending
        if (
            pending is not None
            and pending.answer is not None
            and self._exception is None
            and self._result is _FutureResultMissing
        ):
            try:
                self._result = requests.outcome(pending, self)
            except TensorlakeError as error:
                self._exception = error

    def _done_result(self):
        self._settle()
        if self._exception is not None:
            raise self._exception
        if self._result is _FutureResultMissing:
            raise InternalError(f"Attempt to get result of a Future that is not done: {self}")
        return self._result

    def _inputs(self):
        """The values it is given, in the order in which Futures among them are started."""
        raise NotImplementedError

    def __reduce__(self):
        raise SDKUsageError(
            f"Attempt to pickle {self}. It cannot be stored inside an object "
            "which is a function argument or returned from a function."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._function_name!r}, done={self.done()!r}>"

    def __str__(self) -> str:
        from ._pretty_print import pretty_print

        return pretty_print(self)


class FunctionCallFuture(Future):
    """One call of a function."""

    def __init__(self, function, args, kwargs):
        super().__init__(function)
        self._args = args
        self._kwargs = kwargs

    def _inputs(self):
        if not self._kwargs:
            return self._args
        return [*self._args, *(self._kwargs[name] for name in sorted(self._kwargs))]


class MapFuture(Future):
    """A function applied to every item; ``_items`` is a list, or what resolves to one."""

    def __init__(self, function, items):
        super().__init__(function)
        self._items = items

    def _inputs(self):
        return self._items if type(self._items) is list else [self._items]

    def reduce(self, function, initial=_InitialMissing) -> ReduceOperationFuture:
        """A Future of the results reduced in order, the accumulator going to the parameter
        named ``acc`` or ``accumulator``, else to the second."""
        return ReduceOperationFuture(function, self, initial, method_form=True)


class ReduceOperationFuture(Future):
    """Items folded into one value by calls of a function."""

    def __init__(self, function, items, initial, method_form: bool = False):
        super().__init__(function)
        self._items = items
        self._initial = initial
        self._method_form = method_form

    def _inputs(self):
        items = self._items if type(self._items) is list else [self._items]
        return items if self._initial is _InitialMissing else [self._initial, *items]


class MapResults(list):
    """The results of a map: a list that can be reduced. Equal to, and pickled as, a list."""

    __slots__ = ()

    def reduce(self, function, initial=_InitialMissing):
        """Call the function for each item in order with what was accumulated so far.

        The accumulator is given to the parameter named ``acc`` or ``accumulator``; when there is
        none, the call is ``function(item, accumulator)``.
        """
        future = ReduceOperationFuture(function, list(self), initial, method_form=True)
        return function._run(future)

    def __reduce_ex__(self, protocol):
        return list, (), None, iter(self)


def _materialize(items):
    """A list of the items, unless they are the result of one Future."""
    if isinstance(_unwrap_future(items), Future):
        return items
    return list(items)


#: id of a coroutine -> its Future, for coroutines made here. Coroutines belong to user code, so
#: entries are removed when theirs is collected.
_coroutine_futures: dict = {}


def _wrap_future_into_coroutine(future: Future):
    """A coroutine that starts the Future in its first step and then waits for it.

    Starting is synchronous, so that calls start in the order in which user code says.
    """
    import weakref

    requests.require_session()

    async def tensorlake_async_function_coroutine():
        future.run()
        return await future

    coroutine = tensorlake_async_function_coroutine()
    future._coroutine = coroutine
    key = id(coroutine)
    _coroutine_futures[key] = (future, weakref.ref(coroutine, _forget(key)))
    return coroutine


def _forget(key: int):
    return lambda _ref: _coroutine_futures.pop(key, None)


def _unwrap_future(value):
    """The Future that a value stands for (itself, a coroutine, an asyncio.Task), or the value."""
    if isinstance(value, Future):
        return value
    if type(value) is CoroutineType:
        coroutine = value
    else:
        asyncio = sys.modules.get("asyncio")
        if asyncio is None or not isinstance(value, getattr(asyncio, "Task", ())):
            return value
        coroutine = value.get_coro()
    found = _coroutine_futures.get(id(coroutine))
    return value if found is None else found[0]


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
